"""A process that submits empty jobs: ``python -m benchmarks.jobs_driver voxelry|celery``.

It reads ``start``, ``all NUMBER`` or ``each NUMBER`` and prints the milliseconds that it took. The jobs of both are
the same: one records its start, the others do nothing.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from celery import Celery

REDIS = os.environ.get("BENCHMARK_REDIS", "redis://127.0.0.1:6379/0")
SECONDS = 120.0
STARTS = 15
"""Jobs of a measurement: a single job ends in milliseconds, which is too short to measure."""
app = Celery("bare", broker=REDIS)
app.conf.update(task_ignore_result=True, task_serializer="json", accept_content=["json"])


def empty(run: Any) -> float:  # noqa: ARG001
    """Voxelry's job; its return value is stored with the job."""
    return time.time()


def _redis() -> Any:
    import redis

    return redis.Redis.from_url(REDIS)


@app.task(name="began")
def began() -> None:
    """Celery's job that records its start."""
    _redis_here().rpush("began", time.time())


@app.task(name="count")
def count() -> None:
    """Celery's empty job."""
    _redis_here().incr("count")


def _redis_here(kept: list[Any] = []) -> Any:  # noqa: B006 - one connection for each process
    if not kept:
        kept.append(_redis())
    return kept[0]


def celery_start() -> float:
    """Milliseconds from submission to start."""
    asked = time.time()
    began.delay()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        # Short waits: the client gives up if an answer takes longer than its own limit.
        if answer := _redis_here().blpop("began", timeout=1):
            return (float(answer[1]) - asked) * 1000
    raise TimeoutError


def celery_all(number: int) -> float:
    """Milliseconds from the first submission to the end of the last job."""
    _redis_here().delete("count")
    asked = time.perf_counter()
    for _ in range(number):
        count.delay()
    _until(lambda: int(_redis_here().get("count") or 0) == number)
    return (time.perf_counter() - asked) * 1000


def voxelry_start() -> float:
    from voxelry.server.jobs.models import Job
    from voxelry.server.jobs.submit import submit

    asked = time.time()
    job = submit("empty")
    _until(lambda: Job.objects.get(pk=job.pk).over)
    job.refresh_from_db()
    assert job.result is not None  # noqa: S101
    return (float(job.result) - asked) * 1000


def voxelry_all(number: int) -> float:
    """Submit jobs as one batch."""
    from voxelry.server.jobs.models import Job
    from voxelry.server.jobs.submit import Item, submit_batch

    asked = time.perf_counter()
    parent = submit_batch("empty", [Item()] * number)
    _until(lambda: Job.objects.only("state").get(pk=parent.pk).over)
    return (time.perf_counter() - asked) * 1000


def voxelry_each(number: int) -> float:
    """Submit each job by itself."""
    from voxelry.server.jobs.models import Job
    from voxelry.server.jobs.submit import submit

    asked = time.perf_counter()
    last = [submit("empty").pk for _ in range(number)][-1]
    _until(lambda: not Job.objects.filter(state__in=["queued", "running"], pk__lte=last).exists())
    return (time.perf_counter() - asked) * 1000


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + SECONDS
    while not true():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.002)


def _main() -> None:
    if sys.argv[1] == "voxelry":
        from django.core.management import call_command

        from voxelry.server.environment import django_setup

        django_setup.prepare()
        django_setup.set_up()
        call_command("migrate", verbosity=0)
        asks: dict[str, Callable[..., float]] = {"start": voxelry_start, "all": voxelry_all, "each": voxelry_each}
    else:
        asks = {"start": celery_start, "all": celery_all, "each": celery_all}
    print("ready", flush=True)
    for line in sys.stdin:
        word, *numbers = line.split()
        took = [asks[word](*map(int, numbers)) for _ in range(STARTS if word == "start" else 1)]
        print(statistics.median(took), flush=True)


if __name__ == "__main__":
    _main()
