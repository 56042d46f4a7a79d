"""Cuts from the server are the library's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import voxelry
from voxelry.core.affine import index_to_lps
from voxelry.core.cuts import METHODS, SLAB_MODES, Cut, cut
from voxelry.core.planes import AXES, plane, plane_affine
from voxelry.server.api import cut_answers
from voxelry.testing import OBLIQUE, synthetic_series

PLAIN = {"origin": "0,0,0", "right": "1,0,0", "down": "0,1,0", "rows": "4", "columns": "4"}


def parameters(rectangle: Cut) -> dict[str, Any]:
    """What asks for a cut, with all digits of its numbers."""
    found: dict[str, Any] = {"rows": rectangle.rows, "columns": rectangle.columns}
    for name in ("origin", "right", "down"):
        found[name] = ",".join(repr(float(number)) for number in getattr(rectangle, name))
    if rectangle.slab is not None:
        found |= {"slab": rectangle.slab, "depth": rectangle.depth, "step": ",".join(map(repr, rectangle.step))}
    return found


def received(response: Any) -> npt.NDArray[Any]:
    """The values of an answer."""
    assert response.status_code == 200, response.content
    dtype = np.dtype(response.headers["X-Voxelry-Dtype"]).newbyteorder("<")
    shape = tuple(map(int, response.headers["X-Voxelry-Shape"].split(",")))
    return np.frombuffer(response.content, dtype).reshape(shape)


@pytest.fixture
def cutting(site: Any, tmp_path: Path) -> tuple[Any, voxelry.Volume, str]:
    """The site with one oblique series, as the library reads it, and the address of its cuts."""
    paths = synthetic_series(tmp_path / "s", slices=5, orientation=OBLIQUE).paths
    (key,) = site.upload(paths)["series"]
    return site, voxelry.load_volume(tmp_path / "s"), f"/api/series/{key}/cut.raw"


def middle_cut(volume: voxelry.Volume, **slab: Any) -> Cut:
    """A cut through the middle of a volume, larger than it."""
    centre = index_to_lps(volume.geometry.known_affine, (np.array(volume.shape[:3]) - 1) / 2)
    right, down = np.array([1.1, 0.3, -0.2]), np.array([0.1, -0.4, 1.3])
    origin = centre - right * 19.5 - down * 24.5
    return Cut(tuple(origin.tolist()), tuple(right.tolist()), tuple(down.tolist()), 50, 40, **slab)


def test_a_cut_is_the_librarys(cutting: Any) -> None:
    site, volume, address = cutting
    for slab in (None, *SLAB_MODES):
        thick = {} if slab is None else {"slab": slab, "depth": 4, "step": (0.1, 0.7, 0.3)}
        rectangle = middle_cut(volume, **thick)
        for method in METHODS:
            response = site.client.get(address, {**parameters(rectangle), "method": method})
            assert response.headers["Content-Type"] == "application/octet-stream"
            expected = cut(volume, rectangle, method=method)
            assert np.isnan(expected).any()
            assert not np.isnan(expected).all()
            np.testing.assert_array_equal(received(response), expected)


def test_a_cut_along_the_grid_is_the_slice(cutting: Any) -> None:
    site, volume, address = cutting
    for axis in AXES:
        affine = plane_affine(volume, axis)
        assert affine is not None
        expected = plane(volume, 1, axis=axis)
        rows, columns = expected.shape
        origin = index_to_lps(affine, (1, 0, 0))
        rectangle = Cut(tuple(origin), tuple(affine[:3, 2]), tuple(affine[:3, 1]), rows, columns)
        response = site.client.get(address, {**parameters(rectangle), "method": "nearest"})
        np.testing.assert_array_equal(received(response), expected)


def test_a_cut_of_colour(site: Any, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 24, 16, 3)).astype(np.uint8)
    paths = synthetic_series(
        tmp_path / "s", slices=3, pixels=pixels, rescale=None, bits_stored=8, photometric="RGB"
    ).paths
    (key,) = site.upload(paths)["series"]
    volume = voxelry.load_volume(tmp_path / "s")
    rectangle = middle_cut(volume)
    values = received(site.client.get(f"/api/series/{key}/cut.raw", parameters(rectangle)))
    assert values.shape == (50, 40, 3)
    np.testing.assert_array_equal(values, cut(volume, rectangle))


def test_caching_of_cuts(cutting: Any) -> None:
    site, _, address = cutting
    first = site.client.get(address, PLAIN)
    assert first.headers["Cache-Control"] == "private, no-cache"
    assert "Cookie" in first.headers["Vary"]
    again = site.client.get(address, PLAIN, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    for changed in ({"rows": "5"}, {"method": "nearest"}, {"right": "1,0,0.001"}):
        other = site.client.get(address, PLAIN | changed, headers={"If-None-Match": first.headers["ETag"]})
        assert other.status_code == 200
    version = first.headers["ETag"].strip('"').split("-")[0]
    kept = site.client.get(address, {**PLAIN, "v": version})
    assert "immutable" in kept.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"origin": "0,0"}, "origin"),
        ({"origin": "0,nan,0"}, "origin"),
        ({"right": "0,0,1e999"}, "right of a cut is three finite numbers"),
        ({"down": ""}, "down"),
        ({"down": "0,0," + "1" * 300}, "down"),
        ({"rows": "0"}, "rows"),
        ({"columns": "5000000"}, "columns"),
        ({"rows": "4096", "columns": "1025"}, "at most 4,194,304 pixels, not 4,096 x 1,025"),
        ({"slab": "max", "depth": "513", "step": "0,0,1"}, "depth"),
        ({"rows": "2048", "columns": "2048", "slab": "max", "depth": "65", "step": "0,0,1"}, "268,435,456 samples"),
        ({"slab": "max"}, "A slab needs slab, depth and step"),
        ({"depth": "4"}, "A slab needs"),
        ({"slab": "median", "depth": "4", "step": "0,0,1"}, "slab"),
        ({"method": "cubic"}, "method"),
        ({"volume": "-1"}, "volume"),
    ],
)
def test_what_is_no_cut_is_refused_in_words(cutting: Any, changed: dict[str, str], words: str) -> None:
    site, _, address = cutting
    response = site.client.get(address, PLAIN | changed)
    assert response.status_code == 422
    assert words in response.json()["detail"]


def test_cuts_that_are_not_there(cutting: Any) -> None:
    site, _, address = cutting
    assert site.client.get(address, PLAIN | {"volume": "7"}).status_code == 404
    assert site.client.get("/api/series/99999/cut.raw", PLAIN).status_code == 404


def test_an_irregular_volume_says_why_it_cannot_be_cut(site: Any, tmp_path: Path) -> None:
    paths = synthetic_series(tmp_path / "s", slices=6).paths
    (key,) = site.upload([*paths[:3], *paths[4:]])["series"]
    (volume,) = site.get(f"/series/{key}")["volumes"]
    assert volume["problem"] is not None
    response = site.client.get(f"/api/series/{key}/cut.raw", PLAIN)
    assert response.status_code == 422
    assert response.json()["code"] == volume["problem"]["code"]
    assert response.json()["detail"] == f"no cuts: {volume['problem']['message']}"


def test_a_volume_without_a_place_cannot_be_cut(site: Any, tmp_path: Path) -> None:
    paths = synthetic_series(tmp_path / "s", slices=1, attributes={"ImageOrientationPatient": None}).paths
    (key,) = site.upload(paths)["series"]
    (volume,) = site.get(f"/series/{key}")["volumes"]
    assert volume["affine"] is None
    response = site.client.get(f"/api/series/{key}/cut.raw", PLAIN)
    assert response.status_code == 422
    assert "cannot be cut" in response.json()["detail"] or "no cuts" in response.json()["detail"]


def test_large_slabs_wait_for_their_turn(cutting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    site, volume, address = cutting
    monkeypatch.setattr(cut_answers, "QUICK_SAMPLES", 15)
    rectangle = middle_cut(volume)
    values = received(site.client.get(address, parameters(rectangle)))
    np.testing.assert_array_equal(values, cut(volume, rectangle))
    monkeypatch.setattr(cut_answers, "_PATIENCE_SECONDS", 0.01)
    with (
        cut_answers._turns.take(-1, patience=0),
        cut_answers._turns.take(-2, patience=0),
    ):
        response = site.client.get(address, PLAIN)
    assert (response.status_code, response.json()["code"]) == (503, "busy")
