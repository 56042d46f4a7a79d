"""How the slices of a stack are displayed: the JSON in its row beside its windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import cast

import numpy as np
import numpy.typing as npt

from voxelry.core.display import default_voi, plane_voi
from voxelry.core.histogram import Histogram
from voxelry.core.intensity import Voi, VoiTable
from voxelry.core.planes import Axis
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.frames.cine import cine_of
from voxelry.dicom.frames.frame import Frame
from voxelry.formats.shared.volume_record import recorded_slice_voi, recorded_voi, slice_voi_record, voi_record
from voxelry.server.archive.models import Stack


def display_record(volume: Volume, frames: Sequence[Frame], *, counted: Histogram | None) -> dict[str, Value]:
    """The display record of a stack's row; empty if all slices are displayed alike, without tables or padding."""
    common = default_voi(volume, counted=counted)
    found: dict[str, Value] = {}
    if volume.voi_tables and not volume.colour:
        found["tables"] = [voi_record(one) for one in volume.voi_tables]
    if isinstance(common, VoiTable):
        found["default_table"] = volume.voi_tables.index(common)
    if volume.slice_voi:
        found["slice_voi"] = slice_voi_record(volume.slice_voi)
    if volume.pixel_aspect is not None:
        found["pixel_aspect"] = volume.pixel_aspect
    if volume.padding is not None and not volume.colour:
        found["padding"] = _padding(volume.padding)
    cine = cine_of(frames)
    if cine is not None:
        found["cine"] = cast(Value, {**asdict(cine), "durations": list(cine.durations)})
    if volume.affine is None and any(frame.orientation for frame in frames):
        found["places"] = [_place(frame) for frame in frames]
    return found


def _padding(padding: npt.NDArray[np.float64]) -> list[Value]:
    """The range of padding values: one pair if all slices agree, else a pair or None for each slice."""
    ends: list[Value] = [None if math.isnan(low) else [low, high] for low, high in padding.tolist()]
    return ends[:1] if all(one == ends[0] for one in ends) else ends


def _place(frame: Frame) -> dict[str, Value]:
    return {
        "position": None if frame.position is None else list(frame.position),
        "orientation": None if frame.orientation is None else list(frame.orientation),
    }


def tables_of(stack: Stack) -> tuple[VoiTable, ...]:
    """The VOI LUTs in the header."""
    found = (recorded_voi(record) for record in stack.display.get("tables", []))
    return tuple(one for one in found if isinstance(one, VoiTable))


def slice_voi_of(stack: Stack) -> tuple[Voi | None, ...]:
    """The window or table of each slice; empty if all slices have the same."""
    return recorded_slice_voi(stack.display.get("slice_voi", {}), stack.shape[0])


def common_voi(stack: Stack) -> Voi | None:
    """The default window or table of all slices; None if slices have their own."""
    tables = tables_of(stack)
    place = stack.display.get("default_table")
    return tables[place] if place is not None and place < len(tables) else recorded_voi(stack.default_window)


def shown_with(stack: Stack, volume: Volume, axis: Axis | None, index: int) -> Voi:
    """The default window or table of a plane."""
    return plane_voi(volume, axis, common=common_voi(stack))[index]
