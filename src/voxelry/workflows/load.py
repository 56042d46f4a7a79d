"""From a path to volumes: load everything, exactly one volume, or the hierarchy alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import NothingFoundError, NotOneVolumeError, ParameterError, Problem, VoxelryError
from voxelry.core.geometry import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.progress import Progress, part, silent
from voxelry.core.volume import Volume
from voxelry.dicom.description import describe_pixels
from voxelry.dicom.filling import colour_values, grey_values
from voxelry.dicom.frames import frames_of
from voxelry.dicom.headers import Header, read_header
from voxelry.dicom.irregular import OnIrregular, check_on_irregular, chosen_stacks, chosen_volume
from voxelry.dicom.plain import Layout
from voxelry.dicom.series import Index, Study, group
from voxelry.dicom.sources import DEFAULT_LIMITS, HEAD_BYTES, Limits, Source, StrPath, scan, unreadable, walk
from voxelry.dicom.stack import Stack


@dataclass(frozen=True, eq=False)
class LoadResult:
    """What became of every file: it is part of a volume, or it is in ``skipped`` with the reason.

    Attributes
    ----------
    volumes
        One for each regular stack, by study, series and stack.
    skipped
        By file name as given (``folder/a.dcm``, ``archive.zip/inner/a.dcm``).
    """

    volumes: tuple[Volume, ...]
    skipped: Mapping[str, Problem]


def index(
    path: StrPath | Iterable[Source],
    *,
    limits: Limits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
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
    progress
        Called with the fraction done and a few words.

    Raises
    ------
    NothingFoundError
        If the path does not exist.
    """
    skipped: dict[str, Problem] = {}
    headers: dict[str, Header] = {}
    if isinstance(path, str | PathLike):
        found = scan(path, limits=limits, on_problem=skipped.__setitem__, progress=progress)
    else:
        found = ((source, source.head(HEAD_BYTES)) for source in path)
    layout = Layout()
    for source, head in found:
        try:
            header = read_header(source, head, layout)
        except VoxelryError as error:
            skipped[source.name] = error.problem
            continue
        except OSError as error:
            skipped[source.name] = unreadable(source.name, error)
            continue
        known = headers.setdefault(header.sop_instance_uid or f"?{source.name}", header)
        if known is not header:
            skipped[source.name] = _seen_before(header, known)
    progress(1.0, "reading headers")
    return Index(group(headers.values(), tolerances=tolerances), MappingProxyType(skipped))


def _seen_before(header: Header, known: Header) -> Problem:
    if _digest(header.source) == _digest(known.source):
        return Problem("duplicate", f"{header.name}: the same bytes as {known.name}")
    return Problem(
        "conflict",
        f"{header.name}: has the SOP Instance UID (0008,0018) of {known.name}, but other bytes; {known.name} is used",
    )


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
    """
    _check_choices(on_irregular, lazy=lazy)
    found = index(path, limits=limits, tolerances=tolerances, progress=part(progress, 0, 0.3))
    skipped = dict(found.skipped)
    stacks = _stacks(found, on_irregular)
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


def _stacks(found: Index, on_irregular: OnIrregular) -> list[Stack]:
    return [stack for series in found.series for stack in chosen_stacks(series.stacks, on_irregular)]


def _check_choices(on_irregular: str, *, lazy: bool) -> None:
    check_on_irregular(on_irregular)
    if lazy and on_irregular == "resample":
        raise ParameterError('on_irregular="resample" needs every slice at once; leave out lazy=True')


def _load_stack(
    stack: Stack, on_irregular: OnIrregular, skipped: dict[str, Problem], progress: Progress, *, lazy: bool
) -> Volume | None:
    try:
        return chosen_volume(stack, on_irregular, lazy=lazy, progress=progress)
    except VoxelryError as error:
        names = [header.name for header in stack.headers]
        culprit = next((name for name in names if str(error).startswith(f"{name}:")), None)
        for name in names:
            if name == culprit or culprit is None:
                skipped[name] = error.problem
            else:
                skipped[name] = Problem("incomplete_stack", f"{name}: its stack lacks a slice: {error}")
        return None


def load_volume(
    path: StrPath,
    *,
    on_irregular: OnIrregular = "error",
    lazy: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    progress: Progress = silent,
) -> Volume:
    """Load the one volume at a path.

    Parameters
    ----------
    path, on_irregular, lazy, tolerances
        As for ``load``. What ``"split"`` makes is seldom one volume.

    Raises
    ------
    NotOneVolumeError
        If there are several; the message lists them. ``load`` gives them all.
    VoxelryError
        If there is none: the error of the stack or file that was in the way.
    """
    _check_choices(on_irregular, lazy=lazy)
    found = index(path, limits=limits, tolerances=tolerances, progress=part(progress, 0, 0.3))
    stacks = _stacks(found, on_irregular)
    if len(stacks) == 1:
        volume = chosen_volume(stacks[0], on_irregular, lazy=lazy, progress=part(progress, 0.3, 1))
        return replace(volume, warnings=(*volume.warnings, *_left_out(found)))
    if stacks:
        raise NotOneVolumeError(f"{path}: holds {len(stacks)} volumes, not one; use load for all. {_list(stacks)}")
    reasons = [*found.skipped.values(), *(p for series in found.series for p in series.unusable.values())]
    if len(reasons) == 1:
        raise _as_error(reasons[0])
    detail = f"; the first of {len(reasons)} files: {reasons[0]}" if reasons else ""
    raise NothingFoundError(f"{path}: holds no DICOM with pixels{detail}")


EXPECTED = frozenset({"not_dicom", "empty_file", "no_pixel_data", "duplicate", "empty_archive"})
"""Problems of files that a folder may hold and that no volume misses."""


def _left_out(found: Index) -> tuple[str, ...]:
    """Warnings of files that may be slices: without one at its end a stack is still regular."""
    problems = [*found.skipped.values(), *(p for series in found.series for p in series.unusable.values())]
    missed = [problem for problem in problems if problem.code not in EXPECTED]
    if not missed:
        return ()
    count = f"{len(missed)} file{'s' * (len(missed) > 1)} could not be used, so that slices may be missing"
    return (f"{count}; the first: {missed[0]}",)


def _as_error(problem: Problem) -> VoxelryError:
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

    Raises
    ------
    NothingFoundError
        If there is no DICOM.
    NotOneVolumeError
        If there are several studies; ``index`` gives them all.
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

    Returns
    -------
    array
        Shape ``(row, column)``, or ``(row, column, 3)`` for colour; a multi-frame file has the frames,
        in their own order, as its first axis.

    Raises
    ------
    NoPixelDataError, NotDicomError, PixelDataError, TruncatedError, ...
        The message names the file.
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
    raise _as_error(problem)
