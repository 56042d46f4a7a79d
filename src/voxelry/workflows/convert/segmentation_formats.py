"""The names of what a segmentation alone can be written as; to know them loads none of what writes them."""

from __future__ import annotations

import os
from typing import Final, Literal, TypeAlias, cast, get_args

from voxelry.core.errors import ParameterError
from voxelry.dicom.headers.sources import StrPath

SegmentationFormat: TypeAlias = Literal["seg", "rtstruct", "stl", "ply", "csv"]
SEGMENTATION_FORMATS: Final[dict[SegmentationFormat, tuple[str, str]]] = {
    "seg": (".dcm", "a DICOM segmentation, of a segmentation and its images"),
    "rtstruct": (".dcm", "the contours of a segmentation as an RT Structure Set in the planes of its images"),
    "stl": (".stl", "the surface of a segmentation, in LPS mm"),
    "ply": (".ply", "the same with a colour for each segment"),
    "csv": (".csv", "a table of segments with counts and mm3, and values where there are images"),
}
"""What a segmentation alone can be written as: the suffix, and a few words."""


def segmentation_format(path: StrPath, name: str | None) -> SegmentationFormat | None:
    """What a segmentation alone can be written as, by a format's name or a file's suffix; None for anything else.

    Raises
    ------
    ParameterError
        If the name of such a format and the suffix contradict each other.
    """
    asked = None if name is None else name.lower().lstrip(".")
    suffix = os.path.splitext(os.fspath(path))[1].lower()  # noqa: PTH122
    for known in get_args(SegmentationFormat):
        own = SEGMENTATION_FORMATS[known][0]
        if asked == known:
            if suffix != own:
                raise ParameterError(f"{known} is one file, whose name ends in {own}")
            return cast("SegmentationFormat", known)
        if asked is None and suffix == own and own != ".dcm":
            return cast("SegmentationFormat", known)
    return None
