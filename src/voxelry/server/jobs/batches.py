"""Batches: a parent row that runs as long as one of its children does."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count
from django.utils import timezone

from voxelry.server.jobs.models import Job, State

OPEN = (State.QUEUED, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Totals:
    """The number of a batch's jobs in each state."""

    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        return self.queued + self.running + self.over

    @property
    def over(self) -> int:
        return self.succeeded + self.failed + self.cancelled

    @property
    def words(self) -> str:
        """A phrase such as "312 of 1000 done, 2 failed"."""
        words = f"{self.over} of {self.total} done"
        words += f", {self.failed} failed" if self.failed else ""
        return words + (f", {self.cancelled} cancelled" if self.cancelled else "")


def totals(parent: int) -> Totals:
    """Counts the children of a batch by state."""
    rows = Job.objects.filter(parent=parent).order_by().values_list("state").annotate(count=Count("pk"))
    return Totals(**dict(rows))


def roll_up(parent: int) -> bool:
    """Write the progress of a batch, and its end if all children are over; returns whether it is over.

    Called after the end of a child is committed, so that of children that end at the same moment the last one sees
    the ends of the others.
    """
    row = Job.objects.filter(pk=parent, is_batch=True, state__in=OPEN)
    found = totals(parent)
    if found.over < found.total or not found.total:
        begun = State.RUNNING if found.running or found.over else State.QUEUED
        told = {"state": begun, "progress": found.over / (found.total or 1), "message": found.words}
        row.exclude(**told).update(**told)  # an unchanged row is not written
        if begun == State.RUNNING:
            row.filter(started=None).update(started=timezone.now())
        return False
    ended = {"progress": 1.0, "message": found.words, "finished": timezone.now()}
    if found.failed:
        sentence = f"{found.failed} of {found.total} jobs failed; each says why"
        row.update(state=State.FAILED, problem_code="batch", problem_message=sentence, **ended)
    else:
        row.update(state=State.CANCELLED if found.cancelled else State.SUCCEEDED, **ended)
    return True
