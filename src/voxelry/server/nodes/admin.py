"""Nodes, their rules, deliveries and storage commitments in the admin, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from voxelry.server.access.admin import ForAdministrators
from voxelry.server.access.admin_search import BoundedPaginator
from voxelry.server.access.authentication import asking
from voxelry.server.nodes.deliveries import cancel_waiting, retry_failed
from voxelry.server.nodes.models import Commitment, Delivery, ForwardingRule, Node
from voxelry.server.nodes.node_changes import send_what_waits
from voxelry.server.nodes.node_values import NodeFieldsError, NodeValues, checked
from voxelry.server.nodes.rule_changes import RuleValues, checked_rule

# Django's classes take no type parameter at run time.
if TYPE_CHECKING:
    _NodeForm = forms.ModelForm[Node]
    _RuleForm = forms.ModelForm[ForwardingRule]
    _Admin = admin.ModelAdmin[Any]
else:
    _NodeForm = _RuleForm = forms.ModelForm
    _Admin = admin.ModelAdmin


class NodeForm(_NodeForm):
    """The fields of a node, checked as those of the REST API and the terminal are."""

    certificate = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="SHA-256 of the certificate that it shows when it calls, or the certificate (PEM). If it is given, "
        "only who shows this certificate is this node, from any address.",
    )

    def clean(self) -> dict[str, Any]:
        """Put the checked values in place of those that were written."""
        written: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return written
        fields = {name: written[name] for name in NodeValues.__dataclass_fields__}
        try:
            values = checked(NodeValues(**fields), key=self.instance.pk)
        except NodeFieldsError as error:
            for one in error.problems:
                self.add_error(one.field, one.words)
            return written
        return {**written, **{name: getattr(values, name) for name in fields}}


class RuleForm(_RuleForm):
    """The fields of a forwarding rule, checked as those of the REST API are."""

    def clean(self) -> dict[str, Any]:
        """Put the checked values in place of those that were written."""
        written: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return written
        brings = written["from_node"]
        values = RuleValues(
            written["name"],
            written["modalities"].split(","),
            written["description"],
            None if brings is None else brings.pk,
            written["is_enabled"],
        )
        try:
            values = checked_rule(written["node"], values)
        except NodeFieldsError as error:
            for one in error.problems:
                self.add_error(one.field, one.words)
            return written
        return {
            **written,
            "name": values.name,
            "modalities": ", ".join(values.modalities),
            "description": values.description,
        }


@admin.register(Node)
class NodeAdmin(ForAdministrators, _Admin):
    """Who may talk to this site, and where this site calls. A node stays in its project."""

    form = NodeForm
    list_display = [
        "name", "project", "ae_title", "host", "port", "tls", "may_store", "may_find", "may_retrieve", "is_enabled",
    ]  # fmt: skip
    list_filter = ["project", "is_enabled"]
    list_select_related = ["project"]
    search_fields = ["name", "ae_title", "host"]
    autocomplete_fields = ["project"]
    fieldsets = [
        (None, {"fields": ["name", "project", "is_enabled"]}),
        ("Who it is", {"fields": ["ae_title", "calls_from", "certificate"]}),
        ("Where it listens", {"fields": ["host", "port", "tls", "retrieves_by"]}),
        ("What it may do", {"fields": ["may_store", "may_find", "may_retrieve"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Node | None = None) -> list[str]:
        return [] if obj is None else ["project"]

    def save_model(self, request: HttpRequest, obj: Node, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            send_what_waits(obj)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """The chosen nodes. Their deliveries go with them, and are not listed: they may be many thousands."""
        rows = list(objs)
        return [str(row) for row in rows], {str(self.opts.verbose_name_plural): len(rows)}, set(), []


@admin.register(ForwardingRule)
class ForwardingRuleAdmin(ForAdministrators, _Admin):
    """What is sent on as it arrives."""

    form = RuleForm
    list_display = ["name", "node", "modalities", "description", "from_node", "is_enabled", "created"]
    list_filter = ["node", "is_enabled"]
    list_select_related = ["node", "from_node"]
    search_fields = ["name", "node__name"]
    autocomplete_fields = ["node", "from_node"]

    def save_model(self, request: HttpRequest, obj: ForwardingRule, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            send_what_waits(obj.node)


class RowsOfJobsAdmin(ForAdministrators, _Admin):
    """Rows that jobs write, of which there may be many."""

    list_per_page = 100
    list_max_show_all = 100
    show_full_result_count = False
    paginator = BoundedPaginator
    ordering = ("-pk",)
    sortable_by: ClassVar[tuple[str, ...]] = ()

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Delivery)
class DeliveryAdmin(RowsOfJobsAdmin):
    """What is sent to nodes, and why it is not there yet."""

    list_display = ["__str__", "node", "rule", "state", "attempts", "problem_message", "created", "finished"]
    list_filter = ["node", "state"]
    list_select_related = ["node", "rule"]
    actions = ["retry_all", "cancel_all"]

    @admin.action(description="Retry all that failed or waits for the nodes of the selected", permissions=["view"])
    def retry_all(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Let what failed wait again, and try it at once."""
        for node in _nodes_of(queryset):
            if node.is_enabled and node.address is not None:
                retry_failed(node, asking(request))

    @admin.action(description="Cancel all that failed or waits for the nodes of the selected", permissions=["view"])
    def cancel_all(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Forget what failed and what waits."""
        for node in _nodes_of(queryset):
            cancel_waiting(node, asking(request))


@admin.register(Commitment)
class CommitmentAdmin(RowsOfJobsAdmin):
    """What nodes asked to be kept, and whether they were told that it is."""

    list_display = ["__str__", "node", "state", "attempts", "problem_message", "created", "finished"]
    list_filter = ["node", "state"]
    list_select_related = ["node"]


def _nodes_of(rows: QuerySet[Delivery]) -> list[Node]:
    return list(Node.objects.filter(pk__in=rows.order_by().values("node")))
