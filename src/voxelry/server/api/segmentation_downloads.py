"""Stored segmentations and structure sets as files of other programs, made when they are asked for."""

from __future__ import annotations

import math
import os
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeAlias

from voxelry.core.segmentation import Segmentation
from voxelry.dicom.series.hierarchy import Series as Grouped
from voxelry.server.access.grants import Grants
from voxelry.server.api.downloads import Content
from voxelry.server.api.problems import ApiError, not_found
from voxelry.server.api.turns import Turns, deadline, turn_or_busy
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest, holdings, integrity
from voxelry.server.archive.source_images import grouped_images, originals_of
from voxelry.server.archive.stored_segmentations import segmentation_of, shown_segmentation
from voxelry.workflows.saving import save

SegmentationFile: TypeAlias = Literal["dcm", "nii.gz", "nrrd", "stl", "ply", "rtstruct", "csv"]
_ENDINGS: Final[dict[SegmentationFile, tuple[str, str]]] = {
    "dcm": (".dcm", "application/dicom"),
    "nii.gz": (".nii.gz", "application/gzip"),
    "nrrd": (".seg.nrrd", "application/octet-stream"),
    "stl": (".stl", "model/stl"),
    "ply": (".ply", "application/octet-stream"),
    "rtstruct": (".dcm", "application/dicom"),
    "csv": (".csv", "text/csv; charset=utf-8"),
}
MOST_VOXELS = 2**29
"""Of all label maps of a segmentation that is converted while somebody waits."""
_SECONDS = 120.0
_PATIENCE_SECONDS = 30.0
_PIECE = 2**20
_INSTEAD = "download it as dcm, and convert that by `voxelry convert` in a terminal"

_turns = Turns(2)


class NamedContent(NamedTuple):
    """A download with the name and the media type of its file."""

    content: Content
    name: str
    media: str


def segmentation_download(who: Grants, key: int, kind: SegmentationFile, *, series: int | None) -> NamedContent:
    """A segmentation as a file: the stored object as it came, or made by `voxelry.save`.

    Parameters
    ----------
    series
        The image that it lies on, whose slices contours lie in; only ``rtstruct`` needs it.

    Raises
    ------
    ApiError
        If it is too large to wait for, too many are being made, or ``rtstruct`` has no image.
    VoxelryError
        If it cannot be shown, or the format cannot hold it.
    """
    ending, media = _ENDINGS[kind]
    name = f"segmentation-{key}{ending}"
    if kind == "dcm":
        return NamedContent(_original(who, key), name, media)
    listed, record = shown_segmentation(who, key)
    if math.prod(record.shape) * record.layers > MOST_VOXELS:
        raise ApiError(422, "too_large", f"It has too many voxels to be converted here: {_INSTEAD}.")
    busy = "Too many segmentations are being converted: try again in a minute."
    with turn_or_busy(_turns, who.user or 0, busy, patience=_PATIENCE_SECONDS):
        image = _image(who, series) if kind == "rtstruct" else None
        content = _made(segmentation_of(who, key), kind, ending, image, tag=f"{listed.version}-{key}-{kind}-{series}")
    return NamedContent(content, name, media)


def _made(
    segmentation: Segmentation, kind: SegmentationFile, ending: str, image: Grouped | None, *, tag: str
) -> Content:
    with tempfile.TemporaryDirectory(prefix="export-", dir=files_at_rest.temporary_folder()) as folder:
        path = Path(folder, f"segmentation{ending}")
        check = deadline(_SECONDS, f"The conversion took too long: {_INSTEAD}.")
        save(segmentation, path, format="rtstruct" if kind == "rtstruct" else None, source=image, progress=check)
        file = _NamelessFile(path)

    def parts(start: int, stop: int) -> Iterator[bytes]:
        for place in range(start, stop, _PIECE):
            yield file.read(place, min(_PIECE, stop - place))

    return Content(file.size, tag, parts, lambda: None)


class _NamelessFile:
    """An open file, which lasts for as long as somebody reads it; its name may be gone."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._descriptor)
        self.size = os.fstat(self._descriptor).st_size

    def read(self, start: int, count: int) -> bytes:
        return os.pread(self._descriptor, count, start)


def _original(who: Grants, key: int) -> Content:
    row = queries.instances(who).only("sha256", "size").filter(pk=key).first()
    if row is None:
        raise not_found(f"There is no segmentation {key}.")

    def parts(start: int, stop: int) -> Iterator[bytes]:
        with files_at_rest.open_kept(row.sha256) as file:
            yield from files_at_rest.chunks(file, start, stop)

    def check() -> None:
        integrity.checked_crc(holdings.stored_name(row.sha256), row.sha256)

    return Content(row.size, row.sha256, parts, check)


def _image(who: Grants, series: int | None) -> Grouped:
    if series is None:
        raise ApiError(422, "parameter", "Contours lie in the slices of an image: name it with series.")
    row = queries.series(who).filter(pk=series).first()
    if row is None:
        raise not_found(f"There is no series {series}.")
    grouped = grouped_images({row.series_instance_uid: originals_of(row)})
    if not grouped:
        raise ApiError(422, "input", f"Series {series} has no images that can be read.")
    return grouped[0]
