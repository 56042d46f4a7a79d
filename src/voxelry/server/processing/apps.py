"""The application."""

from django.apps import AppConfig


class ProcessingConfig(AppConfig):
    """Processing; it tells the jobs room how a step is done."""

    name = "voxelry.server.processing"
    label = "processing"
    verbose_name = "Processing"

    def ready(self) -> None:
        from voxelry.server.jobs import job_kinds
        from voxelry.server.processing import delete_results, prepare, publish_results, step_request, step_work

        job_kinds.register(
            step_request.KIND,
            step_work.work,
            prepare=prepare.prepare,
            publish=publish_results.publish,
            isolated=True,
            queue="cpu",
        )
        delete_results.connect()
