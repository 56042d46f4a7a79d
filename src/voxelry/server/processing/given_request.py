"""Queues a job on an image with files that came: all is on disk before the request is answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.db import transaction
from pydantic import BaseModel

from voxelry.server.access.grants import Grants, as_site
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.jobs.models import Job
from voxelry.server.jobs.submit import submit
from voxelry.server.processing import process_queries
from voxelry.server.processing.given_files import FlushedFile, discard_given, flushed, keep_given, send_given
from voxelry.server.processing.models import Input, new_seed
from voxelry.server.processing.step_request import ChosenVolume, project_of_stacks, volumes_to_read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

STEP_NAME = "segmentation"
"""Of the processes that make a segmentation without a step."""


def request_with_files(
    kind: str,
    image: ChosenVolume,
    paths: Mapping[str, Path],
    told: tuple[str, BaseModel],
    *,
    params: Mapping[str, Any],
    same_frame_of_reference: bool,
    who: Grants,
    requested_by: User | None,
    base: int | None = None,
    check: Callable[[], None] | None = None,
) -> Job:
    """Keep files, which are moved, and queue the job of a kind on an image.

    Parameters
    ----------
    told
        The name of one more file, and what it holds: what else the job needs to know.
    base
        The key of the segmentation that was edited.
    check
        Called in the transaction, before anything is written; raises if the request does not fit any more.

    Raises
    ------
    NoSeriesError, NotReadyError, InputError, RoleError
        If the image is not there, or ``who`` may not write into its project.
    """
    name, record = told
    aside = files_at_rest.temporary_folder() / f"received-{uuid4().hex}"
    files: dict[str, FlushedFile] = {}
    seed = new_seed()
    try:
        aside.write_bytes(record.model_dump_json().encode())
        files = flushed({name: aside, **paths})
        send_given(files, seed)
        with transaction.atomic():
            if check is not None:
                check()
            project = project_of_stacks(volumes_to_read([image], who), who)
            process = process_queries.processes(as_site()).create(
                project_id=project,
                job_name=kind,
                step=STEP_NAME,
                params=dict(params),
                same_frame_of_reference=same_frame_of_reference,
                seed=seed,
                base=base,
            )
            process_queries.inputs(as_site()).bulk_create(
                [Input(process=process, position=0, series_id=image.series, stack=image.stack)]
            )
            keep_given(files, process)
            return submit(kind, subject=process.pk, requested_by=requested_by, project=project)
    except BaseException:
        discard_given(files, seed)
        raise
    finally:
        aside.unlink(missing_ok=True)
