"""How images were acquired: the direction of phase encoding, echo spacing and acceleration, of each maker."""

from __future__ import annotations

import json
import struct
import subprocess
from itertools import permutations, product
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

import voxelry
from voxelry.dicom.acquisition.scan_facts import scan_facts
from voxelry.dicom.headers.siemens_csa import read_csa
from voxelry.testing import (
    CORONAL,
    OBLIQUE,
    SAGITTAL,
    csa_header,
    siemens_protocol,
    synthetic_epi,
    synthetic_grids,
    synthetic_mosaics,
    synthetic_series,
)
from voxelry.testing.epi import EpiMaker

Along = Literal["row", "column"]
MAKERS = get_args(EpiMaker)
SAID = ("Siemens", "Siemens XA", "GE", "UIH")
"""Those who write the polarity."""
CODES = ["".join(letters) for order in permutations(("RL", "AP", "SI")) for letters in product(*order)]


def converted(source: Path, target: Path, **options: Any) -> tuple[dict[str, Any], Any]:
    """The sidecar, and the image as nibabel reads it."""
    import nibabel

    assert voxelry.convert(source, target, options=options).complete
    image: Any = nibabel.nifti1.Nifti1Image.from_filename(str(target))  # type: ignore[no-untyped-call, unused-ignore]
    return json.loads(target.with_suffix(".json").read_text()), image


def ramp(along: Along) -> npt.NDArray[np.uint16]:
    """Values that grow with the row number, or the column number."""
    _, rows, columns = np.indices((4, 12, 10))
    return np.asarray((columns if along == "row" else rows) * 10, np.uint16)


def grows_towards(image: Any, direction: str) -> bool:
    """True if the file's values grow along a direction as BIDS names it; they must change along no other."""
    axis = "ijk".index(direction[0])
    values = np.moveaxis(np.asarray(image.dataobj, dtype=float), axis, 0).reshape(image.shape[axis], -1)
    steps = np.diff(values, axis=0)
    assert (steps > 0).all() or (steps < 0).all()
    return bool((steps > 0).all()) != direction.endswith("-")


@pytest.mark.parametrize(("along", "positive"), [("column", True), ("row", False)])
def test_the_direction_follows_all_48_orders_of_the_axes(tmp_path: Path, along: Along, positive: bool) -> None:
    synthetic_epi(tmp_path / "in", along=along, positive=positive, pixels=ramp(along), orientation=OBLIQUE)
    assert len(set(CODES)) == 48
    axes = set()
    for code in CODES:
        told, image = converted(tmp_path / "in", tmp_path / f"{code}.nii", reorient=code)
        assert grows_towards(image, told["PhaseEncodingDirection"]) == positive
        axes.add(told["PhaseEncodingDirection"])
    assert axes == {"i", "i-", "j", "j-", "k", "k-"}


@pytest.mark.parametrize("orientation", [SAGITTAL, OBLIQUE])
@pytest.mark.parametrize(("along", "positive"), list(product(("row", "column"), (True, False))))
@pytest.mark.parametrize("maker", SAID)
def test_every_maker_s_polarity(
    tmp_path: Path, maker: EpiMaker, along: Along, positive: bool, orientation: tuple[float, ...]
) -> None:
    synthetic_epi(
        tmp_path / "in", maker=maker, along=along, positive=positive, pixels=ramp(along), orientation=orientation
    )
    told, image = converted(tmp_path / "in", tmp_path / "out.nii")
    assert told["PhaseEncodingDirection"][0] == {"row": "i", "column": "j"}[along]
    assert grows_towards(image, told["PhaseEncodingDirection"]) == positive
    assert "PhaseEncodingAxis" not in told


@pytest.mark.parametrize("against_normal", [False, True])
@pytest.mark.parametrize(("along", "positive"), list(product(("row", "column"), (True, False))))
def test_mosaics_have_the_direction_of_their_slices(
    tmp_path: Path, along: Along, positive: bool, against_normal: bool
) -> None:
    """The tiles' order says nothing of the axes within them."""

    def edit(_: int, dataset: Any) -> None:
        dataset.InPlanePhaseEncodingDirection = "COL" if along == "column" else "ROW"
        block = dataset.private_block(0x29, "SIEMENS CSA HEADER")
        own = {name: list(values) for name, values in read_csa(block[0x10].value).items()}
        content = csa_header(own | {"PhaseEncodingDirectionPositive": ["1" if positive else "0"]})
        block[0x10].value = content + b"\0" * (len(content) % 2)

    synthetic_mosaics(tmp_path / "in", volumes=2, slices=5, against_normal=against_normal, edit=edit)
    told, image = converted(tmp_path / "in", tmp_path / "out.nii", reorient="RAS")
    stack = voxelry.index(tmp_path / "in").series[0].stacks[0]
    cosines = stack.orientation[:3] if along == "row" else stack.orientation[3:]
    expected = cosines * [-1, -1, 1] * (1 if positive else -1)  # LPS to RAS
    found = vector(image, told["PhaseEncodingDirection"])
    assert found @ expected > 0.99


@pytest.mark.parametrize(
    ("words", "corrected"),
    [(["M", "DIS2D"], True), (["P", "ND"], False), (["M", "DIS3D", "NORM"], True), (["M"], None)],
)
def test_siemens_words_of_corrected_gradients_and_echoes_of_phases(
    tmp_path: Path, words: list[str], corrected: bool | None
) -> None:
    def edit(_: int, dataset: Any) -> None:
        dataset.ImageType = ["ORIGINAL", "PRIMARY", *words]
        content = csa_header({"MrPhoenixProtocol": [siemens_protocol({"alTE[0]": 4920, "alTE[1]": 7380})]})
        block = dataset.private_block(0x29, "SIEMENS CSA HEADER", create=True)
        block.add_new(0x20, "OB", content + b"\0" * (len(content) % 2))

    synthetic_series(tmp_path / "in", modality="MR", rescale=None, attributes={"Manufacturer": "SIEMENS"}, edit=edit)
    told, _ = converted(tmp_path / "in", tmp_path / "out.nii")
    assert told.get("NonlinearGradientCorrection") == corrected
    echoes = (0.00492, 0.00738) if "P" in words else (None, None)
    assert (told.get("EchoTime1"), told.get("EchoTime2")) == echoes


@pytest.mark.parametrize(("along", "axis"), [("row", "i"), ("column", "j")])
def test_without_a_polarity_only_the_axis_is_told(tmp_path: Path, along: Along, axis: str) -> None:
    synthetic_epi(tmp_path / "in", maker="Philips", along=along)
    told, _ = converted(tmp_path / "in", tmp_path / "out.nii")
    assert (told["PhaseEncodingAxis"], told.get("PhaseEncodingDirection")) == (axis, None)


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [(22.0, 0.022), (18.0, 0.018), (16.0, None), (60.0, None), (93.84, None), (0.022, None), (None, None)],
)
@pytest.mark.parametrize("sequence", ["EP", "SE"])
def test_uih_s_acquisition_duration_is_a_readout_s_where_its_echoes_take_so_long(
    tmp_path: Path, sequence: str, duration: float | None, seconds: float | None
) -> None:
    """32 echoes are sampled in 18.3 ms."""

    def edit(_: int, dataset: Any) -> None:
        own = dataset.private_block(0x65, "Image Private Header", create=True)
        own.add_new(0x05, "SH", "A->P")
        own.add_new(0x0D, "SH", "F:2P")

    words = {"Manufacturer": "UIH", "ScanningSequence": sequence, "EchoTrainLength": "32", "PixelBandwidth": "1750"}
    attributes = {**words, "AcquisitionDuration": duration}
    synthetic_series(tmp_path / "in", modality="MR", rescale=None, attributes=attributes, edit=edit)
    told, _ = converted(tmp_path / "in", tmp_path / "out.nii")
    assert told.get("TotalReadoutTime") == (seconds if sequence == "EP" else None)
    assert (told["PhaseEncodingDirectionDisplayed"], told["ParallelReductionFactorInPlane"]) == ("A->P", 2)


@pytest.mark.parametrize(("content", "seconds"), [(21.0, 0.021), ("x", None), (None, None)])
def test_uih_s_grids_have_it_beside_each_slice(tmp_path: Path, content: object, seconds: float | None) -> None:
    def edit(_: int, dataset: Any) -> None:
        dataset.ScanningSequence, dataset.EchoTrainLength, dataset.PixelBandwidth = "EP", "32", "1750"
        block = dataset.private_block(0x65, "Image Private Header")
        for item in dataset[block.get_tag(0x51)].value:
            if isinstance(content, float):
                item.AcquisitionDuration = content
            elif content is not None:
                item.add_new(0x00189073, "LO", content)

    synthetic_grids(tmp_path / "in", slices=5, edit=edit)
    told, _ = converted(tmp_path / "in", tmp_path / "out.nii")
    assert told.get("TotalReadoutTime") == seconds


@pytest.mark.parametrize(
    ("maker", "settings", "expected"),
    [
        (
            "Siemens",
            {"bandwidth": 20.0, "factor": 2, "bands": 4},
            {
                "EffectiveEchoSpacing": 1 / 240, "TotalReadoutTime": 11 / 240, "BandwidthPerPixelPhaseEncode": 20.0,
                "ReconMatrixPE": 12, "AcquisitionMatrixPE": 12, "ParallelReductionFactorInPlane": 2,
                "MultibandAccelerationFactor": 4, "PartialFourier": 0.75, "MatrixCoilMode": "GRAPPA",
                "BaseResolution": 64, "ShimSetting": [-12, 30, 7, 0, 0, 0, 0, 0], "TxRefAmp": 250.5,
                "PulseSequenceDetails": "%SiemensSeq%\\ep2d_bold", "CoilString": "HEA;HEP", "DwellTime": 3.2e-6,
                "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MAGNITUDE"], "Manufacturer": "Siemens",
                "DerivedVendorReportedEchoSpacing": 2 / 240, "CoilCombinationMethod": "Adaptive Combine",
                "NonlinearGradientCorrection": False,
            },
        ),
        (
            "Siemens XA",
            {"bandwidth": 20.0, "factor": 2, "bands": 3, "along": "row"},
            {
                "EffectiveEchoSpacing": 1 / 200, "TotalReadoutTime": 9 / 200, "ReconMatrixPE": 10,
                "AcquisitionMatrixPE": 10, "ParallelReductionFactorInPlane": 2, "MultibandAccelerationFactor": 3,
                "RepetitionTime": 2.0, "EchoTime": 0.03, "FlipAngle": 77.0, "Manufacturer": "Siemens",
                "ScanningSequence": "EP", "SequenceVariant": "SK\\SS", "ScanOptions": "PFP\\FS",
                "InPlanePhaseEncodingDirectionDICOM": "ROW", "ImageTypeText": ["ORIGINAL", "PRIMARY", "M", "ND"],
                "ImageType": ["ORIGINAL", "PRIMARY", "VOLUME", "NONE", "MAGNITUDE"],
            },
        ),
        (  # 12 lines, of which two thirds are acquired: 8 in steps of 2
            "GE",
            {"factor": 1.5, "bands": 2},
            {
                "EffectiveEchoSpacing": 7 * 500e-6 / 11, "TotalReadoutTime": 7 * 500e-6, "Manufacturer": "GE",
                "ParallelReductionFactorInPlane": 1.5, "MultibandAccelerationFactor": 2,
                "PhaseEncodingPolarityGE": "Unflipped", "ImageType": ["ORIGINAL", "PRIMARY", "MAGNITUDE"],
            },
        ),
        (
            "UIH",
            {"factor": 1.5, "bandwidth": 20.0},
            {
                "ParallelReductionFactorInPlane": 1.5, "Manufacturer": "UIH", "EffectiveEchoSpacing": 1 / 240,
                "TotalReadoutTime": 11 / 240, "BandwidthPerPixelPhaseEncode": 20.0,
                "DerivedVendorReportedEchoSpacing": 1.5 / 240,
            },
        ),
        (
            "Philips",
            {"factor": 1.8},
            {
                "EstimatedTotalReadoutTime": 12 / (127.75 * 3.4 * 44) * 43, "WaterFatShift": 12.0,
                "EstimatedEffectiveEchoSpacing": 12 / (127.75 * 3.4 * 44) * 43 / 11, "Manufacturer": "Philips",
                "ParallelReductionFactorInPlane": 1.8, "EffectiveEchoSpacing": None, "TotalReadoutTime": None,
                "ImageType": ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE", "MAGNITUDE"],
            },
        ),
    ],
)  # fmt: skip
def test_spacing_and_acceleration_in_the_units_of_bids(
    tmp_path: Path, maker: EpiMaker, settings: dict[str, Any], expected: dict[str, Any]
) -> None:
    synthetic_epi(tmp_path / "in", maker=maker, **settings)
    told, _ = converted(tmp_path / "in", tmp_path / "out.nii")
    found = {name: told.get(name) for name in expected}
    assert found == {
        name: pytest.approx(value, rel=1e-5) if isinstance(value, float) else value for name, value in expected.items()
    }


@pytest.mark.parametrize(
    ("comment", "bands"),
    [
        ("Unaliased MB3/PE3/LB SENSE1", 3), ("Not for diagnostic use, Unaliased MB5/PE4/LB", 5), ("MB3", None),
        ("Unaliased MB1/PE3", None), ("see Unaliased MB3/PE3", None),
    ],
)  # fmt: skip
def test_a_comment_of_cmrr_s_sequence_tells_slices_at_once(tmp_path: Path, comment: str, bands: int | None) -> None:
    for path in synthetic_epi(tmp_path / "in", maker="Siemens").paths:
        dataset = pydicom.dcmread(path)
        dataset.ImageComments = comment
        dataset.save_as(path)
    told, _ = converted(tmp_path / "in", tmp_path / "out.nii")
    assert told.get("MultibandAccelerationFactor") == bands


def test_classic_images_of_xa_say_it_in_attributes_of_their_own(tmp_path: Path) -> None:
    """As XA exports them for interoperability: without CSA headers and functional groups."""

    def edit(_: int, dataset: Any) -> None:
        own = dataset.private_block(0x21, "SIEMENS MR SDI 02", create=True)
        for element, vr, value in (
            (0x1C, "IS", "1"), (0x42, "IS", "3900"), (0x4F, "LO", "HeadNeck_64"), (0x53, "FD", 20.0),
            (0x56, "LO", "p2s3"), (0x75, "CS", ["ORIGINAL", "PRIMARY", "FMRI", "NONE"]),
        ):  # fmt: skip
            own.add_new(element, vr, value)

    attributes = {
        "Manufacturer": "SIEMENS", "SoftwareVersions": "syngo MR XA30", "ScanningSequence": ["GR", "EP"],
        "InPlanePhaseEncodingDirection": "COL", "ImageType": ["ORIGINAL", "PRIMARY", "M", "MB", "ND", "MFSPLIT"],
    }  # fmt: skip
    synthetic_series(
        tmp_path / "in", modality="MR", rescale=None, pixels=ramp("column"), attributes=attributes, edit=edit
    )
    told, image = converted(tmp_path / "in", tmp_path / "out.nii")
    assert grows_towards(image, told["PhaseEncodingDirection"])
    expected = {
        "EffectiveEchoSpacing": 1 / 240, "TotalReadoutTime": 11 / 240, "CoilString": "HeadNeck_64",
        "DwellTime": 3.9e-6, "ParallelReductionFactorInPlane": 2, "MultibandAccelerationFactor": 3,
        "ImageTypeText": ["ORIGINAL", "PRIMARY", "FMRI", "NONE"], "NonlinearGradientCorrection": False,
    }  # fmt: skip
    found = {name: told[name] for name in expected}
    assert found == {
        name: pytest.approx(value) if isinstance(value, float) else value for name, value in expected.items()
    }


@pytest.mark.parametrize(
    ("assigned", "scheme"),
    [
        ({"sDiffusion.dsScheme": 1}, "Bipolar"), ({"sDiffusion.dsScheme": 2}, "Monopolar"), ({}, None),
        ({"sWipMemBlock.ucReadOutMode": 1}, "Monopolar"), ({"sWipMemBlock.ucReadOutMode": 2}, "Bipolar"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("weighted", [False, True])
def test_the_scheme_of_siemens_diffusion(
    tmp_path: Path, assigned: dict[str, str | float], scheme: str | None, weighted: bool
) -> None:
    def edit(_: int, dataset: Any) -> None:
        content = csa_header({"MrPhoenixProtocol": [siemens_protocol(assigned or {"other": 1})]})
        block = dataset.private_block(0x29, "SIEMENS CSA HEADER", create=True)
        block.add_new(0x20, "OB", content + b"\0" * (len(content) % 2))
        if weighted:
            dataset.private_block(0x19, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", "1000")

    synthetic_series(tmp_path / "in", modality="MR", rescale=None, attributes={"Manufacturer": "SIEMENS"}, edit=edit)
    told, _ = converted(tmp_path / "in", tmp_path / "out.nii")
    assert told.get("DiffusionScheme") == (scheme if weighted else None)


@pytest.mark.parametrize(
    ("times", "bands"), [((0.0, 0.5, 0.0, 0.5), 2), ((0.0, 0.5, 1.0, 1.5), None), ((0.0, 0.5, 0.5, 1.0), None)]
)
def test_slices_of_one_time_were_excited_together(tmp_path: Path, times: tuple[float, ...], bands: int | None) -> None:
    synthetic_epi(tmp_path / "in", maker="UIH", times=times)
    told, _ = converted(tmp_path / "in", tmp_path / "out.nii")
    assert (told["SliceTiming"], told.get("MultibandAccelerationFactor")) == (list(times), bands)


@pytest.mark.parametrize(
    ("lines", "share", "options", "acquired"),
    [
        (128, "0.666667", ["EPI_GEMS", "PFF"], 88),  # the example of GE's own engineers: 0.055332 s at 636
        (128, "0.5", ["EPI_GEMS"], 64),
        (128, "0.333333", ["EPI_GEMS"], 44),
        (96, "0.333333", ["EPI_GEMS"], 32),
        (128, "1", ["EPI_GEMS"], 128),
    ],
)
def test_ge_acquires_lines_by_twos_and_with_partial_fourier_by_fours(
    tmp_path: Path, lines: int, share: str, options: list[str], acquired: int
) -> None:
    def edit(_: int, dataset: Any) -> None:
        dataset.AcquisitionMatrix, dataset.ScanOptions = [lines, 0, 0, lines], options
        own = dataset.private_block(0x43, "GEMS_PARM_01", create=True)
        own.add_new(0x2C, "SS", 636)
        own.add_new(0x83, "DS", [share, "1"])

    attributes = {
        "Manufacturer": "GE MEDICAL SYSTEMS", "ScanningSequence": ["EP", "SE"], "InPlanePhaseEncodingDirection": "COL"
    }  # fmt: skip
    synthetic_series(tmp_path / "in", modality="MR", rescale=None, rows=128, attributes=attributes, edit=edit)
    told, _ = converted(tmp_path / "in", tmp_path / "out.nii")
    assert told["EffectiveEchoSpacing"] == pytest.approx((acquired - 1) * 636e-6 / (lines - 1))
    assert told["EffectiveEchoSpacing"] * (told["ReconMatrixPE"] - 1) == pytest.approx(told["TotalReadoutTime"])


@pytest.mark.parametrize(
    ("version", "flags", "order", "positive"),
    [(24.0, 0, 0, True), (24.0, 4, 0, False), (24.0, 0, 2, False), (25.002, 4, 2, True), (26.0, 4, 0, False)],
)
def test_the_polarity_in_ge_s_raw_header(
    tmp_path: Path, version: float, flags: int, order: int, positive: bool
) -> None:
    content = bytearray(1200)
    begin = 32
    struct.pack_into("<H", content, 24, begin)
    struct.pack_into("<f", content, begin, version)
    newer = version > 25
    begin += 0x4C if newer else 0
    struct.pack_into("<H", content, begin + 0x3A, 0x0800)
    struct.pack_into("<H", content, begin + 0x30, flags)
    struct.pack_into("<H", content, begin + (0x0394 - 0x8C if newer else 0x0394), order)

    def edit(_: int, dataset: Any) -> None:
        dataset.private_block(0x43, "GEMS_PARM_01", create=True).add_new(0x2A, "OB", bytes(content))

    attributes = {
        "Manufacturer": "GE MEDICAL SYSTEMS", "ScanningSequence": ["EP", "SE"], "InPlanePhaseEncodingDirection": "COL"
    }  # fmt: skip
    synthetic_series(
        tmp_path / "in", modality="MR", rescale=None, pixels=ramp("column"), attributes=attributes, edit=edit
    )
    told, image = converted(tmp_path / "in", tmp_path / "out.nii")
    assert grows_towards(image, told["PhaseEncodingDirection"]) == positive


@pytest.mark.slow
@given(content=st.binary(max_size=1200), name=st.sampled_from(["GE MEDICAL SYSTEMS", "SIEMENS", "UIH", "Philips"]))
def test_no_private_attribute_is_too_strange(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str
) -> None:
    content += b"\0" * (len(content) % 2)

    def edit(_: int, dataset: Any) -> None:
        for group, creator, elements in (
            (0x43, "GEMS_PARM_01", (0x2A, 0x2C, 0x2F, 0x83, 0xB6, 0xB7)),
            (0x19, "SIEMENS MR HEADER", (0x18, 0x28)), (0x29, "SIEMENS CSA HEADER", (0x10, 0x20)),
            (0x51, "SIEMENS MR HEADER", (0x0F, 0x11)), (0x65, "Image Private Header", (0x0D, 0x58)),
            (0x2001, "Philips Imaging DD 001", (0x13, 0x22)),
        ):  # fmt: skip
            block = dataset.private_block(group, creator, create=True)
            for element in elements:
                block.add_new(element, "UN", content)

    attributes = {"Manufacturer": name, "ScanningSequence": "EP", "InPlanePhaseEncodingDirection": "ROW"}
    folder = tmp_path_factory.mktemp("odd")
    synthetic_series(folder, modality="MR", rescale=None, slices=1, attributes=attributes, edit=edit)
    (series,) = voxelry.index(folder).series
    assert scan_facts([series.stacks[0].frames])


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize(("along", "positive"), [("column", True), ("column", False), ("row", True), ("row", False)])
@pytest.mark.parametrize("maker", ["Siemens", "Siemens XA", "GE", "UIH"])
def test_direction_and_spacing_are_those_of_dcm2niix(
    tmp_path: Path, maker: EpiMaker, along: Along, positive: bool
) -> None:
    """Its files have rows in reverse order, so that the directions are compared in the patient."""
    synthetic_epi(tmp_path / "in", maker=maker, along=along, positive=positive, slices=6, orientation=CORONAL)
    theirs, image = by_dcm2niix(tmp_path / "in", tmp_path)
    told, own = converted(tmp_path / "in", tmp_path / "ours.nii")
    # Until February 2023 it had GE's polarity the wrong way round (its issue 674).
    sign = -1 if maker == "GE" and theirs["ConversionSoftwareVersion"] < "v1.0.20230202" else 1
    np.testing.assert_allclose(
        vector(own, told["PhaseEncodingDirection"]), sign * vector(image, theirs["PhaseEncodingDirection"]), atol=1e-5
    )
    names = ["EffectiveEchoSpacing", "TotalReadoutTime", "ReconMatrixPE", "RepetitionTime", "EchoTime"]
    if theirs["ConversionSoftwareVersion"] >= "v1.0.2024":  # which separates values as DICOM does
        names += ["ScanningSequence", "SequenceVariant", "ScanOptions"]
    for name in names:
        said = theirs.get(name)
        assert told.get(name) == (pytest.approx(said, rel=1e-4) if isinstance(said, float | int) else said), name


def by_dcm2niix(source: Path, folder: Path) -> tuple[dict[str, Any], Any]:
    import nibabel

    command = ["dcm2niix", "-z", "n", "-b", "y", "-f", "theirs", "-o", str(folder), str(source)]
    subprocess.run(command, capture_output=True, check=True)
    image: Any = nibabel.nifti1.Nifti1Image.from_filename(str(folder / "theirs.nii"))  # type: ignore[no-untyped-call, unused-ignore]
    return json.loads((folder / "theirs.json").read_text()), image


def vector(image: Any, direction: str) -> npt.NDArray[np.float64]:
    """A direction of a file's axes in the patient, RAS, of unit length."""
    axis = image.affine[:3, "ijk".index(direction[0])]
    return np.asarray(axis / np.linalg.norm(axis) * (-1 if direction.endswith("-") else 1))
