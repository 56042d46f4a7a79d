"""What a header says of place, scale and display; what it says badly is unknown, and named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import voxelry
from voxelry.testing import pattern, synthetic_instance, synthetic_series, write

RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
FLIPPED = (1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
"""Rows run to the front, so that the normal points down."""


@pytest.mark.parametrize(
    ("keyword", "garbage", "words"),
    [
        ("PixelSpacing", b"0,7\\0,7", "Pixel Spacing (0028,0030)"),
        ("PixelSpacing", b"0.7\\", "Pixel Spacing (0028,0030)"),
        ("SliceThickness", b"3 mm", "Slice Thickness (0018,0050)"),
    ],
)
def test_a_distance_that_is_no_number_is_unknown_and_named(
    tmp_path: Path, keyword: str, garbage: bytes, words: str
) -> None:
    dataset = synthetic_instance(attributes={keyword: "9.25" if keyword == "SliceThickness" else ["9.25", "9.25"]})
    path = write(dataset, tmp_path / "a.dcm")
    valid = b"9.25" if keyword == "SliceThickness" else b"9.25\\9.25 "
    path.write_bytes(path.read_bytes().replace(valid, garbage.ljust(len(valid))))
    volume = voxelry.load_volume(path)
    assert None in volume.spacing
    assert f"{words}" in " ".join(volume.warnings)
    assert voxelry.measure(volume).volume_mm3 is None


@pytest.mark.parametrize("orientation", [[0] * 6, [2, 0, 0, 0, 1, 0], [1, 0, 0, 1, 0, 0]])
def test_slices_whose_orientation_is_none_are_still_seen_and_have_no_place(
    tmp_path: Path, orientation: list[int]
) -> None:
    truth = synthetic_series(tmp_path, attributes={"ImageOrientationPatient": orientation})
    volume = voxelry.load_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, truth.array)
    assert volume.affine is None
    assert volume.spacing == (None, 0.8, 0.7)
    assert "Image Orientation (Patient) (0020,0037) is not two perpendicular unit vectors" in volume.warnings[0]


def test_a_position_out_of_this_world_is_unknown(tmp_path: Path) -> None:
    path = write(synthetic_instance(position=(0.0, 0.0, 1e300)), tmp_path / "a.dcm")
    volume = voxelry.load_volume(path)
    assert volume.affine is None
    assert "Image Position (Patient) (0020,0032)" in volume.warnings[0]


def test_windows_that_are_none_do_not_hide_those_that_are(tmp_path: Path) -> None:
    attributes = {"WindowCenter": ["", "40", "50", "60"], "WindowWidth": ["100", "400", "0", ""]}
    path = write(synthetic_instance(attributes=attributes), tmp_path / "a.dcm")
    assert [(w.center, w.width) for w in voxelry.load_volume(path).windows] == [(40, 400)]


def _dose(offsets: list[float], *, orientation: tuple[float, ...], scaling: str | None = "0.5") -> Dataset:
    pixels = pattern((len(offsets), 4, 5), bits=16)
    return synthetic_instance(
        pixels,
        modality="RTDOSE",
        sop_class_uid=RT_DOSE,
        bits_stored=16,
        rescale=None,
        spacing=(3.0, 2.0, 1.5),
        position=(-10.0, 20.0, -30.0),
        orientation=orientation,
        attributes={"GridFrameOffsetVector": offsets, "DoseGridScaling": scaling, "DoseUnits": "GY"},
    )


@pytest.mark.parametrize(
    ("offsets", "orientation", "heights"),
    [
        ([0, 3, 6], (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), [-30, -27, -24]),
        ([0, -3, -6], (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), [-30, -33, -36]),
        ([0, 3, 6], FLIPPED, [-30, -33, -36]),  # along the normal, which points down
        ([-30, -27, -24], FLIPPED, [-30, -27, -24]),  # coordinates
        ([-30, -27, -24], (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), [-30, -27, -24]),
    ],
)
def test_dose_planes_lie_where_their_offsets_say(
    tmp_path: Path, offsets: list[float], orientation: tuple[float, ...], heights: list[float]
) -> None:
    dataset = _dose(offsets, orientation=orientation)
    volume = voxelry.load_volume(write(dataset, tmp_path / "dose.dcm"))
    stored = np.frombuffer(dataset.PixelData, "<u2").reshape(3, 4, 5)
    assert volume.unit == "Gy"
    assert volume.affine is not None
    for number in range(3):
        z = float((volume.affine @ [number, 0, 0, 1])[2])
        np.testing.assert_array_equal(volume.array[number], stored[heights.index(round(z))] * 0.5)


def test_a_dose_without_its_scale_is_no_dose(tmp_path: Path) -> None:
    path = write(_dose([0, 3], orientation=FLIPPED, scaling=None), tmp_path / "dose.dcm")
    with pytest.raises(voxelry.VoxelryError, match=r"dose\.dcm: Dose Grid Scaling \(3004,000E\) is missing"):
        voxelry.load_volume(path)


def _segmentation(path: Path, places: list[tuple[int, float]]) -> Path:
    """Frames of ``(segment, z)``."""
    pixels = np.ones((len(places), 4, 8), np.uint8)
    dataset = synthetic_instance(
        pixels, modality="SEG", sop_class_uid=SEGMENTATION, rescale=None, spacing=None, position=None, orientation=None
    )
    shared, measures, plane = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [1, 1], 2
    plane.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([plane])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    groups = []
    for segment, z in places:
        group, place, identification = Dataset(), Dataset(), Dataset()
        place.ImagePositionPatient = [0, 0, z]
        identification.ReferencedSegmentNumber = segment
        group.PlanePositionSequence = Sequence([place])
        group.SegmentIdentificationSequence = Sequence([identification])
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)
    return write(dataset, path)


@pytest.mark.parametrize("second", [(4.0, 6.0, 8.0), (2.0, 4.0, 6.0), (0.0, 2.0)])
def test_each_segment_is_a_stack_of_its_own(tmp_path: Path, second: tuple[float, ...]) -> None:
    """Apart, overlapping, or one inside the other: two organs are never one volume, and lie on one grid."""
    path = _segmentation(tmp_path / "seg.dcm", [(1, 0.0), (1, 2.0), (1, 4.0), *((2, z) for z in second)])
    result = voxelry.load(path)
    assert [volume.label for volume in result.volumes] == ["ReferencedSegmentNumber 1", "ReferencedSegmentNumber 2"]
    slices = len({0.0, 2.0, 4.0, *second})
    assert [volume.array.shape[0] for volume in result.volumes] == [slices, slices]
    assert [volume.array.sum() / 32 for volume in result.volumes] == [3, len(second)]
    assert {volume.spacing for volume in result.volumes} == {(2.0, 1.0, 1.0)}


def test_a_frame_that_cannot_be_decoded_is_no_duplicate_and_stops_nothing_else(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "good", seed=1)
    for number in range(2):  # at one position: their pixels are compared, and one has lost half of them
        path = write(synthetic_instance(index=number, seed=2), tmp_path / f"{number}.dcm")
        path.write_bytes(path.read_bytes()[: -300 * number or None])
    result = voxelry.load(tmp_path)
    assert len(result.volumes) == 1
    np.testing.assert_array_equal(result.volumes[0].array, truth.array)
    assert set(result.skipped) == {str(tmp_path / "0.dcm"), str(tmp_path / "1.dcm")}


def test_equal_pixels_side_by_side_are_no_duplicates(tmp_path: Path) -> None:
    """Two stations at the same height: empty slices of both are alike, and both belong to the data."""
    pixels = np.zeros((2, 4, 8), np.uint16)
    for number, x in enumerate((0.0, 100.0)):
        synthetic_series(tmp_path, pixels=pixels, position=(x, 0.0, 0.0), first_index=2 * number)
    result = voxelry.load(tmp_path)
    used = sum(len(volume.instance_uids) for volume in result.volumes)
    assert used + len(result.skipped) == 4
    assert not any("duplicate" in warning for volume in result.volumes for warning in volume.warnings)


def test_a_distance_at_the_detector_is_none_in_the_patient_and_the_reason_is_told(tmp_path: Path) -> None:
    attributes = {"ImagerPixelSpacing": ["0.1", "0.1"], "PixelSpacing": None}
    volume = voxelry.load_volume(write(synthetic_instance(modality="OT", attributes=attributes), tmp_path / "a.dcm"))
    assert volume.spacing[1:] == (None, None)
    assert "Imager Pixel Spacing (0018,1164) is measured at the detector" in volume.warnings[0]


def test_a_sign_that_nobody_told_is_a_guess_and_is_called_one(tmp_path: Path) -> None:
    path = write(synthetic_instance(attributes={"PixelRepresentation": None}), tmp_path / "a.dcm")
    assert "Pixel Representation (0028,0103) is missing" in voxelry.load_volume(path).warnings[0]


NUCLEAR_MEDICINE = "1.2.840.10008.5.1.4.1.1.20"


def reconstruction(path: Path, *, step: float | None, kind: str = "RECON TOMO", **more: object) -> np.ndarray:
    """A multi-frame object as nuclear medicine writes it: its place is its detector's."""
    frames = pattern((6, 16, 20), seed=3)
    dataset = synthetic_instance(
        frames, modality="NM", sop_class_uid=NUCLEAR_MEDICINE, rescale=None, position=None, orientation=None
    )
    dataset.ImageType = ["ORIGINAL", "PRIMARY", kind]
    detector = Dataset()
    detector.ImagePositionPatient = [-10, 20, 30]
    detector.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.DetectorInformationSequence = Sequence([detector])
    if step is not None:
        dataset.SpacingBetweenSlices = step
    for keyword, value in more.items():
        setattr(dataset, keyword, value)
    write(dataset, path)
    return np.asarray(frames)


@pytest.mark.parametrize("step", [4.5, -4.5])
def test_reconstructed_slices_follow_each_other_along_the_normal_or_against_it(tmp_path: Path, step: float) -> None:
    frames = reconstruction(tmp_path / "nm", step=step)
    volume = voxelry.load_volume(tmp_path / "nm")
    assert volume.spacing == (4.5, 0.8, 0.7)
    # PS3.3 C.8.4.15: a negative spacing stacks against the normal, so that the last frame is the lowest slice.
    np.testing.assert_array_equal(volume.array, frames if step > 0 else frames[::-1])
    assert volume.affine is not None
    np.testing.assert_allclose(volume.affine[:3, 3], (-10, 20, 30 if step > 0 else 30 - 5 * 4.5))


def test_the_slice_vector_says_which_slice_a_frame_is(tmp_path: Path) -> None:
    frames = reconstruction(tmp_path / "nm", step=4.5, SliceVector=[6, 5, 4, 3, 2, 1])
    np.testing.assert_array_equal(voxelry.load_volume(tmp_path / "nm").array, frames[::-1])


def test_gated_reconstructions_are_told_apart_by_their_time_slot(tmp_path: Path) -> None:
    frames = reconstruction(
        tmp_path / "nm", step=4.5, kind="RECON GATED TOMO",
        SliceVector=[1, 2, 3, 1, 2, 3], TimeSlotVector=[1, 1, 1, 2, 2, 2],
    )  # fmt: skip
    volumes = voxelry.load(tmp_path / "nm").volumes
    assert [volume.label for volume in volumes] == ["TimeSlotVector 1", "TimeSlotVector 2"]
    np.testing.assert_array_equal(np.stack([volume.array for volume in volumes]).reshape(frames.shape), frames)


@pytest.mark.parametrize(("step", "kind"), [(None, "RECON TOMO"), (4.5, "TOMO"), (4.5, "STATIC")])
def test_projections_and_slices_without_a_step_have_no_place(tmp_path: Path, step: float | None, kind: str) -> None:
    frames = reconstruction(tmp_path / "nm", step=step, kind=kind)
    volume = voxelry.load_volume(tmp_path / "nm")
    np.testing.assert_array_equal(volume.array, frames)
    assert volume.affine is None
    assert volume.spacing[0] is None


def test_a_slice_vector_that_does_not_fit_is_named(tmp_path: Path) -> None:
    reconstruction(tmp_path / "nm", step=4.5, SliceVector=[1, 2])
    with pytest.raises(voxelry.VoxelryError, match=r"Slice Vector \(0054,0080\) has 2 values for 6 frames"):
        voxelry.load_volume(tmp_path / "nm")
