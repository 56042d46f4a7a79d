"""What headers say of the volumes of a series and of their slices: the JSON in their rows beside values and windows."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict
from typing import cast

from voxelry.core.value import Value
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.side_words import NOTHING_SAID, SIDE_TAGS, Sides, is_quadruped, side_words_of
from voxelry.dicom.frames.ultrasound_regions import UltrasoundRegion, ultrasound_regions
from voxelry.dicom.headers.header import Header
from voxelry.dicom.pixels.overlays import overlaid_frames
from voxelry.dicom.series.stack import Stack as Grid
from voxelry.dicom.series.volume_separators import separators_of, volume_times

FACTS = "facts"
"""The key in the row's ``display``; rows that earlier versions made have none."""


def facts_records(grids: Sequence[Grid]) -> list[dict[str, Value]]:
    """The record of each stack of a series, in their order.

    Stacks with one ``grid`` have their voxels in the same places. ``sides`` and ``regions`` hold each distinct value
    once, and its place for each slice. ``overlays`` has the number, the instance and the frame of slices with some.
    """
    numbers = _grid_numbers(grids)
    times: dict[int, tuple[float, str]] = {}
    for number in {one for one in numbers if one is not None}:
        members = [index for index, own in enumerate(numbers) if own == number]
        found = volume_times([grids[index] for index in members])
        if found is not None:
            times |= {index: (second, found.keyword) for index, second in zip(members, found.seconds, strict=True)}
    return [
        {
            "grid": numbers[index],
            "separators": [cast(Value, asdict(one)) for one in separators_of(grid)],
            "acquired": cast(Value, list(times[index])) if index in times else None,
            **_of_slices(grid.frames),
        }
        for index, grid in enumerate(grids)
    ]


def _grid_numbers(grids: Sequence[Grid]) -> list[int | None]:
    """The number of the first stack with the same grid and frame of reference; None for one without a place."""
    firsts: dict[int, Grid] = {}
    numbers: list[int | None] = []
    for index, grid in enumerate(grids):
        if not grid.geometry.placed:
            numbers.append(None)
            continue
        same = (
            number
            for number, first in firsts.items()
            if first.geometry.same_grid(grid.geometry)
            and first.geometry.frame_of_reference_uid == grid.geometry.frame_of_reference_uid
        )
        number = next(same, index)
        firsts.setdefault(number, grid)
        numbers.append(number)
    return numbers


def _of_slices(frames: Sequence[Frame]) -> dict[str, Value]:
    sides = _sides(frames)
    regions = _regions(frames)
    return {
        "quadruped": is_quadruped(frames[0]),
        "sides": None if set(sides) == {NOTHING_SAID} else _indexed([_sides_record(one) for one in sides]),
        "regions": None if not any(regions) else _indexed([[_region_record(r) for r in one] for one in regions]),
        "overlays": [
            [number, frame.header.sop_instance_uid, frame.index]
            for number, (frame, overlaid) in enumerate(zip(frames, _by_header(frames), strict=True))
            if frame.blank is None and frame.tile is None and frame.index in overlaid
        ],
    }


def _sides(frames: Sequence[Frame]) -> list[Sides]:
    """Of each frame. Those whose headers say the same are asked once."""
    known: dict[Hashable, Sides] = {}
    found = []
    for frame in frames:
        encoded = frame.header.elements.encoded
        own = frame.groups or encoded is None
        key: Hashable = frame if own or encoded is None else tuple(map(encoded.get, SIDE_TAGS))
        if key not in known:
            known[key] = side_words_of(frame)
        found.append(known[key])
    return found


def _regions(frames: Sequence[Frame]) -> list[tuple[UltrasoundRegion, ...]]:
    known: dict[Header, tuple[UltrasoundRegion, ...]] = {}
    for frame in frames:
        if frame.header not in known:
            known[frame.header] = ultrasound_regions(frame.header, frame.pixels)
    return [known[frame.header] for frame in frames]


def _by_header(frames: Sequence[Frame]) -> list[frozenset[int]]:
    known: dict[Header, frozenset[int]] = {}
    for frame in frames:
        if frame.header not in known:
            known[frame.header] = overlaid_frames(frame.header)
    return [known[frame.header] for frame in frames]


def _indexed(values: Sequence[Value]) -> dict[str, Value]:
    """Each distinct value once, and the place of each among them."""
    places: dict[str, int] = {}
    distinct: list[Value] = []
    slices: list[Value] = []
    for value in values:
        key = repr(value)
        if key not in places:
            places[key] = len(distinct)
            distinct.append(value)
        slices.append(places[key])
    return {"distinct": distinct, "slices": slices}


def _sides_record(sides: Sides) -> dict[str, Value]:
    return {"patient_orientation": list(sides.orientation), "laterality": sides.laterality, "view": sides.view}


def _region_record(region: UltrasoundRegion) -> dict[str, Value]:
    return {
        "first_column": region.columns[0],
        "first_row": region.rows[0],
        "last_column": region.columns[1],
        "last_row": region.rows[1],
        "spatial_format": region.spatial_format,
        "data_type": region.data_type,
        "unit_x": region.units[0],
        "unit_y": region.units[1],
        "delta_x": region.deltas[0],
        "delta_y": region.deltas[1],
        "pixel_spacing_mm": None if region.pixel_spacing is None else list(region.pixel_spacing),
        "reference": None if region.reference is None else list(region.reference),
        "reference_x": region.reference_values[0],
        "reference_y": region.reference_values[1],
    }
