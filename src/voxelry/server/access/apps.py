"""The Django application of access."""

from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Tokens and login links."""

    name = "voxelry.server.access"
    label = "access"
    verbose_name = "Access"
