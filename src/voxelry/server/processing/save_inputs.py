"""Reads what is needed to write a segmentation from the rows, in the worker: the child process reads no rows."""

from __future__ import annotations

from voxelry.core.errors import Problem, VoxelryError
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.objects.structure_sets import STRUCTURE_SET, read_structure_set
from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.models import Instance
from voxelry.server.archive.source_images import Original, images_of_structures, source_images
from voxelry.server.jobs.failures import JobError
from voxelry.server.jobs.job_run import Run
from voxelry.server.processing import process_queries
from voxelry.server.processing.given_files import given_path
from voxelry.server.processing.models import Process
from voxelry.server.processing.read_inputs import input_volume, require_analyst
from voxelry.server.processing.reserved_numbers import reserved_number
from voxelry.server.processing.save_handover import BaseInput, SaveInputs


def read_given(run: Run) -> SaveInputs:
    """What came with the request, where the image is, and the segmentation that was edited.

    Raises
    ------
    JobError
        If the process, the image or what came is gone, or who asked may not do that any more.
    """
    process = process_queries.processes(as_site()).filter(pk=run.subject).first()
    if process is None:
        raise JobError(Problem("process_gone", "what this job was asked for was deleted"))
    require_analyst(run, process)
    warnings: list[str] = []
    return SaveInputs(
        given={row.name: str(given_path(row)) for row in process.given.select_related("process")},
        image=input_volume(process.inputs.get(), process.project_id),
        base=_base(process, warnings),
        same_frame_of_reference=process.same_frame_of_reference,
        seed=process.seed,
        created=process.created,
        warnings=tuple(warnings),
    )


def _base(process: Process, warnings: list[str]) -> BaseInput | None:
    """The segmentation that was edited; without it, what was drawn is written all the same."""
    if process.base is None:
        return None
    rows = queries.instances(as_site()).filter(pk=process.base, project=process.project_id)
    row = rows.select_related("series").first()
    if row is None:
        warnings.append(
            "the segmentation that was edited is no longer here: the new one does not refer to it, and has a series "
            "of its own"
        )
        return None
    joins = process.params.get("series_choice") == "base"
    return BaseInput(
        original=Original(row.sha256, row.name, row.size),
        images=_images(row, process.project_id),
        instance_number=reserved_number(process, row.series_id) if joins else None,
    )


def _images(row: Instance, project: int) -> dict[str, tuple[Original, ...]]:
    """The images that a segmentation or structure set refers to; none if it cannot be read."""
    files_at_rest.bring([row.sha256])
    try:
        header = read_header(files_at_rest.kept_source(row.sha256, name=row.name, size=row.size))
        if row.sop_class_uid != STRUCTURE_SET:
            return source_images([header], project=project)
        structures = read_structure_set(header)
    except VoxelryError:
        return {}
    return images_of_structures(structures, project=project, study=header.study_instance_uid)
