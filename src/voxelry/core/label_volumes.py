"""Segmentations as volumes of labels, which formats hold and steps take, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import MeasureError
from voxelry.core.segment_items import items_of, segments_of, unnamed
from voxelry.core.segmentation import Segment, Segmentation
from voxelry.core.value import Value
from voxelry.core.volume import Volume

MOST_LABELS = 65_535
"""Segment Number (0062,0004) has 16 bits."""


def label_volume(segmentation: Segmentation) -> Volume:
    """The labels of a segmentation as a volume that says what they mean.

    Names, codes and colours stand in its metadata, as those of a DICOM segmentation do. Other attributes of the source
    are left out.

    Raises
    ------
    MeasureError
        If segments overlap, or are fractions.
    """
    metadata: dict[str, Value] = {"Modality": "SEG", "SegmentationType": "LABELMAP"}
    metadata["SegmentSequence"] = items_of(segmentation.segments)
    return Volume(
        array=segmentation.labels, geometry=segmentation.geometry, metadata=metadata, warnings=segmentation.warnings
    )


def segmentation_of_volumes(volumes: Sequence[Volume]) -> Segmentation:
    """The segmentation that volumes of labels of one grid are.

    Parameters
    ----------
    volumes
        One, or layers of segments that overlap, each of which numbers its labels by itself. Segments that the metadata
        describe have their names, the others are called ``"Label 3"``; a label of a layer whose number another layer
        has gets a new one.

    Raises
    ------
    MeasureError
        If values are no labels: whole numbers from 0 to 65,535.
    """
    layers = [whole_labels(volume) for volume in volumes]
    described = [_segments(volume, labels) for volume, labels in zip(volumes, layers, strict=True)]
    warnings = tuple(dict.fromkeys(words for volume in volumes for words in volume.warnings))
    if len(volumes) == 1:
        return Segmentation(segments=described[0], labels=layers[0], source=volumes[0], warnings=warnings)
    segments: list[Segment] = []
    masks = []
    taken: set[int] = set()
    for labels, own in zip(layers, described, strict=True):
        for segment in own:
            number = segment.number if segment.number not in taken else max(taken) + 1
            taken.add(number)
            segments.append(replace(segment, number=number))
            masks.append(labels == segment.number)
    return Segmentation(segments=segments, masks=masks, source=volumes[0], warnings=warnings)


def whole_labels(volume: Volume) -> npt.NDArray[np.unsignedinteger[Any]]:
    """The values of a volume as unsigned labels.

    Raises
    ------
    MeasureError
        If they are in colour, or no whole numbers from 0 to 65,535.
    """
    values = np.asarray(volume.array)
    whole = values.dtype.kind in "iub" or bool(np.isfinite(values).all() and (values == np.rint(values)).all())
    if volume.colour or not whole or values.min(initial=0) < 0 or values.max(initial=0) > MOST_LABELS:
        raise MeasureError(f"labels are whole numbers from 0 to {MOST_LABELS:,}, and the volume holds other values")
    return values.astype(np.uint8 if values.max(initial=0) < 256 else np.uint16)


def _segments(volume: Volume, labels: npt.NDArray[Any]) -> list[Segment]:
    known = segments_of(volume.metadata)
    numbers = sorted({*known, *np.unique(labels).tolist()} - {0}) or [1]
    return [known.get(number) or unnamed(number) for number in numbers]
