"""A folder with a file for each structure, as TotalSegmentator and others export masks, as one segmentation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError, GeometryError, MeasureError, NothingFoundError, named
from voxelry.core.gaps import listed
from voxelry.core.label_layers import LayerBuilder
from voxelry.core.label_volumes import segmentation_of_volumes, whole_labels
from voxelry.core.progress import Progress, part, silent
from voxelry.core.segment_items import LONGEST_LABEL, segments_of
from voxelry.core.segmentation import Segment, Segmentation
from voxelry.core.volume import Volume
from voxelry.workflows.load.volume_files import VolumeFile


def segmentation_of_files(files: Sequence[VolumeFile], *, progress: Progress = silent) -> Segmentation:
    """The segmentation that the files of a folder are together.

    One file is a label map. Of several each is the mask of one structure, which has the file's name; they are numbered
    in the order of names.

    Raises
    ------
    MeasureError
        If one of several files holds other values than 0 and one more.
    GeometryError
        If they lie on several grids.
    VoxelryError
        If one cannot be read.
    """
    if len(files) == 1:
        return segmentation_of_volumes(_read(files[0], progress))
    segments: list[Segment] = []
    empty: list[str] = []
    first: Volume | None = None
    builder: LayerBuilder | None = None
    for number, (file, name) in enumerate(zip(files, _names(files), strict=True), 1):
        volume, mask = _mask(file, part(progress, (number - 1) / len(files), number / len(files)))
        if first is None or builder is None:
            first, builder = volume, LayerBuilder(mask.shape, range(1, len(files) + 1))
        elif not volume.geometry.same_grid(first.geometry):
            raise GeometryError(f"{file.below} lies on another grid than {files[0].below}: give masks of one grid")
        segments.append(_segment(volume, number, name))
        builder.add(number, mask)
        if not mask.any():
            empty.append(str(number))
    if first is None or builder is None:
        raise NothingFoundError("there is no file of a mask")
    told = (f"segment{'s' * (len(empty) > 1)} {listed(empty)} of {len(segments)}: the mask is empty",) if empty else ()
    layers, warnings = builder.layers(), (*first.warnings, *told)
    if len(layers.labels) == 1:
        return Segmentation(segments=segments, labels=layers.labels[0], source=first, warnings=warnings)
    return Segmentation(segments=segments, layers=layers, source=first, warnings=warnings)


def _read(file: VolumeFile, progress: Progress) -> tuple[Volume, ...]:
    try:
        return file.own.read(file.path, progress=progress)
    except FormatError as error:
        raise named(error, file.below) from error


def _mask(file: VolumeFile, progress: Progress) -> tuple[Volume, npt.NDArray[np.bool_]]:
    """The one mask in a file."""
    volumes = _read(file, progress)
    try:
        if len(volumes) != 1:
            raise MeasureError(f"holds {len(volumes)} volumes")
        labels = whole_labels(volumes[0])
        found = np.unique(labels[labels != 0]).tolist()
        if len(found) > 1:
            raise MeasureError(f"holds {len(found)} labels")
    except MeasureError as error:
        raise MeasureError(
            f"{file.below} is no mask of one structure, of which a folder of masks has one in each file: {error}; "
            "give the file of a label map by itself"
        ) from error
    return volumes[0], labels != 0


def _names(files: Sequence[VolumeFile]) -> list[str]:
    """Of the structures: those of the files, with their folder where two share one."""
    short = [file.name.rpartition("/")[2] for file in files]
    counts = Counter(short)
    return [one if counts[one] == 1 else file.name for one, file in zip(short, files, strict=True)]


def _segment(volume: Volume, number: int, name: str) -> Segment:
    """A structure; what the file itself says of it counts before its name."""
    described = list(segments_of(volume.metadata).values())
    if len(described) == 1:
        return replace(described[0], number=number)
    return Segment(number=number, label=name[:LONGEST_LABEL])
