"""Asks a site for jobs and judges what came of them: ``python -m tests.server.jobs.drive WHAT [NUMBER ...]``.

It says ``done N`` as they end, and ``right`` when every one ended once, with the right bytes.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from voxelry.server.environment import django_setup

SECONDS = 150.0
T = TypeVar("T")


def migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def many(count: int, seed: int) -> None:
    """Jobs of all sizes and priorities, half of them in child processes."""
    from voxelry.server.jobs.submit import submit

    keys = []
    for number in range(count):
        params = {"seed": seed * 1000 + number, "size": 1000 + 7919 * (number % 7), "steps": 2 + 5 * (number % 4)}
        kind = "here" if number % 2 else "bytes"
        keys.append(persistent(lambda: submit(kind, params=params, priority=number % 3).pk))  # noqa: B023
    over(keys)
    judge(keys)


def batch(count: int) -> None:
    """Small jobs of one batch."""
    from voxelry.server.jobs import batches
    from voxelry.server.jobs.models import Job, State
    from voxelry.server.jobs.submit import Item, submit_batch

    parent = submit_batch("here", [Item(params={"seed": n, "size": 50, "steps": 1}) for n in range(count)])
    over([parent.pk])
    parent.refresh_from_db()
    assert (parent.state, parent.progress) == (State.SUCCEEDED, 1.0), parent.message
    assert batches.totals(parent.pk) == batches.Totals(succeeded=count)
    judge(list(Job.objects.filter(parent=parent).values_list("pk", flat=True)))


def hold() -> None:
    """A job that waits, with a process of its own: tell the numbers of both."""
    from voxelry.server.jobs.models import Job
    from voxelry.server.jobs.submit import submit

    job = submit("misbehave", params={"how": "wait"})
    end = time.monotonic() + SECONDS
    while not job.log and time.monotonic() < end:
        time.sleep(0.02)
        job = Job.objects.get(pk=job.pk)
    print("pids", job.log[-1][1])
    print("right", flush=True)


def over(keys: list[int]) -> None:
    """Wait for all of them."""
    from voxelry.server.jobs.models import Job, State

    open_ = [State.QUEUED, State.RUNNING]
    end = time.monotonic() + SECONDS
    done = -1
    while done < len(keys):
        assert time.monotonic() < end, persistent(
            lambda: list(Job.objects.filter(pk__in=keys, state__in=open_).values("pk", "state", "attempts", "message"))
        )
        now = persistent(lambda: Job.objects.filter(pk__in=keys).exclude(state__in=open_).count())
        if now != done:
            print("done", now, flush=True)
        done = now
        time.sleep(0.02)


def judge(keys: list[int]) -> None:
    """Every one succeeded, was published once, and has the right bytes."""
    from tests.server.jobs.works import right_bytes
    from voxelry.server.jobs.models import Job

    jobs = persistent(lambda: list(Job.objects.filter(pk__in=keys)))
    assert Counter(job.state for job in jobs) == {"succeeded": len(keys)}, [
        (job.pk, job.state, job.attempts, job.problem_message, job.trace) for job in jobs if job.state != "succeeded"
    ]
    published = persistent(lambda: Counter(Job.objects.filter(kind="published").values_list("subject", flat=True)))
    for job in jobs:
        assert published[job.pk] == 1, (job.pk, published[job.pk])
        assert job.result is not None
        content = Path(job.result["path"]).read_bytes()
        assert content == right_bytes(job.params["seed"], job.params["size"]), job.pk
    print("attempts", dict(Counter(job.attempts for job in jobs)))
    print("right", flush=True)


def persistent(ask: Callable[[], T]) -> T:
    """Asked again while the database is away."""
    from django.db import connections

    from voxelry.server.jobs.leases import DatabaseTrouble

    end = time.monotonic() + SECONDS
    while True:
        try:
            return ask()
        except DatabaseTrouble:
            if time.monotonic() > end:
                raise
            connections.close_all()
            time.sleep(0.1)


if __name__ == "__main__":
    django_setup.prepare()
    django_setup.set_up()
    {"migrate": migrate, "many": many, "batch": batch, "hold": hold}[sys.argv[1]](*map(int, sys.argv[2:]))  # type: ignore[operator]
