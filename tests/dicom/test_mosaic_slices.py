"""Mosaics and grids are cut into slices whose places, values and times are those of the volume they were made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

import voxelry
from voxelry.core.errors import MosaicError
from voxelry.dicom.frames.tiles import Tile, copy_tiles, cropped
from voxelry.dicom.series.slice_timing import slice_times
from voxelry.dicom.values.stored_values import stored_values
from voxelry.testing import (
    AXIAL,
    CORONAL,
    OBLIQUE,
    SAGITTAL,
    SyntheticMosaics,
    csa_header,
    siemens_protocol,
    synthetic_grids,
    synthetic_mosaics,
)
from voxelry.testing.encoding import JPEG_LOSSLESS, JPEG_LS, RLE

MAKERS = pytest.mark.parametrize("make", [synthetic_mosaics, synthetic_grids])


def check(folder: Path, made: SyntheticMosaics) -> tuple[Any, ...]:
    """Each volume has the voxels of the truth at their places, whichever way its slices run."""
    [series] = voxelry.index(folder).series
    stacks = series.stacks
    assert [stack.problem for stack in stacks] == [None] * len(made.paths)
    ahead = np.linalg.det(made.affine[:3, :3] @ [[0, 0, 1], [0, 1, 0], [1, 0, 0]]) > 0
    for stack, truth in zip(stacks, made.array, strict=True):
        volume = stack.volume()
        affine, values = made.affine.copy(), truth
        if not ahead:
            affine[:3, 3] += affine[:3, 0] * (len(truth) - 1)
            affine[:3, 0] *= -1
            values = truth[::-1]
        np.testing.assert_array_equal(volume.array, values)
        np.testing.assert_allclose(volume.geometry.known_affine, affine, atol=1e-4)
        np.testing.assert_array_equal(stack.volume(lazy=True).array[:], values)
    times = slice_times(stacks)
    assert times is not None
    np.testing.assert_allclose(times, made.times if ahead else made.times[::-1], atol=1e-5)
    return stacks


@MAKERS
@pytest.mark.parametrize("against_normal", [False, True])
@pytest.mark.parametrize("orientation", [AXIAL, SAGITTAL, CORONAL, OBLIQUE])
def test_slices_lie_where_they_were(tmp_path: Path, make: Any, against_normal: bool, orientation: Any) -> None:
    check(tmp_path, make(tmp_path, orientation=orientation, against_normal=against_normal))


@MAKERS
@pytest.mark.parametrize("slices", [2, 3, 4, 5, 7, 9, 20])
def test_any_number_of_slices(tmp_path: Path, make: Any, slices: int) -> None:
    check(tmp_path, make(tmp_path, slices=slices))


@pytest.mark.parametrize("header", ["csa", "older csa"])
@pytest.mark.parametrize("protocol", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_headers_of_all_generations(tmp_path: Path, header: Any, protocol: bool, backwards: bool) -> None:
    check(tmp_path, synthetic_mosaics(tmp_path, header=header, protocol=protocol, numbered_backwards=backwards))


@MAKERS
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2", RLE, JPEG_LS, JPEG_LOSSLESS])
def test_in_any_transfer_syntax(tmp_path: Path, make: Any, syntax: str) -> None:
    check(tmp_path, make(tmp_path, transfer_syntax=syntax))


@MAKERS
def test_many_volumes_are_in_order_of_time(tmp_path: Path, make: Any) -> None:
    made = make(tmp_path, volumes=30, slices=5, rows=8, columns=8)
    stacks = check(tmp_path, made)
    assert [stack.headers[0].name for stack in stacks] == [str(path) for path in made.paths]


def without(keyword: str) -> Any:
    return lambda _, dataset: delattr(dataset, keyword)


def say(image: dict[str, list[str]]) -> Any:
    def edit(_: int, dataset: Dataset) -> None:
        dataset.private_block(0x0029, "SIEMENS CSA HEADER")[0x10].value = csa_header(image)

    return edit


def say_protocol(words: dict[str, str | float]) -> Any:
    def edit(_: int, dataset: Dataset) -> None:
        content = csa_header({"MrPhoenixProtocol": [siemens_protocol(words)]})
        dataset.private_block(0x0029, "SIEMENS CSA HEADER")[0x20].value = content

    return edit


def centres(start: float, step: float) -> dict[str, str | float]:
    places: dict[str, str | float] = {}
    for k in range(11):
        for axis, value in (("Sag", -12.0), ("Cor", 7.0), ("Tra", start + k * step)):
            places[f"sSliceArray.asSlice[{k}].sPosition.d{axis}"] = value
    return {"sSliceArray.lSize": 11, **places}


ELEVEN, UP = {"NumberOfImagesInMosaic": ["11"]}, {"SliceNormalVector": ["0.0", "0.0", "1.0"]}


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (without("ImagePositionPatient"), "Image Position"),
        (without("ImageOrientationPatient"), "Image Orientation"),
        (without("PixelSpacing"), "Pixel Spacing"),
        (say(UP), "how many slices"),
        (say({"NumberOfImagesInMosaic": ["26"], **UP}), "tiles of one size"),
        (say({**ELEVEN, "SliceNormalVector": ["0.0", "1.0", "0.0"]}), "perpendicular"),
        (say_protocol(centres(31, 5)), "4 mm, and the slices of its protocol are 5 mm apart"),
        (say_protocol(centres(31, -4)), "opposite directions"),
        (say_protocol(centres(31, 4) | {"sSliceArray.asSlice[3].sPosition.dTra": 40.0}), "on a line"),
    ],
)
def test_what_contradicts_itself_is_not_cut(tmp_path: Path, edit: Any, reason: str) -> None:
    synthetic_mosaics(tmp_path, orientation=AXIAL, edit=edit)
    [series] = voxelry.index(tmp_path).series
    for stack in series.stacks:
        assert stack.problem is not None
        assert stack.problem.code == "mosaic"
        assert reason in stack.problem.message
        assert stack.for_viewing().array.shape[1:] == (48, 64)
        with pytest.raises(MosaicError):
            stack.volume()


def test_a_protocol_of_another_place_is_no_judge_of_the_direction(tmp_path: Path) -> None:
    """As of a table that was moved; it judges the distance even so."""
    elsewhere = {name: value for name, value in centres(31, -4).items() if "dSag" not in name}
    check(tmp_path, synthetic_mosaics(tmp_path, orientation=AXIAL, edit=say_protocol(elsewhere)))


@pytest.mark.parametrize("against_normal", [False, True])
def test_classic_images_of_xa_have_no_csa_header(tmp_path: Path, against_normal: bool) -> None:
    check(tmp_path, synthetic_mosaics(tmp_path, header="xa", slices=7, against_normal=against_normal))


def test_without_a_direction_it_is_not_cut(tmp_path: Path) -> None:
    synthetic_mosaics(tmp_path, header="attributes")
    [series] = voxelry.index(tmp_path).series
    assert "in which direction" in str(series.stacks[0].problem)


def test_the_protocol_alone_tells_direction_and_distance(tmp_path: Path) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        say({**ELEVEN, "MosaicRefAcqTimes": [f"{time * 1000}" for time in times]})(_, dataset)
        del dataset.SpacingBetweenSlices

    times = synthetic_mosaics(tmp_path / "a").times
    check(tmp_path / "b", synthetic_mosaics(tmp_path / "b", against_normal=True, edit=edit))


def test_a_grid_without_its_items_is_not_cut(tmp_path: Path) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        dataset.private_block(0x0065, "Image Private Header")[0x51].value = []

    synthetic_grids(tmp_path, edit=edit)
    [series] = voxelry.index(tmp_path).series
    assert "has 0" in str(series.stacks[0].problem)


@MAKERS
@pytest.mark.parametrize("against_normal", [False, True])
def test_slices_are_written_as_slices(tmp_path: Path, make: Any, against_normal: bool) -> None:
    made = make(tmp_path / "in", against_normal=against_normal)
    [series] = voxelry.index(tmp_path / "in").series
    volumes = [stack.volume() for stack in series.stacks]
    written = voxelry.write_series([volume.array + 1 for volume in volumes], series, tmp_path / "out", seed="a")
    assert len(written.paths) == made.array.shape[0] * made.array.shape[1]
    for path in written.paths:
        content = path.read_bytes()
        dataset = pydicom.dcmread(path)
        assert not any(word in content for word in (b"MOSAIC", b"VFRAME", b"NumberOfImagesInMosaic"))
        assert (dataset.Rows, dataset.Columns) == made.array.shape[2:]
    numbers = [pydicom.dcmread(path).InstanceNumber for path in written.paths]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    [again] = voxelry.index(tmp_path / "out").series
    for stack, volume in zip(again.stacks, volumes, strict=True):
        assert stack.problem is None
        found = stack.volume()
        np.testing.assert_array_equal(found.array, volume.array + 1)
        assert found.geometry.same_grid(volume.geometry)


def test_a_step_is_written_with_the_headers_of_the_mosaic(tmp_path: Path) -> None:
    synthetic_mosaics(tmp_path / "in", volumes=1)
    [series] = voxelry.index(tmp_path / "in").series
    written = voxelry.write_derived(series.stacks[0].volume(), series, tmp_path / "out")
    assert len(written.paths) == 11
    assert pydicom.dcmread(written.paths[0]).ScanningSequence == "EP"


@MAKERS
def test_stored_values_are_those_of_the_slices(tmp_path: Path, make: Any) -> None:
    made = make(tmp_path, volumes=1)
    [series] = voxelry.index(tmp_path).series
    np.testing.assert_array_equal(stored_values(series.stacks[0].frames), made.array[0])


@MAKERS
def test_values_beyond_sixteen_signed_bits(tmp_path: Path, make: Any) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        dataset.BitsStored, dataset.HighBit = 16, 15
        dataset.RescaleSlope, dataset.RescaleIntercept = "16", "5"

    made = make(tmp_path, edit=edit)
    [series] = voxelry.index(tmp_path).series
    for stack, truth in zip(series.stacks, made.array, strict=True):
        np.testing.assert_array_equal(stack.volume().array, truth.astype(int) * 16 + 5)


@MAKERS
def test_the_same_mosaic_twice_is_one_volume(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "in", volumes=1)
    dataset = pydicom.dcmread(tmp_path / "in" / "0001.dcm")
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    dataset.save_as(tmp_path / "in" / "copy.dcm")
    [series] = voxelry.index(tmp_path / "in").series
    [stack] = series.stacks
    assert [problem.code for problem in stack.problems] == ["duplicate_slices"]


@pytest.mark.parametrize("chosen", [range(7), range(6, -1, -1), range(5), range(2, 7), (3, 0, 5), (4,)])
@pytest.mark.parametrize("samples", [(), (3,)])
@pytest.mark.parametrize("width", [12, 13])
@pytest.mark.parametrize("dtype", ["u1", ">i2", "i8"])
@pytest.mark.parametrize("contiguous", [False, True])
def test_tiles_are_copied_whichever_are_asked_for(
    chosen: Sequence[int], samples: tuple[int, ...], width: int, dtype: str, contiguous: bool
) -> None:
    """In the order asked for, also where a row is not full and the image is larger than its tiles."""
    whole = np.arange(10 * width * 3).reshape(10, width, 3)[..., : samples[0] if samples else 1].astype(dtype)
    whole = whole if samples else whole[..., 0]
    whole = np.ascontiguousarray(whole) if contiguous else np.repeat(whole, 2, axis=1)[:, ::2]
    tiles = [Tile(k, 7, k // 3 * 3, k % 3 * 4, 3, 4) for k in chosen]
    out = np.zeros((len(tiles), 3, 4, *samples), whole.dtype)
    copy_tiles(whole, tiles, out)
    np.testing.assert_array_equal(out, np.stack([cropped(whole, tile) for tile in tiles]))
