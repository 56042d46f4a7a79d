"""The row of a job, which holds its state."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from voxelry.server.access.models import Project

Json = Any
"""A value of a JSON column; its shape depends on the kind of job."""


class State(models.TextChoices):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Queue(models.TextChoices):
    """The queue that a job waits in; a worker serves some queues."""

    INGEST = "ingest"
    CPU = "cpu", "CPU"
    GPU = "gpu", "GPU"


class Job(models.Model):
    """One piece of work on one subject, or a batch of them.

    ``kind`` names the functions that do it, ``subject`` is the key of the row that it is about (0: none). While it
    runs it is leased to ``owner``; an attempt without the lease may write nothing. ``lease_until`` changes with each
    renewal; a lease that does not change for its length is lost, whatever the clocks say.

    A batch is never claimed: it runs as long as one of its children does.
    """

    kind = models.CharField(max_length=50, db_index=True)
    subject = models.PositiveBigIntegerField(default=0)
    params = models.JSONField(default=dict, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    project = models.ForeignKey(
        Project,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="Empty: the site's own.",
    )
    in_trash = models.BooleanField(default=False, help_text="What it is about is in the trash.")
    queue = models.CharField(max_length=10, choices=Queue, default=Queue.CPU)
    priority = models.IntegerField(default=0, help_text="Higher goes first.")
    once = models.BooleanField(default=False, help_text="A second request while this one waits adds nothing.")
    is_batch = models.BooleanField(default=False)
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="children")
    time_limit_seconds = models.FloatField(null=True, blank=True, help_text="Empty: the configuration's.")
    memory_limit_bytes = models.PositiveBigIntegerField(null=True, blank=True, help_text="Empty: the configuration's.")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    progress = models.FloatField(default=0.0)
    message = models.CharField(max_length=300, blank=True)
    log = models.JSONField(default=list, blank=True, help_text="Lines of the run: when, and what.")
    result = models.JSONField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    not_before = models.DateTimeField(null=True, blank=True, help_text="Waits until then for more of its kind.")
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    owner = models.CharField(max_length=200, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    cancel_requested = models.BooleanField(default=False)
    problem_code = models.CharField(max_length=50, blank=True)
    problem_message = models.TextField(blank=True)
    trace = models.TextField(blank=True, help_text="Where it failed: files and lines, never values.")

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["state"]),
            models.Index(fields=["kind", "subject"]),
            models.Index(fields=["parent", "state"]),
            models.Index(fields=["project", "-id"], name="job_by_project"),
            models.Index(fields=["queue", "-id"], name="job_by_queue"),
            models.Index(fields=["-id"], condition=Q(is_batch=True), name="job_that_is_batch"),
            # In the order of claiming; holds queued rows only.
            models.Index(
                fields=["-priority", "id", "queue"], condition=Q(state="queued", is_batch=False), name="job_claim"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="job_state_known"),
            models.CheckConstraint(condition=Q(queue__in=Queue.values), name="job_queue_known"),
            models.CheckConstraint(condition=Q(progress__gte=0, progress__lte=1), name="job_progress_is_fraction"),
            models.CheckConstraint(
                condition=(Q(state=State.RUNNING, is_batch=False, lease_until__isnull=False) & ~Q(owner=""))
                | ((~Q(state=State.RUNNING) | Q(is_batch=True)) & Q(lease_until__isnull=True) & Q(owner="")),
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
            # A second request while one waits adds nothing: the waiting job will read the newest rows.
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=Q(state=State.QUEUED, once=True),
                name="job_queued_once_per_subject",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {'batch' if self.is_batch else 'job'} {self.pk}"

    @property
    def over(self) -> bool:
        """Whether the job has ended: succeeded, failed or cancelled."""
        return self.state not in (State.QUEUED, State.RUNNING)
