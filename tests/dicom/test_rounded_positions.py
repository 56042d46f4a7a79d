"""Positions written with few digits: an even grid within the digits is even, and nothing else is.

The right values are those from before the rounding: the grid that the positions were made from.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from typer.testing import CliRunner

import voxelry
from voxelry.cli import app
from voxelry.core.slice_grid import slice_normal
from voxelry.testing import AXIAL, OBLIQUE, synthetic_series


def rounded_series(
    folder: Path, *, step: float, digits: int, slices: int = 40, form: str = "{}", **more: object
) -> None:
    """Slices whose positions are written to so many digits, as ``form`` spells them."""

    def edit(_: int, dataset: Dataset) -> None:
        place = [round(float(one), digits) for one in dataset.ImagePositionPatient]
        dataset.ImagePositionPatient = [form.format(one) for one in place]

    synthetic_series(folder, slices=slices, rows=4, columns=5, spacing=(step, 0.8, 0.7), edit=edit, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("step", [0.625, 0.33, 1.25, 0.6667])
@pytest.mark.parametrize("orientation", [AXIAL, OBLIQUE])
def test_positions_rounded_to_a_tenth_are_the_grid_that_they_were(
    tmp_path: Path, step: float, orientation: tuple[float, ...]
) -> None:
    rounded_series(tmp_path, step=step, digits=1, orientation=orientation)
    volume = voxelry.load_volume(tmp_path)
    [problem] = voxelry.load_study(tmp_path).series[0].report.problems
    assert problem.code == "rounded_positions"
    assert problem.numbers["digit_mm"] == pytest.approx(0.1)
    assert volume.spacing[0] == pytest.approx(step, rel=2e-3)
    assert volume.affine is not None
    truth = np.array([-10.0, 20.0, -30.0]) + 39 * step * slice_normal(orientation)
    last = volume.affine @ [39, 0, 0, 1]
    assert np.abs(last[:3] - truth).max() < 0.06
    assert volume.voxel_mm3 == pytest.approx(abs(np.linalg.det(volume.affine)), rel=1e-3)


def test_millimetres_rounded_to_whole_ones_are_even_where_the_step_is_much_larger(tmp_path: Path) -> None:
    rounded_series(tmp_path, step=7.5, digits=0, form="{:.0f}")
    assert voxelry.load_volume(tmp_path).spacing[0] == pytest.approx(7.5, rel=2e-3)


def test_digits_of_a_32_bit_number_are_those_that_it_was_made_from(tmp_path: Path) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        place = [np.float32(round(float(one), 1)) for one in dataset.ImagePositionPatient]
        dataset.ImagePositionPatient = [f"{float(one):.14g}"[:16] for one in place]

    synthetic_series(tmp_path, slices=40, spacing=(0.625, 0.8, 0.7), edit=edit)
    assert voxelry.load_volume(tmp_path).spacing[0] == pytest.approx(0.625, rel=2e-3)


def test_frames_of_one_file_are_read_in_the_same_way(tmp_path: Path) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        for group in dataset.PerFrameFunctionalGroupsSequence:
            plane = group.PlanePositionSequence[0]
            plane.ImagePositionPatient = [round(float(one), 1) for one in plane.ImagePositionPatient]

    synthetic_series(tmp_path, slices=40, spacing=(0.625, 0.8, 0.7), frames="enhanced", edit=edit)
    assert voxelry.load_volume(tmp_path).spacing[0] == pytest.approx(0.625, rel=2e-3)


def test_a_slice_that_is_off_by_a_whole_unit_was_not_rounded(tmp_path: Path) -> None:
    """Even steps leave gaps of two neighbouring units at most: with 2, 3 and 4 mm a slice lies elsewhere."""
    synthetic_series(tmp_path, offsets=(0, 3, 6, 10, 12), rows=4, columns=5)
    problem = voxelry.load_study(tmp_path).series[0].stacks[0].problem
    assert problem is not None
    assert problem.code == "uneven_spacing"


def test_unevenness_beyond_the_digits_stays_irregular(tmp_path: Path) -> None:
    rounded_series(tmp_path, step=0.625, digits=1, form="{:.3f}")  # so exact that 0.6 and 0.7 differ
    problem = voxelry.load_study(tmp_path).series[0].stacks[0].problem
    assert problem is not None
    assert problem.code == "uneven_spacing"


@pytest.mark.parametrize("offsets", [(0, 1, 3, 4), (0, 2, 3, 4, 5, 6), (0, 2, 6, 8, 12)])
def test_a_hole_is_never_taken_for_rounding(tmp_path: Path, offsets: tuple[float, ...]) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        dataset.ImagePositionPatient = [f"{float(one):.0f}" for one in dataset.ImagePositionPatient]

    synthetic_series(tmp_path, slices=len(offsets), offsets=offsets, edit=edit)
    problem = voxelry.load_study(tmp_path).series[0].stacks[0].problem
    assert problem is not None
    assert problem.code in ("missing_slices", "uneven_spacing")


def test_a_hole_between_rounded_positions_is_one_hole(tmp_path: Path) -> None:
    rounded_series(tmp_path, step=0.625, digits=1)
    sorted(tmp_path.iterdir())[17].unlink()
    [stack] = voxelry.load_study(tmp_path).series[0].stacks
    assert stack.problem is not None
    assert stack.problem.code == "missing_slices"
    assert stack.problem.numbers["count"] == 1
    volume = voxelry.load_volume(tmp_path, on_irregular="resample")
    assert volume.array.shape[0] == 40
    assert volume.spacing[0] == pytest.approx(0.625, rel=3e-3)
    parts = voxelry.load(tmp_path, on_irregular="split").volumes
    assert [part.array.shape[0] for part in parts] == [17, 22]


@pytest.mark.slow
def test_resampling_fits_the_step_to_the_whole(tmp_path: Path) -> None:
    rounded_series(tmp_path, step=0.625, digits=1, slices=200, form="{:.3f}")
    volume = voxelry.load_volume(tmp_path, on_irregular="resample")
    assert volume.array.shape[0] == 200  # by the median gap of 0.6 mm it would be 208
    assert volume.spacing[0] == pytest.approx(0.625, rel=1e-3)


def test_who_asks_for_it_may_allow_more_in_the_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    rounded_series(folder, step=0.625, digits=1, form="{:.3f}")
    runner = CliRunner()
    for command in (
        ["measure", str(folder)],
        ["convert", str(folder), str(tmp_path / "out.nii.gz")],
        ["demo", str(folder), "--out", str(tmp_path / "demo")],
        ["run", "gaussian", str(folder), str(tmp_path / "smooth")],
    ):
        assert runner.invoke(app, command).exit_code != 0 or command[0] == "demo", command
        done = runner.invoke(app, [*command, "--tolerance", "0.2", *(["--overwrite"] if command[0] == "run" else [])])
        assert done.exit_code == 0, (command, done.output)
    assert "irregular" in runner.invoke(app, ["info", str(folder)]).output
    assert "irregular" not in runner.invoke(app, ["info", str(folder), "--tolerance", "0.2"]).output
