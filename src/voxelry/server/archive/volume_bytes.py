"""The bytes of a stored volume, to be sent: all of them or a range, plain or compressed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from voxelry.formats.shared.deflate import deflate
from voxelry.server.archive import stack_files
from voxelry.server.archive.models import Stack

Layout: TypeAlias = Literal["values", "planes"]
"""Value after value; or for each slice the first byte of all its values, then the second, and so on."""

_CHUNK = 2**20
"""Bytes that are read, or compressed by themselves, at a time."""


@dataclass(frozen=True, slots=True)
class VolumeBytes:
    """A volume's values in C order, little endian."""

    path: Path
    array: np.memmap[tuple[int, ...], np.dtype[np.generic]]
    layout: Layout

    @classmethod
    def of(cls, stack: Stack, layout: Layout = "values") -> VolumeBytes:
        """Those of a stack. ``stack.series`` should be loaded."""
        path = stack_files.folder_of(stack) / "volume.npy"
        array = np.load(path, mmap_mode="r")
        plain = layout == "values" or array.dtype.itemsize == 1
        return cls(path, array, "values" if plain else layout)

    @property
    def length(self) -> int:
        """The number of bytes."""
        return self.array.nbytes

    def parts(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from a start to before a stop."""
        if self.layout == "values" and self._is_little:
            yield from self._from_file(start, stop)
            return
        size = self.array[0].nbytes
        for number in range(start // size, -(-stop // size)):
            first = number * size
            yield bytes(self._slice(number)[max(start - first, 0) : stop - first])

    def compressed(self) -> Iterator[bytes]:
        """All bytes as one member of gzip, made on all cores (RFC 1952)."""
        with closing(deflate(self._blocks())) as parts:  # type: ignore[type-var]
            yield from parts

    @property
    def _is_little(self) -> bool:
        return self.array.dtype == self.array.dtype.newbyteorder("<")

    def _from_file(self, start: int, stop: int) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(self.array.offset + start)
            while start < stop and (part := file.read(min(_CHUNK, stop - start))):
                start += len(part)
                yield part

    def _blocks(self) -> Iterator[memoryview]:
        """About a megabyte each."""
        if self.layout == "planes":
            yield from (self._slice(number) for number in range(len(self.array)))
            return
        flat = _bytes_of(self.array)
        yield from (flat[start : start + _CHUNK] for start in range(0, len(flat), _CHUNK))

    def _slice(self, number: int) -> memoryview:
        values = self.array[number]
        if self.layout == "values":
            return _bytes_of(values)
        little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
        planes = little.reshape(-1).view(np.uint8).reshape(-1, values.dtype.itemsize).T
        return np.ascontiguousarray(planes).reshape(-1).data


def _bytes_of(values: npt.NDArray[np.generic]) -> memoryview:
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return little.reshape(-1).view(np.uint8).data
