"""Peers that send what no proper one sends: the association ends, in time, and says why."""

from __future__ import annotations

import socket
import struct
import threading

import pytest

from tests.network.raw_peer import (
    CT,
    ECHO,
    EXPLICIT,
    GUARD,
    IMPLICIT,
    RELEASE,
    STORE,
    STORE_BEGUN,
    VERIFICATION,
    accepting,
    answered,
    dribbled,
    echo_command,
    fragment,
    pdu,
    request_pdu,
)
from voxelry.network.association import Association, Message, Waits
from voxelry.network.command_set import Command, CommandField
from voxelry.network.contexts import Context, Proposal
from voxelry.network.failures import (
    AbortedError,
    ConnectionFailedError,
    NetworkError,
    ProtocolError,
    ReleasedError,
    TimedOutError,
)
from voxelry.network.pdu_stream import PduStream

HASTY = Waits(request=0.1, pdu=0.1, answer=0.1, idle=0.1)
NO_PDUS = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
    "a TLS ClientHello": bytes.fromhex("160301020001000001fc0303") + bytes(500),
    "SSH": b"SSH-2.0-OpenSSH_9.6\r\n",
    "zeros": bytes(2000),
    "a PDU of an unknown type": pdu(8, bytes(4)),
    "data before an association": ECHO,
    "a release before an association": RELEASE,
    "a request that is too short": pdu(1, bytes(10)),
    "a request of 4 GB": pdu(1, bytes(100), length=0xFFFFFFFF),
    "a request that says 2 MB": pdu(1, bytes(100), length=2**21),
    "a request of zeros": pdu(1, bytes(200)),
}


@pytest.mark.parametrize("name", NO_PDUS)
def test_what_is_no_association_request_is_aborted(name: str) -> None:
    with accepting() as (peer, ended):
        peer.send(NO_PDUS[name])
        assert peer.kinds() == [7]
    assert isinstance(ended[0], ProtocolError)


NO_MESSAGES = {
    "a PDU of 4 GB": pdu(4, bytes(10), length=0xFFFFFFFF),
    "a PDU longer than what we said": pdu(4, bytes(10), length=2**17 + 1),
    "a PDU without a fragment": pdu(4, b""),
    "a PDU of 5 bytes": pdu(4, bytes(5)),
    "a fragment longer than its PDU": pdu(4, fragment(echo_command(), 3, length=5000)),
    "a fragment without a header": pdu(4, fragment(b"xx", 3, length=1)),
    "bytes behind the last fragment": pdu(4, fragment(echo_command(), 3) + b"\0\0\0"),
    "a context that was not accepted": pdu(4, fragment(echo_command(), 3, context=9)),
    "a data set without a command": pdu(4, fragment(bytes(10), 2)),
    "a command where a data set has to come": pdu(4, fragment(STORE, 3, context=3) + fragment(STORE, 3, context=3)),
    "a data set in another context": pdu(4, fragment(STORE, 3, context=3) + fragment(bytes(8), 2, context=1)),
    "a command set of garbage": pdu(4, fragment(bytes(range(200)), 3)),
    "a command set of zeros": pdu(4, fragment(bytes(200), 3)),
    "an empty command set": pdu(4, fragment(b"", 3)),
    "an endless command set": pdu(4, fragment(bytes(60_000), 1)) * 3,
    "empty fragments without an end": pdu(4, fragment(b"", 1) * 20_000),
    "a second association request": request_pdu(),
    "an acceptance": pdu(2, request_pdu()[6:]),
    "a release that was not asked for": pdu(6, bytes(4)),
    "garbage": b"\xff" * 100,
}


@pytest.mark.parametrize("name", NO_MESSAGES)
def test_what_is_no_message_ends_the_association(name: str) -> None:
    with accepting(answered) as (peer, ended):
        peer.send(request_pdu(), ECHO, NO_MESSAGES[name])
        assert peer.kinds() == [2, 4, 7]
    assert isinstance(ended[0], ProtocolError)


def test_a_data_set_that_is_no_instance_is_not_kept_without_bound() -> None:
    with accepting(answered) as (peer, ended):
        peer.send(request_pdu(), pdu(4, fragment(STORE, 3, context=3)))
        part = pdu(4, fragment(bytes(2**17 - 6), 0, context=3))
        peer.send(*[part] * 140)
        assert peer.kinds() == [2, 7]
    assert isinstance(ended[0], ProtocolError)


def test_a_message_in_thousands_of_fragments_is_read() -> None:
    command = echo_command()
    one_a_byte = [fragment(command[at : at + 1], 1) for at in range(len(command))]
    parts = [part for one in one_a_byte for part in (fragment(b"", 1), one)]
    with accepting(answered) as (peer, ended):
        peer.send(request_pdu(), pdu(4, b"".join(parts) + fragment(b"", 3)), *(pdu(4, part) for part in parts))
        peer.send(pdu(4, fragment(b"", 3)), RELEASE)
        assert peer.kinds() == [2, 4, 4, 6]
    assert isinstance(ended[0], ReleasedError)


def test_bytes_may_come_one_by_one() -> None:
    with accepting(answered) as (peer, ended):
        peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        peer.send(*dribbled(request_pdu() + ECHO + RELEASE, 1))
        assert peer.kinds() == [2, 4, 6]
    assert isinstance(ended[0], ReleasedError)


STALLS: dict[str, tuple[bytes, list[int]]] = {
    "after connecting": (b"", [7]),
    "in the middle of the header of a request": (request_pdu()[:3], [7]),
    "in the middle of a request": (request_pdu()[:50], [7]),
    "as an idle association": (request_pdu(), [2, 7]),
    "in the middle of a header": (request_pdu() + ECHO[:4], [2, 7]),
    "in the middle of a command": (request_pdu() + ECHO[:30], [2, 7]),
    "between the fragments of a command": (request_pdu() + pdu(4, fragment(echo_command()[:20], 1)), [2, 7]),
    "between command and data set": (request_pdu() + pdu(4, fragment(STORE, 3, context=3)), [2, 7]),
    "in the middle of a data set": (request_pdu() + STORE_BEGUN, [2, 7]),
}


@pytest.mark.parametrize("stage", STALLS)
def test_a_peer_that_stalls_is_not_waited_for_longer_than_said(stage: str) -> None:
    sent, kinds = STALLS[stage]
    with accepting(answered, waits=HASTY) as (peer, ended):
        peer.send(sent)
        assert peer.kinds() == kinds
    assert isinstance(ended[0], TimedOutError)


@pytest.mark.parametrize("stage", STALLS)
@pytest.mark.parametrize(("last", "error"), [(b"", ConnectionFailedError), (pdu(7, bytes(4)), AbortedError)])
def test_a_peer_that_leaves_ends_the_association(stage: str, last: bytes, error: type[NetworkError]) -> None:
    sent, kinds = STALLS[stage]
    is_inside = "middle" in stage and not stage.endswith("data set")
    with accepting(answered) as (peer, ended):
        peer.send(sent)
        if 2 in kinds:
            assert peer.read()[0] == 2
        peer.send(b"" if is_inside else last)
    assert isinstance(ended[0], ConnectionFailedError if is_inside else error)


def test_a_data_set_that_comes_ever_slower_is_given_up() -> None:
    """Each PDU comes in its time; all of them together would take for ever."""
    waits = Waits(request=GUARD, pdu=0.5, answer=GUARD, idle=GUARD)
    over = threading.Event()
    with accepting(answered, waits=waits) as (peer, ended):
        peer.send(request_pdu(), pdu(4, fragment(STORE, 3, context=3)))
        assert peer.read()[0] == 2

        def dribble() -> None:
            while not over.wait(0.05):
                peer.send(pdu(4, fragment(b"x", 0, context=3)))

        thread = threading.Thread(target=dribble, daemon=True)
        thread.start()
        assert peer.read()[0] == 7
        over.set()
        thread.join(GUARD)
    assert isinstance(ended[0], TimedOutError)


def test_a_peer_that_never_reads_is_given_up() -> None:
    def flood(association: Association) -> None:
        message = association.receive()
        while True:
            association.send(Command(CommandField.C_ECHO_RSP, responded_to=1, status=0), message.context, bytes(2**20))

    with accepting(flood, waits=Waits(request=GUARD, pdu=0.2, answer=GUARD, idle=GUARD)) as (peer, ended):
        peer.send(request_pdu(), ECHO)
        while not ended:
            threading.Event().wait(0.01)
    assert isinstance(ended[0], TimedOutError)


def test_requests_out_of_turn_are_bounded() -> None:
    """A peer floods requests while its answer is waited for."""

    def ask(association: Association) -> None:
        context = association.contexts[1]
        association.send(Command(CommandField.C_ECHO_RQ, message_id=1, sop_class=VERIFICATION), context)
        association.response(1)

    with accepting(ask) as (peer, ended):
        peer.send(request_pdu(), *[ECHO] * 100)
        assert peer.kinds() == [2, 4, 7]
    assert isinstance(ended[0], ProtocolError)


def test_a_cancel_of_an_earlier_request_cancels_no_later_one() -> None:
    cancel = Command(CommandField.C_CANCEL_RQ, responded_to=1).encoded()
    seen = []

    def look(association: Association) -> None:
        while True:
            message = association.receive()
            assert message.command.message_id is not None
            association.send(Command(CommandField.C_ECHO_RSP, responded_to=1, status=0), message.context)
            seen.append(message.command.message_id in association.cancelled)

    with accepting(look) as (peer, _):
        peer.send(request_pdu(), ECHO, pdu(4, fragment(cancel, 3)), ECHO, RELEASE)
        assert peer.kinds() == [2, 4, 4, 6]
    assert seen == [False, False]


def test_a_cancel_is_seen_while_answers_are_made() -> None:
    cancel = Command(CommandField.C_CANCEL_RQ, responded_to=1).encoded()

    def wait(association: Association) -> None:
        association.receive()
        while not association.is_cancelled(1):
            threading.Event().wait(0.001)

    with accepting(wait) as (peer, ended):
        peer.send(request_pdu(), ECHO, pdu(4, fragment(cancel, 3)))
        assert peer.read()[0] == 2
        assert peer.read()[0] == 5
        peer.send(pdu(6, bytes(4)))
    assert ended == [None]


def test_another_thread_ends_an_association() -> None:
    begun: list[Association] = []
    ready = threading.Event()

    def wait(association: Association) -> None:
        begun.append(association)
        ready.set()
        association.receive()

    with accepting(wait) as (peer, ended):
        peer.send(request_pdu())
        assert ready.wait(GUARD)
        begun[0].interrupt()
        assert peer.kinds() == [2, 7]
    assert isinstance(ended[0], ConnectionFailedError)


CONTEXTS = {number: Proposal(CT, (EXPLICIT, IMPLICIT)) for number in range(1, 256, 2)}


def test_128_contexts_are_negotiated() -> None:
    with accepting(answered) as (peer, _):
        peer.send(request_pdu({**CONTEXTS, 1: Proposal(VERIFICATION, (IMPLICIT,))}), ECHO, RELEASE)
        assert peer.kinds() == [2, 4, 6]


def _with_contexts(*numbers: int) -> bytes:
    """A request with contexts of these numbers, which no encoder would write."""
    whole = request_pdu({1: Proposal(CT, (EXPLICIT,))})
    begin = whole.index(b"\x20\0", 74)
    (length,) = struct.unpack(">H", whole[begin + 2 : begin + 4])
    context = whole[begin : begin + 4 + length]
    many = b"".join(context[:4] + bytes([number]) + context[5:] for number in numbers)
    content = whole[6:begin] + many + whole[begin + len(context) :]
    return pdu(1, content)


@pytest.mark.parametrize(
    "numbers", [range(1, 259, 2), [1, 1], [1, 3, 1], [2], [0], []], ids=["129", "twice", "again", "even", "0", "none"]
)
def test_contexts_that_there_cannot_be_end_the_negotiation(numbers: range | list[int]) -> None:
    with accepting(answered) as (peer, ended):
        peer.send(_with_contexts(*(number % 256 for number in numbers)))
        assert peer.kinds() == [7]
    assert isinstance(ended[0], ProtocolError)


def _with_items(items: bytes) -> bytes:
    """A request with items behind its fixed fields."""
    return pdu(1, request_pdu()[6:74] + items)


def _item(kind: int, content: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(content)) + content


CROWDS = {
    "application contexts": _item(0x10, b"") * 100_000,
    "contexts": _item(0x20, bytes(4)) * 100_000,
    "transfer syntaxes": _item(0x20, bytes(4) + _item(0x40, b"") * 10_000),
    "transfer syntaxes of all contexts": _item(0x20, bytes(4) + _item(0x40, b"") * 120) * 100,
    "items of user information": _item(0x50, _item(0x54, b"") * 10_000),
}


@pytest.mark.parametrize("name", CROWDS)
def test_a_request_of_countless_items_is_not_decoded(name: str) -> None:
    with accepting(answered) as (peer, ended):
        peer.send(_with_items(CROWDS[name]))
        assert peer.kinds() == [7]
    assert isinstance(ended[0], ProtocolError)
    assert "more items" in str(ended[0])


def test_a_writer_gets_a_data_set_as_it_comes() -> None:
    class Kept:
        def __init__(self) -> None:
            self.content = b""

        def write(self, part: bytes | memoryview, /) -> object:
            self.content += part
            return None

    seen: list[Message] = []

    def receive(association: Association) -> None:
        def opened(command: Command, context: Context) -> Kept | None:
            return Kept() if context.abstract_syntax == CT else None

        seen.append(association.receive(writer=opened))
        seen.append(association.receive(writer=opened))

    with accepting(receive) as (peer, _):
        peer.send(request_pdu(), STORE_BEGUN, pdu(4, fragment(b"end!", 2, context=3) + fragment(echo_command(), 3)))
        assert peer.read()[0] == 2
        assert peer.read()[0] == 5
    assert isinstance(seen[0].writer, Kept)
    assert seen[0].writer.content == b"a" * 1000 + b"end!"
    assert seen[1].writer is None


def test_a_closed_connection_has_no_input() -> None:
    ours, theirs = socket.socketpair()
    stream = PduStream(ours, most_bytes=100, seconds=GUARD)
    stream.close()
    with pytest.raises(ConnectionFailedError):
        stream.has_input()
    theirs.close()
