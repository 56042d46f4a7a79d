"""Work on all cores: reading, packing, decoding and arithmetic on large arrays let go of the GIL."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from voxelry.core.progress import Progress

S = TypeVar("S")
T = TypeVar("T")

MOST_WORKERS = 8
"""More threads than this only wait for memory."""


def workers() -> int:
    """How many threads are worth having here."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, MOST_WORKERS)


def in_parallel(tasks: Iterable[Callable[[], T]]) -> Iterator[T]:
    """The results of tasks, in their order.

    Tasks are taken as results are: few wait at any time. The first error ends the work, as the caller's does;
    what was begun is waited for.
    """
    waiting: deque[Future[T]] = deque()
    count = workers()
    with ThreadPoolExecutor(count, "voxelry") as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(task))
                if len(waiting) > 2 * count:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def shared(function: Callable[[S], T], parts: Iterable[S]) -> list[T]:
    """The results of one function on several parts, in their order; the caller's thread works too.

    Less is lost on handing over than with `in_parallel`: whoever is free takes the next part. The first error ends
    the work; what was begun is waited for.
    """
    given = list(parts)
    waiting = deque(enumerate(given))
    found: dict[int, T] = {}

    def work() -> None:
        try:
            while (taken := _next(waiting)) is not None:
                place, part = taken
                found[place] = function(part)
        except BaseException:
            waiting.clear()
            raise

    helpers = min(workers(), len(given)) - 1
    if helpers < 1:
        work()
    else:
        with ThreadPoolExecutor(helpers, "voxelry") as pool:
            others = [pool.submit(work) for _ in range(helpers)]
            work()
        for other in others:
            other.result()
    return [found[place] for place in range(len(given))]


def _next(waiting: deque[S]) -> S | None:
    """The first one, taken; None if another thread was faster."""
    try:
        return waiting.popleft()
    except IndexError:
        return None


def on_all_cores(tasks: Iterable[Callable[[], object]], count: int, progress: Progress, words: str) -> None:
    """Run tasks that share nothing, and tell how many of ``count`` are done.

    The first error ends the work, the progress's own among them; what was begun is waited for.
    """
    for done, _ in enumerate(in_parallel(tasks), 1):
        progress(done / count, words)
