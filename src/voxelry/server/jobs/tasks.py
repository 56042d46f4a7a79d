"""Celery: its application and its only task. A message carries a key, nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from celery import Celery
from django.conf import settings
from kombu.transport import TRANSPORT_ALIASES

from voxelry.server.configuration import Configuration
from voxelry.server.jobs.run import run

QUEUE = "voxelry"
POLLING_SECONDS = 0.05
_FOLDER_SCHEME = "voxelry-folder"
TRANSPORT_ALIASES[_FOLDER_SCHEME] = "voxelry.server.jobs.folder:Transport"


def broker_settings(configuration: Configuration) -> dict[str, Any]:
    """Celery's settings for the broker that a configuration asks for."""
    if configuration.broker_url:
        return {"broker_url": configuration.broker_url}
    queue, control = configuration.data / "broker" / "queue", configuration.data / "broker" / "control"
    return {
        "broker_url": f"{_FOLDER_SCHEME}://localhost",
        "broker_transport_options": {
            "data_folder_in": str(queue),
            "data_folder_out": str(queue),
            "control_folder": str(control),
            "store_processed": False,
            "polling_interval": POLLING_SECONDS,
        },
    }


def make_broker_folders() -> None:
    """For the broker in a folder; any other needs none."""
    options = app.conf.broker_transport_options or {}
    for name in ("data_folder_in", "control_folder"):
        if name in options:
            Path(options[name]).mkdir(parents=True, exist_ok=True)


app = Celery("voxelry", set_as_current=False)
app.conf.update(
    **broker_settings(settings.VOXELRY),
    task_default_queue=QUEUE,
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
    broker_connection_timeout=3,
    task_publish_retry=False,
)


@app.task(name="voxelry.job", ignore_result=True)
def run_job(key: int) -> None:
    """Claim the row and do it, if it is still there to be done."""
    run(key)
