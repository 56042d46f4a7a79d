"""From a path to volumes: load everything, exactly one volume, one study, or the pixels of one file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from voxelry.core.argument_types import check_path
from voxelry.core.errors import (
    FormatError,
    IncompleteStackError,
    NotDicomError,
    NothingFoundError,
    NotOneVolumeError,
    ParameterError,
    Problem,
    VoxelryError,
    named,
)
from voxelry.core.progress import Progress, part, silent
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.volume import Volume
from voxelry.dicom.acquisition.suv_factor import SuvKind
from voxelry.dicom.frames.frame import frames_of
from voxelry.dicom.headers.file_search import walk
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.pixel_description import describe_pixels
from voxelry.dicom.headers.sources import StrPath, unreadable
from voxelry.dicom.series.hierarchy import Study
from voxelry.dicom.series.irregular_stacks import OnIrregular, check_on_irregular, check_scales, chosen_volume
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.series.undecodable_files import UndecodableError
from voxelry.dicom.values.filling import colour_values, grey_values
from voxelry.workflows.load.indexing import index
from voxelry.workflows.load.volume_batches import Batch, batches_of
from voxelry.workflows.load.volume_files import known_suffixes


@dataclass(frozen=True, eq=False)
class LoadResult:
    """What became of every file: it is part of a volume, or it is in ``skipped`` with the reason.

    Attributes
    ----------
    volumes
        One for each regular stack, by study, series and stack; then those of other formats' files, by name.
    skipped
        By file name as given (``folder/a.dcm``, ``archive.zip/inner/a.dcm``).

    Examples
    --------
    >>> result = voxelry.load("sample")
    >>> isinstance(result, voxelry.LoadResult), len(result.volumes)
    (True, 1)
    >>> sorted(result.skipped)
    ['sample/README.txt', 'sample/facts.json']
    """

    volumes: tuple[Volume, ...]
    skipped: Mapping[str, Problem]


def load(
    path: StrPath,
    *,
    on_irregular: OnIrregular = "error",
    lazy: bool = False,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    real_world: bool = False,
    suv: SuvKind | None = None,
    progress: Progress = silent,
) -> LoadResult:
    """Load every volume below a path.

    Parameters
    ----------
    path
        DICOM (a file, a folder at any depth, a zip archive), which is known by content; or a file of a registered
        format (NIfTI, NRRD, MetaImage, HDF5, Zarr, npz), which is known by its suffix. Such files are found in folders
        too, beside DICOM or alone; what a conversion made beside its DICOM is left out.
    on_irregular
        What to make of a stack that forms no regular grid: ``"error"`` makes nothing of it;
        ``"split"`` a volume of each regular run of its slices, labelled ``"slices 1-3"``;
        ``"resample"`` one volume on an even grid, by linear interpolation along the normal. Their
        warnings say so.
    lazy
        True for volumes larger than memory: ``array`` is a ``LazyArray``, which decodes the slices it is
        indexed with, chunk by chunk as Zarr and dask do. Only what the headers tell is checked beforehand. Files of
        other formats than DICOM are read whole.
    tolerances
        How even the positions of a stack must be.
    real_world
        True for the values of Real World Value Mapping Sequence (0040,9096), in its unit, instead of modality values.
    suv
        ``"bw"``, ``"lbm"``, ``"lbm-james"`` or ``"bsa"`` for PET in standardized uptake values, as for ``convert``.

    Returns
    -------
    result
        One volume for each regular stack, then those of other formats' files, by name. A stack that is irregular, or
        that cannot be decoded, is no volume: all its files are in ``skipped``.

    Raises
    ------
    NothingFoundError
        If the path does not exist.
    ParameterError
        If ``on_irregular`` is none of these, or asks for ``"resample"`` with ``lazy``, which needs every slice.

    Examples
    --------
    >>> result = voxelry.load("sample")
    >>> [volume.array.shape for volume in result.volumes]
    [(48, 256, 256)]
    >>> result.skipped["sample/README.txt"].message
    'sample/README.txt: not a DICOM file (it is text)'
    """
    _check_choices(on_irregular, lazy=lazy)
    check_scales(real_world=real_world, suv=suv)
    try:
        batches, left = batches_of(
            path, together=False, on_irregular=on_irregular, limits=limits, tolerances=tolerances,
            real_world=real_world, suv=suv, progress=part(progress, 0, 0.3),
        )  # fmt: skip
    except FormatError as error:  # of a path that is one file
        return LoadResult((), MappingProxyType({os.fspath(path): named(error, os.fspath(path)).problem}))
    skipped = dict(left)
    volumes: list[Volume] = []
    for done, batch in enumerate(batches):
        share = part(progress, 0.3 + 0.7 * done / len(batches), 0.3 + 0.7 * (done + 1) / len(batches))
        volumes += _load_batch(batch, on_irregular, skipped, share, lazy=lazy)
    progress(1.0, "loaded")
    return LoadResult(tuple(volumes), MappingProxyType(skipped))


def _load_batch(
    batch: Batch, on_irregular: OnIrregular, skipped: dict[str, Problem], progress: Progress, *, lazy: bool
) -> tuple[Volume, ...]:
    if batch.stacks:
        (stack,) = batch.stacks
        volume = _load_stack(stack, on_irregular, skipped, progress, lazy=lazy)
        return () if volume is None else (volume,)
    try:
        return batch.load(progress)
    except VoxelryError as error:
        skipped[batch.source] = named(error, batch.source).problem
    except OSError as error:
        skipped[batch.source] = unreadable(batch.source, error)
    return ()


def _check_choices(on_irregular: str, *, lazy: bool) -> None:
    check_on_irregular(on_irregular)
    if lazy and on_irregular == "resample":
        raise ParameterError('on_irregular="resample" needs every slice at once; leave out lazy=True')


def _load_stack(
    stack: Stack, on_irregular: OnIrregular, skipped: dict[str, Problem], progress: Progress, *, lazy: bool
) -> Volume | None:
    try:
        return chosen_volume(stack, on_irregular, lazy=lazy, progress=progress)
    except UndecodableError as error:
        skipped.update(dict.fromkeys((header.name for header in stack.headers), error.problem))
        skipped.update(error.undecodable)
    except VoxelryError as error:
        skipped.update(dict.fromkeys((header.name for header in stack.headers), error.problem))
    return None


def load_volume(
    path: StrPath,
    *,
    on_irregular: OnIrregular = "error",
    lazy: bool = False,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    real_world: bool = False,
    suv: SuvKind | None = None,
    progress: Progress = silent,
) -> Volume:
    """Load the one volume at a path.

    Parameters
    ----------
    path, on_irregular, lazy, tolerances, real_world, suv
        As for ``load``. What ``"split"`` makes is seldom one volume.

    Returns
    -------
    volume
        Modality values, index ``(slice, row, column)``; what a user must know is in ``warnings``.

    Raises
    ------
    NotOneVolumeError
        If there are several; the message lists them. ``load`` gives them all.
    VoxelryError
        If there is none: the error of the stack or file that was in the way.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> volume.array.shape, volume.spacing, volume.unit
    ((48, 256, 256), (2.5, 1.5, 1.5), 'HU')
    """
    _check_choices(on_irregular, lazy=lazy)
    check_scales(real_world=real_world, suv=suv)
    try:
        batches, skipped = batches_of(
            path, together=False, on_irregular=on_irregular, limits=limits, tolerances=tolerances,
            real_world=real_world, suv=suv, progress=part(progress, 0, 0.3),
        )  # fmt: skip
    except FormatError as error:  # of a path that is one file
        raise named(error, os.fspath(path)) from error
    if not batches:
        raise _nothing(path, skipped)
    if len(batches) > 1:
        raise NotOneVolumeError(
            f"{path}: holds {len(batches)} volumes, not one; use load for all. {_list(map(_shape, batches))}"
        )
    (batch,) = batches
    share = part(progress, 0.3, 1)
    if batch.stacks:
        try:
            return chosen_volume(batch.stacks[0], on_irregular, lazy=lazy, progress=share)
        except IncompleteStackError as error:
            raise _first_of(error, skipped) from error
    try:
        volumes = batch.load(share)
    except FormatError as error:
        raise named(error, batch.source) from error
    if len(volumes) > 1:
        shapes = (_shape_of(volume.array.shape, volume.label) for volume in volumes)
        raise NotOneVolumeError(
            f"{batch.source}: holds {len(volumes)} volumes, not one; use load for all. {_list(shapes)}"
        )
    return volumes[0]


def _nothing(path: StrPath, skipped: Mapping[str, Problem]) -> VoxelryError:
    """The error where there is no volume at all."""
    reasons = list(skipped.values())
    others = f"files of other formats are known by their suffix ({known_suffixes()})"
    if len(reasons) == 1:
        (problem,) = reasons
        if problem.code == NotDicomError.code:
            problem = Problem(problem.code, f"{problem.message}; {others}", problem.numbers)
        return as_error(problem)
    detail = f"; the first of {len(reasons)} files: {reasons[0]}" if reasons else ""
    return NothingFoundError(f"{path}: holds no DICOM with pixels{detail}; {others}")


EXPECTED = frozenset({"not_dicom", "empty_file", "no_pixel_data", "duplicate", "empty_archive", "left_out"})
"""Problems of files that a folder may hold and that no volume misses, or that were to be left out."""


def _first_of(error: IncompleteStackError, skipped: Mapping[str, Problem]) -> VoxelryError:
    """The error of the first missing file of a stack, which says what to do about it."""
    problems = dict(skipped)
    if isinstance(error, UndecodableError):
        problems.update(error.undecodable)
    names = error.numbers["files"]
    first = problems.get(str(names[0])) if isinstance(names, list) else None
    return error if first is None else _told(first, error)


def _told(problem: Problem, error: IncompleteStackError) -> VoxelryError:
    count = error.numbers["count"]
    words = (
        f"{problem.message}; its stack lacks {'a slice' if count == 1 else f'{count} slices'}, so that it is no volume"
    )
    return as_error(Problem(problem.code, words, problem.numbers))


def as_error(problem: Problem) -> VoxelryError:
    """The error that a problem was made from, so that callers can catch it by its type."""
    pending = [VoxelryError]
    while pending:
        kind = pending.pop()
        if kind.code == problem.code:
            return kind(problem.message, **problem.numbers)
        pending += kind.__subclasses__()
    return VoxelryError(problem.message, **problem.numbers)


def _shape(batch: Batch) -> str:
    return _shape_of(batch.shapes[0], batch.label) if batch.shapes else batch.name


def _shape_of(shape: tuple[int, ...], label: str) -> str:
    return " x ".join(map(str, shape)) + (f" ({label})" if label else "")


def _list(volumes: Iterable[str]) -> str:
    told = list(volumes)
    return "They are: " + "; ".join(told[:6]) + ("; ..." if len(told) > 6 else "")


def load_study(
    path: StrPath,
    *,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    progress: Progress = silent,
) -> Study:
    """The one study at a path, with its series and their stacks; pixels are read when a stack is asked for.

    Parameters
    ----------
    path, limits, tolerances, progress
        As for ``index``.

    Returns
    -------
    study
        Its series by Series Number.

    Raises
    ------
    NothingFoundError
        If there is no DICOM.
    NotOneVolumeError
        If there are several studies; ``index`` gives them all.

    Examples
    --------
    >>> study = voxelry.load_study("sample/phantom")
    >>> study.series[0].stacks[0].volume().array.shape
    (48, 256, 256)
    """
    found = index(path, limits=limits, tolerances=tolerances, progress=progress)
    if not found.studies:
        first = next(iter(found.skipped.values()), None)
        raise NothingFoundError(f"{path}: holds no DICOM" + (f"; the first file: {first}" if first else ""))
    if len(found.studies) > 1:
        raise NotOneVolumeError(f"{path}: holds {len(found.studies)} studies, not one; use index for all")
    return found.studies[0]


def pixels(path: StrPath) -> npt.NDArray[np.generic]:
    """The pixels of one file as modality values.

    Parameters
    ----------
    path
        A DICOM file.

    Returns
    -------
    array
        Shape ``(row, column)``, or ``(row, column, 3)`` for colour; a multi-frame file has the frames,
        in their own order, as its first axis.

    Raises
    ------
    NoPixelDataError, NotDicomError, PixelDataError, TruncatedError, ...
        The message names the file.

    Examples
    --------
    >>> array = voxelry.pixels("sample/phantom/CT0024.dcm")
    >>> array.shape, int(array.min())
    ((256, 256), -1012)
    """
    check_path(path)
    sources = list(walk(path, on_problem=_raise))
    if len(sources) != 1:
        raise NotOneVolumeError(f"{path}: holds {len(sources)} files; pixels reads one file")
    header = read_header(sources[0])
    described = describe_pixels(header)
    frames = list(frames_of(header))
    array = grey_values(frames)[0] if described.kind == "grey" else colour_values(frames)
    return array[0] if len(frames) == 1 else array


def _raise(_: str, problem: Problem) -> None:
    raise as_error(problem)
