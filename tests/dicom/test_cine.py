"""How fast frames are played: as the header of a multi-frame image says (PS3.3 C.7.6.5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import voxelry
from voxelry.dicom.frames.cine import Cine, cine_of
from voxelry.dicom.frames.frame import frames_of
from voxelry.dicom.headers.file_search import walk
from voxelry.dicom.headers.header import read_header
from voxelry.testing import synthetic_instance, synthetic_series, write

ULTRASOUND = "1.2.840.10008.5.1.4.1.1.3.1"
PIXELS = np.arange(6 * 8 * 8, dtype=np.uint8).reshape(6, 8, 8)


def _instance(**attributes: Any) -> Dataset:
    dataset = synthetic_instance(
        PIXELS, modality="US", sop_class_uid=ULTRASOUND, spacing=None, position=None, orientation=None, rescale=None
    )
    dataset.NumberOfFrames = 6
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def _cine(folder: Path) -> Cine | None:
    (source,) = walk(folder, on_problem=lambda *_: None)
    return cine_of(tuple(frames_of(read_header(source))))


def _shown(rate: float) -> Sequence:
    item = Dataset()
    item.RecommendedDisplayFrameRateInFloat = rate
    return Sequence([item])


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"FrameTime": "100"}, Cine(10.0, (), False, "FrameTime")),
        ({"CineRate": "25"}, Cine(25.0, (), False, "CineRate")),
        ({"RecommendedDisplayFrameRate": "15"}, Cine(15.0, (), False, "RecommendedDisplayFrameRate")),
        ({"FrameTimeVector": ["0", "40", "40", "40", "40", "40"]}, Cine(25.0, (), False, "FrameTimeVector")),
        (
            # A frame lasts until the next one comes, and the last as long as the one before.
            {"FrameTimeVector": ["0", "50", "50", "400", "50", "50"]},
            Cine(6 / 0.65, (0.05, 0.05, 0.4, 0.05, 0.05, 0.05), False, "FrameTimeVector"),
        ),
        ({"FrameTime": "20", "CineRate": "50"}, Cine(50.0, (), False, "FrameTime")),
        # Acquired at 50 in a second, to be shown at 25.
        (
            {"FrameTime": "20", "RecommendedDisplayFrameRate": "25"},
            Cine(25.0, (), False, "RecommendedDisplayFrameRate"),
        ),
        ({"FrameTime": "100", "PreferredPlaybackSequencing": 1}, Cine(10.0, (), True, "FrameTime")),
        ({"FrameDisplaySequence": _shown(7.5)}, Cine(7.5, (), False, "RecommendedDisplayFrameRateInFloat")),
        ({"FrameTimeVector": ["0", "40"], "FrameTime": "50"}, Cine(20.0, (), False, "FrameTime")),
        ({"FrameTimeVector": ["0", "40", "0", "40", "40", "40"], "CineRate": "9"}, Cine(9.0, (), False, "CineRate")),
        ({"FrameTime": "0", "CineRate": "0"}, None),
        ({"FrameTime": "0.0001"}, None),
        ({"FrameTime": ""}, None),
        ({}, None),
    ],
)
def test_the_header_says_how_fast(tmp_path: Path, attributes: dict[str, Any], expected: Cine | None) -> None:
    write(_instance(**attributes), tmp_path / "a.dcm")
    found = _cine(tmp_path)
    if expected is None or found is None:
        assert found == expected
        return
    assert found.rate == pytest.approx(expected.rate)
    assert found.durations == pytest.approx(expected.durations)
    assert (found.sweep, found.source) == (expected.sweep, expected.source)


def test_images_of_several_files_are_no_cine(tmp_path: Path) -> None:
    synthetic_series(tmp_path, slices=3, attributes={"FrameTime": "100"})
    frames = [frame for one in walk(tmp_path, on_problem=lambda *_: None) for frame in frames_of(read_header(one))]
    assert cine_of(frames) is None


@pytest.mark.parametrize(
    ("attributes", "options", "expected"),
    [
        ({"FrameTime": "200"}, {}, [200] * 6),
        ({"FrameTimeVector": ["0", "50", "50", "400", "50", "50"]}, {}, [50, 50, 400, 50, 50, 50]),
        ({"FrameTime": "200"}, {"fps": 20}, [50] * 6),
        ({}, {}, [100] * 6),
    ],
)
def test_moving_pictures_run_at_the_headers_rate(
    tmp_path: Path, attributes: dict[str, Any], options: dict[str, Any], expected: list[int]
) -> None:
    write(_instance(**attributes), tmp_path / "in" / "a.dcm")
    voxelry.convert(tmp_path / "in", tmp_path / "a.gif", options=options)
    with Image.open(tmp_path / "a.gif") as moving:
        found = []
        for frame in range(6):
            moving.seek(frame)
            found.append(moving.info["duration"])
    assert found == expected
