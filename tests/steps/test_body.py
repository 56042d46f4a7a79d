"""Body, table, lungs and bones: on a phantom on a table, whose truth is known, and on real CT."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import voxelry
from voxelry.core.errors import MeasureError, UnplacedError
from voxelry.core.registry import AnyStep
from voxelry.core.volume import Volume
from voxelry.steps import body_mask, bones, lungs, remove_table
from voxelry.testing.steps import StepTests
from voxelry.testing.volumes import placed

AFFINE = np.array([[0.0, 0.0, 3.0, -144.0], [0.0, 3.0, 0.0, -120.0], [5.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
SLICES, ROWS, COLUMNS = 10, 96, 97


def _phantom() -> tuple[npt.NDArray[np.int16], dict[str, npt.NDArray[np.bool_]]]:
    """A chest on a carbon table with a foam core, in HU with noise; and which voxels are what."""
    y, x = np.meshgrid(3.0 * np.arange(ROWS) - 120, 3.0 * np.arange(COLUMNS) - 144, indexing="ij")

    def oval(left: float, back: float, wide: float, high: float) -> npt.NDArray[np.bool_]:
        return np.asarray(((x - left) / wide) ** 2 + ((y - back) / high) ** 2 <= 1)

    plain = np.full((ROWS, COLUMNS), -1000.0)
    table = (np.abs(y - 118) < 20) & (np.abs(x) < 130)
    shell = table & ((np.abs(y - 118) > 16.5) | (np.abs(x) > 126.5))
    plain[table], plain[shell] = -870.0, -50.0
    body = oval(0, 0, 120, 98)
    right, left = oval(-55, -10, 40, 60), oval(55, -10, 38, 60)
    vertebra = oval(0, 60, 18, 16)
    plain[body] = 30.0
    plain[right | left] = -820.0
    plain[oval(-55, -10, 3.1, 3.1)] = 40.0  # a vessel
    plain[vertebra] = 260.0
    plain[vertebra & ~oval(0, 60, 14, 12)] = 700.0
    plain[oval(0, 60, 5, 5)] = 40.0
    volume = np.repeat(plain[None], SLICES, axis=0) + np.random.default_rng(0).normal(0, 12, (SLICES, ROWS, COLUMNS))
    return volume.astype(np.int16), {"body": body, "right": right, "left": left, "bone": vertebra, "table": table}


VALUES, TRUTH = _phantom()


def phantom(affine: npt.NDArray[np.float64] = AFFINE, **more: Any) -> Volume:
    return placed(VALUES, affine, unit="HU", **more)


class _OnPhantom(StepTests):
    needs = "spacing"

    def volumes(self) -> tuple[Volume, ...]:
        return (placed(VALUES[:4, ::2, ::2], AFFINE, unit="HU"),)


class TestBodyMask(_OnPhantom):
    step = body_mask.STEP
    examples = ({}, {"level": -500.0, "table": 6.0, "keep": 0.5})


class TestRemoveTable(_OnPhantom):
    step = remove_table.STEP
    examples = ({}, {"outside": -1024.0, "margin": 0.0})


class TestLungs(_OnPhantom):
    step = lungs.STEP
    examples = ({}, {"air": -500.0, "smallest": 0.0, "vessels": 0.0})


class TestBones(_OnPhantom):
    step = bones.STEP
    examples = ({}, {"spongy": 200.0, "dense": 500.0, "smallest": 0.0, "marrow": 0.0})


def dice(one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    return 2 * float((one & other).sum()) / float(one.sum() + other.sum())


def labels_of(step: AnyStep, volume: Volume, **params: object) -> npt.NDArray[Any]:
    found = step.run(volume, params).segmentation
    assert found is not None
    return found.labels


def test_the_body_is_the_body_and_not_the_table() -> None:
    for plane in labels_of(body_mask.STEP, phantom()):
        assert dice(plane == 1, TRUTH["body"]) > 0.98
        assert not (plane.astype(bool) & TRUTH["table"] & ~TRUTH["body"])[75:].any()


def test_the_table_goes_and_the_body_stays_to_the_last_value() -> None:
    result = remove_table.STEP.run(phantom(), {})
    (volume,) = result.volumes
    assert result.segmentation is not None
    for plane, before in zip(volume.array, VALUES, strict=True):
        np.testing.assert_array_equal(plane[TRUTH["body"]], before[TRUTH["body"]])
        assert (plane[80:] == -1000).all()
        assert (plane[:, :4] == -1000).all()
    assert volume.array.dtype == np.int16
    assert "outside the body" in volume.warnings[-1]


def test_what_is_outside_becomes_padding_where_there_is_some() -> None:
    values = VALUES.copy()
    values[:, :2] = -2000
    volume = placed(values, AFFINE, unit="HU", padding=np.full((SLICES, 2), -2000.0))
    (found,) = remove_table.STEP.run(volume, {}).volumes
    assert (found.array[:, 85:] == -2000).all()
    assert (found.array[:, :2] == -2000).all()


def test_lungs_are_left_and_right_wherever_the_grid_points() -> None:
    for flip in (1.0, -1.0):
        affine = AFFINE * [1.0, 1.0, flip, 1.0]
        labels = labels_of(lungs.STEP, phantom(affine))
        right, left = ("right", "left") if flip > 0 else ("left", "right")
        assert dice(labels[4] == 1, TRUTH[right]) > 0.97
        assert dice(labels[4] == 2, TRUTH[left]) > 0.97
    # the vessel belongs to its lung
    assert labels_of(lungs.STEP, phantom())[4, 37, 30] == 1


def test_lungs_that_touch_are_parted() -> None:
    values = VALUES.copy()
    values[3:6, 34:37, 38:60] = -820
    labels = labels_of(lungs.STEP, placed(values, AFFINE, unit="HU"))
    assert dice(labels[1] == 1, TRUTH["right"]) > 0.95
    assert dice(labels[1] == 2, TRUTH["left"]) > 0.95


def test_bones_with_marrow_and_without_the_table() -> None:
    labels = labels_of(bones.STEP, phantom())
    assert dice(labels[4] == 1, TRUTH["bone"]) > 0.95
    told = bones.STEP.run(phantom(metadata={"ContrastBolusAgent": "yes"}), {}).warnings
    assert "contrast agent" in " ".join(told)


def test_without_hounsfield_units_there_are_no_tissues() -> None:
    for step in (lungs.STEP, bones.STEP):
        with pytest.raises(MeasureError, match="Hounsfield"):
            step.run(placed(VALUES, AFFINE), {})
    with pytest.raises(UnplacedError):
        body_mask.STEP.run(Volume(array=VALUES, spacing=(None, 3.0, 3.0)), {})


def test_a_volume_of_other_units_gets_its_own_level() -> None:
    found = labels_of(body_mask.STEP, placed((VALUES.astype(np.int32) + 1200).astype(np.uint16), AFFINE))
    assert dice(found[4] == 1, TRUTH["body"]) > 0.95


def test_nothing_in_it_is_said() -> None:
    for step in (body_mask.STEP, lungs.STEP, bones.STEP):
        result = step.run(placed(np.full((3, 20, 20), -1000, np.int16), AFFINE, unit="HU"), {})
        assert "no body was found" in " ".join(result.warnings)
        assert not any(row["count"] for row in result.rows)


@pytest.mark.slow
def test_real_lung_bases(corpus: Path) -> None:
    volume = voxelry.load_volume(corpus / "ct_lung_bases")
    body = labels_of(body_mask.STEP, volume) == 1
    assert 0.2 < body.mean() < 0.6
    assert not body[:, -60:].any(), "the table is not the patient"
    result = lungs.STEP.run(volume, {})
    assert result.segmentation is not None
    assert [segment.label for segment in result.segmentation.segments] == ["Right lung", "Left lung"]
    assert all(float(row["mm3"]) > 50_000 for row in result.rows)  # type: ignore[arg-type]
