"""NumPy's .npz: the contract, and what NumPy itself makes of it."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from voxelry.core.errors import FormatError, ParameterError
from voxelry.formats.npz import FORMAT
from voxelry.testing.formats import FormatTests
from voxelry.testing.volumes import AXIAL_LPS, DTYPES, assert_same_volume, full_volume, placed, voxels


class TestNpz(FormatTests):
    format = FORMAT
    suffix = ".npz"
    dtypes = (*DTYPES, "float16", "bool")
    colours = ("uint8", "uint16", "int16", "float32")
    holds = frozenset(
        {"unit", "label", "metadata", "windows", "inverted", "lossy", "warnings", "padding", "instance_uids"}
    )


class TestNpzDeflated(TestNpz):
    options = {"compress": True}  # noqa: RUF012


def test_numpy_reads_it(tmp_path: Path) -> None:
    wanted = full_volume()
    FORMAT.write([wanted], str(tmp_path / "a.npz"), options={})
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        np.testing.assert_array_equal(found["array"], wanted.array)
        np.testing.assert_array_equal(found["affine"], wanted.affine)
        np.testing.assert_array_equal(found["spacing"], [wanted.spacing])
        record = json.loads(found["record"].item())
    assert record["volumes"][0]["unit"] == "HU"


def test_numpy_s_own_files_are_read_as_far_as_they_go(tmp_path: Path) -> None:
    array = voxels((2, 3, 4), "float32")
    np.savez_compressed(tmp_path / "a.npz", scan=np.asfortranarray(array), note=np.arange(3))
    (found,) = FORMAT.read(str(tmp_path / "a.npz"))
    np.testing.assert_array_equal(found.array, array)
    assert found.affine is None
    assert found.spacing == (None, None, None)
    assert "where its voxels lie" in found.warnings[0]
    np.savez(tmp_path / "b.npz", array=array, affine=AXIAL_LPS)
    (found,) = FORMAT.read(str(tmp_path / "b.npz"))
    assert_same_volume(found, placed(array))
    np.savez(tmp_path / "c.npz", one=array, two=array)
    with pytest.raises(FormatError, match="the file has 2"):
        FORMAT.read(str(tmp_path / "c.npz"))


class Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("unpickled",)


@pytest.mark.parametrize("name", ["array", "affine", "record"])
def test_nothing_is_unpickled(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    FORMAT.write([placed(voxels((2, 3, 4), "int16"))], str(path), options={})
    with zipfile.ZipFile(path) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    trap = io.BytesIO()
    np.lib.format.write_array_header_1_0(trap, {"descr": "|O", "fortran_order": False, "shape": (2, 3, 4)})
    members[f"{name}.npy"] = trap.getvalue() + pickle.dumps(np.full((2, 3, 4), Trap()))
    with zipfile.ZipFile(path, "w") as archive:
        for one, content in members.items():
            archive.writestr(one, content)
    with pytest.raises(FormatError):
        FORMAT.read(str(path))


@pytest.mark.parametrize("shape", [(1 << 20, 1 << 20, 1 << 10), (-1, 3, 4), (0, 3, 4), (2, 3)])
def test_an_array_s_header_is_not_believed(shape: tuple[int, ...], tmp_path: Path) -> None:
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, {"descr": "<i2", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("array.npy", content.getvalue() + bytes(48))
    with pytest.raises(FormatError):
        FORMAT.read(str(tmp_path / "a.npz"))


def test_members_before_the_file_are_damage(tmp_path: Path) -> None:
    """The archive's last record says where its directory begins; all other places are counted from there."""
    path = tmp_path / "a.npz"
    FORMAT.write([placed(voxels((2, 3, 4), "int16"))], str(path), options={})
    content = bytearray(path.read_bytes())
    start = int.from_bytes(content[-6:-2], "little")
    content[-6:-2] = (start + 5).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(FormatError):
        FORMAT.read(str(path))


def test_options_have_their_ranges(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="true or false"):
        FORMAT.write([placed(voxels((2, 3, 4), "int16"))], str(tmp_path / "a.npz"), options={"compress": 3})


@pytest.mark.parametrize(("shape", "dtype", "volumes"), [
    ((5, 2, 3, 6), "int16", 5), ((5, 2, 3, 7), "uint8", 5), ((2, 3, 4, 3), "float32", 2), ((2, 3, 4, 3), "uint8", 1),
    ((2, 3, 4), "int16", 1),
])  # fmt: skip
def test_a_stranger_s_four_axes_are_volumes_unless_the_last_is_colour(
    shape: tuple[int, ...], dtype: str, volumes: int, tmp_path: Path
) -> None:
    array = voxels(shape, dtype)
    np.savez(tmp_path / "a.npz", array=array, affine=AXIAL_LPS)
    found = FORMAT.read(str(tmp_path / "a.npz"))
    assert len(found) == volumes
    np.testing.assert_array_equal([one.array for one in found], array if volumes > 1 else [array])
    assert all(one.affine is not None and "taken to be in LPS" in one.warnings[-1] for one in found)
    assert [one.label for one in found] == ([f"volume {k}" for k in range(1, volumes + 1)] if volumes > 1 else [""])
