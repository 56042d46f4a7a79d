"""A warning where the standard's attributes and a maker's say different things of an image's diffusion weighting."""

from __future__ import annotations

from collections.abc import Sequence

from voxelry.core.errors import Problem
from voxelry.core.makers import maker_name
from voxelry.dicom.frames.diffusion import weighting_of
from voxelry.dicom.frames.diffusion_weighting import SaidOfDiffusion, unit_vector
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.makers_diffusion import makers_diffusion
from voxelry.dicom.frames.standard_diffusion import standard_diffusion
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.headers.attributes import tag_label, text

_MAKERS = ("Siemens", "Philips")
"""Whose private attributes mean what the standard's mean, in the patient's axes."""
_SAME_B, _SAME_SHARE = 10.0, 0.05
"""b-values that differ by no more than this, s/mm2, or by this fraction, are one: some count the imaging gradients."""
_SAME_AXIS = 0.99
"""The least cosine between two directions that are one; their signs mean nothing."""


def diffusion_findings(frames: Sequence[Frame]) -> list[Problem]:
    """What the first frame of a volume says in two ways that contradict each other."""
    frame = frames[0]
    weighting = weighting_of(frame)
    if weighting is None or maker_name(text(frame.header.elements, "Manufacturer")) not in _MAKERS:
        return []
    standard, own = standard_diffusion(frame), makers_diffusion(frame)
    if own is None or own.doubtful or standard.b_value is None or own.b_value is None:
        return []
    differing = abs(standard.b_value - own.b_value)
    if differing > max(_SAME_B, _SAME_SHARE * max(standard.b_value, own.b_value)):
        words = (
            f"{tag_label('DiffusionBValue')} is {standard.b_value:g} s/mm2, and the maker's private attributes say "
            f"{own.b_value:g}: {weighting.b_value:g} is taken"
        )
        numbers = {"standard": standard.b_value, "private": own.b_value, "taken": weighting.b_value}
        return [finding("warning", "diffusion_contradicts", words, attribute="DiffusionBValue", **numbers)]
    if weighting.direction is not None and _apart(standard, own):
        words = (
            f"{tag_label('DiffusionGradientOrientation')} and the maker's private attributes say different directions: "
            "the former is taken"
        )
        return [finding("warning", "diffusion_contradicts", words, attribute="DiffusionGradientOrientation")]
    return []


def _apart(standard: SaidOfDiffusion, own: SaidOfDiffusion) -> bool:
    if standard.vector is None or own.vector is None:
        return False
    one, other = unit_vector(standard.vector), unit_vector(own.vector)
    return one is not None and other is not None and abs(sum(map(float.__mul__, one, other))) < _SAME_AXIS
