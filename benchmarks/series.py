"""The series of all benchmarks: a synthetic CT that compresses like a real CT, with the header of a real scanner."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian

from voxelry.testing import synthetic_instance, uid
from voxelry.testing.encoding import encoded_frame

INTERCEPT = -1024
STEP_MM = 1.25
_NUMBER, _PLACE, _UID = "123456", "9999.250", "2.25.1234567890123456789"
"""Placeholders in the template for values that differ by slice, of the same length as these."""


@dataclass(frozen=True)
class BenchmarkSeries:
    """A written series.

    Attributes
    ----------
    paths
        Files in the order of their slices.
    offsets
        Offset of each file's Pixel Data; empty for compressed files.
    array
        The modality values, int16, HU; shape ``(slice, row, column)``.
    """

    folder: Path
    paths: tuple[Path, ...]
    offsets: tuple[int, ...]
    array: npt.NDArray[np.int16]


def phantom(slices: int, size: int) -> npt.NDArray[np.uint16]:
    """Stored values of a chest phantom: ellipses that change along z, textured tissue, and the noise of a soft kernel.

    Returns
    -------
    stored
        12 bits in uint16, air 0; shape ``(slice, size, size)``.
    """
    random = np.random.default_rng(20)
    white = random.standard_normal((2 * size, 2 * size), dtype=np.float32)
    # A soft kernel correlates neighbours; therefore real CT compresses better than white noise.
    noise = white + np.roll(white, 1, 0) + np.roll(white, 1, 1) + np.roll(white, (1, 1), (0, 1))
    grain = np.cumsum(np.cumsum(white - white.mean(), axis=0), axis=1)
    grain *= 18 / np.abs(grain).max()
    row, column = np.meshgrid(*2 * (np.linspace(-1, 1, size, dtype=np.float32),), indexing="ij")
    circle = row**2 + column**2 < 0.96  # Outside the field of view all values are equal.
    stored = np.zeros((slices, size, size), np.uint16)
    for k in range(slices):
        along = np.sin(np.pi * (k + 0.5) / slices)
        body = (row / (0.55 + 0.1 * along)) ** 2 + (column / (0.78 + 0.08 * along)) ** 2
        values = np.where(body < 1, np.where(body < 0.88, 40.0, -100.0), -1000.0).astype(np.float32)
        for side in (-1, 1):
            values[(row / 0.4) ** 2 + ((column - 0.36 * side) / (0.1 + 0.18 * along)) ** 2 < 1] = -850
        values[((row - 0.05) / 0.2) ** 2 + ((column - 0.08) / (0.05 + 0.15 * along)) ** 2 < 1] = 150
        values[((row - 0.42) / 0.1) ** 2 + (column / 0.12) ** 2 < 1] = 500 + 300 * np.cos(k / 3)
        at = random.integers(0, size, 2)
        part = (slice(at[0], at[0] + size), slice(at[1], at[1] + size))
        values += noise[part] * np.where(values > -900, 12.0, 6.0) + grain[part]
        stored[k] = np.where(circle, np.clip(np.rint(values) - INTERCEPT, 0, 4095), 0)
    return stored


def write_series(
    folder: Path, stored: npt.NDArray[np.uint16], transfer_syntax: str = ExplicitVRLittleEndian, *, short: bool = False
) -> BenchmarkSeries:
    """Write a file for each slice: a template's bytes with the slice's number, position and UID.

    Parameters
    ----------
    short
        True for the header of `voxelry.testing` instead of a scanner's hundred elements.
    """
    folder.mkdir(parents=True, exist_ok=True)
    native = transfer_syntax == ExplicitVRLittleEndian
    header, start = _template(stored.shape[1:], transfer_syntax, short=short)

    def write(k: int) -> Path:
        path = folder / f"IM{k:06d}"
        path.write_bytes(
            _header_of(header, k)
            + (stored[k].astype("<u2").tobytes() if native else _fragments(stored[k], transfer_syntax))
        )
        return path

    with ThreadPoolExecutor(2) as pool:
        paths = tuple(pool.map(write, range(len(stored))))
    array = stored.astype(np.int16)
    array += INTERCEPT
    return BenchmarkSeries(folder, paths, (start,) * len(paths) if native else (), array)


def long_series(stored: npt.NDArray[np.uint16], slices: int, *, seed: int, description: str) -> Iterator[bytes]:
    """The files of a study of its own with more slices than these, which repeat.

    Parameters
    ----------
    seed
        Tells studies apart, and their instances from those of `write_series`; from 1 on.
    """
    header, _ = _template(stored.shape[1:], ExplicitVRLittleEndian, short=False, seed=seed, description=description)
    for k in range(slices):
        yield _header_of(header, k, seed) + stored[k % len(stored)].astype("<u2").tobytes()


def _header_of(template: bytes, k: int, seed: int = 0) -> bytes:
    """The template with a slice's own values."""
    own = template.replace(_UID.encode(), b"2.25.1%04d%014d" % (seed, k))
    return own.replace(_NUMBER.encode(), b"%6d" % (k + 1)).replace(_PLACE.encode(), b"%8.2f" % (k * STEP_MM))


def _fragments(frame: npt.NDArray[np.uint16], transfer_syntax: str) -> bytes:
    return encapsulate([encoded_frame(frame, transfer_syntax)]) + b"\xfe\xff\xdd\xe0\0\0\0\0"


def _template(
    shape: tuple[int, ...],
    transfer_syntax: str,
    *,
    short: bool,
    seed: int = 0,
    description: str = "Synthetic study",
) -> tuple[bytes, int]:
    """A file's bytes before its pixels, and their number."""
    dataset = synthetic_instance(np.zeros(shape, np.uint16), spacing=(STEP_MM, 0.7, 0.7), seed=seed)
    dataset.StudyDescription = description
    element = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, len(dataset.PixelData))
    if transfer_syntax != ExplicitVRLittleEndian:
        element = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF)
    del dataset.PixelData
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(_UID)
    dataset.InstanceNumber, dataset.ImagePositionPatient = _NUMBER, ["-180", "-180", _PLACE]
    if not short:
        _as_of_a_scanner(dataset)
    written = BytesIO()
    dataset.save_as(written, enforce_file_format=True)
    content = written.getvalue() + element
    return content, len(content)


def _as_of_a_scanner(dataset: Dataset) -> None:
    """Add the header of a CT scanner: a hundred elements, with sequences and private elements."""
    for keyword, value in _SCANNER.items():
        setattr(dataset, keyword, value)
    dataset.SliceLocation = _PLACE
    dataset.ProcedureCodeSequence = Sequence([_code("24627-2", "LN", "CT Chest")])
    dataset.RequestAttributesSequence = Sequence([Dataset()])
    dataset.RequestAttributesSequence[0].ScheduledProcedureStepID = "STEP1"
    dataset.RequestAttributesSequence[0].ScheduledProtocolCodeSequence = Sequence([_code("C-1", "99VOX", "Chest")])
    dataset.ReferencedImageSequence = Sequence([_reference(k) for k in range(2)])
    for group, count in ((0x0009, 8), (0x0019, 12), (0x0043, 10)):
        block = dataset.private_block(group, f"VOXELRY BENCHMARK {group:02d}", create=True)
        for k in range(count):
            vr, value = (("DS", f"{k}.5"), ("LO", f"VALUE {k}"), ("SL", k), ("UN", bytes(range(k + 2))))[k % 4]
            block.add_new(k + 1, vr, value)


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _reference(number: int) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    reference.ReferencedSOPInstanceUID = uid("benchmark", number)
    return reference


_SCANNER: dict[str, object] = {
    "InstanceCreationDate": "20200102", "InstanceCreationTime": "101214.120000", "AcquisitionDate": "20200102",
    "ContentDate": "20200102", "AcquisitionTime": "101213.500000", "ContentTime": "101214.000000",
    "InstitutionName": "Invented Hospital", "InstitutionAddress": "Nowhere 1", "StationName": "CT1",
    "InstitutionalDepartmentName": "Radiology", "ManufacturerModelName": "Benchmark 64", "PatientAge": "050Y",
    "PatientSize": "1.75", "PatientWeight": "75", "PatientComments": "", "ContrastBolusAgent": "IV",
    "BodyPartExamined": "CHEST", "ScanOptions": "HELICAL MODE", "DataCollectionDiameter": "500",
    "DeviceSerialNumber": "0001", "SoftwareVersions": ["1.0", "2.1"], "ProtocolName": "Chest 1.25 mm",
    "ContrastBolusRoute": "Oral & IV", "ReconstructionDiameter": "358.4", "DistanceSourceToDetector": "949.075",
    "DistanceSourceToPatient": "541", "GantryDetectorTilt": "0", "TableHeight": "150.5", "RotationDirection": "CW",
    "ExposureTime": "500", "XRayTubeCurrent": "300", "Exposure": "150", "FilterType": "BODY FILTER",
    "GeneratorPower": "36000", "FocalSpots": "0.7", "ConvolutionKernel": "STANDARD", "RevolutionTime": 0.5,
    "SingleCollimationWidth": 0.625, "TotalCollimationWidth": 40.0, "TableSpeed": 110.0, "SpiralPitchFactor": 1.375,
    "TableFeedPerRotation": 55.0, "CTDIvol": 10.5, "ExposureModulationType": "NONE", "ImageComments": "",
    "AcquisitionNumber": "2", "LossyImageCompression": "00", "WindowCenter": ["40", "-600"],
    "WindowWidth": ["400", "1500"], "WindowCenterWidthExplanation": ["MEDIASTINUM", "LUNG"],
    "PerformedProcedureStepStartDate": "20200102", "PerformedProcedureStepStartTime": "101112",
    "PerformedProcedureStepID": "P1", "PerformedProcedureStepDescription": "CT chest", "RequestingPhysician": "",
    "StudyStatusID": "", "TemporalPositionIndex": 1, "IrradiationEventUID": "2.25.77",
}  # fmt: skip
