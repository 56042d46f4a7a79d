"""From a path to the hierarchy of studies and series, by headers alone."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from os import PathLike
from types import MappingProxyType

from voxelry.core.argument_types import check_path
from voxelry.core.errors import Problem, VoxelryError
from voxelry.core.progress import Progress, silent
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Tolerances
from voxelry.dicom.headers.common_header import CommonHeader
from voxelry.dicom.headers.file_search import scan
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.sources import HEAD_BYTES, Source, StrPath, unreadable
from voxelry.dicom.series.hierarchy import Index, Series, group_headers
from voxelry.dicom.series.lost_files import CONFLICT, LostFile, lost_file, unseen_file

_LONGER = 1 << 10
"""Bytes by which the next header may be longer than the one before, whose numbers have fewer digits."""
_MOST_AT_ONCE = 1 << 20
"""Bytes of a file that are read before it is known to be like the one before."""


def index(
    path: StrPath | Iterable[Source],
    *,
    limits: ArchiveLimits = DEFAULT_LIMITS,
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

    common = CommonHeader()
    headers: dict[str, Header] = {}
    lost: list[LostFile | None] = []
    if isinstance(path, str | PathLike):
        found = scan(
            path, limits=limits, leave_out=leave_out, wanted=lambda: min(common.needed + _LONGER, _MOST_AT_ONCE),
            on_problem=refuse, progress=progress,
        )  # fmt: skip
    else:
        if not isinstance(path, Iterable):
            check_path(path)
        found = ((source, source.head(HEAD_BYTES)) for source in path)
    for source, head in found:
        try:
            header = read_header(source, head, common)
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
    return Index(group_headers(headers.values(), lost=missed, tolerances=tolerances), MappingProxyType(skipped))


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
