"""Orthanc on the DICOM network, in both directions: as modality that stores, asks and fetches, and as destination."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pydicom
import pytest

from tests.dimse.conftest import LiveDicomSite
from tests.peers.live_site import live_site
from tests.peers.orthanc import PROGRAM, TITLE, Orthanc, orthanc
from tests.servers.running import free_port, wait_until
from voxelry.testing import SyntheticSeries, synthetic_series

pytestmark = pytest.mark.programs(PROGRAM)


@dataclass(frozen=True)
class Neighbours:
    """A site and an Orthanc that know each other: Orthanc knows the site as the modality ``voxelry``."""

    site: LiveDicomSite
    orthanc: Orthanc

    def found(self, level: str, **query: str) -> list[dict[str, Any]]:
        """Orthanc asks the site (C-FIND)."""
        answers = self.orthanc.get(f"/queries/{self.asked(level, **query)}/answers?expand&simplify")
        assert isinstance(answers, list)
        return answers

    def asked(self, level: str, **query: str) -> str:
        """A query of Orthanc to the site, by its identifier."""
        return str(self.orthanc.post("/modalities/voxelry/query", {"Level": level, "Query": query})["ID"])


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbours]:
    port = free_port()
    known = {"AET": "VOXELRY", "Host": "127.0.0.1", "Port": port, "AllowStorageCommitment": True}
    with (
        live_site(tmp_path_factory.mktemp("site"), dimse_port=str(port)) as web,
        orthanc(tmp_path_factory.mktemp("orthanc"), {}, modalities={"voxelry": known}) as peer,
    ):
        site = LiveDicomSite(web, port)
        rights = {"may_store": True, "may_find": True, "may_retrieve": True}
        site.add_node(name="orthanc", ae_title=TITLE, host="127.0.0.1", port=peer.dicom_port, **rights)
        yield Neighbours(site, peer)


@pytest.fixture(scope="module")
def ct(tmp_path_factory: pytest.TempPathFactory) -> SyntheticSeries:
    """A CT that nobody has yet."""
    return synthetic_series(
        tmp_path_factory.mktemp("ct"),
        seed=1601,
        slices=7,
        attributes={
            "PatientName": "Müller^Jürgen",
            "PatientID": "ORTHANC-1",
            "SpecificCharacterSet": "ISO_IR 100",
            "StudyDescription": "Schädel",
            "StudyDate": "20260302",
            "AccessionNumber": "AC16",
        },
    )


@pytest.fixture(scope="module")
def stored(neighbours: Neighbours, ct: SyntheticSeries) -> dict[str, Any]:
    """What Orthanc said when it had sent the CT to the site and asked for storage commitment."""
    for path in ct.paths:
        neighbours.orthanc.add(path.read_bytes())
    (study,) = neighbours.orthanc.get("/studies")
    sent = neighbours.orthanc.post("/modalities/voxelry/store", {"Resources": [study], "Synchronous": True})
    assert isinstance(sent, dict)
    return sent


def references(ct: SyntheticSeries) -> list[dict[str, str]]:
    read = [pydicom.dcmread(path, stop_before_pixels=True) for path in ct.paths]
    return [{"SOPClassUID": str(one.SOPClassUID), "SOPInstanceUID": str(one.SOPInstanceUID)} for one in read]


def test_it_is_answered(neighbours: Neighbours) -> None:
    assert neighbours.orthanc.post("/modalities/voxelry/echo", {"CheckFind": True}) == {}


def test_what_it_stores_is_here_byte_for_byte(
    neighbours: Neighbours, ct: SyntheticSeries, stored: dict[str, Any]
) -> None:
    assert (stored["InstancesCount"], stored["FailedInstancesCount"]) == (7, 0)
    for path in ct.paths:
        own = pydicom.dcmread(path)
        answer = neighbours.site.web.get(
            f"/studies/{own.StudyInstanceUID}/series/{own.SeriesInstanceUID}/instances/{own.SOPInstanceUID}",
            Accept="application/dicom; transfer-syntax=*",
        )
        assert data_set_bytes(answer.content) == data_set_bytes(path.read_bytes())


def test_it_finds_at_each_level(neighbours: Neighbours, ct: SyntheticSeries, stored: dict[str, Any]) -> None:
    study, series = str(ct.study_instance_uid), str(ct.series_instance_uid)
    (found,) = neighbours.found("Study", PatientName="m*ller^*", StudyDate="20260301-20260303", StudyDescription="")
    assert (found["StudyInstanceUID"], found["PatientName"], found["PatientID"]) == (
        study,
        "Müller^Jürgen",
        "ORTHANC-1",
    )
    assert found["StudyDescription"] == "Schädel"
    (found,) = neighbours.found("Series", StudyInstanceUID=study, NumberOfSeriesRelatedInstances="")
    assert (found["SeriesInstanceUID"], found["NumberOfSeriesRelatedInstances"]) == (series, "7")
    found_instances = neighbours.found("Instance", StudyInstanceUID=study, SeriesInstanceUID=series)
    assert {one["SOPInstanceUID"] for one in found_instances} == {one["SOPInstanceUID"] for one in references(ct)}
    assert neighbours.found("Study", PatientID="NOBODY") == []


def test_it_moves_a_study_to_itself(neighbours: Neighbours, ct: SyntheticSeries, stored: dict[str, Any]) -> None:
    neighbours.orthanc.clear()
    assert neighbours.orthanc.get("/statistics")["CountInstances"] == 0
    query = neighbours.asked("Study", StudyInstanceUID=str(ct.study_instance_uid))
    neighbours.orthanc.post(f"/queries/{query}/retrieve", {"TargetAet": TITLE, "Synchronous": True})
    assert neighbours.orthanc.get("/statistics")["CountInstances"] == 7
    kept = {data_set_bytes(neighbours.orthanc.file(one)) for one in neighbours.orthanc.get("/instances")}
    assert kept == {data_set_bytes(path.read_bytes()) for path in ct.paths}


def test_it_is_told_what_is_committed_and_what_is_not(
    neighbours: Neighbours, ct: SyntheticSeries, stored: dict[str, Any]
) -> None:
    known = references(ct)
    unknown = {**known[0], "SOPInstanceUID": "1.2.826.0.1.3680043.8.498.1602"}
    asked = neighbours.orthanc.post("/modalities/voxelry/storage-commitment", {"DicomInstances": [*known, unknown]})

    def report() -> dict[str, Any]:
        told = neighbours.orthanc.get(asked["Path"])
        assert isinstance(told, dict)
        return told

    wait_until(lambda: report()["Status"] != "Pending", "the report")
    assert report()["Status"] == "Failure"
    assert sorted(report()["Success"], key=str) == sorted(known, key=str)
    (failure,) = report()["Failures"]
    assert failure["SOPInstanceUID"] == unknown["SOPInstanceUID"]
    assert failure["FailureReason"] == 0x0112


def data_set_bytes(content: bytes) -> bytes:
    """What follows the File Meta Information, which each archive writes anew."""
    length = int.from_bytes(content[140:144], "little")
    return content[144 + length :]
