"""Diffusion series: volumes in the order of acquisition, named by b-value and direction; trace images are named.

Attributes: PS3.3 C.8.13.5.9 (MR Diffusion). Order: that in which the images were made, which is what dcm2niix gives.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from tests.dicom.repeats import Numbering, loaded, numbers, write_repeats
from tests.dicom.test_recurring_attributes import enhanced

DIRECTIONS: list[tuple[float, ...]] = [(), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (), (-0.70710678, 0.70710678, 0.0)]
NAMES = ["none", "1 0 0", "0 1 0", "none", "-0.7071 0.7071 0"]


def weighted(volume: int, _: int, dataset: Dataset) -> None:
    direction = DIRECTIONS[volume % len(DIRECTIONS)]
    dataset.DiffusionBValue = 1000.0 if direction else 0.0
    if direction:
        dataset.DiffusionGradientOrientation = list(direction)


@pytest.mark.parametrize("numbering", ["by volume", "by position"])
def test_directions_come_as_they_were_acquired(tmp_path: Path, numbering: Numbering) -> None:
    """The two images without weighting stay where they were."""
    write_repeats(tmp_path, 5, weighted, numbering=numbering)
    assert numbers(tmp_path) == [1, 2, 3, 4, 5]
    for (_, label), name in zip(loaded(tmp_path), NAMES, strict=True):
        b_value = 0 if name == "none" else 1000
        assert label.startswith(f"DiffusionBValue {b_value}, DiffusionGradientOrientation {name}")


@pytest.mark.parametrize("numbering", ["by volume", "by position"])
def test_averages_come_as_they_were_acquired(tmp_path: Path, numbering: Numbering) -> None:
    write_repeats(tmp_path, 10, weighted, numbering=numbering)
    assert numbers(tmp_path) == list(range(1, 11))


def test_acquisition_times_come_before_numbers(tmp_path: Path) -> None:
    def stamp(volume: int, place: int, dataset: Dataset) -> None:
        weighted(volume, place, dataset)
        dataset.AcquisitionTime = f"10{30 - volume:02d}00"

    write_repeats(tmp_path, 5, stamp, numbering="by volume")
    assert numbers(tmp_path) == [5, 4, 3, 2, 1]


def test_without_an_order_the_b_values_ascend(tmp_path: Path) -> None:
    def stamp(volume: int, _: int, dataset: Dataset) -> None:
        dataset.DiffusionBValue = (800.0, 0.0, 50.0)[volume]

    write_repeats(tmp_path / "a", 3, stamp, slices=6)
    assert loaded(tmp_path / "a") == [(2, "DiffusionBValue 0"), (3, "DiffusionBValue 50"), (1, "DiffusionBValue 800")]
    write_repeats(tmp_path / "b", 3, stamp, numbering="by volume")
    assert numbers(tmp_path / "b") == [1, 2, 3]


@pytest.mark.parametrize("said_by", ["DiffusionDirectionality", "ImageType"])
def test_the_trace_image_is_named(tmp_path: Path, said_by: str) -> None:
    def stamp(volume: int, _: int, dataset: Dataset) -> None:
        dataset.DiffusionBValue = (0.0, 1000.0, 1000.0, 1000.0)[volume]
        if volume in (1, 2):
            dataset.DiffusionGradientOrientation = [float(volume == 1), float(volume == 2), 0.0]
        if volume == 3 and said_by == "ImageType":
            dataset.ImageType = ["DERIVED", "PRIMARY", "DIFFUSION", "TRACEW"]
        elif said_by == "DiffusionDirectionality":
            dataset.DiffusionDirectionality = ("NONE", "DIRECTIONAL", "DIRECTIONAL", "ISOTROPIC")[volume]

    write_repeats(tmp_path, 4, stamp, numbering="by volume")
    assert numbers(tmp_path) == [1, 2, 3, 4]
    labels = [label for _, label in loaded(tmp_path)]
    assert labels[3] == "DiffusionBValue 1000, DiffusionGradientOrientation trace (isotropic)"
    assert sum("trace" in label for label in labels) == 1


@pytest.mark.parametrize("dimensions", [(), (0x00189087, 0x00189089)], ids=["no dimensions", "dimensions"])
def test_enhanced_frames_say_the_same(tmp_path: Path, dimensions: tuple[int, ...]) -> None:
    def stamp(volume: int, place: int, group: Dataset) -> None:
        item = Dataset()
        item.DiffusionBValue = (0.0, 1000.0, 1000.0, 1000.0)[volume]
        item.DiffusionDirectionality = ("NONE", "DIRECTIONAL", "DIRECTIONAL", "ISOTROPIC")[volume]
        if volume in (1, 2):
            direction = Dataset()
            direction.DiffusionGradientOrientation = [float(volume == 2), float(volume == 1), 0.0]
            item.DiffusionGradientDirectionSequence = [direction]
        group.MRDiffusionSequence = [item]
        if dimensions:
            index = [1 + (volume > 0), max(volume, 1)]
            group.FrameContentSequence[0].DimensionIndexValues = [1, place + 1, *index]

    enhanced(tmp_path, 4, stamp, dimensions=dimensions)
    assert [label.partition("Orientation ")[2] for _, label in loaded(tmp_path)] == [
        "none", "0 1 0", "1 0 0", "trace (isotropic)",
    ]  # fmt: skip
    assert numbers(tmp_path) == [1, 2, 3, 4]
