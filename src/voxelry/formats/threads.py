"""Compression on all cores. ``dicom.parallel`` is its twin: neighbours never meet, and the core has no threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

MOST_THREADS = 8


def in_order(tasks: Iterable[Callable[[], T]]) -> Iterator[T]:
    """The results of tasks that run on all cores, in their order; few wait at any time."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(min(allowed, MOST_THREADS), "voxelry-formats") as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(task))
                if len(waiting) > 2 * allowed:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def read_ahead(tasks: Iterable[Callable[[], T]]) -> Iterator[T]:
    """The results of tasks in their order; the next one runs, on one thread of its own, while a result is used."""
    with ThreadPoolExecutor(1, "voxelry-ahead") as pool:
        following: Future[T] | None = None
        try:
            for task in tasks:
                ready, following = following, pool.submit(task)
                if ready is not None:
                    yield ready.result()
            if following is not None:
                yield following.result()
        finally:
            if following is not None:
                following.cancel()
