"""Arrays whose slices are read when they are indexed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from operator import index as as_index
from types import EllipsisType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

ReadSlices: TypeAlias = Callable[[Sequence[int]], npt.NDArray[Any]]
"""Slices by their numbers, ascending; shape ``(number, row, column[, sample])``."""
Key: TypeAlias = int | slice | EllipsisType | tuple[int | slice | EllipsisType, ...]


class LazyArray:
    """A volume's voxels on disk: index it as a NumPy array, and the slices that the index needs are decoded.

    One chunk is one slice, as Zarr and dask mean it: ``dask.array.from_array(array, chunks=array.chunks)``.
    ``numpy.asarray(array)`` reads everything. Nothing is cached. Threads may index it at once.

    Parameters
    ----------
    shape, dtype
        ``(slice, row, column)``, and sample for colour.
    read
        Gives slices.
    """

    def __init__(self, shape: tuple[int, ...], dtype: npt.DTypeLike, read: ReadSlices) -> None:
        self.shape = shape
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._read = read

    def __repr__(self) -> str:
        return f"<LazyArray {' x '.join(map(str, self.shape))} {self.dtype}, read slice by slice>"

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def chunks(self) -> tuple[int, ...]:
        """The shape of what is read at once: a slice."""
        return (1, *self.shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        for number in range(len(self)):
            yield self[number]

    def __getitem__(self, key: Key) -> npt.NDArray[Any]:
        """The part that a NumPy array of this shape would give: whole numbers and slices; a fresh array.

        Raises
        ------
        IndexError
            If a number is out of range, or there are more indices than axes.
        TypeError
            If an index is neither a whole number nor a slice.
        """
        first, rest = self._split(key)
        if isinstance(first, slice):
            numbers = range(len(self))[first]
            read = self._read(sorted(numbers)) if numbers else np.empty((0, *self.shape[1:]), self.dtype)
            found = read if numbers.step > 0 else read[::-1]
            return np.ascontiguousarray(found[(slice(None), *rest)])
        number = as_index(first)
        if not -len(self) <= number < len(self):
            raise IndexError(f"slice {number} of {len(self)}")
        return np.asarray(self._read([number % len(self)])[0][tuple(rest)])

    def _split(self, key: Key) -> tuple[int | slice, tuple[int | slice, ...]]:
        """The index of the first axis, and those of the others."""
        keys = key if isinstance(key, tuple) else (key,)
        if not all(one is Ellipsis or isinstance(one, slice) or hasattr(one, "__index__") for one in keys):
            raise TypeError("a lazy array takes whole numbers and slices; numpy.asarray of it takes everything else")
        dots = [place for place, one in enumerate(keys) if one is Ellipsis]
        if len(dots) > 1 or len(keys) - len(dots) > self.ndim:
            raise IndexError(f"too many indices for {self.ndim} axes")
        if dots:
            filling = (slice(None),) * (self.ndim - len(keys) + 1)
            keys = (*keys[: dots[0]], *filling, *keys[dots[0] + 1 :])
        plain = tuple(one for one in keys if not isinstance(one, EllipsisType))
        return (plain[0], plain[1:]) if plain else (slice(None), ())

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("a lazy array has no array without reading it: copy=False is impossible")
        return np.asarray(self[...], dtype)

    def min(self) -> Any:
        """The smallest value; every slice is read, one at a time."""
        return min(values.min() for values in self)

    def max(self) -> Any:
        """The largest value; every slice is read, one at a time."""
        return max(values.max() for values in self)
