"""Regions as text, and back: ``sphere:X,Y,Z:RADIUS``, ``box:X,Y,Z:X,Y,Z`` (LPS, mm), and ``segment:UID#NUMBER``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from voxelry.core.affine import Vector
from voxelry.core.errors import ParameterError
from voxelry.core.regions import ALONG_PATIENT, BoxRegion, SphereRegion

SOLID_FORMS: Final = "sphere:X,Y,Z:RADIUS or box:X,Y,Z:X,Y,Z in LPS mm"
SEGMENT_FORM: Final = "segment:SOP-INSTANCE-UID#NUMBER"
_MOST = 9
_SOLID = re.compile(r"(sphere|box):", re.ASCII)
_SEGMENT = re.compile(r"segment:([0-9]+(?:\.[0-9]+)*)#([1-9][0-9]{0,4})", re.ASCII)
_LONGEST_UID = 64
_NUMBER = re.compile(r"\s*[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class NamedSegment:
    """A segment by where it is stored: what a recipe says of the segment in which voxels were counted.

    Parameters
    ----------
    sop_instance_uid
        Of the segmentation or the structure set.
    number
        Of the segment.

    Raises
    ------
    ParameterError
        If one of them is none.

    Examples
    --------
    >>> liver = voxelry.NamedSegment(sop_instance_uid="1.2.840.99.7", number=2)
    >>> voxelry.Recipe(method="units", lower=40, within=liver).text
    'threshold units lower=40 within=segment:1.2.840.99.7#2'
    """

    sop_instance_uid: str
    number: int

    def __post_init__(self) -> None:
        if len(self.sop_instance_uid) > _LONGEST_UID or not _SEGMENT.fullmatch(self.text):
            raise ParameterError(f"a segment is named by its SOP Instance UID and its number: {SEGMENT_FORM}")

    @property
    def text(self) -> str:
        """``segment:UID#NUMBER``."""
        return f"segment:{self.sop_instance_uid}#{self.number}"


def names_segment(text: str) -> bool:
    """Whether a text is meant as a segment by where it is stored."""
    return text.startswith("segment:")


def segment_of_text(text: str) -> NamedSegment:
    """The segment that a text names.

    Raises
    ------
    ParameterError
        If it names none.
    """
    found = _SEGMENT.fullmatch(text)
    if found is None:
        raise ParameterError(f"this names no segment; give {SEGMENT_FORM}")
    return NamedSegment(found[1], int(found[2]))


def names_solid(text: str) -> bool:
    """Whether a text is meant as a box or a sphere."""
    return _SOLID.match(text) is not None


def solid_of_text(text: str) -> SphereRegion | BoxRegion:
    """The sphere or the box that a text names.

    Parameters
    ----------
    text
        ``sphere:X,Y,Z:RADIUS``, or ``box:X,Y,Z:X,Y,Z`` with two opposite corners, in LPS mm; a turned box has its three
        directions behind, nine numbers, and corners along them.

    Raises
    ------
    ParameterError
        If it is neither.
    """
    kind, *parts = text.split(":")
    numbers = [_numbers(words) for words in parts]
    match kind, [len(one) for one in numbers]:
        case "sphere", [3, 1]:
            return SphereRegion(_vector(numbers[0]), numbers[1][0])
        case "box", [3, 3] | [3, 3, 9]:
            (x0, x1), (y0, y1), (z0, z1) = (sorted(pair) for pair in zip(*numbers[:2], strict=True))
            turned = numbers[2] if len(numbers) == 3 else None
            directions = ALONG_PATIENT if turned is None else tuple(_vector(turned[i : i + 3]) for i in (0, 3, 6))
            return BoxRegion((x0, y0, z0), (x1, y1, z1), directions)  # type: ignore[arg-type]
    raise ParameterError(f"this is no region; give {SOLID_FORMS}")


def text_of_solid(region: SphereRegion | BoxRegion) -> str:
    """The text that names a region, from which it is read back to the last digit."""
    if isinstance(region, SphereRegion):
        return f"sphere:{text_of_numbers(region.centre)}:{text_of_numbers([region.radius_mm])}"
    ends = f"box:{text_of_numbers(region.low)}:{text_of_numbers(region.high)}"
    turned = region.directions != ALONG_PATIENT
    return f"{ends}:{text_of_numbers(x for one in region.directions for x in one)}" if turned else ends


def vector_of_text(text: str) -> Vector:
    """Three numbers, as ``1,2.5,-3``.

    Raises
    ------
    ParameterError
        If it is something else.
    """
    found = _numbers(text)
    if len(found) != 3:
        raise ParameterError("a point of the patient is three numbers, X,Y,Z in LPS mm")
    return _vector(found)


def text_of_numbers(numbers: Iterable[float]) -> str:
    """Numbers with commas between, as short as they can be read back to the last digit."""
    return ",".join(repr(float(number)).removesuffix(".0") for number in numbers)


def _numbers(words: str) -> list[float]:
    """The numbers of a text; none if one of them is something else, or there are more than a region has."""
    found = words.split(",", _MOST)
    return [float(word) for word in found] if all(map(_NUMBER.fullmatch, found)) else []


def _vector(numbers: Sequence[float]) -> Vector:
    x, y, z = numbers
    return x, y, z
