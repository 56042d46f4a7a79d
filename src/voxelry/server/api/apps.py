"""The application; for its commands."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """The REST API."""

    name = "voxelry.server.api"
    label = "api"
    verbose_name = "API"
