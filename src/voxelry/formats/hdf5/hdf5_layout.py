"""Voxelry's HDF5 layout: which datasets and attributes a stack of images has (docs/reference/hdf5.md).

A stack is a group: the root holds the first one, the groups ``2``, ``3``, ... hold the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError
from voxelry.core.spacing import Spacing
from voxelry.core.value import Value
from voxelry.formats.hdf5.hdf5_file import (
    Node,
    attribute_numbers,
    attribute_text,
    dataset_in,
    every_dataset,
    is_numeric_dataset,
    members,
    read_numbers,
    read_texts,
)
from voxelry.formats.shared.grids import spacing_beside
from voxelry.formats.shared.volume_record import json_text, json_value

LAYOUT = 1
"""The version of the layout; a reader of a later version warns that it may miss something."""
VALUES = "volume"
STORED = "stored"
RESCALE = "rescale"
PADDING = "padding"
UIDS = "sop_instance_uids"
METADATA = "metadata"
AXES = ("location", "phase", "row", "column", "sample")
_OPTIONAL = ((), ("phase",), ("sample",), ("phase", "sample"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StackPlace:
    """What a stack's images share: their geometry and the names of their axes.

    Attributes
    ----------
    axes
        Axes of the dataset of values, in order; from ``AXES``.
    """

    axes: tuple[str, ...]
    affine: npt.NDArray[np.float64] | None
    spacing: Spacing
    unit: str


def stack_group(file: Node, number: int) -> Node:
    """Create the group of a new stack, counted from 1."""
    if number == 1:
        file.attrs["voxelry_layout"] = LAYOUT
        return file
    return file.create_group(str(number))


def write_place(dataset: Node, place: StackPlace) -> None:
    """Write the attributes of a dataset of values; unknown ones are left out."""
    dataset.attrs["axes"] = " ".join(place.axes)
    if place.affine is not None:
        dataset.attrs["affine_lps_mm"] = np.asarray(place.affine, np.float64)
    dataset.attrs["spacing_mm"] = np.array([np.nan if mm is None else mm for mm in place.spacing], np.float64)
    if place.unit:
        # HDF5 text cannot hold these characters; the metadata keep the exact text.
        dataset.attrs["unit"] = place.unit.replace("\0", "").encode("utf-8", "replace").decode()


def write_companions(
    group: Node,
    *,
    metadata: Value,
    uids: Sequence[Sequence[str]] | None = None,
    padding: npt.NDArray[np.float64] | None = None,
) -> None:
    """Write the datasets beside the values.

    Parameters
    ----------
    metadata
        One JSON object.
    uids
        SOP Instance UIDs, ``[location][phase]``.
    padding
        Shape ``(location, phase, 2)``.
    """
    text = json_text(metadata).encode("ascii")
    group.create_dataset(METADATA, data=np.array(text, f"S{len(text)}"))
    if uids is not None:
        group.create_dataset(
            UIDS, data=np.array([[uid.encode("utf-8", "replace") for uid in row] for row in uids], np.bytes_)
        )
    if padding is not None:
        group.create_dataset(PADDING, data=np.asarray(padding, np.float64))


def stack_groups(file: Node) -> list[Node]:
    """The groups that hold a stack in Voxelry's layout, in order; empty for a file by others."""
    found = members(file)
    numbered = sorted((int(name), name) for name in found if name.isdecimal() and name.isascii() and len(name) < 9)
    groups = [file, *(found[name] for _, name in numbered if not hasattr(found[name], "shape"))]
    return [group for group in groups if _is_stack(group)]


def _is_stack(group: Node) -> bool:
    dataset = dataset_in(group, VALUES)
    return dataset is not None and is_numeric_dataset(dataset) and _axes_of(dataset) is not None


def _axes_of(dataset: Node) -> tuple[str, ...] | None:
    """The axes that the attribute names, if they are those of a stack and match the dataset's number of axes."""
    axes = tuple((attribute_text(dataset, "axes") or "").split())
    possible = [tuple(one for one in AXES if one not in left) for left in _OPTIONAL]
    return axes if axes in possible and len(axes) == len(dataset.shape) else None


def layout_warnings(file: Node) -> tuple[str, ...]:
    """Warnings about a file's version."""
    version = attribute_numbers(file, "voxelry_layout", ())
    if version is not None and version > LAYOUT:
        return (f"the HDF5 layout is version {version:g}, of which only version {LAYOUT} is known here",)
    return ()


def read_place(dataset: Node) -> tuple[StackPlace, tuple[str, ...]]:
    """The geometry of the images, and warnings about what the file leaves out."""
    axes = _axes_of(dataset)
    if axes is None:
        raise FormatError("the dataset's axes are not named")
    warnings: list[str] = []
    affine = attribute_numbers(dataset, "affine_lps_mm", (4, 4))
    if affine is not None and not (np.isfinite(affine).all() and (affine[3] == (0, 0, 0, 1)).all()):
        affine = None
        warnings.append("affine_lps_mm is no affine matrix and is left out")
    found = attribute_numbers(dataset, "spacing_mm", (3,))
    if found is None:
        warnings.append("the HDF5 file does not say the spacing (spacing_mm)")
    along, row, column = (None if mm is None or not (isfinite(mm) and mm > 0) else mm for mm in _three(found))
    spacing, disagrees = spacing_beside(affine, (along, row, column))
    unit = attribute_text(dataset, "unit") or ""
    return StackPlace(axes=axes, affine=affine, spacing=spacing, unit=unit), (*warnings, *disagrees)


def _three(numbers: npt.NDArray[np.float64] | None) -> list[float | None]:
    return [None] * 3 if numbers is None else cast("list[float | None]", numbers.tolist())


def read_metadata(group: Node) -> tuple[dict[str, Value], tuple[str, ...]]:
    """The JSON object of a stack; empty, with a warning, if it is missing or damaged."""
    dataset = dataset_in(group, METADATA)
    if dataset is None:
        return {}, ("the HDF5 file has no metadata",)
    try:
        found = json_value(read_texts(dataset).tobytes().rstrip(b"\0"))
    except FormatError:
        return {}, ("the HDF5 file's metadata are damaged and left out",)
    return (found, ()) if isinstance(found, dict) else ({}, ("the HDF5 file's metadata are no JSON object",))


def read_uids(group: Node, shape: tuple[int, int]) -> tuple[tuple[tuple[str, ...], ...] | None, tuple[str, ...]]:
    """SOP Instance UIDs ``[location][phase]``; None if the stack has none."""
    dataset = dataset_in(group, UIDS)
    if dataset is None:
        return None, ()
    try:
        found = read_texts(dataset)
    except FormatError:
        return None, ("the HDF5 file's SOP Instance UIDs are damaged and left out",)
    if found.shape != shape:
        return None, (f"the HDF5 file has SOP Instance UIDs of {found.shape} images instead of {shape}: left out",)
    return tuple(tuple(one.decode("utf-8", "replace") for one in row) for row in found.tolist()), ()


def read_companion(
    group: Node, name: str, shape: tuple[int, ...]
) -> tuple[npt.NDArray[np.float64] | None, tuple[str, ...]]:
    """A small float64 dataset beside the values; None if it is missing, or, with a warning, of another shape."""
    dataset = dataset_in(group, name)
    if dataset is None:
        return None, ()
    if not is_numeric_dataset(dataset) or dataset.shape != shape:
        return None, (f"the HDF5 file's {name} has another shape than the images: left out",)
    try:
        return np.asarray(read_numbers(dataset), np.float64), ()
    except FormatError:
        return None, (f"the HDF5 file's {name} is damaged and left out",)


def foreign_dataset(file: Node) -> tuple[Node, tuple[str, ...], tuple[str, ...]]:
    """The dataset of images (``volume``, the only one, or the largest) in a file by others, its axes, and warnings.

    Raises
    ------
    FormatError
        If the file has no dataset of images.
    """
    numeric = [one for one in every_dataset(file) if is_numeric_dataset(one)]
    images = [one for one in numeric if 2 <= len(one.shape) <= 5 and 0 not in one.shape]
    solid = [one for one in images if len(one.shape) > 2] or images
    if not solid:
        raise FormatError("the HDF5 file holds no dataset of images: none of 3 axes, none of 2")
    named = [
        one for one in solid if one.name == f"/{VALUES}"
    ]  # A file in our layout that another program rewrote without its attributes.
    found = named[0] if named else max(solid, key=lambda one: int(one.size) * one.dtype.itemsize)
    warnings = ["the HDF5 file is not Voxelry's: it does not say place, spacing or unit in a way that is known"]
    if len(solid) > 1:
        which = f"the dataset {VALUES!r}" if named else "the largest"
        warnings.append(f"{which} of {len(solid)} datasets is taken")
    axes = _guessed_axes(found)
    warnings.append(f"its axes are taken to be {', '.join(axes)}")
    return found, axes, tuple(warnings)


def _guessed_axes(dataset: Node) -> tuple[str, ...]:
    shape: tuple[int, ...] = dataset.shape
    colour = len(shape) > 3 and shape[-1] in (3, 4) and dataset.dtype.itemsize <= 2
    plain = {2: AXES[2:4], 3: ("location", "row", "column"), 4: AXES[:4]}
    if colour:
        return (*plain[len(shape) - 1], "sample")
    if len(shape) == 5:
        raise FormatError("the HDF5 file's largest dataset has 5 axes, and nothing says what they are")
    return plain[len(shape)]


def five_axes(array: npt.NDArray[Any], axes: tuple[str, ...]) -> npt.NDArray[Any]:
    """A view with location and phase as first axes: shape ``(location, phase, row, column[, sample])``."""
    if "location" not in axes:
        array = array[None]
    if "phase" not in axes:
        array = array[:, None]
    return array
