"""Memory for pixels: none is asked for that this machine has not."""

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
"""Up to here memory is taken without a question: what is not written costs nothing."""


@dataclass(slots=True)
class _Allowance:
    left: int


_allowance: ContextVar[_Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def limited_memory(bytes_: int) -> Iterator[None]:
    """Within, volumes may take so much memory together, and no more."""
    token = _allowance.set(_Allowance(bytes_))
    try:
        yield
    finally:
        _allowance.reset(token)


def bytes_of(shape: tuple[int, ...], dtype: npt.DTypeLike) -> int:
    """How much memory an array takes."""
    return math.prod(shape) * np.dtype(dtype).itemsize


def room_for(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """An array that is not written yet.

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
    """Raise a NotEnoughMemoryError if there is less memory than an array takes, in use or not."""
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
