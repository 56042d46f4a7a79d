"""Volumes of one series have names, and no two have one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import voxelry
from voxelry.testing import AXIAL, CORONAL, SAGITTAL, synthetic_series


def _labels(folder: Path) -> list[str]:
    return [volume.label for volume in voxelry.load(folder).volumes]


def _part(folder: Path, number: int, **more: Any) -> None:
    synthetic_series(folder / str(number), first_index=100 * number, **more)


def test_the_only_volume_needs_no_name(tmp_path: Path) -> None:
    _part(tmp_path, 0)
    assert _labels(tmp_path) == [""]


def test_planes_of_a_localizer_are_named(tmp_path: Path) -> None:
    for number, orientation in enumerate((AXIAL, CORONAL, SAGITTAL)):
        _part(tmp_path, number, slices=5 - number, orientation=orientation)
    assert _labels(tmp_path) == ["axial", "coronal", "sagittal"]


def test_two_of_one_plane_are_told_apart_by_their_matrix_and_then_by_number(tmp_path: Path) -> None:
    _part(tmp_path, 0, slices=6)
    _part(tmp_path, 1, slices=5, rows=8)
    _part(tmp_path, 2, slices=4, orientation=CORONAL)
    assert _labels(tmp_path) == ["axial, 16 x 20", "axial, 8 x 20", "coronal"]
    turned = [1.0, 0.0, 0.0, 0.0, float(np.cos(0.2)), float(np.sin(0.2))]
    _part(tmp_path, 3, slices=3, rows=8, orientation=turned)
    assert _labels(tmp_path) == ["axial, 16 x 20", "axial, 8 x 20 (1)", "coronal", "axial, 8 x 20 (2)"]


def test_echoes_in_two_planes_have_both_names(tmp_path: Path) -> None:
    for number, (orientation, echo) in enumerate([(AXIAL, 5), (AXIAL, 10), (CORONAL, 5), (CORONAL, 10)]):
        attributes = {"EchoTime": str(echo)}
        _part(tmp_path, number, modality="MR", slices=6 - number // 2, orientation=orientation, attributes=attributes)
    labels = _labels(tmp_path)
    assert [label.split(", ")[-1] for label in labels] == ["axial", "axial", "coronal", "coronal"]
    assert len(set(labels)) == 4
    assert [label.split(", ")[0] for label in labels[:2]] == [label.split(", ")[0] for label in labels[2:]]


def test_echoes_of_one_plane_are_named_as_they_were(tmp_path: Path) -> None:
    for number in (0, 1):
        _part(tmp_path, number, modality="MR", attributes={"EchoTime": str(5 + 5 * number)})
    assert _labels(tmp_path) == ["EchoTime 5", "EchoTime 10"]


def test_images_without_a_place_are_named_by_their_matrix(tmp_path: Path) -> None:
    for number, rows in enumerate((16, 8)):
        _part(tmp_path, number, slices=3 - number, rows=rows, attributes={"ImageOrientationPatient": None})
    assert _labels(tmp_path) == ["16 x 20", "8 x 20"]
