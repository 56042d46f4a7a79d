"""The overlays of one file."""

from __future__ import annotations

from voxelry.core.errors import NotOneVolumeError, Problem, VoxelryError
from voxelry.dicom.headers import read_header
from voxelry.dicom.overlays import Overlay, overlays_of
from voxelry.dicom.sources import StrPath, walk


def overlays(path: StrPath) -> tuple[Overlay, ...]:
    """The overlays of one file: masks over its image, which change none of its values.

    Returns
    -------
    overlays
        In the order of their groups (6000 to 601E); none if the file has none.

    Raises
    ------
    NotDicomError, PixelDataError, ...
        The message names the file, and the tag where an overlay cannot be.
    """
    refused: dict[str, Problem] = {}
    sources = list(walk(path, on_problem=refused.__setitem__))
    for problem in refused.values():
        raise VoxelryError(problem.message, **problem.numbers)
    if len(sources) != 1:
        raise NotOneVolumeError(f"{path}: holds {len(sources)} files; overlays reads one file")
    return overlays_of(read_header(sources[0]))
