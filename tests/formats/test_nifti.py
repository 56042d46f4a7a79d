"""NIfTI: the contract, and what nibabel, SimpleITK and dcm2niix write and show."""

from __future__ import annotations

import gzip
import itertools
import struct
import subprocess
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings

import voxelry
from tests.formats.judges import assert_shown_alike, by_nibabel, by_simpleitk
from tests.peers.reading import by_nibabel as volumes_by_nibabel
from tests.peers.reading import differences
from voxelry.core.errors import FormatError, ParameterError
from voxelry.core.volume import Volume
from voxelry.formats.nifti.nifti_format import FORMAT
from voxelry.testing.formats import FormatTests
from voxelry.testing.volumes import AXIAL_LPS, INTEGERS, assert_same_volume, placed, volumes, voxels

SINGLE = 1.2e-7
"""NIfTI-1 holds places in 32 bits."""
LPS_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
CODES = [
    "".join(letters) for order in itertools.permutations(("RL", "AP", "IS")) for letters in itertools.product(*order)
]
Nifti1: Any = nibabel.Nifti1Image  # type: ignore[attr-defined, unused-ignore]
Nifti2: Any = nibabel.Nifti2Image  # type: ignore[attr-defined, unused-ignore]
Pair: Any = nibabel.Nifti1Pair  # type: ignore[attr-defined, unused-ignore]


class TestNifti(FormatTests):
    format = FORMAT
    suffix = ".nii"
    colours = ("uint8",)
    place_rtol = SINGLE


class TestNiftiGz(TestNifti):
    suffix = ".nii.gz"


class TestNiftiSmall(TestNifti):
    """Zlib's own levels."""

    suffix = ".nii.gz"
    options = {"level": 6}  # noqa: RUF012


def written(path: Path, *given: Volume, **options: Any) -> Path:
    FORMAT.write(given, str(path), options=options)
    return path


def ras(affine: Any) -> Any:
    """What others call the affine of ``(column, row, slice)``."""
    return LPS_RAS @ np.asarray(affine)[:, [2, 1, 0, 3]]


# --- judges of what is written ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@settings(max_examples=30)
@given(volume=volumes())
def test_nibabel_shows_the_same_values_at_the_same_places(
    suffix: str, volume: Volume, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert volume.affine is not None
    path = written(tmp_path_factory.mktemp("nifti") / f"a{suffix}", volume)
    far = float(np.abs(volume.affine).max()) / min(filter(None, volume.spacing))
    assert_shown_alike(volume, by_nibabel(path), voxels=1e-3 + 1e-6 * far)
    image: Any = nibabel.load(path)  # type: ignore[attr-defined, unused-ignore]
    assert image.header.get_xyzt_units() == ("mm", "sec")
    if int(image.header["qform_code"]) == 1:  # an upright one says its place twice, and alike
        largest = np.abs(volume.affine).max()
        np.testing.assert_allclose(image.get_qform(), image.get_sform(), atol=3e-4 * largest)


@settings(max_examples=30)
@given(volume=volumes(shear=False, dtypes=(*INTEGERS,)))  # it reads NaN as 0
def test_simpleitk_shows_the_same_values_at_the_same_places(
    volume: Volume, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert volume.affine is not None
    path = written(tmp_path_factory.mktemp("nifti") / "a.nii.gz", volume)
    far = float(np.abs(volume.affine).max()) / min(filter(None, volume.spacing))
    assert_shown_alike(volume, by_simpleitk(path), voxels=1e-3 + 1e-5 * far)


def test_forms_are_what_they_say(tmp_path: Path) -> None:
    upright: Any = nibabel.load(written(tmp_path / "a.nii", placed(voxels((2, 3, 4), "int16"))))  # type: ignore[attr-defined, unused-ignore]
    assert (int(upright.header["sform_code"]), int(upright.header["qform_code"])) == (1, 1)
    np.testing.assert_allclose(upright.get_qform(), ras(AXIAL_LPS), rtol=1e-6)
    tilted = AXIAL_LPS.copy()
    tilted[1, 0] = 0.9
    image: Any = nibabel.load(written(tmp_path / "b.nii", placed(voxels((2, 3, 4), "int16"), tilted)))  # type: ignore[attr-defined, unused-ignore]
    assert (int(image.header["sform_code"]), int(image.header["qform_code"])) == (1, 0)
    np.testing.assert_allclose(image.affine, ras(tilted), rtol=1e-6)


def test_several_are_time_to_nibabel(tmp_path: Path) -> None:
    metadata = {"RepetitionTime": 2500.0, "NumberOfTemporalPositions": 3}
    several = [placed(voxels((2, 3, 4), "int16", seed), metadata=metadata) for seed in range(3)]
    image: Any = nibabel.load(written(tmp_path / "a.nii.gz", *several))  # type: ignore[attr-defined, unused-ignore]
    np.testing.assert_array_equal(np.asarray(image.dataobj).T, [volume.array for volume in several])
    assert image.header.get_zooms() == pytest.approx((0.7, 0.8, 2.5, 2.5))


def test_colour_is_colour_to_others(tmp_path: Path) -> None:
    for samples in (3, 4):
        volume = placed(voxels((2, 3, 4, samples), "uint8"))
        path = written(tmp_path / f"a{samples}.nii", volume)
        assert_shown_alike(volume, by_nibabel(path))
        assert_shown_alike(volume, by_simpleitk(path))


@pytest.mark.parametrize("spacing", [(None, None, None), (None, 0.8, 0.7)])
def test_others_open_what_has_no_place(spacing: Any, tmp_path: Path) -> None:
    import SimpleITK

    volume = Volume(array=voxels((1, 3, 4), "int16"), spacing=spacing)
    path = written(tmp_path / "a.nii", volume)
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))), volume.array)
    image: Any = nibabel.load(path)  # type: ignore[attr-defined, unused-ignore]
    np.testing.assert_array_equal(np.asarray(image.dataobj).T, volume.array)


@pytest.mark.programs("gunzip")
@pytest.mark.parametrize("level", [1, 3, 4, 9])
def test_gunzip_and_python_open_the_one_stream(level: int, tmp_path: Path) -> None:
    """One member: some readers know no second. Larger than a block, so that blocks are joined."""
    volume = placed(np.tile(voxels((1, 256, 256), "uint16") >> 8, (40, 1, 1)))
    plain = written(tmp_path / "a.nii", volume).read_bytes()
    path = written(tmp_path / "a.nii.gz", volume, level=level)
    assert gzip.decompress(path.read_bytes()) == plain
    subprocess.run(["gunzip", "--test", str(path)], check=True)
    assert path.read_bytes().count(b"\x1f\x8b\x08\x00\0\0\0\0") == 1
    assert path.stat().st_size < len(plain) * 0.75


# --- turning ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CODES)
def test_reorienting_moves_no_voxel(code: str, tmp_path: Path) -> None:
    oblique = AXIAL_LPS.copy()
    turn = np.radians(20)
    oblique[:2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]] @ oblique[:2]
    volume = placed(voxels((2, 3, 4), "int16"), oblique)
    path = written(tmp_path / "a.nii", volume, reorient=code)
    image: Any = nibabel.load(path)  # type: ignore[attr-defined, unused-ignore]
    assert "".join(nibabel.orientations.aff2axcodes(image.affine)) == code  # type: ignore[no-untyped-call, unused-ignore]
    assert_shown_alike(volume, by_nibabel(path))
    (found,) = FORMAT.read(str(path))
    assert found.voxel_mm3 == pytest.approx(volume.voxel_mm3, rel=1e-6)


def test_colours_and_several_are_turned_alike(tmp_path: Path) -> None:
    several = [placed(voxels((2, 3, 4, 3), "uint8", seed)) for seed in range(2)]
    one = written(tmp_path / "one.nii", several[1], reorient="SAR")
    both = FORMAT.read(str(written(tmp_path / "both.nii", *several, reorient="SAR")))
    assert_same_volume(both[1], FORMAT.read(str(one))[0])


@pytest.mark.parametrize("code", ["RAX", "RRS", "RA", "RASS", "LRS", "   "])
def test_what_is_no_orientation_is_refused(code: str, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no orientation"):
        written(tmp_path / "a.nii", placed(voxels((2, 3, 4), "int16")), reorient=code)


def test_what_lies_nowhere_is_not_turned(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot be reoriented"):
        written(tmp_path / "a.nii", Volume(array=voxels((2, 3, 4), "int16")), reorient="RAS")


@pytest.mark.parametrize("options", [{"level": 0}, {"level": 10}, {"level": "1"}, {"level": True}, {"reorient": 3}])
def test_options_have_their_ranges(options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ParameterError):
        written(tmp_path / "a.nii.gz", placed(voxels((2, 3, 4), "int16")), **options)


# --- files by others --------------------------------------------------------------------------------------------------


def image_of(volume: Volume, kind: Any = Nifti1) -> Any:
    image = kind(np.moveaxis(volume.array, (0, 2), (2, 0)), ras(volume.affine), dtype=volume.array.dtype)
    image.header.set_xyzt_units("mm", "sec")
    return image


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize("kind", [Nifti1, Nifti2])
@settings(max_examples=15)
@given(volume=volumes())
def test_what_nibabel_writes_is_read(
    name: str, kind: Any, volume: Volume, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("nifti") / name
    image_of(volume, kind).to_filename(path)
    (found,) = FORMAT.read(str(path))
    assert_same_volume(found, volume, rtol=SINGLE if kind is Nifti1 else 1e-15)
    assert found.warnings == ()


def test_pairs_extensions_and_the_other_byte_order_are_read(tmp_path: Path) -> None:
    volume = placed(voxels((2, 3, 4), "float32"))
    image_of(volume, Pair).to_filename(tmp_path / "a.hdr")
    assert_same_volume(FORMAT.read(str(tmp_path / "a.hdr"))[0], volume, rtol=SINGLE)
    extended = image_of(volume)
    extended.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"more" * 999))  # type: ignore[attr-defined, unused-ignore]
    for name in ("e.nii", "e.nii.gz"):
        extended.to_filename(tmp_path / name)
        assert_same_volume(FORMAT.read(str(tmp_path / name))[0], volume, rtol=SINGLE)
    big = image_of(volume)
    swapped = Nifti1(np.asarray(big.dataobj), big.affine, big.header.as_byteswapped(">"))
    swapped.to_filename(tmp_path / "b.nii")
    assert (tmp_path / "b.nii").read_bytes()[:4] == b"\0\0\x01\x5c"
    assert_same_volume(FORMAT.read(str(tmp_path / "b.nii"))[0], volume, rtol=SINGLE)
    with pytest.raises(FormatError, match=r"\.nii holds both"):
        FORMAT.write([volume], str(tmp_path / "c.hdr"), options={})
    (tmp_path / "a.img").unlink()
    with pytest.raises(FormatError, match=r"\.img beside"):
        FORMAT.read(str(tmp_path / "a.hdr"))


def patched(path: Path, **fields: Any) -> Path:
    """A file of int16 whose header says something else."""
    content = bytearray(written(path, placed(voxels((2, 3, 4), "int16"))).read_bytes())
    places = {
        "dim": (40, "<8h"), "datatype": (70, "<h"), "pixdim": (76, "<8f"), "vox_offset": (108, "<f"),
        "scl": (112, "<2f"), "units": (123, "<B"), "codes": (252, "<2h"), "srow": (280, "<12f"), "magic": (344, "<4s"),
    }  # fmt: skip
    for name, value in fields.items():
        place, form = places[name]
        struct.pack_into(form, content, place, *(value if isinstance(value, tuple) else (value,)))
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("scale", "dtype"),
    [
        ((1.0, 0.0), "int16"),
        ((0.0, 5.0), "int16"),
        ((np.nan, np.nan), "int16"),
        ((1.0, -1024.0), "int32"),
        ((3.0, 7.0), "int32"),
        ((-65536.0 * 4, 0.0), "int64"),
        ((0.25, 0.0), "float64"),
        ((0.1, -3.3), "float64"),
    ],
)
def test_scaling_loses_nothing(scale: tuple[float, float], dtype: str, tmp_path: Path) -> None:
    (found,) = FORMAT.read(str(patched(tmp_path / "a.nii", scl=scale)))
    slope, intercept = (1.0, 0.0) if not scale[0] or np.isnan(scale[0]) else (float(np.float32(one)) for one in scale)
    stored = voxels((2, 3, 4), "int16")
    np.testing.assert_array_equal(found.array, stored.astype(np.float64) * slope + intercept)
    assert found.array.dtype == dtype


def test_the_sform_is_preferred_and_the_qform_is_enough(tmp_path: Path) -> None:
    moved = (0.7, 0, 0, 5, 0, 0.8, 0, 6, 0, 0, 2.5, 7)
    (found,) = FORMAT.read(str(patched(tmp_path / "a.nii", srow=moved)))
    assert found.affine is not None
    np.testing.assert_allclose(found.affine[:3, 3], (-5, -6, 7))
    (found,) = FORMAT.read(str(patched(tmp_path / "b.nii", srow=moved, codes=(1, 0))))
    assert_same_volume(found, placed(voxels((2, 3, 4), "int16")), rtol=1e-6)


@settings(max_examples=50)
@given(volume=volumes(shear=False, dtypes=("int16",)))
def test_a_quaternion_alone_gives_the_place(volume: Volume, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert volume.affine is not None
    path = written(tmp_path_factory.mktemp("nifti") / "a.nii", volume)
    content = bytearray(path.read_bytes())
    content[254:256] = b"\0\0"
    path.write_bytes(content)
    (found,) = FORMAT.read(str(path))
    assert_same_volume(found, volume, rtol=5e-4)  # its first number is what three of 32 bits leave of 1


def test_an_sform_of_zeros_is_none_and_the_qform_counts(tmp_path: Path) -> None:
    """As SimpleITK has it."""
    path = patched(tmp_path / "a.nii", srow=(0.0,) * 12)
    (found,) = FORMAT.read(str(path))
    assert_same_volume(found, placed(voxels((2, 3, 4), "int16")), rtol=1e-6)
    assert_shown_alike(found, by_simpleitk(path))
    assert "sform" in found.warnings[0]


def test_a_qform_without_a_size_is_no_place(tmp_path: Path) -> None:
    """Pictures of one plane often have no third size: their voxels are read all the same."""
    path = patched(tmp_path / "a.nii", codes=(1, 0), pixdim=(1, 0.7, 0.8, 0.0, 0, 0, 0, 0))
    (found,) = FORMAT.read(str(path))
    assert found.affine is None
    assert found.spacing[0] is None
    assert found.spacing[1:] == pytest.approx((0.8, 0.7))
    assert "pixdim" in found.warnings[0]


def test_a_size_below_zero_is_told(tmp_path: Path) -> None:
    """The standard has no word for it: SimpleITK turns the axis round, nibabel takes the size without its sign."""
    path = patched(tmp_path / "a.nii", codes=(1, 0), pixdim=(1, -0.7, 0.8, 2.5, 0, 0, 0, 0))
    (found,) = FORMAT.read(str(path))
    assert_shown_alike(found, by_simpleitk(path))
    assert "pixdim" in found.warnings[0]


def test_a_slope_counts_without_its_intercept(tmp_path: Path) -> None:
    path = patched(tmp_path / "a.nii", scl=(2.0, np.nan))
    (found,) = FORMAT.read(str(path))
    np.testing.assert_array_equal(found.array, voxels((2, 3, 4), "int16").astype(np.int64) * 2)
    assert_shown_alike(found, by_simpleitk(path))
    assert "scl_inter" in found.warnings[0]


def test_pixdim_alone_is_a_size_without_a_place(tmp_path: Path) -> None:
    (found,) = FORMAT.read(str(patched(tmp_path / "a.nii", codes=(0, 0))))
    assert found.affine is None
    assert found.spacing == pytest.approx((2.5, 0.8, 0.7))
    assert "where its voxels lie" in found.warnings[0]


@pytest.mark.parametrize(("unit", "factor"), [(1, 1000.0), (3, 0.001), (0, 1.0)])
def test_units_of_length_are_millimetres_here(unit: int, factor: float, tmp_path: Path) -> None:
    (found,) = FORMAT.read(str(patched(tmp_path / "a.nii", units=unit)))
    assert found.spacing == pytest.approx((2.5 * factor, 0.8 * factor, 0.7 * factor))
    assert found.affine is not None
    np.testing.assert_allclose(found.affine[:3, 3], AXIAL_LPS[:3, 3] * factor, rtol=1e-6)
    assert len(found.warnings) == (unit == 0)


@pytest.mark.parametrize(
    ("unit", "step", "seconds"),
    [("sec", 0.8, 0.8), ("msec", 2000, 2.0), ("usec", 1.5e6, 1.5), ("unknown", 1, 0), ("hz", 3, 0), ("sec", 0, 0)],
)
def test_the_time_between_volumes_survives(unit: str, step: float, seconds: float, tmp_path: Path) -> None:
    image = Nifti1(np.zeros((4, 3, 2, 3), np.int16), np.eye(4))
    image.header.set_xyzt_units("mm", unit)
    image.header["pixdim"][4] = step
    image.to_filename(tmp_path / "a.nii")
    written(tmp_path / "b.nii.gz", *FORMAT.read(str(tmp_path / "a.nii")), reorient="LPS")
    again: Any = nibabel.load(tmp_path / "b.nii.gz")
    assert again.header.get_xyzt_units() == ("mm", "sec")
    assert float(again.header["pixdim"][4]) == pytest.approx(seconds, rel=1e-6)


@pytest.mark.parametrize(
    "fields",
    [
        {"dim": (3, 4, 3, 2, 1, 1, 1, 0), "magic": b"n+3\0"},
        {"dim": (8, 4, 3, 2, 1, 1, 1, 1)},
        {"dim": (0, 4, 3, 2, 1, 1, 1, 1)},
        {"dim": (3, 4, -3, 2, 1, 1, 1, 1)},
        {"dim": (3, 32767, 32767, 32767, 1, 1, 1, 1)},
        {"dim": (5, 4, 3, 2, 1, 3, 1, 1)},
        {"datatype": 32},
        {"datatype": 1},
        {"vox_offset": np.nan},
        {"vox_offset": -352.0},
        {"vox_offset": 0.0},
        {"vox_offset": 1e30},
        {"vox_offset": 360.0},
        {"units": 7},
        {"srow": (np.nan,) * 12},
        {"srow": (1.0, 1.0, 0, 0, 1.0, 1.0, 0, 0, 0, 0, 1, 0)},
        {"magic": b"\0\0\0\0"},
    ],
)
def test_what_is_impossible_is_refused(fields: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(FormatError):
        FORMAT.read(str(patched(tmp_path / "a.nii", **fields)))


@pytest.mark.parametrize("far", [1e120, 1e308, np.nan, np.inf])
@pytest.mark.parametrize("form", ["sform", "qform"])
def test_a_place_beyond_all_places_is_refused(far: float, form: str, tmp_path: Path) -> None:
    """NIfTI-2 holds such numbers; nothing that is computed of them warns of an overflow."""
    image = Nifti2(np.zeros((4, 3, 2), np.int16), np.eye(4))
    image.header.set_xyzt_units("meter")
    codes = (1, 0) if form == "qform" else (0, 1)
    image.header["qform_code"], image.header["sform_code"] = codes
    image.header["srow_x"][0] = image.header["pixdim"][1] = far
    header = bytearray(image.header.binaryblock) + bytes(4)
    struct.pack_into("<q", header, 168, len(header))
    struct.pack_into("<2i", header, 344, *codes)
    (tmp_path / "a.nii").write_bytes(bytes(header) + bytes(48))
    with pytest.raises(FormatError, match="beyond all places"):
        FORMAT.read(str(tmp_path / "a.nii"))


def test_a_stream_that_is_damaged_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nii.gz", placed(voxels((4, 64, 64), "int16")))
    content = path.read_bytes()
    for broken in (content[:-12], content[:-8] + b"\0\0\0\0" + content[-4:]):
        path.write_bytes(broken)
        with pytest.raises(FormatError, match=r"damaged|ends"):
            FORMAT.read(str(path))


def test_more_voxels_than_the_format_counts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="counts to 32,767"):
        written(tmp_path / "a.nii", placed(np.zeros((1, 1, 32768), np.uint8)))


# --- real series ------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize(
    "name",
    [
        "ct_lung_bases", "ct_head_phantom", "mr_breast_three_phases", "mr_fmri_repeated_positions", "mr_liver_coronal",
    ],
)  # fmt: skip
def test_dcm2niix_writes_the_same_voxels_at_the_same_places(name: str, corpus: Path, tmp_path: Path) -> None:
    """Of regular series; where dcm2niix is wrong about others, tests/peers says why."""
    folder = corpus / name
    ours = voxelry.load(folder).volumes
    path = written(tmp_path / "ours.nii.gz", *ours)
    back = FORMAT.read(str(path))
    subprocess.run(
        ["dcm2niix", "-z", "n", "-b", "n", "-f", "theirs%s", "-o", str(tmp_path), str(folder)],
        capture_output=True,
        check=False,
    )
    theirs = [volume for file in sorted(tmp_path.glob("theirs*.nii")) for volume in volumes_by_nibabel(file)]
    assert len(theirs) == len(back)
    unmatched = list(theirs)
    for volume in back:
        same = [peer for peer in unmatched if not differences(volume, peer, rtol=1e-6)]
        assert same, differences(volume, unmatched[0], rtol=1e-6)
        unmatched.remove(same[0])
    if len(list(tmp_path.glob("theirs*.nii"))) == 1:  # all times in one file: in the same order
        assert [not differences(one, other, rtol=1e-6) for one, other in zip(back, theirs, strict=True)] == [
            True
        ] * len(back)
