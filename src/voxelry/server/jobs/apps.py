"""The application."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Jobs."""

    name = "voxelry.server.jobs"
    label = "jobs"
    verbose_name = "Jobs"
