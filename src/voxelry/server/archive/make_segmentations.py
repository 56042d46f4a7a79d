"""The part of a build that prepares the segmentations and structure sets of a series to be laid over images."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from django.db import DatabaseError

from voxelry.core.errors import (
    GeometryError,
    NoPixelDataError,
    NotEnoughMemoryError,
    PixelDataError,
    Problem,
    UnplacedError,
    VoxelryError,
)
from voxelry.core.label_layers import LabelLayers, label_extents
from voxelry.core.progress import Progress, part
from voxelry.core.segment_items import colour_of
from voxelry.core.segmentation import RGB, Segment, Segmentation
from voxelry.core.structure_set import StructureSet
from voxelry.dicom.headers.attributes import text
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.sop_classes import SEGMENTATIONS
from voxelry.dicom.objects.segmentation_reading import read_segmentation
from voxelry.dicom.objects.structure_sets import STRUCTURE_SET, grid_of_images, read_structure_set
from voxelry.dicom.series.hierarchy import Series as Grouped
from voxelry.dicom.series.stack import Stack as Grid
from voxelry.machine import memory_bytes
from voxelry.server.archive.models import Series
from voxelry.server.archive.row_values import date_text, time_text
from voxelry.server.archive.shown.segmentation_files import (
    FOLDER,
    FRACTION,
    LayerFiles,
    SegmentationRecord,
    SegmentationSource,
    SegmentationSummary,
    StoredSegment,
    compress_layer,
    write_record,
    write_summaries,
)
from voxelry.server.archive.source_images import grouped_images, images_of_structures
from voxelry.server.jobs.failures import Away, JobError, where

logger = logging.getLogger(__name__)

SHOWN_AS_SEGMENTS = (*sorted(SEGMENTATIONS), STRUCTURE_SET)
"""SOP Class UIDs of what is laid over images."""
MODALITIES = ("SEG", "RTSTRUCT")
"""Of series that take their grid from others, which may come after them."""
_LABELS: dict[SegmentationSource, tuple[str, ...]] = {
    "SEG": ("SeriesDescription", "ContentDescription", "ContentLabel"),
    "RTSTRUCT": ("StructureSetLabel", "StructureSetName", "SeriesDescription"),
}
_MOMENTS: dict[SegmentationSource, tuple[str, ...]] = {
    "SEG": ("Content", "InstanceCreation", "Series"),
    "RTSTRUCT": ("StructureSet", "InstanceCreation", "Series"),
}
_LONGEST_LABEL = 200
_UNPLACED = UnplacedError(
    "nothing says where it lies in the patient: positions, orientation or spacing are missing; it is laid over no image"
).problem
_NO_MEMORY = NotEnoughMemoryError("its label maps need more memory than this machine has").problem


def make_segmentations(
    series: Series, grouped: Grouped, headers: Sequence[Header], build: Path, progress: Progress
) -> None:
    """Write the files of all segmentations and structure sets of a series; nothing if it has none.

    What cannot be read or placed is listed with the reason.

    Parameters
    ----------
    grouped
        The series as its volumes were made of it, without the files that cannot be decoded.
    headers
        Of all its instances.
    build
        The folder of the build.
    """
    shown = [header for header in headers if header.sop_class_uid in SHOWN_AS_SEGMENTS]
    if not shown:
        return
    keys = dict(series.instances.values_list("sop_instance_uid", "pk"))
    summaries = []
    for number, header in enumerate(shown):
        key = keys.get(header.sop_instance_uid)
        if key is None:
            continue
        share = part(progress, number / len(shown), (number + 1) / len(shown))
        summaries.append(_made(series, grouped, header, key, build / FOLDER / str(key), share))
    write_summaries(summaries, build)


def _made(
    series: Series, grouped: Grouped, header: Header, key: int, folder: Path, progress: Progress
) -> SegmentationSummary:
    kind: SegmentationSource = "RTSTRUCT" if header.sop_class_uid == STRUCTURE_SET else "SEG"
    problem: Problem | None = None
    space = ""
    try:
        if kind == "SEG":
            segmentation, structures = _segmentation(grouped, header, folder, part(progress, 0.0, 0.8)), None
        else:
            structures = _structure_set(series, header)
            segmentation = structures.segmentation(allocate=LayerFiles(folder))
        space = segmentation.geometry.frame_of_reference_uid or ""
        record = _written(segmentation, structures, folder, part(progress, 0.8, 1.0))
        if not segmentation.geometry.placed:
            problem = _UNPLACED
    except (JobError, Away, OSError, DatabaseError):
        raise
    except Exception as error:  # an unforeseen fault of one object must not spoil the others
        problem = _problem_of(error, header)
        shutil.rmtree(folder, ignore_errors=True)
        space, record = "", _without_grid(_contours_alone(header) if kind == "RTSTRUCT" else [])
    write_record(record, folder)
    return SegmentationSummary(
        instance=key,
        kind=kind,
        label=_label(header, kind),
        created=_created(header, kind),
        segment_count=len(record.segments),
        problem_code="" if problem is None else problem.code,
        problem_message="" if problem is None else problem.message.replace("\0", ""),
        space=space,
    )


def _problem_of(error: Exception, header: Header) -> Problem:
    if isinstance(error, VoxelryError):
        return error.problem
    if isinstance(error, MemoryError):
        return _NO_MEMORY
    logger.warning("a segmentation or structure set could not be prepared:\n%s", where(error))
    return Problem("damaged", f"{header.name}: cannot be read ({type(error).__name__}); it is damaged")


def _segmentation(grouped: Grouped, header: Header, folder: Path, progress: Progress) -> Segmentation:
    stacks = [stack for stack in grouped.stacks if stack.frames[0].header is header]
    if not stacks:
        problem = grouped.lost_images.get(header)
        raise PixelDataError(problem.message) if problem else NoPixelDataError("it holds no frame that can be used")
    _check_memory(stacks, header)
    return read_segmentation(stacks, allocate=LayerFiles(folder), progress=progress)


def _check_memory(stacks: Sequence[Grid], header: Header) -> None:
    """Refuse fractions that would not fit into memory, which hold a number for each voxel and segment."""
    if text(header.elements, "SegmentationType") != "FRACTIONAL":
        return
    largest = max(int(np.prod(stack.shape[:3], dtype=np.int64)) for stack in stacks)
    needed, there = 4 * len(stacks) * largest, memory_bytes()
    if there and needed > there // 2:
        raise NotEnoughMemoryError(
            f"the fractions of {len(stacks)} segments take {needed:,} bytes of memory, and this machine has {there:,}"
        )


def _structure_set(series: Series, header: Header) -> StructureSet:
    """The structure set on the grid of its images.

    Raises
    ------
    GeometryError
        If these are not here, or form no grid.
    """
    read = read_structure_set(header)
    images = images_of_structures(read, project=series.project_id or 0, study=header.study_instance_uid)
    geometry, problem = grid_of_images(grouped_images(images), read)
    if geometry is None:
        raise GeometryError(problem)
    return read.with_geometry(geometry)


def _written(
    segmentation: Segmentation, structures: StructureSet | None, folder: Path, progress: Progress
) -> SegmentationRecord:
    """Write the label maps; what is told of them."""
    layers = segmentation.layers(threshold=FRACTION, allocate=LayerFiles(folder))
    fractional = segmentation.fractional_type
    for index, labels in enumerate(layers.labels):
        progress(0.5 * index / len(layers.labels), "storing label maps")
        path = folder / f"{index}.npy"
        if not path.exists():
            np.save(path, labels.astype(labels.dtype.newbyteorder("<"), copy=False))
        compress_layer(folder, index)
    progress(0.5, "counting voxels")
    geometry = segmentation.geometry
    warnings = [words.replace("\0", "") for words in segmentation.warnings]
    if fractional is not None:
        kind = "occupancies" if fractional == "OCCUPANCY" else "probabilities"
        warnings.append(f"the segments are {kind}: shown and counted are the voxels above {FRACTION}")
    return SegmentationRecord(
        shape=geometry.shape,
        affine=None if geometry.affine is None else geometry.affine.tolist(),
        spacing=geometry.spacing,
        voxel_mm3=geometry.voxel_mm3,
        dtype="uint8" if layers.labels[0].dtype.itemsize == 1 else "uint16",
        layers=len(layers.labels),
        fractional=fractional,
        recipe=segmentation.recipe.replace("\0", ""),
        warnings=warnings,
        segments=_segments(segmentation, layers, structures),
    )


def _segments(segmentation: Segmentation, layers: LabelLayers, structures: StructureSet | None) -> list[StoredSegment]:
    extents = [label_extents(labels) for labels in layers.labels]
    voxel = segmentation.geometry.voxel_mm3
    contours = [None] * len(segmentation.segments) if structures is None else _contour_volumes(structures)
    found = []
    for order, (segment, contour_mm3) in enumerate(zip(segmentation.segments, contours, strict=True), 1):
        place = layers.places[segment.number]
        extent = extents[place.layer].get(place.value)
        count = 0 if extent is None else extent.count
        found.append(
            StoredSegment(
                number=segment.number,
                label=segment.label.replace("\0", ""),
                colour=_hex(colour_of(segment, order if structures is not None else segment.number)),
                category=segment.category if structures is None else None,
                type=segment.type if structures is None else None,
                type_modifier=segment.type_modifier,
                anatomic_region=segment.anatomic_region,
                region_modifier=segment.region_modifier,
                algorithm=segment.algorithm,
                algorithm_type=segment.algorithm_type,
                layer=place.layer,
                value=place.value,
                count=count,
                mm3=None if voxel is None else count * voxel,
                box=None if extent is None else (extent.low, extent.high),
                contour_mm3=contour_mm3,
            )
        )
    return found


def _contour_volumes(structures: StructureSet) -> list[float | None]:
    """The volumes by contour of the structures that have some."""
    found: list[float | None] = []
    for structure in structures.drawn:
        try:
            found.append(structures.volume_of(structure).mm3)
        except VoxelryError:
            found.append(None)
    return found


def _contours_alone(header: Header) -> list[StoredSegment]:
    """The structures of a set that has no grid, with their volumes by contour; none if it cannot be read."""
    try:
        structures = read_structure_set(header)
        volumes = _contour_volumes(structures)
    except VoxelryError:
        return []
    segments = structures.as_segments()
    return [
        _unplaced(segment, order, mm3) for order, (segment, mm3) in enumerate(zip(segments, volumes, strict=True), 1)
    ]


def _unplaced(segment: Segment, order: int, contour_mm3: float | None) -> StoredSegment:
    return StoredSegment(
        number=segment.number,
        label=segment.label.replace("\0", ""),
        colour=_hex(colour_of(segment, order)),
        category=None,
        type=None,
        type_modifier=None,
        anatomic_region=None,
        region_modifier=None,
        algorithm=segment.algorithm,
        algorithm_type=segment.algorithm_type,
        layer=0,
        value=0,
        count=0,
        mm3=None,
        box=None,
        contour_mm3=contour_mm3,
    )


def _without_grid(segments: list[StoredSegment]) -> SegmentationRecord:
    return SegmentationRecord(
        shape=(),
        affine=None,
        spacing=(None, None, None),
        voxel_mm3=None,
        dtype="uint8",
        layers=0,
        fractional=None,
        recipe="",
        warnings=[],
        segments=segments,
    )


def _hex(colour: RGB) -> str:
    return "#" + "".join(f"{component:02x}" for component in colour)


def _label(header: Header, kind: SegmentationSource) -> str:
    said = (text(header.elements, keyword).replace("\0", "").strip() for keyword in _LABELS[kind])
    return next((one for one in said if one), "")[:_LONGEST_LABEL]


def _created(header: Header, kind: SegmentationSource) -> str:
    """Date and time as ISO text; the date alone if the time is unknown; empty without both."""
    for prefix in _MOMENTS[kind]:
        date, time = date_text(header.elements, f"{prefix}Date"), time_text(header.elements, f"{prefix}Time")
        if date:
            return f"{date}T{time}" if time else date
    return ""
