"""Stacks of PET images with standardized uptake values instead of activity, on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from voxelry.core.errors import Problem, SuvError, named
from voxelry.dicom.acquisition.decay_times import scan_times
from voxelry.dicom.acquisition.emission_attributes import EmissionAttributes
from voxelry.dicom.acquisition.suv_factor import (
    SUV_FORMULAS,
    SUV_TYPES,
    SUV_UNITS,
    SuvKind,
    emission_units,
    suv_factors,
)
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.frame_facts import Facts
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.headers.attributes import text
from voxelry.dicom.series.real_world import mappings_of
from voxelry.dicom.series.real_world_stacks import in_real_world
from voxelry.dicom.series.stack import Stack

_MEASURES = {"bw": "body weight", "lbm": "lean body mass", "lbm-james": "lean body mass", "bsa": "body surface area"}


def in_suv(stacks: Sequence[Stack], kind: SuvKind) -> tuple[tuple[Stack, ...], dict[str, Problem]]:
    """The stacks of a series with standardized uptake values.

    Parameters
    ----------
    stacks
        All of a series, because decay may be corrected to the earliest of its frames.

    Returns
    -------
    stacks
        None of PET whose headers do not allow it; of other modalities all, as they are, with a warning.
    refused
        Why, by file name.
    """
    if not stacks or text(stacks[0].frames[0].header.elements, "Modality") != "PT":
        return tuple(map(_not_used, stacks)), {}
    stacks = tuple(map(_in_mapped_units, stacks))
    scan = cache(lambda: scan_times([frame for stack in stacks if _is_emission(stack) for frame in stack.frames]))
    known: dict[tuple[int, float], Facts] = {}
    found: list[Stack] = []
    refused: dict[str, Problem] = {}
    for stack in stacks:
        try:
            found.append(_scaled(stack, suv_factors(stack.frames, kind, scan=scan), kind, known))
        except SuvError as error:
            refused |= {header.name: named(error, header.name).problem for header in stack.headers}
    return tuple(found), refused


def _in_mapped_units(stack: Stack) -> Stack:
    """Of enhanced objects, which have no Units (0054,1001): in the unit of their Real World Value Mapping, if any."""
    frame = stack.frames[0]
    if not frame.groups or EmissionAttributes.of(frame).text("Units") or not mappings_of(frame):
        return stack
    return in_real_world(stack)


def _is_emission(stack: Stack) -> bool:
    """False for what may lie in a series of PET beside its images, such as a picture of the screen."""
    try:
        emission_units(stack.frames[0])
    except SuvError:
        return False
    return True


def _scaled(stack: Stack, factors: Sequence[float], kind: SuvKind, known: dict[tuple[int, float], Facts]) -> Stack:
    frames: list[Frame] = []
    for frame, factor in zip(stack.frames, factors, strict=True):
        key = id(frame.facts), factor
        if key not in known:
            known[key] = frame.facts._replace(
                slope=frame.slope * factor, intercept=frame.intercept * factor, unit=SUV_UNITS[kind]
            )
        frames.append(replace(frame, facts=known[key], suv=SUV_TYPES[kind]))
    author = SUV_FORMULAS.get(SUV_TYPES[kind])
    formula = f", by the formula of {author}" if author else ""
    told = finding("warning", "suv", f"these are standardized uptake values by {_MEASURES[kind]}{formula}")
    return replace(stack, pile=replace(stack.pile, frames=tuple(frames), findings=(*stack.pile.findings, told)))


def _not_used(stack: Stack) -> Stack:
    words = "standardized uptake values are asked for, but these are no images of PET: these are modality values"
    told = finding("warning", "suv_not_used", words)
    return replace(stack, pile=replace(stack.pile, findings=(*stack.pile.findings, told)))
