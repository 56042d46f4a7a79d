"""The synthetic studies are what they say, as read by pydicom and SimpleITK."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK

from voxelry import testing
from voxelry.testing import encoding, instances, synthetic


def test_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    first = testing.synthetic_series(tmp_path / "a", shuffled=True)
    again = testing.synthetic_series(tmp_path / "b", shuffled=True)
    assert [path.read_bytes() for path in first.paths] == [path.read_bytes() for path in again.paths]
    assert [path.name for path in first.paths] == [path.name for path in again.paths]
    other = testing.synthetic_series(tmp_path / "c", seed=1)
    assert other.series_instance_uid != first.series_instance_uid
    assert not np.array_equal(other.stored, first.stored)


@pytest.mark.parametrize("orientation", [testing.AXIAL, testing.SAGITTAL, testing.CORONAL, testing.OBLIQUE])
def test_simpleitk_reads_the_same_grid(tmp_path: Path, orientation: tuple[float, ...]) -> None:
    series = testing.synthetic_series(tmp_path, orientation=orientation)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in series.paths])
    image = reader.Execute()
    assert np.array_equal(SimpleITK.GetArrayFromImage(image), series.array)
    shape = series.array.shape
    for index in ((0, 0, 0), (1, 2, 3), tuple(n - 1 for n in shape)):
        point = series.affine @ (*index, 1)
        assert np.allclose(image.TransformIndexToPhysicalPoint(index[::-1]), point[:3], atol=1e-6)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("transfer_syntax", instances.UNCOMPRESSED)
def test_uncompressed_pixels_as_pydicom_reads_them(
    tmp_path: Path, transfer_syntax: str, bits: int, signed: bool
) -> None:
    series = testing.synthetic_series(
        tmp_path, slices=2, transfer_syntax=transfer_syntax, bits_stored=bits, signed=signed
    )
    for path, stored in zip(series.paths, series.stored, strict=True):
        dataset = pydicom.dcmread(path)
        assert dataset.file_meta.TransferSyntaxUID == transfer_syntax
        assert np.array_equal(dataset.pixel_array, stored)


GREY = [(syntax, False) for syntax in encoding.COMPRESSED]
COLOUR = [(syntax, True) for syntax in encoding.COMPRESSED if syntax != encoding.JPEG_LOSSLESS]


@pytest.mark.parametrize(("transfer_syntax", "colour"), GREY + COLOUR)
def test_compressed_pixels_as_pydicom_or_imagecodecs_reads_them(
    tmp_path: Path, transfer_syntax: str, colour: bool
) -> None:
    import imagecodecs

    baseline = transfer_syntax == encoding.JPEG_BASELINE
    series = testing.synthetic_series(
        tmp_path,
        slices=1,
        transfer_syntax=transfer_syntax,
        photometric="RGB" if colour else "MONOCHROME2",
        bits_stored=8 if baseline else 12,
    )
    dataset = pydicom.dcmread(series.paths[0])
    if transfer_syntax == encoding.RLE:
        assert np.array_equal(dataset.pixel_array, series.stored[0])
        return
    frame = next(iter(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1)))
    decode: Callable[[bytes], Any] = {
        encoding.JPEG_BASELINE: imagecodecs.jpeg8_decode,
        encoding.JPEG_LOSSLESS: imagecodecs.ljpeg_decode,
        encoding.JPEG_LS: imagecodecs.jpegls_decode,
        encoding.JPEG_2000_LOSSLESS: imagecodecs.jpeg2k_decode,
        encoding.HTJ2K_LOSSLESS: imagecodecs.htj2k_decode,
    }[transfer_syntax]  # type: ignore[assignment]
    if baseline:
        assert np.abs(decode(frame).astype(int) - series.stored[0]).mean() < 20
    else:
        assert np.array_equal(decode(frame), series.stored[0])


@pytest.mark.parametrize("frames", ["plain", "enhanced"])
def test_multi_frame(tmp_path: Path, frames: synthetic.FrameLayout) -> None:
    series = testing.synthetic_series(tmp_path, frames=frames)
    (path,) = series.paths
    dataset = pydicom.dcmread(path)
    assert dataset.NumberOfFrames == 5
    assert np.array_equal(dataset.pixel_array, series.stored)
    if frames == "enhanced":
        image = SimpleITK.ReadImage(str(path))
        assert np.array_equal(SimpleITK.GetArrayFromImage(image), series.array)
        assert np.allclose(image.GetSpacing()[::-1], series.spacing)


@pytest.mark.parametrize("planar", [0, 1])
def test_colour(tmp_path: Path, planar: int) -> None:
    dataset = testing.synthetic_instance(photometric="RGB", planar=planar)
    path = testing.write(dataset, tmp_path / "rgb.dcm")
    expected = testing.pattern((16, 20, 3), bits=8)
    assert np.array_equal(pydicom.dcmread(path).pixel_array, expected)


def test_rescale_of_each_slice_and_offsets(tmp_path: Path) -> None:
    series = testing.synthetic_series(
        tmp_path, slices=3, modality="PT", rescale=[(0.5, 0), (0.25, 0), (2, 1)], offsets=(0, 3, 9), signed=True
    )
    slopes = [float(pydicom.dcmread(path).RescaleSlope) for path in series.paths]
    heights = [float(pydicom.dcmread(path).ImagePositionPatient[2]) for path in series.paths]
    assert slopes == [0.5, 0.25, 2]
    assert heights == [-30, -27, -21]
    assert np.array_equal(series.array[2], series.stored[2] * 2.0 + 1)


def test_attributes_are_set_and_taken_away() -> None:
    dataset = testing.synthetic_instance(
        attributes={"PixelSpacing": None, "BodyPartExamined": "CHEST"}, padding_value=-5, signed=True
    )
    assert "PixelSpacing" not in dataset
    assert dataset.BodyPartExamined == "CHEST"
    assert dataset.PixelPaddingValue == -5


def test_archives(tmp_path: Path) -> None:
    member = {"folder/a.dcm": b"content"}
    nested = testing.nested_zip(tmp_path / "nested.zip", member, depth=3)
    with zipfile.ZipFile(nested) as outer:
        middle = zipfile.ZipFile(io.BytesIO(outer.read("inner-1.zip")))
        inner = zipfile.ZipFile(io.BytesIO(middle.read("inner-2.zip")))
    assert inner.read("folder/a.dcm") == b"content"

    unsafe = testing.write_zip(tmp_path / "unsafe.zip", {"../../escape.dcm": b"x", "/etc/absolute.dcm": b"y"})
    assert zipfile.ZipFile(unsafe).namelist() == ["../../escape.dcm", "/etc/absolute.dcm"]

    protected = testing.protected_zip(tmp_path / "protected.zip", {"a": b"1", "b": b"2"}, only="b")
    with zipfile.ZipFile(protected) as archive:
        assert archive.read("a") == b"1"
        with pytest.raises(RuntimeError, match="encrypted"):
            archive.read("b")

    bomb = testing.bomb_zip(tmp_path / "bomb.zip", expanded_bytes=1 << 24)
    assert bomb.stat().st_size < (1 << 24) // 500
    assert zipfile.ZipFile(bomb).infolist()[0].file_size == 1 << 24


def test_bad_files_are_all_written(tmp_path: Path) -> None:
    codes = testing.bad_files(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(codes)
