"""Who drew a segmentation, and what it was edited from: the same series, or a reference to it."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.sop_classes import SEGMENTATIONS
from voxelry.dicom.objects.segmentation_sources import copied_attributes
from voxelry.dicom.write.header_bytes import EncodedElements, tag_of
from voxelry.dicom.write.provenance import SOURCE_IMAGE

OF_SERIES = (
    "SeriesInstanceUID", "SeriesNumber", "SeriesDate", "SeriesTime", "SeriesDescription",
    "SeriesDescriptionCodeSequence", "Laterality", "BodyPartExamined", "PatientPosition", "AnatomicalOrientationType",
    "ProtocolName", "PerformingPhysicianName", "PerformingPhysicianIdentificationSequence", "OperatorsName",
    "OperatorIdentificationSequence", "ReferencedPerformedProcedureStepSequence", "RelatedSeriesSequence",
    "RequestAttributesSequence", "PerformedProcedureStepID", "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime", "PerformedProcedureStepEndDate", "PerformedProcedureStepEndTime",
    "PerformedProcedureStepDescription", "PerformedProtocolCodeSequence", "CommentsOnThePerformedProcedureStep",
    "ClinicalTrialCoordinatingCenterName", "ClinicalTrialSeriesID", "ClinicalTrialSeriesDescription",
    "FrameOfReferenceUID", "PositionReferenceIndicator", "Manufacturer", "ManufacturerModelName",
    "DeviceSerialNumber", "SoftwareVersions", "InstitutionName", "InstitutionAddress",
    "InstitutionalDepartmentName", "StationName",
)  # fmt: skip
"""Attributes of series, equipment and frame of reference (PS3.3 C.7.3, C.7.4, C.7.5), which all of a series share."""
_REQUIRED = frozenset(
    {"SeriesNumber", "Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions"}
)
"""Those that an older object may lack and a new one may not (PS3.3 A.51.3)."""


@dataclass(frozen=True, slots=True)
class SegmentationOrigin:
    """Where a segmentation comes from beside its images.

    Attributes
    ----------
    creator
        Content Creator's Name (0070,0084), as DICOM writes names: ``"Doe^Jane"``.
    edited
        The segmentation or structure set that it was edited from, of the same study or another; it is referred to.
    same_series
        True to write it into the series of the edited one, whose attributes it then shares.
    instance_number
        Instance Number (0020,0013).

    Examples
    --------
    >>> voxelry.SegmentationOrigin(creator="Doe^Jane").instance_number
    1
    """

    creator: str = ""
    edited: Header | None = None
    same_series: bool = False
    instance_number: int = 1

    @property
    def joined(self) -> Header | None:
        """The edited one if the new one is written into its series."""
        return self.edited if self.same_series else None


def refer_to_edited(dataset: Dataset, edited: Header, study_instance_uid: str) -> None:
    """Say which object a segmentation was edited from; the dataset is changed in place.

    References
    ----------
    PS3.3 C.7.6.1 (Source Image Sequence), C.12.4 (Source Instance Sequence), C.12.2 (Common Instance Reference)
    """
    source = _reference(edited)
    purpose = Dataset()
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = SOURCE_IMAGE
    if edited.sop_class_uid in SEGMENTATIONS:
        source.PurposeOfReferenceCodeSequence = DicomSequence([purpose])
        dataset.SourceImageSequence.append(source)
    else:
        dataset.SourceInstanceSequence = DicomSequence([source])
    series = Dataset()
    series.SeriesInstanceUID = edited.series_instance_uid
    series.ReferencedInstanceSequence = DicomSequence([_reference(edited)])
    if edited.study_instance_uid == study_instance_uid:
        dataset.ReferencedSeriesSequence.append(series)
        return
    study = Dataset()
    study.StudyInstanceUID = edited.study_instance_uid
    study.ReferencedSeriesSequence = DicomSequence([series])
    dataset.StudiesContainingOtherReferencedInstancesSequence = DicomSequence([study])


def joined_series(raws: EncodedElements, edited: Header) -> EncodedElements:
    """The elements of an object in UTF-8 with the attributes of the series that it joins, as these are there."""
    theirs = copied_attributes(edited, OF_SERIES, utf8=True)
    kept = {tag_of(keyword) for keyword in _REQUIRED}
    shared = {tag_of(keyword) for keyword in OF_SERIES}
    own = {tag: raw for tag, raw in raws.items() if tag not in shared or (tag in kept and tag not in theirs)}
    return own | theirs


def _reference(header: Header) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = header.sop_class_uid, header.sop_instance_uid
    return item
