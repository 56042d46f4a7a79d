"""Making the volumes of a series: a job that builds aside and publishes in one step."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

from django.conf import settings
from django.db import transaction

from voxelry.core.errors import PixelDataError, Problem, TruncatedError, VoxelryError
from voxelry.core.progress import Progress, part
from voxelry.core.volume import Volume
from voxelry.dicom.headers import Header, read_header
from voxelry.dicom.pixels import stored_frames
from voxelry.dicom.plain import Layout
from voxelry.dicom.series import Series as Grouped
from voxelry.dicom.shared import shared_metadata
from voxelry.dicom.stack import Stack as Grid
from voxelry.server.archive import deletions, files
from voxelry.server.archive.describe import storable
from voxelry.server.archive.durable import sync_tree
from voxelry.server.archive.models import Instance, Series, Stack
from voxelry.server.archive.showing import common_voi
from voxelry.server.archive.source_images import neighbours_of, source_images
from voxelry.server.archive.stacks import THUMBNAIL, make_stack, write_thumbnail
from voxelry.server.jobs.failures import JobError
from voxelry.server.jobs.run import Run
from voxelry.server.jobs.submit import submit

KIND = "build"


def submit_build(series: Series) -> None:
    """Ask for the volumes of a series. To be called in a transaction."""
    job = submit(KIND, subject=series.pk)
    Series.objects.filter(pk=series.pk).update(job=job)


def build(run: Run) -> None:
    """The handler of build jobs.

    Raises
    ------
    JobError
        If the series has pixels and none of them can be shown.
    """
    series = Series.objects.filter(pk=run.subject).first()
    if series is None:
        raise JobError(Problem("series_gone", "the series was deleted"))
    problems: list[Problem] = []
    headers = _headers(series.instances.order_by("number", "pk"), problems)
    imaged = [header for header in headers if header.has_pixels]
    aside = Path(tempfile.mkdtemp(prefix="build-", dir=files.temporary_folder()))
    try:
        near = neighbours_of(source_images(imaged))
        grouped = Grouped(series.series_instance_uid, tuple(imaged or headers), neighbours=near)
        stacks = _make(run, series, grouped, aside, problems) if imaged else []
        _publish(run, series, stacks, grouped, headers, aside, problems)
    finally:
        files.remove_folder(aside)
    if imaged and not stacks:
        raise JobError(problems[0])


def _headers(instances: Sequence[Instance] | object, problems: list[Problem]) -> list[Header]:
    found = []
    layout = Layout()
    files.bring(instance.sha256 for instance in cast(Sequence[Instance], instances))
    for instance in cast(Sequence[Instance], instances):
        try:
            source = files.kept_source(instance.sha256, name=instance.name, size=instance.size)
            found.append(read_header(source, layout=layout))
        except VoxelryError as error:
            problems.append(error.problem)
        except OSError as error:
            raise JobError(
                Problem("storage", f"{instance.name}: cannot be read from the archive ({error.strerror})")
            ) from error
    return found


def _make(run: Run, series: Series, grouped: Grouped, aside: Path, problems: list[Problem]) -> list[Stack]:
    grids = _grids(grouped, problems)
    made: list[Stack] = []
    for number, grid in enumerate(grids):
        share = part(run.progress, number / len(grids), (number + 1) / len(grids))
        for whole, volume in _volumes(grid, problems, part(share, 0.0, 0.4)):
            stack = make_stack(
                volume,
                aside / str(len(made)),
                frames=whole.frames,
                series=series,
                index=len(made),
                problem=whole.problem,
                threshold=settings.VOXELRY.threshold,
                progress=part(share, 0.4, 1.0),
            )
            if not made:
                write_thumbnail(volume, common_voi(stack), aside / THUMBNAIL)
            made.append(stack)
    return made


def _grids(grouped: Grouped, problems: list[Problem]) -> tuple[Grid, ...]:
    problems.extend(grouped.unusable.values())
    return grouped.stacks


def _volumes(grid: Grid, problems: list[Problem], progress: Progress) -> list[tuple[Grid, Volume]]:
    """The volume; where a file cannot be decoded, the volumes of the others."""
    try:
        return [(grid, grid.for_viewing(progress=progress))]
    except (PixelDataError, TruncatedError) as error:
        readable = _readable(grid.headers, problems, progress)
        if not readable or len(readable) == len(grid.headers):
            if error.problem not in problems:
                problems.append(error.problem)
            return []
        rest = Grouped(readable[0].series_instance_uid, tuple(readable))
        return [found for part_ in _grids(rest, problems) for found in _volumes(part_, problems, progress)]
    except VoxelryError as error:
        problems.append(error.problem)
        return []


def _readable(headers: Sequence[Header], problems: list[Problem], progress: Progress) -> list[Header]:
    found = []
    for number, header in enumerate(headers):
        progress(number / len(headers), "looking for the files that cannot be decoded")
        try:
            for _ in stored_frames(header):
                pass
            found.append(header)
        except VoxelryError as error:
            problems.append(error.problem)
    return found


def _publish(
    run: Run,
    series: Series,
    stacks: list[Stack],
    grouped: Grouped,
    headers: list[Header],
    aside: Path,
    problems: list[Problem],
) -> None:
    metadata = storable(dict(shared_metadata(headers))) if headers else {}
    report = storable(grouped.report.record) if headers else {}
    problem = _together(problems)
    sync_tree(aside)
    home = files.stacks_folder(series.pk)
    folder = uuid.uuid4().hex
    # Once this is there only a row is missing; without the row the folder is removed with the next build.
    files.place_folder(aside, home / folder)
    with run.publishing():
        current = Series.objects.select_for_update().filter(pk=series.pk).first()
        if current is None:
            deletions.record([f"stacks/{series.pk}"])
            return
        if current.revision != series.revision:
            # Instances came meanwhile: another build shows them all.
            transaction.on_commit(partial(files.remove_folder, home / folder))
            submit_build(current)
            return
        current.stacks.all().delete()
        Stack.objects.bulk_create(stacks)
        Series.objects.filter(pk=series.pk).update(
            built_revision=series.revision,
            folder=folder,
            thumbnail=bool(stacks),
            metadata=metadata,
            report=report,
            problem_code="" if problem is None else problem.code,
            problem_message="" if problem is None else problem.message,
        )
        transaction.on_commit(partial(files.remove_others, home, folder))


def _together(problems: list[Problem]) -> Problem | None:
    if not problems:
        return None
    first, more = problems[0], len(problems) - 1
    return Problem(first.code, f"{first.message}; and {more} more such" if more else first.message)
