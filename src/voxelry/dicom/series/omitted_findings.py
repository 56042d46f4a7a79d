"""Findings about the frames that a segmentation omits."""

from __future__ import annotations

from collections.abc import Sequence

from voxelry.core.errors import Problem
from voxelry.core.value import Value
from voxelry.dicom.frames.frame import Frame, StepFrom
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.headers.attributes import tag_label

_SOURCE_WORDS: dict[StepFrom, str] = {
    "source": "the slices are those of the source images",
    "spacing": f"{tag_label('SpacingBetweenSlices')} tells their distance",
    "gap": "the smallest gap between them is taken as their distance",
}


def omitted_findings(frames: Sequence[Frame], spacing: float | None) -> list[Problem]:
    """How many slices of a segment are encoded, and where their spacing comes from."""
    step_from = frames[0].step_from
    if not step_from:
        return []
    found, total = [], len(frames)
    encoded = sum(frame.blank is None for frame in frames)
    numbers: dict[str, Value] = {"encoded": encoded, "slices": total, "step_from": step_from}
    if encoded < total:
        words = (
            f"{encoded} of {total} slices are encoded, the others are empty ({_SOURCE_WORDS[step_from]}); "
            "an annotation of some slices only looks the same"
        )
        found.append(finding("warning", "omitted_frames", words, **numbers))
    if step_from == "gap" and spacing is not None:
        words = (
            f"the slices' distance of {spacing:.4g} mm is the smallest gap between encoded frames: neither the source "
            f"images nor a {tag_label('SpacingBetweenSlices')} that fits them tell it"
        )
        found.append(finding("warning", "step_from_gap", words, spacing_mm=round(spacing, 6)))
    return found
