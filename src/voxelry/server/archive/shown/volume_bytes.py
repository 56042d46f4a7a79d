"""The bytes of a stored volume, to be sent: plain or compressed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from voxelry.formats.shared.deflate import deflate
from voxelry.server.access.exchange import FilePart
from voxelry.server.archive.models import Stack
from voxelry.server.archive.shown import stack_files

Layout: TypeAlias = Literal["values", "planes"]
"""Value after value; or for each slice the first byte of all its values, then the second, and so on."""

_CHUNK = 2**20
"""Bytes that are compressed by themselves."""


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

    def part(self) -> FilePart | None:
        """All bytes, where they lie in the file; None if they lie otherwise there."""
        is_little = self.array.dtype == self.array.dtype.newbyteorder("<")
        return (
            FilePart(self.path, self.array.offset, self.array.nbytes) if self.layout == "values" and is_little else None
        )

    def parts(self) -> Iterator[bytes]:
        """All bytes, a slice at a time."""
        yield from (bytes(self._slice(number)) for number in range(len(self.array)))

    def compressed(self) -> Iterator[bytes]:
        """All bytes as one member of gzip, made on all cores (RFC 1952)."""
        with closing(deflate(self._blocks())) as parts:  # type: ignore[type-var]
            yield from parts

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
