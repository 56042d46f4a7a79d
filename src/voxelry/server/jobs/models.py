"""The row that is the truth of a job."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class State(models.TextChoices):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(models.Model):
    """One piece of work on one subject.

    ``kind`` says which handler does it, ``subject`` is the key of the row that it is about. While it runs it
    is leased to ``owner`` until ``lease_until``; who no longer holds the lease may write nothing.
    """

    kind = models.CharField(max_length=20, db_index=True)
    subject = models.PositiveBigIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    progress = models.FloatField(default=0.0)
    message = models.CharField(max_length=300, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    owner = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    dispatched = models.DateTimeField(null=True, blank=True, help_text="When its key was last given to the broker.")
    cancel_requested = models.BooleanField(default=False)
    problem_code = models.CharField(max_length=50, blank=True)
    problem_message = models.TextField(blank=True)
    trace = models.TextField(blank=True, help_text="Where it failed: files and lines, never values.")

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "dispatched"]), models.Index(fields=["kind", "subject"])]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="job_state_known"),
            models.CheckConstraint(condition=Q(progress__gte=0, progress__lte=1), name="job_progress_is_fraction"),
            models.CheckConstraint(
                condition=(Q(state=State.RUNNING) & Q(lease_until__isnull=False) & ~Q(owner=""))
                | (~Q(state=State.RUNNING) & Q(lease_until__isnull=True) & Q(owner="")),
                name="job_is_leased_while_running",
            ),
            models.CheckConstraint(
                condition=Q(state=State.FAILED) & ~Q(problem_code="") | ~Q(state=State.FAILED) & Q(problem_code=""),
                name="job_failed_has_problem",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[State.QUEUED, State.RUNNING], finished__isnull=True)
                | Q(state__in=[State.SUCCEEDED, State.FAILED, State.CANCELLED], finished__isnull=False),
                name="job_is_over_when_finished",
            ),
            # A second request while one waits adds nothing: the one that waits will see everything.
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=Q(state=State.QUEUED), name="job_queued_once_per_subject"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} job {self.pk}"

    @property
    def over(self) -> bool:
        """Whether it will not change any more by itself."""
        return self.state not in (State.QUEUED, State.RUNNING)
