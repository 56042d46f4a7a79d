"""Many planes in one picture: side by side, or one after the other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt

from voxelry.core.display import plane_voi
from voxelry.core.errors import ParameterError
from voxelry.core.intensity import Voi
from voxelry.core.planes import Axis, plane_count
from voxelry.core.progress import Progress, silent
from voxelry.core.volume import Volume
from voxelry.parallel import in_parallel
from voxelry.workflows.pictures.picture_files import picture_shape, render


def every_nth(volume: Volume, axis: Axis | None, every: int) -> range:
    """The planes of a volume that are shown, from the first on.

    Raises
    ------
    ParameterError
        If ``every`` is less than 1.
    GeometryError
        If a patient plane is asked for and the volume's place in the patient is unknown.
    """
    if every < 1:
        raise ParameterError(f"every {every} planes are none: it is 1 or more")
    return range(0, plane_count(volume, axis), every)


def planes(
    volume: Volume,
    *,
    axis: Axis | None = None,
    window: Voi | None = None,
    every: int = 1,
    progress: Progress = silent,
) -> Iterator[npt.NDArray[np.uint8]]:
    """Every plane as `render` gives it, or every ``every``-th."""
    shown = every_nth(volume, axis, every)
    own = plane_voi(volume, axis) if window is None and not volume.colour else (window,) * plane_count(volume, axis)
    pictures = in_parallel(partial(render, volume, index, axis=axis, window=own[index]) for index in shown)
    for done, picture in enumerate(pictures, 1):
        progress(done / len(shown), "drawing planes")
        yield picture


def montage(
    volume: Volume,
    *,
    axis: Axis | None = None,
    window: Voi | None = None,
    every: int = 1,
    columns: int | None = None,
    progress: Progress = silent,
) -> npt.NDArray[np.uint8]:
    """Planes side by side in rows, from left to right and downwards; the rest of the last row is black.

    Parameters
    ----------
    axis, window
        As for `render`.
    every
        Show every n-th plane, beginning with the first.
    columns
        Planes in a row; by default as many as make the picture about as wide as high.

    Returns
    -------
    picture
        uint8, shape ``(row, column)`` or ``(row, column, 3)``, one pixel for each voxel.

    Raises
    ------
    ParameterError
        If ``every`` or ``columns`` is less than 1.
    GeometryError
        If a patient plane is asked for and the volume's place in the patient is unknown.
    """
    if columns is not None and columns < 1:
        raise ParameterError(f"{columns} columns show nothing: there is at least 1")
    count = len(every_nth(volume, axis, every))
    height, width = picture_shape(volume, axis)
    across = min(count, columns or max(1, round(math.sqrt(count * height / width))))
    picture = np.zeros((-(-count // across) * height, across * width, *volume.array.shape[3:]), np.uint8)
    shown = planes(volume, axis=axis, window=window, every=every, progress=progress)
    for number, one in enumerate(shown):
        row, column = divmod(number, across)
        picture[row * height : (row + 1) * height, column * width : (column + 1) * width] = one
    return picture
