"""A bare volume as a dataset: what CT, MR and Secondary Capture instances must hold (PS3.3 A.3, A.4, A.8)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from voxelry.core.errors import ParameterError, UnplacedError
from voxelry.core.slice_grid import check_orientation
from voxelry.core.volume import Volume
from voxelry.dicom.headers.value_representations import BINARY_VRS
from voxelry.dicom.write.header_bytes import decimal_string
from voxelry.dicom.write.provenance import VERSION

CT, MR, SC = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.7"
ENHANCED_CT, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4.1"
CONFLICT = 1e-4
"""Largest cosine between rows and columns that counts as perpendicular."""

FOLLOWING = frozenset(
    {
        "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "ImageType", "Rows", "Columns", "NumberOfFrames",
        "SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "BitsAllocated", "BitsStored", "HighBit",
        "PixelRepresentation", "PixelData", "FloatPixelData", "DoubleFloatPixelData", "RescaleSlope",
        "RescaleIntercept", "RescaleType", "ModalityLUTSequence", "PixelSpacing", "ImagePositionPatient",
        "ImageOrientationPatient", "SliceLocation", "InstanceNumber", "SmallestImagePixelValue",
        "LargestImagePixelValue", "PixelPaddingValue", "PixelPaddingRangeLimit", "WindowCenter", "WindowWidth",
        "VOILUTFunction", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
        "DimensionOrganizationSequence", "DimensionIndexSequence", "ContributingEquipmentSequence",
    }
)  # fmt: skip
"""Attributes that follow from the voxels and from the writing."""
_EMPTY = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "ReferringPhysicianName",
    "StudyID", "AccessionNumber", "SeriesNumber", "Manufacturer",
)  # fmt: skip
"""Type 2 attributes of every composite image: required, and empty if unknown."""
_EMPTY_OF = {
    CT: ("PatientPosition", "PositionReferenceIndicator", "KVP", "AcquisitionNumber"),
    MR: (
        "PatientPosition", "PositionReferenceIndicator", "ScanOptions", "MRAcquisitionType", "RepetitionTime",
        "EchoTime", "EchoTrainLength",
    ),
    SC: ("PatientOrientation",),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class SlicePlaces:
    """Where the slices of a volume lie.

    Attributes
    ----------
    orientation
        Row cosines, then column cosines; shape ``(6,)``.
    positions
        Image Position (Patient) of each slice, LPS mm; shape ``(slices, 3)``.
    pixel_spacing
        ``(row_spacing, column_spacing)``, mm.
    slice_spacing
        Along the normal, mm.
    """

    orientation: npt.NDArray[np.float64]
    positions: npt.NDArray[np.float64]
    pixel_spacing: tuple[float, float]
    slice_spacing: float


def slice_places(volume: Volume) -> SlicePlaces | None:
    """Positions and orientation of a volume's slices; None if its affine is unknown.

    Raises
    ------
    ParameterError
        If rows and columns are not perpendicular, which a DICOM image cannot express.
    """
    if volume.affine is None:
        return None
    affine = volume.affine
    step, row, column = volume.geometry.known_spacing
    rows, columns = affine[:3, 1] / row, affine[:3, 2] / column
    if abs(float(rows @ columns)) > CONFLICT:
        raise ParameterError(
            "the volume's rows and columns are not perpendicular (a shear within the slices), which a DICOM image "
            "cannot say: resample it first"
        )
    orientation = check_orientation(np.concatenate([columns, rows]))
    positions = affine[:3, 3] + np.arange(volume.array.shape[0])[:, None] * affine[:3, 0]
    return SlicePlaces(orientation, positions, (row, column), step)


def modality_of(volume: Volume, attributes: Mapping[str, object]) -> str:
    """As it is given, else as the volume's metadata say, else CT for Hounsfield units, else OT."""
    told = attributes.get("Modality") or volume.metadata.get("Modality")
    return str(told) if told else "CT" if volume.unit == "HU" else "OT"


def sop_class_for(volume: Volume, modality: str, *, enhanced: bool) -> str:
    """The class of object for a volume.

    Raises
    ------
    ParameterError
        If there is none that holds it.
    UnplacedError
        If it needs an affine and there is none.
    """
    if enhanced and (modality not in ("CT", "MR") or volume.colour):
        raise ParameterError(f"enhanced objects are of CT or MR and grey, not of {modality}; write single frames")
    found = {"CT": ENHANCED_CT if enhanced else CT, "MR": ENHANCED_MR if enhanced else MR}.get(modality, SC)
    found = SC if volume.colour else found
    if found != SC and volume.affine is None:
        raise UnplacedError(
            f"the volume's affine is unknown, and a {modality} image needs its place: give the volume an affine, or "
            "write it as Secondary Capture (Modality OT)"
        )
    return found


def check_attributes(attributes: Mapping[str, object]) -> None:
    """Raise a ParameterError for an attribute that is unknown, or that follows from the voxels."""
    for keyword in attributes:
        if tag_for_keyword(keyword) is None:
            raise ParameterError(f"{keyword!r} is no keyword of a DICOM attribute")
        if keyword in FOLLOWING:
            raise ParameterError(f"{keyword} follows from the volume, and cannot be given")


def base(
    volume: Volume,
    sop_class: str,
    modality: str,
    attributes: Mapping[str, object],
    uid: Callable[..., str],
    created: datetime | None,
) -> Dataset:
    """What all instances of a volume share: patient, study, series and equipment; no pixels, no place.

    Raises
    ------
    ParameterError
        If an attribute's value is none that its representation holds.
    """
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.Modality = sop_class, modality
    for keyword in (*_EMPTY, *_EMPTY_OF.get(sop_class, ("PatientPosition", "PositionReferenceIndicator"))):
        setattr(dataset, keyword, "" if keyword not in ("EchoTrainLength", "SeriesNumber") else None)
    if sop_class in _EMPTY_OF and "BodyPartExamined" not in attributes:
        dataset.Laterality = ""  # of a part that may be paired, for all that is known
    dataset.StudyInstanceUID = uid("study")
    dataset.SeriesInstanceUID = uid("series")
    if volume.affine is not None:
        dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = uid("frame of reference"), ""
    if created is not None:
        dataset.InstanceCreationDate, dataset.InstanceCreationTime = _date(created), _time(created)
        dataset.ContentDate, dataset.ContentTime = _date(created), _time(created)
    if sop_class == MR:
        dataset.ScanningSequence, dataset.SequenceVariant = "RM", "NONE"
    if sop_class == SC:
        dataset.ConversionType = "WSD"
    if volume.lossy:
        dataset.LossyImageCompression = "01"
    for keyword, value in attributes.items():
        try:
            setattr(dataset, keyword, value)
        except Exception:  # whatever pydicom makes of it; its words may quote a patient's value
            raise ParameterError(f"{keyword} cannot have the value that is given") from None
        if dataset[keyword].VR in BINARY_VRS:
            raise ParameterError(f"{keyword} holds binary values, and cannot be given")
    return dataset


def image_plane_module(place: SlicePlaces, index: int) -> Dataset:
    """Image Plane (PS3.3 C.7.6.2) of one slice. Slice Thickness is the spacing, because no other value is known."""
    dataset = Dataset()
    dataset.PixelSpacing = [decimal_string(side) for side in place.pixel_spacing]
    dataset.ImageOrientationPatient = [decimal_string(cosine) for cosine in place.orientation]
    dataset.ImagePositionPatient = [decimal_string(coordinate) for coordinate in place.positions[index]]
    dataset.SliceThickness = decimal_string(place.slice_spacing)
    return dataset


def equipment(dataset: Dataset) -> None:
    """Enhanced General Equipment (PS3.3 C.7.5.2), whose attributes must not be empty: the maker of these objects."""
    for keyword, value in (
        ("Manufacturer", "Voxelry"),
        ("ManufacturerModelName", "voxelry"),
        ("DeviceSerialNumber", "none"),
        ("SoftwareVersions", VERSION),
    ):
        if not dataset.get(keyword):
            setattr(dataset, keyword, value)


def _date(moment: datetime) -> str:
    return moment.strftime("%Y%m%d")


def _time(moment: datetime) -> str:
    return moment.strftime("%H%M%S.%f")
