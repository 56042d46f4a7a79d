"""Requests for steps: parameters and inputs are checked before a job is queued."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from django.conf import settings
from django.db import transaction
from pydantic import ValidationError

from voxelry.core.errors import ParameterError, VoxelryError
from voxelry.core.frame_of_reference import REGISTRATION, check_one_uid
from voxelry.core.registry import AnyStep, installed_steps, step_named, step_names
from voxelry.core.spacing import Spacing
from voxelry.core.steps import faults, faults_in_words
from voxelry.core.volume import Volume
from voxelry.server.access.grants import Grants, as_site, chosen_project
from voxelry.server.access.models import Role
from voxelry.server.archive import queries
from voxelry.server.archive.models import Stack
from voxelry.server.jobs import job_queries
from voxelry.server.jobs.isolated import memory_limit
from voxelry.server.jobs.job_kinds import role_of
from voxelry.server.jobs.models import Job, State
from voxelry.server.jobs.submit import Item, retry, submit, submit_batch
from voxelry.server.processing import process_queries
from voxelry.server.processing.models import Input, Process
from voxelry.server.processing.path_params import path_params
from voxelry.server.processing.request_errors import InputError, NoSeriesError, NotReadyError, StepParameterError
from voxelry.server.processing.roots import allowed_path

if TYPE_CHECKING:
    from django.contrib.auth.models import User

KIND = process_queries.STEP
GPU_GROUP = "model"
_LOOKED_AT = (
    "series",
    "index",
    "problem_code",
    "problem_message",
    "shape",
    "dtype",
    "affine",
    "spacing",
    "unit",
    "series__project",
)


@dataclass(frozen=True, slots=True)
class ChosenVolume:
    """A volume of a series in the archive."""

    series: int
    stack: int = 0


@dataclass(frozen=True, slots=True)
class JobLimits:
    """Limits of time and memory of one job; None for the configuration's."""

    seconds: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class JobName:
    """A name by which a step is requested, with the defaults that the name brings."""

    name: str
    step: AnyStep
    defaults: Mapping[str, Any]
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class StepAlias:
    """Another name of a step, with other defaults."""

    step: str
    defaults: Mapping[str, Any]
    title: str
    description: str


STEP_ALIASES: Mapping[str, StepAlias] = {
    "3dblur": StepAlias(
        "gaussian", {"sigma": 1.0}, "3-D blur", "Blurs a volume with a Gaussian: the example of an inference function."
    )
}
"""Names besides the steps' own; the first pipeline had this one."""


def job_names() -> list[JobName]:
    """All names that may be requested, sorted; a step that cannot be imported is left out."""
    every = {step.name: _of_step(step) for step in installed_steps()}
    return [job for _, job in sorted({**every, **{name: job_named(name) for name in STEP_ALIASES}}.items())]


def job_named(name: str) -> JobName:
    """The step and the defaults of a job's name.

    Raises
    ------
    ParameterError
        If the name is unknown; the message lists the known names.
    """
    alias = STEP_ALIASES.get(name)
    if alias is not None:
        return JobName(name, step_named(alias.step), alias.defaults, alias.title, alias.description)
    if name not in step_names():
        known = sorted({*STEP_ALIASES, *step_names()})
        raise ParameterError(f"no job is named {name!r}; known are {', '.join(known)}", known=list(known))
    return _of_step(step_named(name))


def _of_step(step: AnyStep) -> JobName:
    return JobName(step.name, step, {}, step.title, step.description)


def checked_params(job: JobName, values: Mapping[str, Any], *, who: Grants) -> dict[str, Any]:
    """All parameters of a step as JSON, with the defaults of those that were not given.

    Raises
    ------
    StepParameterError
        If names are unknown or values out of range; the message names each, without the value.
    OutsideRootsError
        If a parameter names a file that this server may not read.
    RoleError
        If a parameter names a file, and not everything is granted.
    MissingExtraError
        If the step needs a library that is not installed here.
    """
    job.step.check_installed()
    if any(values.get(name) for name in path_params(job.step)):
        who.require_everything()  # before the values are checked, which may look for the file
    try:
        found = job.step.params.model_validate({**job.defaults, **values})
    except ValidationError as error:
        problems = faults(error)
        raise StepParameterError(f"{job.name}: {faults_in_words(problems)}", problems) from None
    record: dict[str, Any] = found.model_dump(mode="json")
    for name, value in record.items():
        if "\\u0000" in json.dumps(value):  # PostgreSQL stores no NUL in a text
            raise StepParameterError(f"{job.name}: {name}: holds a NUL character", [((name,), "holds a NUL character")])
    for name in path_params(job.step):
        if record.get(name):
            who.require_everything()
            if not isinstance(record[name], str):
                words = "names several files or one inside of another value, which a request may not"
                raise StepParameterError(f"{job.name}: {name}: {words}", [((name,), words)])
            record[name] = str(allowed_path(record[name]))
    return record


def request_step(
    job_name: str,
    *,
    inputs: Sequence[ChosenVolume] = (),
    in_dir: str = "",
    params: Mapping[str, Any] | None = None,
    priority: int | None = None,
    limits: JobLimits = JobLimits(),
    same_frame_of_reference: bool = False,
    project: int | None = None,
    who: Grants,
    requested_by: User | None = None,
) -> Job:
    """Queue a job for a step on volumes of one project, or on all volumes of a folder.

    Parameters
    ----------
    project
        Where the results of a folder's volumes go; None for the only one, or the default.
    who
        Needs the role ``analyst``; for a folder, or a parameter that names a file, everything.

    Raises
    ------
    ParameterError, InputError
        If the name is unknown, if parameters or the number of volumes do not fit, or if a limit is above the
        configuration's.
    NoSeriesError, NotReadyError, OutsideRootsError, NothingFoundError
        If the input does not exist, is not built yet, or may not be read.
    RoleError, NoProjectError, ProjectError
        If ``who`` may not do that.
    """
    job = job_named(job_name)
    if in_dir:
        who.require_everything()
    checked = checked_params(job, params or {}, who=who)
    _check_count(job, len(inputs), in_dir)
    _check_limits(limits)
    folder = str(allowed_path(in_dir)) if in_dir else ""
    with transaction.atomic():
        stacks = volumes_to_read(inputs, who)
        place = project_of_stacks(stacks, who) if stacks else chosen_project(who, project, Role.ANALYST)
        _check_fit(job, checked, [stacks])
        if not same_frame_of_reference:
            _check_frames_of_reference(job, inputs)
        process = process_queries.processes(as_site()).create(
            project_id=place, job_name=job.name, step=job.step.name, params=checked, in_dir=folder,
            same_frame_of_reference=same_frame_of_reference,
        )  # fmt: skip
        process_queries.inputs(as_site()).bulk_create(_inputs(process, inputs))
        return submit(
            KIND,
            subject=process.pk,
            priority=priority,
            requested_by=requested_by,
            project=place,
            time_limit_seconds=limits.seconds,
            memory_limit_bytes=limits.memory_bytes,
            queue=queue_of(job.step),
        )


def request_batch(
    job_name: str,
    inputs: Sequence[ChosenVolume],
    *,
    params: Mapping[str, Any] | None = None,
    priority: int | None = None,
    limits: JobLimits = JobLimits(),
    same_frame_of_reference: bool = False,
    who: Grants,
    requested_by: User | None = None,
) -> Job:
    """Queue a batch: the same step on each volume. Nothing is queued unless every volume passes the checks.

    Raises
    ------
    ParameterError, InputError, NoSeriesError, NotReadyError, RoleError
        As for `request_step`.
    """
    job = job_named(job_name)
    checked = checked_params(job, params or {}, who=who)
    _check_count(job, 1, "")
    _check_limits(limits)
    with transaction.atomic():
        stacks = volumes_to_read(inputs, who)
        place = project_of_stacks(stacks, who)
        _check_fit(job, checked, [[stack] for stack in stacks])
        processes = process_queries.processes(as_site()).bulk_create(
            Process(
                project_id=place,
                job_name=job.name,
                step=job.step.name,
                params=checked,
                same_frame_of_reference=same_frame_of_reference,
            )
            for _ in inputs
        )
        process_queries.inputs(as_site()).bulk_create(
            row for process, chosen in zip(processes, inputs, strict=True) for row in _inputs(process, [chosen])
        )
        items = [Item(subject=process.pk) for process in processes]
        return submit_batch(
            KIND,
            items,
            priority=priority,
            requested_by=requested_by,
            project=place,
            time_limit_seconds=limits.seconds,
            memory_limit_bytes=limits.memory_bytes,
            queue=queue_of(job.step),
        )


def request_again(
    job: Job, *, who: Grants, requested_by: User | None = None, same_frame_of_reference: bool = False
) -> None:
    """Queue a failed or cancelled job again with the same input; of a batch, its failed and cancelled children.

    Parameters
    ----------
    who, requested_by
        Who asks now, in whose name the jobs are done; needs what the first request needed.
    same_frame_of_reference
        True confirms it for the jobs that are queued; False keeps what was requested.

    Raises
    ------
    JobStateError
        If it neither failed nor was cancelled, or if a job for the same subject waits already.
    RoleError
        If ``who`` may not do that.
    """
    with transaction.atomic():
        require_again(job, who)
        own = job_queries.jobs(as_site())
        rows = own.filter(parent=job, in_trash=False) if job.is_batch else own.filter(pk=job.pk)
        lost = rows.filter(state__in=[State.FAILED, State.CANCELLED])
        if same_frame_of_reference and job.kind in process_queries.KINDS:
            confirmed = process_queries.processes(as_site()).filter(pk__in=lost.values("subject"))
            confirmed.update(same_frame_of_reference=True)
        retry(job.pk, requested_by=requested_by)


def require_again(job: Job, who: Grants) -> None:
    """Require what the first request of a job needed, of who begins it again.

    Raises
    ------
    RoleError
        If ``who`` may not do that.
    """
    who.require(role_of(job.kind), job.project_id)
    if job.kind != KIND:
        return
    subject = job.subject
    if job.is_batch:  # its jobs have the same parameters
        first = job_queries.jobs(who).filter(parent=job).order_by("pk").values_list("subject", flat=True)[:1]
        subject = next(iter(first), 0)
    process = process_queries.processes(who).filter(pk=subject).first()
    if process is not None and needs_administrator(process):
        who.require_everything()


def needs_administrator(process: Process) -> bool:
    """Whether the step reads a folder or a file of this machine."""
    return bool(process.in_dir) or _names_a_file(process)


def _names_a_file(process: Process) -> bool:
    try:
        step = job_named(process.job_name).step
    except ParameterError:  # its package was uninstalled
        return False
    return any(process.params.get(name) for name in path_params(step))


def _inputs(process: Process, inputs: Sequence[ChosenVolume]) -> list[Input]:
    return [
        Input(process=process, position=position, series_id=one.series, stack=one.stack)
        for position, one in enumerate(inputs)
    ]


def _check_count(job: JobName, count: int, in_dir: str) -> None:
    wanted = " and ".join((*job.step.inputs, *(f"perhaps {name}" for name in job.step.optional)))
    least, most = len(job.step.inputs), len(job.step.inputs) + len(job.step.optional)
    if in_dir and count:
        raise InputError("name a series or a folder, not both")
    if in_dir and least > 1:
        raise InputError(f"{job.name} takes {least} volumes ({wanted}): name them by their series")
    if not in_dir and not least <= count <= most:
        many = str(least) if least == most else f"{least} to {most}"
        noun = "volume" if many == "1" else "volumes"
        raise InputError(f"{job.name} takes {many} {noun} ({wanted}), not {count}")


def _check_limits(limits: JobLimits) -> None:
    most = settings.VOXELRY.time_limit_seconds
    if limits.seconds is not None and limits.seconds > most:
        raise InputError(f"a job may take {most:g} seconds here at most (jobs.time_limit_seconds)")
    memory = memory_limit(settings.VOXELRY.memory_limit_bytes)
    if limits.memory_bytes is not None and 0 < memory < limits.memory_bytes:
        raise InputError(f"a job may take {memory:,} bytes of memory here at most (jobs.memory_limit_bytes)")


def _check_fit(job: JobName, params: Mapping[str, Any], groups: Iterable[Sequence[Stack]]) -> None:
    """Refuse parameters that do not fit the volumes, as far as the rows describe them."""
    if job.step.fits is None:
        return
    chosen = job.step.checked(params)
    for group in groups:
        if group:  # a folder's volumes are known when they are read
            try:
                job.step.fits([_blank(stack) for stack in group], chosen)
            except ParameterError as error:
                raise ParameterError(f"{job.name} of series {group[0].series_id}: {error}") from None
            except VoxelryError:
                continue  # not a fault of the parameters: the job itself will report it


def _blank(stack: Stack) -> Volume:
    """A volume of the stack's shape and geometry whose array takes no memory."""
    return Volume(
        array=np.broadcast_to(np.zeros((), stack.dtype), stack.shape),
        affine=None if stack.affine is None else np.array(stack.affine, np.float64),
        spacing=cast(Spacing, tuple(stack.spacing)),
        unit=stack.unit,
    )


def volumes_to_read(inputs: Sequence[ChosenVolume], who: Grants) -> list[Stack]:
    """The stacks of the chosen volumes, in order."""
    keys = {one.series for one in inputs}
    stacks = {
        (stack.series_id, stack.index): stack
        for stack in queries.volumes(who).filter(series__in=keys).select_related("series").only(*_LOOKED_AT)
    }
    # Locked until the jobs have their rows: what moves to the trash meanwhile waits, and hides them.
    locked = queries.series(who).select_for_update(of=("self",)).order_by("pk")
    series = locked.select_related("job").only("job__state").in_bulk(keys)
    for one in inputs:
        row = series.get(one.series)
        if row is None:
            raise NoSeriesError(f"there is no series {one.series}")
        stack = stacks.get((one.series, one.stack))
        if stack is None and (row.job is None or row.job.state in (State.QUEUED, State.RUNNING)):
            raise NotReadyError(f"the volumes of series {one.series} are being made; try again when its job is done")
        if stack is None:
            raise NoSeriesError(f"series {one.series} has no volume {one.stack}")
        if stack.problem_code:
            raise InputError(f"series {one.series} forms no regular volume: {stack.problem_message}")
    return [stacks[one.series, one.stack] for one in inputs]


def project_of_stacks(stacks: Sequence[Stack], who: Grants) -> int:
    """The project of volumes, in which steps may be run."""
    keys = {stack.series.project_id for stack in stacks}
    if len(keys) > 1:
        raise InputError("the volumes belong to several projects: copy their studies into one first")
    key = keys.pop()
    if key is None:  # moved to the trash meanwhile
        raise NoSeriesError("the study of this series was deleted")
    who.require(Role.ANALYST, key)
    return key


def _check_frames_of_reference(job: JobName, inputs: Sequence[ChosenVolume]) -> None:
    """Refuse inputs with different frames of reference, as the job would."""
    if len(inputs) < 2 or job.step.group == REGISTRATION:
        return
    rows = {
        (row.series_id, row.index): row.metadata
        for row in queries.volumes(as_site())
        .filter(series__in={one.series for one in inputs})
        .only("series", "index", "metadata")
    }
    check_one_uid([str(rows[one.series, one.stack].get("FrameOfReferenceUID") or "") or None for one in inputs])


def queue_of(step: AnyStep) -> str | None:
    """The queue ``gpu`` for a model, if the site has GPU workers; else None, the kind's own queue."""
    return "gpu" if step.group == GPU_GROUP and settings.VOXELRY.processing_gpu else None
