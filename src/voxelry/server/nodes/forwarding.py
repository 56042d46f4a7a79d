"""What arrives in a project and is like a forwarding rule is to be sent to the rule's node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from django.db import connection
from django.utils import timezone

from voxelry.server.access.grants import as_site
from voxelry.server.archive.models import Instance, Series, Upload
from voxelry.server.archive.terms.attribute_matching import match_of
from voxelry.server.nodes import node_queries
from voxelry.server.nodes.delivery_request import deliver_soon
from voxelry.server.nodes.models import Delivery, ForwardingRule
from voxelry.server.nodes.rule_changes import modalities_of

ROWS = 500
RESET = ("rule", "state", "attempts", "problem_code", "problem_message", "created", "finished")
"""The columns of a delivery that begins again."""
# Asked for each batch of files that arrives: Django would take longer to write this than the database to answer it.
_ANY = """
SELECT 1 FROM nodes_forwardingrule r JOIN nodes_node n ON n.id = r.node_id
WHERE n.project_id = %s AND r.is_enabled AND n.is_enabled LIMIT 1
"""


def forward(upload: Upload, instances: Sequence[Instance]) -> None:
    """Let new instances wait to be sent to the nodes whose rules they are like; called in their transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_ANY, [upload.project_id])
        if cursor.fetchone() is None:
            return
    rules = node_queries.forwarding_rules(as_site()).filter(
        node__project=upload.project_id, is_enabled=True, node__is_enabled=True
    )
    told: dict[tuple[int, int], Delivery] = {}
    for rule in rules.select_related("node", "from_node").order_by("pk"):
        if not _is_brought_for(rule, upload.node):
            continue
        series = {key for key, one in _series(instances) if is_like(rule, one)}
        for instance in instances:
            if instance.series_id in series:
                told.setdefault((rule.node_id, instance.pk), Delivery(node=rule.node, rule=rule, instance=instance))
    for node in sorted({node for node, _ in told}):
        deliver_soon(node, project=upload.project_id)  # before the rows, as the job locks them in this order
    add_deliveries(told.values())


def is_like(rule: ForwardingRule, series: Series) -> bool:
    """Whether a series has one of the rule's modalities, and it or its study a description as the rule says."""
    modalities = modalities_of(rule)
    if modalities and series.modality.upper() not in modalities:
        return False
    match = match_of("LO", rule.description.casefold())
    if match is None:
        return True
    return match.takes(series.description.casefold()) or match.takes(series.study.description.casefold())


def add_deliveries(rows: Iterable[Delivery]) -> None:
    """Write deliveries that wait; those of the same instances to the same nodes begin again. In a transaction."""
    rest, now = iter(rows), timezone.now()
    while some := list(islice(rest, ROWS)):
        for row in some:
            row.created = now
        node_queries.deliveries(as_site()).bulk_create(
            some, update_conflicts=True, unique_fields=["node", "instance"], update_fields=RESET
        )


def _is_brought_for(rule: ForwardingRule, brought_by: str) -> bool:
    """Whether the rule is for what a node brought, or nobody if it is empty. What a node brought is not sent back."""
    name = brought_by.casefold()
    if name and name == rule.node.name.casefold():
        return False
    return rule.from_node is None or rule.from_node.name.casefold() == name


def _series(instances: Sequence[Instance]) -> Iterable[tuple[int, Series]]:
    return {instance.series_id: instance.series for instance in instances}.items()
