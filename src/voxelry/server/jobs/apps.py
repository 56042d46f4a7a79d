"""The Django application of jobs."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Configures the application."""

    name = "voxelry.server.jobs"
    label = "jobs"
    verbose_name = "Jobs"
