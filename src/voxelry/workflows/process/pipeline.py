"""Jobs by name: a DICOM folder in, a DICOM folder out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import Field

from voxelry.core.errors import ExistsError, NothingFoundError, ParameterError, Problem, VoxelryError
from voxelry.core.progress import Progress, part, silent
from voxelry.core.registry import step_named, step_names
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.series.stack import Stack
from voxelry.workflows.files.export_names import export_names
from voxelry.workflows.files.results_folder import check_apart, filled, is_taken
from voxelry.workflows.load.indexing import index
from voxelry.workflows.load.loading import EXPECTED, LoadResult, load
from voxelry.workflows.process.derived_series import write_derived
from voxelry.workflows.process.processing import process
from voxelry.workflows.process.step_results import named_folder

BLUR = "3dblur"
"""The job that every pipeline has at the start."""

Config: TypeAlias = Mapping[str, Any]
"""A job's configuration: values by name for its three functions."""
Volumes: TypeAlias = "Volume | LoadResult | Iterable[Volume]"
Preprocess: TypeAlias = Callable[[Path, Config], Volumes]
"""``preprocess(folder, config)``: the volumes of a DICOM folder.

`load_volumes` is the usual one. Of a ``LoadResult`` the files that were skipped are told among the job's.
"""
Func: TypeAlias = "Callable[[Volume, Config], Volume | npt.NDArray[Any]]"
"""``func(volume, config)``: a new volume. It changes nothing in place; an array means the same place and unit."""
Postprocess: TypeAlias = Callable[[Volume, Stack, Path], object]
"""``postprocess(volume, source, folder)``: write the volume as DICOM files into the folder, which is there and empty.

``source`` is the stack of DICOM images that the volume came from, with their headers; `write_slices` is the usual one.
"""


class UnknownJobError(VoxelryError, KeyError):
    """No job has this name."""

    code = "unknown_job"

    def __str__(self) -> str:
        return str(self.args[0])  # str() of a KeyError is the repr of its message


@dataclass(frozen=True, eq=False)
class JobEntry:
    """A job: its name, its configuration, and the three functions that do it.

    Parameters
    ----------
    name
        What it is executed by.
    config
        Handed to ``preprocess`` and ``func``: ``{"sigma": 1.0}``.
    preprocess
        ``preprocess(folder, config)`` gives the volumes of the DICOM folder.
    postprocess
        ``postprocess(volume, source, folder)`` writes a volume as DICOM files; ``source`` is the ``Stack`` that it
        came from.
    func
        ``func(volume, config)`` gives a new volume for each.

    Examples
    --------
    >>> entry = voxelry.JobEntry(
    ...     name="first_volume",
    ...     config={},
    ...     preprocess=lambda folder, config: voxelry.load(folder).volumes,
    ...     postprocess=lambda volume, source, folder: voxelry.write_derived(volume, source, folder).paths,
    ...     func=lambda volume, config: volume,
    ... )
    >>> "first_volume" in voxelry.InferencePipeline([entry]).jobs
    True
    """

    name: str
    config: Config
    preprocess: Preprocess
    postprocess: Postprocess
    func: Func


@dataclass(frozen=True, eq=False)
class ExecuteReport:
    """What a job made.

    Attributes
    ----------
    folder
        Where it lies.
    paths
        Every file, in order.
    skipped
        What was not done, and why: files by their name, volumes by the name of the folder that they would have had.
    warnings
        What a user must know before trusting the result.

    Examples
    --------
    >>> report = voxelry.InferencePipeline().execute("3dblur", "sample/phantom", "blurred")
    >>> isinstance(report, voxelry.ExecuteReport), len(report.paths)
    (True, 48)
    """

    folder: Path
    paths: tuple[Path, ...]
    skipped: Mapping[str, Problem] = field(default_factory=lambda: MappingProxyType({}))
    warnings: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """True unless something was left out that belongs in a volume; a text beside the images does not."""
        return all(problem.code in EXPECTED for problem in self.skipped.values())


class InferencePipeline:
    """Jobs by name. ``3dblur`` is among them from the start, and every installed step is one.

    Parameters
    ----------
    registry
        Jobs to begin with; the last of a name wins.

    Examples
    --------
    >>> pipeline = voxelry.InferencePipeline()
    >>> pipeline.is_job_registered("3dblur"), pipeline.is_job_registered("gaussian")
    (True, True)
    >>> report = pipeline.execute("gaussian", "sample/phantom", "smooth", params={"sigma": 2.0})
    >>> len(list(report.folder.glob("*.dcm")))
    48
    """

    def __init__(self, registry: Iterable[JobEntry] | None = None) -> None:
        self._entries: dict[str, JobEntry] = {}
        self._without: set[str] = set()
        self.register(blur_job())
        for entry in registry or ():
            self.register(entry)

    def __repr__(self) -> str:
        return f"<InferencePipeline: {', '.join(self.jobs)}>"

    @property
    def jobs(self) -> tuple[str, ...]:
        """The names of all jobs, those that were registered first."""
        steps = (name for name in step_names() if name not in self._without and name not in self._entries)
        return (*self._entries, *steps)

    def register(self, entry: JobEntry) -> None:
        """Add a job. One that has its name, or a step of its name, is no longer called by it."""
        self._entries.pop(entry.name, None)
        self._entries[entry.name] = entry

    def unregister(self, name: str) -> None:
        """Forget a job, or keep a step from being one.

        Raises
        ------
        KeyError
            If no job has this name; the message lists the known. It is an ``UnknownJobError``.
        """
        if not self.is_job_registered(name):
            raise self._unknown(name)
        self._entries.pop(name, None)
        self._without.add(name)

    def is_job_registered(self, name: str) -> bool:
        """True if a job has this name."""
        return name in self._entries or (name not in self._without and name in step_names())

    def execute(
        self,
        job_name: str,
        in_dicom_dir: StrPath,
        out_dicom_dir: StrPath,
        *,
        params: Config | None = None,
        limits: ArchiveLimits = DEFAULT_LIMITS,
        progress: Progress = silent,
    ) -> ExecuteReport:
        """Do a job on every series of a folder, and write what comes out as DICOM into another.

        A single series becomes files in that folder, several a folder each. It appears when all of it is whole.

        Parameters
        ----------
        job_name
            Of a registered job, or of an installed step, whose results are as ``process`` writes them.
        in_dicom_dir
            A folder at any depth; a file or a zip archive do too.
        out_dicom_dir
            Not there yet, or empty.
        params
            For this time, instead of what the job's configuration says: ``{"sigma": 2}``.

        Returns
        -------
        report
            Series and files that could not be done are in ``skipped``; they spoil nothing else.

        Raises
        ------
        UnknownJobError
            If no job has this name; the message lists the known. It is a ``KeyError``.
        NothingFoundError
            If there is nothing to do: no such folder, or no DICOM image in it.
        ExistsError
            If the output folder is not empty, or is the input.
        VoxelryError
            If none of the series could be done: the first one's error.
        """
        source, target = Path(in_dicom_dir), named_folder(out_dicom_dir)
        if not self.is_job_registered(job_name):
            raise self._unknown(job_name)
        _check_folders(source, target)
        entry = self._entries.get(job_name)
        if entry is None:
            return _execute_step(job_name, source, target, params, limits, progress)
        strange = [name for name in params or {} if name not in entry.config]
        if strange:
            known = ", ".join(entry.config) or "none"
            raise ParameterError(f"{job_name} has no parameter {strange[0]!r}; it has {known}")
        return _execute(entry, {**entry.config, **(params or {})}, source, target, limits, progress)

    def _unknown(self, name: str) -> UnknownJobError:
        known: list[Value] = list(self.jobs)
        return UnknownJobError(f"no job is named {name!r}; known are {', '.join(self.jobs)}", known=known)


def _check_folders(source: Path, target: Path) -> None:
    if not source.exists():
        raise NothingFoundError(f"{source}: does not exist")
    check_apart(source, target)
    if is_taken(target):
        raise ExistsError(f"{target}: is there already and not empty; give the output a folder of its own")


# --- the usual functions of a job -------------------------------------------------------------------------------------


def load_volumes(folder: Path, config: Config) -> LoadResult:  # noqa: ARG001 - its contract
    """Every volume below a folder, as ``load`` gives them: the usual ``preprocess``."""
    return load(folder)


def write_slices(volume: Volume, source: Stack, folder: Path) -> tuple[Path, ...]:
    """A new DICOM series of the source's study, as ``write_series`` makes it: the usual ``postprocess``."""
    return write_derived(volume, source, folder).paths


class BlurParams(Params):
    """Of the job ``3dblur``."""

    sigma: float = Field(
        1.0, ge=0, title="Sigma", description="Standard deviation of the Gaussian", json_schema_extra={"unit": "mm"}
    )


def blur(volume: Volume, config: Config) -> Volume:
    """A volume blurred by a Gaussian, ``config["sigma"]`` in millimetres: the ``func`` of ``3dblur``."""
    sigma = BLUR_STEP.checked({"sigma": config.get("sigma", 1.0)}).sigma
    if sigma == 0:
        return volume
    (blurred,) = step_named("gaussian").run(volume, {"sigma": sigma}).volumes
    return blurred


def _blur(volumes: Any, params: BlurParams, progress: Progress) -> StepResult:
    if params.sigma == 0:
        return StepResult(volumes=tuple(volumes))
    return step_named("gaussian").run(volumes, {"sigma": params.sigma}, progress=progress)


BLUR_STEP = Step(
    name=BLUR, title="3-D blur", description="Blurs a volume with a Gaussian: the example of an inference function.",
    params=BlurParams, function=_blur, libraries=("cv2",),
)  # fmt: skip
"""``3dblur`` as a step, for the terminal."""


def blur_job() -> JobEntry:
    """The job ``3dblur``."""
    return JobEntry(BLUR, {"sigma": 1.0}, load_volumes, write_slices, blur)


# --- doing it ---------------------------------------------------------------------------------------------------------


def _execute(
    entry: JobEntry, config: Config, source: Path, target: Path, limits: ArchiveLimits, progress: Progress
) -> ExecuteReport:
    progress(0.0, "reading")
    volumes, skipped = _volumes(entry.preprocess(source, config), entry.name)
    stacks = [stack for series in index(source, limits=limits).series for stack in series.stacks]
    if not volumes:
        reasons = list(skipped.values())
        first = f"; the first of {len(reasons)} files: {reasons[0]}" if reasons else ""
        raise NothingFoundError(f"{source}: holds no DICOM with pixels that form a volume{first}")
    names = export_names(volumes)
    warnings: list[str] = []
    errors: list[VoxelryError] = []
    with filled(target) as aside:
        for number, (volume, name) in enumerate(zip(volumes, names, strict=True)):
            progress(0.2 + 0.8 * number / len(volumes), f"{entry.name}: {number + 1} of {len(volumes)}")
            folder = aside if len(volumes) == 1 else aside / name
            folder.mkdir(exist_ok=True)
            try:
                made = _made(entry, volume, config)
                entry.postprocess(made, _source_of(volume, number, volumes, stacks), folder)
            except VoxelryError as error:
                shutil.rmtree(folder)
                skipped[name] = Problem(error.code, f"{name}: {error}", error.numbers)
                errors.append(error.with_traceback(None))  # their frames would keep an archive open
                continue
            warnings += made.warnings
        if len(errors) == len(volumes):
            raise errors[0]
        written = sorted(path.relative_to(aside) for path in aside.rglob("*") if path.is_file())
    progress(1.0, "done")
    paths = tuple(target / path for path in written)
    return ExecuteReport(target, paths, MappingProxyType(skipped), tuple(dict.fromkeys(warnings)))


def _volumes(given: Volumes, job: str) -> tuple[list[Volume], dict[str, Problem]]:
    if isinstance(given, LoadResult):
        return list(given.volumes), dict(given.skipped)
    volumes = [given] if isinstance(given, Volume) else list(given)
    for one in volumes:
        if not isinstance(one, Volume):
            raise ParameterError(f"{job}: preprocess gives volumes, not {type(one).__name__}")
    return volumes, {}


def _made(entry: JobEntry, volume: Volume, config: Config) -> Volume:
    made = entry.func(volume, config)
    if isinstance(made, np.ndarray):
        if made.shape[:3] != volume.array.shape[:3]:
            shapes = [" x ".join(map(str, shape)) or "no axis" for shape in (made.shape, volume.array.shape)]
            raise ParameterError(
                f"{entry.name}: func gives an array of {shapes[0]} for a volume of {shapes[1]}, and nothing says where "
                "that lies: give a Volume with an affine and a spacing of its own"
            )
        return volume.with_array(made)
    if not isinstance(made, Volume):
        raise ParameterError(f"{entry.name}: func gives a volume or an array, not {type(made).__name__}")
    return made


def _source_of(volume: Volume, number: int, volumes: list[Volume], stacks: list[Stack]) -> Stack:
    """The DICOM images that a volume was made from, by their UIDs, else by their order.

    Raises
    ------
    ParameterError
        If nothing tells.
    """
    own = set(volume.instance_uids)
    known = [stack for stack in stacks if own & {header.sop_instance_uid for header in stack.headers}]
    of_its_label = [stack for stack in known if stack.label == volume.label]
    if known:
        return (of_its_label or known)[0]
    if len(volumes) == len(stacks):
        return stacks[number]
    raise ParameterError(
        "nothing says which DICOM images this volume came from: keep its instance_uids, or give one volume for each "
        f"of the {len(stacks)} stacks in the folder"
    )


def _execute_step(
    name: str, source: Path, target: Path, params: Config | None, limits: ArchiveLimits, progress: Progress
) -> ExecuteReport:
    with filled(target) as aside:
        report = process(source, name, params=params, out=aside, limits=limits, progress=part(progress, 0, 1))
        if not report.results:
            raise _nothing_done(source, report.skipped)
        saved = [one.saved for one in report.results if one.saved is not None]
        written = [path.relative_to(aside) for one in saved for path in one.paths]
    warnings = tuple(dict.fromkeys(words for one in report.results for words in one.warnings))
    return ExecuteReport(target, tuple(target / path for path in written), report.skipped, warnings)


def _nothing_done(source: Path, skipped: Mapping[str, Problem]) -> VoxelryError:
    wrong = [problem for problem in skipped.values() if problem.code not in EXPECTED] or list(skipped.values())
    if not wrong:
        return NothingFoundError(f"{source}: holds no DICOM with pixels")
    kinds = [VoxelryError]
    while kinds:  # the error that the problem was made from, so that callers can catch it by its type
        kind = kinds.pop()
        if kind.code == wrong[0].code:
            return kind(wrong[0].message, **wrong[0].numbers)
        kinds += kind.__subclasses__()
    return VoxelryError(wrong[0].message, **wrong[0].numbers)
