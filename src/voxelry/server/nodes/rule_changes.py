"""Forwarding rules are added, changed and removed by administrators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from django.db import IntegrityError, transaction

from voxelry.core.errors import VoxelryError
from voxelry.server.access.grants import Grants, as_site
from voxelry.server.nodes import node_queries
from voxelry.server.nodes.models import ForwardingRule, Node
from voxelry.server.nodes.node_changes import send_what_waits
from voxelry.server.nodes.node_values import FieldProblem, NodeFieldsError

MOST_MODALITIES = 200
"""Characters of all modalities of a rule, with commas."""


class NoRuleError(VoxelryError):
    """The node has no such rule."""

    code: ClassVar[str] = "not_found"


@dataclass(frozen=True, slots=True)
class RuleValues:
    """The fields of a `ForwardingRule` that people write; ``from_node`` is a key."""

    name: str
    modalities: Sequence[str] = ()
    description: str = ""
    from_node: int | None = None
    is_enabled: bool = True

    @classmethod
    def of(cls, rule: ForwardingRule) -> RuleValues:
        """Those of a row."""
        return cls(rule.name, modalities_of(rule), rule.description, rule.from_node_id, rule.is_enabled)


def modalities_of(rule: ForwardingRule) -> tuple[str, ...]:
    """The modalities that a rule names; none for all."""
    return tuple(part.strip().upper() for part in rule.modalities.split(",") if part.strip())


def rule_for(who: Grants, node: Node, key: int) -> ForwardingRule:
    """A rule of a node.

    Raises
    ------
    NoRuleError
        If it has none of this key.
    """
    row = node_queries.forwarding_rules(who).select_related("node", "from_node").filter(node=node, pk=key).first()
    if row is None:
        raise NoRuleError(f"The node {node.name} has no rule {key}.")
    return row


def add_rule(who: Grants, node: Node, values: RuleValues) -> ForwardingRule:
    """Add a rule to a node.

    Raises
    ------
    RoleError
        If they are no administrator.
    NodeFieldsError
        If the values are wrong.
    """
    who.require_everything()
    return _stored(ForwardingRule(node=node), values)


def change_rule(who: Grants, rule: ForwardingRule, **changes: object) -> ForwardingRule:
    """Change some fields of a rule, by the names in `RuleValues`.

    Raises
    ------
    RoleError, NodeFieldsError
        As `add_rule`.
    """
    who.require_everything()
    return _stored(rule, replace(RuleValues.of(rule), **changes))  # type: ignore[arg-type]


def remove_rule(who: Grants, rule: ForwardingRule) -> None:
    """Remove a rule; what waits by it is sent nevertheless.

    Raises
    ------
    RoleError
        If they are no administrator.
    """
    who.require_everything()
    with transaction.atomic():
        node = rule.node
        rule.delete()
        send_what_waits(node)


def checked_rule(node: Node, values: RuleValues) -> RuleValues:
    """The values as a row of a node's rule holds them: without spaces around, each modality once.

    Raises
    ------
    NodeFieldsError
        If a field holds what it may not.
    """
    modalities = tuple(dict.fromkeys(one.strip().upper() for one in values.modalities if one.strip()))
    problems = []
    if not values.name.strip():
        problems.append(FieldProblem("name", "is empty; write a name, such as CT to the archive"))
    if len(", ".join(modalities)) > MOST_MODALITIES:
        problems.append(FieldProblem("modalities", f"have more than {MOST_MODALITIES} characters; write fewer"))
    here = node_queries.nodes(as_site()).filter(project=node.project_id).exclude(pk=node.pk)
    if values.from_node is not None and not here.filter(pk=values.from_node).exists():
        words = "is no other node of this project; choose the node that brings what is sent on, or none for all"
        problems.append(FieldProblem("from_node", words))
    if problems:
        raise NodeFieldsError(tuple(problems))
    return replace(values, name=values.name.strip(), modalities=modalities, description=values.description.strip())


def _stored(rule: ForwardingRule, values: RuleValues) -> ForwardingRule:
    clean = checked_rule(rule.node, values)
    rule.name, rule.modalities, rule.description = clean.name, ", ".join(clean.modalities), clean.description
    rule.from_node_id, rule.is_enabled = clean.from_node, clean.is_enabled
    try:
        with transaction.atomic():
            rule.save()
            send_what_waits(rule.node)
    except IntegrityError:
        raise NodeFieldsError(
            (FieldProblem("name", "another rule of this node has this name; choose another"),)
        ) from None
    return rule
