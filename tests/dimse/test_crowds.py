"""Many callers, strangers and a listener that stops: each has its place, and leaves nothing behind."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from hashlib import sha256
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.dimse.conftest import NODE, TITLE, WAITS, DicomSite
from tests.network.raw_peer import ABORT, CT, ECHO, GUARD, STORE, STORE_BEGUN, RawPeer, fragment, pdu, request_pdu
from voxelry.network.associating import associate
from voxelry.network.association import Association
from voxelry.network.command_set import Command, CommandField
from voxelry.network.contexts import Proposal
from voxelry.network.failures import ConnectionFailedError, NetworkError, RejectedError
from voxelry.network.peer_address import PeerAddress
from voxelry.network.statuses import NOT_AUTHORISED
from voxelry.network.tls import TlsError, calling_tls, listening_tls
from voxelry.server.archive.models import Instance
from voxelry.server.dimse import dicom_connections, services
from voxelry.server.dimse.listener import Listener, ListenError, open_door
from voxelry.server.nodes.models import Node

VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT = "1.2.840.10008.1.2"
PROPOSALS = [Proposal(VERIFICATION, (IMPLICIT,))]
REJECTED = 3
ABORTED = 7


def echoed(association: Association, field: CommandField = CommandField.C_ECHO_RQ) -> int | None:
    """The status of a request without a data set."""
    context = association.contexts[1]
    number = association.new_message_id()
    association.send(Command(field, message_id=number, sop_class=VERIFICATION), context)
    return association.response(number).command.status


def until(true: Callable[[], bool]) -> None:
    """Wait until something is true that another thread does."""
    for _ in range(int(GUARD * 100)):
        if true():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came")


def test_50_associations_at_once_are_all_served(site: DicomSite) -> None:
    together = threading.Barrier(50)

    def ask(_: int) -> list[int | None]:
        with site.associate(PROPOSALS) as association:
            together.wait(GUARD)
            return [echoed(association) for _ in range(3)]

    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(ask, range(50))) == [[0, 0, 0]] * 50
    until(lambda: site.listener.associations == 0)


def test_bounds_of_a_node_and_of_all_hold_only_while_they_are_reached(settings: Settings, site: DicomSite) -> None:
    settings.VOXELRY = settings.VOXELRY.replace(dimse_associations=3, dimse_associations_per_node=2)
    Node.objects.create(project=site.project, name="second", ae_title="SECOND", calls_from="127.0.0.0/8")
    limited = Listener(open_door("127.0.0.1", 0))
    limited.start()
    address = PeerAddress(TITLE, "127.0.0.1", limited.port)

    def ask(calling: str) -> Association:
        return associate(address, PROPOSALS, calling=calling, waits=WAITS)

    def is_too_many(calling: str) -> bool:
        with pytest.raises(RejectedError) as caught:
            ask(calling)
        return (caught.value.result, caught.value.source, caught.value.reason) == (2, 3, 2)

    with ExitStack() as stack:
        first = stack.enter_context(ask(NODE))
        stack.enter_context(ask(NODE))
        assert is_too_many(NODE)
        stack.enter_context(ask("SECOND"))
        assert is_too_many("SECOND")
        assert is_too_many(NODE)
        first.release()
        until(lambda: limited.associations == 2)
        assert echoed(stack.enter_context(ask(NODE))) == 0
    limited.stop()


def test_strangers_take_no_place_of_a_node(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, transactional_db: None, node: Node
) -> None:
    """More connections than may wait are open and say nothing; the oldest of them give way."""
    monkeypatch.setattr(dicom_connections, "LEAST_STRANGERS", 4)
    settings.VOXELRY = settings.VOXELRY.replace(dimse_associations=4)
    listener = Listener(open_door("127.0.0.1", 0))
    listener.start()
    with ExitStack() as stack:
        known = stack.enter_context(
            associate(PeerAddress(TITLE, "127.0.0.1", listener.port), PROPOSALS, calling=NODE, waits=WAITS)
        )
        strangers = [stack.enter_context(RawPeer.of(listener.port)) for _ in range(20)]
        second = stack.enter_context(
            associate(PeerAddress(TITLE, "127.0.0.1", listener.port), PROPOSALS, calling=NODE, waits=WAITS)
        )
        assert [echoed(known), echoed(second)] == [0, 0]
        assert all(peer.kinds() == [] for peer in strangers[:15])
    listener.stop()


def test_an_unknown_caller_learns_nothing_about_the_site(site: DicomSite) -> None:
    for calling, called, answer in (
        ("STRANGER", "VOXELRY", (1, 1, 3)),
        ("STRANGER", "ANYBODY", (1, 1, 3)),
        (NODE, "ANYBODY", (1, 1, 7)),
    ):
        with RawPeer.of(site.port) as peer:
            peer.send(request_pdu(calling=calling, called=called))
            kind, content = peer.read()
            assert (kind, *content[1:]) == (REJECTED, *answer)
    site.allow(is_enabled=False)
    with pytest.raises(RejectedError):
        site.associate(PROPOSALS)


def test_rights_that_end_hold_for_the_next_request(site: DicomSite) -> None:
    with site.associate(PROPOSALS) as association:
        assert echoed(association) == 0
        site.allow(is_enabled=False)
        assert echoed(association) == NOT_AUTHORISED


def test_requests_without_a_service_are_refused_and_malformed_ones_end_the_association(site: DicomSite) -> None:
    with site.associate(PROPOSALS) as association:
        assert echoed(association, CommandField.N_CREATE_RQ) == 0x0211
        assert echoed(association, CommandField.C_FIND_RQ) == 0x0211
        assert echoed(association, CommandField.C_STORE_RQ) == 0x0211
        assert echoed(association) == 0
    for command in (
        Command(CommandField.C_ECHO_RSP, responded_to=1, status=0),
        Command(CommandField.C_ECHO_RQ, sop_class=VERIFICATION),
    ):
        with RawPeer.of(site.port) as peer:
            peer.send(request_pdu(), pdu(4, fragment(command.encoded(), 3)))
            assert peer.kinds() == [2, ABORTED]


def test_an_instance_without_a_data_set_is_refused(site: DicomSite) -> None:
    with RawPeer.of(site.port) as peer:
        empty = Command(CommandField.C_STORE_RQ, message_id=1, sop_class=CT, sop_instance="1.2.3", priority=0)
        peer.send(request_pdu(), pdu(4, fragment(empty.encoded(), 3, context=3)), pdu(5, bytes(4)))
        assert peer.kinds() == [2, 4, 6]


def test_a_service_that_fails_is_answered_and_ends_the_association(
    site: DicomSite, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("Doe"[::-1])

    monkeypatch.setattr(services, "SERVICES", {CommandField.C_ECHO_RQ: fail})
    with RawPeer.of(site.port) as peer:
        peer.send(request_pdu(), ECHO)
        assert peer.read()[0] == 2
        _, content = peer.read()
        assert b"\x00\x00\x00\x09\x02\x00\x00\x00\x10\x01" in content  # Status 0110
        assert peer.kinds() == [ABORTED]
    assert "ValueError" in caplog.text
    assert "eoD" not in caplog.text


def _files(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("last", [b"", ABORT, b"\xff" * 50], ids=["closed", "aborted", "garbage"])
def test_an_instance_that_ends_in_the_middle_leaves_nothing(site: DicomSite, data_folder: Path, last: bytes) -> None:
    with RawPeer.of(site.port) as peer:
        peer.send(request_pdu())
        assert peer.read()[0] == 2
        peer.send(STORE_BEGUN, last)
        if last:
            peer.kinds()
    until(lambda: site.listener.associations == 0)
    assert not Instance.objects.exists()
    assert not _files(data_folder)


def test_handles_and_threads_are_as_many_after_associations_as_before(site: DicomSite) -> None:
    def held() -> tuple[int, int]:
        until(lambda: site.listener.associations == 0 and not _associations())
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count()

    def _associations() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "association"]

    ends = (b"", ABORT, b"\xff" * 50, STORE_BEGUN, pdu(4, fragment(STORE, 3, context=3)) + ABORT)

    def visit(number: int) -> None:
        with RawPeer.of(site.port) as peer:
            peer.send(request_pdu())
            assert peer.read()[0] == 2
            peer.send(ECHO)
            assert peer.read()[0] == 4
            peer.send(ends[number % len(ends)])

    for number in range(10):
        visit(number)
    before = held()
    for number in range(60):
        visit(number)
    assert held() == before


def test_a_listener_that_stops_aborts_what_lasts(site: DicomSite) -> None:
    with RawPeer.of(site.port) as idle, RawPeer.of(site.port) as storing, RawPeer.of(site.port) as stranger:
        for peer in (idle, storing):
            peer.send(request_pdu(), ECHO)
            assert [peer.read()[0], peer.read()[0]] == [2, 4]
        storing.send(STORE_BEGUN)
        site.listener.stop(0.1)
        assert idle.kinds() == [ABORTED]
        assert storing.kinds() == [ABORTED]
        assert stranger.kinds() == []
    with pytest.raises(ConnectionFailedError):
        site.associate(PROPOSALS)


def test_a_port_that_is_taken_is_said(listener: Listener) -> None:
    with pytest.raises(ListenError, match="choose another port"):
        open_door("127.0.0.1", listener.port)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificates ``site.pem`` and ``node.pem``, with their keys; both sign themselves and name 127.0.0.1."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("site", "node", "other"):
        make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        make += ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2", "-subj", f"/CN={name}"]
        make += ["-addext", "subjectAltName=IP:127.0.0.1"]
        subprocess.run(make, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def secured(transactional_db: None, certificates: Path) -> Iterator[Listener]:
    """A listener that speaks TLS and wants to see the node's certificate."""
    tls = listening_tls(*(str(certificates / name) for name in ("site.pem", "site.key", "node.pem")))
    started = Listener(open_door("127.0.0.1", 0), tls=tls)
    started.start()
    yield started
    started.stop(0.1)


def _associate_with_tls(listener: Listener, certificates: Path, name: str) -> Association:
    tls = calling_tls(*(str(certificates / file) for file in (f"{name}.pem", f"{name}.key", "site.pem")))
    address = PeerAddress(TITLE, "127.0.0.1", listener.port, tls=True)
    return associate(address, PROPOSALS, calling=NODE, waits=WAITS, tls=tls)


def test_tls_is_spoken_and_a_certificate_says_who_calls(secured: Listener, certificates: Path, node: Node) -> None:
    Node.objects.filter(pk=node.pk).update(calls_from="192.0.2.7")
    with pytest.raises(RejectedError):
        _associate_with_tls(secured, certificates, "node")
    shown = ssl.PEM_cert_to_DER_cert((certificates / "node.pem").read_text())
    Node.objects.filter(pk=node.pk).update(certificate=sha256(shown).hexdigest())
    with _associate_with_tls(secured, certificates, "node") as association:
        assert [echoed(association) for _ in range(3)] == [0, 0, 0]
    with pytest.raises(NetworkError):
        _associate_with_tls(secured, certificates, "other")
    until(lambda: secured.associations == 0)


def test_what_is_not_tls_is_closed(secured: Listener, node: Node) -> None:
    with RawPeer.of(secured.port) as peer:
        peer.send(request_pdu())
        with suppress(ConnectionResetError):
            while peer.connection.recv(1000):  # an alert of TLS, perhaps, and the end
                pass


def test_a_tls_association_is_aborted_when_the_listener_stops(
    secured: Listener, certificates: Path, node: Node
) -> None:
    shown = ssl.PEM_cert_to_DER_cert((certificates / "node.pem").read_text())
    Node.objects.filter(pk=node.pk).update(certificate=sha256(shown).hexdigest())
    association = _associate_with_tls(secured, certificates, "node")
    assert echoed(association) == 0
    secured.stop(1.5)
    with pytest.raises(NetworkError) as caught:
        association.receive(seconds=GUARD)
    assert caught.value.code == "aborted"


def test_certificates_that_cannot_be_used_are_said(tmp_path: Path, certificates: Path) -> None:
    with pytest.raises(TlsError, match="no file"):
        listening_tls(str(tmp_path / "none.pem"))
    (tmp_path / "wrong.pem").write_text("nothing")
    with pytest.raises(TlsError, match="no certificate"):
        listening_tls(str(tmp_path / "wrong.pem"))
    with pytest.raises(TlsError):
        listening_tls(str(certificates / "site.pem"), str(certificates / "node.key"))
