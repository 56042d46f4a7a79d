"""Measure everything below a path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from types import MappingProxyType
from typing import TypedDict

from voxelry.core import measure as counting
from voxelry.core.argument_types import check_type
from voxelry.core.errors import Problem, VoxelryError
from voxelry.core.measure import DEFAULT_THRESHOLD, Measurement, MeasurementRecord, check_method, check_threshold
from voxelry.core.progress import Progress, silent
from voxelry.core.regions import PatientRegion
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.volume import Volume
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.series.irregular_stacks import OnIrregular
from voxelry.parallel import shared
from voxelry.workflows.load.loading import load, load_volume


class ProblemRecord(TypedDict):
    """A problem as JSON."""

    code: str
    message: str


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


def skipped_record(skipped: Mapping[str, Problem]) -> dict[str, ProblemRecord]:
    """Skipped files as JSON values."""
    return {name: {"code": problem.code, "message": problem.message} for name, problem in skipped.items()}


def measure(
    volume: Volume | StrPath,
    threshold: float | None = None,
    method: str = "fixed",
    *,
    default: float = DEFAULT_THRESHOLD,
    within: PatientRegion | None = None,
) -> Measurement:
    """Count the voxels whose normalised value lies above a threshold, on all cores.

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
        ``"fixed"``.
    default
        The threshold where none is given.
    within
        A region of the patient: only its voxels are counted. The range stays that of the whole volume.

    Returns
    -------
    measurement
        The count, and the volume in mm3 where the spacing is known.

    Raises
    ------
    ParameterError
        If the threshold is outside [0, 1] or the method is unknown.
    MeasureError
        If the volume is in colour, or a segmentation is to be measured in a region.
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
    """
    if isinstance(volume, str | PathLike):
        check_method(method)
        check_threshold(default if threshold is None else threshold)
        volume = load_volume(volume)
    check_type(volume, Volume, name="volume", instead="give a Volume, or the path of one")
    each = shared if volume.array.size > _LARGE else map
    return counting.measure(volume, threshold, method, default=default, within=within, each=each)


_LARGE = 2**21
"""The number of voxels from which threads are worth their start."""


def measure_all(
    path: StrPath,
    *,
    threshold: float | None = None,
    method: str = "fixed",
    default: float = DEFAULT_THRESHOLD,
    on_irregular: OnIrregular = "error",
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    real_world: bool = False,
    within: PatientRegion | None = None,
    progress: Progress = silent,
) -> MeasureReport:
    """Measure every volume below a path; see ``voxelry.core.measure.measure``, and ``load`` for the other choices.

    Raises
    ------
    ParameterError
        If the threshold is outside [0, 1] or the method is unknown: before anything is read.
    NothingFoundError
        If the path does not exist.
    """
    check_method(method)
    check_threshold(default if threshold is None else threshold)
    loaded = load(
        path, on_irregular=on_irregular, limits=limits, tolerances=tolerances, real_world=real_world, progress=progress
    )
    skipped = dict(loaded.skipped)
    measurements: list[Measurement] = []
    volumes: list[Volume] = []
    for volume in loaded.volumes:
        try:
            measurements.append(measure(volume, threshold, method, default=default, within=within))
            volumes.append(volume)
        except VoxelryError as error:
            name = f"series {volume.series_instance_uid} {volume.label}".strip()
            skipped[name] = Problem(error.code, f"{name}: {error}")
    return MeasureReport(tuple(measurements), tuple(volumes), MappingProxyType(skipped))
