"""Segmentations as volumes of labels, which formats hold and steps take, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import GeometryError, MeasureError
from voxelry.core.label_layers import LabelLayers, LayerPlace
from voxelry.core.segment_items import description_warnings, items_of, segments_of, unnamed
from voxelry.core.segmentation import Segment, Segmentation
from voxelry.core.value import Value
from voxelry.core.volume import Volume

MOST_LABELS = 65_535
"""Segment Number (0062,0004) has 16 bits."""


def label_volumes(segmentation: Segmentation) -> tuple[Volume, ...]:
    """The labels of a segmentation as volumes that say what they mean: one, or a layer each of segments that overlap.

    Names, codes and colours stand in their metadata, as those of a DICOM segmentation do. Of other attributes of the
    source only the frame of reference is kept. A voxel's value is the number of its segment, in every layer.

    Raises
    ------
    MeasureError
        If the segments are fractions.
    """
    if segmentation.fractional_type is not None:
        raise MeasureError("the segments are fractions, which are no labels: ask for the mask above a threshold")
    layers = segmentation.layers()
    grid = segmentation.geometry
    place: dict[str, Value] = (
        {"FrameOfReferenceUID": grid.frame_of_reference_uid} if grid.frame_of_reference_uid else {}
    )
    found = []
    for index, labels in enumerate(layers.labels):
        own = [
            replace(segment, number=layers.places[segment.number].value)
            for segment in segmentation.segments
            if layers.places[segment.number].layer == index
        ]
        found.append(
            Volume(
                array=labels,
                geometry=grid,
                metadata={"Modality": "SEG", "SegmentationType": "LABELMAP", **place, "SegmentSequence": items_of(own)},
                warnings=segmentation.warnings,
                label=f"layer {index + 1}" if len(layers.labels) > 1 else "",
            )
        )
    return tuple(found)


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
    GeometryError
        If the layers lie on several grids.
    """
    first = volumes[0]
    if any(not one.geometry.same_grid(first.geometry) for one in volumes[1:]):
        raise GeometryError("the label maps of this file lie on several grids, and are no one segmentation")
    layers = [whole_labels(volume) for volume in volumes]
    described = [_segments(volume, labels) for volume, labels in zip(volumes, layers, strict=True)]
    warnings = list(dict.fromkeys(words for volume in volumes for words in volume.warnings))
    for volume, own in zip(volumes, described, strict=True):
        if volume.metadata.get("SegmentSequence"):
            warnings += description_warnings(volume.metadata, [segment.number for segment in own])
    if not any(labels.any() for labels in layers):
        warnings.append("no voxel has a label: all segments are empty")
    if len(volumes) == 1:
        return Segmentation(segments=described[0], labels=layers[0], source=first, warnings=warnings)
    wide = any(labels.dtype.itemsize > 1 for labels in layers)
    segments: list[Segment] = []
    places: dict[int, LayerPlace] = {}
    for layer, own in enumerate(described):
        for segment in own:
            number = segment.number if segment.number not in places else max(places) + 1
            places[number] = LayerPlace(layer, segment.number)
            segments.append(replace(segment, number=number))
    maps = tuple(labels.astype(np.uint16) for labels in layers) if wide else tuple(layers)
    return Segmentation(segments=segments, layers=LabelLayers(maps, places), source=first, warnings=warnings)


def whole_labels(volume: Volume) -> npt.NDArray[np.unsignedinteger[Any]]:
    """The values of a volume as unsigned labels.

    Raises
    ------
    MeasureError
        If they are in colour, or no whole numbers from 0 to 65,535.
    """
    values = np.asarray(volume.array)
    flaw = _flaw(volume, values)
    if flaw:
        raise MeasureError(f"labels are whole numbers from 0 to {MOST_LABELS:,}, and the volume {flaw}")
    return values.astype(np.uint8 if values.max(initial=0) < 256 else np.uint16)


def _flaw(volume: Volume, values: npt.NDArray[Any]) -> str:
    """Why values are no labels; empty if they are."""
    if volume.colour:
        return "is in colour"
    if values.dtype.kind not in "iub":
        if not np.isfinite(values).all():
            return "holds NaN or infinities"
        broken = values != np.rint(values)
        if broken.any():
            words = f"holds {np.count_nonzero(broken):,} values between them, such as {float(values[broken][0]):.6g}"
            return f"{words}: fractions or probabilities need a threshold first, and an image is no mask"
    low, high = values.min(initial=0), values.max(initial=0)
    return f"holds values from {low:g} to {high:g}" if low < 0 or high > MOST_LABELS else ""


def _segments(volume: Volume, labels: npt.NDArray[Any]) -> list[Segment]:
    known = segments_of(volume.metadata)
    numbers = sorted({*known, *np.unique(labels).tolist()} - {0}) or [1]
    return [known.get(number) or unnamed(number) for number in numbers]
