"""A step over many series: one after the other, on all processors, or on a cluster."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from voxelry.core.errors import ExistsError, ParameterError, Problem, VoxelryError
from voxelry.core.extras import require
from voxelry.core.frame_of_reference import REGISTRATION, check_one_frame_of_reference
from voxelry.core.progress import Progress, part, silent
from voxelry.core.registry import step_named
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.objects.segment_planes import SegmentationKind
from voxelry.dicom.objects.segmentation import WRITING
from voxelry.dicom.series.irregular_stacks import OnIrregular, check_on_irregular
from voxelry.workflows.convert.targets import find_target
from voxelry.workflows.files.atomic import hidden, not_written
from voxelry.workflows.files.export_names import numbered
from voxelry.workflows.files.results_folder import check_apart, check_replaceable, holds, is_empty, is_taken, move_all
from voxelry.workflows.load.loading import EXPECTED
from voxelry.workflows.process.running import step_of
from voxelry.workflows.process.step_inputs import StepInput, Work, is_path, is_single, work_of
from voxelry.workflows.process.step_results import SavedResult, named_folder, save_result

Paths: TypeAlias = "StrPath | Volume | Iterable[StrPath | Volume | Sequence[StrPath | Volume]]"
"""A path or a volume, or several; for a step that takes several volumes a tuple of them, or several such tuples."""
OnError: TypeAlias = Literal["skip", "raise"]

_FOUND, _READ, _DONE = 0.1, 0.2, 0.9
"""Fractions of the progress: all volumes found; and of one piece of work: its volumes read, its step done."""


@dataclass(frozen=True, eq=False)
class Processed:
    """What a step gave for one volume, or for one tuple of volumes.

    Attributes
    ----------
    name
        The path, and what tells the volume from others below it.
    result
        None where it was written: the arrays need not be kept then.
    saved
        Where it was written; None without ``out``.
    warnings
        What a user must know before trusting it.

    Examples
    --------
    >>> [done] = voxelry.process("sample/phantom", "gaussian", params={"sigma": 2.0}).results
    >>> isinstance(done, voxelry.Processed), done.result.volumes[0].array.shape
    (True, (48, 256, 256))
    """

    name: str
    result: StepResult | None
    saved: SavedResult | None
    warnings: tuple[str, ...]

    @property
    def record(self) -> dict[str, Value]:
        """As JSON."""
        found: dict[str, Value] = {"name": self.name, "warnings": list(self.warnings)}
        if self.saved is not None:
            found |= {"folder": str(self.saved.folder), "outputs": [one.record for one in self.saved.outputs]}
        return found


@dataclass(frozen=True, eq=False)
class ProcessReport:
    """What became of every volume and every file.

    Attributes
    ----------
    results
        In the order of the paths, and below each in the order in which ``load`` gives volumes.
    skipped
        What was not done and why: files by their name, and volumes by the name that their result would have.

    Examples
    --------
    >>> report = voxelry.process("sample/phantom", "lungs")
    >>> isinstance(report, voxelry.ProcessReport), report.complete
    (True, True)
    >>> [row["label"] for row in report.results[0].result.rows]
    ['Right lung', 'Left lung']
    """

    results: tuple[Processed, ...]
    skipped: Mapping[str, Problem]

    @property
    def complete(self) -> bool:
        """True unless something was left out that belongs in a volume; a text beside the images does not."""
        return all(problem.code in EXPECTED for problem in self.skipped.values())


def process(
    paths: Paths,
    step: str | Step[Any],
    *,
    params: Params | Mapping[str, object] | None = None,
    workers: int | None = None,
    out: StrPath | None = None,
    format: str | None = None,  # noqa: A002 - its public name
    options: Mapping[str, Value] | None = None,
    segmentation: SegmentationKind = "binary",
    on_irregular: OnIrregular = "error",
    on_error: OnError = "skip",
    same_frame_of_reference: bool = False,
    overwrite: bool = False,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    progress: Progress = silent,
) -> ProcessReport:
    """Run a step on every volume below some paths.

    Work is handed out by joblib, so that a cluster is one line around the call:
    ``with joblib.parallel_config(backend="dask"):``. Paths must then mean the same on every machine.

    Parameters
    ----------
    paths
        A file, a folder, a zip archive, a file of a registered format, or several of them; every volume below each
        is worked on by itself. Or volumes in memory, which reports call ``"volume 1"`` and so on. For a step that takes
        several volumes: a tuple of paths, each with exactly one volume, or of volumes; or a list of such tuples.
    step
        An installed step's name (``"gaussian"``), or a Step.
    params
        By name, as the step documents them; its defaults for those that are left out.
    workers
        How many volumes are worked on at a time, each in a process of its own; -1 for one on each processor. None
        for what joblib's configuration says, and without one for one after the other, each on all processors.
    out
        Write each result into a folder of its own below this one (see ``save_result``), instead of keeping it. Where
        ``paths`` is a single path with a single volume, or a single tuple, this is that folder.
    format, options, segmentation
        As for ``save_result``: what is written instead of DICOM, and the kind of DICOM segmentation.
    on_irregular, tolerances
        As for ``load``.
    on_error
        ``"skip"`` tells an error of the step among ``skipped`` and goes on; ``"raise"`` lets what is no VoxelryError
        through.
    same_frame_of_reference
        True to confirm that volumes that are combined by their positions, or images and the segmentation of them, lie
        in one place of the patient where their frames of reference are unknown or differ.
    overwrite
        True to replace results that are there; otherwise they are kept, and told among ``skipped``.
    progress
        An exception that it raises stops the work.

    Returns
    -------
    report
        Whatever could not be done is in ``skipped``; it spoils nothing else.

    Raises
    ------
    ParameterError
        If the step, a parameter, the format or an option is none that there is: before anything is read.
    MissingExtraError
        If the step, or the format, needs a library that is not installed: before anything is read, too.

    Examples
    --------
    >>> report = voxelry.process("sample/phantom", "threshold", params={"threshold": 0.9})
    >>> report.results[0].result.rows[0]["mm3"]
    65508.75
    """
    chosen = step_of(step)
    chosen.check_installed()
    if chosen.group == "mask" and out is not None and format is None:
        require(WRITING, ("highdicom",))
    checked = params if isinstance(params, chosen.params) else chosen.checked(_by_name(params, chosen))
    check_on_irregular(on_irregular)
    if workers == 0 or (workers is not None and workers < -1):
        raise ParameterError(f"{workers} workers do no work; there must be at least 1, or -1 for all processors")
    if out is not None and format is not None:
        find_target(Path(out) / "result", format, options or {})
    skipped: dict[str, Problem] = {}
    shipped = chosen.name if isinstance(step, str) else chosen
    how = _How(
        step=shipped, params=checked, on_irregular=on_irregular, limits=limits, tolerances=tolerances,
        format=format, options=dict(options or {}), segmentation=segmentation, overwrite=overwrite, on_error=on_error,
        same_frame_of_reference=same_frame_of_reference,
    )  # fmt: skip
    with _Stoppable(progress) as told:
        target = None if out is None else named_folder(out)
        tasks = _tasks(paths, chosen, how, target, skipped, part(told, 0, _FOUND))
        done: list[Processed] = []
        new = target is not None and not os.path.lexists(target)
        try:
            for one in _run(tasks, workers, part(told, _FOUND, 1)):
                if isinstance(one, Processed):
                    done.append(one)
                else:
                    name, problem = one
                    skipped[name] = problem
        finally:  # work that was stopped in the middle
            for aside in {task.aside.parent for task in tasks if task.aside is not None}:
                shutil.rmtree(aside, ignore_errors=True)
            if new and target is not None:
                with suppress(OSError):  # the folder holds something, or was never made
                    target.rmdir()
        told(1.0, "done")
    return ProcessReport(tuple(done), MappingProxyType(skipped))


def _by_name(params: Params | Mapping[str, object] | None, step: Step[Any]) -> Mapping[str, object]:
    if isinstance(params, Params):
        raise ParameterError(f"{type(params).__name__} are another step's parameters than those of {step.name}")
    return params or {}


# --- what is to be done -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class _How:
    """The settings that all pieces of work share; they are sent to other processes and machines."""

    step: str | Step[Any]
    params: Params
    on_irregular: OnIrregular
    limits: ArchiveLimits
    tolerances: Tolerances
    format: str | None
    options: dict[str, Value]
    segmentation: SegmentationKind
    overwrite: bool
    on_error: OnError
    same_frame_of_reference: bool


@dataclass(frozen=True, eq=False)
class _Task:
    name: str
    inputs: tuple[StepInput, ...]
    folder: Path | None
    aside: Path | None
    how: _How


def _tasks(
    paths: Paths, step: Step[Any], how: _How, out: Path | None, skipped: dict[str, Problem], progress: Progress
) -> list[_Task]:
    several = len(step.inputs) + len(step.optional) > 1
    single = is_single(paths) or (several and isinstance(paths, tuple) and all(map(is_single, paths)))
    given: list[object] = list(paths) if isinstance(paths, Iterable) and not single else [paths]
    each = [path for one in given for path in (one if isinstance(one, list | tuple) else [one])]
    sources = [path for path in each if is_path(path)]
    if out is not None:
        for source in sources:
            check_apart(source, out)
    found: list[Work] = []
    for number, one in enumerate(given):
        share = part(progress, number / len(given), (number + 1) / len(given))
        found += work_of(one, number + 1, step, how.on_irregular, how.limits, how.tolerances, skipped, share)
    if out is None:
        return [_Task(one.name, one.inputs, None, None, how) for one in found]
    alone = single and len(found) == 1
    names = ("",) if alone else numbered(one.folder for one in found)
    for folder in (out / name for name in names):
        if is_taken(folder) and holds(folder, *sources):
            raise ExistsError(f"{folder}: holds the input; the output needs a folder of its own")
    aside = hidden(out.parent if alone and not is_empty(out) else out)
    return [
        _Task(one.name, one.inputs, out / name, aside / (name or "result"), how)
        for one, name in zip(found, names, strict=True)
    ]


# --- doing it ---------------------------------------------------------------------------------------------------------

_Outcome: TypeAlias = "Processed | tuple[str, Problem]"


def _run(tasks: Sequence[_Task], workers: int | None, progress: Progress) -> Iterator[_Outcome]:
    """The outcomes in the order of the tasks, by joblib where it is to be more than one at a time."""
    import joblib

    if not tasks:
        return
    if workers == 1 or (workers is None and joblib.effective_n_jobs(None) == 1):
        for number, task in enumerate(tasks):
            yield _do(task, part(progress, number / len(tasks), (number + 1) / len(tasks)))
        return
    results = joblib.Parallel(n_jobs=workers, return_as="generator")(joblib.delayed(_do_there)(one) for one in tasks)
    try:
        for number, outcome in enumerate(results, 1):
            progress(number / len(tasks), f"{number} of {len(tasks)} volumes")
            yield outcome
    finally:
        with warnings.catch_warnings(action="ignore"):  # joblib warns that results are not used, which is intended here
            results.close()


def _do_there(task: _Task) -> _Outcome:
    """Do it in another process: the outcome can be pickled."""
    outcome = _do(task, silent)
    if isinstance(outcome, Processed) and outcome.result is not None:
        return replace(outcome, result=_portable(outcome.result))
    return outcome


def _do(task: _Task, progress: Progress) -> _Outcome:
    """Do one piece of work; what goes wrong is a value, so that it stops no other."""
    name, how = task.name, task.how
    try:
        return _done(task, progress)
    except VoxelryError as error:
        told = str(error) if str(error).startswith(name) else f"{name}: {error}"
        return name, Problem(error.code, told, error.numbers)
    except OSError as error:
        return name, not_written(name, error)
    except MemoryError:
        return name, Problem("memory", f"{name}: there is not enough memory for this volume")
    except Exception as error:  # any error of another package's step; its text may quote a patient's value
        if how.on_error == "raise":
            raise
        step = how.step if isinstance(how.step, str) else how.step.name
        return name, Problem("step_failed", f"{name}: the step {step} failed ({type(error).__name__})")


def _done(task: _Task, progress: Progress) -> Processed:
    how, folder = task.how, task.folder
    if folder is not None and not how.overwrite and is_taken(folder):
        raise ExistsError("its result is there already; choose another folder, or overwrite it (--overwrite)")
    if folder is not None:
        check_replaceable(folder)
    step = step_named(how.step) if isinstance(how.step, str) else how.step
    loaded = []
    for number, one in enumerate(task.inputs):
        share = _READ / len(task.inputs)
        loaded.append(one.load(part(progress, number * share, (number + 1) * share)))
    volumes = [volume for volume, _ in loaded]
    if step.group != REGISTRATION:
        check_one_frame_of_reference(volumes, confirmed=how.same_frame_of_reference)
    result = step.run(volumes, how.params, progress=part(progress, _READ, _DONE))
    if len({str(volume.metadata["PatientID"]) for volume in volumes if volume.metadata.get("PatientID")}) > 1:
        words = "the volumes are of different patients; what comes out bears the first one's name"
        result = replace(result, warnings=(*result.warnings, words))
    if folder is None:
        progress(1.0, "done")
        return Processed(task.name, result, None, _warnings(result))
    # The result of several inputs has the first one's place: the moving volume is resampled onto the fixed one.
    saved = save_result(
        result, task.aside or folder, source=loaded[0][1], step=step, params=how.params, inputs=volumes,
        format=how.format, options=how.options, segmentation=how.segmentation,
        same_frame_of_reference=how.same_frame_of_reference, progress=part(progress, _DONE, 1),
    )  # fmt: skip
    _take_place(saved.folder, folder)
    return Processed(task.name, None, replace(saved, folder=folder), saved.warnings)


def _take_place(aside: Path, final: Path) -> None:
    """Give a complete result its name; an earlier result of that name is removed."""
    if aside.parent.parent == final:  # an empty folder that was there
        move_all(aside, final)
        return
    if final.is_dir() and not final.is_symlink():  # no folder that holds anything is replaced in one step
        final.rename(aside.with_name(f"{aside.name}.old"))
    aside.replace(final)


def _warnings(result: StepResult) -> tuple[str, ...]:
    every = (*result.warnings, *(words for volume in result.volumes for words in volume.warnings))
    return tuple(dict.fromkeys(every))


# --- between processes ------------------------------------------------------------------------------------------------


def _portable(result: StepResult) -> StepResult:
    """The same result with a mapping that can be pickled."""
    return replace(result, files=dict(result.files))


class _Stopped(BaseException):
    """Carries an exception of the caller past the handlers of a step's errors."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__()
        self.cause = cause


class _Stoppable:
    """A progress whose exceptions end the work."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __enter__(self) -> Callable[[float, str], None]:
        return partial(self._tell)

    def _tell(self, fraction: float, words: str) -> None:
        try:
            self._progress(fraction, words)
        except BaseException as error:
            raise _Stopped(error) from None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _Stopped):
            raise error.cause from None
