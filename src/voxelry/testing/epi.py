"""Series of echo planar images as their makers write them: polarity, echo spacing, acceleration and times are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from voxelry.testing.instances import AXIAL
from voxelry.testing.siemens_headers import csa_header, siemens_protocol
from voxelry.testing.synthetic import SyntheticSeries, synthetic_series

EpiMaker = Literal["Siemens", "Siemens XA", "GE", "UIH", "Philips"]
"""Whose private attributes a series has; XA is written as an enhanced object, the others as classic ones."""

_NAMES = {
    "Siemens": "SIEMENS", "Siemens XA": "Siemens Healthineers", "GE": "GE MEDICAL SYSTEMS", "UIH": "UIH",
    "Philips": "Philips Medical Systems",
}  # fmt: skip
_WATER_FAT_SHIFT, _FREQUENCY, _EPI_FACTOR = 12.0, 127.75, 43


def synthetic_epi(
    folder: str | Path,
    *,
    maker: EpiMaker = "Siemens",
    along: Literal["row", "column"] = "column",
    positive: bool = True,
    slices: int = 4,
    rows: int = 12,
    columns: int = 10,
    orientation: Sequence[float] = AXIAL,
    times: Sequence[float] | None = None,
    bandwidth: float = 25.0,
    factor: float = 2.0,
    bands: int = 1,
    pixels: npt.NDArray[np.generic] | None = None,
    seed: int = 0,
    **settings: Any,
) -> SyntheticSeries:
    """Write one volume of echo planar images as a maker's scanner does.

    Parameters
    ----------
    folder
        The folder to write to; created if missing.
    maker
        Whose attributes say what the standard has no attributes for.
    along, positive
        The axis of phase encoding within the stored image, and whether it runs towards larger pixel numbers.
    times
        When each slice was acquired, in seconds after the first; None writes no times.
    bandwidth
        Of Siemens and UIH: hertz per pixel along phase encoding.
    factor, bands
        Of parallel imaging within the plane, and slices acquired at once.
    settings
        As for `synthetic_series`.

    Returns
    -------
    series
        Repetition Time is 2 s, Echo Time 30 ms, Flip Angle 77 degrees. GE's echo spacing is 500 microseconds.

    Examples
    --------
    >>> from voxelry.testing import synthetic_epi
    >>> series = synthetic_epi("epi", maker="GE", along="row", positive=False)
    >>> report = voxelry.convert("epi", "epi.nii.gz")
    >>> import json
    >>> from pathlib import Path
    >>> json.loads(Path("epi.json").read_text())["PhaseEncodingDirection"]
    'i-'
    """
    if pixels is None:
        pixels = np.arange(slices * rows * columns, dtype=np.uint16).reshape(slices, rows, columns)
    lines = pixels.shape[1] if along == "column" else pixels.shape[2]
    attributes: dict[str, object] = {
        "Manufacturer": _NAMES[maker],
        "MRAcquisitionType": "2D",
        "ImagingFrequency": str(_FREQUENCY),
    }
    enhanced = maker == "Siemens XA"
    if enhanced:  # whose functional groups have them
        attributes |= dict.fromkeys(("ScanningSequence", "RepetitionTime", "EchoTime", "EchoTrainLength"))
    else:
        attributes |= {
            "ScanningSequence": ["EP", "GR"], "RepetitionTime": "2000", "EchoTime": "30", "FlipAngle": "77",
            "EchoTrainLength": "1", "InPlanePhaseEncodingDirection": "COL" if along == "column" else "ROW",
            "AcquisitionMatrix": [columns, 0, 0, lines] if along == "column" else [0, rows, lines, 0],
        }  # fmt: skip
    own: dict[str, Callable[[int, Dataset], None]] = {
        "Siemens": lambda index, dataset: _siemens(dataset, positive, bandwidth, factor, bands),
        "Siemens XA": lambda index, dataset: _siemens_xa(dataset, along, positive, bandwidth, factor, bands, times),
        "GE": lambda index, dataset: _ge(dataset, positive, factor, bands),
        "UIH": lambda index, dataset: _uih(dataset, positive, bandwidth, factor),
        "Philips": lambda index, dataset: _philips(dataset, factor),
    }

    def edit(index: int, dataset: Dataset) -> None:
        own[maker](index, dataset)
        if times is not None and not enhanced:
            if maker == "GE":
                dataset.TriggerTime = f"{times[index] * 1000:.3f}"
            else:
                dataset.AcquisitionTime = f"1200{times[index] + 1:09.6f}"

    return synthetic_series(
        folder, modality="MR", rescale=None, bits_stored=16, pixels=pixels, orientation=orientation,
        frames="enhanced" if enhanced else "single", attributes=attributes, edit=edit, seed=seed, **settings,
    )  # fmt: skip


def _siemens(dataset: Dataset, positive: bool, bandwidth: float, factor: float, bands: int) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    header = dataset.private_block(0x19, "SIEMENS MR HEADER", create=True)
    header.add_new(0x18, "IS", "3200")
    header.add_new(0x28, "FD", bandwidth)
    csa = dataset.private_block(0x29, "SIEMENS CSA HEADER", create=True)
    csa.add_new(0x10, "OB", _even(csa_header({"PhaseEncodingDirectionPositive": ["1" if positive else "0"]})))
    protocol = siemens_protocol(_protocol(factor))
    csa.add_new(0x20, "OB", _even(csa_header({"MrPhoenixProtocol": [protocol]})))
    text = dataset.private_block(0x51, "SIEMENS MR HEADER", create=True)
    text.add_new(0x0F, "LO", "HEA;HEP")
    text.add_new(0x11, "LO", _mode(factor, bands))


def _protocol(factor: float) -> dict[str, str | float]:
    return {
        "sKSpace.lBaseResolution": 64, "sKSpace.dPhaseResolution": 1.0, "sKSpace.ucPhasePartialFourier": "0x4",
        "sPat.ucPATMode": "0x2", "sPat.lAccelFactPE": int(factor), "tSequenceFileName": "%SiemensSeq%\\ep2d_bold",
        "sTXSPEC.asNucleusInfo[0].flReferenceAmplitude": 250.5, "sGRADSPEC.asGPAData[0].lOffsetX": -12,
        "sGRADSPEC.asGPAData[0].lOffsetY": 30, "sGRADSPEC.asGPAData[0].lOffsetZ": 7, "ucCoilCombineMode": "0x2",
    }  # fmt: skip


def _mode(factor: float, bands: int) -> str:
    return f"p{factor:g}" + (f"s{bands}" if bands > 1 else "")


def _even(content: bytes) -> bytes:
    return content + b"\0" * (len(content) % 2)


def _siemens_xa(
    dataset: Dataset,
    along: str,
    positive: bool,
    bandwidth: float,
    factor: float,
    bands: int,
    times: Sequence[float] | None,
) -> None:
    dataset.ComplexImageComponent = "MAGNITUDE"
    dataset.EchoPlanarPulseSequence = "YES"
    shared = dataset.SharedFunctionalGroupsSequence[0]
    _group(shared, "MRTimingAndRelatedParametersSequence", RepetitionTime="2000", FlipAngle="77", EchoTrainLength=1)
    _group(
        shared,
        "MRFOVGeometrySequence",
        InPlanePhaseEncodingDirection="COLUMN" if along == "column" else "ROW",
        MRAcquisitionPhaseEncodingStepsInPlane=dataset.Rows if along == "column" else dataset.Columns,
    )
    series = Dataset()
    series.ScanningSequence, series.SequenceVariant, series.ScanOptions = "EP", ["SK", "SS"], ["PFP", "FS"]
    series.private_block(0x21, "SIEMENS MR SDS 01", create=True).add_new(0x09, "LO", _mode(factor, bands))
    shared.private_block(0x21, "SIEMENS MR SDS 01", create=True).add_new(0xFE, "SQ", DicomSequence([series]))
    for number, group in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        _group(group, "MREchoSequence", EffectiveEchoTime=30.0)
        if times is not None:
            group.FrameContentSequence[0].FrameAcquisitionDateTime = f"202001021200{times[number] + 1:09.6f}"
        image = Dataset()
        block = image.private_block(0x21, "SIEMENS MR SDI 02", create=True)
        block.add_new(0x1C, "IS", "1" if positive else "0")
        block.add_new(0x53, "FD", bandwidth)
        block.add_new(0x75, "CS", ["ORIGINAL", "PRIMARY", "M", "ND"])
        group.private_block(0x21, "SIEMENS MR SDI 02", create=True).add_new(0xFE, "SQ", DicomSequence([image]))


def _group(of: Dataset, sequence: str, **values: object) -> None:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    setattr(of, sequence, DicomSequence([item]))


def _ge(dataset: Dataset, positive: bool, factor: float, bands: int) -> None:
    dataset.RectilinearPhaseEncodeReordering = "REVERSE_LINEAR" if positive else "LINEAR"
    own = dataset.private_block(0x43, "GEMS_PARM_01", create=True)
    own.add_new(0x2C, "SS", 500)
    own.add_new(0x2F, "SS", 0)
    own.add_new(0x83, "DS", [f"{1 / factor:.6g}", "1"])
    own.add_new(0xB6, "LO", [str(bands), "0"])


def _uih(dataset: Dataset, positive: bool, bandwidth: float, factor: float) -> None:
    dataset.private_block(0x19, "Image Private Header", create=True).add_new(0x28, "FD", bandwidth)
    own = dataset.private_block(0x65, "Image Private Header", create=True)
    own.add_new(0x0D, "SH", f"F:{factor:g}S")
    own.add_new(0x58, "IS", "0" if positive else "1")


def _philips(dataset: Dataset, factor: float) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"]
    dataset.ParallelReductionFactorInPlane = factor
    own = dataset.private_block(0x2001, "Philips Imaging DD 001", create=True)
    own.add_new(0x13, "SL", _EPI_FACTOR)
    own.add_new(0x22, "FL", _WATER_FAT_SHIFT)
