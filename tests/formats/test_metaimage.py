"""MetaImage: the contract, and what SimpleITK, its home, writes and reads."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings

from tests.formats.judges import assert_shown_alike, by_simpleitk, simpleitk_image
from voxelry.core.errors import FormatError
from voxelry.core.volume import Volume
from voxelry.formats.metaimage import FORMAT
from voxelry.testing.formats import FormatTests
from voxelry.testing.volumes import AXIAL_LPS, DTYPES, assert_same_volume, placed, volumes, voxels

HEAD = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
    "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = -120.25 -80.5 31\nElementSpacing = 0.7 0.8 2.5\n"
    "DimSize = 4 3 2\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
)


class TestMetaImage(FormatTests):
    format = FORMAT
    suffix = ".mha"
    colours = ("uint8", "uint16", "int16", "float32")
    place_rtol = 1e-14


class TestMetaImageRaw(TestMetaImage):
    options = {"compress": False}  # noqa: RUF012
    suffix = ".mhd"


@pytest.mark.parametrize("suffix", [".mha", ".mhd"])
@settings(max_examples=30)
@given(volume=volumes())
def test_simpleitk_shows_the_same_values_at_the_same_places(
    suffix: str, volume: Volume, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("mha") / f"a{suffix}"
    FORMAT.write([volume], str(path), options={"compress": suffix == ".mha"})
    assert_shown_alike(volume, by_simpleitk(path))


@pytest.mark.parametrize("suffix", [".mha", ".mhd"])
@pytest.mark.parametrize("compress", [True, False])
@settings(max_examples=15)
@given(volume=volumes())
def test_what_simpleitk_writes_is_read(
    suffix: str, compress: bool, volume: Volume, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In one file, or with its voxels beside it in .raw or .zraw."""
    path = tmp_path_factory.mktemp("mha") / f"a{suffix}"
    SimpleITK.WriteImage(simpleitk_image(volume), str(path), useCompression=compress)
    (found,) = FORMAT.read(str(path))
    assert_same_volume(found, volume, rtol=1e-12)


def test_several_and_colours_are_the_same_to_simpleitk(tmp_path: Path) -> None:
    several = [placed(voxels((2, 3, 4), "int16", seed)) for seed in range(3)]
    FORMAT.write(several, str(tmp_path / "a.mha"), options={})
    image = SimpleITK.ReadImage(str(tmp_path / "a.mha"))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), [volume.array for volume in several])
    assert image.GetSpacing() == pytest.approx((0.7, 0.8, 2.5, 1.0))
    colour = placed(voxels((2, 3, 4, 3), "uint8"))
    FORMAT.write([colour], str(tmp_path / "b.mha"), options={})
    assert_shown_alike(colour, by_simpleitk(tmp_path / "b.mha"))


@pytest.mark.parametrize("dtype", DTYPES)
def test_simpleitk_opens_what_has_no_place(dtype: str, tmp_path: Path) -> None:
    volume = Volume(array=voxels((1, 3, 4), dtype), spacing=(None, 0.8, 0.7))
    FORMAT.write([volume], str(tmp_path / "a.mha"), options={})
    image = SimpleITK.ReadImage(str(tmp_path / "a.mha"))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), volume.array)
    assert image.GetSpacing()[:2] == pytest.approx((0.7, 0.8))


def test_a_tilted_stack_keeps_its_tilt_in_simpleitk(tmp_path: Path) -> None:
    tilted = np.array([[0, 0, 0.7, 0], [0.9, 0.8, 0, 0], [2.5, 0, 0, 0], [0, 0, 0, 1.0]])
    volume = placed(voxels((2, 3, 4), "int16"), tilted)
    FORMAT.write([volume], str(tmp_path / "a.mha"), options={})
    image = SimpleITK.ReadImage(str(tmp_path / "a.mha"))
    assert image.TransformIndexToPhysicalPoint((0, 0, 1)) == pytest.approx((0, 0.9, 2.5))
    assert_same_volume(FORMAT.read(str(tmp_path / "a.mha"))[0], volume, rtol=1e-12)


def test_big_endian_older_words_and_a_stream_of_unknown_length(tmp_path: Path) -> None:
    array = voxels((2, 3, 4), "int16")
    head = HEAD.replace("MSB = False", "MSB = True").replace("CompressedData = False", "CompressedData = True")
    head = head.replace("Offset", "Position").replace("TransformMatrix", "Rotation")
    (tmp_path / "a.mha").write_bytes(head.encode() + zlib.compress(array.astype(">i2").tobytes()))
    (found,) = FORMAT.read(str(tmp_path / "a.mha"))
    assert_same_volume(found, placed(array), rtol=1e-14)


def test_comments_and_colons_are_read_as_metaio_reads_them(tmp_path: Path) -> None:
    array = voxels((2, 3, 4), "int16")
    head = "Comment = no ElementDataFile = LOCAL here\n" + HEAD.replace(" = ", " : ").replace("Offset :", "Offset:")
    (tmp_path / "a.mha").write_bytes(head.encode() + array.tobytes())
    (found,) = FORMAT.read(str(tmp_path / "a.mha"))
    assert_same_volume(found, placed(array), rtol=1e-14)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "a.mha"))), array)


def test_a_function_of_intensities_is_told_and_not_applied(tmp_path: Path) -> None:
    array = voxels((2, 3, 4), "int16")
    for slope, told in (("1", 0), ("2", 1)):
        head = f"ElementToIntensityFunctionSlope = {slope}\nElementToIntensityFunctionOffset = 0\n{HEAD}"
        (tmp_path / "a.mha").write_bytes(head.encode() + array.tobytes())
        (found,) = FORMAT.read(str(tmp_path / "a.mha"))
        np.testing.assert_array_equal(found.array, array)
        assert len(found.warnings) == told


def test_voxels_may_lie_beside_and_nowhere_else(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "outside.raw").write_bytes(bytes(48))
    header = tmp_path / "inner/a.mhd"
    for name in ("../outside.raw", str(tmp_path / "outside.raw"), "LIST", "none.raw"):
        header.write_text(HEAD.replace("LOCAL", name))
        with pytest.raises(FormatError, match="only one beside it is read"):
            FORMAT.read(str(header))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("DimSize = 4 3 2", "DimSize = 400000 300000 200000"),
        ("DimSize = 4 3 2", "DimSize = -4 -3 2"),
        ("DimSize = 4 3 2", "DimSize = 4 3"),
        ("DimSize = 4 3 2", "DimSize = 0 3 2"),
        ("NDims = 3", "NDims = 7"),
        ("MET_SHORT", "MET_OTHER"),
        ("CompressedData = False", "CompressedData = True"),
        ("BinaryData = True", "BinaryData = False"),
        ("ElementSpacing = 0.7", "ElementSpacing = nan"),
        ("ElementSpacing = 0.7", "ElementSpacing = 0"),
        ("TransformMatrix = 1 0 0", "TransformMatrix = 0 1 0"),
        ("Offset = -120.25", "Offset = here"),
        ("Offset = -120.25", "DistanceUnits = cm\nOffset = 1e308"),
        ("ElementSpacing = 0.7", "ElementSpacing = 1e308"),
        ("NDims = 3", "NDims = 3\nHeaderSize = -2"),
        ("NDims = 3", "NDims = 3\nHeaderSize = 999999"),
        ("NDims = 3", "NDims = 3\nHeaderSize = 999999999999999999"),
        ("NDims = 3", "NDims = 3\nDistanceUnits = furlong"),
        ("ObjectType = Image", "ObjectType = Tube"),
        ("ElementDataFile = LOCAL", ""),
    ],
)
def test_what_is_impossible_is_refused(old: str, new: str, tmp_path: Path) -> None:
    assert old in HEAD
    (tmp_path / "a.mha").write_text(HEAD.replace(old, new) + "x" * 48)
    with pytest.raises(FormatError):
        FORMAT.read(str(tmp_path / "a.mha"))


@pytest.mark.parametrize(("skip", "before"), [("5", b"12345"), ("-1", b"12345"), ("0", b"")])
def test_voxels_may_begin_within_their_file(skip: str, before: bytes, tmp_path: Path) -> None:
    array = voxels((2, 3, 4), "int16")
    (tmp_path / "a.raw").write_bytes(before + array.tobytes())
    head = HEAD.replace("NDims = 3", f"NDims = 3\nHeaderSize = {skip}").replace("LOCAL", "a.raw")
    (tmp_path / "a.mhd").write_text(head)
    (found,) = FORMAT.read(str(tmp_path / "a.mhd"))
    assert_same_volume(found, placed(array), rtol=1e-14)
    assert_shown_alike(found, by_simpleitk(tmp_path / "a.mhd"))


@pytest.mark.parametrize(("unit", "mm"), [("um", 1e-3), ("mm", 1.0), ("cm", 10.0), ("?", 1.0)])
def test_lengths_are_millimetres_here_whatever_the_file_s_are(unit: str, mm: float, tmp_path: Path) -> None:
    head = HEAD.replace("NDims = 3", f"NDims = 3\nDistanceUnits = {unit}")
    (tmp_path / "a.mha").write_text(head + "x" * 48)
    (found,) = FORMAT.read(str(tmp_path / "a.mha"))
    assert found.affine is not None
    np.testing.assert_allclose(found.affine[:3], AXIAL_LPS[:3] * mm)
    assert found.spacing == pytest.approx((2.5 * mm, 0.8 * mm, 0.7 * mm))
