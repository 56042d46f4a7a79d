"""Kind of an image by its Image Type: a slice, or an image derived from slices."""

from __future__ import annotations

import re

from voxelry.core.errors import Problem
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.headers.attributes import tag_label, text, texts
from voxelry.dicom.headers.header import Header

_WORDS = frozenset({
    # projections and scouts
    "LOCALIZER", "SCOUT", "TOPOGRAM", "MIP", "MINIP", "MNIP", "PROJECTION", "REPROJECTION", "VRT", "SSD",
    # reformats
    "MPR", "CPR", "REFORMATTED", "REFORMAT", "CURVED",
    # pages of text and copies of screens
    "SCREEN", "SCREENSHOT", "DOSE", "REPORT", "PROT", "POSDISP",
    # tiles
    "MOSAIC",
})  # fmt: skip
"""Words of Image Type, value 3 and after, as makers and the standard (PS3.3 C.8.3.1.1.1, C.8.2.1.1.1) write them."""
_TECHNIQUE = "VolumeBasedCalculationTechnique"


def image_kind(header: Header) -> frozenset[str]:
    """The values of Image Type that mark a derived image; empty for slices."""
    values = texts(header.elements, "ImageType")[2:]
    found = {word for value in values for word in re.split(r"[\s_]+", value.upper()) if word in _WORDS}
    technique = text(header.elements, _TECHNIQUE).strip().upper()
    return frozenset(found if technique in ("", "NONE", "MIXED") else {*found, technique})


def derived_finding(kind: frozenset[str], slices: int) -> Problem:
    """Why images of a kind are not in the stack of the series' slices."""
    named = ", ".join(sorted(kind))
    words = (
        f"{slices} image{'s' * (slices > 1)} of another kind ({named} in {tag_label('ImageType')}) than the series' "
        "slices: kept apart from their stack"
    )
    return finding("warning", "other_kind", words, kind=[*sorted(kind)], count=slices)
