"""A bare volume as one Enhanced CT or MR object: functional groups and dimensions (PS3.3 A.38, A.36, C.7.6.16)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from voxelry.core.intensity import Window
from voxelry.dicom.write.derived_groups import coded
from voxelry.dicom.write.header_bytes import decimal_string
from voxelry.dicom.write.instance_modules import ENHANCED_MR, SlicePlaces, equipment, image_plane_module
from voxelry.dicom.write.stored_from_modality import StoredScale

ENTIRE_BODY = ("38266002", "SCT", "Entire body")
_KIND = ["DERIVED", "PRIMARY", "VOLUME", "NONE"]


def complete(
    dataset: Dataset,
    place: SlicePlaces,
    scale: StoredScale,
    unit: str,
    window: Window,
    uid: Callable[..., str],
    created: datetime,
) -> None:
    """Add to a dataset all that an enhanced object has and single frames have not.

    Parameters
    ----------
    dataset
        As ``objects.base`` makes it; it is changed.
    """
    magnetic = dataset.SOPClassUID == ENHANCED_MR
    equipment(dataset)
    dataset.ImageType = _KIND
    dataset.NumberOfFrames = len(place.positions)
    dataset.InstanceNumber = 1
    dataset.ContentDate, dataset.ContentTime = created.strftime("%Y%m%d"), created.strftime("%H%M%S.%f")
    if dataset.get("SeriesNumber") is None:
        dataset.SeriesNumber = 1
    dataset.BurnedInAnnotation = "NO"
    dataset.PresentationLUTShape = "IDENTITY"
    if "LossyImageCompression" not in dataset:
        dataset.LossyImageCompression = "00"
    dataset.ContentQualification = "RESEARCH"
    dataset.AcquisitionContextSequence = Sequence()
    _describe(dataset, magnetic=magnetic)
    if magnetic and "ApplicableSafetyStandardAgency" not in dataset:
        dataset.ApplicableSafetyStandardAgency = "IEC"  # judges demand it of derived images too
    _dimensions(dataset, uid("dimension organization"))
    shared = _shared(place, scale, unit, window, magnetic=magnetic)
    if not magnetic:  # not said for derived images by the standard of today, but mandatory in earlier ones
        event = Dataset()
        event.IrradiationEventUID = uid("irradiation event")
        shared.IrradiationEventIdentificationSequence = Sequence([event])
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence([_frame(place, k) for k in range(len(place.positions))])


def _describe(of: Dataset, *, magnetic: bool) -> None:
    """Common CT and MR Image Description (PS3.3 C.8.16.2), and what MR adds (C.8.13.3.3.1)."""
    of.PixelPresentation, of.VolumetricProperties, of.VolumeBasedCalculationTechnique = "MONOCHROME", "VOLUME", "NONE"
    if magnetic:
        of.ComplexImageComponent, of.AcquisitionContrast = "MAGNITUDE", "UNKNOWN"


def _dimensions(dataset: Dataset, organization: str) -> None:
    """One stack, and the place in it (PS3.3 C.7.6.17)."""
    whole = Dataset()
    whole.DimensionOrganizationUID = organization
    dataset.DimensionOrganizationSequence = Sequence([whole])
    dataset.DimensionOrganizationType = "3D"
    indices = []
    for keyword, label in (("StackID", "Stack"), ("InStackPositionNumber", "Position in the stack")):
        index = Dataset()
        index.DimensionOrganizationUID = organization
        index.DimensionIndexPointer, index.FunctionalGroupPointer = Tag(keyword), Tag("FrameContentSequence")
        index.DimensionDescriptionLabel = label
        indices.append(index)
    dataset.DimensionIndexSequence = Sequence(indices)


def _shared(place: SlicePlaces, scale: StoredScale, unit: str, window: Window, *, magnetic: bool) -> Dataset:
    plane = image_plane_module(place, 0)
    measures, orientation, anatomy, transform, kind, shown = (Dataset() for _ in range(6))
    measures.PixelSpacing, measures.SliceThickness = plane.PixelSpacing, plane.SliceThickness
    measures.SpacingBetweenSlices = decimal_string(place.slice_spacing)
    orientation.ImageOrientationPatient = plane.ImageOrientationPatient
    anatomy.FrameLaterality = "U"
    anatomy.AnatomicRegionSequence = Sequence([coded(*ENTIRE_BODY)])
    transform.RescaleSlope, transform.RescaleIntercept = decimal_string(scale.slope), decimal_string(scale.intercept)
    transform.RescaleType = unit or "US"
    kind.FrameType = _KIND
    _describe(kind, magnetic=magnetic)
    shown.WindowCenter, shown.WindowWidth = decimal_string(window.center), decimal_string(window.width)
    if window.function != "LINEAR":
        shown.VOILUTFunction = window.function
    shared = Dataset()
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.PlaneOrientationSequence = Sequence([orientation])
    shared.FrameAnatomySequence = Sequence([anatomy])
    shared.PixelValueTransformationSequence = Sequence([transform])
    shared.FrameVOILUTSequence = Sequence([shown])
    setattr(shared, "MRImageFrameTypeSequence" if magnetic else "CTImageFrameTypeSequence", Sequence([kind]))
    return shared


def _frame(place: SlicePlaces, k: int) -> Dataset:
    content, position, frame = Dataset(), Dataset(), Dataset()
    content.StackID, content.InStackPositionNumber = "1", k + 1
    content.DimensionIndexValues = [1, k + 1]
    position.ImagePositionPatient = [decimal_string(coordinate) for coordinate in place.positions[k]]
    frame.FrameContentSequence = Sequence([content])
    frame.PlanePositionSequence = Sequence([position])
    return frame
