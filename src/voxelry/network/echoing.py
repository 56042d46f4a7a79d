"""C-ECHO as its user: whether a node answers, and which services it provides (PS3.4 Annex A)."""

from __future__ import annotations

import ssl
import time
from dataclasses import dataclass

from voxelry.network.associating import associate
from voxelry.network.association import USUAL_WAITS, Association, Waits
from voxelry.network.command_set import Command, CommandField
from voxelry.network.contexts import Proposal
from voxelry.network.failures import FailureStatusError, NoContextError
from voxelry.network.peer_address import PeerAddress
from voxelry.network.service_uids import (
    PLAIN_SYNTAXES,
    PUSH_MODEL,
    STUDY_ROOT_FIND,
    STUDY_ROOT_GET,
    STUDY_ROOT_MOVE,
    VERIFICATION,
)

_SERVICES = {
    "1.2.840.10008.5.1.4.1.1.2": "C-STORE",  # of CT images
    STUDY_ROOT_FIND: "C-FIND",
    STUDY_ROOT_MOVE: "C-MOVE",
    STUDY_ROOT_GET: "C-GET",
    PUSH_MODEL: "storage commitment",
}


@dataclass(frozen=True, slots=True)
class EchoReport:
    """A node that answered.

    Attributes
    ----------
    implementation
        The name of its implementation's version; empty if it says none.
    services
        Those that it provides to us: C-STORE (of CT images), C-FIND, C-MOVE, C-GET (study root), storage commitment.
    seconds
        From the connection to the answer.
    """

    peer: PeerAddress
    implementation: str
    services: tuple[str, ...]
    seconds: float


def echo(
    peer: PeerAddress, *, calling: str, waits: Waits = USUAL_WAITS, tls: ssl.SSLContext | None = None
) -> EchoReport:
    """Ask a node whether it answers.

    Raises
    ------
    NetworkError
        If it does not: it cannot be reached, rejects the association, provides no C-ECHO or answers with a failure.
    """
    began = time.monotonic()
    proposals = [Proposal(uid, PLAIN_SYNTAXES) for uid in (VERIFICATION, *_SERVICES)]
    with associate(peer, proposals, calling=calling, waits=waits, tls=tls) as association:
        require_echo(association)
        seconds = time.monotonic() - began
        services = tuple(name for uid, name in _SERVICES.items() if association.context_of(uid) is not None)
        return EchoReport(peer, association.implementation, services, seconds)


def require_echo(association: Association) -> None:
    """Send a C-ECHO-RQ.

    Raises
    ------
    NetworkError
        If the node does not provide it, or answers with a failure.
    """
    context = association.context_of(VERIFICATION)
    if context is None:
        raise NoContextError(f"{association.called} accepts the association, but no C-ECHO in it")
    message_id = association.new_message_id()
    association.send(Command(CommandField.C_ECHO_RQ, message_id=message_id, sop_class=VERIFICATION), context)
    answer = association.response(message_id).command
    if answer.status:
        raise FailureStatusError("the C-ECHO", answer.status, comment=answer.error_comment)
