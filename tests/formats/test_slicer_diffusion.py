"""b-values and directions in NRRD files: 3D Slicer's keys, written in LPS, read in any measurement frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

import voxelry
from voxelry.core.value import Value
from voxelry.testing import OBLIQUE, synthetic_diffusion_series
from voxelry.testing.volumes import placed, voxels

WEIGHTED: list[dict[str, Value]] = [
    {"DiffusionBValue": 0.0, "DiffusionDirectionality": "NONE"},
    {"DiffusionBValue": 1000.0, "DiffusionGradientOrientation": [0.0, 0.8, -0.6]},
    {"DiffusionBValue": 3000.0, "DiffusionGradientOrientation": [-1.0, 0.0, 0.0]},
]


def written(path: Path, *each: dict[str, Value]) -> str:
    """The header of a file of volumes with these metadata."""
    volumes = [placed(voxels((2, 3, 4), "int16") + number, metadata=one) for number, one in enumerate(each)]
    voxelry.save(volumes, path, options={"compress": False})
    return path.read_bytes().split(b"\n\n")[0].decode()


def told(path: Path) -> list[tuple[Value, Value]]:
    found = voxelry.load(path).volumes
    keywords = "DiffusionBValue", "DiffusionGradientOrientation"
    return [(volume.metadata.get(keywords[0]), volume.metadata.get(keywords[1])) for volume in found]


def test_several_b_values_come_back(tmp_path: Path) -> None:
    written(tmp_path / "a.nrrd", *WEIGHTED)
    for (b_value, vector), one in zip(told(tmp_path / "a.nrrd"), WEIGHTED, strict=True):
        assert b_value == one["DiffusionBValue"]
        known = one.get("DiffusionGradientOrientation")
        assert vector == (known if known is None else pytest.approx(known))


def test_a_whole_series_comes_back(tmp_path: Path) -> None:
    series = synthetic_diffusion_series(tmp_path / "in", orientation=OBLIQUE, shape=(2, 5, 4))
    voxelry.convert(tmp_path / "in", tmp_path / "a.nrrd")
    found = told(tmp_path / "a.nrrd")
    assert [b_value for b_value, _ in found] == list(series.b_values)
    vectors = np.array([vector or [0.0, 0.0, 0.0] for _, vector in found], np.float64)
    assert np.abs(vectors - series.directions).max() < 1e-12


def test_other_programs_find_the_keys(tmp_path: Path) -> None:
    written(tmp_path / "a.nrrd", *WEIGHTED)
    image = SimpleITK.ReadImage(str(tmp_path / "a.nrrd"))
    assert image.GetMetaData("modality") == "DWMRI"
    assert float(image.GetMetaData("DWMRI_b-value")) == 3000
    vector = [float(word) for word in image.GetMetaData("DWMRI_gradient_0001").split()]
    assert vector == pytest.approx([0.0, 0.8 / np.sqrt(3), -0.6 / np.sqrt(3)])


@pytest.mark.parametrize(
    ("space", "frame", "direction"),
    [
        ("right-anterior-superior", "(1,0,0) (0,1,0) (0,0,1)", [0.0, -0.8, -0.6]),
        ("left-posterior-superior", "(0,1,0) (-1,0,0) (0,0,1)", [-0.8, 0.0, -0.6]),
        ("left-posterior-superior", "", [0.0, 0.8, -0.6]),
    ],
)
def test_vectors_of_others_are_turned_into_the_patient(
    tmp_path: Path, space: str, frame: str, direction: list[float]
) -> None:
    written(tmp_path / "a.nrrd", *WEIGHTED)
    content = (tmp_path / "a.nrrd").read_bytes().replace(b"left-posterior-superior", space.encode(), 1)
    ours = b"measurement frame: (1,0,0) (0,1,0) (0,0,1)\n"
    assert ours in content
    theirs = f"measurement frame: {frame}\n".encode() if frame else b""
    (tmp_path / "b.nrrd").write_bytes(content.replace(ours, theirs))
    b_value, vector = told(tmp_path / "b.nrrd")[1]
    assert b_value == 1000
    assert vector == pytest.approx(direction)


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("modality:=DWMRI", "modality:=MR"), ("DWMRI_b-value:=3000.0", "DWMRI_b-value:=high"),
        ("DWMRI_b-value:=3000.0", "DWMRI_b-value:=1e999"), ("DWMRI_gradient_0002:=", "DWMRI_gradient_0009:="),
        ("DWMRI_gradient_0002:=-1.0", "DWMRI_gradient_0002:=nan"),
        ("(1,0,0) (0,1,0) (0,0,1)", "(1,0,0) (1,0,0) (0,0,1)"), ("(1,0,0) (0,1,0) (0,0,1)", "(x,0,0) (1,0,0) (0,0,1)"),
        ("(1,0,0) (0,1,0) (0,0,1)", "none (1,0,0) (0,0,1)"),
    ],
)  # fmt: skip
def test_damaged_keys_are_left_out_and_the_voxels_are_read(tmp_path: Path, line: str, instead: str) -> None:
    header = written(tmp_path / "a.nrrd", *WEIGHTED)
    body = (tmp_path / "a.nrrd").read_bytes()[len(header) :]
    assert line in header
    (tmp_path / "a.nrrd").write_bytes(header.replace(line, instead).encode() + body)
    assert told(tmp_path / "a.nrrd") == [(None, None)] * 3


@pytest.mark.parametrize(
    "last",
    [
        {"DiffusionBValue": 3000.0}, {"DiffusionBValue": None}, {"DiffusionBValue": "3000"},
        {"DiffusionBValue": 3000.0, "DiffusionGradientOrientation": [0.0, 0.0, 0.0]},
    ],
)  # fmt: skip
def test_what_the_keys_cannot_say_is_not_written(tmp_path: Path, last: dict[str, Value]) -> None:
    assert "DWMRI" not in written(tmp_path / "a.nrrd", *WEIGHTED[:2], last)
    assert "DWMRI" not in written(tmp_path / "b.nrrd", {}, {"DiffusionBValue": 0.0})
