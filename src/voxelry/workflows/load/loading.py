"""From a path to volumes: load everything, exactly one volume, or the hierarchy alone."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from os import PathLike
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import (
    IncompleteStackError,
    NothingFoundError,
    NotOneVolumeError,
    ParameterError,
    Problem,
    VoxelryError,
)
from voxelry.core.geometry import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.progress import Progress, part, silent
from voxelry.core.volume import Volume
from voxelry.dicom.frames.frame import frames_of
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.headers.part10 import Layout
from voxelry.dicom.headers.pixel_description import describe_pixels
from voxelry.dicom.headers.sources import DEFAULT_LIMITS, HEAD_BYTES, Limits, Source, StrPath, scan, unreadable, walk
from voxelry.dicom.series.hierarchy import Index, Series, Study, group
from voxelry.dicom.series.irregular_stacks import OnIrregular, check_on_irregular, chosen_stacks, chosen_volume
from voxelry.dicom.series.lost_files import CONFLICT, LostFile, lost_file, unseen_file
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.series.undecodable_files import UndecodableError
from voxelry.dicom.values.filling import colour_values, grey_values


@dataclass(frozen=True, eq=False)
class LoadResult:
    """What became of every file: it is part of a volume, or it is in ``skipped`` with the reason.

    Attributes
    ----------
    volumes
        One for each regular stack, by study, series and stack.
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


def index(
    path: StrPath | Iterable[Source],
    *,
    limits: Limits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    leave_out: Collection[str] = (),
    progress: Progress = silent,
) -> Index:
    """Find every study and series below a path, reading headers only.

    Parameters
    ----------
    path
        A file, a folder at any depth, or a zip archive; or sources that are known already.
    limits
        What archives may ask of this machine.
    tolerances
        How even the positions of a stack must be.
    leave_out
        Paths of files and folders below a folder, joined to it, that are not looked at.
    progress
        Called with the fraction done and a few words.

    Returns
    -------
    index
        Studies, series and stacks; no pixel was read.

    Raises
    ------
    NothingFoundError
        If the path does not exist.

    Examples
    --------
    >>> [series] = voxelry.index("sample/phantom").series
    >>> series.report.words
    'regular: 48 slices of 256 x 256, 2.5 mm apart'
    """
    skipped: dict[str, Problem] = {}
    unseen: list[LostFile | None] = []

    def refuse(name: str, problem: Problem) -> None:
        skipped[name] = problem
        unseen.append(unseen_file(name, problem))

    headers: dict[str, Header] = {}
    lost: list[LostFile | None] = []
    if isinstance(path, str | PathLike):
        found = scan(path, limits=limits, leave_out=leave_out, on_problem=refuse, progress=progress)
    else:
        found = ((source, source.head(HEAD_BYTES)) for source in path)
    layout = Layout()
    for source, head in found:
        try:
            header = read_header(source, head, layout)
        except VoxelryError as error:
            skipped[source.name] = error.problem
            lost.append(lost_file(source, head, error.problem))
            continue
        except OSError as error:
            refuse(source.name, unreadable(source.name, error))
            continue
        known = headers.setdefault(header.sop_instance_uid or f"?{source.name}", header)
        if known is not header:
            left, problem = _seen_before(header, known, headers)
            skipped[left.name] = problem
            lost.append(LostFile(left.name, problem, left) if problem.code == CONFLICT else None)
    progress(1.0, "reading headers")
    missed = [one for one in (*lost, *unseen) if one is not None]
    return Index(group(headers.values(), lost=missed, tolerances=tolerances), MappingProxyType(skipped))


def _seen_before(header: Header, known: Header, headers: dict[str, Header]) -> tuple[Header, Problem]:
    """Which of two files with one UID is left out, and why: the second, unless only that can be used."""
    if _digest(header.source) == _digest(known.source):
        return header, Problem("duplicate", f"{header.name}: the same bytes as {known.name}")
    problem = _unusable(known)
    if problem is not None and _unusable(header) is None:
        headers[header.sop_instance_uid] = header
        return known, problem
    return header, Problem(
        CONFLICT,
        f"{header.name}: has the SOP Instance UID (0008,0018) of {known.name}, but other bytes; {known.name} is used",
    )


def _unusable(header: Header) -> Problem | None:
    return next(iter(Series(header.series_instance_uid, (header,)).unusable.values()), None)


def _digest(source: Source) -> bytes:
    digest = hashlib.sha256()
    with source.open() as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.digest()


def load(
    path: StrPath,
    *,
    on_irregular: OnIrregular = "error",
    lazy: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    real_world: bool = False,
    progress: Progress = silent,
) -> LoadResult:
    """Load every volume below a path.

    Parameters
    ----------
    path
        A file, a folder at any depth, or a zip archive. DICOM is known by content.
    on_irregular
        What to make of a stack that forms no regular grid: ``"error"`` makes nothing of it;
        ``"split"`` a volume of each regular run of its slices, labelled ``"slices 1-3"``;
        ``"resample"`` one volume on an even grid, by linear interpolation along the normal. Their
        warnings say so.
    lazy
        True for volumes larger than memory: ``array`` is a ``LazyArray``, which decodes the slices it is
        indexed with, chunk by chunk as Zarr and dask do. Only what the headers tell is checked beforehand.
    tolerances
        How even the positions of a stack must be.
    real_world
        True for the values of Real World Value Mapping Sequence (0040,9096), in its unit, instead of modality values.

    Returns
    -------
    result
        One volume for each regular stack. A stack that is irregular, or that cannot be decoded, is no
        volume: all its files are in ``skipped``.

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
    found = index(path, limits=limits, tolerances=tolerances, progress=part(progress, 0, 0.3))
    skipped = dict(found.skipped)
    stacks = _stacks(found, on_irregular, real_world=real_world)
    for series in found.series:
        skipped.update(series.unusable)
    volumes: list[Volume] = []
    for done, stack in enumerate(stacks):
        share = part(progress, 0.3 + 0.7 * done / len(stacks), 0.3 + 0.7 * (done + 1) / len(stacks))
        volume = _load_stack(stack, on_irregular, skipped, share, lazy=lazy)
        if volume is not None:
            volumes.append(volume)
    progress(1.0, "loaded")
    return LoadResult(tuple(volumes), MappingProxyType(skipped))


def _stacks(found: Index, on_irregular: OnIrregular, *, real_world: bool) -> list[Stack]:
    chosen = (chosen_stacks(series.stacks, on_irregular, real_world=real_world) for series in found.series)
    return [stack for stacks in chosen for stack in stacks]


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
    limits: Limits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    real_world: bool = False,
    progress: Progress = silent,
) -> Volume:
    """Load the one volume at a path.

    Parameters
    ----------
    path, on_irregular, lazy, tolerances, real_world
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
    found = index(path, limits=limits, tolerances=tolerances, progress=part(progress, 0, 0.3))
    stacks = _stacks(found, on_irregular, real_world=real_world)
    if len(stacks) == 1:
        try:
            return chosen_volume(stacks[0], on_irregular, lazy=lazy, progress=part(progress, 0.3, 1))
        except IncompleteStackError as error:
            raise _first_of(error, found) from error
    if stacks:
        raise NotOneVolumeError(f"{path}: holds {len(stacks)} volumes, not one; use load for all. {_list(stacks)}")
    reasons = [*found.skipped.values(), *(p for series in found.series for p in series.unusable.values())]
    if len(reasons) == 1:
        raise as_error(reasons[0])
    detail = f"; the first of {len(reasons)} files: {reasons[0]}" if reasons else ""
    raise NothingFoundError(f"{path}: holds no DICOM with pixels{detail}")


EXPECTED = frozenset({"not_dicom", "empty_file", "no_pixel_data", "duplicate", "empty_archive"})
"""Problems of files that a folder may hold and that no volume misses."""


def _first_of(error: IncompleteStackError, found: Index) -> VoxelryError:
    """Of a stack that lacks files, the error of the first of them, which says what to do about it."""
    problems = dict(found.skipped)
    for series in found.series:
        problems.update(series.unusable)
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


def _list(stacks: list[Stack]) -> str:
    lines = [f"{' x '.join(map(str, stack.shape))}{f' ({stack.label})' if stack.label else ''}" for stack in stacks[:6]]
    return "They are: " + "; ".join(lines) + ("; ..." if len(stacks) > 6 else "")


def load_study(
    path: StrPath,
    *,
    limits: Limits = DEFAULT_LIMITS,
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
