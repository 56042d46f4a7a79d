"""Jobs in the admin: they can be cancelled and retried, not edited."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from voxelry.server.jobs import batches
from voxelry.server.jobs.models import Job
from voxelry.server.jobs.submit import JobStateError, cancel, retry

# Django's own class takes no type parameter when it runs.
if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Job]
else:
    _Admin = admin.ModelAdmin


@admin.register(Job)
class JobAdmin(_Admin):
    """The state of each job and, for staff, where it failed."""

    list_display = [
        "__str__", "subject", "state", "percent", "message", "queue", "priority", "requested_by", "attempts", "created",
        "finished",
    ]  # fmt: skip
    list_filter = ["state", "kind", "queue", "is_batch"]
    list_select_related = ["requested_by"]
    search_fields = ["message", "problem_code", "problem_message", "=subject", "=id", "=parent__id"]
    actions = ["cancel_selected", "retry_selected"]
    fieldsets = [
        (None, {"fields": ["kind", "subject", "shown_params", "requested_by", "parent", "shown_totals"]}),
        ("State", {"fields": ["state", "progress", "message", "problem_code", "problem_message", "shown_result"]}),
        ("Times", {"fields": ["created", "started", "finished", "attempts", "cancel_requested"]}),
        ("Place", {"fields": ["queue", "priority", "once", "is_batch", "owner", "lease_until"]}),
        ("Limits", {"fields": ["time_limit_seconds", "memory_limit_bytes"]}),
        ("For the staff", {"fields": ["shown_log", "trace"]}),
    ]
    readonly_fields = [
        *(field.name for field in Job._meta.get_fields() if field.concrete),  # noqa: SLF001
        "shown_params", "shown_totals", "shown_result", "shown_log",
    ]  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    @admin.display(description="progress", ordering="progress")
    def percent(self, job: Job) -> str:
        """Progress in whole percent."""
        return f"{job.progress:.0%}"

    @admin.display(description="parameters")
    def shown_params(self, job: Job) -> str:
        """The parameters as JSON."""
        return json.dumps(job.params, indent=2)

    @admin.display(description="result")
    def shown_result(self, job: Job) -> str:
        """The result as JSON; empty if there is none."""
        return "" if job.result is None else json.dumps(job.result, indent=2)

    @admin.display(description="jobs of the batch")
    def shown_totals(self, job: Job) -> str:
        """The counts of a batch in words; empty for a single job."""
        return batches.totals(job.pk).words if job.is_batch else ""

    @admin.display(description="log")
    def shown_log(self, job: Job) -> str:
        """One line for each entry."""
        return "\n".join(f"{when}  {words}" for when, words in job.log)

    @admin.action(description="Cancel the selected jobs")
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Cancel queued jobs at once and running ones at their next step."""
        self._each(request, queryset, cancel)

    @admin.action(description="Retry the selected jobs")
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        """Queue the jobs again with the same input."""
        self._each(request, queryset, retry)

    def _each(self, request: HttpRequest, queryset: QuerySet[Job], act: Callable[[int], Job]) -> None:
        done = 0
        for key in queryset.values_list("pk", flat=True):
            try:
                act(key)
                done += 1
            except JobStateError as error:
                self.message_user(request, str(error), messages.WARNING)
        if done:
            self.message_user(request, f"{done} done.")
