"""The API's records of rows, and the queries that fetch them with a fixed number of statements."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any, Literal, cast

from django.db.models import Prefetch, QuerySet

from voxelry.core.display import CT_PRESETS
from voxelry.server.access.grants import Grants
from voxelry.server.access.models import Role
from voxelry.server.api import schemas as out
from voxelry.server.api.display_records import showing
from voxelry.server.api.object_records import pixelless_records
from voxelry.server.api.problems import not_found
from voxelry.server.archive import build, queries, unused_files
from voxelry.server.archive.intake import ingest
from voxelry.server.archive.models import Entry, Patient, Series, Stack, Study, Upload
from voxelry.server.archive.shown.stack_files import window_record
from voxelry.server.jobs.models import Job, State

_HEAVY_STACK = ("metadata", "warnings", "planes", "display", "windows", "measurement")
_LABELS_TOLD = 6


def series_rows(who: Grants) -> QuerySet[Series]:
    """Series with all that a `SeriesRow` needs, in two queries for any number of rows; the last first."""
    return (
        queries.series(who)
        .select_related("study__patient", "job")
        .defer("metadata")
        .prefetch_related(Prefetch("stacks", queries.volumes(who).defer(*_HEAVY_STACK), to_attr="rows"))
        .order_by("-pk")
    )


def whole_studies(who: Grants) -> QuerySet[Study]:
    """Studies with all that a `StudyOut` needs; the last first."""
    return (
        queries.studies(who)
        .select_related("patient")
        .prefetch_related(Prefetch("series", series_rows(who).order_by("number", "pk"), to_attr="rows"))
        .order_by("-pk")
    )


def owned_studies(who: Grants, keys: list[int]) -> list[int]:
    """The keys, if all are studies of projects that somebody owns."""
    found = dict(queries.studies(who).filter(pk__in=keys).values_list("pk", "project_id"))
    for key in keys:
        if key not in found:
            raise not_found(f"There is no study {key}.")
    for project in sorted(set(found.values())):
        who.require(Role.OWNER, project)
    return keys


def job_record(row: Job) -> out.JobOut:
    """A job."""
    return out.JobOut(
        id=row.pk,
        kind=row.kind,
        state=_state(row.state),
        progress=row.progress,
        message=row.message,
        created=row.created,
        started=row.started,
        finished=row.finished,
        attempts=row.attempts,
        problem=_problem(row.problem_code, row.problem_message),
        upload=row.subject if row.kind == ingest.KIND else None,
        series=row.subject if row.kind == build.KIND else None,
    )


def upload_row(row: Upload) -> out.UploadRow:
    """An upload in a list."""
    return out.UploadRow(**_upload(row))


def upload_record(row: Upload, who: Grants, *, limit: int, offset: int) -> out.UploadOut:
    """An upload with a part of its report."""
    entries = row.entries.all()
    keys = list(entries.filter(series__isnull=False).order_by("series").values_list("series_id", flat=True).distinct())
    touched = list(
        queries.series(who).filter(pk__in=keys).select_related("job").defer("metadata", "report").order_by("pk")
    )
    jobs = [row.job] if row.job is not None else []
    jobs += [one.job for one in touched if one.job is not None]
    return out.UploadOut(
        **_upload(row),
        entries=[entry_record(e, seen={one.pk for one in touched}) for e in entries[offset : offset + limit]],
        entry_count=entries.count(),
        kept_aside=unused_files.kept_aside(row, who).count(),
        series=[one.pk for one in touched],
        series_names=[series_name(one) for one in touched],
        jobs=[job_record(j) for j in jobs],
    )


def series_name(row: Series) -> out.SeriesName:
    """A series where it is only mentioned."""
    return out.SeriesName(id=row.pk, number=row.number, modality=row.modality, description=row.description)


def entry_record(row: Entry, *, seen: Container[int]) -> out.EntryOut:
    """What became of one file; without its series if that is not seen."""
    status = cast(Literal["stored", "present", "skipped"], row.status)
    series = row.series_id if row.series_id in seen else None
    return out.EntryOut(name=row.name, status=status, code=row.code, message=row.message, series=series)


def study_record(row: Study) -> out.StudyOut:
    """A study that `whole_studies` fetched."""
    series: list[Series] = row.rows  # type: ignore[attr-defined]
    return out.StudyOut(
        id=row.pk,
        project_id=row.project_id,
        study_instance_uid=row.study_instance_uid,
        patient=patient_record(row.patient),
        date=row.date,
        time=row.time,
        description=row.description,
        accession_number=row.accession_number,
        modalities=sorted({s.modality for s in series if s.modality}),
        series_count=len(series),
        instance_count=sum(one.instance_count for one in series),
        bytes=sum(one.bytes for one in series),
        series=[series_row(s) for s in series],
    )


def patient_record(row: Patient) -> out.PatientOut:
    """A patient."""
    return out.PatientOut(id=row.pk, patient_id=row.patient_id, name=row.name, birth_date=row.birth_date, sex=row.sex)


def series_row(row: Series) -> out.SeriesRow:
    """A series that `series_rows` fetched."""
    return out.SeriesRow(**_series(row))


def series_record(row: Series, who: Grants) -> out.SeriesOut:
    """A series with its volumes; fetched by `series_rows`."""
    stacks = row.stacks.all()
    return out.SeriesOut(
        **_series(row),
        metadata=row.metadata,
        report=row.report or None,
        pixelless=pixelless_records(who, row.pk),
        job=None if row.job is None else job_record(row.job),
        volumes=[stack_record(stack, row) for stack in stacks],
    )


def stack_record(row: Stack, series: Series) -> out.VolumeOut:
    """A stack of a series."""
    windows = [*row.windows]
    if row.unit == "HU":
        known = {(w["center"], w["width"]) for w in windows}
        windows += [window_record(preset) for preset in CT_PRESETS if (preset.center, preset.width) not in known]
    return out.VolumeOut(
        index=row.index,
        version=series.folder,
        label=row.label,
        shape=row.shape,
        dtype=row.dtype,
        byte_order="little",
        colour=len(row.shape) == 4,
        regular=row.regular,
        problem=_problem(row.problem_code, row.problem_message),
        warnings=row.warnings,
        affine=row.affine,
        spacing_mm=row.spacing,
        frame_of_reference_uid=str(row.metadata.get("FrameOfReferenceUID") or "") or None,
        unit=row.unit,
        min=row.minimum,
        max=row.maximum,
        padding_count=row.padding_count,
        inverted=row.inverted,
        lossy=row.lossy,
        windows=windows,
        default_window=row.default_window,
        **showing(row, series),
        planes=row.planes,
        measurement=row.measurement,
    )


def _upload(row: Upload) -> dict[str, Any]:
    job_row = row.job
    return {
        "id": row.pk,
        "project_id": row.project_id,
        "state": State.QUEUED if job_row is None else _state(job_row.state),
        "progress": 0.0 if job_row is None else job_row.progress,
        "message": "" if job_row is None else job_row.message,
        "created": row.created,
        "finished": None if job_row is None else job_row.finished,
        "node": row.node,
        "names": row.names,
        "counts": {"stored": row.stored, "present": row.present, "skipped": row.skipped},
        "problem": None if job_row is None else _problem(job_row.problem_code, job_row.problem_message),
    }


def _series(row: Series) -> dict[str, Any]:
    stacks: list[Stack] = row.rows  # type: ignore[attr-defined]
    failed = row.job if row.job is not None and row.job.state == State.FAILED else None
    found = _problem(row.problem_code, row.problem_message)
    if found is None and failed is not None:
        found = _problem(failed.problem_code, failed.problem_message)
    address = f"/api/series/{row.pk}/thumbnail.png?v={row.folder}"
    return {
        "id": row.pk,
        "study_id": row.study_id,
        "project_id": row.study.project_id,
        "series_instance_uid": row.series_instance_uid,
        "number": row.number,
        "modality": row.modality,
        "description": row.description,
        "body_part": row.body_part,
        "instance_count": row.instance_count,
        "state": State.QUEUED if row.job is None else _state(row.job.state),
        "progress": 0.0 if row.job is None else row.job.progress,
        "thumbnail": address if row.thumbnail else None,
        "volume_count": len(stacks),
        "volume_labels": [stack.label for stack in stacks[:_LABELS_TOLD] if stack.label],
        "regular": all(stack.regular for stack in stacks) if stacks else None,
        "lossy": row.lossy,
        "shape": stacks[0].shape if stacks else None,
        "problem": found,
        "study": {"id": row.study.pk, "description": row.study.description, "date": row.study.date},
        "patient": patient_record(row.study.patient),
    }


def _state(value: str) -> out.StateName:
    return cast(out.StateName, str(value))


def _problem(code: str, message: str) -> out.ProblemOut | None:
    return out.ProblemOut(code=code, message=message) if code else None


def page_record(
    items: Iterable[object], count: int, *, more_than: bool = False, following: int | None = None
) -> dict[str, object]:
    """A part of a list."""
    return {"items": list(items), "count": count, "more_than": more_than, "next": following}
