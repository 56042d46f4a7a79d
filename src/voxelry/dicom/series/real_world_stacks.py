"""Stacks with real-world values instead of modality values, on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.frame_facts import Facts
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.headers.attributes import tag_label
from voxelry.dicom.series.real_world import SEQUENCE, RealWorldMap, mappings_of
from voxelry.dicom.series.stack import Stack


def in_real_world(stack: Stack) -> Stack:
    """The stack with real-world values; with modality values and a warning if it has no usable mapping."""
    known: dict[tuple[int, RealWorldMap], Facts] = {}
    frames: list[Frame] = []
    for frame in stack.pile.frames:
        lines = [one for one in mappings_of(frame) if one.slope]
        if not lines or "ModalityLUTSequence" in frame.header.elements:
            return _not_used(stack)
        frames.append(_mapped(frame, lines, known))
    return replace(stack, pile=replace(stack.pile, frames=tuple(frames)))


def _not_used(stack: Stack) -> Stack:
    words = (
        f"real-world values are asked for, but not every frame has a line in {tag_label(SEQUENCE)}, or it lies beside "
        f"{tag_label('ModalityLUTSequence')}: these are modality values"
    )
    told = finding("warning", "real_world_not_used", words)
    return replace(stack, pile=replace(stack.pile, findings=(*stack.pile.findings, told)))


def _mapped(frame: Frame, lines: Sequence[RealWorldMap], known: dict[tuple[int, RealWorldMap], Facts]) -> Frame:
    one = lines[0]
    key = id(frame.facts), one
    if key not in known:
        more = f"; {len(lines) - 1} more mappings are not used" if len(lines) > 1 else ""
        words = f"real-world values by {tag_label(SEQUENCE)}: {one.words}{more}"
        known[key] = frame.facts._replace(
            slope=one.slope or 1.0,
            intercept=one.intercept or 0.0,
            unit=one.unit,
            warnings=(*frame.facts.warnings, words),
        )
    return replace(frame, facts=known[key], real_world=True)
