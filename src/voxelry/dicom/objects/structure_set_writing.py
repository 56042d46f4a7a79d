"""A segmentation as contours of an RT Structure Set, in the planes of its images (PS3.3 A.19, C.8.8.5 to C.8.8.8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FrameOfReferenceError, ParameterError, UnplacedError
from voxelry.core.frame_of_reference import CONFIRM
from voxelry.core.geometry import Geometry
from voxelry.core.mask_outlines import Holes, outlines
from voxelry.core.placed_masks import Mask, labels_on_grid
from voxelry.core.progress import Progress, silent
from voxelry.core.segmentation import TISSUE, Segment, Segmentation
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.objects.segmentation_sources import (
    SINGLE_FRAME,
    next_series_number,
    patient_and_study,
    stacks_of_source,
)
from voxelry.dicom.objects.structure_sets import STRUCTURE_SET
from voxelry.dicom.series.hierarchy import Series
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.write.header_bytes import EncodedElements, code, encoded_items, file_head, joined, tag_of, words
from voxelry.dicom.write.implicit import implicitly_joined
from voxelry.dicom.write.instance_files import check_names, emit_whole
from voxelry.dicom.write.provenance import VERSION, Derivation, equipment_of, moment_elements, reference
from voxelry.dicom.write.writing import Written

IN_PLANE = 0.02
"""How far a slice may lie off an image, in steps, and still be drawn on it."""
_PARALLEL = 1 - 1e-6
_IMPLICIT = "1.2.840.10008.1.2"
"""Explicit VR has no room for the points of long contours (PS3.5 6.2.2)."""
_STUDY_MANAGEMENT = "1.2.840.10008.3.1.2.3.1"
"""Detached Study Management, by which RT objects still name a study (PS3.3 C.8.8.5)."""
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a date must be there, and may not differ from run to run
_DECIMALS = 6


def write_structure_set(
    segmentation: Segmentation,
    source: Stack | Series | Sequence[Stack],
    path: StrPath,
    *,
    holes: Holes = "keyhole",
    threshold: float | None = None,
    label: str = "SEGMENTATION",
    series_description: str = "Contours",
    series_number: int | None = None,
    seed: str | None = None,
    created: datetime | None = None,
    same_frame_of_reference: bool = False,
    progress: Progress = silent,
) -> Written:
    """Write a segmentation as one RT Structure Set instance: closed contours in the planes of the images.

    Contours run along the edges of voxels, so that they hold exactly the voxels of each segment, and their area is that
    of the voxels. Study, patient and frame of reference are the source's; the series is new.

    Parameters
    ----------
    segmentation
        Its slices lie in planes of the images; else it is placed on their grid by patient position, with a warning.
    source
        The images that it lies on.
    path
        The file. It appears when it is whole; one that is there is replaced.
    holes
        ``"keyhole"``: an outer contour goes in and out again along one line to each hole, as the standard wants it of
        CLOSED_PLANAR; ``"xor"``: holes are contours of their own, of type CLOSEDPLANAR_XOR, which few programs know.
    threshold
        From 0 to 1, for fractions, and needed for them: a voxel belongs if its fraction lies above it.
    label
        Structure Set Label (3006,0002); at most 16 ASCII characters.
    series_number
        None for 1000 more than the source's.
    seed
        None for random UIDs. The same text, labels and source give the same file, byte for byte.
    created
        When; by default now, or 1970 where ``seed`` is given.
    same_frame_of_reference
        True to confirm that segmentation and images lie in one place though their frames of reference differ.

    Returns
    -------
    written
        The file, and what a user must know: segments that were placed on the images' grid, or lie beyond the images.

    Raises
    ------
    UnplacedError
        If the place of the segmentation or of the images in the patient is unknown.
    FrameOfReferenceError
        If they lie in different frames of reference.
    ParameterError
        If an option is none, or fractions have no threshold.

    Examples
    --------
    >>> [series] = voxelry.index("sample/phantom").series
    >>> [done] = voxelry.process("sample/phantom", "lungs").results
    >>> written = voxelry.write_structure_set(done.result.segmentation, series, "lungs-rt.dcm")
    >>> found = voxelry.load_contours("lungs-rt.dcm", images="sample/phantom")
    >>> found.rows()[0]["mask_voxels"] == done.result.segmentation.count(1)
    True
    """
    if holes not in get_args(Holes):
        raise ParameterError(f"holes are {' or '.join(get_args(Holes))}, not {holes!r}")
    if not (label.isascii() and label.isprintable() and 0 < len(label) <= 16) or "\\" in label:
        raise ParameterError("the label of a structure set is of 1 to 16 ASCII characters without a backslash")
    target = Path(path)
    check_names(target.name, 1)
    derivation = Derivation(
        series_description, "", seed, created or (datetime.now() if seed is None else _EPOCH)  # noqa: DTZ005
    )  # fmt: skip
    stacks = stacks_of_source(source)
    warnings: list[str] = []
    frame_of_reference = _frame_of_reference(
        segmentation.geometry, stacks, derivation, warnings, confirmed=same_frame_of_reference
    )
    drawing = _drawing(segmentation, stacks, holes, warnings)
    rois: list[_Roi] = []
    beyond = 0
    for index, segment in enumerate(segmentation.segments):
        progress(0.9 * index / len(segmentation.segments), "drawing contours")
        contours = list(drawing.contours(segmentation.mask(segment.number, threshold=threshold)))
        beyond += sum(frame is None for _, frame in contours)
        rois.append(_Roi(segment, encoded_items(*(_contour(points, frame, holes) for points, frame in contours))))
        if not contours:
            warnings.append(f"segment {segment.number} is empty: its structure has no contour")
    if beyond:
        warnings.append(f"{beyond} contours lie on no image of the source, and name none")
    elements = _elements(rois, stacks, derivation, frame_of_reference, label, series_number)
    uid = derivation.uid("instance")
    elements[tag_of("SOPInstanceUID")] = words(b"UI", uid)
    head = file_head(STRUCTURE_SET, uid, _IMPLICIT, VERSION)
    emit_whole(head + implicitly_joined(elements), target)
    progress(1.0, "written")
    return Written((target,), derivation.uid("series"), tuple(dict.fromkeys((*segmentation.warnings, *warnings))))


# --- where contours are drawn -----------------------------------------------------------------------------------------


def _frame_of_reference(
    grid: Geometry, stacks: Sequence[Stack], derivation: Derivation, warnings: list[str], *, confirmed: bool
) -> str:
    found, own = stacks[0].frame_of_reference_uid, grid.frame_of_reference_uid
    if found and own and found != own and not confirmed:
        raise FrameOfReferenceError(
            "the segmentation lies in another frame of reference than the images (Frame of Reference UID (0020,0052) "
            f"differs), so nothing says where on them it lies; {CONFIRM}"
        )
    if not found:
        warnings.append("the images name no frame of reference: the contours have one of their own")
    return found or derivation.uid("frame of reference", stacks[0].headers[0].series_instance_uid)


@dataclass(frozen=True, slots=True, eq=False)
class _Drawing:
    """How masks become contours.

    Attributes
    ----------
    own
        The grid of the masks.
    grid
        The grid whose slices are drawn: the same, or that of the images.
    frames
        The image that each slice lies on; None where it lies on none.
    """

    own: Geometry
    grid: Geometry
    frames: tuple[Frame | None, ...]
    holes: Holes

    def contours(self, mask: Mask) -> Iterator[tuple[npt.NDArray[np.float64], Frame | None]]:
        """Points of each contour in LPS mm, and the image that they lie on."""
        placed = labels_on_grid(mask, self.own, self.grid)
        for index in np.flatnonzero(placed.any(axis=(1, 2))).tolist():
            for path in outlines(placed[index], holes=self.holes):
                corners = np.column_stack([np.full(len(path), float(index)), path])
                yield self.grid.index_to_lps(corners), self.frames[index]


def _drawing(segmentation: Segmentation, stacks: Sequence[Stack], holes: Holes, warnings: list[str]) -> _Drawing:
    grid = segmentation.geometry
    if not grid.placed:
        raise UnplacedError("the place of this segmentation in the patient is unknown, and contours are points in it")
    frames = _frames_of_slices(grid, stacks)
    if any(frame is not None for frame in frames):
        return _Drawing(grid, grid, frames, holes)
    placed = next((stack for stack in stacks if stack.regular and stack.geometry.placed), None)
    if placed is None:
        raise UnplacedError(
            "the slices of this segmentation lie in the planes of no image of the source, and the images form no "
            "regular grid on which it could be placed"
        )
    warnings.append(
        "the slices of the segmentation lie in other planes than the images: it was placed on the images' grid, whose "
        "voxels belong if their centres lie in it"
    )
    return _Drawing(grid, placed.geometry, _frames_of_slices(placed.geometry, (placed,)), holes)


def _frames_of_slices(grid: Geometry, stacks: Sequence[Stack]) -> tuple[Frame | None, ...]:
    """The image in whose plane each slice of a grid lies, if there is one."""
    normal, step = grid.normal, float(grid.known_spacing[0])
    frames = [
        frame
        for stack in stacks
        for frame in stack.frames
        if frame.position is not None and frame.orientation is not None and frame.blank is None
        and abs(float(normal @ np.cross(frame.orientation[:3], frame.orientation[3:]))) > _PARALLEL
    ]  # fmt: skip
    if not frames:
        return (None,) * grid.shape[0]
    offsets = np.array([frame.position for frame in frames], np.float64) @ normal
    found: list[Frame | None] = []
    for index in range(grid.shape[0]):
        off = np.abs(offsets - float(grid.index_to_lps((index, 0, 0)) @ normal))
        nearest = int(off.argmin())
        found.append(frames[nearest] if off[nearest] <= IN_PLANE * step else None)
    return tuple(found)


# --- as elements ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Roi:
    segment: Segment
    contours: bytes
    """Items of Contour Sequence (3006,0040)."""


def _contour(points: npt.NDArray[np.float64], frame: Frame | None, holes: Holes) -> bytes:
    numbers = (np.round(points, _DECIMALS) + 0.0).ravel().tolist()
    found: EncodedElements = {
        tag_of("ContourGeometricType"): words(b"CS", "CLOSED_PLANAR" if holes == "keyhole" else "CLOSEDPLANAR_XOR"),
        tag_of("NumberOfContourPoints"): words(b"IS", str(len(points))),
        tag_of("ContourData"): words(b"DS", "\\".join([f"{number:.10g}" for number in numbers])),
    }
    if frame is not None:
        image = reference(frame.header.sop_class_uid, frame.header.sop_instance_uid)
        if "NumberOfFrames" in frame.header.elements and frame.header.sop_class_uid not in SINGLE_FRAME:
            image[tag_of("ReferencedFrameNumber")] = words(b"IS", str(frame.index + 1))
        found[tag_of("ContourImageSequence")] = b"SQ", encoded_items(joined(image))
    return joined(found)


def _elements(
    rois: Sequence[_Roi],
    stacks: Sequence[Stack],
    derivation: Derivation,
    frame_of_reference: str,
    label: str,
    series_number: int | None,
) -> EncodedElements:
    headers = list(dict.fromkeys(header for stack in stacks for header in stack.headers))
    utf8 = not all(roi.segment.label.isascii() and roi.segment.type.meaning.isascii() for roi in rois)
    moment = derivation.created or _EPOCH
    number = next_series_number(headers[0]) if series_number is None else series_number
    return {
        **patient_and_study(headers[0], utf8=utf8),
        **moment_elements(moment, "InstanceCreation"),
        **moment_elements(moment, "Series"),
        **moment_elements(moment, "StructureSet"),
        tag_of("SOPClassUID"): words(b"UI", STRUCTURE_SET),
        tag_of("Modality"): words(b"CS", "RTSTRUCT"),
        tag_of("Manufacturer"): words(b"LO", "Voxelry"),
        tag_of("ManufacturerModelName"): words(b"LO", "voxelry"),
        tag_of("SoftwareVersions"): words(b"LO", VERSION),
        tag_of("SeriesDescription"): words(b"LO", derivation.description[:64]),
        tag_of("SeriesInstanceUID"): words(b"UI", derivation.uid("series")),
        tag_of("SeriesNumber"): words(b"IS", str(number)),
        tag_of("OperatorsName"): words(b"PN", ""),
        tag_of("FrameOfReferenceUID"): words(b"UI", frame_of_reference),
        tag_of("PositionReferenceIndicator"): words(b"LO", ""),
        tag_of("StructureSetLabel"): words(b"SH", label),
        tag_of("ReferencedFrameOfReferenceSequence"): (b"SQ", _references(headers, frame_of_reference)),
        tag_of("StructureSetROISequence"): (b"SQ", encoded_items(*(_named(roi, frame_of_reference) for roi in rois))),
        tag_of("ROIContourSequence"): (b"SQ", encoded_items(*map(_drawn, rois))),
        tag_of("RTROIObservationsSequence"): (b"SQ", encoded_items(*map(_observed, rois))),
        tag_of("ContributingEquipmentSequence"): (b"SQ", equipment_of(derivation)),
    }


def _references(headers: Sequence[Header], frame_of_reference: str) -> bytes:
    """The item of Referenced Frame of Reference Sequence (3006,0010): study, series and images."""
    series = []
    for uid, members in groupby(sorted(headers, key=_series_uid), key=_series_uid):
        images = encoded_items(*(joined(reference(one.sop_class_uid, one.sop_instance_uid)) for one in members))
        item: EncodedElements = {
            tag_of("SeriesInstanceUID"): words(b"UI", uid),
            tag_of("ContourImageSequence"): (b"SQ", images),
        }
        series.append(joined(item))
    study: EncodedElements = {
        **reference(_STUDY_MANAGEMENT, headers[0].study_instance_uid),
        tag_of("RTReferencedSeriesSequence"): (b"SQ", encoded_items(*series)),
    }
    frame: EncodedElements = {
        tag_of("FrameOfReferenceUID"): words(b"UI", frame_of_reference),
        tag_of("RTReferencedStudySequence"): (b"SQ", encoded_items(joined(study))),
    }
    return encoded_items(joined(frame))


def _series_uid(header: Header) -> str:
    return header.series_instance_uid


def _named(roi: _Roi, frame_of_reference: str) -> bytes:
    found: EncodedElements = {
        tag_of("ROINumber"): words(b"IS", str(roi.segment.number)),
        tag_of("ReferencedFrameOfReferenceUID"): words(b"UI", frame_of_reference),
        tag_of("ROIName"): (b"LO", roi.segment.label.replace("\\", "/").encode()),
        tag_of("ROIGenerationAlgorithm"): words(b"CS", roi.segment.algorithm_type),
    }
    return joined(found)


def _drawn(roi: _Roi) -> bytes:
    found: EncodedElements = {tag_of("ReferencedROINumber"): words(b"IS", str(roi.segment.number))}
    if roi.segment.colour is not None:
        found[tag_of("ROIDisplayColor")] = words(b"IS", "\\".join(map(str, roi.segment.colour)))
    if roi.contours:
        found[tag_of("ContourSequence")] = b"SQ", roi.contours
    return joined(found)


def _observed(roi: _Roi) -> bytes:
    number = words(b"IS", str(roi.segment.number))
    found: EncodedElements = {
        tag_of("ObservationNumber"): number,
        tag_of("ReferencedROINumber"): number,
        tag_of("RTROIInterpretedType"): words(b"CS", ""),
        tag_of("ROIInterpreter"): words(b"PN", ""),
    }
    if roi.segment.type != TISSUE:
        found[tag_of("RTROIIdentificationCodeSequence")] = _coded(roi.segment)
    return joined(found)


def _coded(segment: Segment) -> EncodedValue:
    kind = segment.type
    if kind.meaning.isascii() and len(kind.value) <= 16:
        return code(kind.value, kind.scheme, kind.meaning)
    keyword = "CodeValue" if len(kind.value) <= 16 else "LongCodeValue"
    found: EncodedElements = {
        tag_of(keyword): words(b"SH" if keyword == "CodeValue" else b"UC", kind.value),
        tag_of("CodingSchemeDesignator"): words(b"SH", kind.scheme),
        tag_of("CodeMeaning"): (b"LO", kind.meaning.encode()),
    }
    return b"SQ", encoded_items(joined(found))
