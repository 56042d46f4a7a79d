"""Large volumes are stored in a second order, from which planes across the columns are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voxelry
from tests.server.test_cut_answers import middle_cut, parameters, received
from voxelry.core.cuts import cut
from voxelry.core.planes import AXES, Axis, plane, plane_count, thinned_plane
from voxelry.server.access.exchange import Asked
from voxelry.server.access.grants import Grants
from voxelry.server.access.quick_answers import TakesLongError, attempt_quickly
from voxelry.server.access.revision import one_revision
from voxelry.server.api import slice_answers
from voxelry.server.api.slice_answers import SliceChoice, raw_slice
from voxelry.server.archive.check import check
from voxelry.server.archive.shown import across_file, mapped_values, stack_files
from voxelry.server.archive.shown.across_file import open_across, write_across
from voxelry.server.jobs.models import Job, State
from voxelry.testing import CORONAL, synthetic_series


@pytest.fixture
def of_all_volumes(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second order is stored of the smallest volumes too, slice by slice."""
    settings.VOXELRY = settings.VOXELRY.replace(across_bytes=0)
    monkeypatch.setattr(across_file, "_BLOCK_BYTES", 1)


@pytest.mark.parametrize("block", [1, 1500, 2**20])
@pytest.mark.parametrize(
    ("shape", "dtype"), [((7, 5, 9), "int16"), ((1, 4, 3), ">f4"), ((6, 1, 1), "uint8"), ((4, 6, 5, 3), "uint8")]
)
def test_the_file_holds_the_values_column_by_column(
    shape: tuple[int, ...], dtype: str, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(across_file, "_BLOCK_BYTES", block)
    array = np.random.default_rng(0).integers(0, 255, shape).astype(dtype)
    told: list[float] = []
    write_across(array, tmp_path, progress=lambda fraction, _: told.append(fraction))
    found = open_across(tmp_path)
    assert found is not None
    np.testing.assert_array_equal(found, np.moveaxis(array, 2, 0))
    assert found.dtype == np.dtype(dtype).newbyteorder("<")
    assert found.flags.c_contiguous
    assert told[-1] == 1.0
    assert told == sorted(told)


def test_planes_and_cuts_come_from_both_orders(
    of_all_volumes: None, site: Any, tmp_path: Path, data_folder: Path
) -> None:
    paths = synthetic_series(tmp_path / "s", slices=5, orientation=CORONAL).paths
    (key,) = site.upload(paths)["series"]
    volume = voxelry.load_volume(tmp_path / "s")
    (stored,) = data_folder.glob("stacks/*/*/0/across.npy")
    np.testing.assert_array_equal(np.load(stored), np.moveaxis(volume.array, 2, 0))
    _assert_answers(site, key, volume)
    # Each answer is read from one of the files: without the values of the other, it is the same.
    plain = np.lib.format.open_memmap(stored.with_name("volume.npy"), "r+")
    kept = plain.copy()
    plain[:] = 0
    plain.flush()
    sagittal = np.frombuffer(site.client.get(f"/api/series/{key}/slices/3.raw?axis=sagittal").content, "<i2")
    np.testing.assert_array_equal(
        sagittal.reshape(plane(volume, 3, axis="sagittal").shape), plane(volume, 3, axis="sagittal")
    )
    plain[:] = kept
    plain.flush()
    stored.unlink()  # as in stacks that earlier versions built
    _assert_answers(site, key, volume)


def _assert_answers(site: Any, key: int, volume: voxelry.Volume) -> None:
    for axis in AXES:
        for index in range(0, plane_count(volume, axis), 3):
            content = site.client.get(f"/api/series/{key}/slices/{index}.raw?axis={axis}").content
            expected = plane(volume, index, axis=axis)
            np.testing.assert_array_equal(np.frombuffer(content, expected.dtype).reshape(expected.shape), expected)
        for every in (1, 2, 3, 64):
            _assert_thinned(site, f"/api/series/{key}/slices/1.raw?axis={axis}&every={every}", volume, axis, every)
    assert site.client.get(f"/api/series/{key}/slices/9999.raw?axis=sagittal").status_code == 404
    for slab in ({}, {"slab": "mean", "depth": 3, "step": (0.4, 0.0, 0.2)}):
        rectangle = middle_cut(volume, **slab)
        values = received(site.client.get(f"/api/series/{key}/cut.raw", parameters(rectangle)))
        np.testing.assert_array_equal(values, cut(volume, rectangle))


def _assert_thinned(site: Any, address: str, volume: voxelry.Volume, axis: Axis, every: int) -> None:
    response = site.client.get(address)
    whole = plane(volume, 1, axis=axis)
    rows, columns = ([i for i in range(count) if i % every == (min(every, count) - 1) // 2] for count in whole.shape)
    expected = whole[np.ix_(rows, columns)]
    assert response["X-Voxelry-Shape"] == ",".join(map(str, expected.shape))
    np.testing.assert_array_equal(np.frombuffer(response.content, whole.dtype).reshape(expected.shape), expected)
    again = site.client.get(address, headers={"If-None-Match": response["ETag"]})
    assert again.status_code == 304
    other = site.client.get(address.replace(f"every={every}", "every=5"), headers={"If-None-Match": response["ETag"]})
    assert other.status_code == 200, "another thinning is another answer"


def test_a_thinned_plane_that_is_in_memory_needs_no_thread(
    of_all_volumes: None, site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = synthetic_series(tmp_path / "s", slices=5, rows=40, columns=50).paths
    (key,) = site.upload(paths)["series"]
    volume = voxelry.load_volume(tmp_path / "s")
    asked = Asked(who=Grants(user=1, everything=True, roles={}, scoped=False), method="GET", path="/")

    def answered(**choice: Any) -> bytes:
        (part,) = raw_slice(asked, key, 7, SliceChoice("sagittal", **choice)).parts
        assert isinstance(part, memoryview)
        return bytes(part)

    with one_revision():
        expected = answered(every=3)
        assert expected == np.ascontiguousarray(thinned_plane(plane(volume, 7, axis="sagittal"), 3)).tobytes()
        with attempt_quickly():
            assert answered(every=3) == expected
            with pytest.raises(TakesLongError):
                answered()
            monkeypatch.setattr(slice_answers, "are_in_memory", lambda _: False)
            with pytest.raises(TakesLongError):
                answered(every=3)


def test_values_are_in_memory_or_nobody_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "a.npy", np.arange(2**16, dtype="<i4").reshape(16, 64, 64))
    values = mapped_values.mapped_values(tmp_path / "a.npy")
    assert int(values.sum()) > 0
    assert mapped_values.are_in_memory(values)
    assert mapped_values.are_in_memory(values[3, ::-2, ::3])
    monkeypatch.setattr(mapped_values, "MOST_LOOKED_AT", 2**17)
    assert not mapped_values.are_in_memory(values), "too much to look at"
    assert mapped_values.are_in_memory(values[3])
    monkeypatch.setattr(mapped_values, "_libc", object)
    assert not mapped_values.are_in_memory(values[3]), "a system that cannot say"


def test_small_volumes_and_those_without_a_place_have_none(
    site: Any, tmp_path: Path, settings: Any, data_folder: Path
) -> None:
    site.upload(synthetic_series(tmp_path / "s", slices=4).paths)
    assert settings.VOXELRY.across_bytes == 400_000_000
    settings.VOXELRY = settings.VOXELRY.replace(across_bytes=0)
    paths = synthetic_series(tmp_path / "t", slices=1, seed=2, attributes={"ImageOrientationPatient": None}).paths
    site.upload(paths)
    assert len(list(data_folder.glob("stacks/*/*/0/volume.npy"))) == 2
    assert not list(data_folder.glob("stacks/*/*/0/across.npy"))


def test_a_build_that_ends_while_it_writes_leaves_nothing(
    of_all_volumes: None, site: Any, tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch, do_jobs: Any
) -> None:
    class Killed(BaseException):
        pass

    written = write_across

    def ends(array: Any, folder: Path, **named: Any) -> None:
        written(array[:2], folder, **named)  # a part of the file is there
        raise Killed

    monkeypatch.setattr(stack_files, "write_across", ends)
    key = site.upload(synthetic_series(tmp_path / "s", slices=4).paths, run=False)["id"]
    with pytest.raises(Killed):
        do_jobs()
    assert not list(data_folder.glob("stacks/*/*"))
    monkeypatch.undo()
    Job.objects.filter(kind="build").update(state=State.QUEUED, owner="", lease_until=None)
    do_jobs()
    (series,) = site.get(f"/uploads/{key}")["series"]
    assert len(list(data_folder.glob("stacks/*/*/0/across.npy"))) == 1
    _assert_answers(site, series, voxelry.load_volume(tmp_path / "s"))


def test_check_finds_nothing_wrong_with_it(of_all_volumes: None, site: Any, tmp_path: Path) -> None:
    site.upload(synthetic_series(tmp_path / "s", slices=4).paths)
    assert check().fine
