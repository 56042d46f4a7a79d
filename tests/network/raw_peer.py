"""A peer that sends bytes as they are given, for what no proper one sends."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from voxelry.network.associating import Decide, accept
from voxelry.network.association import Association, Waits
from voxelry.network.command_set import Command, CommandField
from voxelry.network.contexts import Acceptance, ContextResult, Proposal, Requested
from voxelry.network.negotiation_pdus import encoded_request

VERIFICATION, IMPLICIT = "1.2.840.10008.1.1", "1.2.840.10008.1.2"
CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"
GUARD = 60.0
"""Nothing here takes so long, unless it hangs."""
PATIENT = Waits(request=GUARD, pdu=GUARD, answer=GUARD, idle=GUARD)


def request_pdu(
    proposals: Mapping[int, Proposal] | None = None, *, calling: str = "MODALITY", called: str = "VOXELRY"
) -> bytes:
    """An A-ASSOCIATE-RQ."""
    wanted = proposals or {1: Proposal(VERIFICATION, (IMPLICIT,)), 3: Proposal(CT, (EXPLICIT,))}
    return encoded_request(Requested(calling, called, wanted, most_bytes=16_384))


def pdu(kind: int, content: bytes, *, length: int | None = None) -> bytes:
    """A PDU, which may lie about its length."""
    return struct.pack(">BxI", kind, len(content) if length is None else length) + content


def fragment(content: bytes, flags: int, *, context: int = 1, length: int | None = None) -> bytes:
    """A presentation data value, which may lie about its length."""
    return struct.pack(">IBB", len(content) + 2 if length is None else length, context, flags) + content


def echo_command(number: int = 1) -> bytes:
    """A C-ECHO-RQ."""
    return Command(CommandField.C_ECHO_RQ, message_id=number, sop_class=VERIFICATION).encoded()


ECHO = pdu(4, fragment(echo_command(), 3))
RELEASE = pdu(5, bytes(4))
ABORT = pdu(7, bytes(4))


STORE = Command(
    CommandField.C_STORE_RQ, message_id=7, sop_class=CT, sop_instance="1.2.3", priority=0, has_data_set=True
).encoded()
STORE_BEGUN = pdu(4, fragment(STORE, 3, context=3)) + pdu(4, fragment(b"a" * 1000, 0, context=3))


class RawPeer:
    """A connection on which bytes are sent and read."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        connection.settimeout(GUARD)

    @classmethod
    def of(cls, port: int) -> RawPeer:
        """Connected to a port of this machine."""
        return cls(socket.create_connection(("127.0.0.1", port), timeout=GUARD))

    def __enter__(self) -> RawPeer:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def send(self, *parts: bytes) -> None:
        """Send bytes; a peer that has closed the connection meanwhile is no error."""
        try:
            for part in parts:
                self.connection.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            pass

    def read(self) -> tuple[int, bytes]:
        """The next PDU: its type and content; ``(0, b"")`` when the connection is over."""
        head = self._read(6)
        if len(head) < 6:
            return 0, b""
        kind, length = struct.unpack(">BxI", head)
        return kind, self._read(length)

    def kinds(self) -> list[int]:
        """The types of all PDUs until the connection is over."""
        found = []
        while (kind := self.read()[0]) != 0:
            found.append(kind)
        return found

    def _read(self, length: int) -> bytes:
        content = b""
        while len(content) < length:
            try:
                part = self.connection.recv(length - len(content))
            except ConnectionResetError:
                return b""
            if not part:
                return content
            content += part
        return content


def accept_all(requested: Requested) -> Acceptance:
    """Accept each context in its first transfer syntax."""
    return Acceptance(
        {
            number: (ContextResult.ACCEPTED, proposal.transfer_syntaxes[0])
            for number, proposal in requested.proposals.items()
        }
    )


def answered(association: Association) -> None:
    """Answer requests until the association is over."""
    while True:
        message = association.receive()
        association.send(
            Command(CommandField(message.command.field | 0x8000), responded_to=message.command.message_id, status=0),
            message.context,
        )


Outcome = list[BaseException | None]


@contextmanager
def accepting(
    conversation: Callable[[Association], object] = lambda association: association.receive(),
    *,
    waits: Waits = PATIENT,
    decide: Decide = accept_all,
) -> Iterator[tuple[RawPeer, Outcome]]:
    """A raw peer of `accept` in a thread, and how the association ended there, after the block."""
    ours, theirs = socket.socketpair()
    ended: Outcome = []

    def answer() -> None:
        try:
            association = accept(ours, decide, waits=waits)
            if association is not None:
                with association:
                    conversation(association)
        except BaseException as error:
            ended.append(error)
        else:
            ended.append(None)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    with RawPeer(theirs) as peer:
        yield peer, ended
    thread.join(GUARD)
    assert not thread.is_alive(), "an association hangs"


def dribbled(content: bytes, size: int) -> Iterable[bytes]:
    """The content in parts of a size."""
    return (content[start : start + size] for start in range(0, len(content), size))
