"""A template's instances with other values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import ParameterError
from voxelry.core.intensity import Window
from voxelry.dicom.frames.multiframe_positions import RT_DOSE
from voxelry.dicom.pixels.encode import EXPLICIT, RLE
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.write.derived_header import Changes, colour_dtype, head_of
from voxelry.dicom.write.header_bytes import decimal_string
from voxelry.dicom.write.instance_files import InstanceFile
from voxelry.dicom.write.stored_from_modality import Container, FiniteRange, Storage, StoredPlane, extents_of, plan
from voxelry.dicom.write.template import Filled, is_looked_up

Ends = tuple[int, int]


def refilled(
    filled: Sequence[Filled],
    names: Sequence[str],
    stacks: Sequence[Stack],
    changes: Changes,
    non_finite: float | None,
    warnings: list[str],
) -> list[InstanceFile]:
    """The template's instances with their new values, in the same order.

    Parameters
    ----------
    changes
        What is the same for all; how values are stored is decided here, once for all instances of one kind of pixels.
    warnings
        More are added.
    """
    kinds: dict[object, list[int]] = {}
    for number, one in enumerate(filled):
        kinds.setdefault(_kind(one), []).append(number)
    found: dict[int, InstanceFile] = {}
    for numbers in kinds.values():
        alike = [filled[number] for number in numbers]
        own, ends = _changes_of(alike, stacks, changes, non_finite, warnings)
        for number, one, its in zip(numbers, alike, ends, strict=True):
            found[number] = _instance(names[number], one, own, its)
    return [found[number] for number in range(len(filled))]


def _kind(one: Filled) -> object:
    pixels = one.pixels
    if pixels.kind != "grey":
        return "colour", colour_dtype(pixels)
    return pixels.keyword, pixels.dtype, pixels.bits_stored, one.header.sop_class_uid, is_looked_up([one])


def _changes_of(
    filled: Sequence[Filled], stacks: Sequence[Stack], changes: Changes, non_finite: float | None, warnings: list[str]
) -> tuple[Changes, list[Ends]]:
    """With how these instances' values are stored, and each one's smallest and largest stored value."""
    if filled[0].pixels.kind != "grey":
        _check_colour(filled, changes.transfer_syntax)
        return changes, [(0, 0)] * len(filled)
    planes = [plane for one in filled for plane in one.planes]
    extents = extents_of(planes, non_finite)
    storage = _storage(filled, planes, extents, non_finite, stored=changes.stored)
    warnings += remarks(storage, extents, changes.transfer_syntax)
    every = [storage.extent(plane, extent) for plane, extent in zip(planes, extents, strict=True)]
    window = None if changes.stored and changes.unit is None else _new_window(stacks, extents, changes.unit)
    return replace(changes, storage=storage, window=window, ends=_around(every)), _ends_by_instance(filled, every)


def _storage(
    filled: Sequence[Filled],
    planes: Sequence[StoredPlane],
    extents: Sequence[FiniteRange],
    non_finite: float | None,
    *,
    stored: bool,
) -> Storage:
    pixels = filled[0].pixels
    whole = pixels.keyword == "PixelData"
    container = Container(pixels.dtype, pixels.bits_stored) if whole else Container(np.dtype("u2"), 16)
    knows_no_intercept = any(
        one.header.sop_class_uid == RT_DOSE or "DecayCorrection" in one.header.elements for one in filled
    )
    found = plan(
        planes,
        extents,
        container,
        own=whole and (stored or not is_looked_up(filled)),
        shiftable=not knows_no_intercept,
        smallest_bits=min(16, pixels.bits_allocated),
        non_finite=non_finite,
    )
    if stored and (found.scale is not None or found.container.dtype.kind != container.dtype.kind):
        low, high = min(one.low for one in extents), max(one.high for one in extents)
        sign = "signed" if container.dtype.kind == "i" else "unsigned"
        raise ParameterError(
            f"stored values from {low:g} to {high:g} are no whole numbers that the template's {sign} integers hold, "
            "and what makes modality values of them is to stay"
        )
    return found


def remarks(storage: Storage, extents: Sequence[FiniteRange], syntax: str) -> list[str]:
    """Warnings about values that stored integers cannot hold.

    Raises
    ------
    ParameterError
        If the transfer syntax does not hold values of so many bits.
    """
    bits = storage.container.dtype.itemsize * 8
    if bits > 16 and syntax not in (EXPLICIT, RLE):
        raise ParameterError(f"values of {bits} bits are written as 'explicit' or 'rle'; the other syntaxes hold 16")
    found = []
    if not storage.lossless and storage.scale is not None:
        slope, intercept = decimal_string(storage.scale.slope), decimal_string(storage.scale.intercept)
        found.append(
            "stored integers cannot hold these values as they are: they were rescaled into 16 bits with slope "
            f"{slope} and intercept {intercept}, and are off by up to half a slope"
        )
    replaced = sum(extent.strange for extent in extents)
    if replaced:
        found.append(f"{replaced} values that are not finite were replaced by {storage.non_finite:g}")
    return found


def _check_colour(filled: Sequence[Filled], syntax: str) -> None:
    for one in filled:
        needed = colour_dtype(one.pixels)
        if needed.itemsize > 2 and syntax != EXPLICIT:
            raise ParameterError(
                f"colours of {8 * needed.itemsize} bits are written as 'explicit'; the other syntaxes hold 8 or 16"
            )
        for plane in one.planes:
            found = plane.values().dtype
            if found != needed:
                raise ParameterError(f"the template's colours are {needed}, the values of {plane.name} {found}")


def _around(ends: Sequence[Ends]) -> Ends:
    return min(low for low, _ in ends), max(high for _, high in ends)


def _ends_by_instance(filled: Sequence[Filled], every: Sequence[Ends]) -> list[Ends]:
    found, start = [], 0
    for one in filled:
        found.append(_around(every[start : start + len(one.planes)]))
        start += len(one.planes)
    return found


def _new_window(stacks: Sequence[Stack], extents: Sequence[FiniteRange], unit: str | None) -> Window | None:
    """A window over all values where the template's show nothing of them; None where those hold."""
    low, high = float(min(extent.low for extent in extents)), float(max(extent.high for extent in extents))
    shown = [window for stack in stacks for frame in stack.frames for window in frame.windows]
    holds = (window.center - window.width / 2 <= high and low <= window.center + window.width / 2 for window in shown)
    if unit is None and (not shown or any(holds)):
        return None
    return full_window(extents)


def full_window(extents: Sequence[FiniteRange]) -> Window:
    """A window over all values from the smallest to the largest (PS3.3 C.11.2.1.2)."""
    low, high = min(extent.low for extent in extents), max(extent.high for extent in extents)
    if isinstance(low, int) and isinstance(high, int):
        return Window((low + high + 1) / 2, high - low + 1)
    return Window(low / 2 + high / 2, (high - low) or 1.0, "LINEAR_EXACT")


def _instance(name: str, one: Filled, changes: Changes, ends: Ends) -> InstanceFile:
    storage = changes.storage
    size = colour_dtype(one.pixels).itemsize * 3 if storage is None else storage.container.dtype.itemsize
    return InstanceFile(
        name,
        partial(head_of, one.header, one.pixels, changes, ends, one.cut),
        [
            partial(little_endian_values, plane) if storage is None else partial(storage.stored, plane)
            for plane in one.planes
        ],
        one.pixels.rows * one.pixels.columns * size,
        size not in (1, 3),
    )


def little_endian_values(plane: StoredPlane) -> npt.NDArray[Any]:
    values = plane.values()
    return np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
