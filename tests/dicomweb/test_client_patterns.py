"""Requests as public clients send them: their headers and queries to the letter, and what they need of the answer."""

from __future__ import annotations

import email
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEG2000Lossless

from tests.dicomweb.conftest import Site, Web
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

JSON = "application/dicom+json"


class Stored:
    """A study of one series, stored."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = list(paths)
        self.datasets = [pydicom.dcmread(path) for path in paths]
        first = self.datasets[0]
        self.study = f"/studies/{first.StudyInstanceUID}"
        self.series = f"{self.study}/series/{first.SeriesInstanceUID}"
        self.instances = [f"{self.series}/instances/{one.SOPInstanceUID}" for one in self.datasets]


@pytest.fixture
def ct(site: Site, tmp_path: Path) -> Stored:
    attributes = {"PatientID": "CT-1", "PatientName": "Patterns^Ada", "AccessionNumber": "A-7", "StudyDate": "20240315"}
    made = synthetic_series(tmp_path / "ct", slices=3, attributes=attributes)
    site.upload(made.paths)
    return Stored(made.paths)


@pytest.fixture
def compressed(site: Site, tmp_path: Path) -> Stored:
    made = synthetic_series(
        tmp_path / "j2k", slices=3, seed=3, frames="enhanced", transfer_syntax=JPEG2000Lossless,
        attributes={"PatientID": "J2K-1"},
    )  # fmt: skip
    site.upload(made.paths)
    return Stored(made.paths)


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def parts(response: Any) -> list[tuple[str, bytes]]:
    """Type and content of each part (RFC 2046, 5.1.1)."""
    boundary = email.message_from_string(f"Content-Type: {response['Content-Type']}\n\n").get_boundary()
    assert boundary is not None
    preamble, *found, end = body(response).split(f"--{boundary}".encode())
    assert end.startswith(b"--")
    assert preamble.strip() == b""
    split = [part.removeprefix(b"\r\n").removesuffix(b"\r\n").partition(b"\r\n\r\n") for part in found]
    return [(str(email.message_from_bytes(head)["Content-Type"]), content) for head, _, content in split]


# --- OHIF: dcmjs-org/dicomweb-client and Cornerstone's image loader ---------------------------------------------------


@pytest.mark.parametrize("query", ["limit=101&offset=0&fuzzymatching=false", "limit=101&offset=0"])
def test_ohif_lists_studies(web: Web, ct: Stored, query: str) -> None:
    fields = "includefield=00081030%2C00080060%2C00080090%2C00100030"
    (found,) = web.ask("GET", "/studies", accept=JSON, query=f"{query}&{fields}").json()
    assert found["00080061"]["Value"] == ["CT"]
    assert found["00201208"]["Value"] == [3]
    (found,) = web.ask("GET", "/studies", accept=JSON, query=f"{query}&{fields}&00100020=*CT-*").json()
    assert found["00100010"]["Value"] == [{"Alphabetic": "Patterns^Ada"}]


@pytest.mark.parametrize(
    "accept",
    [
        'multipart/related; type="application/octet-stream"; transfer-syntax="*"',
        "multipart/related; type=application/octet-stream; transfer-syntax=*",
        "multipart/related;type=application/octet-stream;transfer-syntax=1.2.840.10008.1.2.1",
        'multipart/related; type="application/octet-stream"; transfer-syntax="1.2.840.10008.1.2.1"',
        'multipart/related; type="image/jls"; q=0.1, multipart/related; type="application/octet-stream"',
    ],
)
def test_cornerstone_loads_a_frame(web: Web, ct: Stored, accept: str) -> None:
    response = web.get(f"{ct.instances[0]}/frames/1", accept=accept)
    assert response["Content-Type"].startswith("multipart/related;")
    assert 'type="application/octet-stream"' in response["Content-Type"]
    ((kind, content),) = parts(response)
    assert content == ct.datasets[0].PixelData
    assert "transfer-syntax=1.2.840.10008.1.2.1" in kind.replace('"', "")


@pytest.mark.parametrize(
    "accept",
    [
        'multipart/related; type="application/octet-stream"; transfer-syntax="*"',
        'multipart/related; type="image/jp2"; transfer-syntax="1.2.840.10008.1.2.4.90"',
        "multipart/related; type=image/jp2; transfer-syntax=*",
        "multipart/related; type=image/jp2;transfer-syntax=1.2.840.10008.1.2.4.90, application/octet-stream; q=0.5",
    ],
)
def test_cornerstone_decodes_compressed_frames_itself(web: Web, compressed: Stored, accept: str) -> None:
    response = web.get(f"{compressed.instances[0]}/frames/2", accept=accept)
    ((kind, content),) = parts(response)
    assert JPEG2000Lossless in kind
    np.testing.assert_array_equal(imagecodecs.jpeg2k_decode(content), compressed.datasets[0].pixel_array[1])


def test_cornerstone_may_say_accept_in_the_address_so_that_no_preflight_is_needed(web: Web, ct: Stored) -> None:
    query = "accept=multipart/related%3B%20type%3D%22application/octet-stream%22%3B%20transfer-syntax%3D*"
    ((_, content),) = parts(web.ask("GET", f"{ct.instances[0]}/frames/1", query=query, accept="*/*"))
    assert content == ct.datasets[0].PixelData


def test_ohif_with_single_parts(web: Web, ct: Stored) -> None:
    response = web.get(f"{ct.instances[0]}/frames/1", accept="application/octet-stream")
    assert response["Content-Type"].startswith("application/octet-stream")
    assert body(response) == ct.datasets[0].PixelData


def test_dcmjs_retrieves_metadata_and_a_whole_series(web: Web, ct: Stored) -> None:
    assert len(web.get(f"{ct.series}/metadata", accept=JSON).json()) == 3
    found = parts(web.get(ct.series, accept='multipart/related; type="application/dicom"; transfer-syntax=*'))
    assert sorted(content for _, content in found) == sorted(path.read_bytes() for path in ct.paths)
    assert all(kind.startswith("application/dicom") for kind, _ in found)


# --- dicomweb-client of Python: Slicer, highdicom ---------------------------------------------------------------------


def test_slicer_walks_pages_and_ends(web: Web, ct: Stored) -> None:
    accept = "application/dicom+json, application/json"
    walked: list[Any] = []
    for offset in range(10):
        page = web.ask("GET", f"{ct.study}/instances", accept=accept, query=f"limit=1&offset={offset}").json()
        if not page:
            break
        walked += page
    assert len({one["00080018"]["Value"][0] for one in walked}) == len(walked) == 3


def test_slicer_reads_an_answer_that_names_its_bytes(web: Web, ct: Stored) -> None:
    accept = 'multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1'
    found = parts(web.get(ct.instances[0], accept=accept))
    assert len(found) == 1
    assert b"DICM" in found[0][1][:140]


def test_highdicom_reads_some_frames_of_many(web: Web, compressed: Stored) -> None:
    accept = (
        'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.840.10008.1.2.1, '
        'multipart/related; type="image/jp2"; transfer-syntax=1.2.840.10008.1.2.4.90; q=0.3'
    )
    expected = compressed.datasets[0].pixel_array
    found = parts(web.get(f"{compressed.instances[0]}/frames/3,1", accept=accept))
    assert [content for _, content in found] == [expected[2].tobytes(), expected[0].tobytes()]


# --- Weasis -----------------------------------------------------------------------------------------------------------

WEASIS_STUDY = (
    "includefield=00080020,00080030,00080050,00080061,00080090,00081030,00100010,00100020,00100021,00100030,"
    "00100040,0020000D,00200010"
)


@pytest.mark.parametrize("accept", ["application/json", JSON, None])
def test_weasis_follows_retrieve_urls(web: Web, ct: Stored, accept: str | None) -> None:
    (study,) = web.ask("GET", "/studies", accept=accept, query=f"00100020=CT-1&{WEASIS_STUDY}").json()
    assert study["00080050"]["Value"] == ["A-7"]
    (study,) = web.ask("GET", "/studies", accept=accept, query=f"00080050=A-7&{WEASIS_STUDY}").json()
    uid = study["0020000D"]["Value"][0]
    (series,) = web.ask(
        "GET",
        f"/studies/{uid}/series",
        accept=accept,
        query="includefield=0008103E,00080060,0020000E,00200011,00081190",
    ).json()
    assert series["00081190"]["Value"] == [f"http://testserver{web.root}{ct.series}"]
    instances = web.ask(
        "GET", ct.series + "/instances", accept=accept, query="includefield=00080018,00200013,00081190"
    ).json()
    for instance in instances:
        address = instance["00081190"]["Value"][0].removeprefix(f"http://testserver{web.root}")
        kind = 'multipart/related;type="application/dicom";transfer-syntax=*'
        ((_, content),) = parts(web.get(address, accept=kind))
        assert content in {path.read_bytes() for path in ct.paths}


def test_weasis_finds_the_series_of_a_uid(web: Web, ct: Stored) -> None:
    uid = ct.datasets[0].SeriesInstanceUID
    query = f"0020000E={uid}&{WEASIS_STUDY},0008103E,00080060,00081190,00200011"
    (found,) = web.ask("GET", "/series", accept="application/json", query=query).json()
    assert found["0020000D"]["Value"] == [ct.datasets[0].StudyInstanceUID]
    assert found["00100020"]["Value"] == ["CT-1"]


def test_weasis_asks_by_wado_uri(web: Web, ct: Stored) -> None:
    own = ct.datasets[0]
    query = (
        f"requestType=WADO&studyUID={own.StudyInstanceUID}&seriesUID={own.SeriesInstanceUID}"
        f"&objectUID={own.SOPInstanceUID}&contentType=application%2Fdicom&transferSyntax=*"
    )
    response = web.ask("GET", "/wado", accept=None, query=query)
    assert response["Content-Type"].startswith("application/dicom")
    assert body(response) == ct.paths[0].read_bytes()


def test_weasis_shows_thumbnails(web: Web, ct: Stored) -> None:
    response = web.ask("GET", f"{ct.series}/thumbnail", accept="image/jpeg", query="viewport=256,256")
    assert body(response).startswith(b"\xff\xd8")


# --- clients of Google's and Azure's services -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "accept",
    [
        "application/dicom; transfer-syntax=*",
        "application/dicom;transfer-syntax=*",
        'application/dicom; transfer-syntax="*"',
    ],
)
def test_an_instance_in_a_single_part(web: Web, ct: Stored, accept: str) -> None:
    response = web.get(ct.instances[0], accept=accept)
    assert response["Content-Type"].startswith("application/dicom")
    assert body(response) == ct.paths[0].read_bytes()


@pytest.mark.parametrize(
    "accept",
    ["application/octet-stream; transfer-syntax=*", "application/octet-stream;transfer-syntax=1.2.840.10008.1.2.1"],
)
def test_a_frame_in_a_single_part(web: Web, ct: Stored, accept: str) -> None:
    assert body(web.get(f"{ct.instances[0]}/frames/1", accept=accept)) == ct.datasets[0].PixelData


@pytest.mark.parametrize("kind", ["application/dicom", "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"])
def test_an_instance_is_stored_in_a_single_part(web: Web, tmp_path: Path, kind: str) -> None:
    made = synthetic_series(tmp_path / "new", slices=1, seed=9)
    content = made.paths[0].read_bytes()
    answer = web.ask("POST", "/studies", 200, content=content, content_type=kind, accept=JSON).json()
    assert answer["00081199"]["Value"][0]["00081155"]["Value"] == list(made.instance_uids)


def test_azure_names_types_in_capitals_and_without_blanks(web: Web, ct: Stored) -> None:
    accept = 'Multipart/Related;Type="Application/Dicom";Transfer-Syntax=*'
    assert parts(web.get(ct.instances[0], accept=accept))[0][1] == ct.paths[0].read_bytes()
