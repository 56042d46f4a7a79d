"""Findings about frames without individual positions, and their spacing if it is known.

Dental scanners write multi-frame CT and secondary captures with a single position for all frames. Projections, tiles
and ultrasound volumes are no slices in the patient.
"""

from __future__ import annotations

from collections.abc import Sequence

from voxelry.core.errors import PixelDataError, Problem
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.frame_facts import group_of
from voxelry.dicom.frames.multiframe_positions import (
    FARTHEST,
    NEAREST,
    NUCLEAR_MEDICINE,
    RT_DOSE,
    ULTRASOUND_VOLUME,
    WHOLE_SLIDE,
    follow_in_space,
    is_planar,
    is_reconstructed,
    plane_attributes,
)
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.headers.attributes import item_attributes, number, tag_label, text
from voxelry.dicom.headers.header import Header


def common_step(frames: Sequence[Frame]) -> float | None:
    """Spacing in mm of frames that the header declares as slices and that share a single position; else None.

    The direction in which the slices follow each other is unknown.
    """
    header = frames[0].header
    if not _together(frames) or frames[0].orientation is None or not follow_in_space(header):
        return None
    return said_step(frames[0])


def _together(frames: Sequence[Frame]) -> bool:
    """True for all frames of one instance with one place."""
    first = frames[0]
    own = first.position is None and len(frames) == first.pixels.frames > 1
    special = first.header.sop_class_uid in (RT_DOSE, NUCLEAR_MEDICINE, WHOLE_SLIDE)
    return own and not special and _one_place_for_all(first)


def _one_place_for_all(frame: Frame) -> bool:
    """True if one Image Position (Patient) is given for all frames of an instance, itself or in its shared groups."""
    several = frame.pixels.frames > 1 and "PerFrameFunctionalGroupsSequence" not in frame.header.elements
    place = group_of(frame.groups, "PlanePositionSequence", plane_attributes(frame.header))
    return several and "ImagePositionPatient" in place


def said_step(frame: Frame) -> float | None:
    """Spacing Between Slices (0018,0088) without its sign; mm."""
    try:
        measures = group_of(frame.groups, "PixelMeasuresSequence", frame.header.elements)
        found = number(measures, "SpacingBetweenSlices")
    except PixelDataError:
        return None
    return abs(found) if found is not None and NEAREST <= abs(found) <= FARTHEST else None


def unplaced_findings(frames: Sequence[Frame]) -> list[Problem]:
    """Why frames have no place of their own, where there is more to say than that nothing is given."""
    first = frames[0]
    header = first.header
    if first.position is not None and first.orientation is not None:
        return []
    if is_planar(header):
        kind = text(header.elements, "ImageType").split("\\")[2:3]
        named = f" ({kind[0]} in Image Type (0008,0008))" if kind else ""
        words = f"projections{named}: each frame sums up the body along a line, so that they form no stack of slices"
        return [finding("warning", "no_stack", words, kind="projections")]
    if header.sop_class_uid == WHOLE_SLIDE:
        words = "tiles of a whole slide: they lie beside each other, and form no stack of slices"
        return [finding("warning", "no_stack", words, kind="tiles")]
    if header.sop_class_uid == ULTRASOUND_VOLUME or _has_volume_axes(first):
        words = (
            "an ultrasound volume in axes of its own (Plane Position (Volume) Sequence (0020,930E)): nothing says how "
            "these lie in the patient, so that it forms no stack here"
        )
        return [finding("warning", "no_stack", words, kind="ultrasound_volume")]
    return _one_place(frames, header) if _one_place_for_all(first) else []


def _has_volume_axes(frame: Frame) -> bool:
    return any(item_attributes(group, "PlanePositionVolumeSequence") for group in frame.groups)


def _one_place(frames: Sequence[Frame], header: Header) -> list[Problem]:
    count, step = frames[0].pixels.frames, said_step(frames[0])
    lead = f"one {tag_label('ImagePositionPatient')} for all {count} frames together"
    if header.sop_class_uid == RT_DOSE:
        words = f"{lead}, and no {tag_label('GridFrameOffsetVector')} to place each"
        return [finding("warning", "one_place", words, spacing_mm=None)]
    if is_reconstructed(header) or step is None:
        words = f"{lead}, and no {tag_label('SpacingBetweenSlices')} to place each: their distance is unknown"
        return [finding("warning", "one_place", words, spacing_mm=None)]
    if frames[0].orientation is None:
        words = f"{lead}, and no {tag_label('ImageOrientationPatient')}: their place is unknown"
        return [finding("warning", "one_place", words, spacing_mm=None)]
    if common_step(frames) is not None:
        words = (
            f"{lead}: their distance of {step:g} mm is that of {tag_label('SpacingBetweenSlices')}, and in which "
            "direction they follow each other nothing says, so that there are mm3, but no positions along the stack"
        )
        return [finding("warning", "one_place", words, spacing_mm=step)]
    rows, columns = frames[0].pixel_spacing or (None, None)
    voxel = "" if rows is None or columns is None else f", a voxel of {step * rows * columns:.6g} mm3"
    words = (
        f"{lead}, and no {tag_label('FrameIncrementPointer')} says that they are slices and no time points: if they "
        f"are, {tag_label('SpacingBetweenSlices')} makes them {step:g} mm apart{voxel}"
    )
    return [finding("warning", "one_place", words, spacing_mm=None, said_mm=step)]
