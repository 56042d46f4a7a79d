"""Volumes in HDF5: lossless, in the layout of docs/reference/hdf5.md, with filters that every reader has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError, ParameterError
from voxelry.core.progress import Progress, part, silent
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.formats.hdf5.hdf5_chunks import COMPRESSIONS, create_dataset, read_images, write_images
from voxelry.formats.hdf5.hdf5_file import Node, dataset_in, open_hdf5
from voxelry.formats.hdf5.hdf5_layout import (
    AXES,
    PADDING,
    VALUES,
    StackPlace,
    five_axes,
    foreign_dataset,
    layout_warnings,
    read_companion,
    read_metadata,
    read_place,
    read_uids,
    stack_group,
    stack_groups,
    write_companions,
    write_place,
)
from voxelry.formats.hdf5.hdf5_normalised import (
    StoredStack,
    is_normalised,
    read_normalised,
    read_stack,
    write_normalised,
)
from voxelry.formats.hdf5.hdf5_target import created
from voxelry.formats.shared.grids import contradictions_refused
from voxelry.formats.shared.options import check_options
from voxelry.formats.shared.volume_record import recorded_volume, volume_record

__all__ = ["FORMAT", "Hdf5Format", "StoredStack", "read_normalised", "write_normalised"]


class Hdf5Format:
    """HDF5 in Voxelry's layout. Option ``compression``: ``gzip`` (default), ``none``, ``lzf``, ``blosc``, ``zstd``."""

    name = "hdf5"
    suffixes = (".h5", ".hdf5")
    libraries = ("h5py",)
    description = "HDF5, exact, gzip that every reader has; place and metadata as attributes"

    def read(self, path: str, *, progress: Progress = silent) -> tuple[Volume, ...]:
        """The volumes of a file, in order. A normalised file gives modality values, a file by others its own values.

        Raises
        ------
        FormatError
            If the file is not HDF5, is damaged, declares more than it holds, or holds no images.
        """
        with open_hdf5(path) as file:
            groups = stack_groups(file)
            if not groups:
                return _foreign_volumes(file, progress)
            found: list[Volume] = []
            for number, group in enumerate(groups):
                share = part(progress, number / len(groups), (number + 1) / len(groups))
                if is_normalised(dataset_in(group, VALUES)):
                    found += modality_volumes(read_stack(group, file, share))
                else:
                    found += _read_volumes(group, layout_warnings(file), share)
            return tuple(found)

    def write(
        self, volumes: Sequence[Volume], path: str, *, options: dict[str, Value], progress: Progress = silent
    ) -> None:
        """Write volumes; consecutive volumes of one grid and dtype share a dataset, as its phases.

        Raises
        ------
        FormatError
            If a volume has no voxels, a dtype that is not a plain number, or metadata that JSON cannot hold.
        ParameterError
            If an option is unknown.
        """
        compression = _compression(options)
        if not volumes:
            raise ParameterError("there is no volume to write")
        for volume in volumes:
            if volume.array.size == 0 or volume.array.dtype.kind not in "biuf" or volume.array.dtype.itemsize > 8:
                raise FormatError(f"HDF5 holds no volume of {volume.array.shape} and {volume.array.dtype} here")
            if volume.affine is not None and not np.isfinite(volume.affine).all():
                raise FormatError("the affine holds a number that is not finite: no place in the patient")
        runs = _runs(volumes)
        with created(path, progress) as (file, progress):
            for number, run in enumerate(runs):
                share = part(progress, number / len(runs), (number + 1) / len(runs))
                _write_run(stack_group(file, number + 1), run, compression, share)


FORMAT = Hdf5Format()


def _compression(options: dict[str, Value]) -> str:
    check_options(options, ("compression",), "HDF5")
    compression = options.get("compression", COMPRESSIONS[0])
    if not isinstance(compression, str) or compression not in COMPRESSIONS:
        raise ParameterError(f"HDF5 has no compression {compression!r}; there are {', '.join(COMPRESSIONS)}")
    return compression


def _runs(volumes: Sequence[Volume]) -> list[list[Volume]]:
    """Group consecutive volumes of one shape, dtype and affine; each group becomes one dataset."""
    runs: list[list[Volume]] = []
    for volume in volumes:
        if runs and _alike(runs[-1][0], volume):
            runs[-1].append(volume)
        else:
            runs.append([volume])
    return runs


def _alike(one: Volume, other: Volume) -> bool:
    def kind(volume: Volume) -> tuple[object, ...]:
        place = None if volume.affine is None else volume.affine.tobytes()
        return volume.array.shape, volume.array.dtype, volume.spacing, place

    return kind(one) == kind(other)


def _write_run(group: Node, run: Sequence[Volume], compression: str, progress: Progress) -> None:
    first, several = run[0], len(run) > 1
    slices = len(first.array)
    shape = (slices, len(run), *first.array.shape[1:]) if several else first.array.shape
    unwanted = {name for name, there in (("phase", several), ("sample", first.colour)) if not there}
    axes = tuple(axis for axis in AXES if axis not in unwanted)
    images = 1 + several
    dataset = create_dataset(group, VALUES, shape, first.array.dtype, images=images, compression=compression)
    units = {volume.unit for volume in run}
    unit = first.unit if len(units) == 1 else ""
    write_place(dataset, StackPlace(axes=axes, affine=first.affine, spacing=first.spacing, unit=unit))

    def plane(index: tuple[int, ...]) -> npt.NDArray[Any]:
        return np.asarray(run[index[1] if several else 0].array[index[0]])

    write_images(dataset, plane, images=images, words="writing HDF5", progress=progress)
    _write_descriptions(group, run, slices)


def _write_descriptions(group: Node, run: Sequence[Volume], slices: int) -> None:
    counted = all(len(volume.instance_uids) == slices for volume in run)
    plain = all(uid.isascii() and "\0" not in uid for volume in run for uid in volume.instance_uids)
    as_dataset = counted and plain
    records: list[Value] = []
    for volume in run:
        record = volume_record(volume)
        record["padded"] = volume.padding is not None
        if not as_dataset:
            record["instance_uids"] = list(volume.instance_uids)
        records.append(record)
    none = np.full((slices, 2), np.nan)
    padding = [none if volume.padding is None else volume.padding for volume in run]
    padded = any(volume.padding is not None for volume in run)
    write_companions(
        group,
        metadata={"volumes": records},
        uids=list(zip(*(volume.instance_uids for volume in run), strict=True)) if as_dataset else None,
        padding=np.stack(padding, axis=1) if padded else None,
    )


def _read_volumes(group: Node, warnings: tuple[str, ...], progress: Progress) -> list[Volume]:
    dataset = dataset_in(group, VALUES)
    place, of_place = read_place(dataset)
    array = five_axes(read_images(dataset, words="reading HDF5", progress=progress), place.axes)
    images = (array.shape[0], array.shape[1])
    padding, of_padding = read_companion(group, PADDING, (*images, 2))
    uids, of_uids = read_uids(group, images)
    found, of_metadata = read_metadata(group)
    told = (*warnings, *of_place, *of_padding, *of_uids, *of_metadata)
    records = found.get("volumes")
    if not isinstance(records, list) or len(records) != images[1]:
        told = told if of_metadata else (*told, "the HDF5 file's metadata tell of another number of volumes: left out")
        unknown: Value = {"unit": place.unit}
        records = [unknown] * images[1]
    volumes = []
    for phase, record in enumerate(records):
        known = record if isinstance(record, dict) else {}
        listed = known.get("instance_uids")
        listed = listed if isinstance(listed, list) else []
        volumes.append(
            recorded_volume(
                np.ascontiguousarray(array[:, phase]),
                record,
                affine=place.affine,
                spacing=place.spacing,
                padding=None if padding is None or known.get("padded") is False else padding[:, phase],
                instance_uids=tuple(map(str, listed)) if uids is None else tuple(row[phase] for row in uids),
                warnings=told,
            )
        )
    return volumes


@contradictions_refused()
def _foreign_volumes(file: Node, progress: Progress) -> tuple[Volume, ...]:
    dataset, axes, warnings = foreign_dataset(file)
    array = five_axes(read_images(dataset, words="reading HDF5", progress=progress), axes)
    phases = array.shape[1]
    return tuple(
        Volume(
            array=np.ascontiguousarray(array[:, phase]),
            warnings=warnings,
            label=f"phase {phase + 1}" if phases > 1 else "",
        )
        for phase in range(phases)
    )


@contradictions_refused()
def modality_volumes(stack: StoredStack) -> list[Volume]:
    """A volume of modality values for each phase, in the smallest lossless dtype."""
    volumes = []
    for phase in range(stack.stored.shape[1]):
        stored = stack.stored[:, phase]
        rescale = None if stack.rescale is None else stack.rescale[:, phase]
        volumes.append(
            Volume(
                array=np.ascontiguousarray(stored) if rescale is None else _modality(stored, rescale),
                affine=stack.affine,
                spacing=stack.spacing,
                unit=stack.unit,
                padding=None if stack.padding is None else stack.padding[:, phase],
                label=stack.labels[phase] if stack.labels else "",
                metadata=stack.metadata,
                instance_uids=tuple(row[phase] for row in stack.sop_instance_uids),
                warnings=stack.warnings,
            )
        )
    return volumes


def _modality(stored: npt.NDArray[Any], rescale: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """Apply slope and intercept of each slice; ``rescale`` has the shape ``(location, 2)``."""
    factors = rescale.reshape(len(stored), 2, *(1,) * (stored.ndim - 1))
    slope, intercept = factors[:, 0], factors[:, 1]
    whole = stored.dtype.kind in "iu" and stored.dtype.itemsize <= 4
    if whole and (np.abs(rescale) < 2**30).all() and (rescale == np.rint(rescale)).all():
        exact = stored.astype(np.int64) * slope.astype(np.int64) + intercept.astype(np.int64)
        low, high = int(exact.min()), int(exact.max())
        kinds = (np.dtype(name) for name in ("int16", "uint16", "int32", "uint32"))
        return exact.astype(
            next((kind for kind in kinds if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max), exact.dtype)
        )
    if (rescale == (1, 0)).all():
        return np.ascontiguousarray(stored)
    with np.errstate(over="ignore", invalid="ignore"):
        values = stored.astype(np.float64) * slope + intercept
        single = values.astype(np.float32)
    return single if np.array_equal(single, values, equal_nan=True) else values
