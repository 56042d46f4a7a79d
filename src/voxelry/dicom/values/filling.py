"""Fills one array with many frames on all cores; values are read into their final memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import NotEnoughMemoryError, PixelDataError, named
from voxelry.core.lazy import LazyArray
from voxelry.core.progress import Progress, silent
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.shared_frames import headers_of, one_of_each
from voxelry.dicom.frames.tiles import copy_tiles, cropped
from voxelry.dicom.headers.attributes import tag_label
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pixel_description import PixelDescription, describe_pixels
from voxelry.dicom.pixels.codecs import is_encapsulated
from voxelry.dicom.pixels.pixel_memory import LARGE_BYTES, bytes_of, check_room, room_for
from voxelry.dicom.pixels.stored_pixels import Stored, check_pixels, clear_unused_bits, deferred_frames, stored_frames
from voxelry.dicom.pixels.uncompressed import is_direct, read_directly
from voxelry.dicom.values.in_place import InPlace
from voxelry.dicom.values.modality import (
    SMALLEST,
    ValueRange,
    declared_extent,
    dtype_holds,
    extent_of,
    smallest_dtype,
    write_modality,
)
from voxelry.dicom.values.whole_mosaics import WholeMosaic
from voxelry.parallel import in_parallel, workers

BATCH = 32
"""The most files that one task reads: enough to outweigh its overhead, few enough to keep all cores busy."""
ENCAPSULATED_BATCH = 2
"""The same for compressed files, which take longer."""
_LITTLE = 2**22
"""Bytes; less uncompressed data is read faster than threads start."""

Wanted: TypeAlias = Mapping[int, int]
"""For one instance: the index of each frame in the array, by frame index."""
_Held: TypeAlias = Sequence[tuple[int, Frame]]
"""Slices of one mosaic: the index of each in the array, and its frame."""
T = TypeVar("T")


def grey_values(
    frames: Sequence[Frame], *, progress: Progress = silent
) -> tuple[npt.NDArray[Any], tuple[float, float]]:
    """The modality values of greyscale frames of one matrix.

    Returns
    -------
    array
        Shape ``(frame, row, column)``: int16 wherever all values are whole and fit, else the smallest
        integer type that holds them, else float32 if it loses nothing, else float64.
    ends
        Between which all values lie, padding included; they need not occur.

    Raises
    ------
    PixelDataError, TransferSyntaxError, TruncatedError
        The message names the file.
    NotEnoughMemoryError
        If this machine has less memory than they take.
    """
    pixels = frames[0].pixels
    shape = len(frames), pixels.rows, pixels.columns
    _check(frames, shape, SMALLEST)
    array, extents = _begun(shape, frames)
    extents |= _fill(array, frames, [place for place in range(len(frames)) if place not in extents], progress)
    ends = min(extent.low for extent in extents.values()), max(extent.high for extent in extents.values())
    too_wide = {extent for extent in set(extents.values()) if not dtype_holds(array.dtype, extent)}
    missed = [place for place, extent in extents.items() if extent in too_wide] if too_wide else []
    if not missed:
        return array, ends
    kept = set(range(len(frames))).difference(missed)
    # The exact range of frames that fit int16 was not computed; a wider dtype depends on it.
    extents.update({place: extent_of(array[place]) for place in kept if array.dtype == SMALLEST})
    wider = room_for(shape, smallest_dtype(extents.values()))
    for place in kept:
        wider[place] = array[place]
    del array
    _fill(wider, frames, missed, silent)
    return wider, ends


def _check(frames: Sequence[Frame], shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
    """If much memory is needed, raise the error of a damaged file, or a NotEnoughMemoryError if all are intact."""
    if bytes_of(shape, dtype) <= LARGE_BYTES:
        return  # untouched memory costs nothing, and reading finds what is wrong
    headers = dict.fromkeys(frame.header for frame in frames)
    for header in headers:
        check_pixels(header, each_frame=True)
    try:
        check_room(shape, dtype)
    except NotEnoughMemoryError as error:
        raise (named(error, frames[0].header.name) if len(headers) == 1 else error) from None


def _begun(shape: tuple[int, int, int], frames: Sequence[Frame]) -> tuple[npt.NDArray[Any], dict[int, ValueRange]]:
    """An array of the dtype that most frames need, and the ranges of the frames that are written already.

    The dtype comes from the header, or else from a frame in the middle; frames that need more are read again.
    """
    array = room_for(shape, SMALLEST)
    there = [place for place, frame in enumerate(frames) if frame.blank is None]
    if not there:
        return array, {}
    place = there[len(there) // 2]
    frame = frames[place]
    if dtype_holds(SMALLEST, declared_extent(frame, frame.pixels)):
        return array, {}
    plan, out = InPlace.of(frame, SMALLEST), array[place]
    if plan is not None and frame.tile is None and plan.read(frame.header, frame.index, out):
        extent = plan.rescale(out.view(plan.stored), out)
        if extent is not None:
            return array, {place: extent}
    (whole,) = stored_frames(frame.header, [frame.index])
    values = cropped(whole, frame.tile)
    dtype = smallest_dtype([write_modality(values, frame, np.empty(values.shape, np.float64))])
    array = room_for(shape, dtype)
    return array, {place: write_modality(values, frame, array[place])}


def colour_values(frames: Sequence[Frame], *, progress: Progress = silent) -> npt.NDArray[Any]:
    """The RGB values of colour frames of one matrix; shape ``(frame, row, column, 3)``."""
    pixels = frames[0].pixels
    _check(frames, (len(frames), pixels.rows, pixels.columns, 3), f"u{pixels.dtype.itemsize}")
    tasks = _tasks(frames, range(len(frames)), _keep, lambda place, decode: [(place, decode())], _keep_tiles)
    found = dict(_run(tasks, len(frames), progress))
    return np.stack([found[place] for place in range(len(frames))])


def lazy_values(frames: Sequence[Frame]) -> LazyArray:
    """The values of frames of one matrix, decoded on first use.

    The dtype is the smallest that holds all values that the headers allow.

    Raises
    ------
    PixelDataError, TransferSyntaxError, TruncatedError
        If the header shows that the pixels cannot be read; other errors are raised on first use.
    """
    for header in headers_of(frames):
        check_pixels(header)
    pixels = frames[0].pixels
    shape = len(frames), pixels.rows, pixels.columns
    if pixels.kind != "grey":
        sample = np.dtype("u1") if pixels.kind == "palette" else np.dtype(f"u{pixels.dtype.itemsize}")
        return LazyArray((*shape, 3), sample, lambda numbers: colour_values([frames[n] for n in numbers]))
    dtype = smallest_dtype(declared_extent(frame, frame.pixels) for frame in one_of_each(frames))

    def read(numbers: Sequence[int]) -> npt.NDArray[Any]:
        if frames[0].tile is not None and len(numbers) == len(frames):
            mosaic = WholeMosaic.of(frames, dtype)
            slices = None if mosaic is None else mosaic.read()
            if slices is not None:
                return slices
        wanted = [frames[number] for number in numbers]
        array = room_for((len(wanted), *shape[1:]), dtype)
        extents = _fill(array, wanted, range(len(wanted)), silent)
        for extent in set(extents.values()):
            if not dtype_holds(dtype, extent):
                place = min(place for place, its in extents.items() if its == extent)
                raise PixelDataError(
                    f"{wanted[place].header.name}: its values reach from {extent.low:g} to {extent.high:g}, beyond "
                    f"what its {tag_label('BitsStored')} allows, and do not fit {dtype}; load it without lazy=True"
                )
        return array

    return LazyArray(shape, dtype, read)


def _fill(
    array: npt.NDArray[Any], frames: Sequence[Frame], places: Sequence[int], progress: Progress
) -> dict[int, ValueRange]:
    """Write the frames of these places, and tell what each needs; what the dtype does not hold is not written."""
    writer = _Writer(array, frames)
    found: dict[int, ValueRange] = {}
    for place in places:
        blank = frames[place].blank
        if blank is not None:
            array[place] = blank
            found[place] = ValueRange.between(blank, blank)
    places = [place for place in places if place not in found] if found else places
    tasks = _tasks(frames, places, writer.read, writer.write, writer.cut)
    little = len(places) * array[:1].nbytes <= _LITTLE and not is_encapsulated(frames[0].header.transfer_syntax_uid)
    return found | dict(_run(tasks, len(places), progress, alone=little))


class _Writer:
    """Writes modality values of frames into one array; by the plan of the frame before, wherever it serves."""

    def __init__(self, array: npt.NDArray[Any], frames: Sequence[Frame]) -> None:
        self._array, self._frames = array, frames
        self._plan: InPlace | None = None

    def read(self, header: Header, wanted: Wanted) -> Iterable[tuple[int, ValueRange]]:
        """The frames that are wanted of one instance."""
        if len(wanted) == 1:
            ((index, place),) = wanted.items()
            plan, out = self._plan_of(place), self._array[place]
            if plan is not None and plan.read(header, index, out):
                values = out.view(plan.stored)
                return ((place, plan.rescale(values, out) or self._settled(values, place)),)
        together = self._together(header, wanted)
        if together is not None:
            return together
        pixels = describe_pixels(header)
        return self._directly(header, pixels, wanted) if is_direct(header, pixels) else self._decoded(header, wanted)

    def _together(self, header: Header, wanted: Wanted) -> Iterable[tuple[int, ValueRange]] | None:
        """Frames that follow each other in the file and in the array, and share their facts; None if they do not."""
        indices, places = list(wanted), list(wanted.values())
        first, count = places[0], len(places)
        if places != list(range(first, first + count)) or indices != list(range(indices[0], indices[0] + count)):
            return None
        plan, out = self._plan_of(first), self._array[first : first + count]
        if plan is None or any(self._frames[place].facts is not plan.facts for place in places):
            return None
        extent = plan.rescale(out.view(plan.stored), out) if plan.read(header, indices[0], out) else None
        return None if extent is None else [(place, extent) for place in places]

    def write(self, place: int, decode: Callable[[], Stored]) -> list[tuple[int, ValueRange]]:
        """A frame that is decoded here."""
        return [(place, self._keep(place, decode()))]

    def cut(self, held: _Held) -> Iterable[tuple[int, ValueRange]]:
        """The slices of a mosaic, which is read once."""
        places = [place for place, _ in held]
        first, last = places[0], places[-1] + 1
        in_a_row = places == list(range(first, last))
        out = (
            self._array[first:last] if in_a_row else np.empty((len(places), *self._array.shape[1:]), self._array.dtype)
        )
        plan = self._plan_of(first)
        stored = _stored_tiles(held, None if plan is None else out.view(plan.stored))
        extent = None if plan is None else plan.rescale(stored, out)
        if extent is None:
            extent = write_modality(stored, self._frames[first], out)
        if not in_a_row:
            self._array[places] = out
        return [(place, extent) for place in places]

    def _plan_of(self, place: int) -> InPlace | None:
        plan, frame = self._plan, self._frames[place]
        if plan is None or plan.facts is not frame.facts:
            plan = self._plan = InPlace.of(frame, self._array.dtype)
        return plan

    def _settled(self, values: Stored, place: int) -> ValueRange:
        """Of stored values that lie in the array, and may have dirt in their unused bits."""
        frame = self._frames[place]
        return write_modality(values, frame, self._array[place], clear_unused_bits(values, frame.pixels))

    def _directly(self, header: Header, pixels: PixelDescription, wanted: Wanted) -> Iterator[tuple[int, ValueRange]]:
        array = self._array
        in_place = pixels.dtype.itemsize == array.dtype.itemsize
        buffers = {
            index: array[place].view(pixels.dtype) if in_place else np.empty(array.shape[1:], pixels.dtype)
            for index, place in wanted.items()
        }
        for index in read_directly(header, pixels, buffers):
            yield wanted[index], self._settled(buffers[index], wanted[index])

    def _decoded(self, header: Header, wanted: Wanted) -> Iterator[tuple[int, ValueRange]]:
        for place, values in _keep(header, wanted):
            yield place, self._keep(place, values)

    def _keep(self, place: int, values: Stored) -> ValueRange:
        plan, out = self._plan_of(place), self._array[place]
        extent = None if plan is None else plan.rescale(values, out)
        return write_modality(values, self._frames[place], out) if extent is None else extent


def _stored_tiles(held: _Held, out: Stored | None = None) -> Stored:
    """The stored values of slices of one mosaic; shape ``(slice, row, column, ...)``. In ``out`` where they fit it."""
    frame = held[0][1]
    (whole,) = stored_frames(frame.header, [frame.index])
    if out is None or out.dtype != whole.dtype:
        out = np.empty((len(held), frame.pixels.rows, frame.pixels.columns, *whole.shape[2:]), whole.dtype)
    copy_tiles(whole, [one.tile for _, one in held if one.tile is not None], out)
    return out


def _keep_tiles(held: _Held) -> list[tuple[int, Stored]]:
    return [(place, values) for (place, _), values in zip(held, _stored_tiles(held), strict=True)]


def _keep(header: Header, wanted: Wanted) -> Iterator[tuple[int, Stored]]:
    indices = sorted(wanted)
    for index, values in zip(indices, stored_frames(header, indices), strict=True):
        yield wanted[index], values


def _tasks(
    frames: Sequence[Frame],
    places: Iterable[int],
    read: Callable[[Header, Wanted], Iterable[tuple[int, T]]],
    write: Callable[[int, Callable[[], Stored]], list[tuple[int, T]]],
    cut: Callable[[_Held], Iterable[tuple[int, T]]],
) -> Iterator[Callable[[], list[tuple[int, T]]]]:
    """Files in batches; of a compressed file with several frames, each frame by itself; each mosaic by itself."""
    wanted: dict[Header, dict[int, int]] = {}
    held: dict[tuple[Header, int], list[tuple[int, Frame]]] = {}
    for place in places:
        frame = frames[place]
        if frame.tile is None:
            wanted.setdefault(frame.header, {})[frame.index] = place
        else:
            held.setdefault((frame.header, frame.index), []).append((place, frame))
    for one in held.values():
        yield partial(_cut, cut, one)
    most = ENCAPSULATED_BATCH if any(is_encapsulated(header.transfer_syntax_uid) for header in wanted) else BATCH
    size = max(1, min(most, len(wanted) // (4 * workers())))
    batch: list[tuple[Header, Wanted]] = []
    for header, by_index in wanted.items():
        if len(by_index) > 1 and is_encapsulated(header.transfer_syntax_uid):
            for index, decode in deferred_frames(header, by_index):
                yield partial(write, by_index[index], decode)
            continue
        for start in range(0, len(by_index), BATCH):
            batch.append((header, dict(islice(by_index.items(), start, start + BATCH))))
            if len(batch) >= size:
                yield partial(_read_all, batch, read)
                batch = []
    if batch:
        yield partial(_read_all, batch, read)


def _cut(cut: Callable[[_Held], Iterable[tuple[int, T]]], held: _Held) -> list[tuple[int, T]]:
    return list(cut(held))


def _read_all(
    batch: Iterable[tuple[Header, Wanted]], read: Callable[[Header, Wanted], Iterable[tuple[int, T]]]
) -> list[tuple[int, T]]:
    return [found for header, wanted in batch for found in read(header, wanted)]


def _run(
    tasks: Iterable[Callable[[], list[tuple[int, T]]]], count: int, progress: Progress, *, alone: bool = False
) -> Iterator[tuple[int, T]]:
    done = 0
    progress(0.0, "reading pixels")
    for found in (task() for task in tasks) if alone or count == 1 else in_parallel(tasks):
        done += len(found)
        progress(done / count, "reading pixels")
        yield from found
