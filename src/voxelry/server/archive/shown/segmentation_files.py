"""The files of a series' segmentations: what is told of each, and its label maps.

A build writes them into the series' folder, with which they are dropped and removed. A series has ``list.json`` if it
has segmentations or structure sets; each of them has a folder by the key of its instance::

    segmentations/list.json  segmentations/17/record.json  segmentations/17/0.npy  segmentations/17/0.gz

The label map is there twice: to be mapped into memory, and as it is sent. In ``0.npy`` what is empty takes no room.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from voxelry.core.errors import TooLargeError
from voxelry.core.segmentation import Code, FractionalType
from voxelry.formats.shared.deflate import deflate
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.shown.mapped_values import mapped_values

SegmentationSource: TypeAlias = Literal["SEG", "RTSTRUCT"]
Index: TypeAlias = tuple[int, int, int]

FOLDER = "segmentations"
FRACTION = 0.5
"""A voxel of a segment that is fractions belongs if its fraction lies above it."""
MOST_LAYER_BYTES = 2**36
"""Of all label maps of one segmentation."""
_LIST, _RECORD = "list.json", "record.json"
_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class SegmentationSummary:
    """What lists tell of a segmentation.

    Attributes
    ----------
    instance
        The key of its instance.
    created
        Date and time as ISO text, as far as the header tells them.
    problem_code, problem_message
        Why it cannot be shown; empty if it can.
    space
        Its Frame of Reference UID; empty if that is unknown.
    """

    instance: int
    kind: SegmentationSource
    label: str
    created: str
    segment_count: int
    problem_code: str
    problem_message: str
    space: str


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment of a stored segmentation: what it is, and where.

    Attributes
    ----------
    layer, value
        The label map in which it lies, and the value of its voxels there; 0 if it has no place.
    box
        The first index of each axis, and the one after the last; None if it has no voxel.
    contour_mm3
        The volume of a structure by its contours; None if it cannot be told.
    """

    number: int
    label: str
    colour: str
    category: Code | None
    type: Code | None
    type_modifier: Code | None
    anatomic_region: Code | None
    region_modifier: Code | None
    algorithm: str
    algorithm_type: str
    layer: int
    value: int
    count: int
    mm3: float | None
    box: tuple[Index, Index] | None
    contour_mm3: float | None


@dataclass(frozen=True, slots=True)
class SegmentationRecord:
    """All that is told of a segmentation beside its summary.

    Attributes
    ----------
    shape
        Slices, rows, columns; empty if it has no grid.
    affine
        From (slice, row, column) to LPS millimetres; None if the place in the patient is unknown.
    layers
        The number of label maps.
    fractional
        What its fractions are; the label maps then hold what lies above `FRACTION`.
    """

    shape: tuple[int, ...]
    affine: list[list[float]] | None
    spacing: tuple[float | None, float | None, float | None]
    voxel_mm3: float | None
    dtype: Literal["uint8", "uint16"]
    layers: int
    fractional: FractionalType | None
    recipe: str
    warnings: list[str]
    segments: list[StoredSegment]


_summaries: TypeAdapter[list[SegmentationSummary]] = TypeAdapter(list[SegmentationSummary])
_record: TypeAdapter[SegmentationRecord] = TypeAdapter(SegmentationRecord)


def write_summaries(summaries: list[SegmentationSummary], build: Path) -> None:
    """Write the list of a series' segmentations into the folder of its build."""
    (build / FOLDER).mkdir(exist_ok=True)
    (build / FOLDER / _LIST).write_bytes(_summaries.dump_json(summaries))


def read_summaries(build: Path) -> dict[int, SegmentationSummary] | None:
    """The segmentations of a build by the keys of their instances; None if it was made before there were any."""
    try:
        content = files_at_rest.near(build / FOLDER / _LIST).read_bytes()
    except FileNotFoundError:
        return None
    return {one.instance: one for one in _summaries.validate_json(content)}


def write_record(record: SegmentationRecord, folder: Path) -> None:
    """Write what is told of one segmentation into its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _RECORD).write_bytes(_record.dump_json(record))


def read_record(folder: Path) -> SegmentationRecord:
    """What is told of one segmentation.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    """
    return _record.validate_json(files_at_rest.near(folder / _RECORD).read_bytes())


class LayerFiles:
    """Makes label maps as files in the folder of a segmentation, as they are asked for."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self.count, self._bytes = folder, 0, 0

    def __call__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """A new map of zeros, mapped into memory: what stays empty takes no room on the disk.

        Raises
        ------
        TooLargeError
            If all maps together become too large.
        """
        self._bytes += int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if self._bytes > MOST_LAYER_BYTES:
            raise TooLargeError(
                f"segments overlap so much that their label maps take more than {MOST_LAYER_BYTES:,} bytes"
            )
        path = self._folder / f"{self.count}.npy"
        self.count += 1
        little = dtype.newbyteorder("<")
        found: npt.NDArray[Any] = np.lib.format.open_memmap(path, mode="w+", dtype=little, shape=shape)
        return found


def compress_layer(folder: Path, layer: int) -> None:
    """Write a label map a second time, as it is sent."""
    labels = np.load(folder / f"{layer}.npy", mmap_mode="r")
    with (folder / f"{layer}.gz").open("wb") as file, closing(layer_stream(labels)) as parts:  # type: ignore[type-var]
        file.writelines(parts)


def layer_stream(labels: npt.NDArray[Any]) -> Iterator[bytes]:
    """Slices of a label map as one member of gzip, in C order and little endian."""
    step = max(1, _BLOCK // max(1, labels[:1].nbytes))
    little = labels.dtype.newbyteorder("<")
    blocks = (
        np.ascontiguousarray(labels[start : start + step], little).reshape(-1).view(np.uint8).data
        for start in range(0, len(labels), step)
    )
    return deflate(blocks)


def layer_values(folder: Path, layer: int) -> npt.NDArray[Any]:
    """A label map, mapped into memory."""
    return mapped_values(files_at_rest.near(folder / f"{layer}.npy"))


def layer_path(folder: Path, layer: int, *, packed: bool) -> Path:
    """The file of a label map; ``packed`` for that which is sent."""
    return files_at_rest.near(folder / f"{layer}.{'gz' if packed else 'npy'}")
