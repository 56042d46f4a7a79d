"""Two kernels, energies or phases in one series are volumes of their own wherever their slices lie."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

import voxelry
from tests.dicom.reports import untimed
from voxelry.testing import synthetic_series

FIRST = (0.0, 2.0, 4.0, 6.0, 8.0)
KERNELS = ("B30f", "B70f")


def write(folder: Path, places: Sequence[Sequence[float]], keyword: str, values: Sequence[object]) -> None:
    """A volume's voxels are 100 times its number, and its slice's."""
    order = [(number, k, place) for number, own in enumerate(places, 1) for k, place in enumerate(own)]

    def edit(k: int, dataset: Dataset) -> None:
        untimed(k, dataset)
        setattr(dataset, keyword, values[order[k][0] - 1])

    pixels = np.stack([np.full((4, 4), 100 * number + k, np.uint16) for number, k, _ in order])
    offsets = tuple(place for _, _, place in order)
    synthetic_series(folder, pixels=pixels, offsets=offsets, rescale=None, edit=edit, shuffled=True)


def volumes(folder: Path) -> list[list[int]]:
    return [volume.array[:, 0, 0].tolist() for volume in voxelry.load(folder).volumes]


def shifted(by: float) -> tuple[float, ...]:
    return tuple(place + by for place in FIRST)


@pytest.mark.parametrize("by", [0.0, 0.004, 0.1, 0.3, 1.0, 4.0, 8.0, 10.0, 50.0])
def test_two_kernels_are_two_volumes(tmp_path: Path, by: float) -> None:
    write(tmp_path, (FIRST, shifted(by)), "ConvolutionKernel", KERNELS)
    assert volumes(tmp_path) == [[100, 101, 102, 103, 104], [200, 201, 202, 203, 204]]


def test_two_kernels_of_different_spacings_are_two_volumes(tmp_path: Path) -> None:
    write(tmp_path, (FIRST, (0.0, 3.0, 6.0)), "ConvolutionKernel", KERNELS)
    assert volumes(tmp_path) == [[100, 101, 102, 103, 104], [200, 201, 202]]


@pytest.mark.parametrize(
    ("keyword", "values"),
    [
        ("KVP", ("80", "140")),
        ("NominalPercentageOfCardiacPhase", (30.0, 70.0)),
        ("ImageType", (["DERIVED", "SECONDARY", "AXIAL", "E40"], ["DERIVED", "SECONDARY", "AXIAL", "E70"])),
        ("EchoTime", ("5", "90")),
    ],
)
@pytest.mark.parametrize("by", [0.0, 0.3, 1.0])
def test_what_interleaves_is_several_volumes(
    tmp_path: Path, keyword: str, values: tuple[object, object], by: float
) -> None:
    write(tmp_path, (FIRST, shifted(by)), keyword, values)
    assert volumes(tmp_path) == [[100, 101, 102, 103, 104], [200, 201, 202, 203, 204]]
    assert voxelry.load(tmp_path).volumes[0].spacing[0] == 2.0


def test_three_phases_at_places_of_their_own(tmp_path: Path) -> None:
    write(tmp_path, (FIRST, shifted(0.3), shifted(0.7)), "NominalPercentageOfCardiacPhase", (30.0, 50.0, 70.0))
    assert [own[0] for own in volumes(tmp_path)] == [100, 200, 300]


def test_two_stations_that_share_a_place_are_two_volumes(tmp_path: Path) -> None:
    write(tmp_path, (FIRST, shifted(8.0)), "AcquisitionNumber", (1, 2))
    assert volumes(tmp_path) == [[100, 101, 102, 103, 104], [200, 201, 202, 203, 204]]


def test_rounded_positions_acquired_in_turns_stay_one_volume(tmp_path: Path) -> None:
    """Steps of 0.75 mm written to a tenth: odd slices and even ones are more even than all together."""
    places = (0.0, 0.8, 1.5, 2.2, 3.0, 3.8, 4.5, 5.2, 6.0)
    write(tmp_path, [(place,) for place in places], "AcquisitionNumber", [1 + k % 2 for k in range(9)])
    assert len(volumes(tmp_path)) == 1


@pytest.mark.parametrize("keyword", ["AcquisitionNumber", "KVP"])
def test_an_even_series_that_was_acquired_in_turns_stays_one(tmp_path: Path, keyword: str) -> None:
    """Odd slices after even ones, or a tube voltage that wavers: together they are one volume."""
    values = (1, 2, 1, 1, 2, 2, 1, 2) if keyword == "KVP" else (1, 2, 1, 2, 1, 2, 1, 2)
    write(tmp_path, [(2.0 * k,) for k in range(8)], keyword, values)
    assert volumes(tmp_path) == [[100 * k for k in range(1, 9)]]
