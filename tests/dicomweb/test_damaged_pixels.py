"""Pixels that cannot be decoded are told with a status and a reason; the rest of a study goes out."""

from __future__ import annotations

import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from tests.dicomweb.conftest import Web
from tests.dicomweb.multipart import parts_of
from tests.dicomweb.stored import data_set, file_bytes, store
from voxelry.server.archive.models import Instance


@pytest.fixture
def damaged(web: Web) -> Instance:
    """An instance whose one frame is no JPEG, in a series with a whole one."""
    broken = data_set(1)
    broken.PixelData = encapsulate([b"no JPEG at all"])
    broken["PixelData"].VR = "OB"
    broken.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    unknown = file_bytes(data_set(2)).replace(b"1.2.840.10008.1.2.1\0", b"1.2.999.99999.9.9.9\0")
    return store([broken, unknown])[0]


def test_damaged_pixels_are_told(web: Web, damaged: Instance) -> None:
    study, series = damaged.series.study.study_instance_uid, damaged.series.series_instance_uid
    for row in Instance.objects.order_by("pk"):
        address = f"/studies/{study}/series/{series}/instances/{row.sop_instance_uid}"
        for resource in ("frames/1", "pixeldata", "bulkdata/7FE00010"):
            for accept in ('multipart/related; type="application/octet-stream"', "*/*"):
                told = web.get(f"{address}/{resource}", 409, accept=accept).json()
                assert row.sop_instance_uid in told["detail"]
        web.get(f"{address}/rendered", 406)
    web.get(f"/studies/{study}/pixeldata", 409)
    assert len(parts_of(web.get(f"/studies/{study}"))) == 2
