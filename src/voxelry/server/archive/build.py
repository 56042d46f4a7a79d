"""The job that builds the volumes of a series in a temporary folder and publishes them in one step."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import cast

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from voxelry.core.errors import Problem, VoxelryError
from voxelry.core.progress import Progress, part
from voxelry.core.volume import Volume
from voxelry.dicom.headers.common_header import CommonHeader
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.headers.shared_attributes import shared_metadata
from voxelry.dicom.pixels.decoding import patience
from voxelry.dicom.series.hierarchy import Series as Grouped
from voxelry.dicom.series.lost_files import LostFile
from voxelry.dicom.series.stack import Stack as Grid
from voxelry.dicom.series.undecodable_files import UNUSABLE, undecodable
from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries, unused_files
from voxelry.server.archive.at_rest import deletions, files_at_rest
from voxelry.server.archive.at_rest.flushing import sync_tree
from voxelry.server.archive.lists.study_listing import refresh_listing
from voxelry.server.archive.make_segmentations import MODALITIES, make_segmentations
from voxelry.server.archive.models import Instance, Series, Stack
from voxelry.server.archive.row_values import storable
from voxelry.server.archive.segment_volumes import with_volumes
from voxelry.server.archive.shown.series_metadata import write_prepared
from voxelry.server.archive.shown.slice_display import common_voi
from voxelry.server.archive.shown.slice_facts import FACTS, facts_records
from voxelry.server.archive.shown.stack_files import THUMBNAIL, make_stack, write_thumbnail
from voxelry.server.archive.source_images import neighbours_of, source_images
from voxelry.server.jobs.failures import JobError
from voxelry.server.jobs.job_run import Run
from voxelry.server.jobs.submit import postpone, submit

KIND = "build"
WASTED_SECONDS = 60.0
"""Time lost to frames whose decoder had to be killed, after which other frames of the series get less time each."""

_WAITS_ALREADY = """
SELECT NOT EXISTS (SELECT 1 FROM archive_unusedfile WHERE project_id = %s)
AND NOT EXISTS (SELECT 1 FROM archive_series WHERE study_id = %s AND modality IN ('SEG', 'RTSTRUCT'))
AND EXISTS (
    SELECT 1 FROM jobs_job WHERE kind = %s AND subject = %s AND state = 'queued' AND once AND not_before > %s
)
"""


def submit_build(series: Series, *, quiet_seconds: float = 0.0) -> None:
    """Submit a job that builds the volumes of a series, unless it is in the trash. Called in a transaction."""
    row = queries.series(as_site()).filter(pk=series.pk, project__isnull=False)
    if row.exists():
        job = submit(KIND, subject=series.pk, project=series.project_id, quiet_seconds=quiet_seconds)
        row.update(job=job)


def submit_builds(changed: Iterable[Series], *, quiet_seconds: float = 0.0) -> None:
    """Submit builds of series, and of the segmentations of their studies. Called in a transaction.

    Parameters
    ----------
    quiet_seconds
        Wait until no more came for so long, because more instances may follow.
    """
    own = list(changed)
    # A segmentation or structure set takes its grid from its images, which may come after it.
    of_studies = queries.series(as_site()).filter(study__in={one.study_id for one in own}, modality__in=MODALITIES)
    for one in (*own, *of_studies.exclude(pk__in=[one.pk for one in own])):
        submit_build(one, quiet_seconds=quiet_seconds)


def submit_builds_later(changed: Sequence[Series], *, quiet_seconds: float) -> None:
    """`submit_builds` of series of one study, in two statements if those of all of them wait already."""
    if not changed:
        return
    keys = [one.pk for one in changed]
    studies = {one.study_id for one in changed}
    has_segmentations = queries.series(as_site()).filter(study__in=studies, modality__in=MODALITIES).exists()
    if has_segmentations or not postpone(KIND, keys, quiet_seconds=quiet_seconds):
        submit_builds(changed, quiet_seconds=quiet_seconds)


def waits_already(series: Series, *, quiet_seconds: float) -> bool:
    """Whether the build of a series waits for a quiet time that begins about now, and its study needs no other.

    That is so if the project lacks no file, and the study has no segmentation or structure set. One statement.
    """
    due = timezone.now() + timedelta(seconds=0.75 * quiet_seconds)
    values = [series.project_id, series.study_id, KIND, series.pk, connection.ops.adapt_datetimefield_value(due)]
    with connection.cursor() as cursor:
        cursor.execute(_WAITS_ALREADY, values)
        (waits,) = cursor.fetchone()
    return bool(waits)


def build(run: Run) -> None:
    """The work of build jobs.

    Raises
    ------
    JobError
        If the series has pixels and none of them can be shown.
    """
    series = queries.series(as_site()).filter(pk=run.subject).first()
    if series is None or series.project_id is None:
        raise JobError(Problem("series_gone", "the series was deleted"))
    unreadable: list[LostFile] = []
    headers = _headers(series.instances.order_by("number", "pk"), unreadable)
    lost, perhaps = unused_files.of_series(series)
    images = [header for header in headers if header.has_pixels]
    near = neighbours_of(source_images(images, project=series.project_id))
    missed = (*lost, *unreadable)
    grouped = Grouped(series.series_instance_uid, tuple(headers), lost=missed, perhaps=perhaps, neighbours=near)
    aside = Path(tempfile.mkdtemp(prefix="build-", dir=files_at_rest.temporary_folder()))
    try:
        with patience(WASTED_SECONDS):
            made = 0.5 if grouped.modality in MODALITIES else 0.9
            stacks, grouped, others = _make(series, grouped, aside, part(run.progress, 0.0, made))
            make_segmentations(series, grouped, headers, aside, part(run.progress, made, 0.97))
        run.progress(0.97, "preparing metadata")
        write_prepared(series.pk, headers, aside)
        run.progress(0.99, "storing volumes")
        problem = _problem(grouped, stacks, [*(one.problem for one in unreadable), *others])
        _publish(run, series, stacks, grouped, aside, problem)
    finally:
        files_at_rest.remove_folder(aside)
    if problem is not None and not stacks and (unreadable or any(header.has_pixels for header in headers)):
        raise JobError(problem)


def _headers(instances: Sequence[Instance] | object, unreadable: list[LostFile]) -> list[Header]:
    found = []
    common = CommonHeader()
    files_at_rest.bring(instance.sha256 for instance in cast(Sequence[Instance], instances))
    for instance in cast(Sequence[Instance], instances):
        try:
            source = files_at_rest.kept_source(instance.sha256, name=instance.name, size=instance.size)
            found.append(read_header(source, common=common))
        except VoxelryError as error:
            unreadable.append(LostFile(instance.name, error.problem))
        except OSError as error:
            raise JobError(
                Problem("storage", f"{instance.name}: cannot be read from the archive ({error.strerror})")
            ) from error
    return found


def _make(
    series: Series, grouped: Grouped, aside: Path, progress: Progress
) -> tuple[list[Stack], Grouped, list[Problem]]:
    """The rows of the stacks, the series with its undecodable files, and the problems of stacks that have no row."""
    made: list[Stack] = []
    shown: list[Grid] = []
    failed: dict[Header, Problem] = {}
    others: list[Problem] = []
    grids, masks_alone = with_volumes(grouped.read_stacks(part(progress, 0.0, 0.1)))
    for number, grid in enumerate(grids):
        share = part(part(progress, 0.1, 1.0), number / len(grids), (number + 1) / len(grids))
        found = _volume(grid, failed, others, part(share, 0.0, 0.4))
        if found is None:
            continue
        whole, volume = found
        stack = make_stack(
            volume,
            aside / str(len(made)),
            frames=whole.frames,
            series=series,
            index=len(made),
            problem=whole.problem,
            threshold=settings.VOXELRY.threshold,
            across_bytes=settings.VOXELRY.across_bytes,
            progress=part(share, 0.4, 1.0),
        )
        if not made:
            write_thumbnail(volume, common_voi(stack), aside / THUMBNAIL)
        made.append(stack)
        shown.append(whole)
    for stack, facts in zip(made, facts_records(shown), strict=True):
        stack.display[FACTS] = storable(dict(facts))
    others += [] if masks_alone is None else [masks_alone]
    return made, replace(grouped, undecodable=failed) if failed else grouped, others


def _volume(
    grid: Grid, failed: dict[Header, Problem], others: list[Problem], progress: Progress
) -> tuple[Grid, Volume] | None:
    """The stack and its volume, without the files that cannot be decoded; None if no file is left."""
    try:
        return grid, grid.for_viewing(progress=progress)
    except UNUSABLE as error:
        found = undecodable(grid, progress=progress) or dict.fromkeys(grid.headers, error.problem)
        failed.update(found)
        rest = grid.without(found)
        return None if rest is None else _volume(rest, failed, others, progress)
    except VoxelryError as error:
        others.append(error.problem)
        return None


def _problem(grouped: Grouped, stacks: Sequence[Stack], others: Sequence[Problem]) -> Problem | None:
    """The problem of the series' stacks, or the reason for which there are none."""
    if stacks:
        return grouped.lost_problem or _together(others)
    return _together([*others, *grouped.lost_images.values()])


def _publish(
    run: Run,
    series: Series,
    stacks: list[Stack],
    grouped: Grouped,
    aside: Path,
    problem: Problem | None,
) -> None:
    headers = grouped.instances
    metadata = storable(dict(shared_metadata(headers))) if headers else {}
    report = storable(grouped.report.record) if headers else {}
    sync_tree(aside)
    home = files_at_rest.stacks_folder(series.pk)
    folder = uuid.uuid4().hex
    # If the process dies before the row is written, the next build removes the folder.
    files_at_rest.place_folder(aside, home / folder)
    with run.publishing():
        current = queries.series(as_site()).select_for_update().filter(pk=series.pk).first()
        if current is None:
            deletions.record([f"stacks/{series.pk}"])
            return
        if current.revision != series.revision:
            # Instances were added meanwhile: another build includes them.
            transaction.on_commit(partial(files_at_rest.remove_folder, home / folder))
            submit_build(current)
            return
        _note_failed(series, grouped)
        current.stacks.all().delete()
        queries.volumes(as_site()).bulk_create(stacks)
        queries.series(as_site()).filter(pk=series.pk).update(
            built_revision=series.revision,
            folder=folder,
            thumbnail=bool(stacks),
            metadata=metadata,
            report=report,
            problem_code="" if problem is None else problem.code,
            problem_message="" if problem is None else problem.message,
        )
        refresh_listing([current.study_id])
        transaction.on_commit(partial(files_at_rest.remove_others, home, folder))


def _note_failed(series: Series, grouped: Grouped) -> None:
    """Record which instances are in no volume: another file may replace them."""
    series.instances.exclude(problem_code="").update(problem_code="", problem_message="")
    for header, problem in grouped.lost_images.items():
        own = series.instances.filter(sop_instance_uid=header.sop_instance_uid)
        own.update(problem_code=problem.code, problem_message=problem.message.replace("\0", ""))


def _together(problems: Sequence[Problem]) -> Problem | None:
    if not problems:
        return None
    first, more = problems[0], len(problems) - 1
    return Problem(first.code, f"{first.message}; and {more} more such" if more else first.message)
