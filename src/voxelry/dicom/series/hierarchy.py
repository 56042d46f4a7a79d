"""Studies and series as read from files, and the stacks of a series."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from voxelry.core.errors import NoPixelDataError, PixelDataError, Problem, VoxelryError
from voxelry.core.progress import Progress, part, silent
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.value import Value
from voxelry.dicom.frames.frame import Frame, Known, frames_of
from voxelry.dicom.frames.ge_reversed_rows import with_true_rows
from voxelry.dicom.frames.mosaics import with_tiles
from voxelry.dicom.headers.attributes import integer, text
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.shared_attributes import shared_metadata
from voxelry.dicom.pixels.stored_pixels import unsupported
from voxelry.dicom.pixels.uncompressed import check_bytes
from voxelry.dicom.series.geometry_report import GeometryReport, report_of, report_without_stacks
from voxelry.dicom.series.lost_files import (
    CONFLICT,
    ELSEWHERE,
    INCOMPLETE,
    PERHAPS,
    LostFile,
    elsewhere_findings,
    is_lost_image,
    may_be_slices,
)
from voxelry.dicom.series.lost_slices import with_lost
from voxelry.dicom.series.omitted_frames import with_omitted
from voxelry.dicom.series.source_series import Neighbours, is_segmentation
from voxelry.dicom.series.stack import Stack, stacks_of

_MANY = 1024
"""Frames of one instance between two words about the progress."""
_SORTING = "sorting frames"
STUDY_KEYWORDS = (
    "StudyInstanceUID", "StudyDate", "StudyTime", "StudyDescription", "StudyID", "AccessionNumber",
    "PatientID", "IssuerOfPatientID", "PatientName", "PatientBirthDate", "PatientSex",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Series:
    """The instances of one series, by Instance Number.

    Attributes
    ----------
    tolerances
        How even the positions of its stacks must be.
    lost
        Files that are known to belong to it and could not be read.
    perhaps
        Unreadable files beside its own, which may belong to it.
    undecodable
        Instances whose pixels are known not to be decodable, and why.
    neighbours
        Of segmentations: the images that they were loaded with.
    series_instance_uid
        Series Instance UID (0020,000E).
    instances
        Their headers, by Instance Number.

    Examples
    --------
    >>> [series] = voxelry.index("sample/phantom").series
    >>> isinstance(series, voxelry.Series), series.modality, len(series.instances)
    (True, 'CT', 48)
    """

    series_instance_uid: str
    instances: tuple[Header, ...]
    tolerances: Tolerances = DEFAULT_TOLERANCES
    lost: tuple[LostFile, ...] = ()
    perhaps: tuple[LostFile, ...] = ()
    undecodable: Mapping[Header, Problem] = field(default_factory=dict)
    neighbours: Neighbours = field(default_factory=Neighbours, repr=False)

    def __repr__(self) -> str:
        return f"Series({self.series_instance_uid}, {self.modality}, {len(self.instances)} instances)"

    @property
    def modality(self) -> str:
        return text(self.instances[0].elements, "Modality")

    @property
    def number(self) -> int | None:
        """Series Number (0020,0011)."""
        try:
            return integer(self.instances[0].elements, "SeriesNumber")
        except PixelDataError:
            return None

    @property
    def description(self) -> str:
        return text(self.instances[0].elements, "SeriesDescription")

    @cached_property
    def metadata(self) -> Mapping[str, Value]:
        """The attributes that all instances share, by keyword, as JSON values."""
        return shared_metadata(self.instances)

    @property
    def pixelless(self) -> tuple[Header, ...]:
        """Objects that hold no pixels: reports, structure sets, plans, ..."""
        return tuple(header for header in self.instances if not header.has_pixels)

    def read_stacks(self, progress: Progress) -> tuple[Stack, ...]:
        """The stacks, with progress: sorting the frames of one large object takes seconds. Read once."""
        if "_frames" not in vars(self):
            vars(self)["_frames"] = self._read_frames(part(progress, 0.0, 0.5))
        if "_lacking" not in vars(self):
            vars(self)["_lacking"] = self._sort_frames(part(progress, 0.5, 1.0))
        return self.stacks

    @cached_property
    def _frames(self) -> tuple[tuple[Frame, ...], dict[Header, Problem]]:
        return self._read_frames(silent)

    def _read_frames(self, progress: Progress) -> tuple[tuple[Frame, ...], dict[Header, Problem]]:
        frames: list[Frame] = []
        unusable: dict[Header, Problem] = {}
        known: Known = {}
        for number, header in enumerate(self.instances):
            share = part(progress, number / len(self.instances), (number + 1) / len(self.instances))
            try:
                own = tuple(_counted(frames_of(header, known), share))
                check_bytes(header, own[0].facts.pixels)
                frames.extend(own)
            except VoxelryError as error:
                unusable[header] = error.problem
        # Of several transfer syntaxes some may be unknown here; of one alone the geometry can still be told.
        if len({frame.header.transfer_syntax_uid for frame in frames}) > 1:
            unusable |= unsupported(frame.header for frame in frames)
        usable = [frame for frame in frames if frame.header not in unusable] if unusable else frames
        return tuple(with_true_rows(with_tiles(usable))), unusable

    @property
    def unusable(self) -> Mapping[str, Problem]:
        """The files that can be in no stack (no pixels, or a header that contradicts itself), and why."""
        return MappingProxyType({header.name: problem for header, problem in self._frames[1].items()})

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """The stacks of the series' frames, the largest first."""
        return self._lacking[0]

    @cached_property
    def _lacking(self) -> tuple[tuple[Stack, ...], tuple[LostFile, ...]]:
        return self._sort_frames(silent)

    def _sort_frames(self, progress: Progress) -> tuple[tuple[Stack, ...], tuple[LostFile, ...]]:
        frames, _ = self._frames
        frames = tuple(with_omitted(frames, self.neighbours, self.tolerances))
        progress(0.2, _SORTING)
        stacks = stacks_of(frames, tolerances=self.tolerances, progress=part(progress, 0.2, 1.0)) if frames else ()
        there = {frame.header.sop_instance_uid for frame in frames}
        own = (LostFile(header.name, problem, header) for header, problem in self._unusable_images)
        lost = [*(one for one in self.lost if not _is_there(one, there)), *own]
        elsewhere: tuple[LostFile, ...] = ()
        if stacks and (lost or self.perhaps):
            stacks, elsewhere = with_lost(stacks, lost, self.perhaps)
        if self.undecodable:
            rests = [(stack, stack.without(self.undecodable)) for stack in stacks]
            gone = dict.fromkeys(header for stack, rest in rests if rest is None for header in stack.headers)
            elsewhere += tuple(LostFile(header.name, self.undecodable[header], header) for header in gone)
            stacks = tuple(rest for _, rest in rests if rest is not None)
        return stacks, elsewhere

    @property
    def _unusable_images(self) -> Iterator[tuple[Header, Problem]]:
        return ((h, problem) for h, problem in self._frames[1].items() if h.has_pixels or is_lost_image(h))

    @property
    def lost_images(self) -> Mapping[Header, Problem]:
        """The instances with pixels, or that should have some, that are in no stack, and why."""
        return MappingProxyType({**dict(self._unusable_images), **self.undecodable})

    @cached_property
    def report(self) -> GeometryReport:
        """The geometry report of the series."""
        if self.problem is None:
            return report_of(self.stacks, elsewhere_findings(self._lacking[1]))
        without = len(self.pixelless) == len(self.instances)
        return report_without_stacks(self.problem, [h.sop_class_name for h in self.pixelless] if without else [])

    @property
    def problem(self) -> Problem | None:
        """Why there is no stack at all; None if there is one."""
        if self.stacks:
            return None
        problems = (*self._frames[1].values(), *self.undecodable.values())
        return next(iter(problems), NoPixelDataError("the series holds no pixels").problem)

    @property
    def lost_problem(self) -> Problem | None:
        """The gravest that is to be said of lost files: by a stack that lacks them, else by one that may, else here."""
        said = {problem.code: problem for problem in reversed(self.report.problems)}
        return next((said[code] for code in (INCOMPLETE, PERHAPS, ELSEWHERE) if code in said), None)


def _counted(frames: Iterator[Frame], progress: Progress) -> Iterator[Frame]:
    """The same frames, with progress of an instance that has many."""
    for number, frame in enumerate(frames):
        if number and number % _MANY == 0:
            progress(number / frame.pixels.frames, _SORTING)
        yield frame


def _is_there(lost: LostFile, usable: Collection[str]) -> bool:
    """True if another file holds the same instance; False if two different instances have one UID."""
    return lost.header is not None and lost.problem.code != CONFLICT and lost.header.sop_instance_uid in usable


@dataclass(frozen=True, eq=False)
class Study:
    """The series of one study, by Series Number.

    Attributes
    ----------
    study_instance_uid
        Study Instance UID (0020,000D).
    series
        By Series Number.

    Examples
    --------
    >>> study = voxelry.load_study("sample/phantom")
    >>> isinstance(study, voxelry.Study), len(study.series)
    (True, 1)
    """

    study_instance_uid: str
    series: tuple[Series, ...]

    def __repr__(self) -> str:
        return f"Study({self.study_instance_uid}, {len(self.series)} series)"

    @property
    def metadata(self) -> Mapping[str, Value]:
        """The study's and patient's attributes, by keyword."""
        first = self.series[0].instances[0].elements
        return MappingProxyType({keyword: text(first, keyword) for keyword in STUDY_KEYWORDS if keyword in first})


@dataclass(frozen=True, eq=False)
class Index:
    """Everything found below a path, and every file that is no usable DICOM, with the reason.

    Attributes
    ----------
    studies
        In the order of their Study Instance UIDs.
    skipped
        By file name as given: why a file is no usable DICOM.

    Examples
    --------
    >>> found = voxelry.index("sample")
    >>> isinstance(found, voxelry.Index), len(found.studies), len(found.series)
    (True, 1, 1)
    >>> found.skipped["sample/README.txt"].code
    'not_dicom'
    """

    studies: tuple[Study, ...]
    skipped: Mapping[str, Problem]

    @property
    def series(self) -> tuple[Series, ...]:
        """The series of all studies."""
        return tuple(series for study in self.studies for series in study.series)


def group_headers(
    headers: Iterable[Header], *, lost: Sequence[LostFile] = (), tolerances: Tolerances = DEFAULT_TOLERANCES
) -> tuple[Study, ...]:
    """Group headers into studies and series, ordered by their numbers and UIDs, whatever the order given.

    Parameters
    ----------
    lost
        Files beside them that could not be used; each series gets those that it lacks, or may lack.
    """
    by_series: dict[tuple[str, str], list[Header]] = {}
    for header in headers:
        # Files without a Series Instance UID cannot be grouped: each is a series of its own.
        key = header.study_instance_uid, header.series_instance_uid or f"?{header.name}"
        by_series.setdefault(key, []).append(header)
    by_study: dict[str, list[Series]] = {}
    neighbours = Neighbours()
    for (study, _), members in by_series.items():
        members.sort(key=_instance_order)
        uid = members[0].series_instance_uid
        own = tuple(one for one in lost if uid and one.series_instance_uid == uid)
        perhaps = may_be_slices(lost, (header.name for header in members)) if lost else ()
        near = neighbours if is_segmentation(members) else Neighbours()
        series = Series(uid, tuple(members), tolerances, own, perhaps, neighbours=near)
        neighbours.add(series)
        by_study.setdefault(study, []).append(series)
    return tuple(
        Study(
            uid,
            tuple(sorted(every, key=lambda one: (one.number or 0, one.series_instance_uid, one.instances[0].name))),
        )
        for uid, every in sorted(by_study.items())
    )


def _instance_order(header: Header) -> tuple[int, str, str]:
    try:
        instance_number = integer(header.elements, "InstanceNumber") or 0
    except PixelDataError:
        instance_number = 0
    return instance_number, header.sop_instance_uid, header.name
