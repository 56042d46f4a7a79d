"""Jobs: claimed once, leased, cancelled, retried, found again when their worker died."""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from tests.server.test_trouble import full_database
from voxelry.core.errors import GeometryError
from voxelry.server.jobs import attempts, job_kinds, job_run, submit, sweep, tasks
from voxelry.server.jobs.failures import WorkerStopping
from voxelry.server.jobs.job_run import Run
from voxelry.server.jobs.models import Job, State

pytestmark = pytest.mark.django_db(transaction=True)
Handle = Callable[[Callable[[Run], None]], Job]


@pytest.fixture
def handle(monkeypatch: pytest.MonkeyPatch) -> Handle:
    """A queued job that a function handles."""

    def made(handler: Callable[[Run], None]) -> Job:
        monkeypatch.setitem(job_kinds._kinds, "test", job_kinds.Kind("test", handler, once=True))
        return submit.submit("test", subject=1)

    monkeypatch.setattr(job_run, "REPORT_SECONDS", 0.0)
    return made


def _done(job: Job) -> Job:
    attempts.attempt_job(job.pk)
    job.refresh_from_db()
    return job


def test_a_job_succeeds(handle: Handle, dispatched: list[int]) -> None:
    seen: list[tuple[str, float, str]] = []

    def work(this: Run) -> None:
        this.progress(0.5, "half")
        row = Job.objects.get(pk=this.key)
        seen.append((row.state, row.progress, row.message))

    job = handle(work)
    assert dispatched == [job.pk]
    _done(job)
    assert seen == [("running", 0.5, "half")]
    assert (job.state, job.progress, job.attempts, job.owner) == (State.SUCCEEDED, 1.0, 1, "")
    assert job.created <= job.started <= job.finished  # type: ignore[operator]


def test_dispatch_waits_for_the_commit(handle: Handle, dispatched: list[int]) -> None:
    with transaction.atomic():
        job = handle(lambda this: None)
        assert dispatched == []
    assert dispatched == [job.pk]


def test_the_same_work_waits_once(handle: Handle) -> None:
    assert handle(lambda this: None).pk == handle(lambda this: None).pk
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.create(kind="test", subject=1, once=True)


def test_a_job_is_claimed_once(handle: Handle) -> None:
    calls: list[int] = []
    job = handle(lambda this: calls.append(this.key))
    assert attempts.attempt_job(job.pk)
    assert not attempts.attempt_job(job.pk)
    assert not attempts.attempt_job(999)
    assert calls == [job.pk]


def test_a_failure_is_a_sentence(handle: Handle) -> None:
    def work(this: Run) -> None:
        raise GeometryError("two spacings: 5 and 10 mm")

    job = _done(handle(work))
    assert (job.state, job.problem_code, job.problem_message) == (State.FAILED, "geometry", "two spacings: 5 and 10 mm")


def test_a_trace_says_where_and_holds_no_value(handle: Handle, caplog: pytest.LogCaptureFixture) -> None:
    value = "Doe^Jane"

    def work(this: Run) -> None:
        try:
            raise KeyError(value)
        except KeyError as error:
            raise ValueError(f"patient {value}") from error

    job = _done(handle(work))
    assert (job.state, job.problem_code) == (State.FAILED, "internal")
    assert "ValueError" in job.trace
    assert "KeyError" in job.trace
    assert "test_rows.py" in job.trace
    assert value not in caplog.text + job.trace + job.problem_message + job.message


def test_cancel_at_the_next_step(handle: Handle) -> None:
    steps: list[int] = []

    def work(this: Run) -> None:
        for step in range(5):
            this.progress(step / 5, "working")
            steps.append(step)
            if step == 1:
                submit.cancel(this.key)

    job = _done(handle(work))
    assert job.state == State.CANCELLED
    assert steps == [0, 1]


def test_cancel_before_it_begins(handle: Handle) -> None:
    job = handle(lambda this: None)
    assert submit.cancel(job.pk).state == State.CANCELLED
    assert not attempts.attempt_job(job.pk)
    assert submit.cancel(job.pk).state == State.CANCELLED


def test_what_is_over_cannot_be_cancelled_and_success_not_retried(handle: Handle) -> None:
    job = _done(handle(lambda this: None))
    with pytest.raises(submit.JobStateError, match="succeeded"):
        submit.cancel(job.pk)
    with pytest.raises(submit.JobStateError, match="succeeded"):
        submit.retry(job.pk)


def test_retry_begins_again(handle: Handle, dispatched: list[int]) -> None:
    outcomes = iter([GeometryError("no"), None])

    def work(this: Run) -> None:
        if (error := next(outcomes)) is not None:
            raise error

    job = _done(handle(work))
    assert submit.retry(job.pk).state == State.QUEUED
    assert dispatched == [job.pk, job.pk]
    _done(job)
    assert (job.state, job.problem_code, job.attempts) == (State.SUCCEEDED, "", 1)


def test_a_retry_beside_the_same_waiting_work_is_refused(handle: Handle) -> None:
    def work(this: Run) -> None:
        raise GeometryError("no")

    job = _done(handle(work))
    submit.submit("test", subject=1)
    with pytest.raises(submit.JobStateError, match="another job"):
        submit.retry(job.pk)


def _abandon(job: Job, *, lease: timedelta, attempts: int = 1, **more: Any) -> None:
    """As a killed worker leaves it."""
    Job.objects.filter(pk=job.pk).update(
        state=State.RUNNING,
        owner=f"{socket.gethostname()}/{more.pop('pid', 1)}/x",
        lease_until=timezone.now() + lease,
        attempts=attempts,
        **more,
    )


class Clock:
    """A monotonic clock that stands where the test puts it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def silence() -> Callable[[], None]:
    """Sweep for longer than a lease holds."""

    def swept() -> None:
        clock = Clock()
        sweeper = sweep.Sweeper(clock)
        sweeper.sweep()
        for _ in range(4):
            clock.seconds += 4
            sweeper.sweep()

    return swept


def test_a_lease_that_stands_still_is_queued_again(handle: Handle, dispatched: list[int]) -> None:
    job = handle(lambda this: None)
    _abandon(job, lease=timedelta(seconds=15))
    clock = Clock()
    sweeper = sweep.Sweeper(clock)
    for _ in range(4):  # its worker lives: the lease moves
        clock.seconds += 7
        Job.objects.update(lease_until=timezone.now() + timedelta(seconds=15))
        sweeper.sweep()
    job.refresh_from_db()
    assert job.state == State.RUNNING
    for _ in range(3):
        clock.seconds += 7
        sweeper.sweep()
    job.refresh_from_db()
    assert (job.state, job.attempts) == (State.QUEUED, 1)
    assert dispatched == [job.pk, job.pk]
    assert _done(job).attempts == 2


@pytest.mark.parametrize("jump", [timedelta(hours=-5), timedelta(hours=5)])
def test_a_clock_that_was_set_frees_no_living_job_and_keeps_no_dead_one(handle: Handle, jump: timedelta) -> None:
    job = handle(lambda this: None)
    _abandon(job, lease=timedelta(seconds=15) + jump)
    clock = Clock()
    sweeper = sweep.Sweeper(clock)
    for _ in range(3):
        clock.seconds += 5
        sweeper.sweep()
    job.refresh_from_db()
    assert job.state == State.RUNNING
    clock.seconds += 5.1
    sweeper.sweep()
    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_after_too_many_deaths_it_is_given_up(handle: Handle, settings: Any, silence: Callable[[], None]) -> None:
    job = handle(lambda this: None)
    _abandon(job, lease=timedelta(seconds=-1), attempts=settings.VOXELRY.attempts)
    silence()
    job.refresh_from_db()
    assert (job.state, job.problem_code) == (State.FAILED, "worker_lost")
    assert submit.retry(job.pk).attempts == 0


def test_a_cancelled_job_of_a_dead_worker_is_cancelled(handle: Handle, silence: Callable[[], None]) -> None:
    job = handle(lambda this: None)
    _abandon(job, lease=timedelta(seconds=-1), cancel_requested=True)
    silence()
    job.refresh_from_db()
    assert job.state == State.CANCELLED


def test_a_restarted_worker_takes_back_its_own_at_once(handle: Handle) -> None:
    job = handle(lambda this: None)
    _abandon(job, lease=timedelta(seconds=15), pid=os.getppid())
    sweep.take_back_own()
    job.refresh_from_db()
    assert job.state == State.RUNNING  # that process lives
    _abandon(job, lease=timedelta(seconds=15), pid=2**22 + 1)
    sweep.take_back_own()
    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_who_lost_the_lease_publishes_nothing(handle: Handle) -> None:
    def work(this: Run) -> None:
        Job.objects.filter(pk=this.key).update(owner="somebody/1/else")
        with this.publishing():
            Job.objects.create(kind="published", subject=1)

    job = _done(handle(work))
    assert not Job.objects.filter(kind="published").exists()
    assert (job.state, job.owner) == (State.RUNNING, "somebody/1/else")


def test_an_error_while_publishing_publishes_nothing(handle: Handle) -> None:
    def work(this: Run) -> None:
        with this.publishing():
            Job.objects.create(kind="published", subject=1)
            raise GeometryError("no")

    assert _done(handle(work)).state == State.FAILED
    assert not Job.objects.filter(kind="published").exists()


def test_the_heart_renews_the_lease(handle: Handle) -> None:
    def work(this: Run) -> None:
        Job.objects.filter(pk=this.key).update(lease_until=timezone.now() + timedelta(seconds=1))
        this.beat()
        lease = Job.objects.get(pk=this.key).lease_until
        assert lease is not None
        assert lease > timezone.now() + timedelta(seconds=10)

    assert _done(handle(work)).state == State.SUCCEEDED


def test_a_stopping_worker_gives_its_job_back(handle: Handle) -> None:
    def work(this: Run) -> None:
        job_run.stopping.set()
        this.progress(0.5, "half")

    job = _done(handle(work))
    assert (job.state, job.owner) == (State.QUEUED, "")


@pytest.mark.parametrize("trouble", [OperationalError, IntegrityError])
def test_database_trouble_is_not_the_jobs_fault(
    handle: Handle, settings: Any, trouble: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(this: Run) -> None:
        raise trouble("locked")

    pauses: list[float] = []
    monkeypatch.setattr(job_run.stopping, "wait", pauses.append)
    job = _done(handle(work))
    assert job.state == State.QUEUED
    assert _done(job).state == State.QUEUED
    assert pauses == ([1.0, 2.0] if trouble is OperationalError else [])  # time for it to come back
    settings.VOXELRY = settings.VOXELRY.replace(attempts=3)
    assert _done(job).problem_code == "database"


def test_a_full_database_is_said_at_once_and_not_tried_five_times(handle: Handle, tmp_path: Path) -> None:
    def work(this: Run) -> None:
        raise full_database(tmp_path / "rows")

    job = _done(handle(work))
    assert (job.state, job.problem_code, job.attempts) == (State.FAILED, "storage_full", 1)
    assert "make room" in job.problem_message


def test_progress_that_cannot_be_written_costs_no_work(handle: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Run._beat

    def away(this: Run, **values: Any) -> None:
        if values:
            raise OperationalError("the server closed the connection")
        whole(this)

    monkeypatch.setattr(Run, "_beat", away)
    job = _done(handle(lambda this: this.progress(0.5, "half")))
    assert (job.state, job.attempts) == (State.SUCCEEDED, 1)


def test_what_was_made_waits_for_the_database(handle: Handle, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, tries = Run._beat, [0]

    def away(this: Run, **values: Any) -> None:
        tries[0] += 1
        if tries[0] < 3:
            raise OperationalError("starting up")
        whole(this)

    job = handle(lambda this: None)
    known = job_kinds._kinds["test"]
    monkeypatch.setitem(job_kinds._kinds, "test", replace(known, publish=lambda this, result: {"published": True}))
    monkeypatch.setattr(Run, "_beat", away)
    _done(job)
    assert (job.state, job.attempts, job.result, tries) == (State.SUCCEEDED, 1, {"published": True}, [3])


def test_a_job_that_is_cancelled_as_its_worker_ends_is_not_queued_again(handle: Handle) -> None:
    def work(this: Run) -> None:
        submit.cancel(this.key)
        raise WorkerStopping

    assert _done(handle(work)).state == State.CANCELLED


def test_who_slept_takes_nothing_from_others_who_slept(handle: Handle) -> None:
    job = handle(lambda this: None)
    _abandon(job, lease=timedelta(seconds=15))
    clock = Clock()
    sweeper = sweep.Sweeper(clock)
    sweeper.sweep()
    clock.seconds += 3600  # the lid was closed, or the database away
    sweeper.sweep()
    job.refresh_from_db()
    assert job.state == State.RUNNING
    for _ in range(8):  # its worker did not wake up
        clock.seconds += 2
        sweeper.sweep()
    job.refresh_from_db()
    assert job.state == State.QUEUED


def test_who_cannot_write_takes_nothing_from_others_who_cannot(handle: Handle) -> None:
    job = handle(lambda this: None)
    _abandon(job, lease=timedelta(seconds=15))
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite lets one write at a time")
    clock = Clock()
    sweeper = sweep.Sweeper(clock)
    sweeper.sweep()
    locked, over = threading.Event(), threading.Event()

    def writes() -> None:  # such as a large study that is deleted
        with transaction.atomic():
            locked.set()
            over.wait(10)
        connection.close()

    writer = threading.Thread(target=writes)
    writer.start()
    assert locked.wait(10)

    def sweeps() -> None:
        sweeper.sweep()
        connection.close()

    swept = threading.Thread(target=sweeps)
    swept.start()
    swept.join(0.3)
    clock.seconds += 16  # so long did it take
    over.set()
    writer.join(10)
    swept.join(10)
    job.refresh_from_db()
    assert job.state == State.RUNNING


def test_an_unknown_kind_fails_in_words() -> None:
    job = _done(submit.submit("nonsense", subject=1))
    assert job.problem_code == "unknown_kind"


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "lost"},
        {"progress": 1.5},
        {"state": "running"},
        {"state": "failed", "finished": timezone.now()},
        {"state": "succeeded"},
        {"owner": "x"},
    ],
)
def test_the_database_refuses_what_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.create(kind="test", subject=5, **wrong)


def test_a_broker_that_is_away_does_no_harm(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.undo()  # the real dispatch
    settings.VOXELRY = settings.VOXELRY.replace(broker_url="redis://127.0.0.1:1/0")

    def away(**_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(tasks.run_job, "apply_async", away)
    assert submit.submit("test").state == State.QUEUED


def test_jobs_over_rest(site: Any, tmp_path: Path) -> None:
    from voxelry.testing import synthetic_instance, write

    upload = site.upload([write(synthetic_instance(), tmp_path / "a.dcm")], run=False)
    (job,) = site.get("/jobs", state="queued")["items"]
    assert (job["kind"], job["upload"], job["series"]) == ("ingest", upload["id"], None)
    assert site.post(f"/uploads/{upload['id']}/cancel", 200)["state"] == "cancelled"
    assert site.get(f"/uploads/{upload['id']}")["state"] == "cancelled"
    assert site.post(f"/jobs/{job['id']}/retry", 200)["state"] == "queued"
    assert site.post(f"/jobs/{job['id']}/cancel", 200)["state"] == "cancelled"
    site.post(f"/jobs/{job['id']}/retry", 200)
    attempts.attempt_job(job["id"])
    assert site.get(f"/uploads/{upload['id']}")["counts"]["stored"] == 1
    assert site.post(f"/jobs/{job['id']}/retry", 409)["code"] == "job_state"
    assert site.get("/jobs/999", 404)["code"] == "not_found"
    assert site.get("/jobs", 422, state="lost")["code"] == "validation"


def test_an_ingest_that_was_killed_half_way_ends_the_same(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do_jobs: Callable[[], None]
) -> None:
    from voxelry.server.archive.intake import take_in
    from voxelry.server.archive.models import Instance
    from voxelry.testing import synthetic_series

    truth = synthetic_series(tmp_path / "s", slices=6)
    key = site.upload(truth.paths, run=False)["id"]
    monkeypatch.setattr(take_in, "BATCH", 2)
    whole, calls = take_in._store, []

    def killed(source: Any, *more: Any) -> Any:
        calls.append(source)
        if len(calls) == 4:
            raise OperationalError  # as far as the rows go, the same as a kill
        return whole(source, *more)

    monkeypatch.setattr(take_in, "_store", killed)
    job = Job.objects.get()
    attempts.attempt_job(job.pk)
    job.refresh_from_db()
    assert job.state == State.QUEUED
    assert Instance.objects.count() == 2
    do_jobs()
    report = site.get(f"/uploads/{key}")
    assert report["counts"] == {"stored": 6, "present": 0, "skipped": 0}
    assert [entry["status"] for entry in report["entries"]] == ["stored"] * 6
    assert site.get(f"/series/{report['series'][0]}")["shape"] == [6, 16, 20]


def test_a_cancelled_ingest_shows_what_came_in(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do_jobs: Callable[[], None]
) -> None:
    from voxelry.server.archive.intake import take_in
    from voxelry.testing import synthetic_series

    truth = synthetic_series(tmp_path / "s", slices=6)
    key = site.upload(truth.paths, run=False)["id"]
    monkeypatch.setattr(take_in, "BATCH", 2)
    monkeypatch.setattr(job_run, "REPORT_SECONDS", 0.0)
    whole, calls = take_in._store, []

    def cancelling(source: Any, *more: Any) -> Any:
        calls.append(source)
        if len(calls) == 4:
            submit.cancel(Job.objects.get(kind="ingest").pk)
        return whole(source, *more)

    monkeypatch.setattr(take_in, "_store", cancelling)
    do_jobs()
    report = site.get(f"/uploads/{key}")
    assert report["state"] == "cancelled"
    (series,) = site.get("/series")["items"]
    assert (series["state"], series["volume_count"], series["instance_count"]) == ("succeeded", 1, 2)


def test_instances_that_come_during_a_build_are_not_forgotten(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do_jobs: Callable[[], None]
) -> None:
    from voxelry.server.archive import build
    from voxelry.server.archive.models import Series
    from voxelry.testing import synthetic_series

    truth = synthetic_series(tmp_path / "s", slices=4)
    whole, calls = build._make, []

    def meanwhile(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 1:
            site.upload(truth.paths[2:], run=False)
            attempts.attempt_job(Job.objects.filter(kind="ingest", state=State.QUEUED).get().pk)
        return whole(*arguments)

    monkeypatch.setattr(build, "_make", meanwhile)
    site.upload(truth.paths[:2])
    (series,) = site.get("/series")["items"]
    assert series["shape"] == [4, 16, 20]
    row = Series.objects.get()
    assert row.revision == row.built_revision == 2


def test_a_full_disk_fails_the_job_in_words(handle: Handle) -> None:
    def work(this: Run) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/files/x")

    job = _done(handle(work))
    assert (job.state, job.problem_code) == (State.FAILED, "storage_full")
    assert "make room, then retry" in job.problem_message
    assert _done(handle(lambda this: Path("/nowhere/at/all").read_bytes())).problem_code == "storage"  # type: ignore[arg-type]


def test_a_full_disk_during_a_build_leaves_nothing_half_made(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_folder: Path
) -> None:
    from voxelry.server.archive.shown import stack_files
    from voxelry.testing import synthetic_series

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(stack_files, "_write_pictures", full)
        report = site.upload(synthetic_series(tmp_path / "s", slices=3).paths)
    build = next(job for job in report["jobs"] if job["kind"] == "build")
    assert (build["state"], build["problem"]["code"]) == ("failed", "storage_full")
    assert list((data_folder / "temp").iterdir()) == []
    assert not (data_folder / "stacks").exists()
    site.post(f"/jobs/{build['id']}/retry", 200)
    attempts.attempt_job(build["id"])
    assert site.get(f"/jobs/{build['id']}")["state"] == "succeeded"


def test_a_restart_is_no_attempt(handle: Handle) -> None:
    def work(this: Run) -> None:
        job_run.stopping.set()
        this.check()

    job = handle(work)
    for _ in range(20):
        job_run.stopping.clear()
        assert _done(job).state == State.QUEUED
    assert job.attempts == 0


def test_a_cancelled_ingest_leaves_no_bytes_without_a_row(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do_jobs: Callable[[], None], data_folder: Path
) -> None:
    from voxelry.server.archive.intake import take_in
    from voxelry.server.archive.models import Instance
    from voxelry.testing import synthetic_series

    site.upload(synthetic_series(tmp_path / "s", slices=6).paths, run=False)
    monkeypatch.setattr(job_run, "REPORT_SECONDS", 0.0)
    whole, calls = take_in._store, []

    def cancelling(source: Any, *more: Any) -> Any:
        calls.append(source)
        if len(calls) == 4:
            submit.cancel(Job.objects.get(kind="ingest").pk)
        return whole(source, *more)

    monkeypatch.setattr(take_in, "_store", cancelling)
    do_jobs()
    assert Instance.objects.count() == 0
    assert not [path for path in (data_folder / "files").rglob("*") if path.is_file()]


def test_a_report_deleted_while_its_upload_is_taken_in(
    site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do_jobs: Callable[[], None], data_folder: Path
) -> None:
    from voxelry.server.archive.intake import incoming, take_in
    from voxelry.server.archive.models import Upload
    from voxelry.testing import synthetic_series

    key = site.upload(synthetic_series(tmp_path / "s", slices=6).paths, run=False)["id"]
    monkeypatch.setattr(job_run, "REPORT_SECONDS", 0.0)
    whole, calls = take_in._store, []

    def deleting(source: Any, *more: Any) -> Any:
        calls.append(source)
        if len(calls) == 3:
            incoming.remove_upload(Upload.objects.get(pk=key))
        return whole(source, *more)

    monkeypatch.setattr(take_in, "_store", deleting)
    do_jobs()
    assert Job.objects.get().state == State.CANCELLED
    assert not [path for path in data_folder.rglob("*") if path.is_file()]
    again = submit.submit("ingest", subject=key)
    assert _done(again).problem_code == "upload_gone"
