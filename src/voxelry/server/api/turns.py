"""Limits how many requests do something at a time, without slow ones blocking all others, and for how long."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from voxelry.core.progress import Progress
from voxelry.server.api.problems import ApiError

SLOW_SECONDS = 2.0
"""A turn that takes longer no longer counts, unless there would be more than twice the allowed number."""
_LOOK_SECONDS = 0.25


class NoTurnError(Exception):
    """No turn became free within the patience of the caller."""


@dataclass(frozen=True, slots=True, eq=False)
class _Turn:
    user: int
    began: float


class Turns:
    """Turns for a number of callers at a time; one place is kept free of any single user.

    Parameters
    ----------
    count
        The allowed number of turns; slow ones do not count.
    """

    def __init__(self, count: int) -> None:
        self._count, self._most = count, 2 * count
        self._changed = threading.Condition()
        self._taken: set[_Turn] = set()

    @contextmanager
    def take(self, user: int, *, patience: float) -> Iterator[None]:
        """Wait for a turn, and hold it in the ``with`` block.

        Raises
        ------
        NoTurnError
            If no turn became free within ``patience`` seconds.
        """
        turn = self._wait(user, time.monotonic() + patience)
        try:
            yield
        finally:
            with self._changed:
                self._taken.discard(turn)
                self._changed.notify_all()

    def _wait(self, user: int, end: float) -> _Turn:
        with self._changed:
            while not self._is_free(user):
                left = end - time.monotonic()
                if left <= 0:
                    raise NoTurnError
                self._changed.wait(min(left, _LOOK_SECONDS))  # turns become slow without a notification
            turn = _Turn(user, time.monotonic())
            self._taken.add(turn)
            return turn

    def _is_free(self, user: int) -> bool:
        now = time.monotonic()
        quick = sum(now - turn.began < SLOW_SECONDS for turn in self._taken)
        own = sum(turn.user == user for turn in self._taken)
        return quick < self._count and len(self._taken) < self._most and own < max(1, self._most - 1)


@contextmanager
def turn_or_busy(turns: Turns, user: int, words: str, *, patience: float) -> Iterator[None]:
    """A turn in the ``with`` block.

    Raises
    ------
    ApiError
        With these words, if no turn became free within ``patience`` seconds.
    """
    try:
        with turns.take(user, patience=patience):
            yield
    except NoTurnError:
        raise ApiError(503, "busy", words) from None


def deadline(seconds: float, words: str) -> Progress:
    """A progress function that raises an `ApiError` with these words when so many seconds have passed."""
    end = time.monotonic() + seconds

    def check(_: float, __: str) -> None:
        if time.monotonic() > end:
            raise ApiError(422, "too_slow", words)

    return check
