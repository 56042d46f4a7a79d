"""What can be asked for: parameters, priorities, queues, batches, limits; and watching what becomes of it."""

from __future__ import annotations

import asyncio
import errno
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from voxelry.core.errors import GeometryError
from voxelry.server.jobs import attempts, batches, failures, job_kinds, job_run, leases, submit, tasks, watch
from voxelry.server.jobs.job_kinds import Work
from voxelry.server.jobs.job_run import Run
from voxelry.server.jobs.models import Job, State
from voxelry.server.jobs.slots import Slots
from voxelry.server.jobs.submit import Item
from voxelry.server.jobs.wake_up import WakeUpPipe, wake_workers

pytestmark = pytest.mark.django_db(transaction=True)
Register = Callable[..., None]
ALL = ("ingest", "cpu", "gpu")


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Iterator[Register]:
    """`job_kinds.register` for a kind called test, until the test is over."""
    before = dict(job_kinds._kinds)
    monkeypatch.setattr(job_run, "REPORT_SECONDS", 0.0)

    def registered(work: Work, **options: Any) -> None:
        job_kinds.register("test", work, **options)

    yield registered
    job_kinds._kinds.clear()
    job_kinds._kinds.update(before)


def nothing(this: Run) -> None: ...


def done(job: Job) -> Job:
    attempts.attempt_job(job.pk)
    job.refresh_from_db()
    return job


def work_all(queues: tuple[str, ...] = ALL) -> list[int]:
    """Do what waits, as a worker of these queues would; the keys in the order of doing."""
    keys = []
    while (job := leases.claim(queues=queues)) is not None:
        keys.append(job.pk)
        attempts.do(job)
    return keys


# --- one job ----------------------------------------------------------------------------------------------------------


def test_a_job_keeps_what_it_was_asked_and_by_whom_and_a_retry_is_the_same(register: Register, user: User) -> None:
    seen: list[Any] = []

    def work(this: Run) -> None:
        seen.append((this.subject, this.params, this.requested_by_id))
        raise GeometryError("no")

    register(work)
    params = {"sigma": [1.0, None, "x"]}
    job = done(submit.submit("test", subject=7, params=params, requested_by=user))
    assert (job.state, job.params, job.requested_by) == (State.FAILED, params, user)
    done(submit.retry(job.pk))
    assert seen == [(7, params, user.pk)] * 2
    user.delete()
    job.refresh_from_db()
    assert job.requested_by is None


def test_jobs_of_a_kind_that_wants_it_wait_once_and_others_are_many(register: Register) -> None:
    register(nothing)
    assert submit.submit("test", subject=1).pk != submit.submit("test", subject=1).pk
    register(nothing, once=True)
    assert submit.submit("test", subject=1).pk == submit.submit("test", subject=1).pk
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.create(kind="test", subject=1, once=True)


def test_the_higher_priority_goes_first_and_then_who_came_first(register: Register) -> None:
    register(nothing)
    keys = {name: submit.submit("test", priority=p).pk for name, p in [("a", 0), ("b", -5), ("c", 3), ("d", 0)]}
    assert work_all() == [keys[name] for name in "cadb"]


def test_a_worker_takes_what_its_queues_have(register: Register) -> None:
    register(nothing, queue="gpu", priority=4)
    gpu = submit.submit("test")
    cpu = submit.submit("test", queue="cpu", priority=1)
    assert (gpu.queue, gpu.priority, cpu.queue, cpu.priority) == ("gpu", 4, "cpu", 1)
    assert leases.waiting(["gpu"])
    assert not leases.waiting(["ingest"])
    assert work_all(("ingest",)) == []
    assert work_all(("ingest", "cpu")) == [cpu.pk]
    assert work_all(("gpu",)) == [gpu.pk]
    with pytest.raises(ValueError, match="tape"):
        submit.submit("test", queue="tape")
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.create(kind="test", queue="tape")


def test_claiming_reads_its_index() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("SQLite is told which index; PostgreSQL decides by its statistics")
    which = leases._BEST.format(queues="'cpu'", index="INDEXED BY job_claim", lock="")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {which}", ["2026-01-01 00:00:00"] * which.count("%s"))
        plan = str(cursor.fetchall())
    assert "job_claim" in plan
    assert "TEMP B-TREE" not in plan


def test_a_time_limit_stops_work_in_this_process_too(register: Register) -> None:
    def work(this: Run) -> None:
        while True:
            this.progress(0.1, "working")
            this.tick()

    register(work)
    job = done(submit.submit("test", time_limit_seconds=0.05))
    assert (job.state, job.problem_code) == (State.FAILED, "time_limit")


def test_the_log_has_the_first_and_the_last_lines_with_their_times(register: Register) -> None:
    def work(this: Run) -> None:
        for number in range(1000):
            this.log(f"{number} " + "x" * 1000)

    register(work)
    job = done(submit.submit("test"))
    words = [line.split()[0] for _, line in job.log]
    assert len(words) == job_run.LOG_LINES
    assert (words[0], words[-1]) == ("0", "999")
    assert "(lines left out)" in [line for _, line in job.log]
    assert all(len(line) <= job_run.LOG_LETTERS for _, line in job.log)
    assert job.created.isoformat()[:16] <= job.log[0][0] <= job.log[-1][0]


def test_a_full_disk_while_publishing_publishes_nothing_and_a_retry_does(register: Register) -> None:
    full = [True]

    def publish(this: Run, result: Any) -> dict[str, Any]:
        Job.objects.create(kind="published", subject=this.key)
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return {"found": result}

    def work(this: Run) -> int:
        (this.folder / "made").write_bytes(b"x")
        return 5

    register(work, publish=publish)
    job = done(submit.submit("test"))
    assert (job.state, job.problem_code, job.result) == (State.FAILED, "storage_full", None)
    assert not Job.objects.filter(kind="published").exists()
    full.clear()
    submit.retry(job.pk)
    done(job)
    assert (job.state, job.result) == (State.SUCCEEDED, {"found": 5})
    assert Job.objects.filter(kind="published").count() == 1


def test_what_cannot_be_written_at_once_is_written_later(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that is busy as the job ends."""
    finish, tries = Run.finish, []

    def busy(this: Run, *args: Any, **values: Any) -> bool:
        tries.append(this.key)
        if len(tries) < 3:
            raise OperationalError("database is locked")
        return finish(this, *args, **values)

    register(nothing)
    monkeypatch.setattr(Run, "finish", busy)
    job = done(submit.submit("test"))
    assert (job.state, job.attempts, len(tries)) == (State.SUCCEEDED, 1, 3)


def test_the_heart_tells_who_was_cancelled_and_who_lost_the_lease(register: Register) -> None:
    told: list[type[BaseException]] = []

    def work(this: Run) -> None:
        if this.subject == 1:
            submit.cancel(this.key)
        else:
            Job.objects.filter(pk=this.key).update(owner="somebody/1/else")
        leases.LeaseRenewer.watch({this.owner: this})
        try:
            this.check()
        except failures.JobStopped as error:
            told.append(type(error))
            raise

    register(work)
    assert done(submit.submit("test", subject=1)).state == State.CANCELLED
    assert done(submit.submit("test", subject=2)).owner == "somebody/1/else"
    assert told == [failures.Cancelled, failures.LeaseLost]


def test_one_statement_renews_all_leases(register: Register, django_assert_num_queries: Any) -> None:
    register(nothing)
    runs = {}
    for _ in range(3):
        submit.submit("test")
        job = leases.claim(queues=ALL)
        assert job is not None
        runs[job.owner] = Run(job)
    before = dict(Job.objects.values_list("pk", "lease_until"))
    with django_assert_num_queries(1):
        leases.LeaseRenewer.renew(runs)
    after = dict(Job.objects.values_list("pk", "lease_until"))
    for key, lease in after.items():
        assert lease is not None
        assert before[key] is not None
        assert lease != before[key]


# --- batches ----------------------------------------------------------------------------------------------------------


def test_a_batch_counts_its_children_and_ends_with_them(register: Register, dispatched: list[int]) -> None:
    register(lambda this: this.params["n"])
    parent = submit.submit_batch("test", [Item(subject=n, params={"n": n}) for n in range(5)])
    children = list(Job.objects.filter(parent=parent).order_by("pk"))
    assert dispatched == [child.pk for child in children]
    assert (parent.state, batches.totals(parent.pk)) == (State.QUEUED, batches.Totals(queued=5))
    assert not attempts.attempt_job(parent.pk)  # nobody claims it
    done(children[0])
    batches.roll_up(parent.pk)
    parent.refresh_from_db()
    assert (parent.state, parent.progress, parent.message) == (State.RUNNING, 0.2, "1 of 5 done")
    assert work_all() == [child.pk for child in children[1:]]
    parent.refresh_from_db()
    assert (parent.state, parent.progress, parent.message) == (State.SUCCEEDED, 1.0, "5 of 5 done")
    assert [Job.objects.get(pk=child.pk).result for child in children] == list(range(5))
    assert parent.created <= parent.started <= parent.finished  # type: ignore[operator]


def test_a_batch_fails_with_a_child_and_a_retry_does_only_that_again(register: Register) -> None:
    calls: list[int] = []

    def work(this: Run) -> None:
        calls.append(this.subject)
        if this.subject == 1 and calls.count(1) == 1:
            raise GeometryError("no")

    register(work)
    parent = submit.submit_batch("test", [Item(n) for n in range(3)])
    work_all()
    parent.refresh_from_db()
    assert (parent.state, parent.problem_code) == (State.FAILED, "batch")
    assert "1 of 3" in parent.problem_message
    assert submit.retry(parent.pk).state == State.QUEUED
    work_all()
    parent.refresh_from_db()
    assert (parent.state, parent.problem_code) == (State.SUCCEEDED, "")
    assert calls == [0, 1, 2, 1]


def test_a_child_that_is_retried_by_itself_opens_its_batch_again(register: Register) -> None:
    outcomes = iter([GeometryError("no"), None])

    def work(this: Run) -> None:
        if (error := next(outcomes)) is not None:
            raise error

    register(work)
    parent = submit.submit_batch("test", [Item()])
    (key,) = work_all()
    submit.retry(key)
    parent.refresh_from_db()
    assert not parent.over
    work_all()
    parent.refresh_from_db()
    assert parent.state == State.SUCCEEDED


def test_a_cancelled_batch_stops_what_runs_and_begins_nothing(register: Register) -> None:
    calls: list[int] = []

    def work(this: Run) -> None:
        calls.append(this.subject)
        submit.cancel(parent.pk)
        this.progress(0.5, "half")

    register(work)
    parent = submit.submit_batch("test", [Item(n) for n in range(3)])
    work_all()
    parent.refresh_from_db()
    assert (parent.state, calls) == (State.CANCELLED, [0])
    assert batches.totals(parent.pk) == batches.Totals(cancelled=3)
    assert submit.cancel(parent.pk).state == State.CANCELLED


def test_an_empty_batch_is_refused_whole(register: Register) -> None:
    register(nothing)
    with pytest.raises(ValueError, match="at least one"):
        submit.submit_batch("test", [])
    assert not Job.objects.exists()


@hypothesis.settings(max_examples=25, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["succeed", "fail", "cancel"]), min_size=1, max_size=6), st.randoms())
def test_a_batch_ends_when_and_only_when_its_last_child_has(
    transactional_db: None, outcomes: list[str], order: Any
) -> None:
    Job.objects.all().delete()
    parent = submit.submit_batch("unheard of", [Item(n) for n in range(len(outcomes))])
    children = list(Job.objects.filter(parent=parent))
    order.shuffle(children)
    for left, (child, outcome) in enumerate(zip(children, outcomes, strict=True), start=1):
        if outcome == "cancel":
            submit.cancel(child.pk)
        else:
            values = {"succeed": {"state": "succeeded"}, "fail": {"state": "failed", "problem_code": "x"}}[outcome]
            Job.objects.filter(pk=child.pk).update(finished=child.created, **values)
            batches.roll_up(parent.pk)
        parent.refresh_from_db()
        assert parent.over == (left == len(outcomes))
    found = batches.totals(parent.pk)
    assert found.over == found.total == len(outcomes)
    assert (parent.state == State.FAILED) == ("fail" in outcomes)
    assert (parent.state == State.SUCCEEDED) == (set(outcomes) == {"succeed"})


# --- watching ---------------------------------------------------------------------------------------------------------


def test_who_watches_sees_every_change_and_the_end(register: Register) -> None:
    def work(this: Run) -> None:
        for fraction in (0.25, 0.5):
            this.progress(fraction, "working")
            seen.append(next(watched))

    register(work)
    job = submit.submit("test")
    watched = watch.watch(job.pk, seconds=0.01)
    seen = [next(watched)]
    attempts.attempt_job(job.pk)
    seen += watched
    assert [(row.state, row.progress) for row in seen] == [
        ("queued", 0.0),
        ("running", 0.25),
        ("running", 0.5),
        ("succeeded", 1.0),
    ]


def test_an_event_loop_watches_as_well(register: Register) -> None:
    register(nothing)
    job = done(submit.submit("test"))

    async def states() -> list[str]:
        return [row.state async for row in watch.watch_async(job.pk, seconds=0.01)]

    assert asyncio.run(states()) == ["succeeded"]
    with pytest.raises(Job.DoesNotExist):
        list(watch.watch(10**9))


# --- workers ----------------------------------------------------------------------------------------------------------


def test_a_bell_wakes_who_listens_and_dead_bells_are_taken_down(data_folder: Path) -> None:
    with WakeUpPipe() as bell:
        assert not bell.wait(0)
        wake_workers()
        assert bell.wait(5)
        assert not bell.wait(0)  # heard once
        (path,) = (data_folder / "bells").iterdir()
        copy = path.with_name(path.name[:-4] + "dead")
        import os

        os.mkfifo(copy)  # as a killed worker leaves its own
        with WakeUpPipe():
            assert sorted((data_folder / "bells").iterdir()) != [copy]
            assert not copy.exists()
    assert not list((data_folder / "bells").iterdir())
    wake_workers()


def test_hints_go_to_the_queue_and_are_few(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, str]] = []
    monkeypatch.setattr(
        tasks.run_job, "apply_async", lambda args, queue, **more: sent.append((args[0], queue.name)), raising=True
    )
    tasks.hint([1], "cpu")
    assert sent == []  # there is no broker
    settings.VOXELRY = settings.VOXELRY.replace(broker_url="memory://")
    tasks.hint(range(1, 1000), "gpu")
    assert sent == [(key, "voxelry.gpu") for key in range(1, tasks.HINTS + 1)]


def test_places_do_all_that_waits_and_leave_hints_to_others_while_they_are_busy(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, go_on, calls = threading.Event(), threading.Event(), []

    def work(this: Run) -> None:
        calls.append(this.key)
        began.set()
        assert go_on.wait(20)

    register(work)
    keys = [submit.submit("test").pk for _ in range(4)]
    slots = Slots(1, ALL)
    slots.start()
    try:
        assert began.wait(20)
        monkeypatch.setattr("voxelry.server.jobs.slots.OFFER_SECONDS", 0.3)
        before = time.monotonic()
        slots.offer(keys[0])
        assert time.monotonic() - before > 0.25
        go_on.set()
        end = time.monotonic() + 20
        while Job.objects.exclude(state=State.SUCCEEDED).exists() and time.monotonic() < end:
            time.sleep(0.02)
    finally:
        go_on.set()
        job_run.stopping.set()
        slots.stop(20)
    assert calls == keys
