"""The files of a stack: its volume, which is mapped into memory, and its pictures.

Each stack has a folder below that of its series::

    volume.npy  padding.npy  geometry.json  histogram.json  pictures/acquired/0000.png  pictures/axial/0000.png

Large volumes have ``across.npy`` too (`across_file`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from voxelry.core.display import default_voi, default_window, plane_voi
from voxelry.core.errors import MeasureError, Problem
from voxelry.core.histogram import Histogram, histogram
from voxelry.core.intensity import Voi, Window
from voxelry.core.measure import measure
from voxelry.core.planes import (
    AXES,
    Axis,
    layout,
    plane_aspect,
    plane_count,
    plane_lean,
    plane_shape,
    plane_spacing,
)
from voxelry.core.progress import Progress, part
from voxelry.core.segment_values import segment_kind
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.frames.frame import Frame
from voxelry.formats.pictures.picture import encode_png
from voxelry.server.access.exchange import FilePart
from voxelry.server.access.grants import Grants
from voxelry.server.access.quick_answers import takes_long
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.held import held
from voxelry.server.archive.models import Series, Stack
from voxelry.server.archive.row_values import storable
from voxelry.server.archive.shown.across_file import open_across, write_across
from voxelry.server.archive.shown.mapped_values import mapped_values
from voxelry.server.archive.shown.slice_display import display_record, slice_voi_of, tables_of
from voxelry.workflows.pictures.picture_files import encode_picture, render

THUMBNAIL_SIDE = 256
THUMBNAIL = "thumbnail.png"
VALUES = "volume.npy"
_THREADS = 2


def folder_of(stack: Stack) -> Path:
    """The folder of a stack's files. ``stack.series`` should be loaded."""
    return files_at_rest.near_folder(
        files_at_rest.stacks_folder(stack.series_id) / stack.series.folder / str(stack.index)
    )


def thumbnail_of(series: Series) -> Path:
    """The thumbnail of a series."""
    return files_at_rest.near(files_at_rest.stacks_folder(series.pk) / series.folder / THUMBNAIL)


def prepared_thumbnail(who: Grants, study: str, series: str | None) -> Path | None:
    """The thumbnail of a series, or of the first series of a study that has one, by their UIDs; None if there is none.

    The name of its folder changes with its content.
    """
    found = held(who, ("thumbnail", study, series), lambda: _prepared(who, study, series))
    return None if found is None else files_at_rest.near(files_at_rest.stacks_folder(found[0]) / found[1] / THUMBNAIL)


def _prepared(who: Grants, study: str, series: str | None) -> tuple[int, str] | None:
    rows = queries.series(who).filter(study__study_instance_uid=study, thumbnail=True).exclude(folder="")
    if series is not None:
        rows = rows.filter(series_instance_uid=series)
    return rows.order_by("number", "pk").values_list("pk", "folder").first()


@dataclass(frozen=True, slots=True)
class ValuesFile:
    """Where the values of a volume lie in its file.

    Attributes
    ----------
    path
        The file; None if it may have to be fetched to this machine.
    shape
        Slices, rows, columns, and samples for colour.
    start
        The position of the first slice in the file; None if slices do not lie in it one after the other.
    """

    path: Path | None
    dtype: str
    shape: tuple[int, ...]
    start: int | None

    def slice_part(self, stack: Stack, n: int) -> FilePart | bytes:
        """The values of a slice, in C order and little endian."""
        if self.path is None or self.start is None:
            takes_long()
        path = self.path or folder_of(stack) / VALUES
        if self.start is None:
            values = np.load(path, mmap_mode="r")[n]
            return np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False)).tobytes()
        length = math.prod(self.shape[1:]) * np.dtype(self.dtype).itemsize
        return FilePart(path, self.start + n * length, length)


def values_of_file(stack: Stack) -> ValuesFile:
    """Where the values of a volume lie in its file, read from the file's header."""
    path = folder_of(stack) / VALUES
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran_order, dtype = read(file)
        plain = not fortran_order and dtype == dtype.newbyteorder("<")
        start = file.tell() if plain else None
    return ValuesFile(None if files_at_rest.is_shared() else path, dtype.name, shape, start)


def open_volume(stack: Stack, *, shown: bool = True) -> Volume:
    """The volume as it was built, mapped into memory.

    Parameters
    ----------
    shown
        Read the windows of the slices too, which takes longer than reading a slice if each has its own.
    """
    folder = folder_of(stack)
    padding = folder / "padding.npy"
    return Volume(
        array=mapped_values(folder / VALUES),
        affine=None if stack.affine is None else np.array(stack.affine, np.float64),
        spacing=cast(tuple[float | None, float | None, float | None], tuple(stack.spacing)),
        unit=stack.unit,
        metadata=stack.metadata,
        warnings=tuple(stack.warnings),
        padding=np.load(padding) if padding.is_file() else None,
        windows=tuple(window_of(value) for value in stack.windows),
        voi_tables=tables_of(stack) if shown else (),
        slice_voi=slice_voi_of(stack) if shown else (),
        pixel_aspect=stack.display.get("pixel_aspect") if shown else None,
        inverted=stack.inverted,
        lossy=stack.lossy,
        label=stack.label,
    )


def placed_values(stack: Stack) -> Volume:
    """The values, mapped into memory, and where they lie: all that planes and cuts need.

    Of a volume of thousands of slices padding and windows take longer than a plane of it.
    """
    return Volume(
        array=mapped_values(folder_of(stack) / VALUES),
        affine=None if stack.affine is None else np.array(stack.affine, np.float64),
        spacing=cast(tuple[float | None, float | None, float | None], tuple(stack.spacing)),
        unit=stack.unit,
    )


def across_of(stack: Stack) -> npt.NDArray[Any] | None:
    """The volume's values in the order (column, slice, row), mapped into memory; None if they are not stored so."""
    return open_across(folder_of(stack))


def picture_of(stack: Stack, axis: Axis | None, index: int) -> Path | None:
    """The stored picture of a plane in the default window; None if there is none."""
    name = axis or "acquired"
    if axis is not None and stack.planes.get(axis, {}).get("as_acquired"):
        name = "acquired"
    path = folder_of(stack) / "pictures" / name / f"{index:04d}.png"
    return path if path.is_file() else None


def window_of(value: dict[str, Any]) -> Window:
    """A window from its JSON."""
    return Window(value["center"], value["width"], value["function"], value["name"])


def window_record(window: Window) -> dict[str, str | float]:
    """A window as JSON."""
    return {"name": window.name, "center": window.center, "width": window.width, "function": window.function}


def histogram_record(counted: Histogram, volume: Volume) -> dict[str, object]:
    """A histogram as JSON; without minimum and maximum if no voxel was counted.

    Counts of a segmentation do not follow from it: they are not counted from the smallest value to the largest.
    """
    empty = counted.values.size == 0
    return {
        "values": counted.values.tolist(),
        "counts": counted.counts.tolist(),
        "min": None if empty else counted.minimum,
        "max": None if empty else counted.maximum,
        "exact": counted.exact and not segment_kind(volume),
    }


def make_stack(
    volume: Volume,
    folder: Path,
    *,
    frames: Sequence[Frame],
    series: Series,
    index: int,
    problem: Problem | None,
    threshold: float,
    across_bytes: int,
    progress: Progress,
) -> Stack:
    """Write a stack's files into ``folder`` and describe them as a row that is not saved yet.

    Parameters
    ----------
    across_bytes
        From how many bytes on values are stored in the order (column, slice, row) too.
    """
    folder.mkdir(parents=True)
    np.save(folder / VALUES, volume.array)
    if volume.affine is not None and volume.array.nbytes >= across_bytes:
        write_across(volume.array, folder, progress=part(progress, 0.0, 0.1))
        progress = part(progress, 0.1, 1.0)
    if volume.padding is not None:
        np.save(folder / "padding.npy", volume.padding)
    counted = None if volume.colour else _histogram(volume)
    if counted is not None:
        (folder / "histogram.json").write_text(json.dumps(histogram_record(counted, volume)), "ascii")
    window, common = default_window(volume, counted=counted), default_voi(volume, counted=counted)
    stack = Stack(
        series=series,
        index=index,
        label=volume.label[:200].replace("\0", ""),
        shape=list(volume.array.shape),
        dtype=volume.array.dtype.name,
        regular=problem is None,
        problem_code="" if problem is None else problem.code,
        problem_message="" if problem is None else problem.message,
        warnings=list(volume.warnings),
        affine=None if volume.affine is None else volume.affine.tolist(),
        spacing=list(volume.spacing),
        unit=volume.unit[:64].replace("\0", ""),
        minimum=None if counted is None or not counted.values.size else counted.minimum,
        maximum=None if counted is None or not counted.values.size else counted.maximum,
        padding_count=0 if counted is None else _padding_count(volume),
        inverted=volume.inverted,
        lossy=volume.lossy,
        windows=[storable(cast(Value, window_record(w))) for w in volume.windows],
        default_window=storable(cast(Value, window_record(window))),
        planes=_planes(volume),
        display=storable(display_record(volume, frames, counted=counted)),
        metadata=storable(dict(volume.metadata)),
        measurement=_measurement(volume, threshold) if problem is None else None,
    )
    geometry = {
        name: getattr(stack, name) for name in ("shape", "dtype", "affine", "spacing", "unit", "regular", "label")
    }
    (folder / "geometry.json").write_text(json.dumps(geometry, indent=1), "utf-8")
    _write_pictures(volume, folder / "pictures", common, progress)
    return stack


def write_thumbnail(volume: Volume, common: Voi | None, path: Path) -> None:
    """The middle slice, no side longer than `THUMBNAIL_SIDE`, pixels made square."""
    middle = volume.array.shape[0] // 2
    grey = render(volume, middle, window=plane_voi(volume, common=common)[middle])
    rows, columns = grey.shape[:2]
    aspect = plane_aspect(volume)
    scale = THUMBNAIL_SIDE / max(rows * aspect, columns)
    height, width = (max(1, min(THUMBNAIL_SIDE, round(n * scale))) for n in (rows * aspect, columns))
    # Averages blocks before picking pixels, against aliasing.
    step = max(1, min(rows // height, columns // width))
    blocks = grey[: rows // step * step, : columns // step * step]
    small = (
        blocks.reshape(rows // step, step, columns // step, step, *grey.shape[2:])
        .mean(axis=(1, 3))
        .round()
        .astype(np.uint8)
    )
    picked = small[_spread(small.shape[0], height)][:, _spread(small.shape[1], width)]
    path.write_bytes(encode_png(np.ascontiguousarray(picked)))


def _spread(have: int, want: int) -> npt.NDArray[np.intp]:
    return ((np.arange(want) + 0.5) * have / want).astype(np.intp)


def _padding_count(volume: Volume) -> int:
    """The number of padding voxels; NaN and infinities do not count."""
    if volume.padding is None:
        return 0
    masks = (volume.padding_mask(index) for index in range(len(volume.array)))
    return sum(int(np.count_nonzero(mask)) for mask in masks if mask is not None)


def _histogram(volume: Volume) -> Histogram | None:
    try:
        return histogram(volume)
    except MeasureError:
        return None


def _measurement(volume: Volume, threshold: float) -> dict[str, Any] | None:
    try:
        return dict(measure(volume, default=threshold).record())
    except MeasureError:
        return None


def _planes(volume: Volume) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for axis in (None, *AXES) if volume.affine is not None else (None,):
        rows, columns = plane_shape(volume, axis)
        found[axis or "acquired"] = {
            "count": plane_count(volume, axis),
            "rows": rows,
            "columns": columns,
            "spacing_mm": list(plane_spacing(volume, axis)),
            "aspect": plane_aspect(volume, axis),
            "lean": plane_lean(volume, axis),
            "as_acquired": layout(volume, axis) == layout(volume, None),
        }
    return found


def _write_pictures(volume: Volume, folder: Path, common: Voi, progress: Progress) -> None:
    axes: list[Axis | None] = [None]
    if volume.affine is not None and layout(volume, "axial") != layout(volume, None):
        axes.append("axial")
    for done, axis in enumerate(axes):
        target = folder / (axis or "acquired")
        target.mkdir(parents=True)
        count = plane_count(volume, axis)
        shown = plane_voi(volume, axis, common=common)

        def write(
            index: int, *, axis: Axis | None = axis, target: Path = target, shown: tuple[Voi, ...] = shown
        ) -> None:
            picture = encode_picture(volume, index, "png", axis=axis, window=shown[index])
            (target / f"{index:04d}.png").write_bytes(picture)

        share = part(progress, done / len(axes), (done + 1) / len(axes))
        for index in _in_threads(write, count):
            share((index + 1) / count, f"{index + 1} of {count} {axis or ''} pictures".replace("  ", " "))


def _in_threads(write: Callable[[int], None], count: int) -> Iterator[int]:
    with ThreadPoolExecutor(_THREADS) as pool:
        try:
            for index, _ in enumerate(pool.map(write, range(count))):
                yield index
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
