"""What of a volume's header still holds for what was made of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from voxelry.core.value import Value
from voxelry.core.volume import Volume

PLACE = ("ImagePositionPatient", "SliceLocation", "PixelAspectRatio", "ImagePosition", "ImageOrientation")
SIZE = ("Rows", "Columns", "NumberOfFrames", "NumberOfSlices", "ImagesInAcquisition")
STEP = ("PixelSpacing", "ImagerPixelSpacing", "SliceThickness", "SpacingBetweenSlices", "ReconstructionDiameter")
SCALE = (
    "RescaleSlope", "RescaleIntercept", "RescaleType", "Units", "ModalityLUTSequence", "WindowCenter", "WindowWidth",
    "WindowCenterWidthExplanation", "VOILUTFunction", "VOILUTSequence", "SmallestImagePixelValue",
    "LargestImagePixelValue", "SmallestPixelValueInSeries", "LargestPixelValueInSeries", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "RealWorldValueMappingSequence", "PresentationLUTShape",
)  # fmt: skip
"""Of the values: what they mean and how they are shown."""
MOVED = (*PLACE, *SIZE)
"""Gone where voxels were cut away."""
REGRIDDED = (*PLACE, *SIZE, *STEP)
"""Gone where voxels have other places and sizes."""


def without(volume: Volume, keywords: Iterable[str]) -> Mapping[str, Value]:
    """The metadata but for some keywords."""
    gone = set(keywords)
    if not gone & volume.metadata.keys():
        return volume.metadata
    return {keyword: value for keyword, value in volume.metadata.items() if keyword not in gone}
