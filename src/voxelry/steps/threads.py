"""Work on all cores. ``dicom.parallel`` is its twin: neighbours never meet, and the core has no threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from voxelry.core.progress import Progress

MOST_THREADS = 8
"""More only wait for memory."""


def cores() -> int:
    """How many threads are worth having here."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(allowed, MOST_THREADS)


def on_all_cores(tasks: Iterable[Callable[[], object]], count: int, progress: Progress, words: str) -> None:
    """Run tasks that share nothing, and tell how many of ``count`` are done.

    The first error ends the work, the progress's own among them; what was begun is waited for.
    """
    waiting: deque[Future[object]] = deque()
    most, done = 2 * cores(), 0
    with ThreadPoolExecutor(cores(), "voxelry-steps") as pool:
        try:
            for task in tasks:
                waiting.append(pool.submit(task))
                if len(waiting) > most:
                    waiting.popleft().result()
                    done += 1
                    progress(done / count, words)
            while waiting:
                waiting.popleft().result()
                done += 1
                progress(done / count, words)
        finally:
            for future in waiting:
                future.cancel()
