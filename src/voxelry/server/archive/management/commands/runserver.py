"""``manage.py runserver`` with a worker."""

from __future__ import annotations

import atexit
from typing import Any

from django.contrib.staticfiles.management.commands.runserver import Command as RunserverCommand

from voxelry.server.environment.supervised_process import SupervisedProcess


class Command(RunserverCommand):
    """Django's command, which starts a worker in the serving process, again after each change of code."""

    def inner_run(self, *args: Any, **options: Any) -> None:
        worker = SupervisedProcess("worker", "voxelry.server.site.worker")
        worker.start()
        # The autoreloader ends the process by sys.exit in another thread.
        atexit.register(worker.stop)
        try:
            super().inner_run(*args, **options)
        finally:
            worker.stop()
