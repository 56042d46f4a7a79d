"""RT Structure Sets read: structures with their contours (PS3.3 A.19, C.8.8.5, C.8.8.6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import get_args

import numpy as np
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset

from voxelry.core.contours import Contour, Contours, GeometricType
from voxelry.core.errors import PixelDataError, VoxelryError
from voxelry.core.geometry import Geometry
from voxelry.core.polygons import Floats
from voxelry.core.segmentation import RGB
from voxelry.core.structure_set import StructureSet
from voxelry.dicom.headers.attributes import Attributes, integer, items, number, numbers, tag_label, text
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.series.hierarchy import Series

STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
_CONTOUR_DATA = int(tag_for_keyword("ContourData") or 0)
_LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True, eq=False)
class _Roi:
    """An item of Structure Set ROI Sequence (3006,0020)."""

    name: str
    frame_of_reference_uid: str
    algorithm: str


def read_structure_set(header: Header) -> StructureSet:
    """The structures of one RT Structure Set. Items that cannot be used are left out and told; nothing is fatal.

    Parameters
    ----------
    header
        Of an instance of RT Structure Set Storage.
    """
    told: Counter[str] = Counter()
    whole = header.elements
    rois = _rois(whole, told)
    types = {
        found: text(item, "RTROIInterpretedType")
        for item in _items(whole, "RTROIObservationsSequence", told)
        if (found := _integer(item, "ReferencedROINumber")) is not None
    }
    drawn = _drawn(whole, told)
    unnamed = [one for one in drawn if one not in rois]
    if unnamed:
        told["ROI Contour Sequence (3006,0039) has contours of a structure that nothing names"] += len(unnamed)
    structures = tuple(
        _structure(one, rois.get(one, _Roi("", "", "")), drawn.get(one, []), types.get(one, ""))
        for one in (*rois, *unnamed)
    )
    return StructureSet(
        structures=structures,
        label=text(whole, "StructureSetLabel"),
        referenced_series_uids=tuple(dict.fromkeys(_referenced_series(whole, told))),
        warnings=tuple(f"{words} ({count})" if count > 1 else words for words, count in told.items()),
    )


def referenced_images(structure_set: StructureSet) -> frozenset[str]:
    """SOP Instance UIDs of the images that contours say they were drawn on."""
    contours = (contour for structure in structure_set.structures for contour in structure.contours)
    return frozenset(contour.instance_uid for contour in contours if contour.instance_uid)


def grid_of_images(images: Iterable[Series], structure_set: StructureSet) -> tuple[Geometry | None, str]:
    """The grid of the images that contours were drawn on, or the reason why there is none.

    Parameters
    ----------
    images
        The series among which they are searched.
    """
    named, drawn_on = set(structure_set.referenced_series_uids), referenced_images(structure_set)
    stacks = [
        (sum(header.sop_instance_uid in drawn_on for header in stack.headers), len(stack.frames), stack)
        for series in images
        if series.series_instance_uid in named or any(one.sop_instance_uid in drawn_on for one in series.instances)
        for stack in series.stacks
    ]
    if not stacks:
        return None, "the images that these contours were drawn on are not here: no grid, so no masks"
    stack = max(stacks, key=lambda one: one[:2])[2]
    if stack.problem is not None:
        return None, f"the images that these contours were drawn on form no regular grid: {stack.problem}"
    if not stack.geometry.placed:
        return None, "the images that these contours were drawn on have no place in the patient: no grid, so no masks"
    return stack.geometry, ""


def _rois(whole: Attributes, told: Counter[str]) -> dict[int, _Roi]:
    found: dict[int, _Roi] = {}
    for item in _items(whole, "StructureSetROISequence", told):
        own = _integer(item, "ROINumber")
        if own is None:
            told[f"a structure without ROI Number (3006,0022) was {_LEFT_OUT}"] += 1
        elif own in found:
            told[f"a second structure with one ROI Number (3006,0022) was {_LEFT_OUT}"] += 1
        else:
            frame = text(item, "ReferencedFrameOfReferenceUID")
            found[own] = _Roi(text(item, "ROIName"), frame, text(item, "ROIGenerationAlgorithm"))
    return found


def _drawn(whole: Attributes, told: Counter[str]) -> dict[int, list[Dataset]]:
    """The items of ROI Contour Sequence by the number of their structure."""
    found: dict[int, list[Dataset]] = {}
    for item in _items(whole, "ROIContourSequence", told):
        own = _integer(item, "ReferencedROINumber")
        if own is None:
            told[f"contours without Referenced ROI Number (3006,0084) were {_LEFT_OUT}"] += 1
        else:
            found.setdefault(own, []).append(item)
    return found


def _referenced_series(whole: Attributes, told: Counter[str]) -> Iterator[str]:
    for frame in _items(whole, "ReferencedFrameOfReferenceSequence", told):
        for study in _items(frame, "RTReferencedStudySequence", told):
            for series in _items(study, "RTReferencedSeriesSequence", told):
                uid = text(series, "SeriesInstanceUID")
                if uid:
                    yield uid


# --- one structure ----------------------------------------------------------------------------------------------------


def _structure(own: int, roi: _Roi, drawn: list[Dataset], kind: str) -> Contours:
    lost: Counter[str] = Counter()
    contours = [
        contour
        for item in drawn
        for one in _items(item, "ContourSequence", lost)
        if (contour := _contour(one, lost)) is not None
    ]
    return Contours(
        contours=tuple(contours),
        name=roi.name,
        number=own,
        colour=next((colour for item in drawn if (colour := _colour(item)) is not None), None),
        frame_of_reference_uid=roi.frame_of_reference_uid or None,
        interpreted_type=kind,
        algorithm=roi.algorithm,
        warnings=tuple(f"{words} ({count} {'times' if count > 1 else 'time'})" for words, count in lost.items()),
    )


def _contour(item: Dataset, lost: Counter[str]) -> Contour | None:
    """A contour; None, which is counted with the reason, if it cannot be used."""
    kind = next((known for known in get_args(GeometricType) if known == text(item, "ContourGeometricType")), None)
    if kind is None:
        lost[f"a contour was {_LEFT_OUT}: its Contour Geometric Type (3006,0042) is missing or unknown"] += 1
        return None
    points = _points(item)
    if points is None:
        lost[f"a contour was {_LEFT_OUT}: its Contour Data (3006,0050) is not triplets of numbers"] += 1
        return None
    said = _integer(item, "NumberOfContourPoints")
    if said is not None and said != len(points):
        lost["Number of Contour Points (3006,0046) is not the number of points, all of which were taken"] += 1
    if any(_numbers(item, "ContourOffsetVector")):
        lost["Contour Offset Vector (3006,0045) was not applied"] += 1
    image = next((text(one, "ReferencedSOPInstanceUID") for one in _items(item, "ContourImageSequence", lost)), "")
    try:
        return Contour(points, kind, instance_uid=image, slab_thickness=_positive(item, "ContourSlabThickness"))
    except VoxelryError as error:
        lost[f"a contour was {_LEFT_OUT}: {error}"] += 1
        return None


def _points(item: Dataset) -> Floats | None:
    """Shape ``(n, 3)``; from the file's bytes, since pydicom takes a microsecond for each number of a DS."""
    with quiet:
        try:
            element = item.get_item(_CONTOUR_DATA)
            value = None if element is None else element.value
            if isinstance(value, bytes):
                found = np.array([float(one) for one in value.strip(b" \0").split(b"\\")])
            else:
                found = np.array([float(one) for one in value or ()])
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
    return found.reshape(-1, 3) if found.size and found.size % 3 == 0 else None


def _colour(item: Dataset) -> RGB | None:
    """ROI Display Color (3006,002A)."""
    found = _numbers(item, "ROIDisplayColor")
    if len(found) != 3 or not all(0 <= one <= 255 for one in found):
        return None
    red, green, blue = map(round, found)
    return red, green, blue


def _items(of: Attributes, keyword: str, told: Counter[str]) -> tuple[Dataset, ...]:
    """The items of a sequence; none, which is told, if it is damaged."""
    try:
        return items(of, keyword)
    except PixelDataError:
        told[f"{tag_label(keyword)} is damaged, and was {_LEFT_OUT}"] += 1
        return ()


def _integer(item: Attributes, keyword: str) -> int | None:
    try:
        return integer(item, keyword)
    except PixelDataError:
        return None


def _numbers(item: Attributes, keyword: str) -> tuple[float, ...]:
    try:
        return numbers(item, keyword) or ()
    except PixelDataError:
        return ()


def _positive(item: Attributes, keyword: str) -> float | None:
    try:
        found = number(item, keyword)
    except PixelDataError:
        return None
    return found if found is not None and found > 0 else None
