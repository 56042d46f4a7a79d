"""The overlays of one file, or of all instances below a path."""

from __future__ import annotations

from voxelry.core.argument_types import check_path
from voxelry.core.errors import NotOneVolumeError, Problem, VoxelryError
from voxelry.core.progress import Progress, silent
from voxelry.dicom.headers.file_search import scan, walk
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.pixels.overlays import Overlay, overlays_of


def overlays(path: StrPath) -> tuple[Overlay, ...]:
    """The overlays of one file: masks over its image, which change none of its values.

    Parameters
    ----------
    path
        A DICOM file.

    Returns
    -------
    overlays
        In the order of their groups (6000 to 601E); none if the file has none.

    Raises
    ------
    NotDicomError, PixelDataError, ...
        The message names the file, and the tag where an overlay cannot be.

    Examples
    --------
    >>> voxelry.overlays("sample/phantom/CT0024.dcm")
    ()
    """
    check_path(path)
    refused: dict[str, Problem] = {}
    sources = list(walk(path, on_problem=refused.__setitem__))
    for problem in refused.values():
        raise VoxelryError(problem.message, **problem.numbers)
    if len(sources) != 1:
        raise NotOneVolumeError(f"{path}: holds {len(sources)} files; overlays reads one file")
    return overlays_of(read_header(sources[0]))


def find_overlays(
    path: StrPath, *, limits: ArchiveLimits = DEFAULT_LIMITS, progress: Progress = silent
) -> tuple[dict[str, tuple[Overlay, ...]], dict[str, Problem]]:
    """The overlays of every instance below a path that has some.

    Returns
    -------
    overlays
        By SOP Instance UID.
    refused
        The files whose overlays cannot be read, and why. Files that are no DICOM are not among them.
    """
    found: dict[str, tuple[Overlay, ...]] = {}
    refused: dict[str, Problem] = {}
    for source, head in scan(path, on_problem=lambda *_: None, limits=limits, progress=progress):
        try:
            header = read_header(source, head)
        except (VoxelryError, OSError):  # whoever loads the path is told of these
            continue
        try:
            overlays = overlays_of(header)
        except VoxelryError as error:
            refused[source.name] = error.problem
        else:
            if overlays:
                found[header.sop_instance_uid] = overlays
    return found, refused
