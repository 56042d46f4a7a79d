"""The values at one point in all volumes of a series are those of the library's volumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

import voxelry
from voxelry.core.affine import index_to_lps
from voxelry.testing import OBLIQUE, synthetic_series


@pytest.fixture
def phases(site: Any, tmp_path: Path) -> tuple[str, list[voxelry.Volume]]:
    """The address of a series of four volumes on one oblique grid, and the volumes."""
    offsets = np.tile(3.0 * np.arange(5), 4).tolist()

    def number(at: int, dataset: Dataset) -> None:
        dataset.TemporalPositionIdentifier = at // 5 + 1

    paths = synthetic_series(
        tmp_path, slices=20, offsets=offsets, orientation=OBLIQUE, modality="MR", edit=number
    ).paths
    (key,) = site.upload(paths)["series"]
    return f"/series/{key}/point", list(voxelry.load(tmp_path).volumes)


def told(point: Any) -> str:
    return ",".join(repr(float(number)) for number in point)


def test_each_voxel_has_its_value_in_every_volume(site: Any, phases: Any) -> None:
    address, volumes = phases
    assert len(volumes) == 4
    random = np.random.default_rng(1)
    for _ in range(20):
        index = tuple(int(random.integers(count)) for count in volumes[0].shape[:3])
        point = index_to_lps(volumes[0].geometry.known_affine, np.array(index) + random.uniform(-0.45, 0.45, 3))
        values = site.get(address, at=told(point))["values"]
        assert values == [float(volume.array[index]) for volume in volumes]


def test_a_point_outside_has_no_value(site: Any, phases: Any) -> None:
    address, _ = phases
    answer = site.get(address, at="1e4,0,0")
    assert answer["values"] == [None] * 4
    assert answer["version"] == site.get(address.removesuffix("/point"))["volumes"][0]["version"]


def test_volumes_of_colour_have_no_value(site: Any, tmp_path: Path) -> None:
    paths = synthetic_series(tmp_path, slices=3, rescale=None, bits_stored=8, photometric="RGB").paths
    (key,) = site.upload(paths)["series"]
    assert site.get(f"/series/{key}/point", at="0,0,0")["values"] == [None]


@pytest.mark.parametrize("at", ["", "1,2", "a,b,c", "1,2,nan", "1,2,3,4"])
def test_what_is_no_point_is_refused(site: Any, phases: Any, at: str) -> None:
    address, _ = phases
    site.get(address, 422, at=at)


def test_a_series_that_is_not_there(site: Any) -> None:
    site.get("/series/99999/point", 404, at="0,0,0")
