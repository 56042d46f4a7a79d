"""HDF5: the contract; h5py without a plug-in as judge; and what enemies and strangers write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import h5py
import numpy as np
import pytest

from voxelry.core.errors import FormatError, ParameterError
from voxelry.core.value import Value
from voxelry.formats.hdf5 import hdf5_chunks
from voxelry.formats.hdf5.hdf5_format import FORMAT
from voxelry.testing.formats import FormatTests
from voxelry.testing.volumes import AXIAL_LPS, DTYPES, assert_same_volume, full_volume, placed, voxels

EVERYTHING = frozenset(
    {
        "unit", "label", "metadata", "padding", "windows", "voi_tables", "inverted", "lossy", "warnings",
        "instance_uids",
    }
)  # fmt: skip


class TestHdf5(FormatTests):
    format = FORMAT
    suffix = ".h5"
    dtypes = (*DTYPES, "float16", "bool")
    colours = ("uint8", "uint16", "int16", "float32")
    holds = EVERYTHING


class TestHdf5WithoutCompression(TestHdf5):
    options: ClassVar[dict[str, Value]] = {"compression": "none"}


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "volume.h5")


# --- the layout, as others read it ------------------------------------------------------------------------------------

_READ = """
import json, sys
import h5py
with h5py.File(sys.argv[1]) as file:
    assert "hdf5plugin" not in sys.modules
    values = file["volume"]
    print(json.dumps([values[...].tolist(), values.chunks, values.compression, values.attrs["axes"]]))
"""


@pytest.mark.parametrize("compression", ["gzip", "none", "lzf"])
def test_h5py_alone_reads_it(path: str, compression: str) -> None:
    volume = placed(voxels((3, 4, 5), "int16"))
    FORMAT.write([volume], path, options={"compression": compression})
    read = subprocess.run([sys.executable, "-c", _READ, path], capture_output=True, text=True, check=True)
    values, chunks, filtered, axes = json.loads(read.stdout)
    np.testing.assert_array_equal(values, volume.array)
    assert chunks == [1, 4, 5]
    assert filtered == (None if compression == "none" else compression)
    assert axes == "location row column"


def test_place_and_words_are_attributes(path: str) -> None:
    volume = full_volume()
    FORMAT.write([volume], path, options={})
    with h5py.File(path) as file:
        attributes = file["volume"].attrs
        np.testing.assert_array_equal(attributes["affine_lps_mm"], volume.affine)
        assert tuple(attributes["spacing_mm"]) == volume.spacing
        assert attributes["unit"] == "HU"
        assert file.attrs["voxelry_layout"] == 1
        assert [uid.decode() for uid in file["sop_instance_uids"][:, 0]] == list(volume.instance_uids)
        (record,) = json.loads(file["metadata"][()])["volumes"]
        assert record["metadata"] == volume.metadata
        np.testing.assert_array_equal(file["padding"][:, 0], volume.padding)


def test_volumes_of_one_grid_share_a_dataset(path: str) -> None:
    several = [placed(voxels((2, 3, 4, 3), "uint8", seed), label=f"time {seed}") for seed in range(3)]
    FORMAT.write(several, path, options={})
    with h5py.File(path) as file:
        assert file["volume"].shape == (2, 3, 3, 4, 3)
        assert file["volume"].attrs["axes"] == "location phase row column sample"
        np.testing.assert_array_equal(file["volume"][:, 1], several[1].array)
    assert [one.label for one in FORMAT.read(path)] == ["time 0", "time 1", "time 2"]


def test_volumes_of_other_grids_have_groups(path: str) -> None:
    one, other = placed(voxels((2, 3, 4), "int16")), placed(voxels((2, 3, 4), "float32"), AXIAL_LPS + np.eye(4)[2] * 0)
    FORMAT.write([one, other, one], path, options={})
    with h5py.File(path) as file:
        assert (file["volume"].dtype, file["2/volume"].dtype, file["3/volume"].dtype) == ("i2", "f4", "i2")
    for found, wanted in zip(FORMAT.read(path), (one, other, one), strict=True):
        assert_same_volume(found, wanted)


def test_large_slices_are_cut_into_rows(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hdf5_chunks, "MOST_CHUNK_BYTES", 100)
    volume = placed(voxels((2, 33, 7), "int16"))
    FORMAT.write([volume], path, options={})
    with h5py.File(path) as file:
        assert file["volume"].chunks == (1, 7, 7)
        np.testing.assert_array_equal(file["volume"][...], volume.array)
    assert_same_volume(FORMAT.read(path)[0], volume)


@pytest.mark.parametrize("unit", ["µmol/l", "a\0b", "\udcff"])
def test_units_of_any_text_come_back(path: str, unit: str) -> None:
    FORMAT.write([placed(voxels((2, 3, 4), "int16"), unit=unit)], path, options={})
    assert FORMAT.read(path)[0].unit == unit


@pytest.mark.parametrize("compression", ["blosc", "zstd"])
def test_faster_compression_by_plugin(path: str, compression: str) -> None:
    volume = placed(voxels((3, 4, 5), "float32"))
    FORMAT.write([volume], path, options={"compression": compression})
    assert_same_volume(FORMAT.read(path)[0], volume)


@pytest.mark.parametrize("compression", ["blosc", "zstd"])
def test_a_missing_plugin_is_named(path: str, compression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hdf5plugin", None)
    with pytest.raises(FormatError, match="hdf5plugin"):
        FORMAT.write([placed(voxels((3, 4, 5), "int16"))], path, options={"compression": compression})


def test_an_unknown_compression_names_the_known(path: str) -> None:
    with pytest.raises(ParameterError, match="gzip, none, lzf, blosc, zstd"):
        FORMAT.write([placed(voxels((3, 4, 5), "int16"))], path, options={"compression": "rar"})


def test_the_same_volume_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        FORMAT.write([full_volume()], str(tmp_path / name), options={})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


_FULL = """
import resource, signal, sys
import numpy as np
from voxelry.core.volume import Volume
from voxelry.formats.hdf5.hdf5_format import FORMAT, StoredStack, write_normalised
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
noise = np.random.default_rng(0).integers(0, 60_000, (40, 1, 64, 64)).astype("u2")
writers = {
    "volume": lambda: FORMAT.write([Volume(array=noise[:, 0])], sys.argv[1], options={"compression": sys.argv[2]}),
    "stored": lambda: write_normalised([StoredStack(stored=noise)], sys.argv[1], compression=sys.argv[2]),
}
for name, write in writers.items():
    try:
        write()
    except OSError as error:
        print(name, error.strerror)
"""


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_a_full_disk_is_an_os_error_and_no_crash(path: str, compression: str) -> None:
    """The library alone raises something else, and crashes the interpreter when it ends."""
    # Without what measures coverage: its own file would not fit either.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [sys.executable, "-W", "error", "-c", _FULL, path, compression]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=plain)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == ["volume File too large", "stored File too large"]


# --- files by others --------------------------------------------------------------------------------------------------


def written_by_others(path: str, make: Callable[[h5py.File], object]) -> str:
    with h5py.File(path, "w") as file:
        make(file)
    return path


@pytest.mark.parametrize("layout", [{}, {"chunks": (2, 3, 5)}, {"compression": "gzip", "chunks": (1, 6, 5)}])
@pytest.mark.parametrize("dtype", ["<i2", ">i2", ">f8", "u1", "f2"])
def test_a_stranger_s_largest_volume_is_taken(path: str, layout: dict[str, Any], dtype: str) -> None:
    array = voxels((4, 6, 5), "int8").astype(dtype)

    def make(file: h5py.File) -> None:
        file["deep/below/image"] = voxels((2, 2, 2), "int16")
        file["table"] = np.arange(10_000)
        file["words"] = "some words"
        file.create_dataset("deep/volume", data=array, **layout)

    (found,) = FORMAT.read(written_by_others(path, make))
    np.testing.assert_array_equal(found.array, array)
    assert found.array.dtype == np.dtype(dtype).newbyteorder("=")
    assert (found.affine, found.spacing, found.unit) == (None, (None, None, None), "")
    assert "does not say place, spacing or unit" in found.warnings[0]
    assert "the largest of 2 datasets" in " ".join(found.warnings)


def test_what_a_stranger_s_axes_may_be(path: str) -> None:
    shapes = {(5, 6): [(1, 5, 6)], (3, 5, 6, 3): [(3, 5, 6, 3)], (4, 2, 5, 6): [(4, 5, 6)] * 2}
    for shape, expected in shapes.items():
        found = FORMAT.read(
            written_by_others(path, lambda file, shape=shape: file.create_dataset("a", data=voxels(shape, "uint8")))  # type: ignore[misc]
        )
        assert [one.array.shape for one in found] == expected
        assert "axes are taken to be" in found[0].warnings[-1]


def test_missing_attributes_are_named(path: str) -> None:
    FORMAT.write([full_volume()], path, options={})
    with h5py.File(path, "r+") as file:
        for name in ("affine_lps_mm", "spacing_mm"):
            del file["volume"].attrs[name]
        del file["metadata"]
    (found,) = FORMAT.read(path)
    np.testing.assert_array_equal(found.array, full_volume().array)
    assert (found.affine, found.spacing, found.unit) == (None, (None, None, None), "HU")
    assert any("spacing_mm" in words for words in found.warnings)
    assert any("no metadata" in words for words in found.warnings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("affine_lps_mm", np.full((4, 4), np.nan)),
        ("affine_lps_mm", np.eye(3)),
        ("affine_lps_mm", "words"),
        ("spacing_mm", [1.0, -2.0, np.inf]),
        ("spacing_mm", [1.0, 2.0]),
        ("unit", 7),
        ("unit", np.zeros(4)),
    ],
)
def test_wrong_attributes_are_left_out(path: str, name: str, value: object) -> None:
    FORMAT.write([full_volume()], path, options={})
    with h5py.File(path, "r+") as file:
        file["volume"].attrs[name] = value
    (found,) = FORMAT.read(path)
    np.testing.assert_array_equal(found.array, full_volume().array)
    if name == "affine_lps_mm":
        assert found.affine is None
    if name == "spacing_mm":
        assert found.spacing == (2.5, 0.8, 0.7)  # as the affine says
        assert any("spacing" in words for words in found.warnings)


@pytest.mark.parametrize(
    "metadata",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b"[]",
        b'{"volumes": 7}',
        b'{"volumes": [7]}',
        b'{"volumes": [{}, {}]}',
        b'{"volumes": [{"label": 7, "warnings": [3], "inverted": "yes", "metadata": []}]}',
        b'{"volumes": [{"windows": [{"center": "x"}, {"center": 1, "width": 0}], "voi_tables": [{"first": 1}]}]}',
    ],
)
def test_damaged_metadata_cost_no_voxel(path: str, metadata: bytes) -> None:
    FORMAT.write([full_volume()], path, options={})
    with h5py.File(path, "r+") as file:
        del file["metadata"]
        file["metadata"] = np.bytes_(metadata)
    (found,) = FORMAT.read(path)
    np.testing.assert_array_equal(found.array, full_volume().array)
    assert found.warnings


# --- files by enemies -------------------------------------------------------------------------------------------------


def external_link(file: h5py.File) -> None:
    file["volume"] = h5py.ExternalLink("secret.h5", "/volume")


def soft_link_away(file: h5py.File) -> None:
    file["volume"] = h5py.SoftLink("/secret/volume")


def external_storage(file: h5py.File) -> None:
    file.create_dataset("volume", (2, 3, 4), "i2", external=[("secret.raw", 0, h5py.h5f.UNLIMITED)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((2, 3, 4), "i2")
    layout[...] = h5py.VirtualSource("secret.h5", "volume", (2, 3, 4))
    file.create_virtual_dataset("volume", layout)


def references(file: h5py.File) -> None:
    file["other"] = "words"
    file["volume"] = np.full((2, 3, 4), file["other"].ref, h5py.ref_dtype)


def compound(file: h5py.File) -> None:
    file["volume"] = np.zeros((2, 3, 4), [("a", "i2"), ("b", "f8")])


def texts(file: h5py.File) -> None:
    file["volume"] = np.full((2, 3, 4), b"words")


def no_space(file: h5py.File) -> None:
    file["volume"] = h5py.Empty("i2")


def no_pixels(file: h5py.File) -> None:
    file["volume"] = np.zeros((0, 3, 4), "i2")


def declared_only(file: h5py.File) -> None:
    file.create_dataset("volume", (100_000, 10_000, 1000), "i2", chunks=(1, 100, 100), compression="gzip")


def one_chunk_of_many(file: h5py.File) -> None:
    volume = file.create_dataset("volume", (100_000, 1000, 1000), "i2", chunks=(1, 1000, 1000), compression="gzip")
    volume[0] = 0


def endless_chunk(file: h5py.File) -> None:
    file.create_dataset("volume", (2, 3, 4), "i2", chunks=(2, 2**15, 2**14), maxshape=(None,) * 3)


def a_thousandfold_bomb(file: h5py.File) -> None:
    volume = file.create_dataset("volume", (1, 3, 4), "i2", chunks=(1, 3, 4), compression="gzip")
    import zlib

    volume.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(1 << 28), 9))


def damaged_chunk(file: h5py.File) -> None:
    volume = file.create_dataset("volume", (1, 3, 4), "i2", chunks=(1, 3, 4), compression="gzip")
    volume.id.write_direct_chunk((0, 0, 0), b"no deflate at all")


def short_chunk(file: h5py.File) -> None:
    import zlib

    volume = file.create_dataset("volume", (1, 3, 4), "i2", chunks=(1, 3, 4), compression="gzip")
    volume.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(7)))


ENEMIES = [
    external_link, soft_link_away, external_storage, virtual, references, compound, texts, no_space, no_pixels,
    declared_only, one_chunk_of_many, endless_chunk, a_thousandfold_bomb, damaged_chunk, short_chunk,
]  # fmt: skip


@pytest.mark.parametrize("ours", [False, True], ids=["stranger", "as ours"])
@pytest.mark.parametrize("make", ENEMIES)
def test_an_enemy_s_file_is_refused_and_costs_little(
    tmp_path: Path, make: Callable[[h5py.File], None], ours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing outside the file is read: the secret lies beside it, in every place that it names."""
    monkeypatch.chdir(tmp_path)
    with h5py.File("secret.h5", "w") as file:
        file["volume"] = np.full((2, 3, 4), 17, "i2")
    Path("secret.raw").write_bytes(bytes([17, 0]) * 24)
    with h5py.File("enemy.h5", "w") as file:
        make(file)
        if ours and isinstance(file.get("volume", getlink=True), h5py.HardLink):
            file["volume"].attrs["axes"] = "location row column"
    TestHdf5().check_damaged(str(tmp_path / "enemy.h5"))
    with pytest.raises(FormatError) as caught:
        FORMAT.read(str(tmp_path / "enemy.h5"))
    assert len(str(caught.value).split()) > 3


def test_groups_that_hold_themselves_end(path: str) -> None:
    def make(file: h5py.File) -> None:
        file.create_group("a")["b"] = file["/"]
        file["2"] = file["/"]
        file["a/c"] = file["a"]
        file["a/image"] = voxels((2, 3, 4), "int16")

    (found,) = FORMAT.read(written_by_others(path, make))
    assert found.array.shape == (2, 3, 4)


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    for target in (tmp_path, tmp_path / "nothing.h5"):
        with pytest.raises(FormatError, match="there is no such file"):
            FORMAT.read(str(target))
