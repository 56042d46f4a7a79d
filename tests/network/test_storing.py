"""C-STORE as its user, against pynetdicom as the provider."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    MPEG2MPML,
    UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)
from pynetdicom import AE, evt
from pynetdicom.presentation import AllStoragePresentationContexts, build_context

from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.sources import FileSource, MemorySource, Source
from voxelry.network.associating import accept
from voxelry.network.contexts import Acceptance, ContextResult, Requested
from voxelry.network.failures import NetworkError
from voxelry.network.peer_address import PeerAddress
from voxelry.network.sent_data_set import AT_ONCE_BYTES
from voxelry.network.storing import StoredObject, StoreResult, proposals_of, send_objects, status_problem

Received = tuple[str, str, bytes]
"""Transfer syntax, SOP Instance UID and data set of what a node was sent."""


class PynetdicomNode:
    """A node that keeps what it is sent."""

    def __init__(self, classes: Sequence[str], syntaxes: Sequence[str]) -> None:
        self.received: list[Received] = []
        self.statuses: dict[str, int] = {}
        self.requests: list[Any] = []
        self.associations = 0
        entity: Any = AE("NODE")
        entity.supported_contexts = [build_context(one, list(syntaxes)) for one in classes]
        handlers: list[Any] = [(evt.EVT_C_STORE, self._stored), (evt.EVT_ACCEPTED, self._accepted)]
        self.server: Any = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        self.address = PeerAddress("NODE", "127.0.0.1", self.server.socket.getsockname()[1])

    def _stored(self, event: evt.Event) -> int:
        request: Any = event.request
        uid = str(request.AffectedSOPInstanceUID)
        self.received.append((str(event.context.transfer_syntax), uid, request.DataSet.getvalue()))
        self.requests.append(request)
        return self.statuses.get(uid, 0)

    def _accepted(self, _: evt.Event) -> None:
        self.associations += 1


@contextmanager
def pynetdicom_node(classes: Sequence[str], syntaxes: Sequence[str]) -> Iterator[PynetdicomNode]:
    node = PynetdicomNode(classes, syntaxes)
    try:
        yield node
    finally:
        node.server.shutdown()


def stored_object(source: Source) -> StoredObject:
    header = read_header(source)
    return StoredObject(header.sop_class_uid, header.sop_instance_uid, str(header.transfer_syntax_uid), source)


def bundled(name: str) -> StoredObject:
    path = get_testdata_file(name)
    assert path is not None
    return stored_object(FileSource.of(str(path)))


def sent(node: PynetdicomNode, objects: Sequence[StoredObject]) -> list[StoreResult]:
    return list(send_objects(node.address, objects, calling="VOXELRY"))


def dataset_of(received: Received) -> Dataset:
    syntax, _, content = received
    dataset = pydicom.filereader.read_dataset(io.BytesIO(content), syntax == ImplicitVRLittleEndian, True)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return dataset


def content_of(one: StoredObject) -> bytes:
    with one.source.open() as file:
        return file.read()


AS_STORED = [
    "CT_small.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_implicit.dcm",
    "MR_small_RLE.dcm",
    "image_dfl.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "JPEG2000.dcm",
]


@pytest.mark.parametrize("name", AS_STORED)
def test_the_data_set_goes_byte_for_byte_where_the_node_takes_its_syntax(name: str) -> None:
    one = bundled(name)
    with pynetdicom_node([one.sop_class], [one.transfer_syntax]) as node:
        (result,) = sent(node, [one])
        ((syntax, uid, content),) = node.received
    assert result.is_stored, result.problem
    assert (result.status, syntax, uid) == (0, one.transfer_syntax, one.sop_instance)
    whole = content_of(one)
    assert whole.endswith(content)
    assert pydicom.dcmread(io.BytesIO(whole[: len(whole) - len(content)])).file_meta.TransferSyntaxUID == syntax


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
@pytest.mark.parametrize("name", [*AS_STORED, "SC_rgb_rle_2frame.dcm", "rtplan.dcm"])
def test_a_node_that_takes_only_uncompressed_gets_equal_pixels_and_values(name: str, syntax: str) -> None:
    one = bundled(name)
    with pynetdicom_node([one.sop_class], [syntax]) as node:
        (result,) = sent(node, [one])
        (received,) = node.received
    assert result.is_stored, result.problem
    assert received[0] == syntax
    got, before = dataset_of(received), pydicom.dcmread(io.BytesIO(content_of(one)))
    lossy_colour = "jpeg" in name
    if "PixelData" in before and not lossy_colour:
        assert (got.pixel_array == before.pixel_array).all()
    told = {tag for tag in before.keys() if tag.element and tag.group not in (0x7FE0, 0xFFFA, 0xFFFC)}  # noqa: SIM118
    if lossy_colour:
        told -= {pydicom.tag.Tag("PhotometricInterpretation")}
    for tag in told:
        if not tag.is_private:  # private values that say no VR are of unknown one in Implicit VR
            assert got[tag].value == before[tag].value, tag


def test_many_contexts_are_spread_over_several_associations() -> None:
    one = bundled("CT_small.dcm")
    classes = [str(known.abstract_syntax) for known in AllStoragePresentationContexts][:130]
    objects = [StoredObject(known, f"1.2.3.{n}", ExplicitVRLittleEndian, one.source) for n, known in enumerate(classes)]
    assert [len(contexts) for contexts in proposals_of(objects)] == [128, 128, 4]
    with pynetdicom_node(classes, [ExplicitVRLittleEndian]) as node:
        results = sent(node, objects)
        assert node.associations == 3
    assert all(result.is_stored for result in results)
    assert [uid for _, uid, _ in node.received] == [one.sop_instance for one in objects]


def test_what_cannot_be_decoded_offers_no_uncompressed_context() -> None:
    source = MemorySource("a", b"")
    video = StoredObject(CTImageStorage, "1.2", MPEG2MPML, source)
    ((only,),) = proposals_of([video])
    assert only.transfer_syntaxes == (MPEG2MPML,)
    (own, uncompressed), *_ = proposals_of([StoredObject(CTImageStorage, "1.2", JPEGBaseline8Bit, source)])
    assert own.transfer_syntaxes == (JPEGBaseline8Bit,)
    assert uncompressed.transfer_syntaxes == (ExplicitVRLittleEndian, ImplicitVRLittleEndian)


def test_a_refused_object_says_why_and_the_others_are_stored() -> None:
    ct, mr = bundled("CT_small.dcm"), bundled("MR_small.dcm")
    second = StoredObject(ct.sop_class, "1.2.3.4", ct.transfer_syntax, ct.source)
    with pynetdicom_node([ct.sop_class], [ExplicitVRLittleEndian]) as node:
        node.statuses = {ct.sop_instance: 0xA700, second.sop_instance: 0xB007}
        first, warned, other = sent(node, [ct, second, mr])
    assert (first.status, first.is_stored) == (0xA700, False)
    assert first.problem is not None
    assert "A700H: it is out of resources" in first.problem.message
    assert (warned.status, warned.is_stored, warned.is_warning) == (0xB007, True, True)
    assert other.problem is not None
    assert (other.status, other.problem.code) == (None, "no_context")
    assert "MR Image Storage in Explicit VR Little Endian" in other.problem.message


def test_a_node_without_any_context_fails_each_object() -> None:
    ct = bundled("CT_small.dcm")
    with pynetdicom_node(["1.2.3"], [ExplicitVRLittleEndian]) as node:
        (result,) = sent(node, [ct])
    assert result.problem is not None
    assert result.problem.code == "no_context"


def test_a_file_that_is_gone_cut_off_or_broken_costs_only_itself(tmp_path: Path) -> None:
    ct = bundled("CT_small.dcm")
    content = content_of(ct)
    gone = StoredObject(ct.sop_class, "1.2.1", ct.transfer_syntax, FileSource(str(tmp_path / "none"), "gone", 100))
    (tmp_path / "cut").write_bytes(content[:-100])
    cut = StoredObject(
        ct.sop_class, "1.2.2", ct.transfer_syntax, FileSource(str(tmp_path / "cut"), "cut", len(content))
    )
    long = content + bytes(AT_ONCE_BYTES)
    (tmp_path / "long").write_bytes(long[:-5])
    late = StoredObject(ct.sop_class, "1.2.3", ct.transfer_syntax, FileSource(str(tmp_path / "long"), "l", len(long)))
    with pynetdicom_node([ct.sop_class], [ExplicitVRLittleEndian]) as node:
        results = sent(node, [gone, cut, late, ct])
        assert node.associations == 2  # what breaks off while it is sent ends its association
    codes = [None if result.problem is None else result.problem.code for result in results]
    assert codes == ["unreadable", "damaged", "damaged", None]
    assert [uid for _, uid, _ in node.received] == [ct.sop_instance]


def test_a_data_set_that_is_not_encoded_as_its_file_says_is_encoded_again() -> None:
    implicit = bundled("MR_small_implicit.dcm")
    wrong = content_of(implicit).replace(b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.2.1\0"[:18], 1)
    meta_end = wrong.index(b"\x02\0\x10\0UI")
    length = int.from_bytes(wrong[meta_end + 6 : meta_end + 8], "little")
    wrong = (
        wrong[: meta_end + 6] + (20).to_bytes(2, "little") + b"1.2.840.10008.1.2.1\0" + wrong[meta_end + 8 + length :]
    )
    group = int.from_bytes(wrong[140:144], "little") + 20 - length
    wrong = wrong[:140] + group.to_bytes(4, "little") + wrong[144:]
    one = StoredObject(implicit.sop_class, implicit.sop_instance, ExplicitVRLittleEndian, MemorySource("mixed", wrong))
    with pynetdicom_node([one.sop_class], [ExplicitVRLittleEndian]) as node:
        (result,) = sent(node, [one])
        (received,) = node.received
    assert result.is_stored, result.problem
    got = dataset_of(received)
    assert (got.pixel_array == pydicom.dcmread(io.BytesIO(content_of(implicit))).pixel_array).all()


def test_the_originator_of_a_move_is_named() -> None:
    from voxelry.network.associating import associate
    from voxelry.network.storing import store_over

    ct = bundled("CT_small.dcm")
    with pynetdicom_node([ct.sop_class], [ExplicitVRLittleEndian]) as node:
        (proposals,) = proposals_of([ct])
        with associate(node.address, proposals, calling="VOXELRY") as association:
            assert store_over(association, ct, move_originator="MOVER", move_originator_id=7).is_stored
        (request,) = node.requests
    assert (request.MoveOriginatorApplicationEntityTitle, request.MoveOriginatorMessageID) == ("MOVER", 7)


def listening(serve: Callable[[socket.socket], None]) -> tuple[PeerAddress, threading.Thread]:
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with listener:
            connection, _ = listener.accept()
            serve(connection)

    thread = threading.Thread(target=run)
    thread.start()
    return PeerAddress("NODE", "127.0.0.1", listener.getsockname()[1]), thread


def test_results_stand_when_the_node_leaves_in_the_middle() -> None:
    ct = bundled("CT_small.dcm")

    def decide(requested: Requested) -> Acceptance:
        chosen = {n: (ContextResult.ACCEPTED, one.transfer_syntaxes[0]) for n, one in requested.proposals.items()}
        return Acceptance(chosen)

    def serve(connection: socket.socket) -> None:
        from voxelry.network.command_set import Command, CommandField

        association = accept(connection, decide)
        assert association is not None
        request = association.receive(seconds=30)
        command = request.command
        answer = Command(CommandField.C_STORE_RSP, responded_to=command.message_id, status=0)
        association.send(answer, request.context)
        association.receive(seconds=30)
        association.abort()

    address, thread = listening(serve)
    results = send_objects(address, [ct, ct, ct], calling="VOXELRY")
    assert next(results).is_stored
    with pytest.raises(NetworkError):
        next(results)
    thread.join(30)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (0xA900, "does not fit"),
        (0xC123, "cannot understand"),
        (0x0124, "does not let"),
        (0x1234, "1234H"),
        (None, "without"),
    ],
)
def test_each_refusal_has_words(status: int | None, words: str) -> None:
    problem = status_problem(status)
    assert problem is not None
    assert words in problem.message


@pytest.mark.corpus
@pytest.mark.filterwarnings("ignore:Incorrect value for Specific Character Set")
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_real_compressed_images_reach_a_node_that_takes_only_uncompressed(corpus: Path, syntax: str) -> None:
    folders = ("transfer_syntax_matrix_ct", "transfer_syntax_matrix_mr", "encapsulated_frames")
    paths = [path for folder in folders for path in sorted((corpus / folder).rglob("*")) if path.suffix == ".dcm"]
    objects = [stored_object(FileSource.of(path)) for path in paths]
    classes = sorted({one.sop_class for one in objects})
    with pynetdicom_node(classes, [syntax]) as node:
        results = sent(node, objects)
    assert len(node.received) == len(objects) == len(results) > 30
    compared = 0
    for result, received in zip(results, node.received, strict=True):
        before = pydicom.dcmread(io.BytesIO(content_of(result.stored_object)), force=True)
        assert result.is_stored, result.problem
        if "PixelData" not in before or before.get("SamplesPerPixel") != 1:
            continue
        try:
            values = before.pixel_array
        except (RuntimeError, NotImplementedError):  # no decoder of pydicom's
            continue
        assert (dataset_of(received).pixel_array == values).all(), result.stored_object.source.name
        compared += 1
    assert compared > 20
