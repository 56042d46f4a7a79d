"""The application."""

from django.apps import AppConfig


class ProcessingConfig(AppConfig):
    """Processing; it tells the jobs room how a step is done."""

    name = "voxelry.server.processing"
    label = "processing"
    verbose_name = "Processing"

    def ready(self) -> None:
        from voxelry.server.jobs import kinds
        from voxelry.server.processing import forget, prepare, publish, request, work

        kinds.register(
            request.KIND, work.work, prepare=prepare.prepare, publish=publish.publish, isolated=True, queue="cpu"
        )
        forget.connect()
