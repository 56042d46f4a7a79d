"""Batches: a parent row that runs as long as one of its children does."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count
from django.utils import timezone

from voxelry.server.jobs.models import Job, Json, State

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
    """Counts the children of a batch by state; those in the trash only if all of them are there."""
    rows = Job.objects.filter(parent=parent).order_by().values_list("in_trash", "state").annotate(count=Count("pk"))
    counted: dict[bool, dict[str, int]] = {}
    for in_trash, state, count in rows:
        counted.setdefault(in_trash, {})[state] = count
    return Totals(**(counted.get(False) or counted.get(True) or {}))


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
    row.update(**_end(found), finished=timezone.now())
    return True


def tell_again(parent: int) -> None:
    """Write the row of a batch whose children moved to the trash or back."""
    found = totals(parent)
    if found.total and found.over == found.total:
        Job.objects.filter(pk=parent, is_batch=True).exclude(state__in=OPEN).update(**_end(found))
    roll_up(parent)


def _end(found: Totals) -> dict[str, Json]:
    told = {"progress": 1.0, "message": found.words, "problem_code": "", "problem_message": ""}
    if found.failed:
        sentence = f"{found.failed} of {found.total} jobs failed; each says why"
        return {**told, "state": State.FAILED, "problem_code": "batch", "problem_message": sentence}
    return {**told, "state": State.CANCELLED if found.cancelled else State.SUCCEEDED}
