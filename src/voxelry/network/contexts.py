"""Presentation contexts and roles (PS3.8 9.3.2, 7.1.1.13 to 7.1.1.15; PS3.7 D.3.3.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType

MOST_CONTEXTS = 128
"""Contexts of one association: their IDs are the odd numbers below 256."""


class ContextResult(IntEnum):
    """What an acceptor says of a proposed context."""

    ACCEPTED = 0
    USER_REJECTION = 1
    NO_REASON = 2
    ABSTRACT_SYNTAX_NOT_SUPPORTED = 3
    TRANSFER_SYNTAXES_NOT_SUPPORTED = 4


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed context: an abstract syntax, and transfer syntaxes of which the acceptor takes one."""

    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of the association's requestor for an abstract syntax (SCP/SCU Role Selection)."""

    scu: bool
    scp: bool


@dataclass(frozen=True, slots=True)
class Context:
    """An accepted context.

    Attributes
    ----------
    we_request, we_perform
        Whether we may be the user of its service, and its provider.
    """

    context_id: int
    abstract_syntax: str
    transfer_syntax: str
    we_request: bool
    we_perform: bool


@dataclass(frozen=True, slots=True)
class Requested:
    """What a requestor asks for, as its A-ASSOCIATE-RQ says.

    Attributes
    ----------
    proposals
        By the context's ID.
    most_bytes
        The longest P-DATA-TF PDU that it takes; 0 for any.
    extended
        The information of SOP Class Extended Negotiation by the class.
    address
        The address that the connection comes from.
    certificate
        The SHA-256 of the certificate that it showed in the TLS handshake, in hexadecimal digits; empty if none.
    """

    calling: str
    called: str
    proposals: Mapping[int, Proposal]
    roles: Mapping[str, Roles] = field(default_factory=lambda: MappingProxyType({}))
    extended: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    most_bytes: int = 0
    implementation: str = ""
    address: str = ""
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What an acceptor answers.

    Attributes
    ----------
    results
        By the context's ID: the result, and the transfer syntax of an accepted one.
    roles
        The roles of the requestor that are granted, for the abstract syntaxes that it named roles of.
    extended
        Answers of SOP Class Extended Negotiation.
    """

    results: Mapping[int, tuple[ContextResult, str]]
    roles: Mapping[str, Roles] = field(default_factory=lambda: MappingProxyType({}))
    extended: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Rejection:
    """The numbers of an A-ASSOCIATE-RJ (PS3.8 9.3.4)."""

    result: int
    source: int
    reason: int


CALLING_NOT_RECOGNISED = Rejection(1, 1, 3)
CALLED_NOT_RECOGNISED = Rejection(1, 1, 7)
APPLICATION_CONTEXT_NOT_SUPPORTED = Rejection(1, 1, 2)
PROTOCOL_VERSION_NOT_SUPPORTED = Rejection(1, 2, 2)
LOCAL_LIMIT_EXCEEDED = Rejection(2, 3, 2)
CONGESTION = Rejection(2, 3, 1)


def accepted_by_acceptor(requested: Requested, acceptance: Acceptance) -> dict[int, Context]:
    """The contexts of an association that we accept, by their IDs."""
    found = {}
    for context_id, (result, syntax) in acceptance.results.items():
        if result is ContextResult.ACCEPTED:
            abstract = requested.proposals[context_id].abstract_syntax
            roles = acceptance.roles.get(abstract, Roles(scu=True, scp=False))
            found[context_id] = Context(context_id, abstract, syntax, we_request=roles.scp, we_perform=roles.scu)
    return found


def accepted_by_requestor(
    proposals: Mapping[int, Proposal], results: Mapping[int, tuple[int, str]], roles: Mapping[str, Roles]
) -> dict[int, Context]:
    """The contexts of an association that we asked for, by their IDs."""
    found = {}
    for context_id, (result, syntax) in results.items():
        proposal = proposals.get(context_id)
        if proposal is not None and result == ContextResult.ACCEPTED and syntax in proposal.transfer_syntaxes:
            own = roles.get(proposal.abstract_syntax, Roles(scu=True, scp=False))
            found[context_id] = Context(
                context_id, proposal.abstract_syntax, syntax, we_request=own.scu, we_perform=own.scp
            )
    return found


def numbered_contexts(proposals: Sequence[Proposal]) -> dict[int, Proposal]:
    """The proposals by their IDs: odd numbers from 1.

    Raises
    ------
    ValueError
        If they are more than one association has.
    """
    if len(proposals) > MOST_CONTEXTS:
        raise ValueError(f"{len(proposals)} contexts, and an association has {MOST_CONTEXTS} at most")
    return {2 * position + 1: proposal for position, proposal in enumerate(proposals)}
