"""Reading of untrusted HDF5 files: no external link is followed, and declared sizes are checked before allocation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from math import prod
from pathlib import Path
from typing import Any, ParamSpec, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError
from voxelry.core.extras import needed_for

P = ParamSpec("P")
T = TypeVar("T")

Node: TypeAlias = Any
"""An h5py Group or Dataset: h5py has no type annotations."""

MOST_EXPANSION = {1: 1100, 32000: 300}
"""The largest ratio of unpacked to packed bytes for deflate (1) and LZF (32000), by their formats."""
MOST_EXPANSION_ELSE = 20_000
"""The same for Blosc, zstd and others, which pack constant slices into a few bytes."""
SMALL_BYTES = 1 << 24
"""Bytes that may be declared without being stored: chunks that were never written are zeros."""
MOST_OBJECTS = 10_000
"""A file with more groups and datasets than this is refused."""
MOST_ATTRIBUTE_BYTES = 1 << 16
_SHUFFLE = 2


def guard_hdf5(function: Callable[P, T]) -> Callable[P, T]:
    """Turn whatever h5py raises about a damaged file, which may be any exception, into a FormatError."""

    @wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except FormatError:
            raise
        except MemoryError:
            raise FormatError("the HDF5 file declares more than memory holds") from None
        except (OSError, RuntimeError, LookupError, ValueError, TypeError, ArithmeticError, AttributeError) as error:
            raise FormatError(f"the HDF5 file is damaged: h5py says {type(error).__name__}") from error

    return inner


@contextmanager
def open_hdf5(path: str) -> Iterator[Node]:
    """Open an HDF5 file for reading."""
    with needed_for("HDF5"):
        import h5py

    if not Path(path).is_file():
        raise FormatError(f"{Path(path).name}: there is no such file")
    try:
        file = h5py.File(path, "r", locking="best-effort")
    except OSError as error:
        said = (
            "is truncated: it ends before what it declares"
            if "truncated" in str(error)
            else "is no HDF5 file, or is damaged"
        )
        raise FormatError(f"{Path(path).name} {said}") from error
    with file:
        yield file


@guard_hdf5
def members(group: Node) -> dict[str, Node]:
    """The direct members of a group, by name. Soft and external links are not followed."""
    import h5py

    found: dict[str, Node] = {}
    for count, name in enumerate(group):
        if count >= MOST_OBJECTS:
            raise FormatError(f"the HDF5 file has a group of more than {MOST_OBJECTS} members")
        if isinstance(group.get(name, getlink=True), h5py.HardLink):
            found[name] = group[name]
    return found


@guard_hdf5
def every_dataset(file: Node) -> list[Node]:
    """All datasets that hard links reach, each once, even if groups contain themselves."""
    import h5py

    seen: set[int] = set()
    datasets: list[Node] = []
    waiting = [file]
    while waiting:
        for node in members(waiting.pop()).values():
            address = h5py.h5o.get_info(node.id).addr
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > MOST_OBJECTS:
                raise FormatError(f"the HDF5 file has more than {MOST_OBJECTS} objects")
            if isinstance(node, h5py.Dataset):
                datasets.append(node)
            elif isinstance(node, h5py.Group):
                waiting.append(node)
    return datasets


@guard_hdf5
def dataset_in(group: Node, name: str) -> Node | None:
    """A dataset of a group by its name; None if the group has none of that name, or only a link."""
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        return None
    node = group[name]
    return node if isinstance(node, h5py.Dataset) else None


@guard_hdf5
def is_numeric_dataset(dataset: Node) -> bool:
    """True for a dataset of plain numbers or booleans that is stored in this file."""
    return why_not(dataset) is None and dataset.shape is not None and _is_plain(dataset.dtype)


def _is_plain(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "biuf" and dtype.itemsize <= 8 and dtype.subdtype is None


def why_not(dataset: Node) -> str | None:
    """Why a dataset is not read; None if it may be. Call it before ``shape``: a virtual one opens other files."""
    import h5py

    plan = dataset.id.get_create_plist()
    if plan.get_layout() == h5py.h5d.VIRTUAL:
        return "is virtual: its values lie in other files, which are not opened"
    if plan.get_external_count():
        return "keeps its values in another file, which is not opened"
    return None


def filters(dataset: Node) -> list[int]:
    """The identifiers of a dataset's filters, in the order of writing."""
    plan = dataset.id.get_create_plist()
    return [plan.get_filter(index)[0] for index in range(plan.get_nfilters())]


@guard_hdf5
def check_dataset(dataset: Node) -> None:
    """Refuse a dataset that cannot be read, or that declares more than the file can hold.

    Raises
    ------
    FormatError
        The message says why.
    """
    reason = why_not(dataset)
    if reason is not None:
        raise FormatError(f"the dataset {reason}")
    shape, dtype = dataset.shape, dataset.dtype
    if shape is None or not _is_plain(dtype):
        raise FormatError("the dataset holds no plain numbers")
    used = filters(dataset)
    _check_filters(used)
    declared = prod(shape) * dtype.itemsize
    packing = [number for number in used if number != _SHUFFLE]
    most = prod(MOST_EXPANSION.get(number, MOST_EXPANSION_ELSE) for number in packing)
    there = dataset.id.get_storage_size()
    if there > Path(dataset.file.filename).stat().st_size:
        raise FormatError("the dataset says that it takes more bytes than the file has")
    if declared > SMALL_BYTES and declared > there * most:
        raise FormatError(f"the dataset declares {declared} bytes and holds {there}, which cannot unfold to them")
    if dataset.chunks is not None and prod(dataset.chunks) * dtype.itemsize > max(SMALL_BYTES, 16 * declared):
        raise FormatError("the dataset's chunks are larger than the dataset")


def _check_filters(used: list[int]) -> None:
    import h5py

    if all(h5py.h5z.filter_avail(number) for number in used):
        return
    with suppress(ImportError):
        import hdf5plugin  # noqa: F401 - importing it is what registers its filters
    missing = [number for number in used if not h5py.h5z.filter_avail(number)]
    if missing:
        raise FormatError(
            f"the dataset is compressed with the HDF5 filter {missing[0]}, which h5py lacks: "
            "install hdf5plugin (pip install 'voxelry[fast]')"
        )


@guard_hdf5
def read_numbers(dataset: Node) -> npt.NDArray[Any]:
    """All values of a small dataset of numbers, after ``check_dataset``."""
    check_dataset(dataset)
    return np.asarray(dataset[...])


@guard_hdf5
def read_texts(dataset: Node) -> npt.NDArray[np.bytes_]:
    """The values of a dataset of fixed-length texts, as bytes.

    Raises
    ------
    FormatError
        If it holds something else, or declares more than it holds.
    """
    reason = why_not(dataset)
    if reason is not None:
        raise FormatError(f"the dataset {reason}")
    if dataset.dtype.kind != "S" or dataset.shape is None:
        raise FormatError("the dataset holds no texts of fixed length")
    if prod(dataset.shape) * dataset.dtype.itemsize > dataset.id.get_storage_size() or filters(dataset):
        raise FormatError("the dataset of texts declares more than it holds")
    return np.asarray(dataset[...])


def attribute_numbers(node: Node, name: str, shape: tuple[int, ...]) -> npt.NDArray[np.float64] | None:
    """An attribute of numbers; None if it is missing, has another shape or holds something else."""
    value = _attribute(node, name)
    if value is None or value.shape != shape or value.dtype.kind not in "iuf":
        return None
    return np.asarray(value, np.float64)


def attribute_text(node: Node, name: str) -> str | None:
    """An attribute of text; None if it is missing or holds something else."""
    value = _attribute(node, name)
    if value is None or value.shape != ():
        return None
    one = value.item()
    if isinstance(one, bytes):
        return one.decode("utf-8", "replace")
    return one if isinstance(one, str) else None


def _attribute(node: Node, name: str) -> npt.NDArray[Any] | None:
    import h5py

    try:
        key = name.encode()
        if not h5py.h5a.exists(node.id, key):
            return None
        one = h5py.h5a.open(node.id, key)
        if one.get_storage_size() > MOST_ATTRIBUTE_BYTES or prod(one.shape) > MOST_ATTRIBUTE_BYTES:
            return None
        return np.asarray(node.attrs[name])
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, ArithmeticError, AttributeError, MemoryError):
        return None
