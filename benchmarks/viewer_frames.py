"""What a record of frames says: how long they took, and what was really shown in them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

Frame = tuple[float, Sequence[str]]
"""The time of a frame in milliseconds, and what each canvas showed in it."""


def moving(frames: Sequence[Frame]) -> list[Frame]:
    """The frames from the last one before anything changed to the last change."""
    changes = [number for number in range(1, len(frames)) if frames[number][1] != frames[number - 1][1]]
    return list(frames[changes[0] - 1 : changes[-1] + 1]) if changes else []


def frame_times(frames: Sequence[Frame]) -> list[float]:
    """Milliseconds from each frame to the next."""
    return [later[0] - earlier[0] for earlier, later in itertools.pairwise(frames)]


def percentile(values: Sequence[float], percent: float) -> float:
    """The least of the values that at least so many percent of them do not exceed."""
    if not values:
        raise ValueError("a percentile needs at least one value")
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]


def pictures_shown(frames: Sequence[Frame]) -> int:
    """The number of different pictures of the first canvas."""
    return len({shown[0] for _, shown in frames if shown})


def full_updates(frames: Sequence[Frame], canvases: int) -> list[float]:
    """The times of frames in which all canvases show another picture than at the update before."""
    found: list[float] = []
    last: Sequence[str] | None = None
    for time, shown in frames:
        if len(shown) < canvases:
            continue
        if last is None:
            last = shown
        elif all(new != old for new, old in zip(shown[:canvases], last[:canvases], strict=True)):
            found.append(time)
            last = shown
    return found
