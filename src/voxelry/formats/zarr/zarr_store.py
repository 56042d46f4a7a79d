"""Reading of untrusted Zarr stores, folders and zip files: declared sizes are checked before allocation."""

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

from voxelry.core.errors import FormatError, VoxelryError
from voxelry.formats.zarr.zarr_blosc import bounded

if TYPE_CHECKING:
    import zarr
    from zarr.storage import LocalStore, ZipStore

P = ParamSpec("P")
T = TypeVar("T")

MOST_EXPANSION = 20_000
"""Largest ratio of the arrays' bytes to the store's."""
SMALL_BYTES = 1 << 24
"""Bytes that may be declared without being stored: an absent chunk has the fill value."""
MOST_CHUNKS = 1_000_000
MOST_METADATA_BYTES = 1 << 28
ZIP = ".zip"


def guard_zarr(function: Callable[P, T]) -> Callable[P, T]:
    """Turn whatever zarr and its codecs raise about a damaged store, which may be any exception, into a FormatError."""

    @wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore"
                )  # Warnings about names that are not part of Zarr do not concern a reader.
                return function(*args, **kwargs)
        except VoxelryError:
            raise
        except MemoryError:
            raise FormatError("the Zarr store declares more than memory holds") from None
        except Exception as error:
            raise FormatError(f"the Zarr store is damaged: zarr says {type(error).__name__}") from error

    return inner


@contextmanager
def open_zarr(path: str) -> Iterator[tuple[zarr.Group | zarr.Array[Any], int]]:
    """Open the group or array at a store's root for reading; also gives the store's size in bytes."""
    there = Path(path)
    if there.is_dir():
        size = _folder_bytes(there)
    elif there.is_file():
        size = there.stat().st_size
    else:
        raise FormatError(f"{there.name}: there is no such store")
    store = _store(there)
    try:
        with bounded():
            yield _root(store, there.name), size
    finally:
        store.close()


@guard_zarr
def _store(path: Path) -> LocalStore | ZipStore:
    from zarr.storage import LocalStore, ZipStore

    if path.is_dir():
        return LocalStore(path, read_only=True)
    if not zipfile.is_zipfile(path):
        raise FormatError(f"{path.name} is neither a folder nor a zip file")
    with zipfile.ZipFile(path) as archive:
        described = [entry for entry in archive.infolist() if entry.filename.rpartition("/")[2] in _METADATA_NAMES]
        if sum(entry.file_size for entry in described) > MOST_METADATA_BYTES:
            raise FormatError(f"{path.name} has more than {MOST_METADATA_BYTES} bytes of metadata")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in set(archive.infolist()) - set(described)):
            # A second compression has no bound on its unpacked size; no Zarr writer compresses twice.
            raise FormatError(f"{path.name} compresses its chunks twice; Zarr's zip files are stored")
    return ZipStore(path, mode="r", read_only=True)


_METADATA_NAMES = ("zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata")


def _folder_bytes(path: Path) -> int:
    """The total bytes of a store's files.

    Raises
    ------
    FormatError
        If a symbolic link leads out of the store, to files that do not belong to it.
    """
    total, root = 0, os.path.realpath(path)
    waiting = [str(path)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_symlink() and os.path.commonpath([root, os.path.realpath(entry.path)]) != root:
                    raise FormatError("the Zarr store has a symbolic link that leads out of it")
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_file():
                    size = entry.stat().st_size
                    if entry.name in _METADATA_NAMES and size > MOST_METADATA_BYTES:
                        raise FormatError(f"the Zarr store has more than {MOST_METADATA_BYTES} bytes of metadata")
                    total += size
    return total


def _root(store: LocalStore | ZipStore, name: str) -> zarr.Group | zarr.Array[Any]:
    import zarr

    try:
        return guard_zarr(zarr.open)(store=store, mode="r")
    except FormatError as error:
        raise FormatError(f"{name} is no Zarr store, or is damaged") from error


@guard_zarr
def array_in(group: zarr.Group, path: str) -> zarr.Array[Any]:
    """An array of a group.

    Raises
    ------
    FormatError
        If the group has none of that name.
    """
    import zarr

    found = group[path]
    if not isinstance(found, zarr.Array):
        raise FormatError("the Zarr store has a group where its metadata promise an array")
    return found


@guard_zarr
def group_in(group: zarr.Group, path: str) -> zarr.Group:
    """A group of a group.

    Raises
    ------
    FormatError
        If the group has none of that name.
    """
    import zarr

    found = group.get(path)
    if not isinstance(found, zarr.Group):
        raise FormatError("the Zarr store is said to be a collection of images, and has no first")
    return found


@guard_zarr
def arrays_in(group: zarr.Group) -> list[zarr.Array[Any]]:
    """The direct arrays of a group, by name."""
    return [array for _, array in sorted(group.arrays())]


def is_numeric_array(array: zarr.Array[Any]) -> bool:
    """True for arrays of plain numbers or booleans."""
    dtype = np.dtype(array.dtype)
    return dtype.kind in "biuf" and dtype.itemsize <= 8


@guard_zarr
def check_array(array: zarr.Array[Any], held: int) -> None:
    """Refuse an array that declares more than the store can hold.

    Parameters
    ----------
    held
        Size of the store in bytes.
    """
    if not is_numeric_array(array):
        raise FormatError("the Zarr array holds no plain numbers")
    size = np.dtype(array.dtype).itemsize
    declared = prod(array.shape) * size
    if declared > SMALL_BYTES and declared > held * MOST_EXPANSION:
        raise FormatError(f"the Zarr array declares {declared} bytes, and the store has {held}")
    pieces = [array.chunks, *([array.shards] if array.shards else [])]
    for shape in pieces:
        if 0 in shape or prod(shape) * size > max(SMALL_BYTES, 16 * declared):
            raise FormatError("the Zarr array's chunks are larger than the array")
        if prod(-(-extent // step) for extent, step in zip(array.shape, shape, strict=True)) > MOST_CHUNKS:
            raise FormatError(f"the Zarr array has more than {MOST_CHUNKS} chunks")


@guard_zarr
def read_part(array: zarr.Array[Any], start: int, stop: int) -> Any:
    """Read the values from ``start`` to ``stop`` along the first axis."""
    return np.asarray(array[start:stop])
