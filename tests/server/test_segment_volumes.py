"""A segmentation of very many segments does not fill the disk: what has no volume of its own is a mask all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voxelry
from tests.dicom.segmentations import segmented
from tests.server.test_segmentations import labels_of
from voxelry.server.archive import segment_volumes
from voxelry.server.archive.models import Series
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

SHAPE = (4, 16, 20)


def test_segments_beyond_the_bytes_are_masks_alone(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of = synthetic_series(tmp_path / "images", slices=SHAPE[0])
    masks = np.zeros((*SHAPE, 5), np.uint8)
    for number in range(5):
        masks[:, 3 * number : 3 * number + 2, 2:9, number] = 1
    path = segmented(tmp_path / "seg.dcm", of, masks, omit_empty_frames=False)
    limit = segment_volumes.with_volumes
    monkeypatch.setattr(
        "voxelry.server.archive.build.with_volumes",
        lambda grids: limit(grids, most_bytes=2 * 2 * int(np.prod(SHAPE)) + 1),
    )
    image, own = site.upload([*of.paths, path])["series"]
    rows = {row.modality: row for row in Series.objects.all()}
    assert {rows["CT"].pk, rows["SEG"].pk} == {image, own}
    assert rows["CT"].stacks.count() == 1
    assert rows["CT"].problem_code == ""
    assert rows["SEG"].stacks.count() == 2
    assert rows["SEG"].problem_code == "masks_alone"
    assert "3 of 5 segments" in rows["SEG"].problem_message
    assert rows["SEG"].job is not None
    assert rows["SEG"].job.state == "succeeded"
    (listed,) = site.get("/segmentations", series=image)["segmentations"]
    told = site.get(f"/segmentations/{listed['id']}")
    assert [one["count"] for one in told["segments"]] == [4 * 2 * 7] * 5
    np.testing.assert_array_equal(labels_of(site, told), (masks * np.arange(1, 6, dtype=np.uint8)).sum(axis=-1))


def test_one_segment_has_a_volume_however_large_it_is(tmp_path: Path) -> None:
    of = synthetic_series(tmp_path / "images", slices=3)
    masks = np.ones((3, 16, 20, 2), np.uint8)
    path = segmented(tmp_path / "seg.dcm", of, masks, omit_empty_frames=False)
    (series,) = voxelry.index(path).series
    kept, problem = segment_volumes.with_volumes(series.stacks, most_bytes=1)
    assert kept == [series.stacks[0]]
    assert problem is not None
    assert segment_volumes.with_volumes(series.stacks) == (list(series.stacks), None)
