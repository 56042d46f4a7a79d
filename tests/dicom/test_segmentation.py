"""Segmentations as DICOM objects: in the same place for every reader, and nothing that is not there."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
import SimpleITK
from pydicom.valuerep import PersonName

import voxelry
from voxelry.core.errors import ParameterError, UnplacedError
from voxelry.core.resample import rectify
from voxelry.core.segmentation import Code, Segment, Segmentation
from voxelry.core.volume import Volume
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.objects.segmentation import write_segmentation
from voxelry.dicom.series.hierarchy import Series
from voxelry.dicom.write.writing import write_series
from voxelry.testing import CORONAL, OBLIQUE, SECRETS, synthetic_series

LIES: dict[str, dict[str, Any]] = {
    "axial": {},
    "coronal": {"orientation": CORONAL},
    "oblique": {"orientation": OBLIQUE, "shuffled": True},
    "odd": {"rows": 15, "columns": 21, "slices": 7},
    "one slice": {"slices": 1},
    "enhanced": {"frames": "enhanced"},
    "enhanced oblique": {"frames": "enhanced", "orientation": OBLIQUE},
}
TILT: dict[str, Any] = {"shear": (0.0, 0.6, 0.0)}
TWO = (
    Segment(number=1, label="Body", category=Code("123037004", "SCT", "Body structure"), algorithm="threshold"),
    Segment(number=2, label="Bone"),
)


def source(folder: Path, **kwargs: Any) -> tuple[Series, Volume]:
    synthetic_series(folder, **kwargs)
    (series,) = voxelry.index(folder).series
    return series, series.stacks[0].volume()


def labels_on(volume: Volume, seed: int = 1) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 3, volume.array.shape[:3]).astype(np.uint8)


def affine_of(volume: Volume) -> npt.NDArray[np.float64]:
    assert volume.affine is not None
    return volume.affine


def faults(path: Path) -> set[str]:
    done = subprocess.run(["dciodvfy", str(path)], capture_output=True, check=False)
    lines = (done.stdout + done.stderr).decode("latin-1").splitlines()
    return {line for line in lines if line.startswith(("Error", "Warning"))}


# --- the same place, by several readers -------------------------------------------------------------------------------


@pytest.mark.parametrize("lie", [*LIES, "tilted"])
def test_our_own_reader_finds_each_segment_in_its_place(tmp_path: Path, lie: str) -> None:
    series, volume = source(tmp_path / "in", **(TILT if lie == "tilted" else LIES[lie]))
    labels = labels_on(volume)
    written = write_segmentation(
        Segmentation(labels=labels, source=volume, segments=TWO), series, tmp_path / "out" / "seg.dcm"
    )
    found = voxelry.load(*written.paths)
    assert not found.skipped
    assert len(found.volumes) == 2
    for number, one in enumerate(found.volumes, 1):
        np.testing.assert_array_equal(one.array, labels == number)
        np.testing.assert_allclose(affine_of(one), affine_of(volume), atol=1e-6)
        assert one.metadata["FrameOfReferenceUID"] == volume.metadata["FrameOfReferenceUID"]
    assert any("tilted" in words for words in written.warnings) == (lie == "tilted")


@pytest.mark.parametrize("lie", list(LIES))
@pytest.mark.parametrize("kind", ["binary", "labelmap"])
def test_highdicom_finds_it_in_its_place(tmp_path: Path, lie: str, kind: Any) -> None:
    series, volume = source(tmp_path / "in", **LIES[lie])
    labels = labels_on(volume)
    written = write_segmentation(
        Segmentation(labels=labels, source=volume, segments=TWO), series, tmp_path / "seg.dcm", kind=kind
    )
    read = highdicom.seg.segread(written.paths[0])
    assert read.segment_numbers == [1, 2]
    found = read.get_volume(combine_segments=True).match_geometry(
        highdicom.VolumeGeometry(affine_of(volume), volume.array.shape, "PATIENT")
    )
    np.testing.assert_array_equal(found.array, labels)


@pytest.mark.parametrize("lie", ["axial", "coronal", "oblique", "odd", "enhanced"])
def test_simpleitk_finds_it_in_its_place(tmp_path: Path, lie: str) -> None:
    series, volume = source(tmp_path / "in", **LIES[lie])
    mask = (labels_on(volume) == 1).astype(np.uint8)
    written = write_segmentation(
        Segmentation(labels=mask, source=volume, segments=TWO[:1]), series, tmp_path / "seg.dcm"
    )
    image = SimpleITK.ReadImage(str(written.paths[0]))
    values = SimpleITK.GetArrayFromImage(image)
    for index in np.argwhere(np.ones(volume.array.shape, bool))[::37]:
        place = affine_of(volume) @ (*index, 1)
        k = image.TransformPhysicalPointToIndex(tuple(map(float, place[:3])))
        assert bool(values[k[2], k[1], k[0]]) == bool(mask[tuple(index)])


@pytest.mark.programs("dciodvfy")
@pytest.mark.parametrize("lie", [*LIES, "tilted"])
def test_dciodvfy_finds_no_fault(tmp_path: Path, lie: str) -> None:
    series, volume = source(tmp_path / "in", **(TILT if lie == "tilted" else LIES[lie]))
    labels = labels_on(volume)
    labels[labels == 2] = 0  # an empty segment is one too
    written = write_segmentation(Segmentation(labels=labels, source=volume, segments=TWO), series, tmp_path / "seg.dcm")
    assert faults(written.paths[0]) == set()


@pytest.mark.programs("dciodvfy")
def test_images_that_say_they_have_one_frame(tmp_path: Path) -> None:
    """Number of Frames (0028,0008) of 1 in a CT Image is common; its frame may not be numbered in references."""
    series, volume = source(tmp_path / "in", edit=lambda _, one: setattr(one, "NumberOfFrames", 1))
    segmentation = Segmentation(labels=labels_on(volume), source=volume, segments=TWO)
    written = write_segmentation(segmentation, series, tmp_path / "seg.dcm")
    assert faults(written.paths[0]) == set()


# --- whose it is, and where it comes from -----------------------------------------------------------------------------


@pytest.mark.parametrize("frames", ["single", "enhanced"])
def test_each_frame_names_the_image_it_lies_on(tmp_path: Path, frames: Any) -> None:
    series, volume = source(tmp_path / "in", frames=frames)
    labels = labels_on(volume)
    written = write_segmentation(Segmentation(labels=labels, source=volume, segments=TWO), series, tmp_path / "seg.dcm")
    read = pydicom.dcmread(written.paths[0])
    original = pydicom.dcmread(series.instances[0].name)
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName", "StudyDate", "PatientSex"):
        assert read[keyword].value == original[keyword].value
    assert read.SeriesInstanceUID == written.series_instance_uid != series.series_instance_uid
    assert {item.ReferencedSOPInstanceUID for item in read.SourceImageSequence} == set(volume.instance_uids)
    (referenced,) = read.ReferencedSeriesSequence
    assert referenced.SeriesInstanceUID == series.series_instance_uid
    places = {
        (frame.header.sop_instance_uid, frame.index + 1 if frames == "enhanced" else None): frame.position
        for frame in series.stacks[0].frames
    }
    for group in read.PerFrameFunctionalGroupsSequence:
        item = group.DerivationImageSequence[0].SourceImageSequence[0]
        place = places[item.ReferencedSOPInstanceUID, item.get("ReferencedFrameNumber")]
        found = [float(value) for value in group.PlanePositionSequence[0].ImagePositionPatient]
        assert found == pytest.approx(place, abs=1e-6)


def test_another_grid_in_the_same_frame_of_reference(tmp_path: Path) -> None:
    series, tilted = source(tmp_path / "in", **TILT)
    straight = rectify(tilted)
    labels = labels_on(straight)
    written = write_segmentation(
        Segmentation(labels=labels, source=straight, segments=TWO), series, tmp_path / "seg.dcm"
    )
    assert written.warnings == ()
    one, two = voxelry.load(written.paths[0]).volumes
    np.testing.assert_array_equal(np.where(two.array, 2, one.array), labels)
    np.testing.assert_allclose(affine_of(one), affine_of(straight), atol=1e-6)
    read = pydicom.dcmread(written.paths[0])
    assert len(read.SourceImageSequence) == len(series.instances)
    assert not any("DerivationImageSequence" in group for group in read.PerFrameFunctionalGroupsSequence)


def test_a_frame_names_the_phase_it_was_made_of(tmp_path: Path) -> None:
    for number in range(2):
        synthetic_series(
            tmp_path / "in",
            attributes={"TemporalPositionIdentifier": number + 1},
            first_index=5 * number,
            suffix=".dcm",
        )
    (series,) = voxelry.index(tmp_path / "in").series
    assert len(series.stacks) == 2
    for stack in series.stacks:
        volume = stack.volume()
        segmentation = Segmentation(labels=labels_on(volume), source=volume, segments=TWO)
        read = pydicom.dcmread(write_segmentation(segmentation, series, tmp_path / "seg.dcm").paths[0])
        named = {
            group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
            for group in read.PerFrameFunctionalGroupsSequence
        }
        assert named == set(volume.instance_uids)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    series, volume = source(tmp_path / "in")
    segmentation = Segmentation(labels=labels_on(volume), source=volume, segments=TWO)
    one, two, other = (
        write_segmentation(segmentation, series, tmp_path / name, seed=seed).paths[0].read_bytes()
        for name, seed in (("a.dcm", "x"), ("b.dcm", "x"), ("c.dcm", "y"))
    )
    assert one == two != other
    told = write_segmentation(segmentation, series, tmp_path / "d.dcm", created=datetime(2020, 1, 2, tzinfo=UTC))
    assert pydicom.dcmread(told.paths[0]).ContentDate == "20200102"


def test_names_in_other_letters_stay(tmp_path: Path) -> None:
    name = "Müller^Jörg"
    series, volume = source(
        tmp_path / "in", attributes={"SpecificCharacterSet": "ISO_IR 100", "PatientName": name, "PatientSex": "ODD"}
    )
    labels = labels_on(volume)
    for label in ("Body", "Körper Ж"):
        segmentation = Segmentation(labels=labels, source=volume, segments=(replace(TWO[0], label=label), TWO[1]))
        read = pydicom.dcmread(write_segmentation(segmentation, series, tmp_path / "seg.dcm").paths[0])
        assert read.PatientName == name
        assert read.SegmentSequence[0].SegmentLabel == label


# --- what segments may be ---------------------------------------------------------------------------------------------


def test_numbers_with_holes(tmp_path: Path) -> None:
    series, volume = source(tmp_path / "in")
    labels = np.where(labels_on(volume) == 1, 300, 0).astype(np.uint16)
    labels[0, 0, 0] = 7
    segments = (Segment(number=300, label="many"), Segment(number=7, label="one"), Segment(number=9, label="none"))
    segmentation = Segmentation(labels=labels, source=volume, segments=segments)
    binary = write_segmentation(segmentation, series, tmp_path / "binary.dcm")
    assert any("numbered from 1 to 3" in words for words in binary.warnings)
    sums = [int(one.array.sum()) for one in voxelry.load(binary.paths[0]).volumes]
    assert sums == [1, 0, int((labels == 300).sum())]
    labelmap = write_segmentation(segmentation, series, tmp_path / "labelmap.dcm", kind="labelmap")
    (read,) = voxelry.load(labelmap.paths[0]).volumes
    np.testing.assert_array_equal(read.array, labels)
    assert [one.SegmentNumber for one in pydicom.dcmread(labelmap.paths[0]).SegmentSequence] == [0, 7, 9, 300]


def test_an_empty_segmentation_is_one(tmp_path: Path) -> None:
    series, volume = source(tmp_path / "in")
    labels = np.zeros(volume.array.shape, np.uint8)
    written = write_segmentation(Segmentation(labels=labels, source=volume, segments=TWO), series, tmp_path / "seg.dcm")
    assert [int(one.array.sum()) for one in voxelry.load(written.paths[0]).volumes] == [0, 0]


def test_large_ones_leave_out_empty_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxelry.dicom.objects.segmentation.MOST_BYTES", 10)
    series, volume = source(tmp_path / "in")
    labels = np.zeros(volume.array.shape, np.uint8)
    labels[1:3] = 1
    written = write_segmentation(Segmentation(labels=labels, source=volume, segments=TWO), series, tmp_path / "seg.dcm")
    assert any("left out" in words for words in written.warnings)
    (one,) = voxelry.load(written.paths[0]).volumes
    assert one.array.all()
    np.testing.assert_allclose(affine_of(one)[:3, 3], (affine_of(volume) @ (1, 0, 0, 1))[:3], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"segments": (Segment(number=1, label="a"),)}, "labels 2 have no segment"),
        ({"segments": (Segment(number=1, label="a"), Segment(number=2, label=" "))}, "label of segment 2"),
        ({"segments": (Segment(number=1, label="a"), Segment(number=2, label="b" * 65))}, "label of segment 2"),
    ],
)
def test_what_cannot_be_said_is_refused(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    series, volume = source(tmp_path / "in")
    segmentation = Segmentation(labels=labels_on(volume), source=volume, segments=change["segments"])
    with pytest.raises(ParameterError, match=words):
        write_segmentation(segmentation, series, tmp_path / "seg.dcm")
    assert not (tmp_path / "seg.dcm").exists()


def test_without_a_place_it_is_refused_in_words(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", offsets=(0, 3, 9, 12, 15))
    (series,) = voxelry.index(tmp_path / "in").series
    volume = series.stacks[0].for_viewing()
    segmentation = Segmentation(labels=labels_on(volume), source=volume, segments=TWO)
    with pytest.raises(UnplacedError, match="no regular grid") as caught:
        write_segmentation(segmentation, series, tmp_path / "seg.dcm")
    assert not any(secret in str(caught.value) for secret in SECRETS)
    with pytest.raises(ParameterError, match="binary or labelmap"):
        write_segmentation(segmentation, series, tmp_path / "seg.dcm", kind="fractional")  # type: ignore[arg-type]


def test_images_without_a_frame_of_reference(tmp_path: Path) -> None:
    series, volume = source(tmp_path / "in", attributes={"FrameOfReferenceUID": None})
    segmentation = Segmentation(labels=labels_on(volume), source=volume, segments=TWO)
    written = write_segmentation(segmentation, series, tmp_path / "seg.dcm")
    assert any("frame of reference" in words for words in written.warnings)
    assert len(voxelry.load(written.paths[0]).volumes) == 2


def test_malformed_headers_stay_out_of_errors_and_logs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def spoil(_: int, dataset: pydicom.Dataset) -> None:
        dataset["PatientSex"]._value = "female or so, they said"
        dataset["PatientName"]._value = PersonName(b"a^b^c^d^e^f^g=h=i=j=k")

    with quiet:
        series, volume = source(tmp_path / "in", edit=spoil)
    segmentation = Segmentation(labels=labels_on(volume), source=volume, segments=TWO)
    written = write_segmentation(segmentation, series, tmp_path / "seg.dcm")
    assert len(voxelry.load(written.paths[0]).volumes) == 2
    assert caplog.text == ""


@pytest.mark.corpus
@pytest.mark.programs("dciodvfy")
@pytest.mark.parametrize("name", ["ct_lung_bases", "mr_liver_coronal"])
def test_real_series(tmp_path: Path, corpus: Path, name: str) -> None:
    series = next(one for one in voxelry.index(corpus / name).series if one.stacks and one.stacks[0].regular)
    volume = series.stacks[0].volume()
    labels = (volume.array > np.median(volume.array)).astype(np.uint8)
    segmentation = Segmentation(labels=labels, source=volume, segments=TWO[:1])
    written = write_segmentation(segmentation, series.stacks[0], tmp_path / "seg.dcm")
    assert not {line for line in faults(written.paths[0]) if line.startswith("Error")}
    (read,) = voxelry.load(written.paths[0]).volumes
    np.testing.assert_array_equal(read.array, labels)
    np.testing.assert_allclose(affine_of(read), affine_of(volume), atol=1e-3)


def test_what_is_derived_of_a_derived_series(tmp_path: Path) -> None:
    series, volume = source(tmp_path / "in")
    write_series(volume.array, series, tmp_path / "derived")
    (derived,) = voxelry.index(tmp_path / "derived").series
    own = derived.stacks[0].volume()
    segmentation = Segmentation(labels=labels_on(own), source=own, segments=TWO)
    assert len(voxelry.load(write_segmentation(segmentation, derived, tmp_path / "s.dcm").paths[0]).volumes) == 2
