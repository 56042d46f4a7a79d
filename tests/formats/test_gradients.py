"""Gradients beside a NIfTI file: FSL's convention for both signs of the determinant, in every orientation, sheared too.

The judge is a phantom whose tensor is known at each place in the patient: it is fitted from the written files by FSL's
convention alone.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import voxelry
from voxelry.core.geometry import Geometry
from voxelry.core.value import Value
from voxelry.formats.nifti.gradients import file_axes, gradients_of
from voxelry.testing import AXIAL, CORONAL, OBLIQUE, SAGITTAL
from voxelry.testing.diffusion_phantom import SyntheticDiffusion, phantom_tensor, synthetic_diffusion_series
from voxelry.testing.volumes import placed, voxels

Floats = npt.NDArray[np.float64]
CODES = [
    "".join(letters)
    for axes in itertools.permutations(("RL", "AP", "SI"))
    for letters in itertools.product(*axes)
]  # fmt: skip
_TO_RAS = np.diag([-1.0, -1.0, 1.0])


def read_table(path: Path) -> Floats:
    return np.array([[float(word) for word in line.split()] for line in path.read_text().splitlines()])


def affine_of(path: Path) -> Floats:
    """From (x, y, z) index to RAS: the sform, as bytes."""
    rows = np.frombuffer(path.read_bytes()[280:328], "<f4").astype(np.float64).reshape(3, 4)
    return np.vstack([rows, [0, 0, 0, 1]])


def world_directions(path: Path) -> Floats:
    """The directions beside a file, in RAS, as FSL understands them: shape (volumes, 3)."""
    axes = affine_of(path)[:3, :3]
    axes = axes / np.linalg.norm(axes, axis=0)
    found = read_table(path.with_suffix(".bvec")).T.copy()
    if np.linalg.det(axes) > 0:
        found[:, 0] *= -1
    return np.asarray(found @ axes.T)


def fitted_tensors(path: Path) -> tuple[Floats, Floats]:
    """The tensor of each voxel (RAS, mm2/s), fitted to logarithms of a file's values, and the voxels' places (LPS)."""
    affine = affine_of(path)
    directions, b_values = world_directions(path), read_table(path.with_suffix(".bval"))[0]
    header = path.read_bytes()[:352]
    sizes = np.frombuffer(header[42:50], "<i2").tolist()
    stored = np.frombuffer(path.read_bytes()[352:], "<u2").reshape(sizes[3], sizes[2], sizes[1], sizes[0])
    x, y, z = directions.T
    design = np.stack([x * x, 2 * x * y, 2 * x * z, y * y, 2 * y * z, z * z], axis=1) * -b_values[:, None]
    known = np.linalg.lstsq(
        np.column_stack([design, np.ones(len(b_values))]), np.log(stored.reshape(len(b_values), -1)), rcond=None
    )[0]
    xx, xy, xz, yy, yz, zz, _ = known
    tensors = np.stack([xx, xy, xz, xy, yy, yz, xz, yz, zz], axis=1).reshape(-1, 3, 3)
    index = np.indices((sizes[2], sizes[1], sizes[0])).reshape(3, -1)[::-1]
    return tensors, np.asarray((affine[:3, :3] @ index).T + affine[:3, 3]) @ _TO_RAS


def check_tensors(path: Path) -> None:
    tensors, places = fitted_tensors(path)
    truth = _TO_RAS @ phantom_tensor(places) @ _TO_RAS
    assert np.abs(tensors - truth).max() < 2e-5


def converted(series: SyntheticDiffusion, target: Path, **options: voxelry.core.value.Value) -> Path:
    report = voxelry.convert(series.paths[0].parent, target, options=options)
    assert report.complete
    return target


@pytest.mark.parametrize(
    "orientation", [AXIAL, SAGITTAL, CORONAL, OBLIQUE], ids=["axial", "sagittal", "coronal", "oblique"]
)
def test_the_tensor_comes_back_in_every_plane(tmp_path: Path, orientation: tuple[float, ...]) -> None:
    series = synthetic_diffusion_series(tmp_path / "in", orientation=orientation)
    path = converted(series, tmp_path / "a.nii")
    check_tensors(path)
    assert np.abs(world_directions(path) - series.directions @ _TO_RAS).max() < 1e-6


@pytest.mark.parametrize("sheared", [False, True], ids=["straight", "sheared"])
def test_the_tensor_comes_back_after_each_of_48_turns(tmp_path: Path, sheared: bool) -> None:
    shear = (0.0, 0.9, 0.2) if sheared else (0.0, 0.0, 0.0)
    series = synthetic_diffusion_series(tmp_path / "in", orientation=OBLIQUE, shape=(3, 5, 4), shear=shear)
    volumes = voxelry.load(tmp_path / "in").volumes
    signs = set()
    for code in CODES:
        path = tmp_path / f"{code}.nii"
        voxelry.save(volumes, path, options={"reorient": code})
        signs.add(float(np.sign(np.linalg.det(affine_of(path)))))
        if not sheared:
            check_tensors(path)
        # Of sheared slices FSL's axes are rows, columns and their normal.
        axes = file_axes(volumes[0].geometry, reorient=code)
        found = read_table(path.with_suffix(".bvec")).T.copy()
        found[:, 0] *= -np.sign(np.linalg.det(axes))
        assert np.abs(found @ axes.T - series.directions).max() < 1e-6
        assert np.abs(axes.T @ axes - np.eye(3)).max() < 1e-12
        along = affine_of(path)[:3, :3] / np.linalg.norm(affine_of(path)[:3, :3], axis=0)
        assert ((_TO_RAS @ axes) * along).sum(axis=0).min() > 0.8  # each axis is the file's own, but for the shear
    assert signs == {-1.0, 1.0}


@pytest.mark.parametrize("code", ["RAS", "LPS", "SAL"])
def test_sheared_slices_have_the_axes_of_their_pixels(code: str) -> None:
    """Rows and columns as they are, whichever axis of the file they become."""
    affine = np.array(
        [[0.5, 0, 2, 7], [0, 1.5, 0, 8], [3, 0, 0, 9], [0, 0, 0, 1.0]]
    )  # a step sheared along the columns
    geometry = Geometry(shape=(4, 5, 6), affine=affine)
    axes = file_axes(geometry, reorient=code)
    assert sorted(np.abs(axes).round(12).T.tolist()) == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]


@pytest.mark.parametrize("code", ["", "LPI"])
def test_a_straightened_stack_keeps_its_directions(tmp_path: Path, code: str) -> None:
    series = synthetic_diffusion_series(tmp_path / "in", shear=(0.0, 0.9, 0.0))
    report = voxelry.convert(tmp_path / "in", tmp_path / "a.nii", straighten=True, options={"reorient": code})
    assert report.complete
    assert np.abs(world_directions(tmp_path / "a.nii") - series.directions @ _TO_RAS).max() < 1e-6


def test_mrtrix_has_scanner_coordinates(tmp_path: Path) -> None:
    series = synthetic_diffusion_series(tmp_path / "in", orientation=OBLIQUE)
    path = converted(series, tmp_path / "a.nii", gradients="mrtrix", reorient="PSL")
    table = read_table(path.with_suffix(".b"))
    assert np.abs(table[:, :3] - series.directions @ _TO_RAS).max() < 1e-9
    assert table[:, 3].tolist() == list(series.b_values)
    assert {one.name for one in tmp_path.glob("a.*")} == {"a.b", "a.json", "a.nii"}


def test_nothing_is_written_where_it_is_not_asked_for_or_nothing_is_weighted(tmp_path: Path) -> None:
    series = synthetic_diffusion_series(tmp_path / "in")
    converted(series, tmp_path / "a.nii", gradients="none", sidecar=False)
    synthetic_diffusion_series(tmp_path / "zero", b_values=(0.0,), directions=((0.0, 0.0, 0.0),))
    voxelry.convert(tmp_path / "zero", tmp_path / "b.nii", options={"sidecar": False})
    assert {one.name for one in tmp_path.glob("?.*")} == {"a.nii", "b.nii"}
    with pytest.raises(voxelry.ParameterError, match="fsl, mrtrix, none"):
        converted(series, tmp_path / "c.nii", gradients="bvecs")


@pytest.mark.parametrize("suffix", [".h5", ".zarr", ".npz", ".nrrd"])
def test_gradients_survive_other_formats(tmp_path: Path, suffix: str) -> None:
    series = synthetic_diffusion_series(tmp_path / "in", orientation=OBLIQUE, maker="ge")
    direct = converted(series, tmp_path / "direct.nii")
    other = converted(series, tmp_path / f"other{suffix}")
    assert voxelry.convert(other, tmp_path / "again.nii").complete
    for ending in (".bval", ".bvec"):
        assert (tmp_path / f"again{ending}").read_text() == direct.with_suffix(ending).read_text()


def test_numbers_are_as_written_and_three_lines_hold_them() -> None:
    metadata: list[dict[str, voxelry.core.value.Value]] = [
        {"DiffusionBValue": 0.0},
        {"DiffusionBValue": 1000.0, "DiffusionGradientOrientation": [0.0, -2.0, 0.0]},
        {"DiffusionBValue": 1.25126, "DiffusionGradientOrientation": [0.0, 0.0, 1.0]},
        {"DiffusionBValue": 500.0, "DiffusionGradientOrientation": [1.0, 0, 0], "DiffusionDirectionality": "ISOTROPIC"},
        {},
    ]
    volumes = [placed(voxels((2, 3, 4), "int16"), metadata=one) for one in metadata]
    found = gradients_of(volumes)
    assert found is not None
    assert found.bval() == "0 1000 1.25126 500 0\n"
    text = found.bvec(volumes[0].geometry)
    assert text.count("\n") == 3
    assert text.endswith("\n")
    assert "-0 " not in text
    assert [len(line.split(" ")) for line in text.splitlines()] == [5, 5, 5]


@pytest.mark.parametrize(
    "metadata",
    [
        {}, {"DiffusionBValue": 0.0}, {"DiffusionBValue": "1000"}, {"DiffusionBValue": True},
        {"DiffusionBValue": float("nan")}, {"DiffusionBValue": -5.0}, {"DiffusionBValue": [1000.0]},
        {"DiffusionBValue": 1000.0, "ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]},
    ],
)  # fmt: skip
def test_what_is_not_weighted_has_no_gradients(metadata: dict[str, voxelry.core.value.Value]) -> None:
    assert gradients_of([placed(voxels((2, 3, 4), "int16"), metadata=metadata)]) is None


@pytest.mark.parametrize("vector", [None, "1 0 0", [1.0, 0.0], [1.0, "0", 0.0], [float("inf"), 0.0, 0.0], [0, 0, 0]])
def test_a_direction_that_is_none_is_zero(vector: voxelry.core.value.Value) -> None:
    metadata = {"DiffusionBValue": 700.0, "DiffusionGradientOrientation": vector}
    found = gradients_of([placed(voxels((2, 3, 4), "int16"), metadata=metadata)])
    assert found is not None
    assert found.directions.tolist() == [[0.0, 0.0, 0.0]]


def test_a_file_without_a_place_has_no_directions_in_its_axes(tmp_path: Path) -> None:
    """Axes of the voxels are unknown in the patient; MRtrix' table does not need them."""
    metadata: dict[str, voxelry.core.value.Value] = {
        "DiffusionBValue": 700.0, "DiffusionGradientOrientation": [1.0, 0.0, 0.0],
    }  # fmt: skip
    volume = voxelry.Volume(array=voxels((2, 3, 4), "int16"), spacing=(1.0, 1.0, 1.0), metadata=metadata)
    voxelry.save(volume, tmp_path / "a.nii")
    voxelry.save(volume, tmp_path / "b.nii", options={"gradients": "mrtrix"})
    assert sorted(one.suffix for one in tmp_path.iterdir()) == [".b", ".json", ".json", ".nii", ".nii"]


def test_what_belonged_to_an_earlier_file_does_not_stay_beside_another(tmp_path: Path) -> None:
    """A table of gradients in other axes would be read as this file's."""
    synthetic_diffusion_series(tmp_path / "in")
    target = tmp_path / "out" / "dwi.nii"
    (made,) = voxelry.convert(tmp_path / "in", target).written
    assert {path.name for path in made.made} == {"dwi.nii", "dwi.json", "dwi.bval", "dwi.bvec"}
    (target.parent / "dwi.txt").write_text("somebody's notes", encoding="utf-8")
    with (target.parent / "dwi.bval").open("a", encoding="ascii") as file:
        file.write("\n")  # changed by somebody: not ours any more
    turned: dict[str, Value] = {"reorient": "LPS", "gradients": "none", "sidecar": False}
    voxelry.convert(tmp_path / "in", target, options=turned, overwrite=True)
    left = {path.name for path in target.parent.iterdir() if not path.name.startswith(".")}
    assert left == {"dwi.nii", "dwi.txt", "dwi.bval"}
