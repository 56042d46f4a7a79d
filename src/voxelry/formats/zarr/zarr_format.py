"""Volumes in Zarr v3, with OME-Zarr (NGFF 0.5) metadata and the exact affine."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError, ParameterError
from voxelry.core.extras import needed_for
from voxelry.core.progress import Progress, silent
from voxelry.core.spacing import Spacing
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.formats.shared.grids import contradictions_refused
from voxelry.formats.shared.options import check_options, whole_option
from voxelry.formats.shared.volume_record import json_text, recorded_volume, volume_record
from voxelry.formats.zarr.ngff import Image, ngff_attributes, ngff_axes, read_image
from voxelry.formats.zarr.zarr_store import (
    ZIP,
    array_in,
    arrays_in,
    check_array,
    group_in,
    guard_zarr,
    is_numeric_array,
    open_zarr,
    read_part,
)

if TYPE_CHECKING:
    import zarr

LAYOUT = 1
"""The version of the attribute ``voxelry``."""
PATH = "0"
"""Name of the only array, within its group."""
COMPRESSIONS = ("lz4", "zstd", "none")
"""Blosc compressors, all with shuffle. The first is the default."""
SLICES_PER_SHARD = 25
_OWN = "voxelry"
_FIRST = "0"
_COLLECTION = "the store is a collection of images (bioformats2raw), of which the first is taken"
_NOT_FINITE: Mapping[str, float] = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}
_NAMES_OF_NOT_FINITE: Mapping[str, str] = {str(value): name for name, value in _NOT_FINITE.items()}


class ZarrFormat:
    """Zarr v3, a folder or a zip file. Options ``compression``: ``lz4`` (default), ``zstd``, ``none``; ``shard``."""

    name = "zarr"
    suffixes = (".zarr", ".zarr.zip")
    libraries = ("zarr",)
    description = "Zarr v3 with OME-Zarr 0.5 metadata, exact; a chunk for each slice, in shards"

    def read(self, path: str, *, progress: Progress = silent) -> tuple[Volume, ...]:
        """The volumes of a store, in order. An OME-Zarr by others gives its full resolution, one volume per channel.

        Raises
        ------
        FormatError
            If it is not a Zarr store, is damaged, declares more than it holds, or holds no image.
        """
        with needed_for("Zarr"):
            import zarr

        with open_zarr(path) as (root, held):
            if isinstance(root, zarr.Array):
                return _read_plain([root], held, progress)
            attributes = guard_zarr(root.attrs.asdict)()
            several = _is_collection(attributes)
            if several:
                root = group_in(root, _FIRST)
                attributes = guard_zarr(root.attrs.asdict)()
            image = read_image(attributes)
            if image is None:
                return _read_plain(arrays_in(root), held, progress)
            array = array_in(root, image.path)
            if array.ndim != len(image.axes):
                raise FormatError(f"the OME-Zarr metadata name {len(image.axes)} axes and the array has {array.ndim}")
            values = _read(array, held, progress)
            own = attributes.get(_OWN)
            if isinstance(own, dict):
                return _own_volumes(values, image, own)
            return _foreign_volumes(values, image, (_COLLECTION,) if several else ())

    def write(
        self, volumes: Sequence[Volume], path: str, *, options: dict[str, Value], progress: Progress = silent
    ) -> None:
        """Write volumes of one grid; several volumes form the axis ``t``, colour samples the axis ``c``.

        Parameters
        ----------
        options
            ``compression``: one of ``COMPRESSIONS``. ``shard``: number of slices in a file (25).

        Raises
        ------
        FormatError
            If the volumes differ in shape, dtype or affine, or have no voxels; if the folder holds other files.
        ParameterError
            If an option is unknown, or out of range.
        """
        check_options(options, ("compression", "shard"), "Zarr")
        compression = options.get("compression", COMPRESSIONS[0])
        if compression not in COMPRESSIONS:
            raise ParameterError(f"Zarr has no compression {compression!r} here; there are {', '.join(COMPRESSIONS)}")
        shard = whole_option(options, "shard", SLICES_PER_SHARD, range(1, 10_001))
        _check_volumes(volumes)
        attributes = _attributes(volumes)
        target = _target(path)
        if target is None:
            _write(path, volumes, attributes, str(compression), shard, progress)
            return
        with target as store:
            _write(store, volumes, attributes, str(compression), shard, progress)


FORMAT = ZarrFormat()


def _target(path: str) -> Any:
    """Create a store for a zip file; None for a folder, which is emptied."""
    with needed_for("Zarr"):
        from zarr.storage import ZipStore

    there = Path(path)
    if path.lower().endswith(ZIP):
        return ZipStore(there, mode="w", compression=zipfile.ZIP_STORED)
    if there.is_dir() and any(there.iterdir()) and not any((there / name).is_file() for name in _ROOTS):
        raise FormatError(f"{there.name} is a folder that holds something else than Zarr")
    if there.is_file():
        there.unlink()
    return None


_ROOTS = ("zarr.json", ".zgroup", ".zarray")


def _check_volumes(volumes: Sequence[Volume]) -> None:
    if not volumes:
        raise ParameterError("there is no volume to write")
    first = volumes[0]
    for volume in volumes:
        dtype = volume.array.dtype
        if volume.array.size == 0 or dtype.kind not in "biuf" or dtype.itemsize > 8:
            raise FormatError(f"Zarr holds no volume of {volume.array.shape} and {dtype} here")
        if (volume.array.shape, dtype) != (first.array.shape, first.array.dtype):
            raise FormatError("Zarr holds several volumes as one array: these differ in shape or in dtype")
        same = (volume.affine is None) == (first.affine is None) and (
            volume.affine is None or first.affine is None or np.array_equal(volume.affine, first.affine)
        )
        if not same or volume.spacing != first.spacing:
            raise FormatError("Zarr holds several volumes as one array: these lie at different places")


def _attributes(volumes: Sequence[Volume]) -> dict[str, Value]:
    """Attributes of the group: OME-Zarr's, and Voxelry's own for what OME-Zarr cannot express."""
    first = volumes[0]
    axes = ngff_axes(several=len(volumes) > 1, colour=first.colour)
    records: list[Value] = []
    for volume in volumes:
        record = volume_record(volume)
        record["instance_uids"] = list(volume.instance_uids)
        if volume.padding is not None:
            record["padding"] = [[_number(value) for value in row] for row in volume.padding.tolist()]
        records.append(record)
    own: dict[str, Value] = {
        "layout": LAYOUT,
        "colour": first.colour,
        "spacing_mm": list(first.spacing),
        "volumes": records,
    }
    if first.affine is not None:
        if not np.isfinite(first.affine).all():
            raise FormatError("the affine holds a number that is not finite: no place in the patient")
        own["affine_lps_mm"] = first.affine.tolist()
    ome = ngff_attributes(axes, first.affine, first.spacing, path=PATH, name=first.label)
    json_text(own)  # Refuses invalid JSON before anything is written.
    return {"ome": ome, _OWN: own}


def _number(value: float) -> Value:
    """A number for JSON, which has no NaN: Zarr's names of such fill values."""
    return value if isfinite(value) else _NAMES_OF_NOT_FINITE[str(value)]


def _write(
    store: Any,
    volumes: Sequence[Volume],
    attributes: dict[str, Value],
    compression: str,
    shard: int,
    progress: Progress,
) -> None:
    import zarr

    first = volumes[0]
    axes = ngff_axes(several=len(volumes) > 1, colour=first.colour)
    slices, rows, columns, *samples = first.array.shape
    chunk, block = [*samples, 1, rows, columns], [*samples, min(shard, slices), rows, columns]
    shape = [*samples, slices, rows, columns]
    if len(volumes) > 1:
        chunk, block, shape = [1, *chunk], [1, *block], [len(volumes), *shape]
    group = zarr.open_group(store, mode="w", zarr_format=3, attributes=cast("dict[str, Any]", attributes))
    array = group.create_array(
        PATH,
        shape=tuple(shape),
        dtype=first.array.dtype.newbyteorder("="),
        chunks=tuple(chunk),
        shards=tuple(block),
        compressors=_compressors(compression, first.array.dtype),
        dimension_names=axes,
        config={
            "write_empty_chunks": True
        },  # All chunks are written, so that a reader can recognise missing chunks as lost.
    )
    for number, volume in enumerate(volumes):
        for start in range(0, slices, shard):
            part = np.asarray(volume.array[start : start + shard])
            whole = slice(None)
            place: tuple[Any, ...] = (slice(start, start + shard), whole, whole)
            if volume.colour:
                place, part = (whole, *place), np.moveaxis(part, -1, 0)
            array[(number, *place) if len(volumes) > 1 else place] = part
            progress((number * slices + min(slices, start + shard)) / (len(volumes) * slices), "writing Zarr")


def _compressors(compression: str, dtype: np.dtype[Any]) -> Any:
    from zarr.codecs import BloscCodec

    if compression == "none":
        return None
    level = 5 if compression == "lz4" else 1
    shuffle = "shuffle" if dtype.itemsize > 1 else "noshuffle"
    return [BloscCodec(cname=compression, clevel=level, shuffle=shuffle, typesize=dtype.itemsize)]  # type: ignore[arg-type]


def _read(array: zarr.Array[Any], held: int, progress: Progress) -> npt.NDArray[Any]:
    check_array(array, held)
    if 0 in array.shape or not array.shape:
        raise FormatError("the Zarr array has no voxels")
    out = np.empty(array.shape, np.dtype(array.dtype).newbyteorder("="))
    piece = (array.shards or array.chunks)[0]
    step = piece * max(1, -(-len(out) // (16 * piece)))  # Whole shards, in at most sixteen steps.
    for start in range(0, len(out), step):
        out[start : start + step] = read_part(array, start, min(len(out), start + step))
        progress(min(1.0, (start + step) / len(out)), "reading Zarr")
    return out


def _is_collection(attributes: Mapping[str, Any]) -> bool:
    """True for a group of numbered images, as bioformats2raw writes it."""
    own = attributes.get("ome", attributes)
    return isinstance(own, Mapping) and "bioformats2raw.layout" in own


def _slices_first(values: npt.NDArray[Any], axes: Sequence[str]) -> npt.NDArray[Any]:
    """A view with all axes: ``(t, c, z, y, x)``."""
    return values[tuple(slice(None) if axis in axes else None for axis in ("t", "c", "z", "y", "x"))]


def _own_volumes(values: npt.NDArray[Any], image: Image, own: dict[str, Any]) -> tuple[Volume, ...]:
    full = _slices_first(values, image.axes)
    warnings: list[str] = []
    if isinstance(own.get("layout"), int) and own["layout"] > LAYOUT:
        warnings.append(f"the store's layout is version {own['layout']}, of which only version {LAYOUT} is known here")
    colour = own.get("colour") is True and "c" in image.axes
    if not colour and full.shape[1] > 1:
        return _foreign_volumes(values, image)
    records = own.get("volumes")
    if not isinstance(records, list) or len(records) != len(full):
        warnings.append("the store's metadata tell of another number of volumes: left out")
        records = [{} for _ in full]
    affine = _affine(own, warnings)
    return tuple(
        recorded_volume(
            np.ascontiguousarray(np.moveaxis(one, 0, -1) if colour else one[0]),
            record,
            affine=affine,
            spacing=_spacing(own, image),
            padding=_padding(record, len(one[0])),
            instance_uids=_texts(record, "instance_uids"),
            warnings=tuple(warnings),
        )
        for one, record in zip(full, records, strict=True)
    )


def _affine(own: Mapping[str, Any], warnings: list[str]) -> npt.NDArray[np.float64] | None:
    value = own.get("affine_lps_mm")
    if value is None:
        return None
    try:
        affine = np.array(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        affine = np.empty(0)
    if affine.shape == (4, 4) and np.isfinite(affine).all() and (affine[3] == (0, 0, 0, 1)).all():
        return affine
    warnings.append("affine_lps_mm is no affine matrix and is left out")
    return None


def _spacing(own: Mapping[str, Any], image: Image) -> Spacing:
    value = own.get("spacing_mm")
    if not isinstance(value, list) or len(value) != 3:
        return image.spacing
    known = [
        float(mm) if isinstance(mm, int | float) and not isinstance(mm, bool) and 0 < mm < np.inf else None
        for mm in value
    ]
    return known[0], known[1], known[2]


def _padding(record: Value, slices: int) -> npt.NDArray[np.float64] | None:
    rows = record.get("padding") if isinstance(record, dict) else None
    try:
        numbers = [[_NOT_FINITE[one] if isinstance(one, str) else one for one in row] for row in rows]  # type: ignore[union-attr]
        padding = np.array(numbers, np.float64)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    return padding if padding.shape == (slices, 2) else None


def _texts(record: Value, name: str) -> tuple[str, ...]:
    found = record.get(name) if isinstance(record, dict) else None
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


@contradictions_refused()
def _foreign_volumes(values: npt.NDArray[Any], image: Image, warnings: tuple[str, ...] = ()) -> tuple[Volume, ...]:
    """A volume for each time point and channel of an image by others."""
    full = _slices_first(values, image.axes)
    times, channels = full.shape[:2]
    warnings = (*warnings, *image.warnings, "the OME-Zarr metadata do not tell how the image lies in the patient")
    volumes = []
    for time in range(times):
        for channel in range(channels):
            told = image.channels[channel] if channel < len(image.channels) else ""
            words = [f"time {time + 1}"] if times > 1 else []
            words += [told or f"channel {channel + 1}"] if channels > 1 else []
            volumes.append(
                Volume(
                    array=np.ascontiguousarray(full[time, channel]),
                    spacing=image.spacing,
                    label=", ".join(words),
                    warnings=warnings,
                )
            )
    return tuple(volumes)


@contradictions_refused()
def _read_plain(arrays: Sequence[zarr.Array[Any]], held: int, progress: Progress) -> tuple[Volume, ...]:
    """The only or the largest array of three axes of a store without image metadata."""
    images = [one for one in arrays if is_numeric_array(one) and one.ndim in (2, 3)]
    solid = [one for one in images if one.ndim == 3] or images
    if not solid:
        raise FormatError("the Zarr store has no OME-Zarr metadata, and no array of three axes")
    largest = max(solid, key=lambda one: int(np.prod(one.shape, dtype=object)))
    warnings = ["the Zarr store has no OME-Zarr metadata: spacing, place and unit are unknown"]
    if len(solid) > 1:
        warnings.append(f"the largest of {len(solid)} arrays is taken")
    values = _read(largest, held, progress)
    array = values if values.ndim == 3 else values[None]
    return (Volume(array=np.ascontiguousarray(array), warnings=tuple(warnings)),)
