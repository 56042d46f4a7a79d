"""Registration: known motions are found again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK

from voxelry.core.errors import MeasureError
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.steps.register import STEP
from voxelry.testing.steps import PLACES, StepTests, body
from voxelry.testing.volumes import placed, spacing_of

SHAPE = (24, 40, 44)
AFFINE = np.array([[0.0, 0.0, 2.0, -44.0], [0.0, 2.0, 0.0, -40.0], [3.0, 0.0, 0.0, -36.0], [0.0, 0.0, 0.0, 1.0]])


def scene(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A head without symmetry: smooth blobs at places in mm; shape ``(..., 3)`` to ``(...)``."""
    blobs = [((0, 0, 0), 26, 100.0), ((14, 5, 6), 8, 150.0), ((-10, -12, -9), 6, -80.0), ((4, 15, -14), 7, 120.0)]
    found = np.zeros(points.shape[:-1])
    for centre, width, height in blobs:
        found += height * np.exp(-0.5 * ((points - np.array(centre)) ** 2).sum(axis=-1) / width**2)
    return found


def volume_of(motion: npt.NDArray[np.float64], affine: npt.NDArray[np.float64] = AFFINE, **more: Any) -> Volume:
    """The scene after a motion: the point p of the scene lies at ``motion @ p``."""
    index = np.stack(np.meshgrid(*(np.arange(size) for size in SHAPE), indexing="ij"), axis=-1)
    points = index @ affine[:3, :3].T + affine[:3, 3]
    back = np.linalg.inv(motion)
    values = scene(points @ back[:3, :3].T + back[:3, 3]) + np.random.default_rng(0).normal(0, 0.5, SHAPE)
    return Volume(array=values.astype(np.int16), affine=affine, spacing=spacing_of(affine), **more)


def motion(degrees: float, shift: tuple[float, float, float], stretch: float = 1.0) -> npt.NDArray[np.float64]:
    angle = np.radians(degrees)
    found = np.eye(4)
    found[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    found[:3, :3] *= stretch
    found[:3, 3] = shift
    return found


class TestRegister(StepTests):
    step = STEP
    examples = ({"iterations": 5}, {"kind": "affine", "iterations": 3, "metric": "correlation", "start": "mass"})
    needs = "affine"


def matrix_of(result: Any) -> npt.NDArray[np.float64]:
    return np.array(json.loads(result.files["transform.json"])["matrix"])


@pytest.mark.parametrize("metric", ["mutual_information", "correlation", "mean_squares"])
@pytest.mark.parametrize("start", ["auto", "centre"])
def test_a_known_motion_is_found(metric: str, start: str) -> None:
    true = motion(6.0, (5.0, -3.0, 4.0))
    fixed, moving = volume_of(np.eye(4)), volume_of(true)
    result = STEP.run((fixed, moving), {"metric": metric, "start": start})
    found = matrix_of(result)
    points = np.array([[x, y, z, 1.0] for x in (-20, 20) for y in (-20, 20) for z in (-20, 20)])
    assert np.linalg.norm((points @ (found - true).T)[:, :3], axis=1).max() < 1.0
    (row,) = result.rows
    assert row["turn_degrees"] == pytest.approx(6.0, abs=1.0)
    assert row["smallest_stretch"] == pytest.approx(1.0, abs=1e-6)
    (moved,) = result.volumes
    inner = (slice(5, -5), slice(8, -8), slice(8, -8))
    assert np.abs(moved.array[inner].astype(float) - fixed.array[inner]).mean() < 3
    assert np.abs(moving.array[inner].astype(float) - fixed.array[inner]).mean() > 5


@pytest.mark.parametrize("sampling", [0.2, 1.0])
def test_the_same_seed_gives_the_same_to_the_last_digit(sampling: float) -> None:
    given = tuple(placed(body(seed=number)) for number in range(2))
    found = {STEP.run(given, {"iterations": 5, "sampling": sampling}).files["transform.json"] for _ in range(8)}
    assert len(found) == 1


def test_affine_finds_a_stretch() -> None:
    true = motion(3.0, (2.0, 2.0, -2.0), 1.06)
    result = STEP.run((volume_of(np.eye(4)), volume_of(true)), {"kind": "affine", "metric": "correlation"})
    assert result.rows[0]["largest_stretch"] == pytest.approx(1.06, abs=0.03)
    assert np.linalg.norm((matrix_of(result) - true)[:3, 3]) < 1.5


def test_grids_may_differ_and_the_result_lies_on_the_fixed_one() -> None:
    other = AFFINE @ np.diag([0.8, 1.2, 1.1, 1.0])
    true = motion(-4.0, (3.0, 4.0, -2.0))
    fixed = volume_of(np.eye(4), metadata={"FrameOfReferenceUID": "2.25.1"})
    weighted: dict[str, Value] = {"DiffusionBValue": 1000.0, "DiffusionGradientOrientation": [1.0, 0.0, 0.0]}
    own: dict[str, Value] = {"FrameOfReferenceUID": "2.25.2", "Modality": "MR", **weighted}
    moving = volume_of(true, other, metadata=own, unit="a")
    result = STEP.run((fixed, moving), {"start": "place", "metric": "correlation"})
    assert np.linalg.norm((matrix_of(result) - true)[:3, 3]) < 1.0
    (moved,) = result.volumes
    assert moved.array.shape == fixed.array.shape
    np.testing.assert_array_equal(moved.affine, AFFINE)
    assert (moved.array.dtype, moved.unit) == (moving.array.dtype, "a")
    assert moved.metadata["FrameOfReferenceUID"] == "2.25.1"
    assert moved.metadata["Modality"] == "MR"
    assert not weighted.keys() & moved.metadata.keys()  # the patient was turned, and the directions were not


def test_both_files_are_one_transform(tmp_path: Path) -> None:
    result = STEP.run((volume_of(np.eye(4)), volume_of(motion(4.0, (3.0, 0.0, 1.0)))), {"iterations": 20})
    path = tmp_path / "transform.tfm"
    path.write_bytes(result.files["transform.tfm"])
    transform, matrix = SimpleITK.ReadTransform(str(path)), matrix_of(result)
    for point in ((0.0, 0.0, 0.0), (10.0, -20.0, 30.0)):
        assert transform.TransformPoint(point) == pytest.approx((matrix @ [*point, 1.0])[:3].tolist(), abs=1e-6)


def test_padding_is_not_compared() -> None:
    fixed, moving = volume_of(np.eye(4)), volume_of(motion(0.0, (4.0, 0.0, 0.0)))
    array = np.array(moving.array)
    array[:, :6] = -3000
    padded = replace(moving, array=array, padding=np.full((len(array), 2), -3000.0))
    result = STEP.run((fixed, padded), {"metric": "correlation", "sampling": 0.05})
    assert result.rows[0]["shift_left_mm"] == pytest.approx(4.0, abs=0.7)
    assert result.volumes[0].array.min() > -3000


def test_what_cannot_be_registered_is_refused() -> None:
    good = volume_of(np.eye(4))
    with pytest.raises(MeasureError, match="constant"):
        STEP.run((good, replace(good, array=np.zeros(SHAPE, np.int16))), {})
    with pytest.raises(MeasureError, match="too thin"):
        STEP.run((good, placed(np.zeros((2, 20, 20), np.int16), PLACES["axial"])), {})
