"""Values of volumes that are mapped into memory, the last few of them kept.

A plane across thousands of slices lies in as many pages of the file. A mapping that is made for one request finds each
page anew, which takes longer than all the rest; one that is kept finds it once.
"""

from __future__ import annotations

import ctypes
import mmap
import threading
from collections import OrderedDict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MOST_MAPPED = 8
"""Files; a mapping holds a file descriptor, and the file's place on the disk if it is deleted."""

MOST_LOOKED_AT = 16 * 2**20
"""Bytes: values that lie further apart are not said to be in memory."""

_lock = threading.Lock()
_mapped: OrderedDict[Path, tuple[tuple[int, ...], npt.NDArray[Any]]] = OrderedDict()


def mapped_values(path: Path) -> npt.NDArray[Any]:
    """The array of an ``.npy`` file, mapped into memory for reading.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    with _lock:
        for other in [one for one in _mapped if one != path and not one.exists()]:
            del _mapped[other]
        try:
            identity = _identity(path)
        except FileNotFoundError:
            _mapped.pop(path, None)
            raise
        kept = _mapped.pop(path, None)
        if kept is None or kept[0] != identity:
            kept = (identity, np.load(path, mmap_mode="r"))
        _mapped[path] = kept
        while len(_mapped) > MOST_MAPPED:
            _mapped.popitem(last=False)
        return kept[1]


def are_in_memory(values: npt.NDArray[Any]) -> bool:
    """Whether values of a mapped file are read without waiting for the disk; False if the system cannot say."""
    first, end = np.lib.array_utils.byte_bounds(values)
    start = first - first % mmap.PAGESIZE
    if end - start > MOST_LOOKED_AT:
        return False
    pages = np.zeros(-(-(end - start) // mmap.PAGESIZE), np.uint8)
    try:
        failed = _libc().mincore(
            ctypes.c_void_p(start), ctypes.c_size_t(end - start), pages.ctypes.data_as(ctypes.c_void_p)
        )
    except (OSError, AttributeError):
        return False
    return not failed and bool((pages & 1).all())


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _identity(path: Path) -> tuple[int, ...]:
    """What tells a file from another one at its place."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
