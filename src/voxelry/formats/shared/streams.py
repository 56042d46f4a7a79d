"""A file's bytes, plain or deflated, read into the place where they stay; and written from where they are."""

from __future__ import annotations

import errno
import math
import os
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import numpy as np
import numpy.typing as npt
from isal import igzip, igzip_lib, isal_zlib

from voxelry.core.errors import FormatError
from voxelry.core.progress import Progress, silent
from voxelry.parallel import in_parallel

MOST_INFLATION = 1032
"""Deflate gives at most so many bytes for one (RFC 1951: 258 bytes for 2 bits)."""
BLOCK_BYTES = 1 << 20

_PIECE_BYTES = 8 << 20
_SLAB_BYTES = 2 << 20
"""Of a lazy array are read at a time, on each core: a few of them are in memory."""
_ERRORS: tuple[type[BaseException], ...] = (EOFError, OSError, zlib.error, cast("type[Exception]", igzip_lib.IsalError))
"""How damaged streams show; gzip's own are OSErrors."""


class _Stream(Protocol):
    def readinto(self, out: memoryview, /) -> int | None: ...


class Source:
    """The bytes of a file from some place on, and how many there can be.

    Parameters
    ----------
    path
        The file.
    start
        Where they begin.
    wrapper
        ``"gzip"`` or ``"zlib"`` where they are deflated; empty where they are as they are.

    Attributes
    ----------
    most
        So many bytes there are, or can be at most: never allocate more for what a header says.
    """

    def __init__(self, path: str, *, start: int = 0, wrapper: str = "") -> None:
        self._file = Path(path).open("rb", buffering=0)  # noqa: SIM115
        self._file.seek(start)
        self._wrapper = wrapper
        left = max(0, os.fstat(self._file.fileno()).st_size - start)
        self.most = left * MOST_INFLATION if wrapper else left
        self._stream: _Stream
        if wrapper == "gzip":
            self._stream = igzip.IGzipFile(fileobj=self._file, mode="rb")  # type: ignore[no-untyped-call]
        else:
            self._stream = _Inflated(self._file) if wrapper == "zlib" else self._file

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def take(self, count: int) -> bytes:
        """The next bytes, fewer at the end.

        Raises
        ------
        FormatError
            If the deflated stream is damaged.
        """
        out = bytearray(count)
        return bytes(out[: self._fill(memoryview(out))])

    def read_array(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], *, before: bytes = b"", progress: Progress = silent
    ) -> npt.NDArray[Any]:
        """The next bytes as an array, in this machine's byte order.

        Parameters
        ----------
        before
            Its first bytes, if they were taken already.

        Raises
        ------
        FormatError
            If there are fewer, or the deflated stream is damaged. Before anything is allocated where the file is too
            small to hold as many.
        """
        wanted = math.prod(shape) * dtype.itemsize
        if wanted > self.most:
            raise FormatError(
                f"the header declares {wanted:,} bytes of voxels, and the file has room for {self.most:,} at most",
                declared_bytes=wanted,
                possible_bytes=self.most,
            )
        array = np.empty(shape, dtype)
        content = array.reshape(-1).view(np.uint8).data
        early = len(before[:wanted])
        content[:early] = before[:wanted]
        found = early + self._fill(content[early:], progress)
        if found < wanted:
            raise FormatError(
                f"the header declares {wanted:,} bytes of voxels, and the file ends after {found:,}",
                declared_bytes=wanted,
                found_bytes=found,
            )
        if self._wrapper:
            self._fill(memoryview(bytearray(1)))  # a stream is checked against its sum when its end is read
        if not dtype.isnative:
            return array.byteswap(inplace=True).view(dtype.newbyteorder("="))
        return array

    def _fill(self, out: memoryview, progress: Progress = silent) -> int:
        done = 0
        try:
            while done < len(out):
                count = self._stream.readinto(out[done : done + _PIECE_BYTES])
                if not count:
                    break
                done += count
                progress(done / len(out), "reading voxels")
        except _ERRORS as error:
            if not self._wrapper:
                raise
            raise FormatError(f"the compressed bytes are damaged or end too early: {error}") from None
        return done


class _Inflated:
    """A zlib stream as a file."""

    def __init__(self, file: BinaryIO | Any) -> None:
        self._file = file
        self._inflate = isal_zlib.decompressobj()

    def readinto(self, out: memoryview, /) -> int:
        while not self._inflate.eof:
            piece = self._inflate.unconsumed_tail or self._file.read(BLOCK_BYTES)
            found = self._inflate.decompress(piece, len(out))
            if found:
                out[: len(found)] = found
                return len(found)
            if not piece:
                raise EOFError("the end of the stream is missing")
        return 0


def is_gzip(path: str) -> bool:
    """True if the file begins as gzip does, whatever its name says."""
    with Path(path).open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def reserve(file: BinaryIO, count: int) -> None:
    """Give a fresh file its size at once: writing takes a third less time, and a full disk is found first.

    Raises
    ------
    OSError
        If the disk has no room.
    """
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, count)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            # Some file systems cannot do it, and the file is written all the same.


def voxel_blocks(
    arrays: Sequence[npt.NDArray[Any]], dtype: np.dtype[Any], *, progress: Progress = silent
) -> Iterator[memoryview]:
    """The voxels of arrays in a row as bytes, in C order and little endian; about a megabyte at a time.

    Parameters
    ----------
    arrays
        Of three axes or more, lazy ones too: a few slices are in memory at a time.
    dtype
        To write; every value must fit.
    """
    wanted = dtype.newbyteorder("<")
    total = sum(len(array) for array in arrays)
    done = 0
    for array in arrays:
        slice_bytes = math.prod(array.shape[1:]) * wanted.itemsize
        for part in _slabs(array, slice_bytes):
            content = np.ascontiguousarray(part, dtype=wanted).reshape(-1).view(np.uint8).data
            for place in range(0, len(content), BLOCK_BYTES * 2):
                yield content[place : place + BLOCK_BYTES * 2]
            done += len(part)
            progress(done / total, "writing voxels")


def _slabs(array: npt.NDArray[Any], slice_bytes: int) -> Iterator[npt.NDArray[Any]]:
    """Some slices at a time: views of what is in memory; of a lazy array others are read while these are used."""
    in_memory = isinstance(array, np.ndarray)
    step = max(1, (BLOCK_BYTES if in_memory else _SLAB_BYTES) // max(1, slice_bytes))
    places = (slice(start, start + step) for start in range(0, len(array), step))
    if in_memory:
        yield from map(array.__getitem__, places)
    else:
        yield from in_parallel(partial(array.__getitem__, place) for place in places)


def first_bytes(path: str, most: int) -> bytes:
    """What a file begins with."""
    with Path(path).open("rb") as file:
        return file.read(most)


def beside(path: str, name: str) -> str:
    """A file in the folder of another, by the name that the other gives it.

    Raises
    ------
    FormatError
        If the name points elsewhere, or there is no such file.
    """
    plain = Path(name).name == name and name not in ("", ".", "..") and "\\" not in name
    found = Path(path).parent / name
    if not plain or not found.is_file():
        words = "lies in another folder, or is a list" if not plain else "is not there"
        raise FormatError(f"the file of voxels that the header names {words}; only one beside it is read")
    return str(found)
