"""Reading a file's bytes, plain or deflated, straight into an array."""

from __future__ import annotations

import math
import os
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import numpy as np
import numpy.typing as npt
from isal import igzip, igzip_lib, isal_zlib

from voxelry.core.errors import FormatError
from voxelry.core.progress import Progress, silent

MOST_INFLATION = 1032
"""Most bytes that one deflated byte unpacks to (RFC 1951: 258 bytes for 2 bits)."""

_PIECE_BYTES = 8 << 20
_INFLATED_BYTES = 1 << 20
_ERRORS: tuple[type[BaseException], ...] = (EOFError, OSError, zlib.error, cast("type[Exception]", igzip_lib.IsalError))
"""Errors that damaged streams raise; gzip's own are OSErrors."""


class _Stream(Protocol):
    def readinto(self, out: memoryview, /) -> int | None: ...


class ByteSource:
    """The bytes of a file from an offset on, with an upper limit of their number.

    Parameters
    ----------
    path
        The file.
    start
        Offset of the first byte.
    wrapper
        ``"gzip"`` or ``"zlib"`` if the bytes are deflated; empty if they are plain.

    Attributes
    ----------
    most
        The largest possible number of bytes: never allocate more, whatever a header declares.
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

    def __enter__(self) -> ByteSource:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def take(self, count: int) -> bytes:
        """Read the next bytes; fewer at the end.

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
        """Read the next bytes as an array in the machine's byte order.

        Parameters
        ----------
        before
            The array's first bytes, if they were already read.

        Raises
        ------
        FormatError
            If there are fewer bytes, or the deflated stream is damaged. Raised before memory is allocated if the
            file is too small to hold the array.
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
            self._fill(memoryview(bytearray(1)))  # Reading to the end compares the stream's check sum.
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
    """A zlib stream as a readable file."""

    def __init__(self, file: BinaryIO | Any) -> None:
        self._file = file
        self._inflate = isal_zlib.decompressobj()

    def readinto(self, out: memoryview, /) -> int:
        while not self._inflate.eof:
            piece = self._inflate.unconsumed_tail or self._file.read(_INFLATED_BYTES)
            found = self._inflate.decompress(piece, len(out))
            if found:
                out[: len(found)] = found
                return len(found)
            if not piece:
                raise EOFError("the end of the stream is missing")
        return 0


def is_gzip(path: str) -> bool:
    """True if the file begins with gzip's magic number; its name does not matter."""
    with Path(path).open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def read_start(path: str, most: int) -> bytes:
    """The first bytes of a file."""
    with Path(path).open("rb") as file:
        return file.read(most)


def beside(path: str, name: str) -> str:
    """The path of a file that another file in the same folder names.

    Raises
    ------
    FormatError
        If the name points to another folder, or there is no such file.
    """
    plain = Path(name).name == name and name not in ("", ".", "..") and "\\" not in name
    found = Path(path).parent / name
    if not plain or not found.is_file():
        words = "lies in another folder, or is a list" if not plain else "is not there"
        raise FormatError(f"the file of voxels that the header names {words}; only one beside it is read")
    return str(found)
