"""Writing voxels as bytes without copies: blocks are read, converted and written or deflated on all cores at once."""

from __future__ import annotations

import errno
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from voxelry.core.progress import Progress, silent
from voxelry.formats.shared.deflate import USUAL_LEVEL, Wrapper, deflate_made
from voxelry.parallel import in_parallel

BLOCK_BYTES = 1 << 20

_READ_BYTES = 2 << 20
"""Bytes of a lazy array that each core reads at a time; a few such blocks are in memory."""
_MOST_PARTS = 256
"""Arrays in a block; systems take 1024 parts in one call."""


@dataclass(frozen=True, slots=True, eq=False)
class VoxelBlock:
    """Some slices of an array, or several small arrays.

    Attributes
    ----------
    parts
        Arrays, and which of their slices.
    dtype
        To write, little endian.
    size
        Bytes.
    """

    parts: tuple[tuple[npt.NDArray[Any], slice], ...]
    dtype: np.dtype[Any]
    size: int

    def made(self) -> list[memoryview]:
        """The bytes of each part in C order; those of lazy arrays are read now."""
        return [
            np.ascontiguousarray(array[place], dtype=self.dtype).reshape(-1).view(np.uint8).data
            for array, place in self.parts
        ]


def voxel_blocks(arrays: Sequence[npt.NDArray[Any]], dtype: np.dtype[Any]) -> list[VoxelBlock]:
    """The voxels of consecutive arrays, about a megabyte in each block.

    Parameters
    ----------
    arrays
        Arrays of three axes or more, or lazy ones.
    dtype
        Dtype to write; every value must fit.
    """
    wanted = dtype.newbyteorder("<")
    found: list[VoxelBlock] = []
    small: list[tuple[npt.NDArray[Any], slice]] = []
    held = 0
    for array in arrays:
        slice_bytes = math.prod(array.shape[1:]) * wanted.itemsize
        size = len(array) * slice_bytes
        if small and (held + size > BLOCK_BYTES or len(small) == _MOST_PARTS):
            found.append(VoxelBlock(tuple(small), wanted, held))
            small, held = [], 0
        if size <= BLOCK_BYTES:
            small.append((array, slice(0, len(array))))
            held += size
            continue
        step = max(1, (BLOCK_BYTES if isinstance(array, np.ndarray) else _READ_BYTES) // slice_bytes)
        for start in range(0, len(array), step):
            place = slice(start, min(start + step, len(array)))
            found.append(VoxelBlock(((array, place),), wanted, (place.stop - start) * slice_bytes))
    if small:
        found.append(VoxelBlock(tuple(small), wanted, held))
    return found


def made_blocks(blocks: Sequence[VoxelBlock], *, progress: Progress = silent) -> Iterator[memoryview]:
    """The bytes of blocks in their order; the next ones are made on other threads meanwhile."""
    done = _meter(blocks, progress)
    for block, parts in zip(blocks, in_parallel(block.made for block in blocks), strict=True):
        yield from parts
        done(block.size)


def write_blocks(file: BinaryIO, blocks: Sequence[VoxelBlock], *, progress: Progress = silent) -> None:
    """Write blocks behind what the file holds; each thread writes what it made.

    Raises
    ------
    OSError
        If the disk has no room: before anything is written, where the file system can say so.
    """
    if not hasattr(os, "pwritev") or not file.seekable():
        file.writelines(made_blocks(blocks, progress=progress))
        return
    file.flush()
    end = file.tell()
    _reserve(file.fileno(), end + sum(block.size for block in blocks))
    tasks = []
    for block in blocks:
        tasks.append(partial(_put, file.fileno(), block, end))
        end += block.size
    done = _meter(blocks, progress)
    with closing(in_parallel(tasks, that_wait=True)) as sizes:
        for size in sizes:
            done(size)
    file.seek(end)


def write_deflated(
    file: BinaryIO,
    blocks: Sequence[VoxelBlock],
    *,
    head: bytes = b"",
    wrapper: Wrapper = "gzip",
    level: int = USUAL_LEVEL,
    progress: Progress = silent,
) -> None:
    """Write ``head`` and blocks as one deflated stream."""
    made = (block.made for block in blocks)
    file.writelines(deflate_made(made, head=head, wrapper=wrapper, level=level, done=_meter(blocks, progress)))


def _meter(blocks: Iterable[VoxelBlock], progress: Progress) -> Callable[[int], None]:
    """Adds up bytes that are done, and tells which part of all they are."""
    total, count = max(1, sum(block.size for block in blocks)), 0

    def done(size: int) -> None:
        nonlocal count
        count += size
        progress(count / total, "writing voxels")

    return done


def _put(descriptor: int, block: VoxelBlock, offset: int) -> int:
    parts = block.made()
    while parts:
        written = os.pwritev(descriptor, parts, offset)
        offset += written
        while parts and written >= parts[0].nbytes:
            written -= parts.pop(0).nbytes
        if parts:
            parts[0] = parts[0][written:]
    return block.size


def _reserve(descriptor: int, count: int) -> None:
    """Allocate a new file's full size: writing takes a third less time."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, count)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            # Some file systems do not support it; the file is written without it.
