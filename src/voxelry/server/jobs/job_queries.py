"""The only place that asks for the jobs that somebody may see."""

from __future__ import annotations

from django.db.models import QuerySet

from voxelry.server.access.grants import Grants, visible_to
from voxelry.server.jobs.models import Job


def jobs(who: Grants) -> QuerySet[Job]:
    """Jobs of projects, except those about something in the trash; administrators see those of the site too."""
    rows = Job.objects.all()
    if who.everything:
        return rows if who.user is None else rows.filter(in_trash=False)
    return visible_to(rows.filter(in_trash=False), who)
