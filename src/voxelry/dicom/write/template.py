"""Values laid into the frames of a template, or refused with the number, the shape or the place that differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import ParameterError
from voxelry.core.geometry import Geometry
from voxelry.core.slice_grid import make_affine
from voxelry.core.spacing import UNKNOWN
from voxelry.core.volume import Volume
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import first_item
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pixel_description import PixelDescription, describe_pixels
from voxelry.dicom.series.hierarchy import Series
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.write.stored_from_modality import IDENTITY, StoredPlane, StoredScale

Values: TypeAlias = "Volume | npt.NDArray[Any]"
SAME_PLACE_PIXELS = 0.1
"""How far, in pixels, a slice may lie from a frame by its own position, which rounding moves off the stack's grid."""


Source: TypeAlias = tuple[Header, int | None]
"""An instance of the template, and the number of the tile in it, of a mosaic."""


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """An instance to be written, and what its frames are to hold, by frame index.

    Attributes
    ----------
    header
        Of the template's instance.
    cut
        The slice of a mosaic that it is to hold, or the frame whose place the template's header does not say; None if
        it is what the template's instance is.
    """

    header: Header
    pixels: PixelDescription
    planes: tuple[StoredPlane, ...]
    cut: Frame | None = None

    @property
    def key(self) -> Source:
        """What it is made of."""
        return self.header, None if self.cut is None or self.cut.tile is None else self.cut.tile.number


def stacks_to_fill(template: Stack | Series | Sequence[Stack]) -> tuple[Stack, ...]:
    """The template's stacks, in order.

    Raises
    ------
    ParameterError
        If it has none that can be written.
    """
    if isinstance(template, Series) and template.problem is not None:
        raise ParameterError(f"the template has no frames: {template.problem.message}")
    stacks = template.stacks if isinstance(template, Series) else template
    found = (stacks,) if isinstance(stacks, Stack) else tuple(stacks)
    if not found:
        raise ParameterError("the template has no stacks")
    for stack in found:
        if stack.frames[0].pixels.bits_allocated == 1:
            raise ParameterError(
                f"{stack.frames[0].header.name}: the template's pixels are single bits, as a segmentation's, and "
                "hold no values to replace; write a new mask as a segmentation of its images"
            )
    return found


def fill(values: Values | Sequence[Values], stacks: Sequence[Stack], *, stored: bool = False) -> list[Filled]:
    """The template's instances with the values of their frames, in the order of stacks and slices.

    Parameters
    ----------
    stored
        True if they are stored values, which no scale makes others of.

    Raises
    ------
    ParameterError
        If the values and the template differ in number, shape or position.
    """
    alone = isinstance(values, Volume) or hasattr(values, "dtype")  # a LazyArray is no ndarray
    arrays = [cast(Values, values)] if alone else list(cast("Sequence[Values]", values))
    if len(arrays) != len(stacks):
        raise ParameterError(
            f"the template does not match in number: it has {len(stacks)} stacks, the values are for {len(arrays)}",
            template=len(stacks),
            values=len(arrays),
        )
    by_header: dict[Header, dict[int, StoredPlane]] = {}
    slices: list[Filled] = []
    for number, (array, stack) in enumerate(zip(arrays, stacks, strict=True)):
        where = f" of stack {number + 1}" if len(stacks) > 1 else ""
        if isinstance(array, Volume):
            _check_shape(array.array.shape, stack, where)
            if array.geometry.placed:
                _check_place(array.geometry, stack, where)
        planes = _planes(array.array if isinstance(array, Volume) else array, stack, where, stored=stored)
        if any(frame.blank is not None for frame in stack.frames):
            raise ParameterError(f"the template{where} is a segmentation that omits frames, which cannot be filled")
        for frame, plane in zip(stack.frames, planes, strict=True):
            if frame.tile is not None or frame.replaced:  # each slice of a mosaic becomes an instance
                slices.append(Filled(frame.header, frame.pixels, (plane,), frame))
            else:
                by_header.setdefault(frame.header, {})[frame.index] = plane
    return [*(_filled(header, planes) for header, planes in by_header.items()), *slices]


def _filled(header: Header, planes: dict[int, StoredPlane]) -> Filled:
    pixels = describe_pixels(header)
    if len(planes) < pixels.frames:
        raise ParameterError(
            f"the template does not match in number: {header.name} has {pixels.frames} frames, and there are values "
            f"for {len(planes)}; give all stacks of the series",
            template=pixels.frames,
            values=len(planes),
        )
    return Filled(header, pixels, tuple(planes[index] for index in range(pixels.frames)))


def _planes(array: npt.NDArray[Any], stack: Stack, where: str, *, stored: bool) -> list[StoredPlane]:
    if array.dtype.kind not in "biuf":
        raise ParameterError(f"the values{where} are {array.dtype}, which are no numbers that DICOM holds")
    _check_shape(array.shape, stack, where)
    return [
        StoredPlane(
            partial(slice_values, array, k),
            IDENTITY if stored else StoredScale(frame.slope, frame.intercept),
            f"slice {k}{where}",
        )
        for k, frame in enumerate(stack.frames)
    ]


def slice_values(array: npt.NDArray[Any], k: int) -> npt.NDArray[Any]:
    """A slice in a type that is computed with: integers, float32 or float64."""
    found = np.asarray(array[k])
    if found.dtype.kind == "b":
        return found.view(np.uint8)
    small_or_odd = found.dtype.kind == "f" and found.dtype.itemsize not in (4, 8)
    return found.astype(np.float64) if small_or_odd else found


def _check_shape(shape: tuple[int, ...], stack: Stack, where: str) -> None:
    needed = stack.shape
    if shape == needed:
        return
    what = "number" if shape[1:] == needed[1:] else "shape"
    raise ParameterError(
        f"the template does not match in {what}: its frames{where} have shape {needed} (slice, row, column), the "
        f"values {tuple(shape)}",
        template=list(needed),
        values=list(shape),
    )


def _check_place(geometry: Geometry, stack: Stack, where: str) -> None:
    """Against the template's grid where it has one: its own positions may lie off that by as much as it tolerates."""
    if stack.geometry.placed and geometry.same_grid(stack.geometry):
        return
    for k, frame in enumerate(stack.frames):
        if stack.geometry.placed:
            box = slice(k, k + 1), slice(None), slice(None)
            own, its = geometry.crop(box), stack.geometry.crop(box)
            off, same = own.mm_apart(its), own.same_grid(its)
        else:
            off = _distance(geometry, frame, k)
            same = off <= SAME_PLACE_PIXELS * min(frame.pixel_spacing or (1.0,))
        if not same:
            raise ParameterError(
                f"the template does not match in position: slice {k}{where} lies up to {off:.3g} mm from "
                f"{frame.header.name}",
                slice=k,
                off_mm=off,
            )


def _distance(geometry: Geometry, frame: Frame, k: int) -> float:
    """The farthest that a corner of slice ``k`` lies from the frame's own, mm; 0 where the frame has no place."""
    if frame.position is None or frame.orientation is None or frame.pixel_spacing is None:
        return 0.0
    own = geometry.crop((slice(k, k + 1), slice(None), slice(None)))
    step = own.known_affine[:3, 0]  # of one slice no corner depends on it
    return own.mm_apart(
        replace(own, affine=make_affine(frame.position, frame.orientation, step, frame.pixel_spacing), spacing=UNKNOWN)
    )


def is_looked_up(filled: Sequence[Filled]) -> bool:
    """True if the template's values come from a table (Modality LUT), which has no inverse here."""
    return any(first_item(one.header.elements, "ModalityLUTSequence") is not None for one in filled)
