"""A DICOM segmentation (SEG) as a Segmentation: all its segments on one grid (PS3.3 A.51, C.8.20)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import GeometryError
from voxelry.core.geometry import Geometry
from voxelry.core.label_layers import Allocate, LabelLayers, LayerBuilder
from voxelry.core.progress import Progress, part, silent
from voxelry.core.segment_items import description_warnings, segments_of, unnamed
from voxelry.core.segment_values import segment_kind
from voxelry.core.segmentation import FractionalType, Segment, Segmentation
from voxelry.core.volume import Volume
from voxelry.dicom.headers.attributes import text
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pixel_description import describe_pixels
from voxelry.dicom.headers.shared_attributes import shared_metadata
from voxelry.dicom.headers.sop_classes import LABEL_MAP, SEGMENTATION
from voxelry.dicom.objects.segment_bits import SegmentSlices, has_plain_bits, slices_of_bits
from voxelry.dicom.series.stack import Stack

_NUMBER = "ReferencedSegmentNumber"
_DIFFERENT = "the segments of this segmentation lie on different grids"


def is_segment(stack: Stack) -> bool:
    """True for a plane of bits that says where one segment is (PS3.3 C.8.20.2.3.1)."""
    header = stack.frames[0].header
    if header.sop_class_uid != SEGMENTATION or describe_pixels(header).bits_allocated != 1:
        return False
    return bool(stack.frames[0].value(_NUMBER))


def read_segmentation(
    stacks: Sequence[Stack], *, allocate: Allocate = np.zeros, progress: Progress = silent
) -> Segmentation:
    """The segments of one instance.

    Segments of which only some slices are stored are laid into the grid that holds all of them. Bits become labels,
    or layers of them where segments overlap; fractions stay fractions.

    Parameters
    ----------
    stacks
        All stacks of the instance; frames that it omits are among them, as empty ones.
    allocate
        Makes the arrays of labels that bits become; they may lie in a file.

    Raises
    ------
    GeometryError
        If segments are irregular, lie on grids that do not fit together, or one has several stacks; if frames do not
        say of which segment they are, or are tiles of a plane.
    """
    header = stacks[0].frames[0].header
    _check_not_tiled(header)
    described = segments_of(shared_metadata([header]))
    label_map = header.sop_class_uid == LABEL_MAP
    if not label_map:  # by number, not by the order of frames
        stacks = sorted(stacks, key=lambda stack: _number_of(stack, described))
    numbers = [] if label_map else [_number_of(stack, described) for stack in stacks]
    if len(set(numbers)) < len(numbers) or (label_map and len(stacks) > 1):
        raise GeometryError(
            "a segment of this segmentation has several stacks (time points, or orientations), which are no one grid"
        )
    if label_map:
        return _of_label_map(stacks[0].volume(progress=progress), described, _recipe(stacks[0]))
    parts = _Parts(stacks, numbers, progress)
    first = stacks[0].volume(lazy=True)
    segments = [described.get(number) or unnamed(number) for number in numbers]
    empty = [segment for number, segment in sorted(described.items()) if number not in numbers]
    grid = joined_grid(stacks, first)
    fractional = _fractional_type(first)
    layers = None if fractional else _layers(parts, grid, [*numbers, *(one.number for one in empty)], allocate)
    labels = layers.labels[0] if layers is not None and layers.plain else None
    fractions = None
    if fractional:
        fractions = [*_fractions(parts, grid), *(np.zeros(grid.geometry.shape, np.float32) for _ in empty)]
    return Segmentation(
        segments=[*segments, *empty],
        labels=labels,
        layers=layers if labels is None else None,
        fractions=fractions,
        fractional_type=fractional or "PROBABILITY",
        source=on_grid(first, grid.geometry, np.zeros(grid.geometry.shape, np.uint8) if labels is None else labels),
        recipe=_recipe(stacks[0]),
        warnings=(*parts.warnings, *description_warnings(first.metadata, numbers)),
    )


def _check_not_tiled(header: Header) -> None:
    """Refuse tiles of whole slide images, whose frames are parts of one plane (PS3.3 C.8.12.14, C.7.6.17.3)."""
    tiled = text(header.elements, "DimensionOrganizationType").startswith("TILED")
    if tiled or "TotalPixelMatrixRows" in header.elements or "TotalPixelMatrixColumns" in header.elements:
        raise GeometryError(
            "this segmentation is tiled, as those of whole slide images are: its frames are parts of one large plane, "
            "and no slices of a volume; it is not read"
        )


def _number_of(stack: Stack, described: Mapping[int, Segment]) -> int:
    """Which segment the frames of a stack are of."""
    said = stack.frames[0].value(_NUMBER)
    try:
        number = int(float(said)) if said else 0
    except (ValueError, OverflowError):
        number = 0
    if number > 0:
        return number
    if len(described) == 1:
        return next(iter(described))
    raise GeometryError(
        f"frames of this segmentation do not say of which of its {len(described)} segments they are: Referenced "
        "Segment Number (0062,000B) is missing, or no number from 1"
    )


class _Parts:
    """The segments in turn, each decoded when it is asked for; none is kept."""

    def __init__(self, stacks: Sequence[Stack], numbers: Sequence[int], progress: Progress) -> None:
        self._stacks, self._progress = stacks, progress
        self.numbers = numbers
        self.warnings = tuple(dict.fromkeys(words for stack in stacks for words in stack.warnings))

    def volumes(self) -> Iterator[tuple[int, Volume]]:
        """Each one's volume, by its place."""
        for index, (stack, share) in enumerate(self._shares()):
            yield index, stack.volume(progress=share)

    def masks(self) -> Iterator[tuple[int, SegmentSlices]]:
        """Where each one is, by its place."""
        for index, (stack, share) in enumerate(self._shares()):
            if has_plain_bits(stack):
                yield index, slices_of_bits(stack, share)
            else:
                yield index, SegmentSlices(stack.volume(progress=share).array != 0, 0)

    def _shares(self) -> Iterator[tuple[Stack, Progress]]:
        count = len(self._stacks)
        for index, stack in enumerate(self._stacks):
            yield stack, part(self._progress, index / count, (index + 1) / count)


def _recipe(stack: Stack) -> str:
    return text(stack.frames[0].header.elements, "DerivationDescription")


def _fractional_type(volume: Volume) -> FractionalType | None:
    kind = segment_kind(volume)
    return "OCCUPANCY" if kind == "occupancy" else "PROBABILITY" if kind == "probability" else None


def _of_label_map(volume: Volume, described: dict[int, Segment], recipe: str) -> Segmentation:
    background = volume.metadata.get("PixelPaddingValue")
    labels = np.array(volume.array, np.uint16)
    if isinstance(background, int) and background:
        labels[volume.array == background] = 0
    if labels.max(initial=0) < 256:
        labels = labels.astype(np.uint8)
    numbers = sorted({*described, *np.unique(labels).tolist()} - {0}) or [1]
    return Segmentation(
        segments=[described.get(number) or unnamed(number) for number in numbers],
        labels=labels,
        source=volume,
        recipe=recipe,
        warnings=(*volume.warnings, *description_warnings(volume.metadata, numbers if labels.any() else ())),
    )


def _layers(parts: _Parts, grid: JoinedGrid, numbers: Sequence[int], allocate: Allocate) -> LabelLayers:
    builder = LayerBuilder(grid.geometry.shape, numbers, allocate=allocate)
    for index, (mask, first) in parts.masks():
        builder.add(parts.numbers[index], mask, first=grid.starts[index] + first)
    return builder.layers()


def _fractions(parts: _Parts, grid: JoinedGrid) -> list[npt.NDArray[np.float32]]:
    found = []
    for index, volume in parts.volumes():
        fractions = np.zeros(grid.geometry.shape, np.float32)
        fractions[grid.place(index, volume)] = np.clip(volume.array, 0, 1)
        found.append(fractions)
    return found


# --- the grid of all segments -----------------------------------------------------------------------------------------


class JoinedGrid(NamedTuple):
    """The grid that holds all segments, and the slice of it at which each one's own begins."""

    geometry: Geometry
    starts: tuple[int, ...]

    def place(self, index: int, volume: Volume) -> slice:
        """The slices of a segment."""
        return slice(self.starts[index], self.starts[index] + len(volume.array))


def joined_grid(stacks: Sequence[Stack], first: Volume) -> JoinedGrid:
    """The grid of all segments, of which each may have only some slices.

    Raises
    ------
    GeometryError
        If their grids do not fit together.
    """
    grids = [_grid_of(stack, first) for stack in stacks]
    starts = [_start(grid, grids[0]) for grid in grids]
    low = min(starts)
    high = max(start + grid.shape[0] for start, grid in zip(starts, grids, strict=True))
    base = grids[0]
    geometry = _from(base, low, high - low)
    return JoinedGrid(geometry, tuple(start - low for start in starts))


def on_grid(first: Volume, geometry: Geometry, array: npt.NDArray[Any]) -> Volume:
    """What all segments have in common, with an array on the grid of all of them."""
    uids = next(iter(first.instance_uids), "")
    named = (uids,) * len(array) if uids else ()
    return replace(first.with_geometry(geometry, array=array), label="", instance_uids=named)


def _grid_of(stack: Stack, first: Volume) -> Geometry:
    if isinstance(stack.grid, GeometryError):
        raise stack.grid
    return replace(stack.geometry, frame_of_reference_uid=first.frame_of_reference_uid)


def _start(grid: Geometry, first: Geometry) -> int:
    """The slice of the first segment's grid, perhaps beyond its ends, at which another begins."""
    if grid.shape[1:] != first.shape[1:] or grid.placed != first.placed:
        raise GeometryError(_DIFFERENT)
    if grid.affine is None or first.affine is None:
        if grid.shape[0] != first.shape[0]:
            raise GeometryError("the segments of this segmentation have no place, and different numbers of slices")
        return 0
    # One slice knows its thickness, but not the distance of its neighbours.
    base, other = (grid, first) if first.shape[0] == 1 else (first, grid)
    start = round(float(base.lps_to_index(other.index_to_lps((0, 0, 0)))[0]))
    if not _from(base, start, other.shape[0]).same_grid(other):
        raise GeometryError(_DIFFERENT)
    return start if base is first else -start


def _from(grid: Geometry, start: int, slices: int) -> Geometry:
    """The grid from one of its slices on, which may lie beyond its ends."""
    shape = (slices, *grid.shape[1:])
    if grid.affine is None:
        return replace(grid, shape=shape)
    affine = grid.affine.copy()
    affine[:3, 3] = grid.index_to_lps((start, 0, 0))
    return replace(grid, shape=shape, affine=affine)
