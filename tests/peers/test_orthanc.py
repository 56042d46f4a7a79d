"""Orthanc and its DICOMweb plug-in: a client of this site, and a server that dicomweb-client reads beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless

from tests.peers.conftest import Known
from tests.peers.live_site import LiveSite
from tests.peers.orthanc import SECONDS, Orthanc
from tests.peers.test_dicomweb_client import client_of
from voxelry.testing import synthetic_series

pytestmark = [pytest.mark.slow, pytest.mark.programs("Orthanc")]

PLAIN = (("application/octet-stream", ExplicitVRLittleEndian),)
"""Orthanc refuses the types that dicomweb-client accepts by default."""


@pytest.fixture
def empty(beside: Orthanc) -> Orthanc:
    beside.clear()
    return beside


@pytest.fixture(scope="module")
def compressed(live: LiveSite, tmp_path_factory: pytest.TempPathFactory) -> Known:
    """Slices in JPEG-LS, and names in Greek."""
    made = synthetic_series(
        tmp_path_factory.mktemp("compressed"),
        slices=3,
        seed=11,
        transfer_syntax=JPEGLSLossless,
        attributes={"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Διονυσιος", "PatientID": "PEERS-4"},
    )
    live.upload(made.paths)
    return Known(tuple(made.paths))


def test_it_finds_our_studies(empty: Orthanc, ct: Known) -> None:
    study, series, _ = ct.uids
    (found,) = empty.ask("voxelry", "qido", Uri="/studies", Arguments={"00100020": "PEERS-1"}).json()
    assert found["0020000D"]["Value"] == study
    assert found["00100010"]["Value"] == "Peers^Ada"
    answers = empty.ask("voxelry", "qido", Uri=f"/studies/{study}/series", Arguments={}).json()
    assert [one["0020000E"]["Value"] for one in answers] == [series]
    assert len(empty.ask("voxelry", "qido", Uri=f"/studies/{study}/instances", Arguments={}).json()) == 5


@pytest.mark.parametrize("level", ["study", "series", "instance"])
def test_it_retrieves_what_we_hold_byte_for_byte(empty: Orthanc, ct: Known, compressed: Known, level: str) -> None:
    for known in (ct, compressed):
        names = ("Study", "Series", "Instance")[: ("study", "series", "instance").index(level) + 1]
        wanted = dict(zip(names, known.uids, strict=False))
        empty.ask("voxelry", "retrieve", Resources=[wanted])
        expected = {path.read_bytes() for path in (known.paths[:1] if level == "instance" else known.paths)}
        assert {empty.file(instance) for instance in empty.get("/instances")} == expected
        empty.clear()


def test_it_stores_here_byte_for_byte(empty: Orthanc, live: LiveSite, tmp_path: Path) -> None:
    made = synthetic_series(tmp_path, slices=4, seed=21, transfer_syntax=JPEGLSLossless)
    keys = [empty.add(path.read_bytes()) for path in made.paths]
    answer = empty.ask("voxelry", "stow", Resources=[empty.get("/series")[0]], Synchronous=True).json()
    assert "FailedSOPSequence" not in answer
    for key, path in zip(keys, made.paths, strict=True):
        own = pydicom.dcmread(path)
        address = f"/studies/{own.StudyInstanceUID}/series/{own.SeriesInstanceUID}/instances/{own.SOPInstanceUID}"
        back = live.get(address, Accept="multipart/related; type=application/dicom; transfer-syntax=*").content
        assert empty.file(key) in back
    again = empty.ask("voxelry", "stow", Resources=[empty.get("/series")[0]], Synchronous=True)
    assert again.ok


def test_it_gets_our_metadata_and_pictures(empty: Orthanc, ct: Known) -> None:
    study, series, instance = ct.uids
    address = f"/studies/{study}/series/{series}/instances/{instance}"
    (found,) = empty.ask("voxelry", "get", Uri=f"{address}/metadata").json()
    assert found["00080018"]["Value"] == [instance]
    jpeg = empty.ask("voxelry", "get", Uri=f"{address}/rendered", HttpHeaders={"Accept": "image/jpeg"}).content
    assert jpeg.startswith(b"\xff\xd8")


def test_it_deletes_here(empty: Orthanc, live: LiveSite, tmp_path: Path) -> None:
    made = synthetic_series(tmp_path, slices=1, seed=31)
    live.upload(made.paths)
    empty.ask("voxelry", "delete", Level="Study", StudyInstanceUID=made.study_instance_uid)
    assert live.get(f"/studies/{made.study_instance_uid}/metadata").status_code == 404


def test_both_servers_say_the_same_of_a_series(empty: Orthanc, live: LiveSite, ct: Known) -> None:
    """The same client asks both: attributes, values and pixels agree."""
    for path in ct.paths:
        empty.add(path.read_bytes())
    ours, theirs = client_of(live.root, live.headers), client_of(empty.root, {})
    study, series, _ = ct.uids
    searches: list[Callable[[DICOMwebClient], list[dict[str, dict[str, Any]]]]] = [
        lambda client: client.search_for_studies(search_filters={"StudyInstanceUID": study}),
        lambda client: client.search_for_series(study),
        lambda client: client.search_for_instances(study, series),
    ]
    for search in searches:
        mine, other = (
            {one["00080018" if "00080018" in one else "0020000D"]["Value"][0]: one for one in search(client)}
            for client in (ours, theirs)
        )
        assert mine.keys() == other.keys()
        for key, attributes in other.items():
            for tag, element in attributes.items():
                # Retrieve URL, where they keep it, and what they answer without it being asked for.
                if tag in ("00081190", "00080005", "00080056") or not element.get("Value") or tag not in mine[key]:
                    continue
                assert mine[key][tag] == element, tag
    for found, expected in zip(
        *(
            sorted(client.retrieve_series(study, series), key=lambda one: one.SOPInstanceUID)
            for client in (ours, theirs)
        ),
        strict=True,
    ):
        assert found == expected
    frames = [client.retrieve_instance_frames(*ct.uids, [1], media_types=PLAIN)[0] for client in (ours, theirs)]
    assert frames[0] == frames[1]


def test_what_it_serves_is_stored_here(empty: Orthanc, live: LiveSite, tmp_path: Path) -> None:
    """Its multipart answer is our multipart request, but for the name of the type."""
    made = synthetic_series(tmp_path, slices=2, seed=41)
    for path in made.paths:
        empty.add(path.read_bytes())
    served = requests.get(f"{empty.root}/studies/{made.study_instance_uid}", timeout=SECONDS)
    headers = {**live.headers, "Content-Type": served.headers["Content-Type"], "Accept": "application/dicom+json"}
    stored = requests.post(f"{live.root}/studies", data=served.content, headers=headers, timeout=SECONDS)
    assert stored.status_code == 200, stored.text
    client = client_of(live.root, live.headers)
    for found in client.retrieve_study(made.study_instance_uid):
        number = made.instance_uids.index(found.SOPInstanceUID)
        np.testing.assert_array_equal(found.pixel_array, pydicom.dcmread(made.paths[number]).pixel_array)
