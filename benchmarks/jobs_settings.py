"""The site's settings with one kind of job more, which does nothing."""

from pathlib import Path

from django.apps import AppConfig

from voxelry.server.site.settings import *  # noqa: F403
from voxelry.server.site.settings import DATABASES, INSTALLED_APPS


class Empty(AppConfig):
    """Brings it in."""

    name = "benchmarks"
    label = "benchmarks"
    path = str(Path(__file__).parent)

    def ready(self) -> None:
        from benchmarks.jobs_driver import empty
        from voxelry.server.jobs import job_kinds

        job_kinds.register("empty", empty)


INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.jobs_settings.Empty"]

# Celery's Redis, beside which this is held, flushes once a second: here no commit is flushed by itself either.
_options = DATABASES["default"]["OPTIONS"]
if "init_command" in _options:
    _options["init_command"] += " PRAGMA synchronous=NORMAL;"
