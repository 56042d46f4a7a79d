"""Celery, where a broker is configured: its application and its only task.

A message carries a job's key and nothing else. It is a hint: it wakes a worker, which then takes the best row that
waits. What a lost message costs is the second after which idle workers look by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from celery import Celery
from django.conf import settings
from kombu import Queue as CeleryQueue

from voxelry.server.jobs.models import Queue

HINTS = 32
"""Sent for a batch: enough to wake every worker, and each goes on until nothing waits."""

app = Celery("voxelry", set_as_current=False)
app.conf.update(
    broker_url=settings.VOXELRY.broker_url or "memory://",
    task_default_queue=f"voxelry.{Queue.CPU}",
    task_default_delivery_mode="transient",  # the rows are what lasts
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    result_backend=None,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_connection_timeout=3,
    task_publish_retry=False,
)

_receiver: Callable[[int], None] | None = None


def celery_queue(queue: str) -> CeleryQueue:
    """Where the hints of a queue wait."""
    return CeleryQueue(f"voxelry.{queue}", durable=True)


def hint(keys: Sequence[int], queue: str) -> None:
    """Tell the workers by the broker, where there is one."""
    if not settings.VOXELRY.broker_url:
        return
    with app.producer_pool.acquire(block=True, timeout=3) as producer:
        for key in keys[:HINTS]:
            run_job.apply_async(args=(key,), queue=celery_queue(queue), retry=False, producer=producer)


def receive(receiver: Callable[[int], None]) -> None:
    """Say who is told of the hints that reach this process."""
    global _receiver  # noqa: PLW0603 - there is one worker in a process
    _receiver = receiver


@app.task(name="voxelry.job", ignore_result=True)
def run_job(key: int) -> None:
    """There is something to do."""
    if _receiver is not None:
        _receiver(key)
