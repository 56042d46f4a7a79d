"""Forgets what was sent long ago, and begins deliveries again that no job is about any more; done every hour."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from voxelry.server.access.grants import as_site
from voxelry.server.nodes import node_queries
from voxelry.server.nodes.delivery_request import deliver_soon
from voxelry.server.nodes.models import Delivery

KEPT_DAYS = 30
_ROWS = 5_000


def tidy_deliveries() -> None:
    """Remove rows of what was sent more than 30 days ago; a job that was cancelled or failed is begun again."""
    rows = node_queries.deliveries(as_site())
    old = rows.filter(state=Delivery.State.SENT, finished__lt=timezone.now() - timedelta(days=KEPT_DAYS))
    while keys := list(old.order_by("pk").values_list("pk", flat=True)[:_ROWS]):
        rows.filter(pk__in=keys).delete()
    for node in node_queries.nodes(as_site()).filter(is_enabled=True).exclude(host=""):
        with transaction.atomic():
            if rows.filter(node=node, state=Delivery.State.WAITING).exists():
                deliver_soon(node.pk, project=node.project_id)
