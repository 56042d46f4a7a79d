"""C-ECHO and C-FIND as their user, against pynetdicom, dcmtk and Orthanc."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from tests.network.archives import dcmqrscp, orthanc_archive, python_archive
from voxelry.core.errors import ParameterError
from voxelry.network.associating import associate
from voxelry.network.contexts import Proposal
from voxelry.network.echoing import echo
from voxelry.network.failures import ConnectionFailedError, NoContextError
from voxelry.network.finding import FIND_PROPOSALS, NodeAnswers, find
from voxelry.network.identifiers import decoded_identifier, encoded_identifier, text_of
from voxelry.network.peer_address import PeerAddress
from voxelry.network.service_uids import VERIFICATION
from voxelry.testing.synthetic import synthetic_series

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"


def series(folder: Path, name: str, number: int) -> list[Path]:
    made = synthetic_series(
        folder / str(number), slices=2, seed=number, attributes={"PatientName": name, "PatientID": f"P{number}"}
    )
    return list(made.paths)


def asked(peer: PeerAddress, most: int = 100, **keys: str) -> tuple[list[str], NodeAnswers]:
    with associate(peer, FIND_PROPOSALS, calling="ME") as association:
        answers = find(association, "STUDY", {"PatientName": "", "StudyInstanceUID": "", **keys}, most=most)
        return sorted(text_of(answer, "PatientName") for answer in answers), answers


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_identifiers_are_those_that_pydicom_reads(syntax: str) -> None:
    keys = {"PatientName": "Mü*", "StudyDate": "20240101-20240131", "StudyInstanceUID": "1.2\\1.3", "Rows": ""}
    found = decoded_identifier(encoded_identifier("STUDY", keys, transfer_syntax=syntax), transfer_syntax=syntax)
    assert [element.keyword for element in found] == [
        "SpecificCharacterSet", "StudyDate", "QueryRetrieveLevel", "PatientName", "StudyInstanceUID", "Rows",
    ]  # fmt: skip
    assert (found.SpecificCharacterSet, found.QueryRetrieveLevel) == ("ISO_IR 192", "STUDY")
    assert [text_of(found, keyword) for keyword in keys] == [*list(keys.values())[:3], ""]
    assert "SpecificCharacterSet" not in decoded_identifier(
        encoded_identifier("STUDY", {"PatientID": "A"}, transfer_syntax=syntax), transfer_syntax=syntax
    )


def test_a_key_or_level_that_is_none_is_refused() -> None:
    for level, keys in (("PATIENT", {}), ("STUDY", {"Nothing": ""}), ("STUDY", {"Rows": "5"})):
        with pytest.raises(ParameterError):
            encoded_identifier(level, keys, transfer_syntax=EXPLICIT)


def test_an_element_that_cannot_be_read_is_left_out() -> None:
    content = encoded_identifier("STUDY", {"PatientID": "A"}, transfer_syntax=EXPLICIT)
    broken = content + b"\x20\x00\x13\x00IS\x04\x00no !"
    assert text_of(decoded_identifier(broken, transfer_syntax=EXPLICIT), "PatientID") == "A"


def test_answers_of_pynetdicom_and_a_limit(tmp_path: Path) -> None:
    names = ["Müller^Jörg", "Nägeli^Urs", "Oz^Amos"]
    paths = [path for number, name in enumerate(names) for path in series(tmp_path, name, number)]
    with python_archive(paths) as archive:
        assert asked(archive.peer)[0] == names
        assert asked(archive.peer, PatientName="Mü*")[0] == names[:1]
        found, answers = asked(archive.peer, most=2)
        assert (len(found), answers.is_cut, answers.has_unsupported_keys) == (2, True, False)
        assert not asked(archive.peer, most=3)[1].is_cut


def test_two_queries_over_one_association_after_a_limit(tmp_path: Path) -> None:
    paths = [path for number in range(4) for path in series(tmp_path, f"A^{number}", number)]
    with python_archive(paths) as archive, associate(archive.peer, FIND_PROPOSALS, calling="ME") as association:
        assert len(list(find(association, "STUDY", {"StudyInstanceUID": ""}, most=1))) == 1
        assert len(list(find(association, "STUDY", {"StudyInstanceUID": ""}, most=9))) == 4


def test_dcmtk_answers(tmp_path: Path) -> None:
    paths = series(tmp_path, "Doe^Jane", 1)
    first = pydicom.dcmread(paths[0])
    keys = {"StudyInstanceUID": first.StudyInstanceUID, "SeriesInstanceUID": first.SeriesInstanceUID}
    with dcmqrscp(tmp_path / "qr", paths) as peer:
        assert asked(peer)[0] == ["Doe^Jane"]
        report = echo(peer, calling="ME")
        with associate(peer, FIND_PROPOSALS, calling="ME") as association:
            images = list(find(association, "IMAGE", {**keys, "SOPInstanceUID": ""}, most=9))
    assert len(images) == 2
    assert report.implementation.startswith("OFFIS_DCMTK")
    assert {"C-FIND", "C-GET", "C-MOVE"} <= set(report.services)


def test_orthanc_answers_in_its_character_set(tmp_path: Path) -> None:
    with orthanc_archive(tmp_path / "orthanc", series(tmp_path, "Müller^Jörg", 1)) as peer:
        assert asked(peer, PatientID="P1")[0] == ["Müller^Jörg"]
        assert asked(peer, PatientID="P2")[0] == []
        assert {"C-STORE", "C-FIND", "C-GET", "C-MOVE"} <= set(echo(peer, calling="ME").services)


def test_who_does_not_answer(tmp_path: Path) -> None:
    with python_archive([]) as archive:
        peer = archive.peer
        only_echo = associate(peer, [Proposal(VERIFICATION, (IMPLICIT,))], calling="ME")
        with only_echo, pytest.raises(NoContextError, match="C-FIND"):
            find(only_echo, "STUDY", {}, most=1)
    with pytest.raises(ConnectionFailedError, match="cannot be reached"):
        echo(peer, calling="ME")
