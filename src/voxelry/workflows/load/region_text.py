"""Regions written as text, as in the terminal: ``box:...``, ``sphere:...``, or the path of a segmentation."""

from __future__ import annotations

from typing import Final

from voxelry.core.affine import Vector
from voxelry.core.errors import ParameterError
from voxelry.core.regions import BoxRegion, PatientRegion, SegmentRegion, SphereRegion
from voxelry.core.segmentation import Segmentation
from voxelry.workflows.load.load_structures import load_segmentation

REGION_FORMS: Final = "sphere:X,Y,Z:RADIUS or box:X,Y,Z:X,Y,Z in LPS mm, or a segmentation's path, with #SEGMENT"


def region_of_text(text: str, *, same_frame_of_reference: bool = False) -> PatientRegion:
    """The region that a text names.

    Parameters
    ----------
    text
        ``sphere:X,Y,Z:RADIUS``, ``box:X,Y,Z:X,Y,Z`` with two opposite corners, all in LPS mm; or the path of a
        segmentation, which may end in ``#`` and a segment's number or label.
    same_frame_of_reference
        As in `SegmentRegion`.

    Raises
    ------
    ParameterError
        If it is none of them, or no segment is called so.
    VoxelryError
        If there is no segmentation at the path.
    """
    if not text.startswith(("sphere:", "box:")):
        path, _, name = text.partition("#")
        segmentation = load_segmentation(path)
        numbers = (_number_of(segmentation, name),) if name else ()
        return SegmentRegion(segmentation, numbers, same_frame_of_reference=same_frame_of_reference)
    kind, _, rest = text.partition(":")
    first, _, second = rest.partition(":")
    if kind == "sphere":
        (radius,) = _numbers(second, 1, text)
        return SphereRegion(_point(first, text), radius)
    a, b = _point(first, text), _point(second, text)
    (x0, x1), (y0, y1), (z0, z1) = (sorted(pair) for pair in zip(a, b, strict=True))
    return BoxRegion((x0, y0, z0), (x1, y1, z1))


def _point(words: str, text: str) -> Vector:
    x, y, z = _numbers(words, 3, text)
    return x, y, z


def _numbers(words: str, count: int, text: str) -> list[float]:
    try:
        found = [float(word) for word in words.split(",")]
    except ValueError:
        found = []
    if len(found) != count:
        raise ParameterError(f"{text!r} is no region; give {REGION_FORMS}")
    return found


def _number_of(segmentation: Segmentation, name: str) -> int:
    named = {segment.number for segment in segmentation.segments if name in (str(segment.number), segment.label)}
    if len(named) != 1:
        offered = ", ".join(f"{segment.number} ({segment.label})" for segment in segmentation.segments[:20])
        why = "several segments are" if named else "no segment is"
        raise ParameterError(f"{why} called {name!r}; there are {offered or 'none'}")
    return named.pop()
