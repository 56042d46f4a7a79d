"""The only place that asks for requested steps, their inputs and their results."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from voxelry.server.access.grants import Grants, visible_to
from voxelry.server.jobs.models import Job
from voxelry.server.processing.models import GivenFile, Input, Output, Process, ResultFile

STEP = "step"
"""The kind of jobs that do steps."""
SAVE, READ = "save_segmentation", "read_segmentation"
"""The kinds of jobs that write a segmentation that was drawn, and one that came as a file."""
KINDS = (STEP, SAVE, READ)
"""The kinds of jobs whose subject is a process."""
IN_TRASH = Q(Exists(Job.objects.filter(kind__in=KINDS, subject=OuterRef("pk"), in_trash=True)))
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


def given_files(who: Grants) -> QuerySet[GivenFile]:
    """The files that came with requests."""
    return visible_to(GivenFile.objects.select_related("process"), who, path="process__project")
