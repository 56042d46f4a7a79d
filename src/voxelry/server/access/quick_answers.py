"""Which routes are answered on the event loop's thread, where a hand-over to another thread costs more than the work.

A quick route takes its rows from `archive.held` and its bytes from a file. Whatever takes longer calls `takes_long`:
the attempt on the event loop ends there, and the same route is called in a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

Answering = TypeVar("Answering", bound=Callable[..., Any])


class TakesLongError(Exception):
    """The work is not for the event loop's thread."""


class _Thread(threading.local):
    attempting = False


_thread = _Thread()


def quick(route: Answering) -> Answering:
    """Mark a route that mostly takes less than a millisecond."""
    route.is_quick = True  # type: ignore[attr-defined]
    return route


def is_quick(route: Callable[..., Any]) -> bool:
    """Whether a route is marked as quick."""
    return bool(getattr(route, "is_quick", False))


def takes_long() -> None:
    """Say before work that takes longer than a millisecond: a query, decoding, rendering, compression.

    Raises
    ------
    TakesLongError
        If this is an attempt on the event loop's thread.
    """
    if _thread.attempting:
        raise TakesLongError


@contextmanager
def attempt_quickly() -> Iterator[None]:
    """In the ``with`` block `takes_long` raises."""
    _thread.attempting = True
    try:
        yield
    finally:
        _thread.attempting = False
