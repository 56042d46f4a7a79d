"""A Celery broker in a folder: kombu's, with its races mended.

Kombu's writes a message under its final name, so that a reader may take half of it, and moves it through the
system's temporary folder. Here a message appears and disappears by a rename inside one folder. What is still
lost (a worker killed between taking a message and claiming its row) the sweep sends again.
"""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from queue import Empty
from typing import Any

from celery.exceptions import WorkerShutdown
from kombu.transport import filesystem
from kombu.utils.json import dumps, loads

from voxelry.server.jobs.run import stopping


class Channel(filesystem.Channel):
    """Messages as files, named by the time they came."""

    def _put(self, queue: str, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{time.time_ns():020d}_{uuid.uuid4().hex}"
        aside = folder / f"{name}.part"
        aside.write_text(dumps(payload), "utf-8")
        aside.rename(folder / f"{name}.{queue}.msg")

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        if stopping.is_set():
            # Else Celery would notice after its two seconds of waiting for messages, and others wait for our end.
            raise WorkerShutdown(0)
        folder = Path(self.data_folder_in)
        for name in sorted(entry.name for entry in os.scandir(folder)):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = folder / f"{name}.{os.getpid()}.taken"
            try:
                (folder / name).rename(taken)
            except FileNotFoundError:
                continue  # another worker was quicker
            try:
                text = taken.read_text("utf-8")
            finally:
                taken.unlink(missing_ok=True)
            try:
                return loads(text)
            except ValueError:
                continue  # not ours; the row is still queued and the sweep sends it again
        raise Empty


class Transport(filesystem.Transport):
    """What `voxelry.server.jobs.tasks` registers with kombu."""

    Channel = Channel
