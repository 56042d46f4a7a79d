"""Segmentations and structure sets from a path, together with the images that they lie on."""

from __future__ import annotations

import os
from types import MappingProxyType

from voxelry.core.errors import NothingFoundError, NotOneVolumeError, Problem
from voxelry.core.label_volumes import segmentation_of_volumes
from voxelry.core.progress import Progress, part, silent
from voxelry.core.segmentation import Segmentation
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.structure_set import StructureSet
from voxelry.dicom.headers.file_search import walk
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.sop_classes import SEGMENTATIONS
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.objects.segmentation_reading import read_segmentation
from voxelry.dicom.objects.structure_sets import STRUCTURE_SET, grid_of_images, read_structure_set
from voxelry.dicom.series.hierarchy import Index
from voxelry.workflows.load.indexing import index
from voxelry.workflows.load.loading import as_error
from voxelry.workflows.load.mask_folders import segmentation_of_files
from voxelry.workflows.load.volume_files import files_in, format_of


def load_segmentation(
    path: StrPath,
    *,
    images: StrPath | None = None,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    progress: Progress = silent,
) -> Segmentation:
    """Load the one segmentation at a path: of DICOM (SEG), or of another format.

    Of DICOM these are bits, fractions or labels, with all segments on one grid. Other formats hold labels: NRRD with
    names, colours and codes, as 3D Slicer keeps them, also in layers; NIfTI with the names and colours of a label table
    in its header, as TotalSegmentator writes it; HDF5, Zarr and NPZ with our own. A folder of masks, a file for each
    structure, is one segmentation whose segments have the files' names.

    Parameters
    ----------
    path
        A file, a folder at any depth, or a zip archive; it may hold the source images too. Or a file whose suffix is
        that of a format.
    images
        Where the source images are, if not there. Slices that the segmentation omits, as empty ones, are those of the
        source; without it they follow from Spacing Between Slices, or from the smallest gap.
    limits
        What archives may ask of this machine.
    tolerances
        How even the positions of slices must be.
    progress
        Called with the fraction done and a few words.

    Returns
    -------
    segmentation
        Labels, masks where segments overlap, or fractions.

    Raises
    ------
    NothingFoundError
        If there is no segmentation.
    NotOneVolumeError
        If there are several.
    GeometryError
        If its segments lie on no one regular grid, or it is tiled, as those of whole slide images are.
    MeasureError
        If a file of another format holds no labels, or one of a folder of masks more than one.
    VoxelryError
        If its pixels cannot be decoded.

    Examples
    --------
    >>> images = voxelry.load_study("sample").series[0]
    >>> volume = images.stacks[0].volume()
    >>> bright = voxelry.Segment(number=1, label="Bright", colour=(255, 0, 0))
    >>> labels = (volume.array > 250).astype(np.uint8)
    >>> made = voxelry.Segmentation(labels=labels, source=volume, segments=[bright])
    >>> written = voxelry.write_segmentation(made, images, "bright.dcm")
    >>> segmentation = voxelry.load_segmentation("bright.dcm", images="sample")
    >>> segmentation.segments[0].label, segmentation.count("Bright")
    ('Bright', 11646)
    """
    own = format_of(path)
    if own is not None:
        return segmentation_of_volumes(own.read(os.fspath(path), progress=progress))
    found = _index(path, images, limits, tolerances, part(progress, 0, 0.4))
    headers = [one for one in _headers(found) if one.sop_class_uid in SEGMENTATIONS]
    files = files_in(path) if not headers and os.path.isdir(path) else ()  # noqa: PTH112
    if files:
        return segmentation_of_files(files, progress=part(progress, 0.4, 1))
    header = _one(path, headers, "segmentation", found)
    series = next(one for one in found.series if header in one.instances)
    every = series.read_stacks(part(progress, 0.4, 0.6))
    stacks = [stack for stack in every if stack.frames[0].header is header]
    if not stacks:
        raise as_error(series.problem or Problem("no_pixel_data", f"{header.name}: holds no frame that can be used"))
    return read_segmentation(stacks, progress=part(progress, 0.6, 1))


def load_contours(
    path: StrPath,
    *,
    images: StrPath | None = None,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    progress: Progress = silent,
) -> StructureSet:
    """Load the one RT Structure Set at a path: the contours of each structure, in LPS mm.

    Items that cannot be used are told in ``warnings``, of the set and of each structure. ``rows()`` has the volumes.

    Parameters
    ----------
    path
        A file, a folder at any depth, or a zip archive; it may hold the images too.
    images
        Where the images are that the contours were drawn on, if not there. Their grid is ``geometry``, which masks
        and the thickness of single planes need.
    limits
        What archives may ask of this machine.
    tolerances
        How even the positions of slices must be.
    progress
        Called with the fraction done and a few words.

    Returns
    -------
    structures
        Of the file, in its order; with ``geometry``, if the images are there and form a regular grid.

    Raises
    ------
    NothingFoundError
        If there is no structure set.
    NotOneVolumeError
        If there are several.

    Examples
    --------
    >>> from voxelry.testing import synthetic_structure_set
    >>> images = [header.name for header in voxelry.load_study("sample").series[0].instances]
    >>> rings = [[(-20, -20, z), (20, -20, z), (20, 20, z), (-20, 20, z)] for z in (-1.25, 1.25)]
    >>> path = synthetic_structure_set("structures.dcm", images, {"box": rings})
    >>> structures = voxelry.load_contours(path, images="sample")
    >>> structures.structure("box").volume().mm3
    8000.0
    >>> structures.rows()[0]["mask_voxels"]
    1352
    """
    found = _index(path, images, limits, tolerances, progress)
    header = _one(path, [one for one in _headers(found) if one.sop_class_uid == STRUCTURE_SET], "structure set", found)
    structure_set = read_structure_set(header)
    geometry, problem = grid_of_images(found.series, structure_set)
    return structure_set.with_geometry(geometry, *((problem,) if problem else ()))


def load_masks(
    path: StrPath,
    *,
    images: StrPath | None = None,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    progress: Progress = silent,
) -> Segmentation:
    """The one segmentation at a path; or the structures of an RT Structure Set, on the grid of its images.

    Raises
    ------
    NothingFoundError
        If there is neither.
    VoxelryError
        As `load_segmentation` and `load_contours`.
    """
    try:
        return load_segmentation(path, images=images, limits=limits, tolerances=tolerances, progress=progress)
    except NothingFoundError as error:
        try:
            structures = load_contours(path, images=images, limits=limits, tolerances=tolerances, progress=progress)
        except NothingFoundError:
            raise error from None
        return structures.segmentation()


def _index(
    path: StrPath, images: StrPath | None, limits: ArchiveLimits, tolerances: Tolerances, progress: Progress
) -> Index:
    if images is None:
        return index(path, limits=limits, tolerances=tolerances, progress=progress)

    refused: dict[str, Problem] = {}
    sources = (one for place in (path, images) for one in walk(place, on_problem=refused.__setitem__, limits=limits))
    found = index(sources, tolerances=tolerances, progress=progress)
    return Index(found.studies, MappingProxyType({**refused, **found.skipped}))


def _headers(found: Index) -> list[Header]:
    return [header for series in found.series for header in series.instances]


def _one(path: StrPath, headers: list[Header], what: str, found: Index) -> Header:
    if len(headers) > 1:
        raise NotOneVolumeError(f"{path}: holds {len(headers)} {what}s, not one; give the file")
    if headers:
        return headers[0]
    first = next(iter(found.skipped.values()), None)
    if first is not None and not found.series and len(found.skipped) == 1:
        raise as_error(first)
    raise NothingFoundError(
        f"{path}: holds no {what}" + (f"; the first file that was skipped: {first}" if first else "")
    )
