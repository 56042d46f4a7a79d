"""Settings that Siemens' protocols and GE's private attributes have, and what several volumes say differently."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

import voxelry
from tests.dicom.newest_dcm2niix import sidecar_by_newest, with_newest
from voxelry.testing import csa_header, siemens_protocol, synthetic_series

SLICES = 4
Edit = Callable[[int, Dataset], None]
NOTE = "7a48db84||Sequence: R017 nxva30a/master; Jun 27 2022"


def even(content: bytes) -> bytes:
    return content + b"\0" * (len(content) % 2)


def siemens(
    folder: Path,
    protocol: Mapping[str, str | float],
    *,
    attributes: Mapping[str, object],
    volumes: int = 1,
    edit: Edit | None = None,
) -> None:
    """Classic images with a protocol in the CSA header of their series."""
    content = csa_header({"MrPhoenixProtocol": [siemens_protocol(protocol)]})

    def write(index: int, dataset: Dataset) -> None:
        block = dataset.private_block(0x29, "SIEMENS CSA HEADER", create=True)
        block.add_new(0x20, "OB", even(content))
        dataset.AcquisitionNumber = index // SLICES + 1
        dataset.AcquisitionTime = f"1200{2 * (index // SLICES):02d}.{10 * (index % SLICES):02d}0000"
        if edit is not None:
            edit(index, dataset)

    count = volumes * SLICES
    synthetic_series(
        folder, modality="MR", rescale=None, pixels=np.arange(count * 80, dtype=np.uint16).reshape(count, 8, 10),
        offsets=[3.0 * (k % SLICES) for k in range(count)], edit=write,
        attributes={
            "Manufacturer": "SIEMENS", "MRAcquisitionType": "2D", "ScanningSequence": "EP", "SequenceVariant": "SK",
            "SequenceName": "epfid2d1_64", "RepetitionTime": "2000", "EchoTime": "30", "FlipAngle": "70", **attributes,
        },
    )  # fmt: skip


def ours(folder: Path) -> dict[str, Any]:
    assert voxelry.convert(folder / "in", folder / "ours.nii").complete
    found: dict[str, Any] = json.loads((folder / "ours.json").read_text())
    return found


EPI: dict[str, str | float] = {
    "sWipMemBlock.tFree": NOTE, "sKSpace.uc2DInterpolation": "0x1", "sPrepPulses.ucMTC": "0x1",
    "sProtConsistencyInfo.ulConvFromVersion": 66110001, "sPat.lAccelFactPE": 2, "sPat.lAccelFact3D": 1,
    "sPat.dTotalAccelFact": 4.0,
}  # fmt: skip


def test_a_protocol_tells_more_than_the_attributes(tmp_path: Path) -> None:
    siemens(tmp_path / "in", EPI, attributes={})
    told = ours(tmp_path)
    expected = {
        "WipMemBlock": NOTE, "Interpolation2D": 1, "MTState": True, "ConsistencyInfo": "66110001",
        "ParallelReductionFactorInPlane": 2, "PulseSequenceType": "Gradient Echo EPI",
    }  # fmt: skip
    assert {name: told.get(name) for name in expected} == expected
    assert "CompressedSensingFactor" not in told  # the rest of the acceleration is that of slices, in 2-D


@pytest.mark.parametrize(
    ("factors", "total", "expected"),
    [((1, 1), 4.0, 4), ((2, 1), 6.0, 6), ((2, 2), 4.0, None), ((1, 1), 1.0, None), ((1, 1), "much", None)],
)
def test_compressed_sensing_is_what_parallel_imaging_does_not_explain(
    tmp_path: Path, factors: tuple[int, int], total: float | str, expected: float | None
) -> None:
    protocol: dict[str, str | float] = {
        "sPat.lAccelFactPE": factors[0], "sPat.lAccelFact3D": factors[1], "sPat.dTotalAccelFact": total
    }  # fmt: skip
    siemens(tmp_path / "in", protocol, attributes={"MRAcquisitionType": "3D", "ScanningSequence": "SE"})
    assert ours(tmp_path).get("CompressedSensingFactor") == expected


@pytest.mark.parametrize(("said", "expected"), [("NONE", False), ("OFF_RESONANCE", True), (None, True)])
def test_the_standard_s_word_on_magnetization_transfer_counts(tmp_path: Path, said: str | None, expected: bool) -> None:
    siemens(tmp_path / "in", EPI, attributes={"MagnetizationTransfer": said})
    assert ours(tmp_path)["MTState"] is expected


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"SequenceName": "epse2d1_68"}, "Spin Echo EPI"),
        ({"SequenceName": "*ep_b1000#12"}, "Spin Echo EPI"),
        ({"ScanningSequence": ["EP", "GR"], "SequenceName": "x"}, "Gradient Echo EPI"),
        ({"ScanningSequence": ["EP", "SE"], "SequenceName": "x"}, "Spin Echo EPI"),
        ({"SequenceName": "x"}, None),
        ({"ScanningSequence": "GR"}, "Gradient Echo"),
        ({"ScanningSequence": ["SE", "IR"]}, "Inversion Recovery Spin Echo"),
        ({"ScanningSequence": ["GR", "IR"]}, "Gradient Echo"),
        ({"ScanningSequence": "RM"}, None),
        ({"ScanningSequence": ["SE", "GR"], "SequenceName": "epse"}, None),
        ({"ImageComments": "Unaliased MB3/PE3/LB"}, "Multiband Gradient Echo EPI"),
    ],
)
def test_the_type_of_a_sequence_is_told_in_words(
    tmp_path: Path, attributes: Mapping[str, object], expected: str | None
) -> None:
    siemens(tmp_path / "in", {}, attributes=attributes)
    assert ours(tmp_path).get("PulseSequenceType") == expected


def test_names_and_numbers_of_volumes_are_those_of_the_first(tmp_path: Path) -> None:
    """BIDS has one name of a sequence for a file; echo times and b-values that differ are lists."""

    def edit(index: int, dataset: Dataset) -> None:
        volume = index // SLICES
        dataset.SequenceName = f"ep_b{1000 * volume}#{volume}"
        block = dataset.private_block(0x19, "SIEMENS MR HEADER", create=True)
        block.add_new(0x0C, "IS", str(1000 * volume))
        if volume:
            block.add_new(0x0E, "FD", [1.0, 0.0, 0.0])

    siemens(tmp_path / "in", {}, attributes={}, volumes=2, edit=edit)
    told = ours(tmp_path)
    assert (tmp_path / "ours.bval").read_text() == "0 1000\n"
    assert (told["SequenceName"], told["AcquisitionNumber"]) == ("ep_b0#0", 1)


@pytest.mark.parametrize("words", [["DRB", "DRS"], ["DRG"], ["ND"]])
def test_deep_learning_is_told_of_siemens(tmp_path: Path, words: list[str]) -> None:
    details = "ChannelMixing:ND=true_CMM=1_CDM=1\\NormalizeAlgo:PreScan"

    def edit(_: int, dataset: Dataset) -> None:
        dataset.private_block(0x21, "SIEMENS MR SDI 02", create=True).add_new(0x76, "LO", details.split("\\"))

    siemens(tmp_path / "in", {}, attributes={"ImageType": ["ORIGINAL", "PRIMARY", "M", *words]}, edit=edit)
    told = ours(tmp_path)
    learned = words != ["ND"]
    assert (told.get("DeepLearning"), told.get("DeepLearningDetails")) == ((True, details) if learned else (None, None))


@pytest.mark.parametrize(("said", "learned"), [("0.75\\High", True), ("0\\Off", False), ("", False)])
def test_deep_learning_is_told_of_ge(tmp_path: Path, said: str, learned: bool) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        own = dataset.private_block(0x43, "GEMS_PARM_01", create=True)
        own.add_new(0xCA, "LO", said.split("\\"))

    attributes = {"Manufacturer": "GE MEDICAL SYSTEMS", "ReceiveCoilName": "48HA", "ScanningSequence": "SE"}
    synthetic_series(tmp_path / "in", modality="MR", rescale=None, attributes=attributes, edit=edit)
    told = ours(tmp_path)
    assert (told["ReceiveCoilName"], told["CoilString"]) == ("48HA", "48HA")
    assert told.get("DeepLearningDetails") == (said if learned else None)
    assert ("DeepLearning" in told) == learned


@with_newest
def test_dcm2niix_says_the_same_of_a_protocol(tmp_path: Path) -> None:
    siemens(tmp_path / "in", EPI, attributes={})
    told, other = ours(tmp_path), sidecar_by_newest(tmp_path / "in", tmp_path)
    names = ["WipMemBlock", "Interpolation2D", "MTState", "ConsistencyInfo"]
    assert [told.get(name) for name in names] == [other.get(name) for name in names]


@pytest.mark.parametrize(
    ("sequence", "code", "is_map"),
    [
        (("B0map", "B0map"), 2, True), (("B0rf", "B0map"), 2, True), (("3db0map", "EFGRE3D"), 2, True),
        (("B0map", "B0map"), 1, False), (("efgre3d", "EFGRE3D"), 2, False),
    ],
)  # fmt: skip
def test_field_maps_of_ge_are_in_hertz(tmp_path: Path, sequence: tuple[str, str], code: int, is_map: bool) -> None:
    """The sequence writes magnitude and map in one series: 4.608 ms, and by a scale of -69.077667 2.304 ms later."""

    def edit(index: int, dataset: Dataset) -> None:
        acquisition = dataset.private_block(0x19, "GEMS_ACQU_01", create=True)
        for element, name in zip((0x9C, 0x9E), sequence, strict=True):
            acquisition.add_new(element, "LO", name)
        acquisition.add_new(0xE2, "DS", "-69.077667")
        part = code if index >= SLICES else 0
        dataset.private_block(0x43, "GEMS_PARM_01", create=True).add_new(0x2F, "SS", part)

    synthetic_series(
        tmp_path / "in", modality="MR", rescale=None, offsets=[3.0 * (k % SLICES) for k in range(2 * SLICES)],
        pixels=np.arange(2 * SLICES * 80, dtype=np.uint16).reshape(-1, 8, 10), edit=edit,
        attributes={
            "Manufacturer": "GE MEDICAL SYSTEMS", "ScanningSequence": "RM", "EchoTime": "4.608",
            "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"],
        },
    )  # fmt: skip
    report = voxelry.convert(tmp_path / "in", tmp_path / "out", format=".nii")
    told = {
        path.stem: json.loads(path.with_suffix(".json").read_text()) for path in (one.path for one in report.written)
    }
    maps = [fields for name, fields in told.items() if name.endswith("_fieldmap")]
    assert (len(told), len(maps)) == (2, int(is_map))
    for fields in maps:
        assert (fields["Units"], fields["EchoTime1"]) == ("Hz", 0.004608)
        assert fields["EchoTime2"] == pytest.approx(0.006912, abs=1e-6)
    assert sum("EchoTime2" in fields for fields in told.values()) == len(maps)


@pytest.mark.parametrize(
    ("kind", "sequence", "shot", "excitation"),
    [("3D", "EP", "60", 0.06), ("3D", "EP", "2000", None), ("2D", "EP", "60", None), ("3D", "GR", "60", None)],
)
def test_three_dimensional_echo_planar_images_have_the_time_between_excitations(
    tmp_path: Path, kind: str, sequence: str, shot: str, excitation: float | None
) -> None:
    """Siemens' Repetition Time is that of a shot; volumes are 2 s apart by their clock."""
    attributes = {"MRAcquisitionType": kind, "ScanningSequence": sequence, "RepetitionTime": shot}
    siemens(tmp_path / "in", {}, attributes=attributes, volumes=3)
    told = ours(tmp_path)
    assert told["RepetitionTime"] == 2.0
    assert told.get("RepetitionTimeExcitation") == excitation


@pytest.mark.parametrize(("sequence", "labelled"), [("%SiemensSeq%\\tgse_pasl", True), ("%SiemensSeq%\\tse", False)])
def test_labelled_volumes_have_the_time_from_label_to_label(tmp_path: Path, sequence: str, labelled: bool) -> None:
    siemens(tmp_path / "in", {"tSequenceFileName": sequence}, attributes={}, volumes=3)
    assert ours(tmp_path).get("RepetitionTimePreparation") == (2.0 if labelled else None)


@pytest.mark.parametrize(
    ("matrix", "lines", "expected"),
    [(None, 408, 408), ([10, 0, 0, 8], 408, 8), (None, 0, None), (None, 10**9, None)],
)
def test_a_protocol_has_the_acquired_lines_where_there_is_no_acquisition_matrix(
    tmp_path: Path, matrix: list[int] | None, lines: int, expected: int | None
) -> None:
    """As in XA's enhanced objects, whose steps are without those of oversampling."""
    attributes = {"AcquisitionMatrix": matrix, "InPlanePhaseEncodingDirection": "COL"}
    siemens(tmp_path / "in", {"sKSpace.lPhaseEncodingLines": lines}, attributes=attributes)
    assert ours(tmp_path).get("AcquisitionMatrixPE") == expected


@pytest.mark.parametrize(
    ("words", "own", "expected"),
    [
        ('MBACCEL "3"\n', None, 3), ('MBACCEL "1"\n', None, None), ('MBACCEL "3"\n', "0", 3), ("", "4", 4),
        ('MBACCEL "99999"\n', None, None), ('MBACCEL "some"\n', "", None),
    ],
)  # fmt: skip
def test_slices_excited_together_are_told_by_ge_s_protocol_too(
    tmp_path: Path, words: str, own: str | None, expected: int | None
) -> None:
    """Older software has the factor there alone; damage to the packed text, wherever it is, costs no image."""
    packed = gzip.compress(f'IOPT "EPI"\n{words}'.encode(), mtime=0)

    def edit(cut: int, index: int, dataset: Dataset) -> None:
        content = struct.pack("<I", 1 << 31) + packed[: len(packed) - cut]
        dataset.private_block(0x25, "GEMS_SERS_01", create=True).add_new(0x1B, "OB", even(content))
        if own is not None:
            dataset.private_block(0x43, "GEMS_PARM_01", create=True).add_new(0xB6, "LO", [own, "4", "19"])

    attributes = {"Manufacturer": "GE MEDICAL SYSTEMS", "ScanningSequence": ["EP", "GR"], "MRAcquisitionType": "2D"}
    for cut in (0, len(packed) - 12):
        folder = tmp_path / str(cut)
        synthetic_series(
            folder / "in", modality="MR", rescale=None, slices=3, attributes=attributes, edit=partial(edit, cut)
        )
        by_own = int(own) if own is not None and own.isdigit() and int(own) > 1 else None
        assert ours(folder).get("MultibandAccelerationFactor") == (by_own if cut else expected)
