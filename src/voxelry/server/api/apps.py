"""The Django application of the API."""

from django.apps import AppConfig
from django.core.signals import got_request_exception


class ApiConfig(AppConfig):
    """The REST API."""

    name = "voxelry.server.api"
    label = "api"
    verbose_name = "API"

    def ready(self) -> None:
        from voxelry.server.api.defects import log_defect

        got_request_exception.connect(log_defect, dispatch_uid="voxelry-defects")
