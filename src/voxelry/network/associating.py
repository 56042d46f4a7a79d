"""Associations are made: asked of another node, or accepted from one (PS3.8 7.1, 9.2)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from types import MappingProxyType

from voxelry.network.association import OUR_MOST_BYTES, USUAL_WAITS, Association, Waits
from voxelry.network.contexts import (
    APPLICATION_CONTEXT_NOT_SUPPORTED,
    PROTOCOL_VERSION_NOT_SUPPORTED,
    Acceptance,
    Proposal,
    Rejection,
    Requested,
    Roles,
    accepted_by_acceptor,
    accepted_by_requestor,
    numbered_contexts,
)
from voxelry.network.failures import (
    AbortedError,
    ConnectionFailedError,
    NetworkError,
    NoContextError,
    ProtocolError,
    RejectedError,
    TimedOutError,
)
from voxelry.network.negotiation_pdus import (
    APPLICATION_CONTEXT,
    decoded_acceptance,
    decoded_request,
    encoded_acceptance,
    encoded_rejection,
    encoded_request,
)
from voxelry.network.pdu_stream import UNEXPECTED_PDU, PduStream, PduType
from voxelry.network.peer_address import PeerAddress

Decide = Callable[[Requested], Acceptance | Rejection]
NO_ROLES: Mapping[str, Roles] = MappingProxyType({})


def associate(
    peer: PeerAddress,
    proposals: Sequence[Proposal],
    *,
    calling: str,
    roles: Mapping[str, Roles] = NO_ROLES,
    extended: Mapping[str, bytes] = MappingProxyType({}),
    waits: Waits = USUAL_WAITS,
    tls: ssl.SSLContext | None = None,
) -> Association:
    """Ask a node for an association.

    Parameters
    ----------
    calling
        Our AE title.
    roles
        The roles that we want for abstract syntaxes in which we do not only request.
    tls
        How to speak TLS; it is used if the peer's address says so.

    Raises
    ------
    ConnectionFailedError, TimedOutError
        If the node cannot be reached.
    RejectedError
        If it rejects the association.
    NoContextError
        If it accepts none of the contexts.
    """
    stream = PduStream(_connected(peer, waits, tls), most_bytes=OUR_MOST_BYTES, seconds=waits.pdu)
    try:
        requested = Requested(calling, peer.title, numbered_contexts(proposals), roles, extended, OUR_MOST_BYTES)
        stream.write([encoded_request(requested)])
        kind, content = stream.read(seconds=waits.request)
        if kind is PduType.ASSOCIATE_RJ:
            raise RejectedError(content[1], content[2], content[3])
        if kind is PduType.ABORT:
            raise AbortedError(content[2], content[3])
        if kind is not PduType.ASSOCIATE_AC:
            raise ProtocolError("the node answered the association request by another PDU", reason=UNEXPECTED_PDU)
        accepted = decoded_acceptance(content)
    except BaseException as error:
        _give_up(stream, error)
        raise
    granted = {uid: role for uid, role in accepted.roles.items() if uid in roles}
    contexts = accepted_by_requestor(requested.proposals, accepted.results, granted)
    association = Association(
        stream,
        contexts=contexts,
        calling=calling,
        called=peer.title,
        most_bytes=accepted.most_bytes,
        waits=waits,
        extended=accepted.extended,
        implementation=accepted.implementation,
    )
    if not contexts:
        with suppress(NetworkError):
            association.release()
        raise NoContextError(f"{peer.title} accepts none of the {len(proposals)} presentation contexts that were asked")
    return association


def accept(
    connection: socket.socket,
    decide: Decide,
    *,
    waits: Waits = USUAL_WAITS,
    tls: ssl.SSLContext | None = None,
) -> Association | None:
    """Answer the association request on a connection that was made to us; None if it is rejected.

    Parameters
    ----------
    decide
        Says what is accepted.
    tls
        How to speak TLS; without it plain connections are expected.

    Raises
    ------
    NetworkError
        If nothing that can be read comes in time. The connection is closed.
    """
    address = _host_of(connection)
    certificate = ""
    if tls is not None:
        connection, certificate = _with_tls(connection, tls, waits)
    stream = PduStream(connection, most_bytes=OUR_MOST_BYTES, seconds=waits.request)
    try:
        kind, content = stream.read(seconds=waits.request)
        if kind is PduType.ABORT:
            raise AbortedError(content[2], content[3])
        if kind is not PduType.ASSOCIATE_RQ:
            raise ProtocolError("the first PDU is no association request", reason=UNEXPECTED_PDU)
        requested, application, version = decoded_request(content, address=address, certificate=certificate)
        if not version & 1:
            answer: Acceptance | Rejection = PROTOCOL_VERSION_NOT_SUPPORTED
        elif application != APPLICATION_CONTEXT:
            answer = APPLICATION_CONTEXT_NOT_SUPPORTED
        else:
            answer = decide(requested)
        if isinstance(answer, Rejection):
            stream.write([encoded_rejection(answer)])
            stream.has_input(min(waits.request, 1.0))  # the requestor closes; a reset would take the answer away
            stream.close()
            return None
        stream.write([encoded_acceptance(requested, answer, most_bytes=OUR_MOST_BYTES)])
    except BaseException as error:
        _give_up(stream, error)
        raise
    stream.seconds = waits.pdu
    return Association(
        stream,
        contexts=accepted_by_acceptor(requested, answer),
        calling=requested.calling,
        called=requested.called,
        most_bytes=requested.most_bytes,
        waits=waits,
        extended=requested.extended,
        implementation=requested.implementation,
    )


def _connected(peer: PeerAddress, waits: Waits, tls: ssl.SSLContext | None) -> socket.socket:
    if peer.tls and tls is None:
        raise ConnectionFailedError(f"{peer}: TLS is asked for, and no certificate is configured for it")
    try:
        connection = socket.create_connection((peer.host, peer.port), timeout=waits.request)
    except TimeoutError as error:
        raise TimedOutError(f"{peer}: no connection within {waits.request:g} s") from error
    except OSError as error:
        raise ConnectionFailedError(f"{peer}: cannot be reached ({error.strerror or type(error).__name__})") from error
    if not peer.tls or tls is None:
        return connection
    try:
        return tls.wrap_socket(connection, server_hostname=peer.host)
    except (OSError, ValueError) as error:
        connection.close()
        why = error.reason if isinstance(error, ssl.SSLError) else type(error).__name__
        raise ConnectionFailedError(f"{peer}: TLS cannot be established ({why})") from error


def _with_tls(connection: socket.socket, tls: ssl.SSLContext, waits: Waits) -> tuple[ssl.SSLSocket, str]:
    try:
        connection.settimeout(waits.request)
        secured = tls.wrap_socket(connection, server_side=True)
        shown = secured.getpeercert(binary_form=True)
    except (OSError, ValueError) as error:
        connection.close()
        raise ConnectionFailedError("the node speaks no TLS, or shows no certificate that is trusted") from error
    return secured, "" if shown is None else sha256(shown).hexdigest()


def _host_of(connection: socket.socket) -> str:
    try:
        return str(connection.getpeername()[0])
    except (OSError, IndexError, TypeError):
        return ""


def _give_up(stream: PduStream, error: BaseException) -> None:
    if isinstance(error, ProtocolError):
        stream.abort(2, error.reason)
    elif isinstance(error, TimedOutError):
        stream.abort(0, 0)
    else:
        stream.close()
