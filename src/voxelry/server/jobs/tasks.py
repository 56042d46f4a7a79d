"""Celery's application and its only task, for sites with a broker.

A message carries a job's key and nothing else. It wakes a worker, which then claims the best waiting row. If a message
is lost, idle workers find the row within a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from celery import Celery
from django.conf import settings
from kombu import Queue as CeleryQueue

from voxelry.server.jobs.models import Queue

HINTS = 32
"""Messages sent for a batch: enough to wake every worker, and each goes on until no job waits."""

app = Celery("voxelry", set_as_current=False)
app.conf.update(
    broker_url=settings.VOXELRY.broker_url or "memory://",
    task_default_queue=f"voxelry.{Queue.CPU}",
    task_default_delivery_mode="transient",  # the rows last, messages need not
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
    """The broker's queue for the messages of a queue of jobs."""
    return CeleryQueue(f"voxelry.{queue}", durable=True)


def hint(keys: Sequence[int], queue: str) -> None:
    """Send a message for each of the first `HINTS` jobs, if a broker is configured."""
    if not settings.VOXELRY.broker_url:
        return
    with app.producer_pool.acquire(block=True, timeout=3) as producer:
        for key in keys[:HINTS]:
            run_job.apply_async(args=(key,), queue=celery_queue(queue), retry=False, producer=producer)


def set_receiver(receiver: Callable[[int], None]) -> None:
    """Set the function that is called with the key of each message that reaches this process."""
    global _receiver  # noqa: PLW0603 - there is one worker in a process
    _receiver = receiver


@app.task(name="voxelry.job", ignore_result=True)
def run_job(key: int) -> None:
    """Pass the key of a waiting job to the receiver."""
    if _receiver is not None:
        _receiver(key)
