"""Synthetic instances: small, valid, reproducible.

The same arguments always give the same bytes, independent of machine and clock. Every object has an
invented patient with searchable values, so that a test can show that none of them leaks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian

from voxelry.testing.encoding import set_pixels

Photometric = Literal["MONOCHROME2", "MONOCHROME1", "RGB", "YBR_FULL", "PALETTE COLOR"]
Triple = tuple[float, float, float]

PATIENT_NAME = "SECRET^NAME"
PATIENT_ID = "SECRET-ID-4711"
PATIENT_BIRTH_DATE = "19010203"
SECRETS: tuple[str, ...] = ("SECRET", PATIENT_BIRTH_DATE)
"""Strings that occur only in patients' values: none may reach a log, a message or a file name."""

AXIAL: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL: tuple[float, ...] = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
CORONAL: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
OBLIQUE: tuple[float, ...] = (0.8, 0.6, 0.0, -0.36, 0.48, -0.8)

_CLASSES: Mapping[str, str] = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "PT": "1.2.840.10008.5.1.4.1.1.128",
    "OT": "1.2.840.10008.5.1.4.1.1.7",
}
_BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"

UNCOMPRESSED: tuple[str, ...] = (
    "1.2.840.10008.1.2",
    ExplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
)


def uid(*parts: object) -> str:
    """A UID below 2.25 that depends only on ``parts``."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:16], 'big') >> 6}"


def pattern(shape: Sequence[int], *, bits: int = 12, signed: bool = False, seed: int = 0) -> npt.NDArray[np.generic]:
    """Stored values without symmetry: a ramp along every axis and a little noise.

    Parameters
    ----------
    shape
        Any shape, such as ``(slice, row, column)``.
    bits
        Bits Stored; all values fit, and the smallest and largest possible ones occur.
    """
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    ramp = np.zeros(shape, dtype=np.float64)
    for axis, length in enumerate(shape):
        steps = np.linspace(0.0, 1.0, length) if length > 1 else np.zeros(1)
        ramp += (axis + 1) * steps.reshape([-1 if k == axis else 1 for k in range(len(shape))])
    ramp += np.random.default_rng(seed).random(shape) * 0.5
    ramp -= ramp.min()
    if (top := ramp.max()) > 0:
        ramp /= top
    values = np.rint(low + ramp * (high - low))
    container = 8 if bits <= 8 else 16 if bits <= 16 else 32
    return values.astype(f"{'i' if signed else 'u'}{container // 8}")


def write(dataset: Dataset, path: str | Path) -> Path:
    """Write a DICOM file with preamble and file meta information; a missing folder is created."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(target, enforce_file_format=True)
    return target


def synthetic_instance(
    pixels: npt.NDArray[np.generic] | None = None,
    *,
    rows: int = 16,
    columns: int = 20,
    modality: str = "CT",
    sop_class_uid: str | None = None,
    spacing: Triple | None = (3.0, 0.8, 0.7),
    position: Triple | None = (-10.0, 20.0, -30.0),
    orientation: Sequence[float] | None = AXIAL,
    rescale: tuple[float, float] | None = (1.0, -1024.0),
    signed: bool = False,
    bits_stored: int = 12,
    photometric: Photometric = "MONOCHROME2",
    transfer_syntax: str = ExplicitVRLittleEndian,
    planar: int = 0,
    padding_value: int | None = None,
    instance_number: int | None = 1,
    index: int = 0,
    seed: int | str = 0,
    attributes: Mapping[str, object] | None = None,
    has_pixels: bool = True,
) -> Dataset:
    """One instance as a pydicom dataset, ready for `write`.

    Parameters
    ----------
    pixels
        Stored values: ``(row, column)``, ``(row, column, sample)`` for colour, with a leading axis for
        frames. None makes a `pattern` of ``rows`` x ``columns``.
    spacing
        Millimetres ``(slice thickness, row, column)``; None leaves thickness and Pixel Spacing out.
    position, orientation
        Image Position and Orientation (Patient), LPS; None leaves them out.
    rescale
        Slope and intercept; None leaves them out.
    photometric
        For ``YBR_FULL`` the pixels are given as RGB; for ``PALETTE COLOR`` as 8-bit indices.
    index
        Distinguishes instances of the same ``seed`` (SOP Instance UID).
    seed
        Instances of one seed share study, series and frame of reference.
    attributes
        More attributes by keyword, set last; the value None deletes the attribute.
    """
    colour = photometric in ("RGB", "YBR_FULL")
    if pixels is None:
        number = seed if isinstance(seed, int) else 0
        shape = (rows, columns, 3) if colour else (rows, columns)
        pixels = pattern(
            shape,
            bits=8 if colour or photometric == "PALETTE COLOR" else bits_stored,
            signed=signed and not colour,
            seed=number + index,
        )
    dataset = _identity(modality, sop_class_uid or _CLASSES.get(modality, _CLASSES["OT"]), index=index, seed=seed)
    dataset.InstanceNumber = instance_number
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"] if modality == "CT" else ["ORIGINAL", "PRIMARY"]
    if modality == "CT":
        dataset.KVP = "120"
        dataset.AcquisitionNumber = 1
    elif modality == "MR":
        dataset.ScanningSequence, dataset.SequenceVariant = "SE", "NONE"
        dataset.ScanOptions, dataset.MRAcquisitionType = "", "2D"
        dataset.EchoTime, dataset.EchoTrainLength, dataset.RepetitionTime = "10", "1", "500"
    if spacing is not None:
        dataset.SliceThickness = ds_text(spacing[0])
        dataset.PixelSpacing = [ds_text(spacing[1]), ds_text(spacing[2])]
    if orientation is not None:
        dataset.ImageOrientationPatient = [ds_text(cosine) for cosine in orientation]
    if position is not None:
        dataset.ImagePositionPatient = [ds_text(coordinate) for coordinate in position]
    if rescale is not None and not colour:
        dataset.RescaleSlope, dataset.RescaleIntercept = ds_text(rescale[0]), ds_text(rescale[1])
        if modality == "CT":
            dataset.RescaleType = "HU"
    if has_pixels:
        set_pixels(
            dataset,
            pixels,
            bits_stored=8 if pixels.dtype.itemsize == 1 else bits_stored,
            photometric=photometric,
            planar=planar,
            transfer_syntax=transfer_syntax,
        )
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    if padding_value is not None:
        dataset.add_new(0x00280120, "SS" if signed else "US", padding_value)
    set_attributes(dataset, attributes)
    return dataset


def synthetic_report(*, index: int = 0, seed: int | str = 0) -> Dataset:
    """A Basic Text SR: valid DICOM without pixels."""
    dataset = _identity("SR", _BASIC_TEXT_SR, index=index, seed=seed)
    dataset.InstanceNumber = 1
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "UNVERIFIED"
    dataset.ContentDate, dataset.ContentTime = "20200102", "101112"
    title = Dataset()
    title.CodeValue, title.CodingSchemeDesignator, title.CodeMeaning = "18748-4", "LN", "Diagnostic imaging report"
    dataset.ConceptNameCodeSequence = DicomSequence([title])
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def _identity(modality: str, sop_class_uid: str, *, index: int, seed: int | str) -> Dataset:
    dataset = Dataset()
    meta = FileMetaDataset()
    dataset.file_meta = meta
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = UID(sop_class_uid)
    dataset.SOPInstanceUID = UID(uid("instance", seed, modality if modality == "SR" else "", index))
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.ImplementationClassUID = UID("2.25.179769313486231570814527423731704356")
    meta.ImplementationVersionName = "VOXELRY"
    dataset.PatientName = PATIENT_NAME
    dataset.PatientID = PATIENT_ID
    dataset.PatientBirthDate = PATIENT_BIRTH_DATE
    dataset.PatientSex = "O"
    dataset.StudyInstanceUID = UID(uid("study", seed))
    dataset.SeriesInstanceUID = UID(uid("series", seed) if modality != "SR" else uid("report", seed))
    dataset.FrameOfReferenceUID = UID(uid("frame of reference", seed))
    dataset.PositionReferenceIndicator = ""
    dataset.StudyDate, dataset.StudyTime = "20200102", "101112"
    dataset.SeriesDate, dataset.SeriesTime = "20200102", "101213"
    dataset.AccessionNumber, dataset.StudyID = "A-1", "1"
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = "Synthetic study"
    dataset.SeriesDescription = f"Synthetic {modality}"
    dataset.SeriesNumber = 1 if modality != "SR" else 2
    dataset.Modality = modality
    dataset.Manufacturer = "Voxelry"
    dataset.PatientPosition = "HFS"
    return dataset


def set_attributes(dataset: Dataset, attributes: Mapping[str, object] | None) -> None:
    """Set attributes by keyword; the value None deletes the attribute."""
    for keyword, value in (attributes or {}).items():
        if value is None:
            if keyword in dataset:
                delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)


def ds_text(value: float) -> str:
    """The most exact Decimal String of at most 16 characters (PS3.5 6.2)."""
    for digits in range(17, 0, -1):
        text = f"{float(value):.{digits}g}"
        if len(text) <= 16:
            return text
    raise ValueError(f"{value} does not fit a Decimal String")
