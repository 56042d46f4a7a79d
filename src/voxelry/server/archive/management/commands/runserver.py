"""``manage.py runserver``, with the worker that does the jobs."""

from __future__ import annotations

import atexit
from typing import Any

from django.contrib.staticfiles.management.commands.runserver import Command as RunserverCommand

from voxelry.server.environment.worker_process import WorkerProcess


class Command(RunserverCommand):
    """Django's own; the worker starts in the process that serves, so once, and again when code changes."""

    def inner_run(self, *args: Any, **options: Any) -> None:
        worker = WorkerProcess()
        worker.start()
        # The autoreloader leaves by sys.exit in another thread.
        atexit.register(worker.stop)
        try:
            super().inner_run(*args, **options)
        finally:
            worker.stop()
