"""A whole volume by one request: exact, by Range, and compressed for those who accept it."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voxelry
from voxelry.testing import synthetic_series


@pytest.fixture
def stored(site: Any, tmp_path: Path) -> tuple[Any, str, voxelry.Volume]:
    """The site with one series, the address of its volume, and the volume as the library reads it."""
    made = synthetic_series(tmp_path / "s", slices=5)
    (key,) = site.upload(made.paths)["series"]
    return site, f"/api/series/{key}/volume.raw", voxelry.load_volume(tmp_path / "s")


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def planes_of(values: Any) -> bytes:
    return b"".join(slice_.reshape(-1).view(np.uint8).reshape(-1, values.itemsize).T.tobytes() for slice_ in values)


def test_all_slices_come_at_once(stored: Any) -> None:
    site, address, volume = stored
    response = site.client.get(address)
    assert (response.status_code, response["Content-Type"]) == (200, "application/octet-stream")
    dtype = np.dtype(response["X-Voxelry-Dtype"]).newbyteorder("<")
    shape = tuple(map(int, response["X-Voxelry-Shape"].split(",")))
    assert int(response["Content-Length"]) == volume.array.nbytes
    np.testing.assert_array_equal(np.frombuffer(body(response), dtype).reshape(shape), volume.array)
    assert "Content-Encoding" not in response
    assert site.client.get(address, {"volume": 1}).status_code == 404


@pytest.mark.parametrize("accepts", ["gzip", "br, gzip;q=0.5", "*", "identity;q=0.1, gzip", "deflate, GZIP"])
@pytest.mark.parametrize("layout", ["values", "planes"])
def test_gzip_is_one_member_of_the_same_bytes(stored: Any, accepts: str, layout: str) -> None:
    site, address, volume = stored
    response = site.client.get(address, {"bytes": layout}, headers={"Accept-Encoding": accepts})
    assert response["Content-Encoding"] == "gzip"
    assert "accept-encoding" in response["Vary"].lower()
    packed = body(response)
    expected = volume.array.tobytes() if layout == "values" else planes_of(np.ascontiguousarray(volume.array))
    assert gzip.decompress(packed) == expected
    assert packed.count(b"\x1f\x8b\x08\x00\0\0\0\0\x04\xff") == 1


@pytest.mark.parametrize("accepts", ["", "identity", "br", "gzip;q=0", "*;q=0.0", "gzip;q=0, *"])
def test_who_does_not_accept_gzip_is_sent_none(stored: Any, accepts: str) -> None:
    site, address, volume = stored
    response = site.client.get(address, headers={"Accept-Encoding": accepts})
    assert "Content-Encoding" not in response
    assert body(response) == volume.array.tobytes()


def test_a_range_is_of_the_values_themselves(stored: Any) -> None:
    site, address, volume = stored
    whole = volume.array.tobytes()
    size = volume.array[0].nbytes
    for first, last in ((0, 0), (1, size), (size - 1, 3 * size + 5), (len(whole) - 3, len(whole) + 10)):
        headers = {"Range": f"bytes={first}-{last}", "Accept-Encoding": "gzip"}
        response = site.client.get(address, headers=headers)
        assert response.status_code == 206
        assert response["Content-Range"] == f"bytes {first}-{min(last, len(whole) - 1)}/{len(whole)}"
        assert "Content-Encoding" not in response
        assert body(response) == whole[first : last + 1]
    refused = site.client.get(address, headers={"Range": f"bytes={len(whole)}-"})
    assert refused.status_code == 416
    planes = site.client.get(address, {"bytes": "planes"}, headers={"Range": "bytes=0-1"})
    assert (planes.status_code, body(planes)) == (200, planes_of(np.ascontiguousarray(volume.array)))


def test_each_form_has_a_tag_of_its_own(stored: Any) -> None:
    site, address, _ = stored
    tags = set()
    for layout in ("values", "planes"):
        for accepts in ("identity", "gzip"):
            headers = {"Accept-Encoding": accepts}
            tag = site.client.get(address, {"bytes": layout}, headers=headers)["ETag"]
            again = site.client.get(address, {"bytes": layout}, headers={**headers, "If-None-Match": tag})
            assert (again.status_code, again["ETag"]) == (304, tag)
            tags.add(tag)
    assert len(tags) == 4
    head = site.client.head(address, headers={"Accept-Encoding": "gzip"})
    assert (head.status_code, head.content, head["Content-Encoding"]) == (200, b"", "gzip")


def test_values_of_one_byte_have_one_plane(site: Any, tmp_path: Path) -> None:
    pixels = np.arange(2 * 8 * 8 * 3, dtype=np.uint16).astype(np.uint8).reshape(2, 8, 8, 3)
    made = synthetic_series(tmp_path / "s", slices=2, pixels=pixels, rescale=None, bits_stored=8, photometric="RGB")
    (key,) = site.upload(made.paths)["series"]
    response = site.client.get(f"/api/series/{key}/volume.raw", {"bytes": "planes"})
    assert response["X-Voxelry-Dtype"] == "uint8"
    assert body(response) == pixels.tobytes()


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["ct_gantry_tilt", "ct_head_phantom", "ct_lung_bases"])
def test_a_ct_takes_little_of_the_wire(site: Any, corpus: Path, name: str) -> None:
    paths = [path for path in sorted((corpus / name).iterdir()) if path.name != "DIRFILE"]
    (key, *_) = site.upload(paths)["series"]
    headers = {"Accept-Encoding": "gzip, deflate, br"}
    plain = body(site.client.get(f"/api/series/{key}/volume.raw"))
    packed = body(site.client.get(f"/api/series/{key}/volume.raw", headers=headers))
    planes = body(site.client.get(f"/api/series/{key}/volume.raw?bytes=planes", headers=headers))
    assert gzip.decompress(packed) == plain
    assert len(packed) <= 0.55 * len(plain)
    assert len(planes) < len(packed)
