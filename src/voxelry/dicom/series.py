"""Patients' studies as they lie on disk: studies, series and the stacks that a series forms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from voxelry.core.errors import NoPixelDataError, PixelDataError, Problem, VoxelryError
from voxelry.core.geometry import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.value import Value
from voxelry.dicom.attributes import integer, text
from voxelry.dicom.frames import Frame, Known, frames_of
from voxelry.dicom.headers import Header
from voxelry.dicom.report import GeometryReport, report_of, report_without_stacks
from voxelry.dicom.shared import shared_metadata
from voxelry.dicom.stack import Stack, stacks_of

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
    """

    series_instance_uid: str
    instances: tuple[Header, ...]
    tolerances: Tolerances = DEFAULT_TOLERANCES

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

    @cached_property
    def _frames(self) -> tuple[tuple[Frame, ...], dict[str, Problem]]:
        frames: list[Frame] = []
        unusable: dict[str, Problem] = {}
        known: Known = {}
        for header in self.instances:
            try:
                frames.extend(frames_of(header, known))
            except VoxelryError as error:
                unusable[header.name] = error.problem
        return tuple(frames), unusable

    @property
    def unusable(self) -> Mapping[str, Problem]:
        """The files that can be in no stack (no pixels, or a header that contradicts itself), and why."""
        return MappingProxyType(self._frames[1])

    @cached_property
    def stacks(self) -> tuple[Stack, ...]:
        """What the series' frames form, the largest first; each says whether it is regular."""
        frames = self._frames[0]
        return stacks_of(frames, tolerances=self.tolerances) if frames else ()

    @cached_property
    def report(self) -> GeometryReport:
        """What the series' geometry is found to be, in words and as data."""
        if self.problem is None:
            return report_of(self.stacks)
        without = len(self.pixelless) == len(self.instances)
        return report_without_stacks(self.problem, [h.sop_class_name for h in self.pixelless] if without else [])

    @property
    def problem(self) -> Problem | None:
        """Why there is no stack at all; None if there is one."""
        if self.stacks:
            return None
        return next(iter(self.unusable.values()), NoPixelDataError("the series holds no pixels").problem)


@dataclass(frozen=True, eq=False)
class Study:
    """The series of one study, by Series Number."""

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
    """Everything found below a path, and every file that is no usable DICOM, with the reason."""

    studies: tuple[Study, ...]
    skipped: Mapping[str, Problem]

    @property
    def series(self) -> tuple[Series, ...]:
        """The series of all studies."""
        return tuple(series for study in self.studies for series in study.series)


def group(headers: Iterable[Header], *, tolerances: Tolerances = DEFAULT_TOLERANCES) -> tuple[Study, ...]:
    """Headers as studies and series, ordered by their numbers and UIDs; the order given never matters."""
    by_series: dict[tuple[str, str], list[Header]] = {}
    for header in headers:
        # Without a Series Instance UID nothing says which files belong together: each stands alone.
        key = header.study_instance_uid, header.series_instance_uid or f"?{header.name}"
        by_series.setdefault(key, []).append(header)
    by_study: dict[str, list[Series]] = {}
    for (study, _), members in by_series.items():
        members.sort(key=_instance_order)
        by_study.setdefault(study, []).append(Series(members[0].series_instance_uid, tuple(members), tolerances))
    return tuple(
        Study(
            uid,
            tuple(sorted(series, key=lambda one: (one.number or 0, one.series_instance_uid, one.instances[0].name))),
        )
        for uid, series in sorted(by_study.items())
    )


def _instance_order(header: Header) -> tuple[int, str, str]:
    try:
        instance_number = integer(header.elements, "InstanceNumber") or 0
    except PixelDataError:
        instance_number = 0
    return instance_number, header.sop_instance_uid, header.name
