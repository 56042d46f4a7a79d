"""Writes the rows of a step's results in the transaction in which its job succeeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from pydantic import JsonValue

from voxelry.core.errors import Problem
from voxelry.dicom.headers.sources import FileSource
from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest, holdings
from voxelry.server.archive.at_rest.files_at_rest import Kept
from voxelry.server.archive.build import submit_build
from voxelry.server.archive.intake import store_instance
from voxelry.server.archive.lists.study_listing import refresh_listing
from voxelry.server.archive.models import Instance, Series
from voxelry.server.archive.row_values import storable
from voxelry.server.jobs.failures import JobError
from voxelry.server.jobs.job_run import Run
from voxelry.server.processing import process_queries
from voxelry.server.processing.given_files import remove_used
from voxelry.server.processing.models import Output, Process, ResultFile
from voxelry.server.processing.read_inputs import require_analyst
from voxelry.server.processing.step_handover import NamedFile, StepOutcome, WrittenFile


@dataclass(slots=True)
class _Moved:
    """Files that are in storage and have no row yet."""

    names: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)


def publish_results(run: Run, result: JsonValue) -> dict[str, JsonValue]:
    """Write the rows of what the work made; the counts that it returns are the job's result.

    Raises
    ------
    JobError
        If the process was deleted meanwhile, if who asked may not do that any more, or if an instance has the UID of
        another with other bytes.
    """
    outcome = StepOutcome.model_validate(result)
    process = process_queries.processes(as_site()).select_for_update().filter(pk=run.subject).first()
    if process is None:
        raise JobError(Problem("process_gone", "what this job was asked for was deleted"))
    if process.published is not None:  # nothing is published twice
        raise JobError(Problem("job_state", "the results of this job are here already"))
    require_analyst(run, process)
    moved = _Moved()
    try:
        series = _store_instances(run.folder, outcome.instances, moved, project=process.project_id)
        _store_files(process, run.folder, outcome.files, moved)
    except BaseException:
        _remove(moved)
        raise
    process_queries.outputs(as_site()).bulk_create(
        Output(process=process, position=position, series=made) for position, made in enumerate(series)
    )
    rows, warnings = storable(list(outcome.rows)), storable(list(outcome.warnings))
    columns = list(dict.fromkeys(name for row in outcome.rows for name in row))
    process_queries.processes(as_site()).filter(pk=process.pk).update(
        published=timezone.now(), columns=columns, rows=rows, warnings=warnings
    )
    for made in series:
        submit_build(made)
    if process.given.exists():
        transaction.on_commit(remove_used)
    counts = {"series": len(series), "rows": len(outcome.rows), "files": len(outcome.files)}
    run.summary = _summary(counts)
    return {**counts}


def _store_instances(folder: Path, made: Iterable[WrittenFile], moved: _Moved, *, project: int) -> list[Series]:
    """The series that the instances belong to, in their order."""
    paths = {folder / file.path: Kept(file.sha256, file.size) for file in made}
    values = {
        path: store_instance.read_values(FileSource(str(path), path.name, kept.size)) for path, kept in paths.items()
    }
    known = store_instance.known_instances(project, (value.instance["sop_instance_uid"] for value in values.values()))
    found: dict[int, Series] = {}
    new: list[Instance] = []
    for digest in files_at_rest.adopt(
        {path: kept for path, kept in paths.items() if values[path].instance["sop_instance_uid"] not in known}
    ):
        moved.digests.append(digest)
    for path, kept in paths.items():
        uid = str(values[path].instance["sop_instance_uid"])
        instance = known.get(uid)
        if instance is None:
            instance = store_instance.instance_row(
                values[path], kept, name=f"{path.parent.name}/{path.name}", project=project
            )
            new.append(instance)
        elif instance.sha256 != kept.sha256:
            raise JobError(store_instance.conflict(path.name, uid))
        found[instance.series_id] = instance.series
    queries.instances(as_site()).bulk_create(new)
    queries.series(as_site()).filter(pk__in={instance.series_id for instance in new}).update(revision=F("revision") + 1)
    refresh_listing({series.study_id for series in found.values()})
    return list(found.values())


def _store_files(process: Process, folder: Path, made: Iterable[NamedFile], moved: _Moved) -> None:
    for file in made:
        row = ResultFile(process=process, name=file.name, sha256=file.sha256, size=file.size)
        if not default_storage.exists(row.stored_name):
            with (folder / file.path).open("rb") as content:
                default_storage.save(row.stored_name, File(content))
            moved.names.append(row.stored_name)
        row.save(force_insert=True)


def _remove(moved: _Moved) -> None:
    """Delete what a transaction stored that failed: no row names it."""
    for name in (*moved.names, *map(holdings.stored_name, moved.digests)):
        default_storage.delete(name)


def _summary(counts: dict[str, int]) -> str:
    """A sentence such as "1 series, 12 rows"."""
    words = {"series": ("series", "series"), "rows": ("row", "rows"), "files": ("file", "files")}
    return ", ".join(f"{count} {words[kind][count != 1]}" for kind, count in counts.items() if count) or "done"
