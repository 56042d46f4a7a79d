"""The only place that asks for requested steps, their inputs and their results."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from voxelry.server.access.grants import Grants, visible_to
from voxelry.server.jobs.models import Job
from voxelry.server.processing.models import Input, Output, Process, ResultFile

STEP = "step"
"""The kind of jobs that do what was requested."""
IN_TRASH = Q(Exists(Job.objects.filter(kind=STEP, subject=OuterRef("pk"), in_trash=True)))
"""The condition of processes on, or with results, in the trash. Whoever begins with the job need not ask for it."""


def processes(who: Grants) -> QuerySet[Process]:
    """Requested steps."""
    return visible_to(Process.objects.all(), who)


def inputs(who: Grants) -> QuerySet[Input]:
    """The volumes that steps are done on."""
    return visible_to(Input.objects.all(), who, path="process__project")


def outputs(who: Grants) -> QuerySet[Output]:
    """The series that steps made."""
    return visible_to(Output.objects.all(), who, path="process__project")


def result_files(who: Grants) -> QuerySet[ResultFile]:
    """The files that steps made."""
    return visible_to(ResultFile.objects.all(), who, path="process__project")
