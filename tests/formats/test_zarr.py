"""Zarr: the contract; zarr-python as judge; OME-Zarr's own rules; and what enemies and strangers write."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest
import zarr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from voxelry.core.errors import FormatError, ParameterError
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.formats.zarr.ngff import ngff_attributes, ngff_axes
from voxelry.formats.zarr.zarr_format import FORMAT
from voxelry.testing.formats import FormatTests
from voxelry.testing.volumes import AXIAL_LPS, DTYPES, affines, full_volume, placed, spacing_of, voxels

EVERYTHING = frozenset(
    {
        "unit", "label", "metadata", "padding", "windows", "voi_tables", "inverted", "lossy", "warnings",
        "instance_uids",
    }
)  # fmt: skip


class TestZarr(FormatTests):
    format = FORMAT
    suffix = ".zarr"
    is_folder = True
    dtypes = (*DTYPES, "float16", "bool")
    colours = ("uint8", "uint16", "int16", "float32")
    holds = EVERYTHING


class TestZarrZip(TestZarr):
    suffix = ".zarr.zip"
    is_folder = False
    options: ClassVar[dict[str, Value]] = {"compression": "zstd"}


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "volume.zarr")


def opened(path: str) -> Any:
    return zarr.open_group(path, mode="r")


# --- what others read -------------------------------------------------------------------------------------------------


def check_ngff(path: str) -> None:
    """The rules of OME-Zarr 0.5 for images, as its specification has them."""
    group = json.loads((Path(path) / "zarr.json").read_text())
    assert (group["zarr_format"], group["node_type"]) == (3, "group")
    ome = group["attributes"]["ome"]
    assert ome["version"] == "0.5"
    (image,) = ome["multiscales"]
    axes = image["axes"]
    names, kinds = [axis["name"] for axis in axes], [axis["type"] for axis in axes]
    assert 2 <= len(axes) <= 5
    assert len(set(names)) == len(names)
    assert kinds.count("space") in (2, 3)
    assert kinds.count("time") <= 1
    assert kinds.count("channel") <= 1
    assert kinds == sorted(kinds, key=("time", "channel", "space").index)
    assert [name for name, kind in zip(names, kinds, strict=True) if kind == "space"] == ["z", "y", "x"]
    for dataset in image["datasets"]:
        array = json.loads((Path(path) / dataset["path"] / "zarr.json").read_text())
        assert array["dimension_names"] == names
        assert len(array["shape"]) == len(axes)
        scale, *translation = dataset["coordinateTransformations"]
        assert scale["type"] == "scale"
        assert len(scale["scale"]) == len(axes)
        assert all(step > 0 for step in scale["scale"])
        assert len(translation) <= 1
        for one in translation:
            assert one["type"] == "translation"
            assert len(one["translation"]) == len(axes)


@pytest.mark.parametrize("several", [1, 3])
@pytest.mark.parametrize("shape", [(30, 4, 5), (1, 4, 5), (3, 4, 5, 3)])
def test_zarr_python_reads_it_in_the_order_of_ngff(path: str, shape: tuple[int, ...], several: int) -> None:
    volumes = [placed(voxels(shape, "uint8", seed)) for seed in range(several)]
    FORMAT.write(volumes, path, options={})
    check_ngff(path)
    array = opened(path)["0"]
    expected = np.stack([np.moveaxis(v.array, 3, 0) if v.colour else v.array for v in volumes])
    np.testing.assert_array_equal(array[...], expected if several > 1 else expected[0])
    assert array.chunks[-3:] == (1, 4, 5)
    assert array.shards[-3:] == (min(25, shape[0]), 4, 5)
    assert array.metadata.dimension_names == ngff_axes(several=several > 1, colour=len(shape) == 4)


def test_a_straight_grid_has_scale_and_translation(path: str) -> None:
    FORMAT.write([placed(voxels((2, 3, 4), "int16"))], path, options={})
    (image,) = opened(path).attrs["ome"]["multiscales"]
    assert image["datasets"][0]["coordinateTransformations"] == [
        {"type": "scale", "scale": pytest.approx([2.5, 0.8, 0.7])},
        {"type": "translation", "translation": [31.0, -80.5, -120.25]},
    ]
    assert {axis["unit"] for axis in image["axes"]} == {"millimeter"}


@settings(max_examples=100, deadline=None)
@given(affine=affines())
def test_scale_and_translation_are_the_affine_s_or_there_is_no_translation(affine: npt.NDArray[np.float64]) -> None:
    """A rotated, tilted or mirrored grid is never told as a straight one."""
    ome = ngff_attributes(("z", "y", "x"), affine, spacing_of(affine), path="0", name="")
    (image,) = json.loads(json.dumps(ome))["multiscales"]
    scale, *translation = image["datasets"][0]["coordinateTransformations"]
    np.testing.assert_allclose(scale["scale"], spacing_of(affine))
    straight = np.eye(4)
    straight[:3, :3] = np.diag(scale["scale"])[::-1]
    straight[:3, 3] = affine[:3, 3]
    same = np.allclose(straight, affine, rtol=0, atol=1e-7)
    assert bool(translation) == same
    for one in translation:
        np.testing.assert_array_equal(one["translation"], affine[2::-1, 3])


def test_an_unknown_spacing_has_no_unit(path: str) -> None:
    FORMAT.write([Volume(array=voxels((2, 3, 4), "int16"), spacing=(None, 0.8, 0.7))], path, options={})
    check_ngff(path)
    (image,) = opened(path).attrs["ome"]["multiscales"]
    assert [axis.get("unit") for axis in image["axes"]] == [None, "millimeter", "millimeter"]
    assert image["datasets"][0]["coordinateTransformations"] == [{"type": "scale", "scale": [1.0, 0.8, 0.7]}]


def test_the_exact_place_is_among_our_own_attributes(path: str) -> None:
    volume = full_volume()
    FORMAT.write([volume], path, options={})
    own = opened(path).attrs["voxelry"]
    np.testing.assert_array_equal(own["affine_lps_mm"], volume.affine)
    assert own["volumes"][0]["metadata"] == volume.metadata


def test_slices_per_shard_can_be_chosen(path: str) -> None:
    FORMAT.write([placed(voxels((7, 3, 4), "int16"))], path, options={"shard": 2})
    assert opened(path)["0"].shards == (2, 3, 4)
    for wrong in (0, 1.5, "2", True):
        with pytest.raises(ParameterError, match="shard"):
            FORMAT.write([placed(voxels((7, 3, 4), "int16"))], path, options={"shard": wrong})
    with pytest.raises(ParameterError, match="lz4, zstd, none"):
        FORMAT.write([placed(voxels((7, 3, 4), "int16"))], path, options={"compression": "rar"})


def test_no_compression_is_none(path: str) -> None:
    volume = placed(np.zeros((7, 3, 4), "i2"))
    FORMAT.write([volume], path, options={"compression": "none"})
    assert opened(path)["0"].compressors == ()
    np.testing.assert_array_equal(FORMAT.read(path)[0].array, volume.array)


def test_volumes_that_differ_are_refused_before_anything_is_written(path: str) -> None:
    one = placed(voxels((2, 3, 4), "int16"))
    for other in (placed(voxels((2, 3, 4), "uint16")), placed(one.array, AXIAL_LPS * [[1], [1], [2], [1]])):
        with pytest.raises(FormatError, match="one array"):
            FORMAT.write([one, other], path, options={})
    assert not Path(path).exists()


def test_a_store_is_replaced_and_another_folder_is_not(tmp_path: Path, path: str) -> None:
    FORMAT.write([placed(voxels((9, 3, 4), "int16"))], path, options={"shard": 1})
    FORMAT.write([placed(voxels((2, 3, 4), "uint8"))], path, options={})
    assert FORMAT.read(path)[0].array.shape == (2, 3, 4)
    assert sum(entry.is_file() for entry in Path(path).rglob("*")) == 3
    (tmp_path / "theses").mkdir()
    (tmp_path / "theses" / "mine.tex").write_text("years of work")
    with pytest.raises(FormatError, match="something else than Zarr"):
        FORMAT.write([placed(voxels((2, 3, 4), "uint8"))], str(tmp_path / "theses"), options={})
    assert (tmp_path / "theses" / "mine.tex").read_text() == "years of work"


# --- stores by others -------------------------------------------------------------------------------------------------


def ome_by_others(
    path: str,
    array: npt.NDArray[Any],
    axes: list[dict[str, str]],
    *,
    transformations: object = None,
    zarr_format: Any = 3,
    **more: object,
) -> str:
    dataset = {"path": "s0", "coordinateTransformations": transformations}
    multiscales = [{"axes": axes, "datasets": [dataset, {"path": "s1"}], **more}]
    attributes: Any = {"ome": {"version": "0.5", "multiscales": multiscales}}
    if zarr_format == 2:
        attributes = {"multiscales": [{"version": "0.4", **multiscales[0]}]}
    group = zarr.open_group(path, mode="w", zarr_format=zarr_format, attributes=attributes)
    group.create_array("s0", data=array)
    return path


def space(unit: str | None = "micrometer") -> list[dict[str, str]]:
    return [{"name": name, "type": "space", **({"unit": unit} if unit else {})} for name in "zyx"]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_a_stranger_s_image_has_its_spacing_and_no_place(path: str, zarr_format: int) -> None:
    array = voxels((4, 5, 6), "uint16")
    scale = [{"type": "scale", "scale": [2000.0, 500, 250]}, {"type": "translation", "translation": [1, 2, 3]}]
    ome_by_others(path, array, space(), transformations=scale, zarr_format=zarr_format)
    (found,) = FORMAT.read(path)
    np.testing.assert_array_equal(found.array, array)
    assert found.spacing == pytest.approx((2.0, 0.5, 0.25))
    assert found.affine is None
    assert any("how the image lies in the patient" in words for words in found.warnings)


def test_scales_of_the_whole_image_count_too(path: str) -> None:
    ome_by_others(
        path,
        voxels((4, 5, 6), "uint16"),
        space("millimeter"),
        transformations=[{"type": "scale", "scale": [2, 2, 2]}],
        coordinateTransformations=[{"type": "scale", "scale": [1, 0.5, 0.25]}],
    )
    assert FORMAT.read(path)[0].spacing == (2.0, 1.0, 0.5)


@pytest.mark.parametrize(
    ("unit", "transformations"),
    [(None, [{"type": "scale", "scale": [1, 1, 1]}]), ("parsec", [{"type": "scale", "scale": [1, 1, 1]}]),
     ("millimeter", None), ("millimeter", 7), ("millimeter", [{"type": "scale", "scale": [1, 1]}]),
     ("millimeter", [{"type": "scale", "scale": [0, -1, "x"]}]), ("millimeter", [{"type": "rotation"}])],
)  # fmt: skip
def test_a_spacing_that_is_not_told_is_unknown(path: str, unit: str | None, transformations: object) -> None:
    (found,) = FORMAT.read(ome_by_others(path, voxels((4, 5, 6), "u1"), space(unit), transformations=transformations))
    assert found.spacing == (None, None, None)
    assert any("do not tell the spacing along z, y, x" in words for words in found.warnings)


def test_times_and_channels_are_volumes(path: str) -> None:
    array = voxels((2, 3, 4, 5, 6), "uint8")
    axes = [{"name": "t", "type": "time"}, {"name": "c", "type": "channel"}, *space()]
    ome_by_others(path, array, axes, transformations=[{"type": "scale", "scale": [1, 1, 1, 1, 1]}])
    found = FORMAT.read(path)
    assert [one.label for one in found[2:4]] == ["time 1, channel 3", "time 2, channel 1"]
    for one, wanted in zip(found, array.reshape(6, 4, 5, 6), strict=True):
        np.testing.assert_array_equal(one.array, wanted)


@pytest.mark.parametrize(("version", "axes"), [("0.3", ["z", "y", "x"]), ("0.1", None), ("0.2", None)])
def test_images_of_early_versions_have_values_and_no_spacing(path: str, version: str, axes: Any) -> None:
    array = voxels((4, 5, 6) if axes else (1, 1, 4, 5, 6), "uint16")
    multiscale: Any = {"version": version, "datasets": [{"path": "0"}], **({"axes": axes} if axes else {})}
    attributes: Any = {"multiscales": [multiscale]}
    group = zarr.open_group(path, mode="w", zarr_format=2, attributes=attributes)
    group.create_array("0", data=array)
    (found,) = FORMAT.read(path)
    np.testing.assert_array_equal(found.array, array.reshape(4, 5, 6))
    assert found.spacing == (None, None, None)
    assert "do not tell the spacing" in found.warnings[0]


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_the_first_image_of_a_collection_is_taken(path: str, zarr_format: Any) -> None:
    array = voxels((4, 5, 6), "uint16")
    layout: dict[str, Any] = {"bioformats2raw.layout": 3}
    attributes: Any = layout if zarr_format == 2 else {"ome": {"version": "0.5", **layout}}
    zarr.open_group(path, mode="w", zarr_format=zarr_format, attributes=attributes)
    with pytest.raises(FormatError, match="has no first"):
        FORMAT.read(path)
    scale = [{"type": "scale", "scale": [2000.0, 500, 250]}]
    ome_by_others(f"{path}/0", array, space(), transformations=scale, zarr_format=zarr_format)
    (found,) = FORMAT.read(path)
    np.testing.assert_array_equal(found.array, array)
    assert found.spacing == pytest.approx((2.0, 0.5, 0.25))
    assert "collection" in found.warnings[0]


def test_a_flat_image_is_one_slice(path: str) -> None:
    ome_by_others(path, voxels((5, 6), "u1"), space()[1:], transformations=[{"type": "scale", "scale": [1000, 2000]}])
    (found,) = FORMAT.read(path)
    assert found.array.shape == (1, 5, 6)
    assert found.spacing == (None, 1.0, 2.0)


@pytest.mark.parametrize(
    "axes",
    [
        [],
        7,
        [7, 7, 7],
        space()[::-1],
        [*space()[:2], {"name": "y", "type": "space"}],
        [{"name": "phase"}, *space()[1:]],
        space()[1:],
    ],
)
def test_axes_that_are_none_are_refused(path: str, axes: Any) -> None:
    with pytest.raises(FormatError, match="axes"):
        FORMAT.read(ome_by_others(path, voxels((4, 5, 6), "u1"), axes))


def test_without_ome_metadata_the_largest_array_is_taken(tmp_path: Path, path: str) -> None:
    array = voxels((4, 5, 6), "int32")
    group = zarr.open_group(path, mode="w")
    group.create_array("a", data=array)
    group.create_array("b", data=voxels((2, 2, 2), "int16"))
    group.create_array("c", data=np.arange(1000))
    (found,) = FORMAT.read(path)
    np.testing.assert_array_equal(found.array, array)
    assert "no OME-Zarr metadata" in found.warnings[0]
    assert "the largest of 2 arrays" in found.warnings[1]
    zarr.create_array(str(tmp_path / "bare.zarr"), data=array)
    np.testing.assert_array_equal(FORMAT.read(str(tmp_path / "bare.zarr"))[0].array, array)


@pytest.mark.parametrize(
    "own",
    [
        {},
        {"volumes": 7},
        {"volumes": [7]},
        {"volumes": [{}, {}]},
        {"affine_lps_mm": [[1]], "volumes": [{}]},
        {"affine_lps_mm": "x", "spacing_mm": "x", "volumes": [{"padding": 7, "instance_uids": 7, "windows": [7]}]},
        {"layout": 99, "spacing_mm": [1, "x", -1], "volumes": [{"padding": [["x", 1]] * 2, "label": 7}]},
    ],
)
def test_damaged_attributes_cost_no_voxel(path: str, own: Any) -> None:
    volume = placed(voxels((2, 3, 4), "int16"))
    FORMAT.write([volume], path, options={})
    zarr.open_group(path, mode="r+").attrs["voxelry"] = own
    (found,) = FORMAT.read(path)
    np.testing.assert_array_equal(found.array, volume.array)
    assert found.padding is None
    assert found.affine is None
    assert found.warnings


# --- stores by enemies ------------------------------------------------------------------------------------------------


def changed(path: str, name: str, **values: object) -> None:
    file = Path(path) / name
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


@pytest.mark.parametrize("named", ["../secret.zarr/0", "/0", "", ".", "0/../0", "nothing", "..\\0"])
def test_an_array_outside_its_group_is_refused(tmp_path: Path, path: str, named: str) -> None:
    FORMAT.write([placed(voxels((2, 3, 4), "int16"))], str(tmp_path / "secret.zarr"), options={})
    FORMAT.write([placed(voxels((2, 3, 4), "int16"))], path, options={})
    group = zarr.open_group(path, mode="r+")
    ome: Any = group.attrs["ome"]
    ome["multiscales"][0]["datasets"][0]["path"] = named
    group.attrs["ome"] = ome
    with pytest.raises(FormatError):
        FORMAT.read(path)


@pytest.mark.parametrize("target", ["0/c/0/0/0", "0"])
def test_a_link_out_of_the_store_is_refused(tmp_path: Path, path: str, target: str) -> None:
    FORMAT.write([placed(voxels((2, 3, 4), "int16"))], path, options={})
    there, elsewhere = Path(path) / target, tmp_path / "elsewhere"
    shutil.move(there, elsewhere)
    there.symlink_to(elsewhere)
    with pytest.raises(FormatError, match="symbolic link that leads out of it"):
        FORMAT.read(path)


def test_what_is_declared_and_not_there_is_not_allocated(path: str) -> None:
    FORMAT.write([placed(voxels((2, 3, 4), "int16"))], path, options={})
    for shape in ([100_000, 10_000, 1000], [10**9, 3, 4], [2**62, 2**62, 2**62]):
        changed(path, "0/zarr.json", shape=shape)
        TestZarr().check_damaged(path)
        with pytest.raises(FormatError):
            FORMAT.read(path)


@pytest.mark.parametrize("extent", [2**14, 2**31, 2**62, 0, -1])
def test_chunks_larger_than_the_array_are_refused(path: str, extent: int) -> None:
    zarr.create_array(path, data=voxels((2, 3, 4), "int16"), chunks=(2, 3, 4), compressors=None)
    changed(
        path, "zarr.json", chunk_grid={"name": "regular", "configuration": {"chunk_shape": [extent, extent, extent]}}
    )
    TestZarr().check_damaged(path)
    with pytest.raises(FormatError):
        FORMAT.read(path)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
@example(seed=603)  # a Blosc chunk that claims to unfold to 1.6 GB
def test_a_damaged_store_is_read_or_refused_and_costs_little(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Some bytes of its metadata, or of its chunks, changed."""
    random = np.random.default_rng(seed)
    path = tmp_path_factory.mktemp("damaged") / "a.zarr"
    FORMAT.write([placed(voxels((2, 8, 9), "int16"))], str(path), options={})
    file = sorted(entry for entry in path.rglob("*") if entry.is_file())[random.integers(3)]
    content = bytearray(file.read_bytes())
    for place in random.integers(0, len(content), random.integers(1, 4)):
        content[place] = random.integers(0, 256)
    file.write_bytes(content)
    TestZarr().check_damaged(str(path))


def test_a_zip_that_compresses_once_more_is_refused(tmp_path: Path, path: str) -> None:
    FORMAT.write([placed(voxels((2, 3, 4), "int16"))], path, options={})
    bomb = tmp_path / "bomb.zarr.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in Path(path).rglob("*"):
            archive.write(file, file.relative_to(path))
    with pytest.raises(FormatError, match="compresses its chunks twice"):
        FORMAT.read(str(bomb))


def test_a_store_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="there is no such store"):
        FORMAT.read(str(tmp_path / "nothing.zarr"))
    with pytest.raises(FormatError, match="no Zarr store"):
        FORMAT.read(str(tmp_path))
    zarr.open_group(str(tmp_path / "empty.zarr"), mode="w")
    with pytest.raises(FormatError, match="no array of three axes"):
        FORMAT.read(str(tmp_path / "empty.zarr"))
