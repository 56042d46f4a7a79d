"""Reads what a step's work needs from the rows, in the worker: the child process reads no rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from voxelry.core.errors import Problem
from voxelry.core.region_words import names_segment, segment_of_text
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.headers.sop_classes import SEGMENTATIONS
from voxelry.server.access.grants import as_site
from voxelry.server.access.models import Role
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.models import Instance
from voxelry.server.archive.shown.stack_files import folder_of
from voxelry.server.archive.source_images import Original, source_images
from voxelry.server.archive.stored_segmentations import segmentation_named, shown_segmentation
from voxelry.server.jobs.failures import JobError
from voxelry.server.jobs.job_run import Run
from voxelry.server.jobs.requesters import require_requester
from voxelry.server.processing import process_queries
from voxelry.server.processing.models import Input, Process
from voxelry.server.processing.step_handover import InputSegment, InputVolume, StepInputs
from voxelry.server.processing.step_request import needs_administrator


def read_inputs(run: Run) -> StepInputs:
    """The step, its parameters, and where its inputs are.

    Raises
    ------
    JobError
        If the process or a volume was deleted, the volume has a problem, or who asked may not do that any more.
    """
    process = process_queries.processes(as_site()).filter(pk=run.subject).first()
    if process is None:
        raise JobError(Problem("process_gone", "what this job was asked for was deleted"))
    require_analyst(run, process)
    return StepInputs(
        job_name=process.job_name,
        step=process.step,
        params=process.params,
        in_dir=process.in_dir,
        same_frame_of_reference=process.same_frame_of_reference,
        seed=process.seed,
        created=process.created,
        inputs=tuple(input_volume(row, process.project_id) for row in process.inputs.all()),
        region=_region(process),
    )


def require_analyst(run: Run, process: Process) -> None:
    """Check that who asked for a step may still do that; when it starts and when it publishes.

    Raises
    ------
    MembershipEndedError
        If not.
    """
    require_requester(
        run.requested_by_id,
        least=Role.ANALYST,
        project=process.project_id,
        everything=needs_administrator(process),
    )


def input_volume(row: Input, project: int) -> InputVolume:
    live = queries.volumes(as_site()).filter(series__project=project)
    stack = live.select_related("series").filter(series=row.series_id, index=row.stack).first()
    if stack is None:
        raise JobError(Problem("volume_gone", f"series {row.series_id} no longer has a volume {row.stack}"))
    if stack.problem_code:
        raise JobError(Problem(stack.problem_code, stack.problem_message))
    instances = queries.instances(as_site()).filter(series=row.series_id, has_pixels=True).order_by("number", "pk")
    return InputVolume(
        volume=str(folder_of(stack) / "volume.npy"),
        index=stack.index,
        label=stack.label,
        shape=tuple(stack.shape),
        warnings=tuple(stack.warnings),
        instances=tuple(Original(*values) for values in instances.values_list("sha256", "name", "size")),
        source_images=source_images(_headers(instances.filter(sop_class_uid__in=SEGMENTATIONS)), project=project),
    )


def _region(process: Process) -> InputSegment | None:
    """The segment in which a step counts; None if its parameters name none, or the labels are an input."""
    within = process.params.get("within")
    if not isinstance(within, str) or not names_segment(within) or process.inputs.count() > 1:
        return None
    named = segment_of_text(within)
    who = as_site()
    try:
        listed, record = shown_segmentation(who, segmentation_named(who, named.sop_instance_uid, process.project_id))
    except Instance.DoesNotExist:
        words = "the segmentation in which voxels are to be counted was deleted"
        raise JobError(Problem("segmentation_gone", words)) from None
    segment = next((one for one in record.segments if one.number == named.number), None)
    if segment is None:
        words = f"the segmentation in which voxels are to be counted has no segment {named.number}"
        raise JobError(Problem("segmentation_gone", words))
    slices, rows, columns = record.shape
    return InputSegment(
        folder=str(listed.folder),
        layer=segment.layer,
        value=segment.value,
        number=segment.number,
        box=segment.box,
        shape=(slices, rows, columns),
        affine=record.affine,
        spacing=record.spacing,
        space="" if listed.summary is None else listed.summary.space,
        series=listed.series_uid,
    )


def _headers(rows: Iterable[Instance]) -> Iterator[Header]:
    for row in rows:
        files_at_rest.bring([row.sha256])
        yield read_header(files_at_rest.kept_source(row.sha256, name=row.name, size=row.size))
