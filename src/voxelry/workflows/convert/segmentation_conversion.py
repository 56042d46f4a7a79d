"""One segmentation from a path into a file: from whatever holds one to whatever can."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from voxelry.core.errors import ExistsError, NothingFoundError, NotOneVolumeError
from voxelry.core.progress import Progress, part, silent
from voxelry.core.segmentation import Segmentation
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.sop_classes import SEGMENTATIONS
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.series.hierarchy import Series
from voxelry.dicom.write.writing import Written
from voxelry.workflows.convert.segmentation_formats import SegmentationFormat
from voxelry.workflows.convert.segmentation_targets import write_segmentation_file
from voxelry.workflows.files.results_folder import is_taken
from voxelry.workflows.load.indexing import index
from voxelry.workflows.load.load_structures import load_masks


def source_series(
    images: StrPath,
    segmentation: Segmentation,
    *,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    progress: Progress = silent,
) -> Series:
    """The series of images that a segmentation lies on.

    Of several it is the one in the segmentation's frame of reference, or on its grid.

    Raises
    ------
    NothingFoundError
        If there are no images.
    NotOneVolumeError
        If several series fit.
    """
    found = index(images, limits=limits, tolerances=tolerances, progress=progress)
    fitting = [
        series
        for series in found.series
        if series.stacks and series.stacks[0].frames[0].header.sop_class_uid not in SEGMENTATIONS
    ]
    if not fitting:
        raise NothingFoundError(f"{images}: holds no images that a segmentation could lie on")
    grid = segmentation.geometry
    own = grid.frame_of_reference_uid
    if len(fitting) > 1 and own:
        fitting = [one for one in fitting if own in {stack.frame_of_reference_uid for stack in one.stacks}] or fitting
    if len(fitting) > 1:
        alike = [one for one in fitting if any(stack.geometry.same_grid(grid) for stack in one.stacks)]
        fitting = alike or fitting
    if len(fitting) > 1:
        raise NotOneVolumeError(
            f"{images}: holds {len(fitting)} series on which the segmentation could lie; give the folder of one"
        )
    return fitting[0]


def convert_segmentation(
    source: StrPath,
    target: Path,
    kind: SegmentationFormat,
    *,
    images: StrPath | None,
    options: Mapping[str, Value],
    overwrite: bool,
    limits: ArchiveLimits,
    tolerances: Tolerances,
    progress: Progress,
) -> tuple[Segmentation, Written]:
    """Write the one segmentation at a path as a file that holds no volume.

    Raises
    ------
    ExistsError
        If something bears the target's name, and ``overwrite`` is not asked for.
    VoxelryError
        If there is no segmentation, or it cannot be written so.
    """
    if is_taken(target) and (not overwrite or target.is_dir()):
        raise ExistsError(f"{target.name} is there already; choose another name, or overwrite it")
    segmentation = load_masks(
        source, images=images, limits=limits, tolerances=tolerances, progress=part(progress, 0, 0.4)
    )
    place = images if images is not None else source if os.path.isdir(source) else None  # noqa: PTH112
    series: Series | None = None
    if place is not None and (images is not None or kind in ("seg", "rtstruct")):
        series = source_series(place, segmentation, limits=limits, tolerances=tolerances)
    volume: Volume | None = None
    if kind == "csv" and series is not None:
        (stack, *others) = series.stacks
        if others:
            raise NotOneVolumeError(f"{place}: its series holds {len(series.stacks)} volumes, and values are of one")
        volume = stack.volume(progress=part(progress, 0.4, 0.6))
    written = write_segmentation_file(
        segmentation,
        target,
        kind,
        source=series,
        volume=volume,
        options=options,
        same_frame_of_reference=False,
        progress=part(progress, 0.6, 1),
    )
    return segmentation, written
