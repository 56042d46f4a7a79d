"""Mutations of what is valid, drawn with a seed: associations end with an error of the network, and nothing else."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.network.raw_peer import (
    CT,
    ECHO,
    EXPLICIT,
    GUARD,
    IMPLICIT,
    PATIENT,
    RELEASE,
    STORE_BEGUN,
    RawPeer,
    accept_all,
    accepting,
    answered,
    fragment,
    pdu,
    request_pdu,
)
from voxelry.network.associating import associate
from voxelry.network.contexts import Proposal
from voxelry.network.failures import NetworkError
from voxelry.network.negotiation_pdus import decoded_request, encoded_acceptance
from voxelry.network.peer_address import PeerAddress

CONTEXTS = {number: Proposal(CT, (EXPLICIT, IMPLICIT)) for number in range(1, 256, 2)}
MUTATIONS = 400


def _mutated(content: bytes, chance: random.Random) -> bytes:
    """The content with a few bytes, a part or a length changed."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed))
        kind = chance.randrange(5)
        if kind == 0:
            changed[at] = chance.randrange(256)
        elif kind == 1:
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 2:
            del changed[at : at + chance.randint(1, 8)]
        elif kind == 3:
            changed[at:at] = changed[at : at + chance.randint(1, 40)]
        else:
            changed[at : at + 2] = chance.choice((b"\0\0", b"\xff\xff", b"\0\1", b"\x7f\xff"))
        if not changed:
            break
    return bytes(changed)


CORPUS: dict[str, Callable[[], bytes]] = {
    "requests": lambda: request_pdu(CONTEXTS)[:4000],
    "requests of two contexts": request_pdu,
    "associations": lambda: request_pdu() + ECHO + STORE_BEGUN + pdu(4, fragment(b"end!", 2, context=3)) + RELEASE,
    "messages": lambda: ECHO + STORE_BEGUN + pdu(4, fragment(b"end!", 2, context=3)) + ECHO + RELEASE,
}


@pytest.mark.parametrize("name", CORPUS)
def test_mutations_of_what_is_valid_neither_crash_nor_hang(name: str) -> None:
    chance = random.Random(f"{name} 16")
    content = CORPUS[name]()
    for number in range(MUTATIONS if name != "requests" else 40):
        with accepting(answered) as (peer, ended):
            peer.send(request_pdu() if name == "messages" else b"", _mutated(content, chance))
            peer.connection.shutdown(socket.SHUT_WR)
            peer.kinds()
        assert ended[0] is None or isinstance(ended[0], NetworkError), (number, ended)  # None: it was rejected


def test_an_acceptor_may_be_hostile_too() -> None:
    """What is sent back to a request is read with the same care."""
    chance = random.Random(16)
    requested, _, _ = decoded_request(request_pdu()[6:])
    valid = encoded_acceptance(requested, accept_all(requested), most_bytes=16_384)
    door = socket.create_server(("127.0.0.1", 0))
    address = PeerAddress("VOXELRY", "127.0.0.1", door.getsockname()[1])
    answers = [pdu(3, bytes([0, 1, 1, 7])), pdu(7, bytes(4)), b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", valid[:40]]
    answers += [_mutated(valid, chance) for _ in range(100)]

    def serve() -> None:
        for content in answers:
            with RawPeer(door.accept()[0]) as peer:
                peer.send(content)
                peer.connection.shutdown(socket.SHUT_WR)
                peer.kinds()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    for _ in answers:
        with (
            suppress(NetworkError),
            associate(address, list(requested.proposals.values()), calling="ME", waits=PATIENT),
        ):
            pass
    thread.join(GUARD)
    door.close()
    assert not thread.is_alive()
