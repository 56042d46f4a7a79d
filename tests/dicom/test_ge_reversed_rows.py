"""GE's epi_pepolar: volumes whose rows are stored in reverse order lie where they lie, and not mirrored."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.dataset import Dataset

import voxelry
from voxelry.testing import OBLIQUE, synthetic_series

SLICES, ROWS, COLUMNS = 3, 6, 5
MODES = {0: (False, False), 1: (True, True), 2: (True, False), 3: (False, True)}
"""Which of two volumes are reversed."""


def scene() -> npt.NDArray[np.uint16]:
    """Two volumes of one object, as it lies."""
    own = np.arange(SLICES * ROWS * COLUMNS, dtype=np.uint16).reshape(SLICES, ROWS, COLUMNS)
    return np.stack([own, own + 1000])


def written(folder: Path, mode: int, *, phase: str = "COL", sequence: str = "research/epi_pepolar") -> None:
    stored = scene()
    for volume, is_reversed in enumerate(MODES[mode]):
        if is_reversed:
            stored[volume] = stored[volume][:, ::-1]

    def edit(index: int, dataset: Dataset) -> None:
        block = dataset.private_block(0x19, "GEMS_ACQU_01", create=True)
        block.add_new(0x9C, "LO", sequence)
        block.add_new(0xB3, "DS", f"{mode}.000000")
        dataset.private_block(0x43, "GEMS_PARM_01", create=True).add_new(0x2C, "SS", 500)
        dataset.private_block(0x21, "GEMS_RELA_01", create=True).add_new(0x4F, "SS", SLICES)
        dataset.ImagesInAcquisition, dataset.TemporalPositionIdentifier = 2 * SLICES, index // SLICES + 1
        dataset.NumberOfTemporalPositions = 2

    attributes = {
        "Manufacturer": "GE MEDICAL SYSTEMS", "ScanningSequence": ["EP", "RM"], "MRAcquisitionType": "2D",
        "InPlanePhaseEncodingDirection": phase, "RectilinearPhaseEncodeReordering": "LINEAR",
        "RepetitionTime": "7400", "AcquisitionMatrix": [COLUMNS, 0, 0, ROWS],
    }  # fmt: skip
    synthetic_series(
        folder, pixels=stored.reshape(-1, ROWS, COLUMNS), offsets=[3.0 * k for k in range(SLICES)] * 2, modality="MR",
        rescale=None, orientation=OBLIQUE, attributes=attributes, edit=edit,
    )  # fmt: skip


def by_place(volume: Any) -> dict[tuple[float, ...], int]:
    """Values by where they lie, LPS."""
    index = np.moveaxis(np.indices(volume.array.shape), 0, -1).reshape(-1, 3)
    places = index @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    return {
        tuple(np.round(place, 3) + 0.0): int(value) for place, value in zip(places, volume.array.ravel(), strict=True)
    }


def truth(tmp_path: Path) -> list[dict[tuple[float, ...], int]]:
    written(tmp_path / "truth", 0)
    return [by_place(volume) for volume in voxelry.load(tmp_path / "truth").volumes]


@pytest.mark.parametrize("mode", MODES)
def test_each_value_lies_where_it_was_acquired(tmp_path: Path, mode: int) -> None:
    written(tmp_path / "in", mode)
    volumes = voxelry.load(tmp_path / "in").volumes
    found = sorted((by_place(volume) for volume in volumes), key=lambda values: min(values.values()))
    assert found == truth(tmp_path)
    told = [any("epi_pepolar" in words for words in volume.warnings) for volume in volumes]
    assert sum(told) == sum(MODES[mode])


def test_written_to_dicom_again_they_lie_there_too(tmp_path: Path) -> None:
    """As other objects, whose headers say it themselves."""
    written(tmp_path / "in", 2)
    assert voxelry.convert(tmp_path / "in", tmp_path / "out", format="dicom").complete
    volumes = voxelry.load(tmp_path / "out").volumes
    found = sorted((by_place(volume) for volume in volumes), key=lambda values: min(values.values()))
    assert found == truth(tmp_path)
    assert not [words for volume in volumes for words in volume.warnings if "epi_pepolar" in words]


def test_other_sequences_are_left_alone(tmp_path: Path) -> None:
    written(tmp_path / "in", 2, sequence="epi2")
    own, _ = (by_place(volume) for volume in voxelry.load(tmp_path / "in").volumes)
    assert own != truth(tmp_path)[0]


@pytest.mark.parametrize("spoil", ["file", "rows", "first volume", "second volume"])
def test_what_is_not_known_is_told(tmp_path: Path, spoil: str) -> None:
    written(tmp_path / "in", 2, phase="ROW" if spoil == "rows" else "COL")
    if spoil == "file":
        sorted((tmp_path / "in").iterdir())[1].unlink()
    if "volume" in spoil:
        for path in (tmp_path / "in").iterdir():
            if (pydicom.dcmread(path).InstanceNumber <= SLICES) == (spoil == "first volume"):
                path.unlink()
    volumes = voxelry.load(tmp_path / "in", on_irregular="resample").volumes
    assert volumes
    for volume in volumes:
        assert any("may be mirrored" in words for words in volume.warnings)


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize("mode", [1, 2, 3])
def test_dcm2niix_says_the_same(tmp_path: Path, mode: int) -> None:
    """Values in the world, and the direction of phase encoding of each file."""
    import nibabel

    written(tmp_path / "in", mode)
    assert voxelry.convert(tmp_path / "in", tmp_path / "ours", format="nifti").complete
    (tmp_path / "theirs").mkdir()
    command = ["dcm2niix", "-z", "n", "-b", "y", "-f", "%s", "-o", str(tmp_path / "theirs"), str(tmp_path / "in")]
    subprocess.run(command, capture_output=True, check=True)

    def files(folder: Path) -> list[tuple[Any, Any, Any]]:
        found: list[tuple[Any, Any, Any]] = []
        for path in sorted(folder.glob("*.nii*")):
            image: Any = nibabel.nifti1.Nifti1Image.from_filename(str(path))  # type: ignore[no-untyped-call, unused-ignore]
            image = nibabel.funcs.as_closest_canonical(image)  # type: ignore[no-untyped-call, unused-ignore]
            said = json.loads((folder / (path.name.split(".")[0] + ".json")).read_text())
            told = said["PhaseEncodingDirection"]
            # Until February 2023 it had GE's polarity the wrong way round (its issue 674).
            older = "v1.0.2" < said["ConversionSoftwareVersion"] < "v1.0.20230202"
            own: Any = nibabel.nifti1.Nifti1Image.from_filename(str(path))  # type: ignore[no-untyped-call, unused-ignore]
            axis = own.affine[:3, "ijk".index(told[0])] * (-1 if told.endswith("-") else 1) * (-1 if older else 1)
            values = np.asarray(image.dataobj).reshape(*image.shape[:3], -1)
            found.append((values, image.affine, axis / np.linalg.norm(axis)))
        return sorted(found, key=lambda one: int(one[0].min()))

    ours, theirs = files(tmp_path / "ours"), files(tmp_path / "theirs")
    assert len(ours) == len(theirs) == len(set(MODES[mode]))
    for own, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(own[0], other[0])
        np.testing.assert_allclose(own[1], other[1], atol=1e-4)
        np.testing.assert_allclose(own[2], other[2], atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_sidecars_tell_the_polarity_of_each_volume_and_the_orientation_of_its_header(tmp_path: Path, mode: int) -> None:
    """LINEAR is the polarity of the volumes that are not reversed: as GE calls it, flipped."""
    written(tmp_path / "in", mode)
    report = voxelry.convert(tmp_path / "in", tmp_path / "out", format=".nii")
    told = [json.loads(one.path.with_suffix(".json").read_text()) for one in report.written]
    assert {"Unflipped" if is_reversed else "Flipped" for is_reversed in MODES[mode]} == {
        fields["PhaseEncodingPolarityGE"] for fields in told
    }
    for fields in told:
        np.testing.assert_allclose(fields["ImageOrientationPatientDICOM"], OBLIQUE, atol=1e-6)
