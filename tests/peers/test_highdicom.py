"""highdicom: a segmentation that it makes is stored, found, and read again whole, by frames and from its metadata."""

from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from dicomweb_client.api import DICOMwebClient
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from tests.peers.live_site import LiveSite
from tests.peers.test_dicomweb_client import client_of
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(live: LiveSite) -> DICOMwebClient:
    return client_of(live.root, live.headers)


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL"])
def test_a_segmentation_goes_there_and_back(client: DICOMwebClient, tmp_path: Path, kind: str) -> None:
    images = [pydicom.dcmread(path) for path in synthetic_series(tmp_path, slices=5, seed=51).paths]
    mask = np.stack([image.pixel_array > np.median(image.pixel_array) for image in images])
    made = highdicom.seg.Segmentation(
        source_images=images,
        pixel_array=mask if kind == "BINARY" else mask.astype(np.float32),
        segmentation_type=kind,
        segment_descriptions=[
            highdicom.seg.SegmentDescription(1, "square", codes.SCT.Organ, codes.SCT.Lung, algorithm_type="MANUAL")
        ],
        series_instance_uid=generate_uid(),
        series_number=7,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="peers",
        manufacturer_model_name="peers",
        software_versions="1",
        device_serial_number="1",
    )
    answer = client.store_instances([made])
    assert "FailedSOPSequence" not in answer
    uids = (made.StudyInstanceUID, made.SeriesInstanceUID, made.SOPInstanceUID)
    (found,) = client.search_for_instances(*uids[:2])
    assert found["00280008"]["Value"] == [len(images)]

    back = highdicom.seg.Segmentation.from_dataset(client.retrieve_instance(*uids))
    volume = back.get_volume(combine_segments=True, skip_overlap_checks=True)
    shown = volume.array if np.array_equal(volume.array[0] > 0, mask[0]) else volume.array[::-1]
    np.testing.assert_array_equal(shown > 0, mask)

    for frame, number in zip(client.iter_instance_frames(*uids, frame_numbers=[4, 2]), (4, 2), strict=True):
        values = np.frombuffer(frame, np.uint8)
        pixels = np.unpackbits(values, bitorder="little")[: mask[0].size] if kind == "BINARY" else values > 0
        np.testing.assert_array_equal(pixels.reshape(mask[0].shape).astype(bool), made.pixel_array[number - 1] > 0)

    client.delete_study(uids[0])
