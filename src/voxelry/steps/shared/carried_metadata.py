"""The metadata of a volume that remain valid for a volume derived from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from voxelry.core.value import Value
from voxelry.core.volume import Volume

PLACE = ("ImagePositionPatient", "SliceLocation", "PixelAspectRatio", "ImagePosition", "ImageOrientation")
SIZE = ("Rows", "Columns", "NumberOfFrames", "NumberOfSlices", "ImagesInAcquisition")
STEP = ("PixelSpacing", "ImagerPixelSpacing", "SliceThickness", "SpacingBetweenSlices", "ReconstructionDiameter")
WEIGHTING = ("DiffusionBValue", "DiffusionGradientOrientation", "DiffusionDirectionality")
"""Keywords that are dropped if the patient was turned: b-values too, which are nothing without their directions."""
SCALE = (
    *WEIGHTING,
    "RescaleSlope", "RescaleIntercept", "RescaleType", "Units", "ModalityLUTSequence", "WindowCenter", "WindowWidth",
    "WindowCenterWidthExplanation", "VOILUTFunction", "VOILUTSequence", "SmallestImagePixelValue",
    "LargestImagePixelValue", "SmallestPixelValueInSeries", "LargestPixelValueInSeries", "PixelPaddingValue",
    "PixelPaddingRangeLimit", "RealWorldValueMappingSequence", "PresentationLUTShape",
)  # fmt: skip
"""Keywords about the meaning and the display of values."""
MOVED = (*PLACE, *SIZE)
"""Keywords that are dropped if voxels were cropped."""
REGRIDDED = (*PLACE, *SIZE, *STEP)
"""Keywords that are dropped if voxels have another position and size."""


def without(volume: Volume, keywords: Iterable[str]) -> Mapping[str, Value]:
    """The metadata without some keywords."""
    gone = set(keywords)
    if not gone & volume.metadata.keys():
        return volume.metadata
    return {keyword: value for keyword, value in volume.metadata.items() if keyword not in gone}


def of_other_values(volume: Volume, array: npt.NDArray[Any], *, warnings: tuple[str, ...] | None = None) -> Volume:
    """A volume on the same grid with values of another meaning, so without unit, padding, windows and VOI LUT."""
    return replace(
        volume,
        array=array,
        unit="",
        padding=None,
        windows=(),
        voi_tables=(),
        slice_voi=(),
        metadata=without(volume, SCALE),
        warnings=volume.warnings if warnings is None else warnings,
    )
