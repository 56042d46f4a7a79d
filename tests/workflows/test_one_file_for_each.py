"""Volumes that are unlike get a file each, named by BIDS entities; those that are alike share one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import nibabel
import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

import voxelry
from tests.workflows.unlike_volumes import SLICES, Change, unlike_volumes
from voxelry.core.errors import ParameterError
from voxelry.testing import pattern, synthetic_series


def converted(
    folder: Path, changes: Sequence[Change], *, modality: str = "MR", **options: object
) -> dict[str, list[int]]:
    """Each file's name, without what all have, and the number of each of its volumes."""
    unlike_volumes(folder / "in", changes, modality=modality)
    return files_of(folder, **options)


def files_of(folder: Path, **options: object) -> dict[str, list[int]]:
    report = voxelry.convert(folder / "in", folder / "out", format="nifti", **options)  # type: ignore[arg-type]
    assert report.complete
    found = {}
    for one in report.written:
        values = np.asanyarray(nibabel.load(one.path).dataobj)  # type: ignore[attr-defined]
        volumes = values if values.ndim == 4 else values[..., None]
        assert all(len(np.unique(volumes[..., n])) == 1 for n in range(volumes.shape[3]))  # none is mixed
        name = one.path.name.removesuffix(".nii.gz")
        found[name.partition("_")[2]] = [int(values) for values in volumes[0, 0, 0]]
    return found


def ge(code: int) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        dataset.Manufacturer = "GE MEDICAL SYSTEMS"
        block = dataset.private_block(0x0043, "GEMS_PARM_01", create=True)
        block.add_new(0x2F, "SS", code)

    return change


def coil(name: str) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        block = dataset.private_block(0x0051, "SIEMENS MR HEADER", create=True)
        block.add_new(0x0F, "LO", name)

    return change


def siemens(*words: str, **more: object) -> dict[str, object]:
    return {"ImageType": ["ORIGINAL", "PRIMARY", *words], **more}


CASES: dict[str, tuple[list[Change], dict[str, list[int]]]] = {
    "echoes": (
        [{"EchoTime": 30.0, "EchoNumbers": 2}, {"EchoTime": 12.0, "EchoNumbers": 1}],
        {"echo-1": [2], "echo-2": [1]},
    ),
    "echoes of time points": (
        [{"EchoTime": te, "TemporalPositionIdentifier": t} for t in (1, 2, 3) for te in (12.0, 30.0)],
        {"echo-1": [1, 3, 5], "echo-2": [2, 4, 6]},
    ),
    "Siemens magnitude and phase": ([siemens("M", "ND"), siemens("P", "ND")], {"part-mag": [1], "part-phase": [2]}),
    "a lone magnitude of time points": (
        [siemens("M", "ND", TemporalPositionIdentifier=t) for t in (1, 2)],
        {"": [1, 2]},
    ),
    "both parts of both echoes": (
        [siemens(p, "ND", EchoTime=te) for te in (5.0, 7.5) for p in "MP"],
        {"echo-1_part-mag": [1], "echo-1_part-phase": [2], "echo-2_part-mag": [3], "echo-2_part-phase": [4]},
    ),
    "Philips' four parts in a classic series": (
        [siemens("M_FFE", "M", "FFE"), siemens("PHASE MAP", "P", "FFE"), siemens("R_FFE", "R", "FFE"),
         siemens("I_FFE", "I", "FFE")],
        {"part-mag": [1], "part-phase": [2], "part-real": [3], "part-imag": [4]},
    ),
    "GE's codes": ([ge(n) for n in range(4)], {"part-mag": [1], "part-phase": [2], "part-real": [3], "part-imag": [4]}),
    "a field map in Hz": (
        [siemens("M_FFE", "M", "FFE"), {**siemens("B0 MAP", "B0", "UNSPECIFIED"), "RescaleType": "Hz",
                                        "RescaleSlope": 1, "RescaleIntercept": 0}],
        {"": [1], "fieldmap": [2]},
    ),
    "coils": ([coil("H10"), coil("H2"), coil("H1")], {"coil-1": [3], "coil-2": [2], "coil-3": [1]}),
    "coils by the standard": (
        [{"ReceiveCoilName": "C:2"}, {"ReceiveCoilName": "C:1"}], {"coil-1": [2], "coil-2": [1]},
    ),
    "diffusion and its maps": (
        [{**siemens("DIFFUSION", "NONE"), "DiffusionBValue": 0.0},
         {**siemens("DIFFUSION", "NONE"), "DiffusionBValue": 1000.0, "DiffusionGradientOrientation": [1.0, 0.0, 0.0]},
         {**siemens("DIFFUSION", "NONE"), "DiffusionBValue": 1000.0, "DiffusionGradientOrientation": [0.0, 1.0, 0.0]},
         {**siemens("DIFFUSION", "TRACEW"), "DiffusionBValue": 1000.0, "DiffusionDirectionality": "ISOTROPIC"},
         siemens("DIFFUSION", "ADC"), siemens("DIFFUSION", "FA")],
        {"": [1, 2, 3], "trace": [4], "ADC": [5], "FA": [6]},
    ),
    "trace-weighted images alone": (
        [{**siemens("DIFFUSION", "TRACEW"), "DiffusionBValue": b} for b in (0.0, 500.0, 1000.0)], {"": [1, 2, 3]},
    ),
    "maps": ([siemens("T1 MAP"), siemens("T2 MAP"), siemens("T2_STAR MAP")],
             {"T1map": [1], "T2map": [2], "T2starmap": [3]}),
    "water and fat": ([siemens("WATER"), siemens("FAT"), siemens("IN_PHASE"), siemens("OPP_PHASE")],
                      {"water": [1], "fat": [2], "inphase": [3], "oppphase": [4]}),
    "inversion times": ([{"InversionTime": 2500.0}, {"InversionTime": 700.0}], {"inv-1": [2], "inv-2": [1]}),
    "delays of perfusion": (
        [{"InversionTime": ti, "SequenceName": "tgse_pasl"} for ti in (700.0, 1200.0)], {"": [1, 2]},
    ),
    "flip angles": ([{"FlipAngle": 20.0}, {"FlipAngle": 3.0}], {"flip-1": [2], "flip-2": [1]}),
    "label and control": ([{"ASLContext": one} for one in ("CONTROL", "LABEL")], {"": [1, 2]}),
    "phases of the heart": ([{"TriggerTime": t} for t in (0.0, 40.0, 80.0)], {"": [1, 2, 3]}),
    "what no map is called": (
        [siemens("M", "ND"), siemens("M", "NORM"), siemens("M", "DIS2D")],
        {"rec-ND": [1], "rec-NORM": [2], "rec-DIS2D": [3]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_unlike_volumes_have_a_file_each(tmp_path: Path, case: str) -> None:
    changes, expected = CASES[case]
    assert converted(tmp_path, changes) == expected
    assert len(voxelry.load(tmp_path / "in").volumes) == len(changes)  # of a volume each


def test_dynamic_ct_stays_one_file(tmp_path: Path) -> None:
    times: list[Change] = [{"AcquisitionTime": f"1200{n:02d}.00", "AcquisitionDate": "20200101"} for n in (0, 5, 10)]
    assert converted(tmp_path, times, modality="CT") == {"": [1, 2, 3]}


def test_kernels_and_energies_of_ct_are_unlike(tmp_path: Path) -> None:
    assert converted(tmp_path / "a", [{"ConvolutionKernel": k} for k in ("Br40", "Br64")], modality="CT") == {
        "rec-Br40": [1],
        "rec-Br64": [2],
    }
    assert converted(tmp_path / "b", [{"KVP": k} for k in (140, 80)], modality="CT") == {"kv-80": [2], "kv-140": [1]}


def test_frames_of_one_enhanced_object_are_kept_apart_too(tmp_path: Path) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        for number, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            kind, part = divmod(number // SLICES, 2)
            group.PlanePositionSequence[0].ImagePositionPatient = [0.0, 0.0, 3.0 * (number % SLICES)]
            frame_type, echo = Dataset(), Dataset()
            frame_type.FrameType = ["ORIGINAL", "PRIMARY", "M_FFE" if part == 0 else "PHASE MAP", "NONE"]
            frame_type.ComplexImageComponent = "MAGNITUDE" if part == 0 else "PHASE"
            echo.EffectiveEchoTime = (4.6, 9.2)[kind]
            group.MRImageFrameTypeSequence = DicomSequence([frame_type])
            group.MREchoSequence = DicomSequence([echo])

    pixels = np.repeat(np.arange(1, 5, dtype=np.uint16), SLICES)[:, None, None] * np.ones((1, 8, 10), np.uint16)
    synthetic_series(
        tmp_path / "in", seed=3, slices=4 * SLICES, pixels=pixels, modality="MR", rescale=None, frames="enhanced",
        edit=edit,
    )  # fmt: skip
    expected = {"echo-1_part-mag": [1], "echo-1_part-phase": [2], "echo-2_part-mag": [3], "echo-2_part-phase": [4]}
    assert files_of(tmp_path) == expected


def test_a_file_that_is_named_has_the_entities_behind_its_name(tmp_path: Path) -> None:
    unlike_volumes(tmp_path / "in", [siemens("M", "ND"), siemens("P", "ND")])
    report = voxelry.convert(tmp_path / "in", tmp_path / "scan.nii")
    assert [one.path.name for one in report.written] == ["scan_part-mag.nii", "scan_part-phase.nii"]
    again = voxelry.convert(tmp_path / "in", tmp_path / "scan.nii")
    assert [one.fresh for one in again.written] == [False, False]


def test_a_template_says_where_entities_go(tmp_path: Path) -> None:
    unlike_volumes(tmp_path / "in", [{"EchoTime": 5.0}, {"EchoTime": 7.5}])
    report = voxelry.convert(
        tmp_path / "in", tmp_path, format="nifti", name="sub-01/func/sub-01_task-rest_{entities}_bold"
    )
    assert [str(one.path.relative_to(tmp_path)) for one in report.written] == [
        "sub-01/func/sub-01_task-rest_echo-1_bold.nii.gz",
        "sub-01/func/sub-01_task-rest_echo-2_bold.nii.gz",
    ]
    single = voxelry.convert(tmp_path / "in" / "0", tmp_path, format="nifti", name="x_{entities}_bold")
    assert [one.path.name for one in single.written] == ["x_bold.nii.gz"]


@pytest.mark.parametrize("suffix", ["nrrd", "hdf5", "zarr", "npz", "metaimage"])
def test_every_format_of_several_volumes_has_the_same_files(tmp_path: Path, suffix: str) -> None:
    unlike_volumes(tmp_path / "in", [siemens(p, "ND", TemporalPositionIdentifier=t) for t in (1, 2) for p in "MP"])
    report = voxelry.convert(tmp_path / "in", tmp_path / "out", format=suffix)
    assert sorted(one.path.name.partition("_")[2].partition(".")[0] for one in report.written) == [
        "part-mag",
        "part-phase",
    ]
    assert {one.shape for one in report.written} == {(2, SLICES, 8, 10)}


def test_a_series_of_dicom_stays_one(tmp_path: Path) -> None:
    unlike_volumes(tmp_path / "in", [siemens("M", "ND"), siemens("P", "ND")])
    (one,) = voxelry.convert(tmp_path / "in", tmp_path / "out", format="dicom").written
    assert one.files == 2 * SLICES


def test_an_image_reformatted_onto_the_same_grid_is_no_time_point(tmp_path: Path) -> None:
    changes: list[Change] = [siemens("M"), {"ImageType": ["DERIVED", "SECONDARY", "MPR"]}]
    assert converted(tmp_path, changes) == {"": [1], "mpr": [2]}


def test_kinds_are_left_out_where_it_is_asked_for(tmp_path: Path) -> None:
    changes: list[Change] = [siemens("M"), {"ImageType": ["DERIVED", "PRIMARY", "ADC"]}]
    unlike_volumes(tmp_path / "in", changes)
    unlike_volumes(tmp_path / "in" / "scout", [siemens("LOCALIZER")], seed=8)
    assert len(voxelry.convert(tmp_path / "in", tmp_path / "all", format="nifti").written) == 3
    report = voxelry.convert(tmp_path / "in", tmp_path / "some", format="nifti", leave_out=["localizer", "derived"])
    assert [one.path.name.endswith("_ADC.nii.gz") for one in report.written] == [False]
    assert report.complete
    assert len(report.skipped) == 2 * SLICES
    assert {problem.code for problem in report.skipped.values()} == {"left_out"}
    maps = voxelry.convert(tmp_path / "in", tmp_path / "maps", format="nifti", leave_out=["map"])
    assert len(maps.written) == 2
    for wrong in (["mips"], "localizer"):
        with pytest.raises(ParameterError, match="there are localizer, derived"):
            voxelry.convert(tmp_path / "in", tmp_path / "x", format="nifti", leave_out=wrong)  # type: ignore[arg-type]


def test_frames_of_one_file_of_which_some_are_left_out(tmp_path: Path) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        for number, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            frame_type = Dataset()
            frame_type.FrameType = ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"] if number >= SLICES else [
                "ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"]  # fmt: skip
            group.PlanePositionSequence[0].ImagePositionPatient = [0.0, 0.0, 3.0 * (number % SLICES)]
            group.MRImageFrameTypeSequence = DicomSequence([frame_type])

    synthetic_series(
        tmp_path / "in", seed=3, slices=2 * SLICES, pixels=pattern((2 * SLICES, 8, 10)), modality="MR", rescale=None,
        frames="enhanced", edit=edit,
    )  # fmt: skip
    report = voxelry.convert(tmp_path / "in", tmp_path / "out", format="nifti", leave_out=["map"])
    assert [one.shape for one in report.written] == [(SLICES, 8, 10)]
    assert [problem.code for problem in report.skipped.values()] == ["left_out"]
    every = voxelry.convert(tmp_path / "in", tmp_path / "out", format="nifti")
    assert {one.path.name.count("ADC"): one.fresh for one in every.written} == {0: False, 1: True}
