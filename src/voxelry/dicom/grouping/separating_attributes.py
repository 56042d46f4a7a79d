"""Attributes that may distinguish frames at one position, and their order of precedence."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

from voxelry.dicom.frames.acquisition_times import CLOCKS

STRONG = (
    "StackID",
    "TemporalPositionIndex",
    "TemporalPositionIdentifier",
    "ReferencedSegmentNumber",
    "EnergyWindowVector",
    "PhaseVector",
    "RRIntervalVector",
    "TimeSlotVector",
    "TimeSliceVector",
    "EchoNumbers",
    "EchoTime",
    "EffectiveEchoTime",
    "DiffusionBValue",
    "TriggerTime",
    "NominalCardiacTriggerDelayTime",
    "NominalPercentageOfCardiacPhase",
    "InversionTime",
    "InversionTimes",
)
"""Attributes that are a dimension by their meaning; they may separate frames at a single position too."""
KINDS = (
    "ImageType",
    "FrameType",
    "ComplexImageComponent",
    "ConvolutionKernel",
    "KVP",
    "MonoenergeticEnergyEquivalent",
    "FlipAngle",
    "RepetitionTime",
    "VelocityEncodingDirection",
)
"""Attributes of the kind of image; they take precedence over the order of acquisition."""
CIRCUMSTANCES = (
    "ScanOptions",
    "SpectrallySelectedSuppression",
    "SequenceVariant",
    "ScanningSequence",
    "SequenceName",
    "PulseSequenceName",
    "ASLContext",
    "ReceiveCoilName",
    "FilterType",
    "RescaleType",
    "ImageComments",
    "SeriesDescription",
)
TIMES = ("FrameReferenceTime", "AcquisitionNumber", *CLOCKS)
"""Acquisition times. They may differ for other reasons, so they separate only complete sets of positions."""

_NOISE_KEYWORDS = (
    "InstanceNumber", "SliceLocation", "ImagePositionPatient", "ImagePosition", "ImageIndex", "InStackPositionNumber",
    "DimensionIndexValues", "FrameAcquisitionNumber", "FrameLabel", "ImagesInAcquisition", "Location",
    "SAR", "SpecificAbsorptionRateValue", "dBdt", "B1rms", "HeartRate", "RRIntervalTimeNominal",
    "LowRRValue", "HighRRValue", "IntervalsAcquired", "IntervalsRejected", "CardiacRRIntervalSpecified",
    "XRayTubeCurrent", "XRayTubeCurrentInuA", "XRayTubeCurrentInmA", "Exposure", "ExposureInmAs", "ExposureInuAs",
    "ExposureTime", "ExposureTimeInms", "ExposureTimeInus", "CTDIvol", "GeneratorPower", "EstimatedDoseSaving",
    "TableHeight", "TablePosition", "TableSpeed", "ImagingFrequency", "TransmitterFrequency",
    "DerivationDescription",
    "DerivationCodeSequence", "SourceImageSequence", "ReferencedImageSequence", "DerivationImageSequence",
    "ReferencedSeriesSequence", "ReferencedPerformedProcedureStepSequence", "IconImageSequence",
    "PlanePositionSequence", "PlanePositionVolumeSequence", "RequestAttributesSequence",
    "OriginalAttributesSequence", "ModifiedAttributesSequence", "ContributingEquipmentSequence",
    "EncryptedAttributesSequence", "DigitalSignaturesSequence", "SliceProgressionDirection",
    "SpecificCharacterSet", "DecayFactor", "DeadTimeFactor",
    "ScatterFractionFactor", "PrimaryPromptsCountsAccumulated", "SecondaryCountsAccumulated",
    "SliceSensitivityFactor", "ActualFrameDuration", "FrameAcquisitionDuration", "InstanceCreatorUID",
)  # fmt: skip
"""Attributes that depend on the position only or are new in each image, and are never a dimension."""
NOISE = frozenset(int(tag_for_keyword(keyword) or 0) for keyword in _NOISE_KEYWORDS) - {0}
_IMAGE_GROUP = 0x0028
"""Encoding and display of pixels. The scale is an exception, because it differs between magnitude and phase."""
_SCALES = frozenset(
    int(tag_for_keyword(keyword) or 0)
    for keyword in ("RescaleIntercept", "RescaleSlope", "RescaleType", "PixelValueTransformationSequence")
)
_NOISE_VRS = frozenset(("UI", "PN", "DA", "DT", "TM", "UR"))
_NOISE_GROUPS = frozenset((0x0002, 0x0004, 0x0010, 0x0012, 0x0032, 0x0038, 0x5400, 0x7FE0, 0xFFFA, 0xFFFC))


class Standing(IntEnum):
    """Order of precedence of attributes."""

    DIMENSION = 0
    STRONG = 1
    KIND = 2
    CIRCUMSTANCE = 3
    TIME = 4
    STANDARD = 5
    PRIVATE = 6


_LISTED = {
    keyword: (standing, place)
    for standing, keywords in (
        (Standing.STRONG, STRONG),
        (Standing.KIND, KINDS),
        (Standing.CIRCUMSTANCE, CIRCUMSTANCES),
        (Standing.TIME, TIMES),
    )
    for place, keyword in enumerate(keywords)
}


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of an image: its own, or one within its sequences.

    Attributes
    ----------
    path
        Tags from the outermost sequence to the attribute itself, each sequence followed by the number of the item.
        Of a private attribute the tag is without the block that its creator reserved.
    creator
        Of a private attribute.
    name
        The keyword; ``(0043,102F)`` for a private one.
    dimension
        True for an image's place along one of the dimensions of an enhanced object.
    """

    path: tuple[int, ...]
    creator: str = ""
    name: str = field(default="", compare=False)
    dimension: bool = False

    @property
    def standing(self) -> Standing:
        """When it is asked."""
        if self.dimension:
            return Standing.DIMENSION
        if any(part >> 16 & 1 for part in self.path):
            return Standing.PRIVATE
        return _LISTED.get(self.name, (Standing.STANDARD, 0))[0]

    @property
    def order(self) -> tuple[int, int, tuple[int, ...], str]:
        """Attributes in this order are asked one after the other."""
        standing = self.standing
        place = _LISTED.get(self.name, (standing, 0))[1] if standing != Standing.PRIVATE else 0
        return standing, place, self.path, self.creator


def standard(keyword: str) -> Attribute:
    """An attribute of the standard at the top of an instance."""
    return Attribute((int(tag_for_keyword(keyword) or 0),), name=keyword)


def is_noise(tag: int, vr: str = "") -> bool:
    """True for an attribute that never distinguishes images."""
    group, element = tag >> 16, tag & 0xFFFF
    if element == 0 or group in _NOISE_GROUPS or tag in NOISE or 0x6000 <= group <= 0x60FF:
        return True
    if group & 1:
        return element < 0x1000 or vr in _NOISE_VRS
    if group == _IMAGE_GROUP:
        return tag not in _SCALES
    return keyword_for_tag(tag) in TIMES or (vr or _dictionary_vr(tag)) in _NOISE_VRS


def _dictionary_vr(tag: int) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return ""
