"""The Django application of processing."""

from django.apps import AppConfig


class ProcessingConfig(AppConfig):
    """Registers the kind of jobs that do steps."""

    name = "voxelry.server.processing"
    label = "processing"
    verbose_name = "Processing"

    def ready(self) -> None:
        from voxelry.server.access.models import Role
        from voxelry.server.jobs import job_kinds
        from voxelry.server.processing import delete_results, publish_results, read_inputs, step_request, step_work

        job_kinds.register(
            step_request.KIND,
            step_work.do_step,
            prepare=read_inputs.read_inputs,
            publish=publish_results.publish_results,
            isolated=True,
            queue="cpu",
            role=Role.ANALYST,
            require=step_request.require_again,
        )
        delete_results.connect()
