"""What a conversion would make, told from headers before anything is written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from voxelry.core.errors import FormatError, GeometryError, ParameterError, Problem, VoxelryError
from voxelry.core.geometry import Geometry
from voxelry.core.progress import silent
from voxelry.core.resample import rectified_geometry, without_tilt
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.series.irregular_stacks import OnIrregular, chosen_volume, resampled_geometry
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.series.volume_kinds import left_out_kinds
from voxelry.workflows.convert.conversion_jobs import ConversionJob
from voxelry.workflows.convert.conversion_run import ConversionRun, conversion_problem, shape_of_file
from voxelry.workflows.load.loading import EXPECTED
from voxelry.workflows.load.volume_batches import Batch

State = Literal["new", "kept", "replaced"]


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file, or folder of files, that a conversion would make.

    Attributes
    ----------
    path, format
        Where it would be, and the name of its format.
    shape
        As in `ConvertReport`; empty if it is known only when the source is read.
    files
        How many files it is: pictures or DICOM instances in a folder; companions are not counted.
    volumes
        The label of each volume.
    modality, series_number
        Of the series, as text; empty where unknown.
    entities
        What tells it from other files of its series: ``"echo-1"``.
    kinds
        What ``leave_out`` would leave it out for: ``"localizer"``, ``"derived"`` and others.
    companions
        What lies beside it: a sidecar, b-values.
    bytes
        Its voxels before compression, in the dtype that headers allow; None if unknown.
    state
        ``"kept"`` is there already and was made from the same; ``"replaced"`` is there and is made again.
    warnings
        Of its volumes, as headers tell.

    Examples
    --------
    >>> (file,) = voxelry.plan_conversion("sample/phantom", "planned.nii.gz").files
    >>> isinstance(file, voxelry.PlannedFile), file.path.name, file.shape, file.state
    (True, 'planned.nii.gz', (48, 256, 256), 'new')
    >>> [companion.name for companion in file.companions]
    ['planned.json']
    """

    path: Path
    format: str
    shape: tuple[int, ...]
    files: int = 1
    volumes: tuple[str, ...] = ()
    modality: str = ""
    series_number: str = ""
    entities: str = ""
    kinds: tuple[str, ...] = ()
    companions: tuple[Path, ...] = ()
    bytes: int | None = None
    state: State = "new"
    warnings: tuple[str, ...] = ()

    @property
    def record(self) -> dict[str, Value]:
        """As JSON."""
        return {
            "path": str(self.path),
            "format": self.format,
            "shape": list(self.shape),
            "files": self.files,
            "volumes": list(self.volumes),
            "modality": self.modality,
            "series_number": self.series_number,
            "entities": self.entities,
            "kinds": list(self.kinds),
            "companions": [str(path) for path in self.companions],
            "bytes": self.bytes,
            "state": self.state,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, slots=True)
class ConversionPlan:
    """What a conversion would make of every volume and every file.

    Attributes
    ----------
    files
        In the order of studies, series and stacks.
    skipped
        What would not be converted and why, named as in `ConvertReport`.

    Examples
    --------
    >>> plan = voxelry.plan_conversion("sample/phantom", "planned.nrrd")
    >>> isinstance(plan, voxelry.ConversionPlan), plan.complete, plan.bytes
    (True, True, 6291456)
    """

    files: tuple[PlannedFile, ...]
    skipped: Mapping[str, Problem]

    @property
    def complete(self) -> bool:
        """True unless something that belongs in a volume would be left out unasked."""
        return all(problem.code in EXPECTED for problem in self.skipped.values())

    @property
    def bytes(self) -> int:
        """Voxels of all files that would be written, before compression, as far as they are known."""
        return sum(file.bytes or 0 for file in self.files if file.state != "kept")


def plan_of_jobs(run: ConversionRun, jobs: Sequence[ConversionJob], skipped: Mapping[str, Problem]) -> ConversionPlan:
    """What would become of each job, by the checks that the run itself makes."""
    files: list[PlannedFile] = []
    problems = dict(skipped)
    for job in jobs:
        try:
            found, wrong = _planned(run, job)
            files += found
            problems |= wrong
        except ParameterError:  # wrong for all
            raise
        except (VoxelryError, OSError) as error:
            problems[job.told_as] = conversion_problem(job.told_as, error)
    return ConversionPlan(tuple(files), MappingProxyType(problems))


def _planned(run: ConversionRun, job: ConversionJob) -> tuple[list[PlannedFile], dict[str, Problem]]:
    kept = run.kept(job)
    if kept is not None:
        beside = tuple(path for path in kept.made if path != kept.path)
        return [replace(_described(job, kept.path, run, kept.shape), companions=beside, state="kept")], {}
    volumes = _volumes(run, job.batch)
    if volumes is None:
        return [_free(run, job, _described(job, job.path, run, ()))], {}
    try:
        run.aim.check(volumes)
        return [_free(run, job, _of_volumes(run, job, job.path, volumes, job.batch))], {}
    except (FormatError, GeometryError):
        if len(volumes) == 1:
            raise
    files: list[PlannedFile] = []
    problems: dict[str, Problem] = {}
    for number, (volume, path) in enumerate(zip(volumes, run.single_paths(job, volumes), strict=True)):
        try:
            run.aim.check([volume])
            files.append(_free(run, job, _of_volumes(run, job, path, [volume], job.batch.only(number))))
        except (VoxelryError, OSError) as error:
            problems[str(path)] = conversion_problem(str(path), error)
    return files, problems


def _free(run: ConversionRun, job: ConversionJob, file: PlannedFile) -> PlannedFile:
    """The same if its names are free, or may be taken."""
    if run.aim.staged:
        left = run.left(job)
        for path in (file.path, *file.companions):
            run.check_free(path, left)
    return replace(file, state="replaced") if os.path.lexists(file.path) and run.aim.suffix else file


def _described(job: ConversionJob, path: Path, run: ConversionRun, shape: tuple[int, ...]) -> PlannedFile:
    """What is known without the volumes."""
    batch = job.batch
    number = batch.lookup("SeriesNumber") if batch.stacks else None
    return PlannedFile(
        path=path,
        format=run.aim.name,
        shape=shape,
        volumes=batch.labels,
        modality=str(batch.lookup("Modality") or "") if batch.stacks else "",
        series_number="" if number is None else str(number),
        entities=batch.entities,
        kinds=tuple(sorted(left_out_kinds(batch.stacks[0]))) if batch.stacks else (),
    )


def _of_volumes(
    run: ConversionRun, job: ConversionJob, path: Path, volumes: Sequence[Volume], batch: Batch
) -> PlannedFile:
    dtype = np.result_type(*(volume.array.dtype for volume in volumes))
    return replace(
        _described(job, path, run, shape_of_file([volume.array.shape for volume in volumes])),
        files=run.aim.count(volumes, batch),
        volumes=tuple(volume.label for volume in volumes),
        companions=tuple(path.with_name(name) for name in run.aim.companions(volumes, path, batch)),
        bytes=sum(int(volume.array.size) for volume in volumes) * dtype.itemsize,
        warnings=tuple(dict.fromkeys(words for volume in volumes for words in volume.warnings)),
    )


def _volumes(run: ConversionRun, batch: Batch) -> tuple[Volume, ...] | None:
    """The volumes without their voxels; None if these have to be read to know anything."""
    if batch.stacks:
        volumes = tuple(_lazily(stack, run.on_irregular) for stack in batch.stacks)
    elif batch.shapes:  # which are in memory
        volumes = batch.load(silent)
    else:
        return None
    return tuple(map(_straightened, volumes)) if run.straighten else volumes


def _lazily(stack: Stack, on_irregular: OnIrregular) -> Volume:
    if on_irregular != "resample" or stack.regular:
        return chosen_volume(stack, "error" if on_irregular == "resample" else on_irregular, lazy=True)
    return _without_voxels(stack.for_viewing(lazy=True), resampled_geometry(stack))


def _straightened(volume: Volume) -> Volume:
    if volume.affine is None:
        return volume
    geometry = rectified_geometry(volume)
    if geometry is volume.geometry:
        return volume
    return replace(_without_voxels(volume, geometry), warnings=without_tilt(volume.warnings))


def _without_voxels(volume: Volume, geometry: Geometry) -> Volume:
    """A volume on another grid that takes no memory."""
    empty = np.broadcast_to(np.zeros((), volume.array.dtype), (*geometry.shape, *volume.array.shape[3:]))
    return Volume(
        array=empty, geometry=geometry, unit=volume.unit, metadata=volume.metadata, label=volume.label,
        warnings=volume.warnings,
    )  # fmt: skip
