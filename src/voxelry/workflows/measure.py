"""Measure everything below a path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from types import MappingProxyType
from typing import TypedDict

from voxelry.core import measure as counting
from voxelry.core.affine import Vector
from voxelry.core.argument_types import check_type
from voxelry.core.counted_voxels import checked_point
from voxelry.core.errors import ParameterError, Problem, VoxelryError
from voxelry.core.measure import Measurement, MeasurementRecord
from voxelry.core.problem_record import ProblemRecord, skipped_record
from voxelry.core.progress import Progress, silent
from voxelry.core.recipe import Recipe, segment_in_words
from voxelry.core.region_words import NamedSegment
from voxelry.core.regions import PatientRegion
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.threshold_rule import DEFAULT_THRESHOLD, threshold_rule
from voxelry.core.volume import Volume
from voxelry.dicom.acquisition.suv_factor import SuvKind
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.series.irregular_stacks import OnIrregular, check_scales
from voxelry.parallel import shared
from voxelry.workflows.load.loading import load, load_volume


class MeasureRecord(TypedDict):
    """What ``voxelry measure --json`` and ``POST /api/measure`` answer."""

    measurements: list[MeasurementRecord]
    skipped: dict[str, ProblemRecord]


@dataclass(frozen=True, eq=False)
class MeasureReport:
    """The measurement of each volume, and what became of the files in none.

    Attributes
    ----------
    volumes
        What was measured, in the order of ``measurements``.
    """

    measurements: tuple[Measurement, ...]
    volumes: tuple[Volume, ...]
    skipped: Mapping[str, Problem]

    def record(self) -> MeasureRecord:
        """The same as JSON values."""
        return {
            "measurements": [measurement.record() for measurement in self.measurements],
            "skipped": skipped_record(self.skipped),
        }


def measure(
    volume: Volume | StrPath,
    threshold: float | None = None,
    method: str | None = None,
    *,
    lower: float | None = None,
    upper: float | None = None,
    percentile: float | None = None,
    classes: int | None = None,
    class_number: int | None = None,
    default: float = DEFAULT_THRESHOLD,
    within: PatientRegion | None = None,
    component: Vector | None = None,
) -> Measurement:
    """Count the voxels whose value lies above a threshold, or between limits, on all cores.

    Parameters
    ----------
    volume
        Greyscale; or the path of one, as ``load_volume`` takes it. Of a segmentation the range is always from 0 to 1,
        each voxel with a label counts in a label map, the mm3 of occupancies are their sum, and those of probabilities
        need a threshold.
    threshold
        On [0, 1]: a voxel counts if ``(x - min) / (max - min) > threshold`` in float64, with the
        minimum and maximum of the whole volume. Padding, NaN and infinities take part in nothing.
    method
        How the values that count are found: ``"fixed"`` by ``threshold``, ``"units"`` by ``lower`` and ``upper``,
        ``"percentile"``, or above a value found from all of the volume's: ``"otsu"``, ``"li"``, ``"triangle"``,
        ``"yen"``; in a class by ``"multi_otsu"``; or ``"hysteresis"`` by ``lower`` and ``upper``. Where none is given,
        what the other arguments say.
    lower, upper
        In the volume's unit: a voxel counts from ``lower`` on, and up to ``upper``, both included. Of hysteresis: above
        ``lower``, if its piece, connected through faces in the whole volume, reaches above ``upper``.
    percentile
        A voxel counts above the value that so many percent of the voxels do not exceed.
    classes, class_number
        Of multi-Otsu: how many classes (2 to 5; 3 where it is not given), and which of them counts, 0 the lowest; all
        but the lowest where it is not given.
    default
        The threshold where none is given.
    within
        A region of the patient: only its voxels are counted. The range, and a value that a method finds, stay those of
        the whole volume.
    component
        A point in LPS mm: of the voxels that count, in the region if there is one, only those that are connected
        through faces to the voxel that holds the point.

    Returns
    -------
    measurement
        The count, and the volume in mm3 where the spacing is known.

    Raises
    ------
    ParameterError
        If a number is out of range, the method is unknown, or the point lies outside or in a voxel that does not count.
    MeasureError
        If the volume is in colour, or a segmentation is to be measured by limits, in a region or at a point.
    UnplacedError, FrameOfReferenceError
        If nothing says where the volume lies, or that it and the region lie in one place.
    VoxelryError
        If there is no volume at the path, or several: see ``load_volume``.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> voxelry.measure(volume, threshold=0.9).volume_mm3
    65508.75
    >>> half = voxelry.SphereRegion(centre=volume.geometry.corners().mean(axis=0), radius_mm=30)
    >>> voxelry.measure(volume, threshold=0.5, within=half).pixels_total < volume.array.size
    True
    >>> voxelry.measure(volume, lower=250).pixels_above_threshold
    11646
    >>> voxelry.measure(volume, method="hysteresis", lower=150, upper=250).pixels_above_threshold
    11646
    """
    arguments = _Arguments(
        threshold, method, lower, upper, percentile, classes, class_number, default, within, component
    )  # fmt: skip
    arguments.check()
    if isinstance(volume, str | PathLike):
        volume = load_volume(volume)
    check_type(volume, Volume, name="volume", instead="give a Volume, or the path of one")
    return arguments.measured(volume)


@dataclass(frozen=True, slots=True)
class _Arguments:
    threshold: float | None
    method: str | None
    lower: float | None
    upper: float | None
    percentile: float | None
    classes: int | None
    class_number: int | None
    default: float
    within: PatientRegion | None
    component: Vector | None

    def check(self) -> None:
        """Refuse numbers that do not fit, before anything is read."""
        threshold_rule(
            self.threshold,
            self.method,
            lower=self.lower,
            upper=self.upper,
            percentile=self.percentile,
            classes=self.classes,
            class_number=self.class_number,
            default=self.default,
        )
        if self.component is not None:
            checked_point(self.component)

    def measured(self, volume: Volume) -> Measurement:
        return counting.measure(
            volume,
            self.threshold,
            self.method,
            lower=self.lower,
            upper=self.upper,
            percentile=self.percentile,
            classes=self.classes,
            class_number=self.class_number,
            default=self.default,
            within=self.within,
            component=self.component,
            each=shared if volume.array.size > _LARGE else map,
        )


_LARGE = 2**21
"""The number of voxels from which threads are worth their start."""


def measure_all(
    path: StrPath,
    *,
    threshold: float | None = None,
    method: str | None = None,
    lower: float | None = None,
    upper: float | None = None,
    percentile: float | None = None,
    classes: int | None = None,
    class_number: int | None = None,
    default: float = DEFAULT_THRESHOLD,
    on_irregular: OnIrregular = "error",
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    real_world: bool = False,
    suv: SuvKind | None = None,
    within: PatientRegion | None = None,
    component: Vector | None = None,
    recipe: Recipe | None = None,
    progress: Progress = silent,
) -> MeasureReport:
    """Measure every volume below a path; see ``voxelry.core.measure.measure``, and ``load`` for the other choices.

    A ``recipe`` is followed instead of the other arguments of ``measure``: on the volume from which it was made, or if
    that is not there, on all, which a warning says. If it counts in a segment, ``within`` is that segment.

    Raises
    ------
    ParameterError
        If a number is out of range or the method is unknown: before anything is read.
    NothingFoundError
        If the path does not exist.
    """
    if recipe is None:
        arguments = _Arguments(
        threshold, method, lower, upper, percentile, classes, class_number, default, within, component
    )  # fmt: skip
    else:
        if any(
            one is not None for one in (threshold, method, lower, upper, percentile, classes, class_number, component)
        ):
            raise ParameterError("a recipe says what is counted: give it without threshold, limits, region and point")
        arguments = _Arguments(
            recipe.threshold, recipe.method, recipe.lower, recipe.upper, recipe.percentile,
            recipe.classes, recipe.class_number, default,
            _region_of(recipe, within), recipe.component,
        )  # fmt: skip
    arguments.check()
    check_scales(real_world=real_world, suv=suv)
    loaded = load(
        path, on_irregular=on_irregular, limits=limits, tolerances=tolerances, real_world=real_world, suv=suv,
        progress=progress,
    )  # fmt: skip
    skipped = dict(loaded.skipped)
    measurements: list[Measurement] = []
    volumes: list[Volume] = []
    wanted, told = _followed_on(loaded.volumes, recipe)
    for volume in wanted:
        try:
            measured = arguments.measured(volume)
            measurements.append(replace(measured, warnings=(*measured.warnings, *told)))
            volumes.append(volume)
        except VoxelryError as error:
            name = f"series {volume.series_instance_uid} {volume.label}".strip()
            skipped[name] = Problem(error.code, f"{name}: {error}")
    return MeasureReport(tuple(measurements), tuple(volumes), MappingProxyType(skipped))


def _region_of(recipe: Recipe, given: PatientRegion | None) -> PatientRegion | None:
    """The region in which a recipe is followed; a segment has to be given, as nothing says where its file is."""
    if not isinstance(recipe.within, NamedSegment):
        if given is not None:
            raise ParameterError("a recipe says what is counted: give it without threshold, limits, region and point")
        return recipe.within
    if given is None:
        raise ParameterError(
            f"this recipe counts in {segment_in_words(recipe.within)}: give that too, as the region "
            f"(in the terminal --within FILE#{recipe.within.number})"
        )
    return given


def _followed_on(volumes: Sequence[Volume], recipe: Recipe | None) -> tuple[Sequence[Volume], tuple[str, ...]]:
    """The volumes on which a recipe is followed, and what must be known of them."""
    if recipe is None or not recipe.series_instance_uid:
        return volumes, ()
    made = (recipe.series_instance_uid, recipe.label)
    own = [volume for volume in volumes if (volume.series_instance_uid, volume.label) == made]
    return (own, ()) if own else (volumes, ("the recipe was made on another series than this one",))
