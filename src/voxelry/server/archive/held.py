"""What was read from rows, kept in this process for as long as the rows cannot have changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from voxelry.server.access.grants import Grants

T = TypeVar("T")


def held(who: Grants, key: Hashable, make: Callable[[], T]) -> T:
    """The result of ``make``, from an earlier call with the same grants and key if nothing has changed since."""
    return make()
