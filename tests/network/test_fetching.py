"""C-GET and C-MOVE as their user, against pynetdicom, dcmtk and Orthanc."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from tests.network.archives import TITLE, PythonArchive, dcmqrscp, orthanc_archive, python_archive
from tests.servers.running import free_port
from voxelry.network.associating import associate
from voxelry.network.contexts import Proposal, Roles
from voxelry.network.failures import AbortedError, FailureStatusError
from voxelry.network.fetching import MOVE_PROPOSALS, fetch_by_move
from voxelry.network.finding import FIND_PROPOSALS
from voxelry.network.peer_address import PeerAddress
from voxelry.network.receiving import InstanceListener
from voxelry.network.remote_instances import (
    Fetched,
    RemoteInstance,
    fetch_instances,
    fetch_unlisted,
    instances_at,
    requests_of,
)
from voxelry.network.sent_instances import SentInstance
from voxelry.testing.synthetic import synthetic_series

STUDY = "1.2.826.0.1.3680043.10.1"
CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4")


class Received:
    """The files that came, in memory."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.syntaxes: dict[str, str] = {}
        self.dropped = 0

    def __call__(self, sent: SentInstance) -> InMemory:
        self.syntaxes[sent.sop_instance] = sent.transfer_syntax
        return InMemory(self, sent.sop_instance)


class InMemory:
    def __init__(self, received: Received, uid: str) -> None:
        self._received, self._uid, self._stream = received, uid, BytesIO()
        self.write = self._stream.write

    def complete(self) -> None:
        assert self._uid not in self._received.files
        self._received.files[self._uid] = self._stream.getvalue()

    def drop(self) -> None:
        self._received.dropped += 1


def made(
    folder: Path, *, slices: int = 4, seed: int = 0, syntax: str = ExplicitVRLittleEndian, modality: str = "CT"
) -> list[Path]:
    series = synthetic_series(
        folder / f"{seed}",
        slices=slices,
        seed=seed,
        modality=modality,
        transfer_syntax=syntax,
        attributes={"StudyInstanceUID": STUDY},
    )
    return list(series.paths)


def listed_at(peer: PeerAddress) -> list[RemoteInstance]:
    with associate(peer, FIND_PROPOSALS, calling="ME") as association:
        return instances_at(association, STUDY)


def fetched_from(peer: PeerAddress, receive: Received, without: Sequence[str] = ()) -> Fetched:
    def call(proposals: Sequence[Proposal], roles: dict[str, Roles]) -> object:
        return associate(peer, proposals, calling="ME", roles=roles)

    listed = listed_at(peer)
    wanted = [one.sop_instance for one in listed if one.sop_instance not in without]
    return fetch_instances(call, listed, wanted, receive=receive)  # type: ignore[arg-type]


def require_all(paths: Sequence[Path], received: Received) -> None:
    """Each instance came once, equal to the original, with its File Meta Information."""
    originals = {str(pydicom.dcmread(path).SOPInstanceUID): path for path in paths}
    assert set(received.files) == set(originals)
    for uid, content in received.files.items():
        file = pydicom.dcmread(BytesIO(content))
        assert file == pydicom.dcmread(originals[uid])
        assert file.file_meta.MediaStorageSOPInstanceUID == uid
        assert file.file_meta.TransferSyntaxUID == received.syntaxes[uid]
        assert str(file.file_meta.ImplementationVersionName).startswith("VOXELRY")


@pytest.fixture
def mixed(tmp_path: Path) -> list[Path]:
    """A study of two classes in three transfer syntaxes."""
    return [
        *made(tmp_path / "files", seed=1),
        *made(tmp_path / "files", seed=2, syntax=JPEG2000Lossless),
        *made(tmp_path / "files", seed=3, syntax=RLELossless, modality="MR"),
    ]


def test_every_syntax_comes_as_it_is_stored(mixed: list[Path]) -> None:
    received = Received()
    with python_archive(mixed) as archive:
        assert fetched_from(archive.peer, received).failed == {}
    require_all(mixed, received)
    assert {pydicom.dcmread(path).file_meta.TransferSyntaxUID for path in mixed} == set(received.syntaxes.values())


def test_what_is_here_is_not_sent_again(mixed: list[Path]) -> None:
    received = Received()
    with python_archive(mixed) as archive:
        here = [one.sop_instance for one in listed_at(archive.peer)[:5]]
        assert len(fetched_from(archive.peer, received, without=here).received) == len(mixed) - 5
        assert not set(archive.sent) & set(here)
        assert {identifier.QueryRetrieveLevel for identifier in archive.identifiers} == {"IMAGE", "SERIES"}


def test_an_association_that_breaks_is_followed_by_another_one(mixed: list[Path]) -> None:
    received = Received()
    with python_archive(mixed, aborts_after=[3, 2]) as archive:
        assert fetched_from(archive.peer, received).failed == {}
        assert len(archive.sent) == len(mixed)
    require_all(mixed, received)
    with python_archive(mixed, aborts_after=[0]) as archive, pytest.raises(AbortedError):
        fetched_from(archive.peer, Received())


def test_what_the_node_cannot_send_is_named(mixed: list[Path]) -> None:
    received, lost = Received(), str(pydicom.dcmread(mixed[2]).SOPInstanceUID)
    with python_archive(mixed, without={lost}) as archive:
        fetched = fetched_from(archive.peer, received)
    assert set(fetched.failed) == {lost}
    assert len(received.files) == len(mixed) - 1


def test_classes_that_the_node_does_not_say(mixed: list[Path]) -> None:
    received = Received()
    with python_archive(mixed, hidden_class=True) as archive:
        assert fetched_from(archive.peer, received).failed == {}
    require_all(mixed, received)


def test_a_node_without_queries(tmp_path: Path) -> None:
    paths, received = made(tmp_path), Received()

    def call(proposals: Sequence[Proposal], roles: object) -> object:
        return associate(archive.peer, proposals, calling="ME", roles=roles)  # type: ignore[arg-type]

    with python_archive(paths) as archive:
        assert len(fetch_unlisted(call, STUDY, (), receive=received).received) == 4  # type: ignore[arg-type]
    require_all(paths, received)


def test_a_file_that_cannot_be_written_ends_the_fetch(tmp_path: Path) -> None:
    class Full(InMemory):
        def complete(self) -> None:
            raise OSError(28, "No space left on device")

    received = Received()
    with python_archive(made(tmp_path)) as archive, pytest.raises(OSError, match="No space"):
        fetched_from(archive.peer, lambda sent: Full(received, sent.sop_instance))  # type: ignore[arg-type]
    assert received.dropped == 1


def test_dcmtk_sends(tmp_path: Path) -> None:
    paths = [*made(tmp_path, seed=1), *made(tmp_path, seed=2, syntax=JPEG2000Lossless)]
    received = Received()
    with dcmqrscp(tmp_path / "qr", paths) as peer:
        assert fetched_from(peer, received).failed == {}
    require_all(paths, received)


def test_orthanc_sends(tmp_path: Path, mixed: list[Path]) -> None:
    received = Received()
    with orthanc_archive(tmp_path / "orthanc", mixed) as peer:
        assert fetched_from(peer, received).failed == {}
    require_all(mixed, received)


def moved_from(peer: PeerAddress, received: Received, title: str, port: int) -> int:
    listed = listed_at(peer)
    with (
        InstanceListener(title, received, host="127.0.0.1", port=port),
        associate(peer, MOVE_PROPOSALS, calling="ME") as association,
    ):
        requests = requests_of(listed, listed)
        return sum(fetch_by_move(association, *request, destination=title).completed for request in requests)


def test_a_move_to_a_listener_of_our_own(mixed: list[Path]) -> None:
    received, port = Received(), free_port()
    with python_archive(mixed, destinations={"ME": port}) as archive:
        assert moved_from(archive.peer, received, "ME", port) == len(mixed)
    require_all(mixed, received)


def test_moves_of_dcmtk_and_orthanc(tmp_path: Path) -> None:
    paths, port = made(tmp_path), free_port()
    for archive in (
        dcmqrscp(tmp_path / "qr", paths, mover="ME", mover_port=port),
        orthanc_archive(tmp_path / "orthanc", paths, modalities={"me": ("ME", port)}),
    ):
        received = Received()
        with archive as peer:
            assert moved_from(peer, received, "ME", port) == len(paths)
        require_all(paths, received)


def test_a_destination_that_the_node_does_not_know(tmp_path: Path) -> None:
    with python_archive(made(tmp_path)) as archive, pytest.raises(FailureStatusError, match="A801"):
        moved_from(archive.peer, Received(), "NOBODY", free_port())


def test_the_listener_takes_no_other_title() -> None:
    with InstanceListener("ME", Received(), host="127.0.0.1") as listener:
        peer = PeerAddress("OTHER", "127.0.0.1", listener.port)
        with pytest.raises(Exception, match="called AE title is not known"):
            associate(peer, [Proposal(CLASSES[0], ("1.2.840.10008.1.2",))], calling=TITLE)


def test_more_classes_than_contexts_need_several_associations(tmp_path: Path) -> None:
    classes = [f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("1", "1.1", "2", "4", "7", "20", "128", "6.1", "3.1")]
    paths = []
    for number, uid in enumerate(classes):
        paths += made(tmp_path, slices=1, seed=number)
        file = pydicom.dcmread(paths[-1])
        file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID = UID(uid)
        file.save_as(paths[-1])
    received = Received()
    with python_archive(paths) as archive:
        calls = count_calls(archive, received)
    assert calls == 2
    require_all(paths, received)


def count_calls(archive: PythonArchive, received: Received) -> int:
    calls = []

    def call(proposals: Sequence[Proposal], roles: dict[str, Roles]) -> object:
        calls.append(len(proposals))
        return associate(archive.peer, proposals, calling="ME", roles=roles)

    listed = listed_at(archive.peer)
    fetch_instances(call, listed, [one.sop_instance for one in listed], receive=received)  # type: ignore[arg-type]
    assert max(calls) <= 128
    return len(calls)
