"""Memory for pixels: a size that the machine does not have is refused before it is allocated."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import NotEnoughMemoryError
from voxelry.machine import memory_bytes

LARGE_BYTES = 2**28
"""Smaller arrays are allocated without a check, because untouched memory costs nothing."""


@dataclass(slots=True)
class _Allowance:
    left: int


_allowance: ContextVar[_Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def limited_memory(bytes_: int) -> Iterator[None]:
    """Context in which all volumes together may take at most this many bytes."""
    token = _allowance.set(_Allowance(bytes_))
    try:
        yield
    finally:
        _allowance.reset(token)


def bytes_of(shape: tuple[int, ...], dtype: npt.DTypeLike) -> int:
    """How much memory an array takes."""
    return math.prod(shape) * np.dtype(dtype).itemsize


def room_for(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """An uninitialised array.

    Raises
    ------
    NotEnoughMemoryError
        If it is larger than the memory of this machine, or of the container that this runs in.
    """
    check_room(shape, dtype)
    size, allowance = bytes_of(shape, dtype), _allowance.get()
    try:
        array = np.empty(shape, dtype)
    except MemoryError:
        raise _not_enough(shape, size, memory_bytes()) from None
    if allowance is not None:
        allowance.left -= size
    return array


def check_room(shape: tuple[int, ...], dtype: npt.DTypeLike) -> None:
    """Raise a NotEnoughMemoryError if the machine's memory is smaller than an array."""
    size, allowance = bytes_of(shape, dtype), _allowance.get()
    if allowance is not None and allowance.left < size:
        raise NotEnoughMemoryError(
            f"{' x '.join(map(str, shape))} values need {size / 2**30:.1f} GiB of memory, of which "
            f"{max(0, allowance.left) / 2**30:.1f} GiB may be taken here",
            needed_bytes=size,
            memory_bytes=max(0, allowance.left),
        )
    if size > LARGE_BYTES and 0 < (there := memory_bytes()) < size:
        raise _not_enough(shape, size, there)


def _not_enough(shape: tuple[int, ...], size: int, there: int) -> NotEnoughMemoryError:
    return NotEnoughMemoryError(
        f"{' x '.join(map(str, shape))} values need {size / 2**30:.1f} GiB of memory; this machine or container has "
        f"{there / 2**30:.1f} GiB",
        needed_bytes=size,
        memory_bytes=there,
    )
