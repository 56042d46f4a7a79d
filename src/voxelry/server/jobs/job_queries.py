"""The only place that asks for the jobs that somebody may see."""

from __future__ import annotations

from django.db.models import QuerySet

from voxelry.server.access.grants import Grants, visible_to
from voxelry.server.jobs.models import Job


def jobs(who: Grants) -> QuerySet[Job]:
    """Jobs of projects, except those about something in the trash; administrators see those of the site too."""
    if who.is_site:
        return Job.objects.all()
    rows = Job.objects.filter(in_trash=False)
    return rows if who.everything else visible_to(rows, who)
