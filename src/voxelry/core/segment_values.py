"""Volumes that are segmentations: what their values mean, as the attributes that came with them say (PS3.3 C.8.20)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from voxelry.core.volume import Volume

SegmentKind = Literal["", "mask", "occupancy", "probability", "labels"]
"""Empty for a volume that is no segmentation."""
OCCUPANCY = "occupancies (Segmentation Fractional Type (0062,0010)): mm3 are the sum of all fractions, not the count"
PROBABILITY = (
    "probabilities (Segmentation Fractional Type (0062,0010)): from which probability on a voxel counts is nobody's "
    "word but yours, so there are no mm3 until you give a threshold"
)
_NAMED = 20


def segment_kind(volume: Volume) -> SegmentKind:
    """What the values of a volume are, if it is a segmentation as DICOM holds it."""
    match str(volume.metadata.get("SegmentationType") or ""):
        case "BINARY":
            return "mask"
        case "FRACTIONAL":
            of = str(volume.metadata.get("SegmentationFractionalType") or "")
            return "occupancy" if of == "OCCUPANCY" else "probability"
        case "LABELMAP":
            return "labels"
    return ""


def sum_of(volume: Volume) -> float:
    """The sum of all values."""
    return float(sum(float(plane.sum(dtype=np.float64)) for plane in volume.array))


def labelled(volume: Volume) -> tuple[int, str]:
    """How many voxels of a label map have a label, and how many each label has, in words.

    Labels are names, not intensities: no threshold parts them.
    """
    background = volume.metadata.get("PixelPaddingValue")
    background = background if isinstance(background, int) else 0
    counts: dict[int, int] = {}
    for plane in volume.array:
        for value, count in zip(*(part.tolist() for part in np.unique(plane, return_counts=True)), strict=True):
            counts[value] = counts.get(value, 0) + count
    counts.pop(background, None)
    voxel = volume.voxel_mm3
    told = [
        f"label {label}: {count:,} pixels" + ("" if voxel is None else f", {count * voxel:.10g} mm3")
        for label, count in sorted(counts.items())
    ]
    more = f"; and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    words = f"a label map: every pixel with a label counts, whatever the threshold ({'; '.join(told[:_NAMED])}{more})"
    return sum(counts.values()), words if told else "a label map without any label"
