"""The site's settings with an additional kind of job that does nothing."""

from pathlib import Path

from django.apps import AppConfig

from voxelry.server.site.settings import *  # noqa: F403
from voxelry.server.site.settings import DATABASES, INSTALLED_APPS


class Empty(AppConfig):
    """The app that registers the job."""

    name = "benchmarks"
    label = "benchmarks"
    path = str(Path(__file__).parent)

    def ready(self) -> None:
        from benchmarks.jobs_driver import empty
        from voxelry.server.jobs import job_kinds

        job_kinds.register("empty", empty)


INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks.jobs_settings.Empty"]

# Celery's Redis flushes once a second; for a fair comparison, no commit is flushed by itself here either.
_options = DATABASES["default"]["OPTIONS"]
if "init_command" in _options:
    _options["init_command"] += " PRAGMA synchronous=NORMAL;"
