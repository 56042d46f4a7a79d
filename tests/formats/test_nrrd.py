"""NRRD: the contract, and what pynrrd and SimpleITK write and read."""

from __future__ import annotations

import gzip
from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings

from tests.formats.judges import assert_shown_alike, by_pynrrd, by_simpleitk, simpleitk_image
from voxelry.core.errors import FormatError
from voxelry.core.volume import Volume
from voxelry.formats.nrrd import FORMAT
from voxelry.testing.formats import FormatTests
from voxelry.testing.volumes import AXIAL_LPS, assert_same_volume, placed, spacing_of, volumes, voxels

HEAD = "NRRD0004\ntype: short\ndimension: 3\nsizes: 4 3 2\nendian: little\nencoding: raw\n"
PLACE = "space: LPS\nspace directions: (0.7,0,0) (0,0.8,0) (0,0,2.5)\nspace origin: (-120.25,-80.5,31)\n"


class TestNrrd(FormatTests):
    format = FORMAT
    suffix = ".nrrd"
    colours = ("uint8", "uint16", "int16", "float32")
    holds = frozenset({"unit", "label"})


class TestNrrdRaw(TestNrrd):
    options = {"compress": False}  # noqa: RUF012


def written(path: Path, *given: Volume) -> Path:
    FORMAT.write(given, str(path), options={})
    return path


@settings(max_examples=30)
@given(volume=volumes())
def test_pynrrd_shows_the_same_values_at_the_same_places(
    volume: Volume, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(tmp_path_factory.mktemp("nrrd") / "a.nrrd", volume)
    assert_shown_alike(volume, by_pynrrd(path))


@settings(max_examples=30)
@given(volume=volumes(shear=False))
def test_simpleitk_shows_the_same_values_at_the_same_places(
    volume: Volume, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(tmp_path_factory.mktemp("nrrd") / "a.nrrd", volume)
    assert_shown_alike(volume, by_simpleitk(path))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_colour_is_colour_to_others(dtype: str, tmp_path: Path) -> None:
    volume = placed(voxels((2, 3, 4, 3), dtype))
    path = written(tmp_path / "a.nrrd", volume)
    assert_shown_alike(volume, by_simpleitk(path))
    assert nrrd.read_header(str(path))["kinds"] == ["RGB-color", "domain", "domain", "domain"]


def test_several_are_a_list_to_pynrrd(tmp_path: Path) -> None:
    several = [placed(voxels((2, 3, 4), "int16", seed), label=f"EchoTime {seed}") for seed in range(3)]
    values, header = nrrd.read(str(written(tmp_path / "a.nrrd", *several)), index_order="C")
    np.testing.assert_array_equal(values, [volume.array for volume in several])
    assert header["kinds"] == ["domain", "domain", "domain", "list"]
    assert [volume.label for volume in FORMAT.read(str(tmp_path / "a.nrrd"))] == [one.label for one in several]


@settings(max_examples=30)
@given(volume=volumes(shear=False))
def test_what_simpleitk_writes_is_read(volume: Volume, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("nrrd") / "a.nrrd"
    SimpleITK.WriteImage(simpleitk_image(volume), str(path), useCompression=True)
    (found,) = FORMAT.read(str(path))
    assert_same_volume(found, volume, rtol=1e-12)


@pytest.mark.parametrize("space", ["left-posterior-superior", "right-anterior-superior", "LAS"])
@pytest.mark.parametrize("encoding", ["raw", "gzip"])
def test_what_pynrrd_writes_is_read(space: str, encoding: str, tmp_path: Path) -> None:
    signs = {"l": (1, 1, 1), "r": (-1, -1, 1), "L": (1, -1, 1)}[space[0]]
    array, path = voxels((2, 3, 4), "float32"), str(tmp_path / "a.nrrd")
    affine = AXIAL_LPS.copy()
    header = {
        "space": space,
        "space directions": (affine[:3, [2, 1, 0]].T * signs),
        "space origin": affine[:3, 3] * signs,
        "encoding": encoding,
    }
    nrrd.write(path, array, header, index_order="C")
    (found,) = FORMAT.read(path)
    assert_same_volume(found, placed(array))


def test_axes_in_another_order_and_the_other_byte_order(tmp_path: Path) -> None:
    """As 3D Slicer writes several volumes: the list's axis is the fastest."""
    array = voxels((2, 3, 4, 5), "int16")
    head = HEAD.replace("dimension: 3\nsizes: 4 3 2", "dimension: 4\nsizes: 5 4 3 2").replace("little", "big")
    head += PLACE.replace("directions: ", "directions: none ") + "kinds: list domain domain domain\n"
    (tmp_path / "a.nrrd").write_bytes(head.encode() + b"\n" + array.astype(">i2").tobytes())
    found = FORMAT.read(str(tmp_path / "a.nrrd"))
    assert [volume.label for volume in found] == [f"volume {k}" for k in range(1, 6)]
    for k, volume in enumerate(found):
        assert_same_volume(volume, placed(array[..., k]))


def test_a_header_s_voxels_may_lie_beside_it_and_nowhere_else(tmp_path: Path) -> None:
    array = voxels((2, 3, 4), "int16")
    (tmp_path / "inner").mkdir()
    header = tmp_path / "inner/a.nhdr"
    (tmp_path / "inner/a.raw.gz").write_bytes(gzip.compress(array.tobytes()))
    (tmp_path / "outside.raw").write_bytes(array.tobytes())
    header.write_text(HEAD.replace("raw", "gzip") + PLACE + "data file: a.raw.gz\n")
    (found,) = FORMAT.read(str(header))
    assert_same_volume(found, placed(array))
    for name in ("../outside.raw", str(tmp_path / "outside.raw"), "LIST", "a%03d.raw 1 3 1", "none.raw", ".."):
        header.write_text(HEAD + PLACE + f"data file: {name}\n")
        with pytest.raises(FormatError, match="only one beside it is read"):
            FORMAT.read(str(header))
    with pytest.raises(FormatError, match=r"\.nrrd holds both"):
        FORMAT.write([placed(array)], str(header), options={})


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("space: LPS", "space: scanner-xyz", "does not say where its voxels lie"),
        ("space origin: (-120.25,-80.5,31)\n", "", "no origin"),
        (PLACE, "spacings: 0.7 0.8 2.5\n", "no space directions"),
    ],
)
def test_a_place_that_is_not_said_is_unknown(old: str, new: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.nrrd").write_text((HEAD + PLACE).replace(old, new) + "\n" + "x" * 48)
    (found,) = FORMAT.read(str(tmp_path / "a.nrrd"))
    assert found.affine is None
    assert found.spacing == pytest.approx(spacing_of(AXIAL_LPS))
    assert words in found.warnings[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sizes: 4 3 2", "sizes: 400000 300000 200000"),
        ("sizes: 4 3 2", "sizes: -4 -3 2"),
        ("sizes: 4 3 2", "sizes: 4 3"),
        ("sizes: 4 3 2", "sizes: 0 3 2"),
        ("sizes: 4 3 2", "sizes: 99999999999999999999 3 2"),
        ("type: short", "type: block"),
        ("endian: little", "endian: middle"),
        ("encoding: raw", "encoding: bzip2"),
        ("encoding: raw", "encoding: gzip"),
        ("encoding: raw", "byte skip: -2\nencoding: raw"),
        ("encoding: raw", "byte skip: one\nencoding: raw"),
        ("encoding: raw", "byte skip: 99\nencoding: raw"),
        ("encoding: raw", "byte skip: 999999999999999\nencoding: raw"),
        ("encoding: raw", "line skip: 3\nencoding: raw"),
        ("encoding: raw", "byte skip: 3\nencoding: gzip"),
        ("space: LPS", 'space: LPS\nspace units: "mm" "mm" "um"'),
        ("space origin: (-120.25", 'space units: "cm" "cm" "cm"\nspace origin: (1e308'),
        ("(0.7,0,0)", "(1e200,0,0)"),
        (PLACE, 'spacings: 0.7 0.8 2.5\nunits: "mm" "mm" "furlong"\n'),
        ("(0.7,0,0)", "(nan,0,0)"),
        ("(0.7,0,0)", "(0,0.8,0)"),
        ("(0.7,0,0)", "(0.7,zero,0)"),
        ("space: LPS", 'space: LPS\nspace units: "furlong" "furlong" "furlong"'),
        ("type: short\n", ""),
    ],
)
def test_what_is_impossible_is_refused(old: str, new: str, tmp_path: Path) -> None:
    assert old in HEAD + PLACE
    (tmp_path / "a.nrrd").write_text((HEAD + PLACE).replace(old, new) + "\n" + "x" * 48)
    with pytest.raises(FormatError):
        FORMAT.read(str(tmp_path / "a.nrrd"))


@pytest.mark.parametrize(("unit", "mm"), [("um", 1e-3), ("microns", 1e-3), ("mm", 1.0), ("cm", 10.0), ("m", 1e3)])
def test_lengths_are_millimetres_here_whatever_the_file_s_are(unit: str, mm: float, tmp_path: Path) -> None:
    """Of spacings alone too, where teem and ITK leave the unit to their callers."""
    units = f'units: "{unit}" "{unit}" "{unit}"\n'
    for place in (PLACE + f"space {units}", f"spacings: 0.7 0.8 2.5\n{units}"):
        (tmp_path / "a.nrrd").write_text(HEAD + place + "\n" + "x" * 48)
        (found,) = FORMAT.read(str(tmp_path / "a.nrrd"))
        assert found.spacing == pytest.approx((2.5 * mm, 0.8 * mm, 0.7 * mm))
        if found.affine is not None:
            np.testing.assert_allclose(found.affine[:3], AXIAL_LPS[:3] * mm)


@pytest.mark.parametrize(
    ("space", "signs"),
    [("right-anterior-superior-time", (-1, -1, 1)), ("RAST", (-1, -1, 1)), ("LPST", (1, 1, 1)), ("LAST", (1, -1, 1))],
)
def test_spaces_with_time_have_the_place_of_those_without(
    space: str, signs: tuple[int, int, int], tmp_path: Path
) -> None:
    array = voxels((3, 2, 3, 4), "int16")
    directions = np.diag([0.7, 0.8, 2.5, 1.5]) * [*signs, 1]
    header = {"space": space, "space directions": directions, "space origin": [*AXIAL_LPS[:3, 3] * signs, 40]}
    nrrd.write(str(tmp_path / "a.nrrd"), array, header, index_order="C")
    found = FORMAT.read(str(tmp_path / "a.nrrd"))
    assert len(found) == 3
    for volume, values in zip(found, array, strict=True):
        assert_same_volume(volume, placed(values))


def test_time_that_leans_into_space_is_refused(tmp_path: Path) -> None:
    head = HEAD.replace("dimension: 3\nsizes: 4 3 2", "dimension: 4\nsizes: 4 3 2 1")
    head += "space: LPST\nspace directions: (1,0,0,0) (0,1,0,0) (0,0,1,0) (1,0,0,1)\nspace origin: (0,0,0,0)\n"
    (tmp_path / "a.nrrd").write_text(head + "\n" + "x" * 48)
    with pytest.raises(FormatError, match="leans into space"):
        FORMAT.read(str(tmp_path / "a.nrrd"))


def test_simpleitk_s_four_axes_and_two_keep_their_sizes(tmp_path: Path) -> None:
    """It names no space for them, so that their place is unknown."""
    four, two = voxels((5, 2, 3, 4), "int16"), voxels((3, 4), "int16")
    image = SimpleITK.GetImageFromArray(four, isVector=False)
    image.SetSpacing((0.7, 0.8, 2.5, 1.5))
    SimpleITK.WriteImage(image, str(tmp_path / "four.nrrd"))
    found = FORMAT.read(str(tmp_path / "four.nrrd"))
    np.testing.assert_array_equal([volume.array for volume in found], four)
    assert all(volume.spacing == pytest.approx((2.5, 0.8, 0.7)) for volume in found)
    image = SimpleITK.GetImageFromArray(two)
    image.SetSpacing((0.7, 0.8))
    image.SetDirection((0.0, 1.0, -1.0, 0.0))
    SimpleITK.WriteImage(image, str(tmp_path / "two.nrrd"))
    (flat,) = FORMAT.read(str(tmp_path / "two.nrrd"))
    np.testing.assert_array_equal(flat.array[0], two)
    assert flat.affine is None
    assert flat.spacing[0] is None
    assert flat.spacing[1:] == pytest.approx((0.8, 0.7))


@pytest.mark.parametrize(
    ("skip", "before"),
    [("byte skip: 5", b"12345"), ("byte skip: -1", b"12345"), ("line skip: 2", b"1\n22\n"), ("lineskip: 1", b"1\n")],
)
@pytest.mark.parametrize("apart", [False, True])
def test_what_lies_before_the_voxels_is_skipped(skip: str, before: bytes, apart: bool, tmp_path: Path) -> None:
    array, path = voxels((2, 3, 4), "int16"), tmp_path / ("a.nhdr" if apart else "a.nrrd")
    content = before + array.tobytes()
    if apart:
        (tmp_path / "a.raw").write_bytes(content)
        path.write_text(f"{HEAD}{PLACE}{skip}\ndata file: ./a.raw\n")
    else:
        path.write_bytes(f"{HEAD}{PLACE}{skip}\n\n".encode() + content)
    (found,) = FORMAT.read(str(path))
    assert_same_volume(found, placed(array))
    assert_shown_alike(found, by_simpleitk(path))


def test_axes_of_one_are_no_volumes(tmp_path: Path) -> None:
    array = voxels((2, 3, 4), "int16")
    head = HEAD.replace("dimension: 3\nsizes: 4 3 2", "dimension: 5\nsizes: 1 4 3 2 1")
    head += PLACE.replace("directions: ", "directions: none ").replace(" (0,0,2.5)", " (0,0,2.5) none")
    (tmp_path / "a.nrrd").write_bytes(head.encode() + b"\n" + array.tobytes())
    (found,) = FORMAT.read(str(tmp_path / "a.nrrd"))
    assert_same_volume(found, placed(array))
