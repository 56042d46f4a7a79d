"""Stored values: what the pixels hold before rescale and lookup tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.progress import Progress, silent
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.tiles import Tile, cropped
from voxelry.dicom.headers.header import Header
from voxelry.dicom.pixels.stored_pixels import stored_frames
from voxelry.parallel import in_parallel

_WORDS = "reading pixels"
_Place = tuple[int, Tile | None]
"""Where a frame lies in the array, and where in the image that holds it."""


def stored_values(frames: Sequence[Frame], *, progress: Progress = silent) -> npt.NDArray[Any]:
    """The stored values of frames of one matrix (PS3.3 C.7.6.3).

    Returns
    -------
    array
        Shape ``(frame, row, column)``, or ``(frame, row, column, 3)`` for colour; the smallest dtype that holds the
        types of all frames, which is most often one.

    Raises
    ------
    PixelDataError, TransferSyntaxError, TruncatedError
        The message names the file.
    """
    wanted: dict[Header, dict[int, list[_Place]]] = {}
    omitted = [place for place, frame in enumerate(frames) if frame.blank is not None]
    for place, frame in enumerate(frames):
        if frame.blank is not None:
            continue
        wanted.setdefault(frame.header, {}).setdefault(frame.index, []).append((place, frame.tile))
    first = frames[0].pixels
    shape = (len(frames), first.rows, first.columns, *(() if first.kind == "grey" else (3,)))
    array: npt.NDArray[Any] | None = None
    progress(0.0, _WORDS)
    tasks: list[Callable[[], list[tuple[list[_Place], npt.NDArray[Any]]]]] = [
        partial(_read, header, by_index) for header, by_index in wanted.items()
    ]
    done = 0
    for found in in_parallel(tasks):
        for places, values in found:
            if array is None:
                array = np.empty(shape, values.dtype)
            elif not np.can_cast(values.dtype, array.dtype, "safe"):
                array = array.astype(np.result_type(array.dtype, values.dtype))
            for place, tile in places:
                array[place] = cropped(values, tile)
            done += len(places)
        progress(done / len(frames), _WORDS)
    if array is None:  # an empty segment
        array = np.empty(shape, first.dtype)
    for place in omitted:
        array[place] = frames[place].blank
    return array


def _read(header: Header, by_index: dict[int, list[_Place]]) -> list[tuple[list[_Place], npt.NDArray[Any]]]:
    indices = sorted(by_index)
    return [(by_index[index], values) for index, values in zip(indices, stored_frames(header, indices), strict=True)]
