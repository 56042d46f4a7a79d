"""C-FIND as its provider: levels, keys, answers and refusals, with pynetdicom and dcmtk as judges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from tests.dicomweb.stored import data_set, store
from tests.dimse.conftest import DicomSite
from tests.dimse.queries import PATIENT_ROOT, PATIENT_STUDY, STUDY_ROOT, Found, asked, findscu, identifier, querying
from voxelry.network.association import Association
from voxelry.network.command_set import Command, CommandField
from voxelry.network.contexts import Context, Proposal
from voxelry.server.archive.by_attribute import attribute_search
from voxelry.server.archive.lists.study_listing import refresh_listing
from voxelry.server.archive.models import Study
from voxelry.server.dimse import find_service
from voxelry.testing import uid

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR")  # of pydicom, for what queries may have
PENDING, PARTLY = 0xFF00, 0xFF01
DOES_NOT_MATCH, CANNOT_UNDERSTAND, CANCELLED = 0xA900, 0xC000, 0xFE00
REQUESTS = [
    {"ScheduledProcedureStepID": "SPS1", "RequestedProcedureID": "RP1", "ScheduledProcedureStepDescription": "Head"},
    {"ScheduledProcedureStepID": "SPS2", "RequestedProcedureID": "RP2"},
]


@pytest.fixture
def three(site: DicomSite) -> DicomSite:
    """Three studies of two patients: a CT of two series, an MR with requests, and a CT of the first patient."""
    first: dict[str, Any] = {
        "PatientName": "Doe^Jane", "StudyDate": "20240101", "StudyTime": "080000.25", "AccessionNumber": "A100",
        "ReferringPhysicianName": "House^Gregory", "PatientBirthDate": "19700102", "PatientSex": "F",
        "StudyDescription": "Chest CT", "OtherPatientIDs": ["X1", "X2"], "PatientAge": "054Y", "PatientID": "P1",
    }  # fmt: skip
    second: dict[str, Any] = {
        "PatientName": "Roe^John", "StudyDate": "20240102", "StudyTime": "235959", "AccessionNumber": "A200",
        "PerformedProcedureStepStartDate": "20240102", "PerformedProcedureStepStartTime": "113000",
        "requests": REQUESTS, "Modality": "MR", "PatientSex": "M",
    }  # fmt: skip
    store(
        [
            data_set(1, study=1, **first),
            data_set(2, study=1, **first),
            data_set(1, study=1, series=2, SeriesDescription="axial", **first),
            data_set(1, study=2, **second),
            data_set(7, study=3, NumberOfFrames=None, **{**first, "AccessionNumber": "B300", "StudyDate": "20250301"}),
        ]
    )
    return site


def numbers(found: Found, keyword: str = "StudyInstanceUID") -> list[int]:
    """The numbers of the studies of the answers."""
    known = {uid(f"study {number}"): number for number in range(1, 10)}
    return [known[one[keyword].value] for one in found.answers]


# --- Levels and answers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_study_comes_back_with_all_keys(three: DicomSite, syntax: str) -> None:
    keys: dict[str, object] = {
        "StudyInstanceUID": "", "StudyDate": "", "StudyTime": "", "AccessionNumber": "A100", "PatientName": "",
        "PatientID": "", "PatientSex": "", "ModalitiesInStudy": "", "NumberOfStudyRelatedSeries": "",
        "NumberOfStudyRelatedInstances": "", "ReferringPhysicianName": "", "StudyDescription": "", "StudyID": "",
        "SOPClassesInStudy": "", "PatientComments": "", "InstitutionName": "", "RequestAttributesSequence": [],
    }  # fmt: skip
    found = asked(three.port, "STUDY", keys, syntax=syntax)
    assert (found.status, found.pending) == (0, [PENDING])
    (answer,) = found.answers
    assert {one.keyword for one in answer} == {*keys, "QueryRetrieveLevel", "RetrieveAETitle", "InstanceAvailability"}
    assert answer.QueryRetrieveLevel == "STUDY"
    assert (answer.RetrieveAETitle, answer.InstanceAvailability) == ("VOXELRY", "ONLINE")
    assert (answer.StudyInstanceUID, answer.StudyDate, answer.StudyTime) == (uid("study 1"), "20240101", "080000.25")
    assert (answer.PatientName, answer.PatientID, answer.PatientSex) == ("Doe^Jane", "P1", "F")
    assert (answer.ModalitiesInStudy, answer.StudyID) == ("CT", "S1")
    assert (answer.NumberOfStudyRelatedSeries, answer.NumberOfStudyRelatedInstances) == (2, 3)
    assert (answer.ReferringPhysicianName, answer.StudyDescription) == ("House^Gregory", "Chest CT")
    assert answer.SOPClassesInStudy == "1.2.840.10008.5.1.4.1.1.2"
    for empty in ("PatientComments", "InstitutionName", "RequestAttributesSequence"):
        assert not answer[empty].value
    assert "SpecificCharacterSet" not in answer


def test_all_levels_of_patient_root(three: DicomSite) -> None:
    patients = asked(
        three.port,
        "PATIENT",
        {
            "PatientID": "", "PatientName": "", "OtherPatientIDs": "", "PatientAge": "",
            "NumberOfPatientRelatedStudies": "", "NumberOfPatientRelatedSeries": "",
            "NumberOfPatientRelatedInstances": "", "StudyInstanceUID": "",
        },
        root=PATIENT_ROOT,
    )  # fmt: skip
    assert [one.PatientID for one in patients.answers] == ["P1", "P2"]
    first = patients.answers[0]
    assert (first.QueryRetrieveLevel, first.PatientName) == ("PATIENT", "Doe^Jane")
    assert list(first.OtherPatientIDs) == ["X1", "X2"]
    counts = ("Studies", "Series", "Instances")
    assert [first[f"NumberOfPatientRelated{name}"].value for name in counts] == [2, 3, 4]
    assert not first.PatientAge  # of a study
    assert not first.StudyInstanceUID
    above: dict[str, object] = {"PatientID": "P1"}
    studies = asked(three.port, "STUDY", {**above, "StudyInstanceUID": ""}, root=PATIENT_ROOT)
    assert numbers(studies) == [1, 3]
    above["StudyInstanceUID"] = uid("study 1")
    series = asked(three.port, "SERIES", {**above, "SeriesInstanceUID": "", "SeriesDescription": ""}, root=PATIENT_ROOT)
    assert [one.SeriesInstanceUID for one in series.answers] == [uid("series 1 1"), uid("series 1 2")]
    assert series.answers[1].SeriesDescription == "axial"
    above["SeriesInstanceUID"] = uid("series 1 1")
    instances = asked(three.port, "IMAGE", {**above, "SOPInstanceUID": "", "InstanceNumber": ""}, root=PATIENT_ROOT)
    assert [(one.SOPInstanceUID, one.InstanceNumber) for one in instances.answers] == [
        (uid("instance 1 1 1"), 1),
        (uid("instance 1 1 2"), 2),
    ]
    assert {one.PatientID for one in instances.answers} == {"P1"}
    assert asked(three.port, "STUDY", {"PatientID": "P1"}, root=PATIENT_STUDY).status == 0


def test_attributes_of_instances_are_read_from_their_files(three: DicomSite) -> None:
    keys: dict[str, object] = {
        "StudyInstanceUID": uid("study 1"), "SeriesInstanceUID": uid("series 1 1"), "SOPInstanceUID": "", "Rows": None,
        "Columns": None, "ImageType": "", "PixelSpacing": "", "PatientName": "", "NumberOfFrames": "",
        "SeriesNumber": "", "PresentationIntentType": "",
    }  # fmt: skip
    found = asked(three.port, "IMAGE", keys)
    assert found.pending == [PENDING] * 2
    for answer in found.answers:
        assert (answer.Rows, answer.Columns, answer.PatientName, answer.SeriesNumber) == (2, 3, "Doe^Jane", 1)
        assert answer.ImageType
        assert answer.PixelSpacing
        assert not answer.PresentationIntentType


def test_the_items_of_a_sequence_have_what_is_asked_for(three: DicomSite) -> None:
    keys: dict[str, object] = {
        "StudyInstanceUID": uid("study 2"),
        "RequestAttributesSequence": [{"ScheduledProcedureStepID": "SPS2", "ScheduledProcedureStepDescription": ""}],
    }
    found = asked(three.port, "SERIES", keys)
    assert found.pending == [PENDING]
    items = found.answers[0].RequestAttributesSequence
    assert [item.ScheduledProcedureStepID for item in items] == ["SPS1", "SPS2"]
    assert [item.ScheduledProcedureStepDescription for item in items] == ["Head", ""]
    assert "RequestedProcedureID" not in items[0]
    keys["RequestAttributesSequence"] = [{"ScheduledProcedureStepID": "SPS3"}]
    assert asked(three.port, "SERIES", keys).answers == []
    keys["RequestAttributesSequence"] = []
    assert len(asked(three.port, "SERIES", keys).answers[0].RequestAttributesSequence[0]) == 3


# --- Matching ---------------------------------------------------------------------------------------------------------

QUERIES: tuple[tuple[dict[str, object], list[int]], ...] = (
    ({}, [1, 2, 3]),
    ({"PatientName": "*", "StudyDate": "", "StudyTime": "*", "StudyInstanceUID": "*"}, [1, 2, 3]),
    ({"PatientName": "doe^jane"}, [1, 3]),
    ({"PatientName": "DOE*"}, [1, 3]),
    ({"PatientName": "?oe^J*"}, [1, 2, 3]),
    ({"AccessionNumber": "a100"}, []),
    ({"AccessionNumber": "?[1]00"}, []),
    ({"StudyInstanceUID": [uid("study 1"), uid("study 2")]}, [1, 2]),
    ({"StudyDate": "20240101-20240102"}, [1, 2]),
    ({"StudyDate": "20240102-"}, [2, 3]),
    ({"StudyDate": "-20240101"}, [1]),
    ({"StudyTime": "0800"}, [1, 3]),
    ({"StudyTime": "080000.3-"}, [2]),
    ({"StudyDate": "20240101-20240102", "StudyTime": "080000-090000"}, [1]),
    ({"ModalitiesInStudy": "MR"}, [2]),
    ({"ModalitiesInStudy": ["MR", "CT"]}, [1, 2, 3]),
    ({"ModalitiesInStudy": "C*"}, [1, 3]),
    ({"Modality": "MR"}, [2]),
    ({"PatientBirthDate": "19700102"}, [1, 3]),
    ({"PatientSex": "M"}, [2]),
    ({"StudyDescription": "*ct"}, []),
    ({"StudyDescription": "*CT"}, [1, 3]),
    ({"ReferringPhysicianName": "house*"}, [1, 3]),
)


def test_keys_match_as_the_standard_says(three: DicomSite) -> None:
    with querying(three.port) as ask:
        for keys, expected in QUERIES:
            found = ask("STUDY", {"StudyInstanceUID": "", **keys})
            assert found.status == 0, keys
            assert numbers(found) == expected, keys
            assert set(found.pending) <= {PENDING}, keys


def test_a_key_that_is_not_matched_is_told(three: DicomSite) -> None:
    for level, keys in (
        ("STUDY", {"InstitutionName": "Nowhere"}),
        ("STUDY", {"NumberOfStudyRelatedInstances": "99"}),
        ("STUDY", {"SeriesInstanceUID": "1.2.3"}),
        ("PATIENT", {"StudyDate": "19990101"}),
    ):
        found = asked(three.port, level, keys, root=PATIENT_ROOT if level == "PATIENT" else STUDY_ROOT)
        assert set(found.pending) == {PARTLY}, keys
    assert set(asked(three.port, "STUDY", {"InstitutionName": "*", "PatientComments": ""}).pending) == {PENDING}


def test_ranges_of_dates_and_times_are_one_after_negotiation_only(three: DicomSite) -> None:
    keys: dict[str, object] = {"StudyInstanceUID": "", "StudyDate": "20240101-20250301", "StudyTime": "200000-090000"}
    refused = asked(three.port, "STUDY", keys)
    assert (refused.status, refused.answers) == (DOES_NOT_MATCH, [])
    assert refused.last.OffendingElement == 0x00080030
    assert numbers(asked(three.port, "STUDY", keys, options=b"\0\1")) == [2, 3]
    keys["StudyTime"] = "090000-120000"
    assert numbers(asked(three.port, "STUDY", keys)) == []
    assert numbers(asked(three.port, "STUDY", keys, options=b"\0\1")) == [2, 3]


# --- Refusals ---------------------------------------------------------------------------------------------------------


REFUSED: tuple[tuple[str, str, dict[str, object], int], ...] = (
    (STUDY_ROOT, "", {"PatientID": ""}, 0x00080052),
    (STUDY_ROOT, "PATIENT", {"PatientID": ""}, 0x00080052),
    (STUDY_ROOT, "INSTANCE", {}, 0x00080052),
    (PATIENT_STUDY, "SERIES", {"PatientID": "P1", "StudyInstanceUID": "1.2"}, 0x00080052),
    (STUDY_ROOT, "SERIES", {"SeriesInstanceUID": ""}, 0x0020000D),
    (STUDY_ROOT, "SERIES", {"StudyInstanceUID": "*"}, 0x0020000D),
    (STUDY_ROOT, "IMAGE", {"StudyInstanceUID": "1.2"}, 0x0020000E),
    (PATIENT_ROOT, "STUDY", {"StudyInstanceUID": ""}, 0x00100020),
    (PATIENT_ROOT, "STUDY", {"PatientID": "P*"}, 0x00100020),
    (STUDY_ROOT, "STUDY", {"StudyDate": "2024*"}, 0x00080020),
    (STUDY_ROOT, "STUDY", {"StudyTime": "2500"}, 0x00080030),
    (STUDY_ROOT, "STUDY", {"StudyTime": "2000-0600"}, 0x00080030),
)


def test_an_identifier_that_does_not_match_is_refused(three: DicomSite) -> None:
    for root, level, keys, offending in REFUSED:
        found = asked(three.port, level, keys, root=root)
        assert (found.status, found.answers) == (DOES_NOT_MATCH, []), (level, keys)
        assert found.last.OffendingElement == offending, (level, keys)
        assert 0 < len(found.last.ErrorComment) <= 64
    assert len(asked(three.port, "STUDY", {"StudyInstanceUID": ""}).answers) == 3


def test_relational_queries_need_a_negotiation(three: DicomSite) -> None:
    found = asked(three.port, "IMAGE", {"SOPInstanceUID": "", "PatientName": "Doe*"}, options=b"\1")
    assert (found.status, len(found.answers)) == (0, 4)


UNREADABLE = (b"\x08\x00", b"\x08\x00\x52\x00CS\xff\x7fSTUDY ", b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 40)


def test_an_identifier_that_cannot_be_read_is_refused(site: DicomSite) -> None:
    with find_association(site) as association:
        for content in UNREADABLE:
            answer = association.response(sent(association, content)).command
            assert answer.status == CANNOT_UNDERSTAND
            assert answer.error_comment


def test_who_may_not_find_is_told(three: DicomSite) -> None:
    with find_association(three) as association:
        three.allow(may_find=False)
        number = sent(association, STUDIES)
        assert association.response(number).command.status == 0x0124


def test_nothing_of_the_trash_and_of_other_projects_is_found(three: DicomSite) -> None:
    store([data_set(1, study=4, PatientID="P1")], project="another")
    Study.objects.filter(study_instance_uid=uid("study 1")).update(trashed=timezone.now())
    refresh_listing(Study.objects.values_list("pk", flat=True))
    assert numbers(asked(three.port, "STUDY", {"StudyInstanceUID": ""})) == [2, 3]
    patients = asked(
        three.port, "PATIENT", {"PatientID": "", "NumberOfPatientRelatedStudies": ""}, root=PATIENT_ROOT
    ).answers
    assert [(one.PatientID, one.NumberOfPatientRelatedStudies) for one in patients] == [("P2", 1), ("P1", 1)]
    gone = {"StudyInstanceUID": uid("study 1"), "SeriesInstanceUID": ""}
    assert asked(three.port, "SERIES", gone).answers == []
    other = {"StudyInstanceUID": uid("study 4"), "SeriesInstanceUID": uid("series 4 1"), "SOPInstanceUID": ""}
    assert asked(three.port, "IMAGE", other).answers == []


def test_what_is_being_taken_in_is_waited_for(site: DicomSite, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken_in(project: int, *, seconds: float) -> bool:
        assert (project, seconds > 0) == (site.project.pk, True)
        store([data_set(1)])
        return True

    monkeypatch.setattr(find_service, "wait_until_taken_in", taken_in)
    assert numbers(asked(site.port, "STUDY", {"StudyInstanceUID": ""})) == [1]


# --- The end of a search ----------------------------------------------------------------------------------------------

STUDIES = (
    b"\x08\x00\x52\x00CS\x06\x00STUDY "
    b"\x10\x00\x10\x00PN\x00\x00"
)  # fmt: skip


def find_association(site: DicomSite) -> Association:
    """An association for queries in Explicit VR Little Endian."""
    return site.associate([Proposal(STUDY_ROOT, (ExplicitVRLittleEndian,))])


def context_of(association: Association) -> Context:
    found = association.context_of(STUDY_ROOT)
    assert found is not None
    return found


def sent(association: Association, content: bytes) -> int:
    """Send a query; its message ID."""
    number = association.new_message_id()
    request = Command(CommandField.C_FIND_RQ, message_id=number, sop_class=STUDY_ROOT, priority=0)
    association.send(request, context_of(association), content)
    return number


@pytest.fixture
def endless(three: DicomSite, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The archive has no end: what was asked of it so far."""
    asked_for: list[int] = []
    rows = attribute_search.AttributeSearch.rows

    def again(search: attribute_search.AttributeSearch) -> Iterator[attribute_search.RowKeys]:
        while True:
            for row in rows(search):
                asked_for.append(1)
                yield row

    monkeypatch.setattr(attribute_search.AttributeSearch, "rows", again)
    return asked_for


def test_a_cancel_ends_the_answers(three: DicomSite, endless: list[int]) -> None:
    with find_association(three) as association:
        number = sent(association, STUDIES)
        assert association.response(number).command.status == PENDING
        association.send(Command(CommandField.C_CANCEL_RQ, responded_to=number), context_of(association))
        while (status := association.response(number).command.status) == PENDING:
            pass
        assert status == CANCELLED
        count = len(endless)
        # The association is of use afterwards, also for a request with the same number.
        association.send(Command(CommandField.C_CANCEL_RQ, responded_to=number + 1), context_of(association))
        again = sent(association, STUDIES)
        assert again == number + 1
        assert association.response(again).command.status == PENDING
        assert len(endless) > count
        association.abort()


@pytest.mark.parametrize("how", ["abort", "close"])
def test_nothing_is_read_for_a_node_that_is_gone(three: DicomSite, endless: list[int], how: str) -> None:
    association = find_association(three)
    number = sent(association, STUDIES)
    assert association.response(number).command.status == PENDING
    if how == "abort":
        association.abort()
    else:
        association._stream.close()
    assert three.listener.wait_until_idle(60)  # the thread of the association ends
    assert three.listener.associations == 0


def test_a_search_that_finds_nothing_can_be_cancelled(three: DicomSite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two statements, before the first answer."""
    monkeypatch.setattr(attribute_search, "_WINDOWS", (1,))
    monkeypatch.setattr(attribute_search, "FEW", -1)
    with find_association(three) as association:
        fetched = attribute_search.fetched_rows
        cancels: list[int] = []

        def cancelled_meanwhile(branch: Any) -> list[Any]:
            if not cancels:
                cancels.append(1)
                association.send(Command(CommandField.C_CANCEL_RQ, responded_to=1), context_of(association))
            return fetched(branch)

        monkeypatch.setattr(attribute_search, "fetched_rows", cancelled_meanwhile)
        number = sent(association, STUDIES[:14] + b"\x10\x00\x10\x00PN\x02\x00Q*")
        assert number == 1
        assert association.response(number).command.status == CANCELLED


# --- dcmtk ------------------------------------------------------------------------------------------------------------


def test_dcmtk_finds_the_same(three: DicomSite, tmp_path: Path) -> None:
    studies = findscu(
        three.port, tmp_path / "a", "QueryRetrieveLevel=STUDY", "StudyInstanceUID", "StudyDate=20240101-20240131",
        "PatientName=d*", "ModalitiesInStudy", "NumberOfStudyRelatedInstances", "PatientComments",
    )  # fmt: skip
    assert [one.StudyInstanceUID for one in studies] == [uid("study 1")]
    assert (studies[0].NumberOfStudyRelatedInstances, studies[0].PatientComments) == (3, "")
    series = findscu(
        three.port, tmp_path / "b", "QueryRetrieveLevel=SERIES", f"StudyInstanceUID={uid('study 1')}", "Modality",
        "SeriesInstanceUID", "NumberOfSeriesRelatedInstances", options=["-xi"],
    )  # fmt: skip
    assert [one.NumberOfSeriesRelatedInstances for one in series] == [2, 1]
    patients = findscu(three.port, tmp_path / "c", "QueryRetrieveLevel=PATIENT", "PatientID", root="-P")
    assert [one.PatientID for one in patients] == ["P1", "P2"]
    images = findscu(
        three.port, tmp_path / "d", "QueryRetrieveLevel=IMAGE", f"StudyInstanceUID={uid('study 1')}",
        f"SeriesInstanceUID={uid('series 1 1')}", "SOPInstanceUID", "InstanceNumber=2", "Rows",
    )  # fmt: skip
    assert [(one.SOPInstanceUID, one.Rows) for one in images] == [(uid("instance 1 1 2"), 2)]
    requests = findscu(
        three.port, tmp_path / "e", "QueryRetrieveLevel=SERIES", f"StudyInstanceUID={uid('study 2')}",
        "RequestAttributesSequence[0].RequestedProcedureID=RP2",
    )  # fmt: skip
    assert [item.RequestedProcedureID for item in requests[0].RequestAttributesSequence] == ["RP1", "RP2"]


def test_keys_of_unknown_and_private_tags_come_back(three: DicomSite) -> None:
    keys = identifier("STUDY", {"StudyInstanceUID": uid("study 1")})
    block = keys.private_block(0x0099, "TEST", create=True)
    block.add_new(0x01, "LO", "")
    keys.add_new(0x00091234, "UN", b"")
    encoded = _encoded(keys)
    with find_association(three) as association:
        answer = association.response(sent(association, encoded))
        assert answer.command.status in (PENDING, PARTLY)
        for tag in (b"\x99\x00\x01\x10LO\x00\x00", b"\x09\x00\x34\x12UN\x00\x00\x00\x00\x00\x00"):
            assert tag in answer.data_set


def _encoded(keys: Dataset) -> bytes:
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = False, True
    write_dataset(buffer, keys)
    return buffer.getvalue()
