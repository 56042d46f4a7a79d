"""Warnings about rescale attributes that only some slices of a stack have, so that values are not comparable."""

from __future__ import annotations

from collections.abc import Sequence

from voxelry.core.errors import Problem
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.shared_frames import one_of_each
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.headers.attributes import tag_label

_IDENTITY = {"RescaleSlope": 1.0, "RescaleIntercept": 0.0}
"""Default of an absent attribute; no warning is needed if all other slices have this value."""


def scaling_findings(frames: Sequence[Frame]) -> list[Problem]:
    """Attributes of the Modality LUT module that some frames have and others lack; a warning for those that do.

    Slopes that differ between slices are normal in PET (PS3.3 C.11.1).
    """
    kinds = list(one_of_each(frames))
    if len({kind.facts.scaled_by for kind in kinds}) == 1:
        return []
    lacking: dict[tuple[Frame, ...], list[str]] = {}
    for keyword in ("ModalityLUTSequence", *_IDENTITY):
        without = tuple(frame for frame in frames if _lacks(frame, keyword))
        given = [kind for kind in kinds if keyword in kind.facts.scaled_by]
        if without and any(_scale(kind, keyword) != _IDENTITY.get(keyword) for kind in given):
            lacking.setdefault(without, []).append(keyword)
    return [_finding(without, keywords, frames) for without, keywords in lacking.items()]


def _lacks(frame: Frame, keyword: str) -> bool:
    """True if the frame has not this attribute; a lookup table stands instead of slope and intercept."""
    scaled_by = frame.facts.scaled_by
    return keyword not in scaled_by and "ModalityLUTSequence" not in scaled_by


def _scale(frame: Frame, keyword: str) -> float | None:
    return {"RescaleSlope": frame.slope, "RescaleIntercept": frame.intercept}.get(keyword, 0.0)


def _finding(without: Sequence[Frame], keywords: list[str], frames: Sequence[Frame]) -> Problem:
    files = len({frame.header for frame in frames})
    lacking, total = (len({frame.header for frame in without}), files) if files > 1 else (len(without), len(frames))
    kind = "files" if files > 1 else "frames"
    said = " and ".join(tag_label(keyword) for keyword in keywords)
    words = (
        f"{said} {'is' if len(keywords) == 1 else 'are'} missing or empty in {lacking} of {total} {kind} and changes "
        f"the values of the others, so that the slices are of different scales; the first of them is "
        f"{without[0].header.name}: send the series again from where it was made"
    )
    return finding("warning", "scaling", words, attributes=list(keywords), without=lacking, of=total)
