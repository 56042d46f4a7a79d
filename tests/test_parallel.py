"""Work on several threads: all of it, once, in order, and no more after an error."""

from __future__ import annotations

import threading
import time

import pytest

from voxelry import parallel
from voxelry.parallel import shared


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
