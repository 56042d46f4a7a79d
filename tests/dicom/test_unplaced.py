"""Frames with one place for all of them together, and frames that are no slices: what is known, and what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import voxelry
from voxelry.core.errors import PixelDataError, UnevenSpacingError
from voxelry.core.volume import Volume
from voxelry.testing import synthetic_instance, write

CT = "1.2.840.10008.5.1.4.1.1.2"
WORD_SC = "1.2.840.10008.5.1.4.1.1.7.3"
DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
NM = "1.2.840.10008.5.1.4.1.1.20"
WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
US_VOLUME = "1.2.840.10008.5.1.4.1.1.6.2"
SPACING_BETWEEN_SLICES, SLICE_LOCATION_VECTOR, FRAME_TIME, PAGE_NUMBERS = 0x00180088, 0x00182005, 0x00181063, 0x00182001


def frames_of(path: Path, sop_class: str, modality: str = "CT", frames: int = 4, **attributes: Any) -> Volume:
    pixels = np.repeat(np.arange(frames, dtype=np.uint16), 48).reshape(frames, 6, 8)
    dataset = synthetic_instance(
        pixels, modality=modality, sop_class_uid=sop_class, spacing=(0.3, 0.3, 0.2), rescale=None, attributes=attributes
    )
    return voxelry.load_volume(write(dataset, path))


@pytest.mark.parametrize("pointer", [SPACING_BETWEEN_SLICES, SLICE_LOCATION_VECTOR])
@pytest.mark.parametrize("sop_class", [CT, WORD_SC])
def test_slices_with_one_place_have_mm3_and_no_direction(tmp_path: Path, sop_class: str, pointer: int) -> None:
    """As dental scanners write them: a step by Spacing Between Slices, but along the normal or against it?"""
    volume = frames_of(tmp_path / "cbct.dcm", sop_class, SpacingBetweenSlices="-0.4", FrameIncrementPointer=pointer)
    assert volume.spacing == (0.4, 0.3, 0.2)
    assert volume.affine is None
    measured = voxelry.measure(volume, 0.5)
    assert measured.volume_mm3 == pytest.approx(96 * 0.4 * 0.3 * 0.2)
    assert any("for all 4 frames together" in words and "no positions" in words for words in measured.warnings)
    assert not any("no Image Position" in words for words in measured.warnings)


@pytest.mark.parametrize("pointer", [None, FRAME_TIME, PAGE_NUMBERS])
def test_frames_that_nobody_calls_slices_have_no_mm3(tmp_path: Path, pointer: int | None) -> None:
    """PS3.3 C.7.6.6: Frame Increment Pointer says whether frames follow each other in space, in time or as pages."""
    volume = frames_of(
        tmp_path / "sc.dcm", WORD_SC, SpacingBetweenSlices="0.4", FrameTime="40", PageNumberVector=["1", "2", "3", "4"],
        FrameIncrementPointer=pointer,
    )  # fmt: skip
    assert (volume.spacing[0], volume.affine) == (None, None)
    (words,) = [words for words in volume.warnings if "for all 4 frames together" in words]
    assert "makes them 0.4 mm apart, a voxel of 0.024 mm3" in words


def test_one_place_in_the_shared_groups_is_one_for_all_too(tmp_path: Path) -> None:
    """A secondary capture with functional groups for all frames, and none for each."""
    shared, measures, orientation, position = Dataset(), Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SpacingBetweenSlices = [0.3, 0.2], 0.4
    orientation.ImageOrientationPatient, position.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [1, 2, 3]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([orientation])
    shared.PlanePositionSequence = Sequence([position])
    bare: dict[str, Any] = dict.fromkeys(("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"))
    volume = frames_of(
        tmp_path / "sc.dcm", WORD_SC, FrameIncrementPointer=SPACING_BETWEEN_SLICES,
        SharedFunctionalGroupsSequence=Sequence([shared]), **bare,
    )  # fmt: skip
    assert (volume.spacing, volume.affine) == ((0.4, 0.3, 0.2), None)
    assert any("for all 4 frames together" in words for words in volume.warnings)


def test_what_else_is_missing_is_named(tmp_path: Path) -> None:
    pointer: dict[str, Any] = {"FrameIncrementPointer": SPACING_BETWEEN_SLICES}
    no_step = frames_of(tmp_path / "a.dcm", CT, **pointer)
    assert "no Spacing Between Slices (0018,0088) to place each" in no_step.warnings[0]
    no_direction = frames_of(
        tmp_path / "b.dcm", CT, SpacingBetweenSlices="0.4", ImageOrientationPatient=None, **pointer
    )
    assert "no Image Orientation (Patient) (0020,0037)" in no_direction.warnings[0]
    assert no_step.spacing[0] is no_direction.spacing[0] is None


# --- dose grids -------------------------------------------------------------------------------------------------------


def dose(path: Path, offsets: list[float] | None, **attributes: Any) -> Volume:
    told: dict[str, Any] = {} if offsets is None else {"GridFrameOffsetVector": [str(one) for one in offsets]}
    return frames_of(path, DOSE, "RTDOSE", DoseGridScaling="1", **told, **attributes)


@pytest.mark.parametrize("offsets", [[0, 2, 4, 6], [-30, -28, -26, -24], [0, -2, -4, -6], [-30, -32, -34, -36]])
def test_both_forms_of_offsets_give_one_grid(tmp_path: Path, offsets: list[float]) -> None:
    """PS3.3 C.8.8.3.2: distances from the first plane, or z coordinates of axial planes; upwards or downwards."""
    volume = dose(tmp_path / "dose.dcm", offsets)
    assert volume.affine is not None
    descending = offsets[1] < offsets[0]
    np.testing.assert_allclose(volume.affine[:3, 3], (-10, 20, -36 if descending else -30))
    assert volume.array[:, 0, 0].tolist() == ([3, 2, 1, 0] if descending else [0, 1, 2, 3])
    assert not any("Grid Frame Offset Vector" in words for words in volume.warnings)


def test_uneven_offsets_are_irregular_and_strange_ones_told(tmp_path: Path) -> None:
    with pytest.raises(UnevenSpacingError):
        dose(tmp_path / "uneven.dcm", [0, 2, 4.5, 6])
    assert any("begins with 7, which is neither 0 nor the z" in words
               for words in dose(tmp_path / "strange.dcm", [7, 9, 11, 13]).warnings)  # fmt: skip
    untold = dose(tmp_path / "untold.dcm", None)
    assert "no Grid Frame Offset Vector (3004,000C) to place each" in untold.warnings[0]
    assert untold.spacing[0] is None


# --- what is no stack -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["TOMO", "GATED TOMO", "STATIC", "WHOLE BODY", "DYNAMIC", "GATED"])
@pytest.mark.parametrize("frames", [4, 1])
def test_projections_of_nuclear_medicine_are_no_slices(tmp_path: Path, kind: str, frames: int) -> None:
    told: dict[str, Any] = {"ImageType": ["ORIGINAL", "PRIMARY", kind, "EMISSION"], "SpacingBetweenSlices": "4"}
    if frames == 1:
        told["ImagePositionPatient"] = None
    volume = frames_of(tmp_path / "nm.dcm", NM, "NM", frames, **told)
    assert voxelry.measure(volume).volume_mm3 is None
    assert f"projections ({kind} in Image Type (0008,0008))" in volume.warnings[0]


def test_what_nuclear_medicine_calls_by_no_known_name_is_called_no_projection(tmp_path: Path) -> None:
    volume = frames_of(tmp_path / "nm.dcm", NM, "NM", ImageType=["DERIVED", "SECONDARY"], SpacingBetweenSlices="4")
    assert volume.spacing[0] is None
    assert not any("projections" in words for words in volume.warnings)
    assert any("for all 4 frames together" in words for words in volume.warnings)


def test_reconstructed_slices_without_a_step_are_told_so(tmp_path: Path) -> None:
    volume = frames_of(tmp_path / "nm.dcm", NM, "NM", ImageType=["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"])
    assert volume.spacing[0] is None
    assert "no Spacing Between Slices (0018,0088) to place each" in volume.warnings[0]


def test_a_position_beside_an_empty_detector_places_reconstructed_slices(tmp_path: Path) -> None:
    """PS3.3 C.8.4.11 keeps it in the detector's item; some write it at the top alone."""
    volume = frames_of(
        tmp_path / "nm.dcm", NM, "NM", ImageType=["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"],
        SpacingBetweenSlices="4", DetectorInformationSequence=Sequence([Dataset()]),
    )  # fmt: skip
    assert volume.spacing[0] == 4
    assert volume.affine is not None


def test_tiles_and_ultrasound_volumes_form_no_stack_and_are_told_so(tmp_path: Path) -> None:
    bare: dict[str, Any] = {"ImagePositionPatient": None, "ImageOrientationPatient": None}
    tiles = frames_of(tmp_path / "slide.dcm", WHOLE_SLIDE, "SM", **bare)
    assert "tiles of a whole slide" in tiles.warnings[0]
    groups = []
    for depth in range(4):
        group, place = Dataset(), Dataset()
        place.ImagePositionVolume = [0.0, 0.0, float(depth)]
        group.PlanePositionVolumeSequence = Sequence([place])
        groups.append(group)
    ultrasound = frames_of(
        tmp_path / "us.dcm", US_VOLUME, "US", PerFrameFunctionalGroupsSequence=Sequence(groups), **bare
    )
    assert "ultrasound volume in axes of its own" in ultrasound.warnings[0]
    assert voxelry.measure(tiles).volume_mm3 is voxelry.measure(ultrasound).volume_mm3 is None


@pytest.mark.parametrize(("vr", "value"), [("LO", ["a", "b", "c", "1"]), ("OB", b"abc\0"), ("FD", [float("nan")] * 4)])
def test_a_vector_that_is_no_numbers_costs_its_own_file_at_most(tmp_path: Path, vr: str, value: Any) -> None:
    pixels = np.repeat(np.arange(4, dtype=np.uint16), 48).reshape(4, 6, 8)
    image_type = ["ORIGINAL", "PRIMARY", "RECON GATED TOMO"]
    gated = {"ImageType": image_type, "SliceVector": [1, 2, 1, 2], "SpacingBetweenSlices": "3"}
    dataset = synthetic_instance(pixels, modality="NM", sop_class_uid=NM, rescale=None, attributes=gated, seed=1)
    dataset.add_new(0x00540070, vr, value)
    write(dataset, tmp_path / "gated.dcm")
    write(synthetic_instance(), tmp_path / "good.dcm")
    found = voxelry.load(tmp_path)
    assert any(volume.metadata["Modality"] == "CT" for volume in found.volumes)


@pytest.mark.parametrize("offsets", [[0, 1e200, 2e200, 3e200], [0, 1e308, -1e308, 5], [0, 2e6, 4e6, 6e6]])
def test_a_dose_grid_a_kilometre_away_is_refused(tmp_path: Path, offsets: list[float]) -> None:
    words = r"Grid Frame Offset Vector \(3004,000C\) places frames more than 1e\+06 mm"
    with pytest.raises(PixelDataError, match=words):
        frames_of(
            tmp_path / "dose.dcm", DOSE, "RTDOSE", GridFrameOffsetVector=offsets, DoseGridScaling="1", DoseUnits="GY"
        )
