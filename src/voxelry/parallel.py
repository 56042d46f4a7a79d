"""Work on all cores: reading, packing, decoding and arithmetic on large arrays let go of the GIL."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from contextvars import copy_context
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


def in_parallel(tasks: Iterable[Callable[[], T]], *, that_wait: bool = False) -> Generator[T, None, None]:
    """The results of tasks, in their order; the caller's thread works too while the next result is not there.

    Tasks are taken as results are: few wait at any time. The first error ends the work; what was begun is waited for.
    A caller that may raise between two results closes the generator (`contextlib.closing`), or its tasks go on.

    Parameters
    ----------
    that_wait
        True for tasks that read or write files beside their arithmetic: one more of them is in work than there are
        cores, so that none is idle while a disk is waited for.
    """
    count = workers()
    if count == 1:
        yield from (task() for task in tasks)
        return
    waiting: deque[tuple[Callable[[], T], Future[T]]] = deque()
    with ThreadPoolExecutor(count if that_wait else count - 1, "voxelry") as pool:
        try:
            for task in tasks:
                waiting.append((task, pool.submit(copy_context().run, task)))
                if len(waiting) > 2 * count:
                    yield _first(waiting)
            while waiting:
                yield _first(waiting)
        finally:
            for _, future in waiting:
                future.cancel()


def _first(waiting: deque[tuple[Callable[[], T], Future[T]]]) -> T:
    """The result of the first one, taken; meanwhile those are done here that no other thread has begun."""
    task, future = waiting.popleft()
    if future.cancel():
        return task()
    for place, (later, begun) in enumerate(waiting):
        if future.done():
            break
        if begun.cancel():
            waiting[place] = later, _done(later)
    return future.result()


def _done(task: Callable[[], T]) -> Future[T]:
    """Its result, or its error until its turn comes."""
    future: Future[T] = Future()
    try:
        future.set_result(task())
    except Exception as error:
        future.set_exception(error)
    return future


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


@contextmanager
def meanwhile(task: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """Do a task on another thread while the block runs, and give what returns its result, or raises its error.

    An error of the block comes first; the task is waited for even then.
    """
    with ThreadPoolExecutor(1, "voxelry") as pool:
        yield pool.submit(copy_context().run, task).result


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
    with closing(in_parallel(tasks)) as results:
        for done, _ in enumerate(results, 1):
            progress(done / count, words)
