"""Progress of long work, and how its caller stops it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[float, str], None]
"""Called with the fraction done (0 to 1) and a few words; an exception that it raises stops the work."""


def silent(fraction: float, words: str) -> None:
    """A progress that does nothing."""


def part(progress: Progress, start: float, stop: float) -> Progress:
    """A progress whose 0 to 1 is ``start`` to ``stop`` of another's."""
    return lambda fraction, words: progress(start + (stop - start) * fraction, words)
