"""Concatenations: an enhanced object that is split into several instances (PS3.3 C.7.6.16.2.2.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from voxelry.core.errors import IncompleteStackError, PixelDataError
from voxelry.core.gaps import listed
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import integer, tag_label, text
from voxelry.dicom.headers.header import Header

_MOST_PARTS = 65_535
"""In-concatenation Number (0020,9162) is of 16 bits."""


def object_uid(header: Header) -> str:
    """Concatenation UID (0020,9161), which all parts of an object share; the SOP Instance UID of an unsplit object."""
    return text(header.elements, "ConcatenationUID") or header.sop_instance_uid


def place_in_object(frame: Frame) -> tuple[str, int, int]:
    """Sort key of a frame: UID of its object, number of its part, frame number in the part."""
    if not frame.groups:
        return frame.header.sop_instance_uid, 0, frame.index
    return object_uid(frame.header), _number(frame.header, "InConcatenationNumber"), frame.index


def missing_parts(frames: Sequence[Frame]) -> IncompleteStackError | None:
    """The error for missing parts of a concatenation; None if all parts are present, or the objects are not split."""
    if not frames[0].groups:
        return None
    parts: dict[str, list[Header]] = defaultdict(list)
    for header in dict.fromkeys(frame.header for frame in frames):
        uid = text(header.elements, "ConcatenationUID")
        if uid:
            parts[uid].append(header)
    for headers in parts.values():
        numbers = {_number(header, "InConcatenationNumber") for header in headers}
        total = max(*numbers, *(_number(header, "InConcatenationTotalNumber") for header in headers))
        missing = sorted(set(range(1, min(total, _MOST_PARTS) + 1)) - numbers)
        if missing and numbers != {0}:
            return _error(missing, total)
    return None


def _error(missing: Sequence[int], total: int) -> IncompleteStackError:
    several = len(missing) > 1
    return IncompleteStackError(
        f"part{'s' * several} {listed([str(number) for number in missing])} of the {total} parts of a concatenation "
        f"{'are' if several else 'is'} not there ({tag_label('InConcatenationNumber')}), and the frames of the others "
        "are no whole volume: add the missing files",
        count=len(missing),
        parts=total,
        missing=[*missing],
    )


def _number(header: Header, keyword: str) -> int:
    try:
        return integer(header.elements, keyword) or 0
    except PixelDataError:
        return 0
