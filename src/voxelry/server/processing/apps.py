"""The Django application of processing."""

from django.apps import AppConfig


class ProcessingConfig(AppConfig):
    """Registers the kinds of jobs that do steps and write segmentations."""

    name = "voxelry.server.processing"
    label = "processing"
    verbose_name = "Processing"

    def ready(self) -> None:
        from voxelry.server.access.models import Role
        from voxelry.server.jobs import job_kinds
        from voxelry.server.processing import (
            delete_results,
            mask_file_work,
            process_queries,
            publish_results,
            read_inputs,
            save_inputs,
            save_work,
            step_request,
            step_work,
        )

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
        for kind, work in (
            (process_queries.SAVE, save_work.write_draft),
            (process_queries.READ, mask_file_work.write_mask_file),
        ):
            job_kinds.register(
                kind,
                work,
                prepare=save_inputs.read_given,
                publish=publish_results.publish_results,
                isolated=True,
                queue="cpu",
                role=Role.ANALYST,
            )
        delete_results.connect()
