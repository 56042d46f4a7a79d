"""Deletes studies and series into the trash of their project, from which its owners can restore them.

PS3.18 2024e has no such transaction; other servers offer the same addresses. Single instances are not deleted.
"""

from __future__ import annotations

from voxelry.server.access.exchange import Answer, Asked, RefusedError
from voxelry.server.access.rules import Rule
from voxelry.server.archive import queries, trash
from voxelry.server.dicomweb.routes import Route


def delete_to_trash(asked: Asked, study: str) -> Answer:
    """Move a study to the trash of its project."""
    keys = list(queries.studies(asked.who).filter(study_instance_uid=study).values_list("pk", flat=True))
    if not keys:
        raise RefusedError(404, "There is no such study.", code="not_found")
    trash.move_to_trash(keys, asked.who.user)
    return Answer(status=204)


def delete_series_to_trash(asked: Asked, study: str, series: str) -> Answer:
    """Move a series to the trash of its project; with the study if it is the last."""
    of_study = queries.series(asked.who).filter(study__study_instance_uid=study)
    uids = dict(of_study.values_list("series_instance_uid", "pk"))
    if series not in uids:
        raise RefusedError(404, "There is no such series.", code="not_found")
    if len(uids) == 1:
        return delete_to_trash(asked, study)
    trash.move_series_to_trash([uids[series]], asked.who.user)
    return Answer(status=204)


ROUTES: tuple[Route, ...] = (
    Route("studies/<uid:study>", {"DELETE": (delete_to_trash, Rule.OWNER)}),
    Route("studies/<uid:study>/series/<uid:series>", {"DELETE": (delete_series_to_trash, Rule.OWNER)}),
)
