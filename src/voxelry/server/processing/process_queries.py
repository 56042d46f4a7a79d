"""The only place that asks for requested steps, their inputs and their results."""

from __future__ import annotations

from django.db.models import QuerySet

from voxelry.server.access.grants import Grants, visible_to
from voxelry.server.processing.models import Input, Output, Process, ResultFile


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
