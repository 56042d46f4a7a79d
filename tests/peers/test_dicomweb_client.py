"""dicomweb-client, which 3D Slicer and highdicom use as well: it searches, retrieves and stores here."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless

from tests.peers.conftest import Known
from tests.peers.live_site import LiveSite
from voxelry.core.intensity import Window, to_display
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.slow
UNKNOWN = "1.2.826.0.1.3680043.8.498.1"


def client_of(root: str, headers: dict[str, str]) -> DICOMwebClient:
    session = requests.Session()
    session.headers.update(headers)
    client = DICOMwebClient(root, session=session)
    client.set_http_retry_params(retry=False)
    return client


def status_of(error: requests.HTTPError) -> int:
    assert error.response is not None
    return error.response.status_code


@pytest.fixture(scope="module")
def client(live: LiveSite) -> DICOMwebClient:
    return client_of(live.root, live.headers)


@pytest.fixture(scope="module")
def multiframe(live: LiveSite, tmp_path_factory: pytest.TempPathFactory) -> Known:
    """Four frames of JPEG 2000 in one object."""
    made = synthetic_series(
        tmp_path_factory.mktemp("frames"),
        slices=4,
        seed=3,
        frames="enhanced",
        transfer_syntax=JPEG2000Lossless,
        attributes={"PatientID": "PEERS-2", "PatientName": "Peers^Grace"},
    )
    live.upload(made.paths)
    return Known(tuple(made.paths))


# --- search -----------------------------------------------------------------------------------------------------------


def test_studies_series_and_instances_are_found(client: DICOMwebClient, ct: Known) -> None:
    study, series, _ = ct.uids
    (found,) = (
        pydicom.Dataset.from_json(one) for one in client.search_for_studies(search_filters={"PatientID": "PEERS-1"})
    )
    assert (found.StudyInstanceUID, str(found.PatientName), found.ModalitiesInStudy) == (study, "Peers^Ada", "CT")
    assert (found.NumberOfStudyRelatedSeries, found.NumberOfStudyRelatedInstances) == (1, 5)

    (found,) = (pydicom.Dataset.from_json(one) for one in client.search_for_series(study))
    assert (found.SeriesInstanceUID, found.Modality, found.NumberOfSeriesRelatedInstances) == (series, "CT", 5)
    filters = {"SeriesInstanceUID": series, "Modality": "CT"}
    assert len(client.search_for_series(search_filters=filters)) == 1

    found_all = [pydicom.Dataset.from_json(one) for one in client.search_for_instances(study, series)]
    assert {one.SOPInstanceUID for one in found_all} == {one.SOPInstanceUID for one in ct.datasets}
    assert {(one.Rows, one.Columns, one.BitsAllocated) for one in found_all} == {(96, 128, 16)}
    assert len(client.search_for_instances(study)) == 5
    assert len(client.search_for_instances(search_filters={"StudyInstanceUID": study})) == 5


def test_pages_are_walked_to_the_end(client: DICOMwebClient, ct: Known) -> None:
    study, _, _ = ct.uids
    walked = [
        client.search_for_instances(study, limit=2, offset=offset)[number]["00080018"]["Value"][0]
        for offset in (0, 2, 4)
        for number in range(2 if offset < 4 else 1)
    ]
    assert sorted(walked) == sorted(one.SOPInstanceUID for one in ct.datasets)
    assert len(client.search_for_instances(study, limit=2, get_remaining=True)) == 5
    assert client.search_for_instances(study, offset=5) == []


def test_fields_are_added_and_names_are_matched(client: DICOMwebClient, ct: Known) -> None:
    for name in ("Peers^Ada", "peers*", "*ADA*"):
        (found,) = client.search_for_studies(search_filters={"PatientName": name, "PatientID": "PEERS-1"})
        assert "00081030" not in found or found["00081030"]
    fields = ["StudyDescription", "AccessionNumber"]
    (found,) = client.search_for_studies(fields=fields, search_filters={"PatientID": "PEERS-1"})
    shown = pydicom.Dataset.from_json(found)
    assert (shown.StudyDescription, shown.AccessionNumber) == ("Study of peers", "A1")
    assert len(client.search_for_studies(fuzzymatching=True, search_filters={"PatientName": "Peers^Ada"})) == 1
    assert client.search_for_studies(search_filters={"StudyDate": "20240301-20240331"}) != []
    assert client.search_for_studies(search_filters={"PatientID": "nobody"}) == []


# --- retrieve ---------------------------------------------------------------------------------------------------------


def test_stored_instances_come_back_byte_for_byte(client: DICOMwebClient, live: LiveSite, ct: Known) -> None:
    study, series, instance = ct.uids
    answer = live.get(
        f"/studies/{study}/series/{series}/instances/{instance}",
        Accept='multipart/related; type="application/dicom"; transfer-syntax=*',
    )
    assert ct.paths[0].read_bytes() in answer.content

    whole = client.retrieve_study(study)
    assert {one.SOPInstanceUID for one in whole} == {one.SOPInstanceUID for one in ct.datasets}
    own = {one.SOPInstanceUID: one for one in ct.datasets}
    for found in client.iter_series(study, series):
        assert found == own[found.SOPInstanceUID]
        assert found.PixelData == own[found.SOPInstanceUID].PixelData
    assert client.retrieve_instance(study, series, instance) == own[instance]


def test_another_transfer_syntax_has_the_same_pixels(client: DICOMwebClient, multiframe: Known) -> None:
    (stored,) = multiframe.datasets
    as_stored = client.retrieve_instance(*multiframe.uids, media_types=(("application/dicom", "*"),))
    assert as_stored.file_meta.TransferSyntaxUID == JPEG2000Lossless
    assert as_stored.PixelData == stored.PixelData
    plain = client.retrieve_instance(*multiframe.uids, media_types=(("application/dicom", ExplicitVRLittleEndian),))
    assert plain.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    np.testing.assert_array_equal(plain.pixel_array, stored.pixel_array)


def test_frames_are_retrieved_by_number(client: DICOMwebClient, ct: Known, multiframe: Known) -> None:
    (frame,) = client.retrieve_instance_frames(*ct.uids, frame_numbers=[1])
    assert frame == ct.datasets[0].PixelData

    (stored,) = multiframe.datasets
    for found, number in zip(client.iter_instance_frames(*multiframe.uids, frame_numbers=[4, 2]), (4, 2), strict=True):
        values = np.frombuffer(found, stored.pixel_array.dtype).reshape(stored.pixel_array.shape[1:])
        np.testing.assert_array_equal(values, stored.pixel_array[number - 1])
    packed = client.retrieve_instance_frames(*multiframe.uids, [2], media_types=(("image/jp2", JPEG2000Lossless),))
    np.testing.assert_array_equal(imagecodecs.jpeg2k_decode(packed[0]), stored.pixel_array[1])


def test_metadata_agree_with_the_file(client: DICOMwebClient, ct: Known, multiframe: Known) -> None:
    for known in (ct, multiframe):
        found = pydicom.Dataset.from_json(
            client.retrieve_instance_metadata(*known.uids), bulk_data_uri_handler=lambda _: b""
        )
        own = known.datasets[0]
        for element in own:
            if element.keyword != "PixelData":
                assert found[element.tag] == element, element.keyword
        assert "TransferSyntaxUID" not in found
    study, series, _ = ct.uids
    assert len(client.retrieve_study_metadata(study)) == len(client.retrieve_series_metadata(study, series)) == 5


def test_bulk_data_are_where_the_metadata_say(client: DICOMwebClient, live: LiveSite, ct: Known) -> None:
    address = client.retrieve_instance_metadata(*ct.uids)["7FE00010"]["BulkDataURI"]
    assert address.startswith(live.root)
    (content,) = client.retrieve_bulkdata(address)
    assert content == ct.datasets[0].PixelData


def test_pictures_are_in_the_window_of_the_header(client: DICOMwebClient, ct: Known) -> None:
    expected = np.int16(to_display(ct.datasets[0].pixel_array.astype(np.float64) - 1024, Window(200, 900)))
    png = client.retrieve_instance_rendered(*ct.uids, media_types=("image/png",))
    picture = imagecodecs.png_decode(png)
    assert np.abs((picture if picture.ndim == 2 else picture[..., 0]) - expected).max() <= 1
    jpeg = client.retrieve_instance_frames_rendered(*ct.uids, frame_numbers=[1], media_types=("image/jpeg",))
    decoded = imagecodecs.jpeg_decode(jpeg)
    assert np.abs((decoded if decoded.ndim == 2 else decoded[..., 0]) - expected).mean() < 3


# --- store ------------------------------------------------------------------------------------------------------------


def test_what_is_stored_is_there(client: DICOMwebClient, live: LiveSite, tmp_path: Path) -> None:
    made = synthetic_series(tmp_path, slices=3, seed=5, attributes={"PatientID": "PEERS-3"})
    datasets = [pydicom.dcmread(path) for path in made.paths]
    answer = client.store_instances(datasets)
    assert {item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence} == set(made.instance_uids)
    assert "FailedSOPSequence" not in answer
    study, series = made.study_instance_uid, made.series_instance_uid
    back = client.retrieve_series(study, series)
    assert sorted(back, key=lambda one: one.SOPInstanceUID) == sorted(datasets, key=lambda one: one.SOPInstanceUID)

    again = client.store_instances(datasets, study_instance_uid=study)
    assert len(again.ReferencedSOPSequence) == 3
    assert len(client.search_for_instances(study)) == 3

    client.delete_study(study)
    assert client.search_for_instances(study) == []


def test_another_study_is_refused_with_a_reason(client: DICOMwebClient, tmp_path: Path) -> None:
    made = synthetic_series(tmp_path, slices=1, seed=6)
    with pytest.raises(requests.HTTPError) as caught:
        client.store_instances([pydicom.dcmread(made.paths[0])], study_instance_uid=UNKNOWN)
    assert status_of(caught.value) == 409


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda client, study: client.retrieve_study(UNKNOWN),
        lambda client, study: client.retrieve_series(study, UNKNOWN),
        lambda client, study: client.retrieve_instance_metadata(study, UNKNOWN, UNKNOWN),
        lambda client, study: client.retrieve_instance_rendered(study, UNKNOWN, UNKNOWN),
        lambda client, study: client.retrieve_instance_frames(study, UNKNOWN, UNKNOWN, [1]),
    ],
)
def test_what_is_not_here_is_not_found(
    client: DICOMwebClient, ct: Known, ask: Callable[[DICOMwebClient, str], object]
) -> None:
    with pytest.raises(requests.HTTPError) as caught:
        ask(client, ct.uids[0])
    assert status_of(caught.value) == 404


def test_frames_that_an_object_has_not_are_refused(client: DICOMwebClient, ct: Known) -> None:
    with pytest.raises(requests.HTTPError) as caught:
        client.retrieve_instance_frames(*ct.uids, frame_numbers=[2])
    assert status_of(caught.value) in (400, 404)


def test_nobody_is_answered_without_a_token(live: LiveSite, ct: Known) -> None:
    for root, headers, status in (
        (live.root, {}, 401),
        (live.root, {"Authorization": "Bearer vxl_wrong"}, 401),
        (live.root.replace("default", "another"), live.headers, 404),
    ):
        with pytest.raises(requests.HTTPError) as caught:
            client_of(root, headers).search_for_studies()
        assert status_of(caught.value) == status


def test_a_study_is_read_from_a_stream(client: DICOMwebClient, ct: Known) -> None:
    content = io.BytesIO()
    next(iter(client.iter_study(ct.uids[0]))).save_as(content)
    assert pydicom.dcmread(io.BytesIO(content.getvalue())).StudyInstanceUID == ct.uids[0]
