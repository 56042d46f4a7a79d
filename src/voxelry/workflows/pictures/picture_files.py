"""Slices as pictures: windowed to 8 bits, as PNG or JPEG files."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

import numpy as np
import numpy.typing as npt

from voxelry.core.argument_types import check_type
from voxelry.core.display import plane_voi
from voxelry.core.errors import ParameterError
from voxelry.core.intensity import Voi, VoiTable, Window, to_display
from voxelry.core.planes import (
    Axis,
    plane,
    plane_aspect,
    plane_count,
    plane_lean,
    plane_padding,
    plane_shape,
    plane_spacing,
)
from voxelry.core.progress import Progress, silent
from voxelry.core.volume import Volume
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.pixels.overlays import Overlay, drawn
from voxelry.formats.pictures.picture import PictureFormat, encode_jpeg, encode_png
from voxelry.parallel import in_parallel
from voxelry.workflows.files.atomic import publish

_NONE: Mapping[str, Sequence[Overlay]] = MappingProxyType({})


def render(volume: Volume, index: int, *, axis: Axis | None = None, window: Voi | None = None) -> npt.NDArray[np.uint8]:
    """One plane as 8-bit grey levels or RGB.

    Parameters
    ----------
    index
        From 0; ascends along the normal as acquired, or to superior, posterior or left.
    axis
        A patient plane; None for the slice as acquired.
    window
        What to show; by default what the slice's header proposes (`voxelry.core.display.plane_voi`). Ignored for
        colour.

    Returns
    -------
    picture
        uint8, shape ``(row, column)`` or ``(row, column, 3)``, one pixel for each voxel; padding is black. A plane
        that crosses the slices of a tilted stack leans, and pixels beside it are black.
    """
    picture = _upright(volume, index, axis, window)
    lean = plane_lean(volume, axis)
    return _leaning(picture, lean) if lean else picture


def picture_shape(volume: Volume, axis: Axis | None = None) -> tuple[int, int]:
    """Rows and columns of a plane's picture: those of the plane, and room to lean."""
    rows, columns = plane_shape(volume, axis)
    return rows, columns + math.ceil(abs(plane_lean(volume, axis)) * (rows - 1))


def _leaning(picture: npt.NDArray[np.uint8], lean: float) -> npt.NDArray[np.uint8]:
    """The rows moved to where they lie, between two pixels in shares of both."""
    rows, columns = picture.shape[:2]
    shifts = lean * np.arange(rows) if lean > 0 else lean * np.arange(1 - rows, 1)
    wide = np.zeros((rows, columns + math.ceil(float(shifts.max())), *picture.shape[2:]), np.uint8)
    for row, shift in enumerate(shifts.tolist()):
        start, share = math.floor(shift), shift % 1
        line = np.zeros((columns + 1, *picture.shape[2:]), np.float32)
        line[:-1] = (1 - share) * picture[row]
        line[1:] += share * picture[row]
        target = wide[row, start : start + columns + 1]
        target[:] = np.rint(line[: len(target)])
    return wide


def _upright(volume: Volume, index: int, axis: Axis | None, window: Voi | None) -> npt.NDArray[np.uint8]:
    values: npt.NDArray[Any] = plane(volume, index, axis=axis)
    if volume.colour:
        return values if values.dtype == np.uint8 else (values >> _spare_bits(volume)).astype(np.uint8)
    window = window or plane_voi(volume, axis)[index]
    grey = to_display(values, window, invert=volume.inverted)
    padding = None if _padding_is_black(volume, window) else plane_padding(volume, index, axis=axis)
    if padding is not None:
        np.copyto(grey, 0, where=padding)
    return grey


def _padding_is_black(volume: Volume, window: Voi) -> bool:
    """True if the window shows all padding as black, so that no padding mask is needed."""
    if volume.padding is None or volume.inverted or isinstance(window, VoiTable):
        return False
    return _is_black(float(volume.padding[:, 1].max()), window)


@lru_cache(maxsize=32)
def _is_black(value: float, window: Window) -> bool:
    """True if this value and every smaller one are shown as black; windows are monotone."""
    return math.isfinite(value) and not to_display(np.array([value]), window).any()


def _spare_bits(volume: Volume) -> int:
    """The bits of a colour sample beyond the 8 of a picture, by Bits Stored (0028,0101) if the values keep to it."""
    stored = volume.metadata.get("BitsStored")
    highest = int(volume.array.max()).bit_length()
    return max(stored if isinstance(stored, int) else 16, highest, 8) - 8


def encode_picture(
    volume: Volume,
    index: int,
    kind: PictureFormat,
    *,
    axis: Axis | None = None,
    window: Voi | None = None,
) -> bytes:
    """One plane as the bytes of a PNG or JPEG file."""
    return _encoded(render(volume, index, axis=axis, window=window), volume, kind, axis)


def _encoded(picture: npt.NDArray[np.uint8], volume: Volume, kind: PictureFormat, axis: Axis | None) -> bytes:
    aspect = plane_aspect(volume, axis)
    if kind == "png":
        return encode_png(picture, spacing=plane_spacing(volume, axis), aspect=aspect)
    return encode_jpeg(picture, aspect=aspect)


def _single_frames(volume: Volume, overlays: Mapping[str, Sequence[Overlay]]) -> dict[int, Sequence[Overlay]]:
    """The overlays of each slice, by its index, that is an instance by itself."""
    uids = volume.instance_uids
    if not overlays or len(uids) != len(volume.array):  # resampled slices are no instance's
        return {}
    slices = Counter(uids)
    return {index: overlays[uid] for index, uid in enumerate(uids) if uid in overlays and slices[uid] == 1}


def save_pictures(
    volume: Volume,
    folder: StrPath,
    format: PictureFormat = "png",  # noqa: A002 - its public name
    window: Voi | None = None,
    axis: Axis | None = None,
    *,
    overlays: Mapping[str, Sequence[Overlay]] = _NONE,
    progress: Progress = silent,
) -> tuple[Path, ...]:
    """Save every plane of a volume as a picture.

    Parameters
    ----------
    folder
        Made if it is missing. Files are called ``slice-0000.png`` and so on, in ascending order.
    format
        ``"png"`` (lossless) or ``"jpg"``.
    window
        What to show; by default what each slice's header proposes (`voxelry.core.display.plane_voi`), else the range
        of the values.
    axis
        ``"axial"``, ``"coronal"`` or ``"sagittal"``; None for slices as they were acquired.
    overlays
        By SOP Instance UID: drawn in white over the slices as acquired of single-frame instances.

    Returns
    -------
    files
        In the order of the planes.

    Raises
    ------
    GeometryError
        If a patient plane is asked for and the volume's place in the patient is unknown.
    ParameterError
        If the format or the axis is unknown, or overlays are asked for in a patient plane.

    Examples
    --------
    >>> files = voxelry.save_pictures(voxelry.load_volume("sample/phantom"), "coronal", axis="coronal")
    >>> len(files), files[0].name
    (256, 'slice-0000.png')
    """
    check_type(volume, Volume, name="volume", instead="voxelry.load_volume reads one from a path")
    if format not in get_args(PictureFormat):
        raise ParameterError(f"no picture format {format!r}; there are {', '.join(get_args(PictureFormat))}")
    if overlays and axis is not None:
        raise ParameterError(f"overlays lie over slices as they were acquired, not over {axis} planes")
    count = plane_count(volume, axis)
    over = _single_frames(volume, overlays)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    shown = plane_voi(volume, axis) if window is None and not volume.colour else (window,) * count

    def save(index: int) -> Path:
        file = target / f"slice-{index:04d}.{format}"
        picture = render(volume, index, axis=axis, window=shown[index])
        if index in over:
            picture = drawn(picture, over[index])
        publish(file, _encoded(picture, volume, format, axis))
        return file

    files = []
    with closing(in_parallel(partial(save, index) for index in range(count))) as saved:
        for index, file in enumerate(saved):
            progress(index / count, "writing pictures")
            files.append(file)
    progress(1.0, "writing pictures")
    return tuple(files)
