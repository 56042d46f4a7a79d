"""Stacks of Philips' images with what the scanner measured instead of modality values, on request."""

from __future__ import annotations

from dataclasses import replace

from voxelry.dicom.acquisition.philips_scaling import precise_rescale
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.frame_facts import Facts
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.series.stack import Stack


def in_precise_values(stack: Stack) -> Stack:
    """The stack with precise values, slice by slice; with modality values and a warning if it has none."""
    known: dict[tuple[int, tuple[float, float]], Facts] = {}
    frames: list[Frame] = []
    for frame in stack.pile.frames:
        scale = precise_rescale(frame)
        if scale is None:
            return _not_precise(stack)
        key = id(frame.facts), scale
        if key not in known:
            slope, intercept = scale
            known[key] = frame.facts._replace(
                slope=slope, intercept=intercept, unit="", scaled_by=("RescaleSlope", "RescaleIntercept")
            )
        frames.append(replace(frame, facts=known[key], philips_precise=True))
    return replace(stack, pile=replace(stack.pile, frames=tuple(frames)))


def _not_precise(stack: Stack) -> Stack:
    words = (
        "Philips' precise values are asked for, but these are not magnitudes of magnetic resonance with a Scale Slope "
        "(2005,xx0E) in every frame: these are modality values"
    )
    told = finding("warning", "philips_precise_not_used", words)
    return replace(stack, pile=replace(stack.pile, findings=(*stack.pile.findings, told)))
