"""Overlays are the planes that pydicom sees; bad ones are refused by name, and none changes a value."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSLossless
from typer.testing import CliRunner

import voxelry
from voxelry.cli import app
from voxelry.core.errors import ParameterError, PixelDataError, VoxelryError
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.sources import FileSource
from voxelry.dicom.pixels.overlays import Overlay, drawn, frame_overlays, overlaid_frames, overlays_of
from voxelry.testing import synthetic_instance, synthetic_series, write
from voxelry.workflows.load.load_overlays import find_overlays

Mask = npt.NDArray[np.bool_]


def plane(frames: int = 1, rows: int = 5, columns: int = 7, seed: int = 1) -> Mask:
    return np.random.default_rng(seed).random((frames, rows, columns)) < 0.4


def with_overlay(dataset: Dataset, mask: Mask, group: int = 0x6000, *, vr: str = "OW", swap: bool = False) -> Dataset:
    packed = np.packbits(mask.ravel(), bitorder="little")
    packed = np.append(packed, np.zeros(len(packed) % 2, np.uint8))
    packed = packed.view(np.uint16).byteswap().view(np.uint8) if swap else packed
    for element, kind, value in (
        (0x0010, "US", mask.shape[1]),
        (0x0011, "US", mask.shape[2]),
        (0x0015, "IS", mask.shape[0]),
        (0x0022, "LO", "drawn by a test"),
        (0x0040, "CS", "G"),
        (0x0050, "SS", [3, -1]),
        (0x0051, "US", 1),
        (0x0100, "US", 1),
        (0x0102, "US", 0),
        (0x1500, "LO", "a label"),
        (0x3000, vr, packed.tobytes()),
    ):
        dataset.add_new(group << 16 | element, kind, value)
    return dataset


@pytest.mark.parametrize("name", ["examples_overlay.dcm", "MR-SIEMENS-DICOM-WithOverlays.dcm"])
def test_overlays_of_real_files_are_those_of_pydicom(name: str) -> None:
    path = get_testdata_file(name, download=False)
    assert path is not None
    found = voxelry.overlays(str(path))
    dataset = pydicom.dcmread(path)
    assert found
    for overlay in found:
        np.testing.assert_array_equal(overlay.mask, np.atleast_3d(dataset.overlay_array(overlay.group).T).T)
        assert overlay.origin == tuple(one - 1 for one in dataset[overlay.group, 0x0050].value)
        assert overlay.kind == dataset[overlay.group, 0x0040].value


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("vr", ["OW", "OB"])
@pytest.mark.parametrize("group", [0x6000, 0x6002, 0x601E])
def test_an_overlay_is_read_whole(tmp_path: Path, syntax: str, vr: str, group: int) -> None:
    big = syntax == ExplicitVRBigEndian
    mask = plane(frames=3)
    dataset = with_overlay(synthetic_instance(transfer_syntax=syntax), mask, group, vr=vr, swap=big and vr == "OW")
    (overlay,) = voxelry.overlays(write(dataset, tmp_path / "a.dcm"))
    np.testing.assert_array_equal(overlay.mask, mask)
    assert (overlay.group, overlay.kind, overlay.origin, overlay.first_frame) == (group, "G", (2, -2), 0)
    assert (overlay.label, overlay.description) == ("a label", "drawn by a test")
    assert repr(overlay) == f"<Overlay {group:04X} G: 3 x 5 x 7 at (2, -2)>"
    with pytest.raises(ValueError, match="read-only"):
        overlay.mask[0] = True


@given(st.integers(1, 3), st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_planes_of_all_sizes_are_those_of_pydicom(
    tmp_path_factory: Any, frames: int, rows: int, columns: int, seed: int
) -> None:
    path = tmp_path_factory.mktemp("overlay") / "a.dcm"
    mask = plane(frames, rows, columns, seed)
    write(with_overlay(synthetic_instance(), mask), path)
    (overlay,) = voxelry.overlays(path)
    judged = pydicom.dcmread(path).overlay_array(0x6000).reshape(mask.shape)
    np.testing.assert_array_equal(overlay.mask, judged)
    np.testing.assert_array_equal(overlay.mask, mask)


def test_several_overlays_come_in_order_and_change_no_value(tmp_path: Path) -> None:
    dataset = synthetic_instance()
    before = voxelry.pixels(write(dataset, tmp_path / "before.dcm"))
    for group in (0x6004, 0x6000):
        with_overlay(dataset, plane(seed=group), group)
    dataset.add_new(0x60020010, "US", 5)  # a group without a plane
    path = write(dataset, tmp_path / "a.dcm")
    assert [overlay.group for overlay in voxelry.overlays(path)] == [0x6000, 0x6004]
    np.testing.assert_array_equal(voxelry.pixels(path), before)
    assert voxelry.overlays(tmp_path / "before.dcm") == ()


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_overlays_embedded_in_spare_bits_are_found_and_no_part_of_a_value(tmp_path: Path, syntax: str) -> None:
    values = (np.arange(320).reshape(16, 20) * 12 % 4096).astype(np.uint16)
    masks = {bit: plane(1, 16, 20, seed=bit) for bit in (12, 15)}
    words = values | (masks[12][0].astype(np.uint16) << 12) | (masks[15][0].astype(np.uint16) << 15)
    dataset = synthetic_instance(values, bits_stored=12, rescale=None, transfer_syntax=syntax)
    dataset.PixelData = words.astype(">u2" if syntax == ExplicitVRBigEndian else "<u2").tobytes()
    for group, bit in ((0x6000, 12), (0x6002, 15)):
        for element, value in ((0x0010, 16), (0x0011, 20), (0x0100, 16), (0x0102, bit)):
            dataset.add_new(group << 16 | element, "US", value)
        dataset.add_new(group << 16 | 0x0040, "CS", "R")
    path = write(dataset, tmp_path / "a.dcm")
    first, second = voxelry.overlays(path)
    np.testing.assert_array_equal(first.mask, masks[12])
    np.testing.assert_array_equal(second.mask, masks[15])
    assert (first.kind, first.origin) == ("R", (0, 0))
    np.testing.assert_array_equal(voxelry.pixels(path), values)


def test_an_overlay_in_spare_bits_lies_over_every_frame(tmp_path: Path) -> None:
    values, masks = np.arange(3 * 8 * 10).reshape(3, 8, 10).astype(np.uint16), plane(3, 8, 10)
    (path,) = synthetic_series(tmp_path, pixels=values, frames="plain", rescale=None).paths
    dataset = pydicom.dcmread(path)
    dataset.PixelData = (values | masks.astype(np.uint16) << 14).astype("<u2").tobytes()
    for element, value in ((0x0010, 8), (0x0011, 10), (0x0100, 16), (0x0102, 14)):
        dataset.add_new(0x6000 << 16 | element, "US", value)
    dataset.save_as(path)
    header = read_header(FileSource.of(path))
    assert overlaid_frames(header) == {0, 1, 2}
    (whole,) = overlays_of(header)
    np.testing.assert_array_equal(whole.mask, masks)
    for frame in range(3):
        (own,), failed = frame_overlays(header, frame)
        np.testing.assert_array_equal(own.mask[0], masks[frame])
        assert (own.first_frame, failed) == (frame, [])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({0x0010: None}, "Overlay Rows (6002,0010) is missing"),
        ({0x0011: ("US", 0)}, "Overlay Columns (6002,0011) is 0"),
        ({0x0010: ("US", 60_000), 0x0011: ("US", 60_000)}, "Overlay Data (6002,3000) has 6 bytes"),
        ({0x0015: ("IS", 0)}, "Number of Frames in Overlay (6002,0015) is 0"),
        ({0x0015: ("IS", -3)}, "Number of Frames in Overlay (6002,0015) is -3"),
        ({0x0015: ("IS", 2_000_000_000)}, "Overlay Data (6002,3000) has 6 bytes"),
        ({0x0050: ("SS", [1])}, "Overlay Origin (6002,0050) has 1 values"),
        ({0x0051: ("US", 0)}, "Image Frame Origin (6002,0051) is 0"),
        (
            {0x3000: None, 0x0010: ("US", 16), 0x0011: ("US", 20), 0x0100: ("US", 16), 0x0102: ("US", 3)},
            "Overlay Bit Position (6002,0102) is 3",
        ),
        ({0x3000: None, 0x0100: ("US", 16), 0x0102: ("US", 99)}, "Overlay Rows (6002,0010) is 5 in an image of 16"),
        ({0x3000: ("OW", b"")}, "Overlay Data (6002,3000) has 0 bytes"),
    ],
)
def test_an_overlay_that_cannot_be_is_refused_by_name(tmp_path: Path, changes: dict[int, Any], named: str) -> None:
    dataset = with_overlay(synthetic_instance(bits_stored=12), plane(), 0x6002)
    for element, change in changes.items():
        tag = 0x60020000 | element
        if change is None:
            del dataset[tag]
        else:
            dataset.add_new(tag, *change)
    path = write(dataset, tmp_path / "a.dcm")
    with pytest.raises(PixelDataError) as refused:
        voxelry.overlays(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert named in str(refused.value)
    assert voxelry.load_volume(path).array.shape == (1, 16, 20)  # the image itself is as good as ever


def test_spare_bits_of_a_codestream_are_refused(tmp_path: Path) -> None:
    dataset = synthetic_instance(bits_stored=12, transfer_syntax=JPEGLSLossless)
    dataset.add_new(0x60000100, "US", 16)
    dataset.add_new(0x60000102, "US", 13)
    path = write(dataset, tmp_path / "a.dcm")
    with pytest.raises(PixelDataError, match=r"Overlay Bit Position \(6000,0102\).*JPEG-LS"):
        overlays_of(read_header(FileSource.of(path)))


def test_one_file_is_read_wherever_it_lies(tmp_path: Path) -> None:
    path = write(with_overlay(synthetic_instance(), plane()), tmp_path / "a.dcm")
    (tmp_path / "packed").mkdir()
    packed = tmp_path / "packed" / "a.dcm.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(voxelry.overlays(packed)[0].mask, plane())
    write(synthetic_instance(index=1), tmp_path / "b.dcm")
    with pytest.raises(VoxelryError, match="holds 3 files; overlays reads one file"):
        voxelry.overlays(tmp_path)
    (tmp_path / "cut.gz").write_bytes(packed.read_bytes()[:40])
    with pytest.raises(VoxelryError, match=r"cut\.gz: "):
        voxelry.overlays(tmp_path / "cut.gz")


# --- drawn in pictures ------------------------------------------------------------------------------------------------


def series_with_overlay(folder: Path) -> tuple[voxelry.Volume, Mask]:
    """Five slices, of which the third has an overlay that begins above and left of the image."""
    truth = synthetic_series(folder)
    dataset = pydicom.dcmread(truth.paths[2])
    mask = plane(1, 16, 20)
    with_overlay(dataset, mask)
    dataset[0x60000050].value = [-1, 3]
    dataset.save_as(truth.paths[2])
    over = np.zeros((5, 16, 20), bool)
    over[2, :14, 2:] = mask[0, 2:, :18]
    return voxelry.load_volume(folder), over


def shown(folder: Path) -> npt.NDArray[np.uint8]:
    return np.stack([imagecodecs.png_decode(file.read_bytes()) for file in sorted(folder.iterdir())])


def test_pictures_show_overlays_when_they_are_asked_to(tmp_path: Path) -> None:
    volume, over = series_with_overlay(tmp_path / "in")
    found, refused = find_overlays(tmp_path / "in")
    assert not refused
    voxelry.save_pictures(volume, tmp_path / "plain")
    voxelry.save_pictures(volume, tmp_path / "drawn", overlays=found)
    plain = shown(tmp_path / "plain")
    np.testing.assert_array_equal(shown(tmp_path / "drawn"), np.where(over, 255, plain))
    assert (plain[over] < 255).any()
    with pytest.raises(ParameterError, match="not over coronal planes"):
        voxelry.save_pictures(volume, tmp_path / "coronal", axis="coronal", overlays=found)


def test_the_terminal_draws_them_and_names_those_that_cannot_be(tmp_path: Path) -> None:
    _, over = series_with_overlay(tmp_path / "in")
    bad = next(path for path in sorted((tmp_path / "in").iterdir()) if not voxelry.overlays(path))
    dataset = pydicom.dcmread(bad)
    with_overlay(dataset, plane()).add_new(0x60000010, "US", 60_000)
    dataset.save_as(bad)
    for options in ([], ["--overlays"]):
        done = CliRunner().invoke(
            app, ["convert", str(tmp_path / "in"), str(tmp_path / f"out{len(options)}"), "--json", *options]
        )
        assert done.exit_code == (3 if options else 0)
        skipped = json.loads(done.stdout)["skipped"]
        assert list(skipped) == [str(bad)] * len(options)
    drawn = shown(tmp_path / "out1")
    assert (drawn[over] == 255).all()
    np.testing.assert_array_equal(drawn[~over], shown(tmp_path / "out0")[~over])


@pytest.mark.parametrize("origin", [(1, 1), (-40, 1), (1, 90), (12, 15), (-3, -3)])
@pytest.mark.parametrize("colour", [False, True])
def test_what_lies_beyond_the_picture_is_left_out(origin: tuple[int, int], colour: bool) -> None:
    picture = np.zeros((16, 20, 3) if colour else (16, 20), np.uint8)
    mask = np.ones((1, 8, 8), bool)
    overlay = Overlay(0x6000, "", "", "G", (origin[0] - 1, origin[1] - 1), 0, mask)
    expected = np.zeros((200, 200), bool)
    expected[99 + origin[0] : 107 + origin[0], 99 + origin[1] : 107 + origin[1]] = True
    seen = drawn(picture, [overlay]) == 255
    np.testing.assert_array_equal(seen[..., 0] if colour else seen, expected[100:116, 100:120])
    assert not picture.any()
