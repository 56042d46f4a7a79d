"""C-GET and C-MOVE as their provider: dcmtk, pynetdicom and our own associations ask."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless
from pynetdicom import build_role, evt

from tests.dimse.conftest import NODE, DicomSite, patient_entity
from tests.dimse.dcmtk import dcmtk, storescp
from tests.dimse.sent_files import data_set_of
from voxelry.network.association import Association, Message
from voxelry.network.command_set import Command, CommandField
from voxelry.network.contexts import Proposal, Roles
from voxelry.network.identifiers import decoded_identifier, encoded_identifier, text_of
from voxelry.server.access.models import Project
from voxelry.server.archive.at_rest.holdings import stored_name
from voxelry.server.archive.models import Instance
from voxelry.server.dimse.retrieve_identifier import RetrieveIdentifierError, read_retrieve_identifier
from voxelry.server.dimse.sub_operations import failed_uid_list
from voxelry.server.nodes.models import Node
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

GET, MOVE = "1.2.840.10008.5.1.4.1.2.2.3", "1.2.840.10008.5.1.4.1.2.2.2"
PATIENT_GET = "1.2.840.10008.5.1.4.1.2.1.3"
CT, SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.7"
SUCCESS, SOME_FAILED, NONE_DONE, CANCELLED, PENDING = 0x0000, 0xB000, 0xA702, 0xFE00, 0xFF00


@pytest.fixture
def held(site: DicomSite, tmp_path: Path) -> dict[str, bytes]:
    """Four slices of a CT and one that is compressed, in the site: files by their SOP Instance UIDs."""
    paths = list(synthetic_series(tmp_path / "ct", slices=4).paths)
    dataset = pydicom.dcmread(paths[0])
    dataset.compress(RLELossless)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
    dataset.SeriesInstanceUID = pydicom.uid.generate_uid()
    dataset.SeriesNumber = 9
    dataset.save_as(tmp_path / "rle.dcm", enforce_file_format=True)
    paths.append(tmp_path / "rle.dcm")
    site.web.upload(paths)
    return {str(pydicom.dcmread(path).SOPInstanceUID): path.read_bytes() for path in paths}


def study_of(held: Mapping[str, bytes]) -> str:
    return str(pydicom.dcmread(io.BytesIO(next(iter(held.values())))).StudyInstanceUID)


def compressed_of(held: Mapping[str, bytes]) -> str:
    return list(held)[-1]


def asked(association: Association, field: CommandField, content: bytes, **values: Any) -> int:
    """Send a request; its message ID."""
    model = MOVE if field is CommandField.C_MOVE_RQ else GET
    context = association.context_of(model)
    assert context is not None
    number = association.new_message_id()
    association.send(Command(field, message_id=number, sop_class=model, priority=0, **values), context, content)
    return number


def identifier(level: str, **keys: str) -> bytes:
    return encoded_identifier(level, keys, transfer_syntax=ExplicitVRLittleEndian)


def final_answer(association: Association, number: int) -> Message:
    """The last answer to a request; those before it are pending."""
    while (message := association.response(number, seconds=120)).command.status == PENDING:
        assert message.command.remaining
    return message


def failed_uids(message: Message) -> set[str]:
    told = decoded_identifier(message.data_set, transfer_syntax=message.context.transfer_syntax)
    return set(text_of(told, "FailedSOPInstanceUIDList").split("\\"))


def counts(message: Message) -> tuple[int | None, int | None, int | None]:
    command = message.command
    return command.completed, command.failed, command.warnings


def test_getscu_has_the_files_as_they_are(site: DicomSite, held: dict[str, bytes], tmp_path: Path) -> None:
    folder = tmp_path / "got"
    folder.mkdir()
    plain = [uid for uid in held if uid != compressed_of(held)]
    keys = ("-k", "QueryRetrieveLevel=IMAGE", "-k", "SOPInstanceUID=" + "\\".join(plain))
    to = ("-aet", NODE, "-aec", "VOXELRY", "-od", folder, "+B", "127.0.0.1", site.port)
    told = dcmtk("getscu", "-v", "-S", *keys, *to)
    assert told.code == 0, told.text
    assert told.counts == {"remaining": 0, "completed": 4, "failed": 0, "warning": 0}
    got = {str(pydicom.dcmread(path).SOPInstanceUID): path.read_bytes() for path in folder.iterdir()}
    assert {uid: data_set_of(content) for uid, content in got.items()} == {uid: data_set_of(held[uid]) for uid in plain}


def test_movescu_sends_a_study_to_a_node_that_takes_all(
    site: DicomSite, held: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "got"
    with storescp(folder, "+xa") as port:
        Node.objects.create(project=site.project, name="s", ae_title="STORESCP", host="127.0.0.1", port=port)
        keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study_of(held)}")
        told = dcmtk(
            "movescu", "-v", "-S", "-aet", NODE, "-aec", "VOXELRY", "-aem", "STORESCP", *keys, "127.0.0.1", site.port
        )
    assert told.code == 0, told.text
    assert "Received Final Move Response (Success)" in told.text
    got = {str(pydicom.dcmread(path).SOPInstanceUID): path.read_bytes() for path in folder.iterdir()}
    assert {uid: data_set_of(content) for uid, content in got.items()} == {
        uid: data_set_of(content) for uid, content in held.items()
    }


def test_a_node_that_takes_only_implicit_vr_gets_equal_pixels(
    site: DicomSite, held: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "got"
    with storescp(folder, "+xi") as port:
        Node.objects.create(project=site.project, name="s", ae_title="STORESCP", host="127.0.0.1", port=port)
        with site.associate([Proposal(MOVE, (ExplicitVRLittleEndian,))]) as association:
            content = identifier("STUDY", StudyInstanceUID=study_of(held))
            number = asked(association, CommandField.C_MOVE_RQ, content, move_destination="STORESCP")
            message = final_answer(association, number)
    assert (message.command.status, counts(message)) == (SUCCESS, (5, 0, 0))
    got = [pydicom.dcmread(path) for path in folder.iterdir()]
    assert {one.file_meta.TransferSyntaxUID for one in got} == {ImplicitVRLittleEndian}
    for one in got:
        before = pydicom.dcmread(io.BytesIO(held[str(one.SOPInstanceUID)]))
        assert (one.pixel_array == before.pixel_array).all()


def pynetdicom_get(
    site: DicomSite, classes: Sequence[tuple[str, str]], **keys: str
) -> tuple[list[tuple[int, Any, Dataset | None]], list[Dataset]]:
    """Ask by pynetdicom for C-GET, taking SOP classes in a transfer syntax each: the answers, and what came."""
    got: list[Dataset] = []

    def on_store(event: evt.Event) -> int:
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        got.append(dataset)
        return 0

    entity = patient_entity()
    entity.add_requested_context(GET)
    for sop_class, syntax in classes:
        entity.add_requested_context(sop_class, syntax)
    roles: list[Any] = [build_role(sop_class, scp_role=True) for sop_class, _ in classes]
    handlers: list[Any] = [(evt.EVT_C_STORE, on_store)]
    association = entity.associate("127.0.0.1", site.port, ae_title="VOXELRY", ext_neg=roles, evt_handlers=handlers)
    assert association.is_established
    wanted = Dataset()
    for keyword, value in keys.items():
        setattr(wanted, keyword, value)
    answers = [(int(status.Status), status, told) for status, told in association.send_c_get(wanted, GET)]
    association.release()
    return answers, got


def test_pynetdicom_gets_uncompressed_pixels_that_are_equal(site: DicomSite, held: dict[str, bytes]) -> None:
    answers, got = pynetdicom_get(
        site, [(CT, ImplicitVRLittleEndian)], QueryRetrieveLevel="STUDY", StudyInstanceUID=study_of(held)
    )
    status, last, _ = answers[-1]
    assert (status, last.NumberOfCompletedSuboperations, last.NumberOfFailedSuboperations) == (SUCCESS, 5, 0)
    assert {one.SOPInstanceUID for one in got} == set(held)
    for one in got:
        before = pydicom.dcmread(io.BytesIO(held[str(one.SOPInstanceUID)]))
        assert (one.pixel_array == before.pixel_array).all()


def test_what_fits_no_context_is_a_failed_sub_operation(site: DicomSite, held: dict[str, bytes]) -> None:
    answers, got = pynetdicom_get(
        site, [(CT, RLELossless)], QueryRetrieveLevel="STUDY", StudyInstanceUID=study_of(held)
    )
    status, last, told = answers[-1]
    assert (status, last.NumberOfCompletedSuboperations, last.NumberOfFailedSuboperations) == (SOME_FAILED, 1, 4)
    assert [one.SOPInstanceUID for one in got] == [compressed_of(held)]
    assert told is not None
    assert set(told.FailedSOPInstanceUIDList) == set(held) - {compressed_of(held)}
    answers, got = pynetdicom_get(
        site, [(SECONDARY_CAPTURE, RLELossless)], QueryRetrieveLevel="STUDY", StudyInstanceUID=study_of(held)
    )
    assert (answers[-1][0], got) == (NONE_DONE, [])


def getting(site: DicomSite) -> Association:
    proposals = [Proposal(GET, (ExplicitVRLittleEndian,)), Proposal(CT, (ExplicitVRLittleEndian,))]
    return site.associate(proposals, roles={CT: Roles(scu=False, scp=True)})


def test_a_cancelled_get_ends_with_what_remains(site: DicomSite, held: dict[str, bytes]) -> None:
    with getting(site) as association:
        number = asked(association, CommandField.C_GET_RQ, identifier("STUDY", StudyInstanceUID=study_of(held)))
        stored = association.receive(seconds=60)
        assert stored.command.field is CommandField.C_STORE_RQ
        context = association.context_of(GET)
        assert context is not None
        association.send(Command(CommandField.C_CANCEL_RQ, responded_to=number), context)
        answer = Command(CommandField.C_STORE_RSP, responded_to=stored.command.message_id, status=0xB007)
        association.send(answer, stored.context)
        message = final_answer(association, number)
    assert (message.command.status, message.command.remaining, counts(message)) == (CANCELLED, 4, (0, 0, 1))


def test_lost_and_damaged_originals_are_failed_sub_operations(
    site: DicomSite, held: dict[str, bytes], data_folder: Path
) -> None:
    lost, cut, *others = list(held)
    places = {row.sop_instance_uid: data_folder / "files" / stored_name(row.sha256) for row in Instance.objects.all()}
    places[lost].unlink()
    places[cut].write_bytes(places[cut].read_bytes()[:-10])
    came = []
    with getting(site) as association:
        number = asked(association, CommandField.C_GET_RQ, identifier("STUDY", StudyInstanceUID=study_of(held)))
        while (message := association.receive(seconds=60)).command.status in (None, PENDING):
            if message.command.field is CommandField.C_STORE_RQ:
                came.append(message.command.sop_instance)
                answer = Command(CommandField.C_STORE_RSP, responded_to=message.command.message_id, status=0)
                association.send(answer, message.context)
    assert message.command.responded_to == number
    assert (message.command.status, counts(message)) == (SOME_FAILED, (3, 2, 0))
    assert (set(came), failed_uids(message)) == (set(others), {lost, cut})


def test_moves_go_only_to_configured_nodes_of_the_project(site: DicomSite, held: dict[str, bytes]) -> None:
    other = Project.objects.create(name="other")
    at = {"host": "127.0.0.1", "port": 1}
    Node.objects.create(project=other, name="o", ae_title="OTHER", **at)
    Node.objects.create(project=site.project, name="d", ae_title="DISABLED", is_enabled=False, **at)
    Node.objects.create(project=site.project, name="n", ae_title="NOBODY", **at)
    content = identifier("STUDY", StudyInstanceUID=study_of(held))
    with site.associate([Proposal(MOVE, (ExplicitVRLittleEndian,))]) as association:

        def status_of(destination: str) -> Message:
            number = asked(association, CommandField.C_MOVE_RQ, content, move_destination=destination)
            return final_answer(association, number)

        assert [status_of(title).command.status for title in ("", "X", "OTHER", "DISABLED", NODE)] == [0xA801] * 5
        unreached = status_of("NOBODY")
        assert (unreached.command.status, counts(unreached)) == (NONE_DONE, (0, 5, 0))
        assert failed_uids(unreached) == set(held)
        site.allow(may_retrieve=False)
        assert status_of("NOBODY").command.status == 0x0124


def test_levels_lists_and_keys_above(site: DicomSite, held: dict[str, bytes]) -> None:
    first, second, *_ = held
    study = study_of(held)
    dataset = pydicom.dcmread(io.BytesIO(held[first]))
    series, patient = str(dataset.SeriesInstanceUID), str(dataset.PatientID)
    with site.associate([Proposal(GET, (ExplicitVRLittleEndian,))]) as association:

        def found(level: str, **keys: str) -> int | tuple[int, int]:
            """How many instances were meant, none of which can be sent; or the status of a refusal."""
            number = asked(association, CommandField.C_GET_RQ, identifier(level, **keys))
            command = final_answer(association, number).command
            assert command.status is not None
            return command.status if command.status == 0xA900 else (command.failed or 0)

        assert found("IMAGE", SOPInstanceUID=f"{first}\\{second}") == 2
        assert found("IMAGE", SOPInstanceUID=first, StudyInstanceUID=study, SeriesInstanceUID=series) == 1
        assert found("IMAGE", SOPInstanceUID=first, StudyInstanceUID="1.2.3") == 0
        assert found("SERIES", StudyInstanceUID=study, SeriesInstanceUID=f"{series}\\1.2.3") == 4
        assert found("STUDY", StudyInstanceUID=f"1.2.3\\{study}") == 5
        assert found("STUDY", StudyInstanceUID="") == 0xA900
        assert found("STUDY", StudyInstanceUID="1.2.*") == 0xA900
        assert found("SERIES", StudyInstanceUID=study) == 0xA900
        assert found("STUDY", PatientID=patient) == 0xA900
    syntax = {"transfer_syntax": str(ExplicitVRLittleEndian)}
    of_patient = identifier("STUDY", PatientID=patient).replace(b"CS\x06\0STUDY ", b"CS\x08\0PATIENT ")
    assert read_retrieve_identifier(of_patient, PATIENT_GET, **syntax).values == (patient,)
    with pytest.raises(RetrieveIdentifierError):
        read_retrieve_identifier(of_patient, GET, **syntax)
    with pytest.raises(RetrieveIdentifierError):
        read_retrieve_identifier(b"\xff" * 7, GET, **syntax)
    wanted = read_retrieve_identifier(identifier("STUDY", StudyInstanceUID=study, PatientID="P"), PATIENT_GET, **syntax)
    assert wanted.above == {"series__study__patient__patient_id": ("P",)}


def test_a_long_list_of_failed_instances_is_whole() -> None:
    uids = [f"1.2.826.0.1.3680043.8.498.{number:038d}" for number in range(2_000)]
    told = decoded_identifier(failed_uid_list(uids, explicit=False), transfer_syntax=ImplicitVRLittleEndian)
    assert text_of(told, "FailedSOPInstanceUIDList").split("\\") == uids
    explicit = failed_uid_list(uids, explicit=True)
    assert explicit[4:8] == b"UN\0\0"  # longer than a UI may be there (PS3.5 6.2.2)
    assert explicit[12:].decode().rstrip("\0").split("\\") == uids
