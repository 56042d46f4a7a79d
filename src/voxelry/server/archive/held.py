"""What was read from rows, kept in this process for as long as the rows cannot have changed."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from itertools import islice
from typing import Any, TypeVar, cast

from voxelry.server.access.grants import Grants
from voxelry.server.access.quick_answers import takes_long
from voxelry.server.access.revision import revision_of_rows

T = TypeVar("T")
MOST_VALUES = 4096
MOST_BYTES = 32 * 2**20
_LOOKED_AT = 16
"""Items of a collection that are measured; the others count as much."""
_DEPTH = 4


class HeldValues:
    """Values of one revision at a time, the least recently used of which are dropped first.

    Parameters
    ----------
    most, most_bytes
        The number of values, and the bytes that they take about.
    """

    def __init__(self, *, most: int = MOST_VALUES, most_bytes: int = MOST_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()
        self._revision = -1
        self._bytes = 0

    def get(self, key: Hashable, revision: int) -> tuple[object] | None:
        """The value, in a tuple, if it was made at this revision."""
        with self._lock:
            if revision < self._revision:
                self._empty()  # an earlier database was put back
            if revision != self._revision:
                return None
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return (found[0],)

    def put(self, key: Hashable, value: object, revision: int) -> None:
        """Keep a value that was made after this revision was read."""
        size = _bytes_of(value) + _bytes_of(key)
        with self._lock:
            if revision < self._revision or size > self._most_bytes // 4:
                return
            if revision > self._revision:
                self._values.clear()
                self._bytes, self._revision = 0, revision
            _, before = self._values.pop(key, (None, 0))
            self._values[key] = (value, size)
            self._bytes += size - before
            while len(self._values) > self._most or self._bytes > self._most_bytes:
                _, (_, dropped) = self._values.popitem(last=False)
                self._bytes -= dropped

    def clear(self) -> None:
        """Drop all values."""
        with self._lock:
            self._empty()

    def _empty(self) -> None:
        self._values.clear()
        self._bytes, self._revision = 0, -1


_held = HeldValues()


def held(who: Grants, key: Hashable, make: Callable[[], T]) -> T:
    """The result of ``make``, from an earlier call with the same grants and key if nothing has changed since.

    The revision is read before ``make`` is called, so a change that is committed meanwhile makes the value void. In a
    transaction, which may see other rows than those that are committed, nothing is kept.
    """
    revision = revision_of_rows()
    if revision is None:
        takes_long()
        return make()
    whole = (*grants_key(who), key)
    found = _held.get(whole, revision)
    if found is not None:
        return cast(T, found[0])
    takes_long()
    value = make()
    _held.put(whole, value, revision)
    return value


def grants_key(who: Grants) -> tuple[Hashable, ...]:
    """Grants as a part of a key."""
    return who.user, who.everything, tuple(who.roles.items()), who.scoped


def _bytes_of(value: Any, depth: int = _DEPTH) -> int:
    """About the memory that a value takes."""
    size = sys.getsizeof(value)
    if isinstance(value, str | bytes | int | float) or value is None or depth == 0:
        return size
    if isinstance(value, Mapping):
        parts: list[object] = [part for pair in islice(value.items(), _LOOKED_AT) for part in pair]
        count = 2 * len(value)
    elif isinstance(value, list | tuple | set | frozenset):
        parts, count = list(islice(value, _LOOKED_AT)), len(value)
    elif is_dataclass(value):
        parts = [getattr(value, field.name) for field in fields(value)]
        count = len(parts)
    elif hasattr(value, "__dict__"):
        parts = list(vars(value).values())
        count = len(parts)
    else:
        return size
    return size + (sum(_bytes_of(part, depth - 1) for part in parts) * count // len(parts) if parts else 0)
