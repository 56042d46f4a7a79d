"""Jobs in the admin: they can be cancelled and retried, not edited."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from voxelry.server.access.admin_rows import ChoiceFilter, ProjectFilter, ProjectRowsAdmin
from voxelry.server.access.admin_search import number_in
from voxelry.server.access.authentication import asking
from voxelry.server.access.grants import Grants, RoleError
from voxelry.server.access.models import Role
from voxelry.server.jobs import batches, job_kinds, job_queries
from voxelry.server.jobs.models import Job, Queue, State
from voxelry.server.jobs.submit import JobStateError, cancel, retry


class StateFilter(ChoiceFilter):
    """Jobs in one state."""

    title = "state"
    parameter_name = field = "state"
    choices_offered = tuple((str(value), str(label)) for value, label in State.choices)


class QueueFilter(ChoiceFilter):
    """Jobs of one queue."""

    title = "queue"
    parameter_name = field = "queue"
    choices_offered = tuple((str(value), str(label)) for value, label in Queue.choices)


class BatchFilter(ChoiceFilter):
    """Batches, or single jobs."""

    title = "batch"
    parameter_name = "is_batch"
    choices_offered = (("1", "yes"), ("0", "no"))

    def chosen(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(is_batch=value == "1")


class KindFilter(admin.SimpleListFilter):
    """Jobs of one of the kinds that the site knows."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The known kinds."""
        return [(kind, kind) for kind in job_kinds.known()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the chosen kind."""
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Job)
class JobAdmin(ProjectRowsAdmin):
    """The state of each job and, for staff, where it failed."""

    list_display = [
        "__str__", "project", "subject", "state", "percent", "message", "queue", "priority", "requested_by", "attempts",
        "created", "finished",
    ]  # fmt: skip
    list_filter = [ProjectFilter, StateFilter, KindFilter, QueueFilter, BatchFilter]
    list_select_related = ["requested_by", "project"]
    list_links = ("parent",)
    search_help_text = (
        "The number of a job, of its batch or of its subject; or words of the message or the problem, "
        "in the latest 10,000 jobs."
    )
    actions = ["cancel_selected", "retry_selected"]
    fieldsets = [
        (None, {"fields": ["kind", "project", "subject", "shown_params", "requested_by", "parent", "shown_totals"]}),
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

    def visible(self, who: Grants, *, least: Role = Role.VIEWER) -> QuerySet[Job]:
        return job_queries.jobs(who)

    def found(self, rows: QuerySet[Any], text: str, request: HttpRequest) -> QuerySet[Any]:
        key = number_in(text)
        if key is not None:
            return rows.filter(Q(pk=key) | Q(parent=key) | Q(subject=key))
        return self.among_latest(rows, ["message", "problem_code", "problem_message"], text, request)

    @admin.display(description="progress")
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
        """Queue the jobs again with the same input, in the name of who asks now."""

        def again(key: int) -> Job:
            job = queryset.get(pk=key)
            kind = job_kinds.find(job.kind)
            if kind is not None and kind.require is not None:
                kind.require(job, asking(request))
            return retry(key, requested_by=cast(User, request.user))

        self._each(request, queryset, again)

    def _each(self, request: HttpRequest, queryset: QuerySet[Job], act: Callable[[int], Job]) -> None:
        done = 0
        for job in queryset:
            try:
                asking(request).require(job_kinds.role_of(job.kind), job.project_id)
                act(job.pk)
                done += 1
            except (JobStateError, RoleError) as error:
                self.message_user(request, str(error), messages.WARNING)
        if done:
            self.message_user(request, f"{done} done.")
