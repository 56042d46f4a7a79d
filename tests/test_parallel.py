"""Work on several threads: all of it, once, in order, and no more after an error."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from voxelry import parallel
from voxelry.parallel import in_parallel, meanwhile, on_all_cores, shared


@pytest.fixture(autouse=True)
def four_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "workers", lambda: 4)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 1000])
def test_each_part_is_worked_on_once_and_results_keep_their_order(count: int) -> None:
    seen: list[int] = []

    def work(part: int) -> int:
        seen.append(part)
        return -part

    assert shared(work, iter(range(count))) == [-part for part in range(count)]
    assert sorted(seen) == list(range(count))


def test_all_threads_work_and_the_callers_is_one_of_them() -> None:
    together = threading.Barrier(4)

    def work(_: int) -> str:
        together.wait(timeout=30)
        return threading.current_thread().name

    names = shared(work, range(4))
    assert len(set(names)) == 4
    assert threading.current_thread().name in names


@pytest.mark.parametrize("of_the_caller", [True, False], ids=["caller's", "helper's"])
@pytest.mark.parametrize("kind", [IndexError, KeyboardInterrupt, ValueError])
def test_the_first_error_ends_the_work_and_is_told(kind: type[BaseException], of_the_caller: bool) -> None:
    begun: list[int] = []
    together = threading.Barrier(4)
    caller = threading.current_thread()

    def work(part: int) -> None:
        begun.append(part)
        if part < 4:
            together.wait(timeout=30)  # each thread holds one of the first four
        if (threading.current_thread() is caller) is of_the_caller:
            raise kind("no more")
        time.sleep(0.01)

    with pytest.raises(kind, match="no more"):
        shared(work, range(10_000))
    assert len(begun) < 1000


@pytest.mark.parametrize("count", [0, 1, 2, 5, 1000])
def test_tasks_are_done_once_and_results_come_in_their_order(count: int) -> None:
    seen: list[int] = []

    def work(part: int) -> int:
        seen.append(part)
        return -part

    assert list(in_parallel(partial(work, part) for part in range(count))) == [-part for part in range(count)]
    assert sorted(seen) == list(range(count))


def test_the_caller_works_while_it_waits() -> None:
    together = threading.Barrier(4)

    def work() -> str:
        together.wait(timeout=30)
        return threading.current_thread().name

    names = list(in_parallel([work] * 4))
    assert len(set(names)) == 4
    assert threading.current_thread().name in names


def test_few_tasks_are_taken_before_their_results_are() -> None:
    taken = 0

    def tasks() -> Iterator[Callable[[], int]]:
        nonlocal taken
        for taken in range(1000):
            yield partial(int, taken)

    for done, result in enumerate(in_parallel(tasks())):
        assert result == done
        assert taken <= done + 9


def test_an_error_comes_in_its_turn_and_ends_the_work() -> None:
    begun: list[int] = []

    def work(part: int) -> int:
        begun.append(part)
        if part >= 5:
            raise ValueError(f"no {part}")
        time.sleep(0.01)
        return part

    got: list[int] = []
    with pytest.raises(ValueError, match="no 5"):
        got.extend(in_parallel(partial(work, part) for part in range(1000)))
    assert got == [0, 1, 2, 3, 4]
    assert len(begun) < 30


def test_who_stops_listening_ends_the_work() -> None:
    begun: list[int] = []
    results = in_parallel(partial(begun.append, part) for part in range(1000))
    next(results)
    results.close()
    assert len(begun) < 20


def test_a_progress_that_raises_ends_the_work_before_the_caller_goes_on() -> None:
    begun, released = threading.Event(), threading.Event()
    working: list[int] = []

    def slow(part: int) -> None:
        if threading.current_thread() is threading.main_thread():
            begun.wait(timeout=30)
        else:
            working.append(part)
            begun.set()
            released.wait(timeout=30)
            working.remove(part)

    def stop(_: float, __: str) -> None:
        threading.Timer(0.05, released.set).start()
        raise KeyboardInterrupt

    tasks: list[Callable[[], object]] = [partial(begun.wait, 30), *(partial(slow, part) for part in range(8))]
    with pytest.raises(KeyboardInterrupt) as caught:
        on_all_cores(tasks, len(tasks), stop, "working")
    assert working == [], caught  # The exception keeps the frames, and with them a generator that nobody closed.


def test_a_task_runs_while_the_block_does() -> None:
    together = threading.Barrier(2)
    with meanwhile(lambda: together.wait(timeout=30)) as result:
        together.wait(timeout=30)
    assert result() in (0, 1)


def test_the_error_of_a_block_comes_before_that_of_what_runs_meanwhile() -> None:
    ended = threading.Event()

    def fail() -> None:
        ended.set()
        raise KeyError("task")

    with pytest.raises(ValueError, match="block"), meanwhile(fail):
        raise ValueError("block")
    assert ended.is_set()
    with meanwhile(fail) as result:
        pass
    with pytest.raises(KeyError, match="task"):
        result()


def test_of_tasks_that_wait_one_more_is_in_work_than_there_are_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxelry.parallel.workers", lambda: 2)
    together = threading.Barrier(3)
    met = list(in_parallel([partial(together.wait, 60)] * 3, that_wait=True))
    assert sorted(met) == [0, 1, 2]
