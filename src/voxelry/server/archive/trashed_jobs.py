"""Hides the jobs about series in the trash, and deletes those that go with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from voxelry.server.access.grants import as_site
from voxelry.server.archive import queries
from voxelry.server.archive.build import KIND as BUILD
from voxelry.server.archive.models import Series
from voxelry.server.jobs import batches, job_queries
from voxelry.server.jobs.submit import ROWS, cancel_all


@dataclass(frozen=True, slots=True)
class JobsOfSeries:
    """Jobs that have to do with series in one way.

    Attributes
    ----------
    about
        Returns the condition of the jobs about some series.
    going
        True if the jobs are deleted with the series.
    """

    about: Callable[[QuerySet[Series]], Q]
    going: bool


def _builds(series: QuerySet[Series]) -> Q:
    return Q(kind=BUILD, subject__in=series.order_by().values("pk"))


JOBS_OF_SERIES: dict[str, JobsOfSeries] = {BUILD: JobsOfSeries(_builds, going=True)}
"""The ways by name; rooms above this one add theirs."""


def hide_jobs(series: QuerySet[Series]) -> None:
    """Cancel what is under way on series that move to the trash, and mark their jobs. Called in a transaction."""
    uploads = queries.uploads(as_site()).filter(instances__series__in=series.order_by().values("pk"))
    cancel_all(job_queries.jobs(as_site()).filter(pk__in=uploads.order_by().values("job"), state__in=batches.OPEN))
    for keys in _parts(_keys(_about(series), in_trash=False)):
        cancel_all(job_queries.jobs(as_site()).filter(pk__in=keys))
        _mark(keys, in_trash=True)


def show_again(series: QuerySet[Series]) -> None:
    """Undo `hide_jobs` for series out of the trash, but not for jobs about others in it. Called in a transaction."""
    _show(_keys(_about(series), in_trash=True))


def delete_jobs(series: QuerySet[Series]) -> Callable[[], None]:
    """Delete the marked jobs that go with the series.

    Returns
    -------
    then
        Shows the other marked jobs about the series; to be called when these are deleted, in the same transaction.
    """
    going = _keys([way.about(series) for way in JOBS_OF_SERIES.values() if way.going], in_trash=True)
    others = sorted(set(_keys(_about(series), in_trash=True)) - set(going))
    for keys in _parts(going):
        parents = _parents(keys)
        job_queries.jobs(as_site()).filter(pk__in=keys).delete()
        job_queries.jobs(as_site()).filter(pk__in=parents, is_batch=True, children=None).delete()
    return lambda: _show(others)


def _show(found: Sequence[int]) -> None:
    in_trash = queries.series(as_site()).filter(project=None)
    for keys in _parts(found):
        still = {key for condition in _about(in_trash) for key in _keys([condition & Q(pk__in=keys)], in_trash=True)}
        _mark(sorted(set(keys) - still), in_trash=False)


def _mark(keys: Sequence[int], *, in_trash: bool) -> None:
    job_queries.jobs(as_site()).filter(pk__in=keys).update(in_trash=in_trash)
    parents = _parents(keys)
    if parents:
        outside = Exists(job_queries.jobs(as_site()).filter(parent=OuterRef("pk"), in_trash=False))
        rows = job_queries.jobs(as_site()).filter(pk__in=parents)
        rows.filter(outside).update(in_trash=False)
        rows.exclude(outside).update(in_trash=True)
    for parent in parents:
        batches.tell_again(parent)


def _parents(keys: Sequence[int]) -> list[int]:
    rows = job_queries.jobs(as_site()).filter(pk__in=keys, parent__isnull=False).order_by()
    return [key for key in rows.values_list("parent", flat=True).distinct() if key is not None]


def _about(series: QuerySet[Series]) -> list[Q]:
    return [way.about(series) for way in JOBS_OF_SERIES.values()]


def _keys(conditions: Iterable[Q], *, in_trash: bool) -> list[int]:
    """The jobs with any of the conditions; one query for each, which an index answers."""
    found: set[int] = set()
    for condition in conditions:
        rows = job_queries.jobs(as_site()).filter(condition, in_trash=in_trash, is_batch=False).order_by()
        found.update(rows.values_list("pk", flat=True))
    return sorted(found)


def _parts(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(keys), ROWS):
        yield keys[start : start + ROWS]
