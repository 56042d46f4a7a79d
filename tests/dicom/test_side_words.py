"""What headers say of a frame's sides, and calibrated regions of ultrasound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import voxelry
from voxelry.dicom.frames.frame import Frame, frames_of
from voxelry.dicom.frames.side_words import Sides, is_quadruped, side_words_of
from voxelry.dicom.frames.ultrasound_regions import UltrasoundRegion, ultrasound_regions
from voxelry.testing import synthetic_instance, write

DX = "1.2.840.10008.5.1.4.1.1.1.1"
US = "1.2.840.10008.5.1.4.1.1.6.1"


def frame_with(folder: Path, sop_class_uid: str = DX, **attributes: Any) -> Frame:
    dataset = synthetic_instance(
        np.zeros((40, 60), np.uint8), modality="DX", sop_class_uid=sop_class_uid, spacing=None, position=None,
        orientation=None, rescale=None,
    )  # fmt: skip
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    write(dataset, folder / "a.dcm")
    (series,) = voxelry.index(folder).series
    (frame,) = frames_of(series.instances[0])
    return frame


def code(meaning: str, **more: Any) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "X", "SCT", meaning
    for keyword, value in more.items():
        setattr(item, keyword, value)
    return item


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ({}, Sides()),
        ({"PatientOrientation": ["P", "F"], "ImageLaterality": "R"}, Sides(("P", "F"), "R")),
        ({"PatientOrientation": ["LE", "CD"], "Laterality": "L", "ImageLaterality": "B"}, Sides(("LE", "CD"), "B")),
        ({"PatientOrientation": ["P"]}, Sides()),
        ({"PatientOrientation": ["p", "F"]}, Sides()),
        ({"Laterality": "left"}, Sides()),
        ({"ViewPosition": "AP"}, Sides(view="AP")),
        ({"ViewPosition": "AP", "ViewCodeSequence": Sequence([code("medial")])}, Sides(view="medial")),
        (
            {"ViewCodeSequence": Sequence([code("caudal", ViewModifierCodeSequence=Sequence([code("large")]))])},
            Sides(view="caudal, large"),
        ),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_sides(tmp_path: Path, attributes: dict[str, Any], wanted: Sides) -> None:
    frame = frame_with(tmp_path, **attributes)
    assert side_words_of(frame) == wanted
    assert not is_quadruped(frame)


def test_a_quadruped_is_told(tmp_path: Path) -> None:
    assert is_quadruped(frame_with(tmp_path, AnatomicalOrientationType="QUADRUPED"))


def region(**changes: Any) -> Dataset:
    item = Dataset()
    values = {
        "RegionSpatialFormat": 1, "RegionDataType": 1, "RegionFlags": 0, "RegionLocationMinX0": 10,
        "RegionLocationMinY0": 5, "RegionLocationMaxX1": 49, "RegionLocationMaxY1": 30, "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3, "PhysicalDeltaX": 0.02, "PhysicalDeltaY": 0.04,
    }  # fmt: skip
    for keyword, value in (values | changes).items():
        if value is not None:
            setattr(item, keyword, value)
    return item


def regions(folder: Path, *found: Dataset) -> tuple[UltrasoundRegion, ...]:
    frame = frame_with(folder, US, SequenceOfUltrasoundRegions=Sequence(found))
    return ultrasound_regions(frame.header, frame.pixels)


def test_a_region_in_cm_has_millimetres(tmp_path: Path) -> None:
    (found,) = regions(tmp_path, region(ReferencePixelX0=20, ReferencePixelY0=0, ReferencePixelPhysicalValueY=1.5))
    assert (found.columns, found.rows) == ((10, 49), (5, 30))
    assert found.pixel_spacing == pytest.approx((0.4, 0.2))
    assert (found.spatial_format, found.data_type, found.units) == ("2D", "tissue", ("cm", "cm"))
    assert (found.reference, found.reference_values) == ((20, 0), (None, 1.5))


@pytest.mark.parametrize(
    "changes",
    [
        {"PhysicalUnitsXDirection": 4, "RegionSpatialFormat": 2},
        {"PhysicalUnitsYDirection": 7, "RegionSpatialFormat": 3},
        {"PhysicalUnitsXDirection": 0},
        {"PhysicalUnitsXDirection": 99},
        {"PhysicalDeltaX": 0.0},
        {"PhysicalDeltaX": 1e9},
    ],
)
def test_other_regions_have_none(tmp_path: Path, changes: dict[str, Any]) -> None:
    (found,) = regions(tmp_path, region(**changes))
    assert found.pixel_spacing is None


@pytest.mark.parametrize(
    "changes",
    [
        {"RegionLocationMinX0": 60, "RegionLocationMaxX1": 60},
        {"RegionLocationMinX0": 30, "RegionLocationMaxX1": 20},
        {"PhysicalDeltaY": None},
        {"RegionLocationMaxY1": None},
    ],
)
def test_what_is_no_region_is_left_out(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert regions(tmp_path, region(**changes)) == ()


def test_regions_end_with_the_picture_and_high_priority_comes_first(tmp_path: Path) -> None:
    low = region(RegionFlags=1, RegionLocationMaxX1=60, RegionDataType=1)
    high = region(RegionDataType=2)
    found = regions(tmp_path, low, high)
    assert [one.data_type for one in found] == ["colour flow", "tissue"]
    assert found[1].columns == (10, 59)


@pytest.mark.parametrize("changes", [{"RegionLocationMaxX1": 61}, {"RegionLocationMaxY1": 2**31}])
def test_no_region_counts_if_one_is_of_a_larger_picture(tmp_path: Path, changes: dict[str, Any]) -> None:
    """The picture was made smaller, and its header left alone: a centimetre of it is another one."""
    assert regions(tmp_path, region(), region(**changes)) == ()


def test_no_more_regions_are_read_than_a_picture_can_have(tmp_path: Path) -> None:
    assert len(regions(tmp_path, *(region() for _ in range(100)))) == 64
