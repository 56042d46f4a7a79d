"""Stored values as float32 from 0 to 1 in HDF5, and back without loss, for ``dicom2hdf5`` and ``hdf52dicom``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError
from voxelry.core.progress import Progress, part, silent
from voxelry.core.spacing import Spacing
from voxelry.core.value import Value
from voxelry.formats.hdf5.hdf5_chunks import create_dataset, read_images, write_images
from voxelry.formats.hdf5.hdf5_file import (
    Node,
    attribute_numbers,
    attribute_text,
    dataset_in,
    is_numeric_dataset,
    open_hdf5,
)
from voxelry.formats.hdf5.hdf5_layout import (
    AXES,
    PADDING,
    RESCALE,
    STORED,
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
from voxelry.formats.hdf5.hdf5_target import created
from voxelry.parallel import in_parallel

_WORDS_WRITE, _WORDS_READ = "writing HDF5", "reading HDF5"


@dataclass(frozen=True, eq=False, kw_only=True)
class StoredStack:
    """Stored values of a series' images: all locations along the normal, with all phases of each.

    Parameters
    ----------
    stored
        Before rescale and windows; shape ``(location, phase, row, column)``, or with a last axis of samples for
        colour. Locations ascend along the normal; a series with one image at each has one phase.
    affine
        4 x 4, from a ``(location, row, column)`` index to LPS millimetres (PS3.3 C.7.6.2.1.1); None if unknown.
    spacing
        Millimetres ``(location, row, column)``, the first along the normal; None for each that is unknown.
    unit
        Unit of the modality values; empty if unknown.
    rescale
        Slope and intercept of each image, shape ``(location, phase, 2)``; None if the images have none.
    padding
        Smallest and largest modality value that is padding, shape ``(location, phase, 2)``, NaN for an image that has
        none; None if no image has any.
    labels
        The attribute value that distinguishes each phase ("AcquisitionTime 101213.5"); empty if none does.
    sop_instance_uids
        ``[location][phase]``; empty if unknown.
    metadata
        JSON to keep with the stack: the attributes that all images share, by keyword.
    warnings
        What the file that was read leaves out, or where it contradicts itself.
    """

    stored: npt.NDArray[Any]
    affine: npt.NDArray[np.float64] | None = None
    spacing: Spacing = (None, None, None)
    unit: str = ""
    rescale: npt.NDArray[np.float64] | None = None
    padding: npt.NDArray[np.float64] | None = None
    labels: tuple[str, ...] = ()
    sop_instance_uids: tuple[tuple[str, ...], ...] = ()
    metadata: Mapping[str, Value] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.stored.ndim not in (4, 5):
            raise ValueError(f"stored values have 4 axes, or 5 for colour, not {self.stored.ndim}")
        images = self.stored.shape[:2]
        for given, name in ((self.rescale, "rescale"), (self.padding, "padding")):
            if given is not None and given.shape != (*images, 2):
                raise ValueError(f"{name} has the shape {given.shape} for {images} images")
        if self.labels and len(self.labels) != images[1]:
            raise ValueError(f"{len(self.labels)} labels for {images[1]} phases")
        if self.sop_instance_uids and {len(row) for row in self.sop_instance_uids} != {images[1]}:
            raise ValueError("sop_instance_uids has another number of phases than the images")
        if self.sop_instance_uids and len(self.sop_instance_uids) != images[0]:
            raise ValueError("sop_instance_uids has another number of locations than the images")

    @property
    def extremes(self) -> tuple[float, float]:
        """The smallest and the largest finite stored value; 0 and 0 if no value is finite."""
        if self.stored.dtype.kind != "f":
            return float(self.stored.min()), float(self.stored.max())
        lows, highs = zip(*(_finite_extremes(values) for values in self.stored), strict=True)
        low, high = min(lows), max(highs)
        return (low, high) if low <= high else (0.0, 0.0)


def _finite_extremes(values: npt.NDArray[Any]) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (np.inf, -np.inf)


def write_normalised(
    stacks: Sequence[StoredStack], path: str, *, compression: str = "gzip", progress: Progress = silent
) -> None:
    """Write each stack's stored values as float32 from 0 to 1, in the layout of ``docs/reference/hdf5.md``.

    The minimum becomes 0 and the maximum 1. Both are kept as attributes, so that ``read_normalised`` gives the same
    stored values. Float32 suffices for integers of up to 16 bits; wider ones, and floats, are kept a second time as
    they are.

    Parameters
    ----------
    stacks
        At least one; the first is written at the root of the file.
    path
        Name of the file; no suffix is added.
    compression
        ``"gzip"`` (every reader has it), ``"none"``, ``"lzf"`` (h5py has it), ``"blosc"``, ``"zstd"`` (with
        hdf5plugin).

    Raises
    ------
    FormatError
        If a stack has no pixels, or hdf5plugin is needed and missing.
    ParameterError
        If the compression is unknown.
    """
    if not stacks or any(0 in stack.stored.shape for stack in stacks):
        raise FormatError("HDF5 needs at least one stack, with at least one pixel")
    with created(path, progress) as (file, progress):
        for number, stack in enumerate(stacks):
            share = part(progress, number / len(stacks), (number + 1) / len(stacks))
            _write_stack(stack_group(file, number + 1), stack, compression, share)


def _write_stack(group: Node, stack: StoredStack, compression: str, progress: Progress) -> None:
    stored = stack.stored
    low, high = stack.extremes
    wide = stored.dtype.itemsize > 2 or stored.dtype.kind == "f"
    normalise = LinearMap(low, high).table(stored.dtype)
    values = create_dataset(group, VALUES, stored.shape, np.dtype("f4"), images=2, compression=compression)
    axes = AXES[: stored.ndim]
    write_place(values, StackPlace(axes=axes, affine=stack.affine, spacing=stack.spacing, unit=stack.unit))
    values.attrs["minimum"], values.attrs["maximum"] = low, high
    values.attrs["stored_dtype"] = stored.dtype.newbyteorder("=").name
    if stack.rescale is not None:
        first = stack.rescale[0, 0]
        if (stack.rescale == first).all():
            values.attrs["slope"], values.attrs["intercept"] = float(first[0]), float(first[1])
        else:
            group.create_dataset(RESCALE, data=np.asarray(stack.rescale, np.float64))
    first_share = part(progress, 0, 0.6 if wide else 1)
    write_images(values, lambda index: normalise(stored[index]), images=2, words=_WORDS_WRITE, progress=first_share)
    if wide:
        exact = create_dataset(group, STORED, stored.shape, stored.dtype, images=2, compression=compression)
        write_images(exact, lambda index: stored[index], images=2, words=_WORDS_WRITE, progress=part(progress, 0.6, 1))
    labels: list[Value] = list(stack.labels)
    write_companions(
        group,
        metadata={"labels": labels, "series": dict(stack.metadata)},
        uids=stack.sop_instance_uids or None,
        padding=stack.padding,
    )


@dataclass(frozen=True, slots=True)
class LinearMap:
    """A linear map from stored values to float32 from 0 to 1, and its inverse."""

    minimum: float
    maximum: float

    def forward(self, stored: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Map stored values to 0 to 1; NaN and infinities stay, and a constant becomes 0."""
        values = np.asarray(stored, np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            # Halved first: the difference of float64's limits overflows float64.
            span = self.maximum / 2 - self.minimum / 2
            if span > 0:
                return np.asarray((values / 2 - self.minimum / 2) / span, np.float32)
            return np.where(np.isfinite(values), 0.0, values).astype(np.float32)

    def backward(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Map 0 to 1 back to stored values, without rounding."""
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(
                2 * (values.astype(np.float64) * (self.maximum / 2 - self.minimum / 2) + self.minimum / 2), np.float64
            )

    def whole(self, values: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """``backward``, rounded, for stored integers of up to 16 bits, in float32: exact enough, and much faster."""
        with np.errstate(over="ignore", invalid="ignore"):
            stored = np.multiply(values, np.float32(self.maximum - self.minimum), dtype=np.float32)
            stored += np.float32(self.minimum)
            return np.rint(stored, out=stored)

    def table(self, dtype: np.dtype[Any]) -> Any:
        """``forward`` for arrays of one dtype, by a lookup table if the dtype has few values."""
        if dtype.kind not in "iu" or dtype.itemsize > 2:
            return self.forward
        bits = np.dtype(f"u{dtype.itemsize}")
        table = self.forward(np.arange(2 ** (8 * dtype.itemsize), dtype=bits).view(dtype.newbyteorder("=")))
        native = dtype.newbyteorder("=")
        return lambda stored: table.take(np.ascontiguousarray(stored, native).view(bits), mode="clip")


def read_normalised(path: str, *, progress: Progress = silent) -> tuple[StoredStack, ...]:
    """The stacks, with stored values, of a file that ``write_normalised`` wrote, or of an HDF5 file by others.

    The dataset ``volume`` decides: if it was changed after writing, its values replace those of the dataset
    ``stored``. In a file without ``minimum`` and ``maximum`` the values are the stored values. ``warnings`` list
    what is missing.

    Raises
    ------
    FormatError
        If the file is not HDF5, is damaged, declares more than it holds, or holds no images.
    """
    with open_hdf5(path) as file:
        groups = stack_groups(file)
        if not groups:
            return (_foreign_stack(file, progress),)
        shares = [part(progress, number / len(groups), (number + 1) / len(groups)) for number in range(len(groups))]
        return tuple(read_stack(group, file, share) for group, share in zip(groups, shares, strict=True))


def _foreign_stack(file: Node, progress: Progress) -> StoredStack:
    dataset, axes, warnings = foreign_dataset(file)
    array = five_axes(read_images(dataset, words=_WORDS_READ, progress=progress), axes)
    told = "it does not say minimum and maximum: its values are taken as stored values"
    return StoredStack(stored=array, warnings=(*warnings, told))


def read_stack(group: Node, file: Node, progress: Progress) -> StoredStack:
    """A stack of a file in Voxelry's layout, normalised or not."""
    dataset = dataset_in(group, VALUES)
    place, warnings = read_place(dataset)
    values = five_axes(read_images(dataset, words=_WORDS_READ, progress=part(progress, 0, 0.5)), place.axes)
    stored, told = _stored_values(group, dataset, place.axes, values, part(progress, 0.5, 1))
    images = (values.shape[0], values.shape[1])
    rescale, of_rescale = _rescale(group, dataset, images)
    padding, of_padding = read_companion(group, PADDING, (*images, 2))
    uids, of_uids = read_uids(group, images)
    found, of_metadata = read_metadata(group)
    labels, series = found.get("labels"), found.get("series")
    labels = labels if isinstance(labels, list) and len(labels) == images[1] else []
    return StoredStack(
        stored=stored,
        affine=place.affine,
        spacing=place.spacing,
        unit=place.unit,
        rescale=rescale,
        padding=padding,
        labels=tuple(str(label) for label in labels),
        sop_instance_uids=uids or (),
        metadata=series if isinstance(series, dict) else {},
        warnings=(*layout_warnings(file), *warnings, *told, *of_rescale, *of_padding, *of_uids, *of_metadata),
    )


def is_normalised(dataset: Node) -> bool:
    """True if a dataset has the attributes ``minimum`` and ``maximum``."""
    return attribute_numbers(dataset, "minimum", ()) is not None and (
        attribute_numbers(dataset, "maximum", ()) is not None
    )


def _rescale(
    group: Node, dataset: Node, images: tuple[int, int]
) -> tuple[npt.NDArray[np.float64] | None, tuple[str, ...]]:
    slope, intercept = attribute_numbers(dataset, "slope", ()), attribute_numbers(dataset, "intercept", ())
    if slope is not None and intercept is not None:
        return np.broadcast_to(np.array([slope, intercept], np.float64), (*images, 2)), ()
    return read_companion(group, RESCALE, (*images, 2))


def _stored_values(
    group: Node, dataset: Node, axes: tuple[str, ...], values: npt.NDArray[Any], progress: Progress
) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    low, high = attribute_numbers(dataset, "minimum", ()), attribute_numbers(dataset, "maximum", ())
    if low is None or high is None or not (np.isfinite(low) and np.isfinite(high)):
        return values, ("the HDF5 file does not say minimum and maximum: its values are taken as they are",)
    line = LinearMap(float(low), float(high))
    exact = dataset_in(group, STORED)
    if exact is not None and is_numeric_dataset(exact) and exact.shape == dataset.shape:
        stored = five_axes(read_images(exact, words=_WORDS_READ, progress=progress), axes)
        return _with_changes(stored, values, line)
    dtype, warnings = _stored_dtype(dataset)
    return restore(values, line, dtype, warnings, progress)


def _stored_dtype(dataset: Node) -> tuple[np.dtype[Any], tuple[str, ...]]:
    try:
        dtype = np.dtype(attribute_text(dataset, "stored_dtype") or "none")
    except TypeError:
        return np.dtype("f8"), ("the HDF5 file does not say the type of the stored values (stored_dtype)",)
    if dtype.kind in "biuf" and dtype.itemsize <= 8:
        return dtype, ()
    return np.dtype("f8"), ("the HDF5 file's stored_dtype is no type of numbers",)


def restore(
    values: npt.NDArray[Any], line: LinearMap, dtype: np.dtype[Any], warnings: tuple[str, ...], progress: Progress
) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """Stored values of ``dtype`` from normalised values; of a wider dtype, with a warning, if they do not fit."""
    if dtype.kind == "f":
        return line.backward(values).astype(dtype), warnings
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    out = np.empty(values.shape, dtype)

    def one(location: int) -> bool:
        exact = line.whole(values[location]) if dtype.itemsize <= 2 else np.rint(line.backward(values[location]))
        if not (low <= exact.min() and exact.max() <= high):  # NaN fails both comparisons.
            return False
        out[location] = exact.astype(dtype)
        return True

    fits = True
    for done, fitting in enumerate(in_parallel(partial(one, location) for location in range(len(values)))):
        fits = fits and fitting
        progress((done + 1) / len(values), _WORDS_READ)
    if fits:
        return out, warnings
    return line.backward(values), (*warnings, f"the volume holds values that do not fit the stored {dtype.name}")


def _with_changes(
    stored: npt.NDArray[Any], values: npt.NDArray[Any], line: LinearMap
) -> tuple[npt.NDArray[Any], tuple[str, ...]]:
    """The exact stored values, except where the normalised values were changed."""
    changed = [
        ~((forward := line.forward(exact)) == shown) & ~(np.isnan(forward) & np.isnan(shown))
        for exact, shown in zip(stored, values, strict=True)
    ]
    count = sum(int(one.sum()) for one in changed)
    if not count:
        return stored, ()
    told = f"{count} values of the volume are not those of the stored values beside it: the volume's are taken"
    taken, more = restore(values, line, stored.dtype, (told,), silent)
    result = np.where(np.stack(changed), taken, stored.astype(taken.dtype))
    return result, more
