"""What owners are shown of the trash: studies with their counts, in pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from voxelry.server.access.bounded_lists import ListLength, length_of
from voxelry.server.access.grants import Grants, as_site
from voxelry.server.archive import queries, trash
from voxelry.server.archive.models import Series, Study


@dataclass(frozen=True, slots=True)
class Trashed:
    """A study in the trash, its counts, and when it is deleted for good."""

    study: Study
    goes: datetime
    modalities: tuple[str, ...]
    series_count: int
    instance_count: int
    size: int


def trash_page(
    who: Grants, *, project: int | None = None, after: tuple[datetime, int] | None = None, limit: int
) -> list[Trashed]:
    """Studies in the trash of the projects that somebody owns, the last deleted first.

    Parameters
    ----------
    after
        The time of deletion and the key of the study that the list goes on after.
    """
    rows = _of(who, project).select_related("patient", "project", "trashed_by").order_by("-trashed", "-pk")
    if after is not None:
        time, key = after
        rows = rows.filter(Q(trashed__lt=time) | Q(trashed=time, pk__lt=key))
    return _counted(list(rows[:limit]))


def count(who: Grants, *, project: int | None = None) -> ListLength:
    """The number of studies in the trash."""
    return length_of(_of(who, project))


def _of(who: Grants, project: int | None) -> QuerySet[Study]:
    rows = queries.trash(who)
    return rows if project is None else rows.filter(project=project)


def _counted(studies: Sequence[Study]) -> list[Trashed]:
    of_study: dict[int, list[Series]] = {study.pk: [] for study in studies}
    series = queries.series(as_site()).filter(study__in=list(of_study))
    for one in series.only("study", "modality", "instance_count", "bytes"):
        of_study[one.study_id].append(one)
    return [
        Trashed(
            study,
            trash.goes(study),
            tuple(sorted({one.modality for one in own if one.modality})),
            len(own),
            sum(one.instance_count for one in own),
            sum(one.bytes for one in own),
        )
        for study, own in zip(studies, of_study.values(), strict=True)
    ]
