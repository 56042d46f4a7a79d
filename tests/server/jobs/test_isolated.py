"""Work in child processes: limits, crashes, cancels; nothing of it reaches the worker but words."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.jobs import works
from tests.server.jobs.conftest import alive, gone
from voxelry.server.jobs import attempts, isolated, job_kinds, submit
from voxelry.server.jobs.models import Job, State

pytestmark = pytest.mark.django_db(transaction=True)
Misbehaved = Callable[..., Job]
HANG_SECONDS = 120.0
"""For what is not about time, on a machine that does much else."""


@pytest.fixture(autouse=True)
def _kinds() -> Iterator[None]:
    before = dict(job_kinds._kinds)
    works.register()
    yield
    job_kinds._kinds.clear()
    job_kinds._kinds.update(before)


def misbehaved(how: str, *, limits: dict[str, Any] | None = None, **params: Any) -> Job:
    """A job that was done."""
    job = submit.submit("misbehave", params={"how": how, **params}, **(limits or {}))
    assert attempts.attempt_job(job.pk)
    job.refresh_from_db()
    return job


def test_work_in_a_child_is_published_in_the_worker(data_folder: Path) -> None:
    job = submit.submit("bytes", params={"seed": 4, "size": 5000, "steps": 3})
    attempts.attempt_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.message, job.progress) == (State.SUCCEEDED, "5000 bytes", 1.0)
    assert job.result is not None
    assert Path(job.result["path"]).read_bytes() == works.right_bytes(4, 5000)
    assert Job.objects.filter(kind="published", subject=job.pk).count() == 1
    assert [words for _, words in job.log] == ["written"]
    assert not list((data_folder / "temp").iterdir())  # nothing is left beside


def test_children_serve_again_and_are_warm() -> None:
    first = misbehaved("well").result  # its process
    assert first is not None
    assert misbehaved("well").result == first


@pytest.mark.parametrize(
    ("how", "code", "words"),
    [("segfault", "crashed", "SIGSEGV"), ("killed", "killed", "memory ran out")],
)
def test_a_crash_is_a_sentence_after_a_second_try(
    monkeypatch: pytest.MonkeyPatch, how: str, code: str, words: str
) -> None:
    counted = itertools.count()
    monkeypatch.setattr(isolated, "oom_kills", lambda: next(counted))  # as if it were for its memory
    job = misbehaved(how)
    assert (job.state, job.attempts) == (State.QUEUED, 1)
    assert attempts.attempt_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.problem_code, job.attempts) == (State.FAILED, code, 2)
    assert words in job.problem_message
    assert (how == "segfault") == ("works.py" in job.trace)


def test_who_kills_a_child_costs_no_more_than_an_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's ``kill -9`` is no fault of the job, which has as many attempts as when its worker is killed."""
    monkeypatch.setattr(isolated, "oom_kills", lambda: 3)  # nobody was short of memory meanwhile
    job = misbehaved("killed")
    for attempt in range(2, 6):
        assert (job.state, job.attempts, job.problem_code) == (State.QUEUED, attempt - 1, "")
        assert job.log[-1][1] == "the process that did this was killed"
        assert attempts.attempt_job(job.pk)
        job.refresh_from_db()
    assert (job.state, job.problem_code, job.attempts) == (State.FAILED, "killed", 5)
    assert "memory" not in job.problem_message


def test_the_machine_tells_how_often_memory_ran_out() -> None:
    if Path("/proc/vmstat").exists():
        assert isinstance(isolated.oom_kills(), int)


def test_too_much_memory_is_a_sentence_and_the_child_is_fine_with_less() -> None:
    job = misbehaved("greedy", limits={"memory_limit_bytes": 100 * 2**20}, bytes=200 * 2**20)
    assert (job.state, job.problem_code) == (State.FAILED, "memory")
    assert "more than the 100 MiB" in job.problem_message
    job = misbehaved("greedy", limits={"memory_limit_bytes": 100 * 2**20}, bytes=50 * 2**20)
    assert (job.state, job.result) == (State.SUCCEEDED, 50 * 2**20)


@pytest.mark.parametrize("how", ["foreign", "unraised"])
def test_too_little_memory_is_said_however_a_library_puts_it(how: str) -> None:
    job = misbehaved(how, limits={"memory_limit_bytes": 64 * 2**20}, bytes=200 * 2**20)
    assert (job.state, job.problem_code, job.result) == (State.FAILED, "memory", None)
    assert "64 MiB" in job.problem_message
    assert misbehaved("well").state == State.SUCCEEDED


def test_libraries_count_for_nothing_where_there_is_little_memory() -> None:
    """OpenBLAS would ask for ever for what it may not have."""
    isolated.tidy(0)  # a child that has loaded nothing yet
    job = misbehaved("scipy", limits={"memory_limit_bytes": 64 * 2**20, "time_limit_seconds": 60.0})
    assert (job.state, job.result) == (State.SUCCEEDED, 5.0)


def test_the_configuration_has_a_limit_for_all(settings: Any) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(memory_limit_bytes=64 * 2**20)
    assert misbehaved("greedy", bytes=100 * 2**20).problem_code == "memory"
    settings.VOXELRY = settings.VOXELRY.replace(time_limit_seconds=0.5)
    job = misbehaved("wait")
    assert (job.state, job.problem_code) == (State.FAILED, "time_limit")
    assert "0.5 s" in job.problem_message
    assert isolated.memory_limit(0) > 2**28


@pytest.mark.parametrize("how", ["wait", "hold"])
def test_a_cancelled_job_is_dead_within_two_seconds_and_what_it_started_too(how: str) -> None:
    # A machine that stalls delays one end or another, not each of them.
    assert any(_seconds_to_the_end(how) < 2 for _ in range(4))


def _seconds_to_the_end(how: str) -> float:
    """From the cancelling of a job to the end of its processes."""
    job = submit.submit("misbehave", params={"how": how})
    worker = threading.Thread(target=attempts.attempt_job, args=(job.pk,))
    worker.start()
    end = time.monotonic() + HANG_SECONDS
    while not (run_log := _log(job)) and time.monotonic() < end:
        time.sleep(0.05)
    pids = [int(pid) for pid in run_log.split()]
    assert all(map(alive, pids))
    submit.cancel(job.pk)
    began = time.monotonic()
    for pid in pids:
        gone(pid, HANG_SECONDS)
    ended = time.monotonic()
    worker.join(HANG_SECONDS)
    job.refresh_from_db()
    assert job.state == State.CANCELLED
    return ended - began


def _log(job: Job) -> str:
    """What the work has said; a line of log is written with the next word of progress, or by its own time."""
    job.refresh_from_db()
    return str(job.log[-1][1]) if job.log else ""


def test_who_lost_the_lease_is_killed_and_publishes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    job = submit.submit("misbehave", params={"how": "wait"})
    worker = threading.Thread(target=attempts.attempt_job, args=(job.pk,))
    worker.start()
    end = time.monotonic() + HANG_SECONDS
    while not (said := _log(job)) and time.monotonic() < end:
        time.sleep(0.05)
    Job.objects.filter(pk=job.pk).update(owner="somebody/1/else")
    gone(int(said.split()[0]), HANG_SECONDS)
    worker.join(HANG_SECONDS)
    job.refresh_from_db()
    assert (job.state, job.owner) == (State.RUNNING, "somebody/1/else")


def test_an_error_says_what_and_where_and_no_value(caplog: pytest.LogCaptureFixture) -> None:
    job = misbehaved("error")
    assert (job.problem_code, job.problem_message) == ("geometry", "two spacings: 5 and 10 mm")
    assert "works.py" in job.trace
    job = misbehaved("inside", name="Doe^Jane")
    assert job.problem_code == "internal"
    assert "builtins.ValueError" in job.trace
    assert "Doe" not in job.trace + job.problem_message + str(job.log) + caplog.text


def test_what_libraries_print_goes_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    isolated.tidy(0)  # a child that starts now has this test's output
    assert misbehaved("print").state == State.SUCCEEDED
    isolated.tidy(0)
    assert "Doe" not in "".join(capfd.readouterr())


def test_a_result_that_is_no_json_is_a_failure_inside() -> None:
    assert misbehaved("no json").problem_code == "internal"


def test_the_same_in_this_process_for_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setattr(isolated, "IN_PROCESS", True)
    assert misbehaved("well").result == os.getpid()


def test_isolated_work_must_be_found_by_a_child() -> None:
    with pytest.raises(ValueError, match="top of a module"):
        job_kinds.register("lambda", lambda this: None, isolated=True)
