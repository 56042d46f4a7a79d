"""GE's echo planar series of several volumes: the pause behind each volume, and the order of diffusion's slices."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

import voxelry
from tests.dicom.test_slice_timing import ge_protocol
from voxelry.testing import synthetic_series

TR = 2.0
RELEASE = "28\\LX\\MR Software release:DV28.0_R02_1947.a"


def written(
    folder: Path,
    *,
    slices: int = 6,
    bands: int = 1,
    pause: float = 0.0,
    sequence: str = "EPI",
    model: str = "SIGNA Pioneer",
    switch: str = "",
) -> None:
    """Two volumes whose clocks tell nothing, as epiRT and epi2 write them."""
    words = f'set IOPT "EPI, FMRI"\nset SLICEORDER "1"\nset NOSLC "{slices}"\nset MBACCEL "{bands}"\n'
    if sequence == "EPI2":
        words = words.replace("FMRI", "DIFF")
    protocol = ge_protocol(words, pause=pause, bands=f"{bands}\\4\\19")

    def edit(index: int, dataset: Dataset) -> None:
        protocol(index, dataset)
        block = dataset.private_block(0x19, "GEMS_ACQU_01", create=True)
        if sequence == "EPI":
            block.add_new(0x9C, "LO", "epiRT")
        block.add_new(0x9E, "LO", sequence)
        if switch:
            block.add_new(0xB6, "DS", switch)
        if sequence == "EPI2":
            block.add_new(0xBB, "DS", "0" if index < slices else "1")
            block.add_new(0xBC, "DS", "0")
            block.add_new(0xBD, "DS", "0")
            own = dataset.private_block(0x43, "GEMS_PARM_01")
            own.add_new(0x30, "SS", 14 if index < slices else 16)
            own.add_new(0x39, "IS", ["0" if index < slices else "1000", "8", "0", "0"])
        arms = dataset.private_block(0x27, "GEMS_IMAG_01", create=True)
        for element, number in ((0x60, 64.0), (0x61, 32.0), (0x62, 1.0)):
            arms.add_new(element, "FL", number)
        dataset.AcquisitionTime, dataset.TemporalPositionIdentifier = "120000", index // slices + 1

    attributes = {
        "Manufacturer": "GE MEDICAL SYSTEMS", "ManufacturerModelName": model, "SoftwareVersions": RELEASE.split("\\"),
        "MRAcquisitionType": "2D", "ScanningSequence": ["EP", "GR" if sequence == "EPI" else "SE"],
        "RepetitionTime": f"{1000 * TR:g}",
        "EchoTime": "30", "InPlanePhaseEncodingDirection": "COL", "AcquisitionMatrix": [5, 0, 0, 5],
        "ImagesInAcquisition": 2 * slices,
    }  # fmt: skip
    pixels = np.arange(2 * slices * 25, dtype=np.uint16).reshape(2 * slices, 5, 5)
    synthetic_series(
        folder, pixels=pixels, offsets=[3.0 * k for k in range(slices)] * 2, modality="MR", rescale=None,
        attributes=attributes, edit=edit,
    )  # fmt: skip


def ours(folder: Path) -> dict[str, Any]:
    assert voxelry.convert(folder / "in", folder / "ours.nii").complete
    found: dict[str, Any] = json.loads((folder / "ours.json").read_text())
    return found


def theirs(folder: Path) -> dict[str, Any]:
    command = ["dcm2niix", "-z", "n", "-b", "o", "-f", "theirs", "-o", str(folder), str(folder / "in")]
    subprocess.run(command, capture_output=True, check=True)
    found: dict[str, Any] = json.loads((folder / "theirs.json").read_text())
    return found


@pytest.mark.parametrize("pause", [0.0, 0.033, 3.0])
def test_volumes_follow_each_other_after_the_pause(tmp_path: Path, pause: float) -> None:
    """GE's Repetition Time (0018,0080) is without it; slices fill that alone."""
    import nibabel

    written(tmp_path / "in", pause=pause)
    told = ours(tmp_path)
    assert told["RepetitionTime"] == pytest.approx(TR + pause)
    assert max(told["SliceTiming"]) == pytest.approx(TR * 5 / 6, abs=1e-6)
    assert [told[f"NumberOf{name}"] for name in ("PointsPerArm", "Arms", "Excitations")] == [64, 32, 1]
    image: Any = nibabel.nifti1.Nifti1Image.from_filename(str(tmp_path / "ours.nii"))  # type: ignore[no-untyped-call, unused-ignore]
    assert image.header["pixdim"][4] == pytest.approx(TR + pause)


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize(("pause", "bands", "slices"), [(0.0, 1, 6), (0.033, 1, 7), (0.5, 3, 12), (0.0, 2, 10)])
def test_dcm2niix_says_the_same_of_the_pause(tmp_path: Path, pause: float, bands: int, slices: int) -> None:
    written(tmp_path / "in", pause=pause, bands=bands, slices=slices)
    told, other = ours(tmp_path), theirs(tmp_path)
    assert told["RepetitionTime"] == pytest.approx(other["RepetitionTime"])
    np.testing.assert_allclose(told["SliceTiming"], other["SliceTiming"], atol=2e-5)


@pytest.mark.parametrize(
    ("slices", "bands", "turns"),
    [(5, 1, [0, 3, 1, 4, 2]), (6, 1, [0, 3, 1, 4, 2, 5]), (6, 2, [0, 2, 1]), (8, 2, [0, 3, 1, 4, 2])],
)
def test_slices_of_diffusion_are_interleaved(tmp_path: Path, slices: int, bands: int, turns: list[int]) -> None:
    """An even number of excitations of several slices is made odd, as before GE's newer order."""
    written(tmp_path / "in", sequence="EPI2", slices=slices, bands=bands)
    expected = [turns[place % len(turns)] * TR / len(turns) for place in range(slices)]
    np.testing.assert_allclose(ours(tmp_path)["SliceTiming"], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "switch", "known"),
    [
        ("SIGNA Premier", "", False), ("SIGNA Premier", "0.72", True), ("SIGNA Premier", "0.53", False),
        ("SIGNA UHP", "0.53", True), ("SIGNA UHP", "0", False), ("SIGNA 7T", "1.0", True), ("SIGNA 7T", "", False),
    ],
)  # fmt: skip
def test_slices_that_may_be_spread_over_several_repetition_times_have_none(
    tmp_path: Path, model: str, switch: str, known: bool
) -> None:
    written(tmp_path / "in", sequence="EPI2", model=model, switch=switch)
    assert ("SliceTiming" in ours(tmp_path)) == known


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize(("slices", "bands"), [(6, 1), (7, 1), (9, 3)])
def test_dcm2niix_says_the_same_of_diffusion(tmp_path: Path, slices: int, bands: int) -> None:
    """Where the number of excitations is odd or of single slices: of others it takes the order of other sequences."""
    written(tmp_path / "in", sequence="EPI2", slices=slices, bands=bands)
    np.testing.assert_allclose(ours(tmp_path)["SliceTiming"], theirs(tmp_path)["SliceTiming"], atol=2e-5)
