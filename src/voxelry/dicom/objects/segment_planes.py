"""The voxels of segments as the frames of a DICOM segmentation, made one after the other while they are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import gcd
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from voxelry.core.errors import MeasureError, ParameterError
from voxelry.core.label_layers import LabelLayers
from voxelry.core.segmentation import Segment, Segmentation

SegmentationKind: TypeAlias = Literal["binary", "labelmap"]
"""A plane of bits for each segment, which all readers support; or one of labels (Supplement 243), which few support."""
FrameOf: TypeAlias = tuple[int, int]
"""Slice, and index of the segment; of label maps that is 0."""

_STAND_IN = (1, 8)
"""Rows and columns of the frames that highdicom composes."""
_CHUNK_PIXELS = 2**23


class SegmentPlanes:
    """Which segments each slice has, and its frames; memory is that of a few frames beside the label maps'.

    Parameters
    ----------
    segments
        As they are written.

    Attributes
    ----------
    shape
        Slices, rows, columns.
    overlapping
        Whether a voxel has several segments.
    present
        Shape ``(slice, segment)``: whether the segment has a voxel there.

    Raises
    ------
    ParameterError
        If labels have no segment.
    MeasureError
        If segments are fractions, or overlap and are to be labels.
    """

    def __init__(self, segmentation: Segmentation, segments: Sequence[Segment], kind: SegmentationKind) -> None:
        if segmentation.fractional_type is not None:
            raise MeasureError("the segments are fractions, which are no labels: ask for the mask above a threshold")
        self._layers = segmentation.layers()
        self._kind, self._segments = kind, tuple(segments)
        overlap = self._layers.overlap()
        self.overlapping = overlap is not None
        if overlap is not None and kind == "labelmap":
            raise MeasureError(
                f"segments {overlap[0]} and {overlap[1]} overlap, so that their voxels have no one label"
            )
        slices, rows, columns = self._layers.labels[0].shape
        self.shape: tuple[int, int, int] = (slices, rows, columns)
        self.present = _present(self._layers, self._segments)

    @property
    def pixels(self) -> int:
        """Of all frames, with those that are empty."""
        slices, rows, columns = self.shape
        return slices * rows * columns * (len(self._segments) if self._kind == "binary" else 1)

    @property
    def stand_in_shape(self) -> tuple[int, int, int]:
        """Slices, rows and columns of what highdicom composes in place of the voxels."""
        return (self.shape[0], *_STAND_IN)

    def stand_in(self) -> npt.NDArray[np.unsignedinteger[Any]]:
        """An array that is empty where the frames are, for highdicom, which would hold all pixels in memory."""
        if self._kind == "labelmap":
            dtype = np.min_scalar_type(max(segment.number for segment in self._segments))
            empty: npt.NDArray[np.unsignedinteger[Any]] = np.zeros(self.stand_in_shape, dtype)
            return empty
        found = np.zeros((*self.stand_in_shape, len(self._segments)), np.uint8)
        found[:, 0, 0] = self.present
        return found

    def complete(self, dataset: Dataset, frames: Sequence[FrameOf]) -> tuple[list[Callable[[], npt.NDArray[Any]]], int]:
        """Say of the dataset what its frames are; returns their bytes in chunks, and the length of all.

        Parameters
        ----------
        dataset
            As highdicom composed it of the stand-in; changed in place.
        frames
            In their order.
        """
        _, rows, columns = self.shape
        dataset.Rows, dataset.Columns = rows, columns
        dataset.SegmentsOverlap = "YES" if self.overlapping else "NO"
        del dataset.PixelData
        if self._kind == "labelmap":
            size = rows * columns * int(dataset.BitsAllocated) // 8
            dtype = np.dtype(np.uint8 if dataset.BitsAllocated == 8 else "<u2")
            return [partial(self._labels, index, dtype) for index, _ in frames], size * len(frames)
        whole = 8 // gcd(rows * columns, 8)  # so many frames end with a byte
        step = max(1, _CHUNK_PIXELS // (rows * columns * whole)) * whole
        chunks = [partial(self._bits, frames[start : start + step]) for start in range(0, len(frames), step)]
        return list(chunks), -(-len(frames) * rows * columns // 8)

    def _bits(self, frames: Sequence[FrameOf]) -> npt.NDArray[np.uint8]:
        """Frames of bits, the first pixel in the lowest bit (PS3.5 8.1.1)."""
        planes = np.empty((len(frames), self.shape[1] * self.shape[2]), np.bool_)
        for plane, (index, segment) in zip(planes, frames, strict=True):
            place = self._layers.places[self._segments[segment].number]
            np.equal(self._layers.labels[place.layer][index].reshape(-1), place.value, out=plane)
        return np.packbits(planes.reshape(-1), bitorder="little")

    def _labels(self, index: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        found = np.zeros(self.shape[1:], dtype)
        for layer, labels in enumerate(self._layers.labels):
            mapped = self._numbers(layer, dtype)[labels[index]]
            np.copyto(found, mapped, where=mapped != 0)
        return found.reshape(-1)

    def _numbers(self, layer: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """The segment's number for each value of a label map."""
        found = np.zeros(np.iinfo(self._layers.labels[layer].dtype).max + 1, dtype)
        for number, place in self._layers.places.items():
            if place.layer == layer:
                found[place.value] = number
        return found


def frame_order(dataset: Dataset, stand_ins: Sequence[Dataset]) -> list[FrameOf]:
    """Of which slice and segment each frame is that highdicom composed."""
    numbers = {str(one.SOPInstanceUID): index for index, one in enumerate(stand_ins)}
    found = []
    for group in dataset.PerFrameFunctionalGroupsSequence:
        uid = str(group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID)
        segment = 0
        if "SegmentIdentificationSequence" in group:
            segment = int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber) - 1
        found.append((numbers[uid], segment))
    return found


def _present(layers: LabelLayers, segments: Sequence[Segment]) -> npt.NDArray[np.bool_]:
    found = np.zeros((len(layers.labels[0]), len(segments)), np.bool_)
    strange: set[int] = set()
    for layer, labels in enumerate(layers.labels):
        columns = {
            place.value: column
            for column, segment in enumerate(segments)
            if (place := layers.places[segment.number]).layer == layer
        }
        for index, plane in enumerate(labels):
            if not plane.any():
                continue
            for value in np.flatnonzero(np.bincount(plane.reshape(-1))).tolist():
                if value in columns:
                    found[index, columns[value]] = True
                elif value:
                    strange.add(value)
    if strange:
        some = ", ".join(map(str, sorted(strange)[:6]))
        raise ParameterError(f"the labels {some} have no segment that says what they are")
    return found
