"""Making a step's results public: all in the transaction in which its job succeeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.db.models import F
from django.utils import timezone

from voxelry.core.errors import Problem
from voxelry.dicom.headers.sources import FileSource
from voxelry.server.archive import files_at_rest, holdings, store_instance
from voxelry.server.archive.build import submit_build
from voxelry.server.archive.files_at_rest import Kept
from voxelry.server.archive.models import Instance, Series
from voxelry.server.archive.row_values import storable
from voxelry.server.jobs.failures import JobError
from voxelry.server.jobs.job_run import Run
from voxelry.server.processing.models import Output, Process, ResultFile


@dataclass(slots=True)
class _Moved:
    """Files that stand in storage and have no row yet."""

    names: list[str] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)


def publish(run: Run, result: dict[str, Any]) -> dict[str, Any]:
    """Write the rows of what the work made; what it returns is the job's result.

    Raises
    ------
    JobError
        If what it was asked for was deleted meanwhile, or an instance has the UID of another.
    """
    process = Process.objects.select_for_update().filter(pk=run.subject).first()
    if process is None:
        raise JobError(Problem("process_gone", "what this job was asked for was deleted"))
    if process.published is not None:  # nothing is published twice, whatever else went wrong
        raise JobError(Problem("job_state", "the results of this job are here already"))
    moved = _Moved()
    try:
        series = _store_instances(run.folder, result["instances"], moved)
        _store_files(process, run.folder, result["files"], moved)
    except BaseException:
        _remove(moved)
        raise
    Output.objects.bulk_create(
        Output(process=process, position=position, series=one) for position, one in enumerate(series)
    )
    rows, warnings = storable(result["rows"]), storable(result["warnings"])
    columns = list(dict.fromkeys(name for row in result["rows"] for name in row))
    Process.objects.filter(pk=process.pk).update(
        published=timezone.now(), columns=columns, rows=rows, warnings=warnings
    )
    for one in series:
        submit_build(one)
    found = {"series": len(series), "rows": len(result["rows"]), "files": len(result["files"])}
    run.summary = _summary(found)
    return found


def _store_instances(folder: Path, made: Iterable[dict[str, Any]], moved: _Moved) -> list[Series]:
    """The series that the instances belong to, in their order."""
    paths = {folder / one["path"]: Kept(one["sha256"], one["size"]) for one in made}
    told = {path: store_instance.described(FileSource(str(path), path.name, kept.size)) for path, kept in paths.items()}
    known = store_instance.known(one.instance["sop_instance_uid"] for one in told.values())
    found: dict[int, Series] = {}
    new: list[Instance] = []
    for digest in files_at_rest.adopt(
        {path: kept for path, kept in paths.items() if told[path].instance["sop_instance_uid"] not in known}
    ):
        moved.digests.append(digest)
    for path, kept in paths.items():
        uid = str(told[path].instance["sop_instance_uid"])
        instance = known.get(uid)
        if instance is None:
            instance = store_instance.instance_row(told[path], kept, name=f"{path.parent.name}/{path.name}")
            new.append(instance)
        elif instance.sha256 != kept.sha256:
            raise JobError(store_instance.conflict(path.name, uid))
        found[instance.series_id] = instance.series
    Instance.objects.bulk_create(new)
    Series.objects.filter(pk__in={instance.series_id for instance in new}).update(revision=F("revision") + 1)
    return list(found.values())


def _store_files(process: Process, folder: Path, made: Iterable[dict[str, Any]], moved: _Moved) -> None:
    for one in made:
        row = ResultFile(process=process, name=one["name"], sha256=one["sha256"], size=one["size"])
        if not default_storage.exists(row.stored_name):
            with (folder / one["path"]).open("rb") as content:
                default_storage.save(row.stored_name, File(content))
            moved.names.append(row.stored_name)
        row.save(force_insert=True)


def _remove(moved: _Moved) -> None:
    """Of a transaction that fails: no row will lead to these."""
    for name in (*moved.names, *map(holdings.stored_name, moved.digests)):
        default_storage.delete(name)


def _summary(found: dict[str, int]) -> str:
    """For people: "1 series, 12 rows"."""
    words = {"series": ("series", "series"), "rows": ("row", "rows"), "files": ("file", "files")}
    return ", ".join(f"{count} {words[kind][count != 1]}" for kind, count in found.items() if count) or "done"
