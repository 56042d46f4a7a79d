"""Regions written as text, as in the terminal: ``box:...``, ``sphere:...``, or the path of masks or contours."""

from __future__ import annotations

from voxelry.core.errors import ParameterError
from voxelry.core.region_words import names_solid, solid_of_text
from voxelry.core.regions import PatientRegion, SegmentRegion
from voxelry.core.segmentation import Segmentation
from voxelry.dicom.headers.sources import StrPath
from voxelry.workflows.load.load_structures import load_masks


def region_of_text(text: str, *, images: StrPath | None = None, same_frame_of_reference: bool = False) -> PatientRegion:
    """The region that a text names.

    Parameters
    ----------
    text
        ``sphere:X,Y,Z:RADIUS``, ``box:X,Y,Z:X,Y,Z`` with two opposite corners, all in LPS mm; or the path of a
        segmentation or of an RT Structure Set, which may end in ``#`` and a segment's number or label.
    images
        Where the images are that contours were drawn on, if not beside them.
    same_frame_of_reference
        As in `SegmentRegion`.

    Raises
    ------
    ParameterError
        If it is none of them, or no segment is called so.
    VoxelryError
        If there are no masks at the path.
    """
    if not names_solid(text):
        path, _, name = text.partition("#")
        segmentation = load_masks(path, images=images)
        numbers = (segment_number(segmentation, name),) if name else ()
        return SegmentRegion(segmentation, numbers, same_frame_of_reference=same_frame_of_reference)
    try:
        return solid_of_text(text)
    except ParameterError as error:
        raise ParameterError(f"{text!r}: {error}") from None


def segment_number(segmentation: Segmentation, name: str) -> int:
    """The number of the segment that is called so, by its number or its label.

    Raises
    ------
    ParameterError
        If there is none, or several are.
    """
    named = {segment.number for segment in segmentation.segments if name in (str(segment.number), segment.label)}
    if len(named) != 1:
        offered = ", ".join(f"{segment.number} ({segment.label})" for segment in segmentation.segments[:20])
        why = "several segments are" if named else "no segment is"
        raise ParameterError(f"{why} called {name!r}; there are {offered or 'none'}")
    return named.pop()
