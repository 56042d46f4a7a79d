"""What a node's association request is answered: the presentation contexts, by the node's rights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from pydicom.uid import UID

from voxelry.network.command_set import CommandField
from voxelry.network.contexts import Acceptance, ContextResult, Proposal, Requested, Roles
from voxelry.network.service_uids import PLAIN_SYNTAXES, PUSH_MODEL, VERIFICATION
from voxelry.network.storage_classes import is_conformant_uid, is_storage
from voxelry.server.dimse.find_identifier import agreed_options
from voxelry.server.nodes.models import Node

FINDING: Final = frozenset(f"1.2.840.10008.5.1.4.1.2.{root}.1" for root in (1, 2, 3))
MOVING: Final = frozenset(f"1.2.840.10008.5.1.4.1.2.{root}.2" for root in (1, 2, 3))
GETTING: Final = frozenset(f"1.2.840.10008.5.1.4.1.2.{root}.3" for root in (1, 2, 3))
"""Patient Root, Study Root and (retired) Patient/Study Only."""

_ASKED_IN: Mapping[CommandField, frozenset[str]] = MappingProxyType(
    {
        CommandField.C_ECHO_RQ: frozenset({VERIFICATION}),
        CommandField.C_FIND_RQ: FINDING,
        CommandField.C_MOVE_RQ: MOVING,
        CommandField.C_GET_RQ: GETTING,
        CommandField.N_ACTION_RQ: frozenset({PUSH_MODEL}),
    }
)
_SYNTAX_ROOT = "1.2.840.10008.1.2"
_NO_DATA_SETS = ("1.2.840.10008.1.2.6.", "1.2.840.10008.1.2.7.")
"""Transfer syntaxes of mail, XML and live video: no data set is encoded in them."""


def is_known_syntax(transfer_syntax: str) -> bool:
    """Whether data sets in a transfer syntax can be kept."""
    if transfer_syntax.startswith(_NO_DATA_SETS) or not transfer_syntax.startswith(_SYNTAX_ROOT):
        return False
    if not is_conformant_uid(transfer_syntax):
        return False
    uid = UID(transfer_syntax)
    return bool(uid.keyword) and uid.type == "Transfer Syntax"


def is_asked_in(field: CommandField, abstract_syntax: str) -> bool:
    """Whether a kind of request belongs to the service of an abstract syntax."""
    if field is CommandField.C_STORE_RQ:
        return is_storage(abstract_syntax)
    return abstract_syntax in _ASKED_IN.get(field, ())


def accepted_contexts(requested: Requested, node: Node) -> Acceptance:
    """What is accepted of the contexts and roles that a node proposes."""
    results, roles = {}, {}
    for context_id, proposal in requested.proposals.items():
        role = _granted_role(proposal.abstract_syntax, requested, node)
        results[context_id] = _result(proposal, role)
        if proposal.abstract_syntax in requested.roles:
            roles[proposal.abstract_syntax] = role or Roles(scu=False, scp=False)
    extended = {uid: agreed_options(content) for uid, content in requested.extended.items() if uid in FINDING}
    return Acceptance(results, roles, extended)


def _granted_role(abstract_syntax: str, requested: Requested, node: Node) -> Roles | None:
    """The roles of the requestor; None if no service is known for the abstract syntax."""
    asked = requested.roles.get(abstract_syntax, Roles(scu=True, scp=False))
    if is_storage(abstract_syntax):
        return Roles(scu=asked.scu and node.may_store, scp=asked.scp and node.may_retrieve)
    if abstract_syntax == VERIFICATION:
        may = True
    elif abstract_syntax in FINDING:
        may = node.may_find
    elif abstract_syntax in MOVING or abstract_syntax in GETTING:
        may = node.may_retrieve
    elif abstract_syntax == PUSH_MODEL:
        may = node.may_store
    else:
        return None
    return Roles(scu=asked.scu and may, scp=False)


def _result(proposal: Proposal, role: Roles | None) -> tuple[ContextResult, str]:
    if role is None:
        return ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED, ""
    if not role.scu and not role.scp:
        return ContextResult.USER_REJECTION, ""
    syntax = _chosen(proposal.transfer_syntaxes, is_data=is_storage(proposal.abstract_syntax))
    if syntax is None:
        return ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, ""
    return ContextResult.ACCEPTED, syntax


def _chosen(syntaxes: Sequence[str], *, is_data: bool) -> str | None:
    """For instances the first of the proposer that is known, because they are kept as they come."""
    if is_data:
        return next(filter(is_known_syntax, syntaxes), None)
    return next((syntax for syntax in PLAIN_SYNTAXES if syntax in syntaxes), None)
