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
