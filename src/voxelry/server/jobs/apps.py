"""The Django application of jobs."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Connects what happens to the jobs of closed accounts."""

    name = "voxelry.server.jobs"
    label = "jobs"
    verbose_name = "Jobs"

    def ready(self) -> None:
        from voxelry.server.jobs import requesters

        requesters.follow_accounts()
