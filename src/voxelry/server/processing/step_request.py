"""Asking for a step: everything is checked before there is a job."""

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
from voxelry.core.registry import AnyStep, step_named, step_names, steps
from voxelry.core.steps import faults, in_words
from voxelry.core.volume import Spacing, Volume
from voxelry.server.archive.models import Series, Stack
from voxelry.server.jobs.isolated import memory_limit
from voxelry.server.jobs.models import Job, State
from voxelry.server.jobs.submit import Item, retry, submit, submit_batch
from voxelry.server.processing.errors import InputError, NoSeriesError, NotReadyError, StepParameterError
from voxelry.server.processing.models import Input, Process
from voxelry.server.processing.roots import allowed

if TYPE_CHECKING:
    from django.contrib.auth.models import User

KIND = "step"
GPU_GROUP = "model"
_LOOKED_AT = ("series", "index", "problem_code", "problem_message", "shape", "dtype", "affine", "spacing", "unit")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A volume of a series in the archive."""

    series: int
    stack: int = 0


@dataclass(frozen=True, slots=True)
class JobLimits:
    """How long one job may take, and how much memory; None for the configuration's."""

    seconds: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class JobName:
    """What may be asked for by name: a step, perhaps with defaults of its own."""

    name: str
    step: AnyStep
    defaults: Mapping[str, Any]
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Also:
    """A step by another name."""

    step: str
    defaults: Mapping[str, Any]
    title: str
    description: str


ALSO: Mapping[str, Also] = {
    "3dblur": Also(
        "gaussian", {"sigma": 1.0}, "3-D blur", "Blurs a volume with a Gaussian: the example of an inference function."
    )
}
"""Names besides the steps' own: the seed's pipeline knows this one from the start."""


def job_names() -> list[JobName]:
    """Everything that may be asked for, by name; a step that is broken is left out."""
    every = {step.name: _of_step(step) for step in steps()}
    return [job for _, job in sorted({**every, **{name: job_named(name) for name in ALSO}}.items())]


def job_named(name: str) -> JobName:
    """What a job's name stands for.

    Raises
    ------
    ParameterError
        If nothing is called so; the message lists the names there are.
    """
    also = ALSO.get(name)
    if also is not None:
        return JobName(name, step_named(also.step), also.defaults, also.title, also.description)
    if name not in step_names():
        known = sorted({*ALSO, *step_names()})
        raise ParameterError(f"no job is named {name!r}; known are {', '.join(known)}", known=list(known))
    return _of_step(step_named(name))


def _of_step(step: AnyStep) -> JobName:
    return JobName(step.name, step, {}, step.title, step.description)


def checked_params(job: JobName, values: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a step as JSON, what was not given by its default.

    Raises
    ------
    StepParameterError
        If names are unknown or values out of range; each is told, without the value.
    OutsideRootsError
        If a parameter names a file that this server may not read.
    MissingExtraError
        If the step needs a library that is not installed here.
    """
    job.step.check_installed()
    try:
        found = job.step.params.model_validate({**job.defaults, **values})
    except ValidationError as error:
        told = faults(error)
        raise StepParameterError(f"{job.name}: {in_words(told)}", told) from None
    record: dict[str, Any] = found.model_dump(mode="json")
    for name, value in record.items():
        if "\\u0000" in json.dumps(value):  # what PostgreSQL takes in no text
            raise StepParameterError(f"{job.name}: {name}: holds a NUL character", [((name,), "holds a NUL character")])
    for name in _paths(job.step):
        if record.get(name):
            record[name] = str(allowed(str(record[name])))
    return record


def _paths(step: AnyStep) -> list[str]:
    """The parameters that name files: a request may name those below the roots, no others."""
    found = []
    for name, told in step.params.model_json_schema()["properties"].items():
        kinds = [told, *told.get("anyOf", [])]
        if any(kind.get("format") in ("path", "file-path", "directory-path") for kind in kinds):
            found.append(name)
    return found


def request(
    job_name: str,
    *,
    inputs: Sequence[Chosen] = (),
    in_dir: str = "",
    params: Mapping[str, Any] | None = None,
    priority: int | None = None,
    limits: JobLimits = JobLimits(),
    same_frame_of_reference: bool = False,
    requested_by: User | None = None,
) -> Job:
    """A queued job for a step on volumes of the archive, or on all volumes of a folder.

    Raises
    ------
    ParameterError, InputError
        If nothing is called so, if parameters or the number of volumes do not fit, or if a limit is above the
        configuration's.
    NoSeriesError, NotReadyError, OutsideRootsError, NothingFoundError
        If the input is not there, not yet there, or not to be read.
    """
    job = job_named(job_name)
    checked = checked_params(job, params or {})
    _check_count(job, len(inputs), in_dir)
    _check_limits(limits)
    folder = str(allowed(in_dir)) if in_dir else ""
    with transaction.atomic():
        _check_fit(job, checked, [_check_inputs(inputs)])
        if not same_frame_of_reference:
            _check_frames_of_reference(job, inputs)
        process = Process.objects.create(
            job_name=job.name, step=job.step.name, params=checked, in_dir=folder,
            same_frame_of_reference=same_frame_of_reference,
        )  # fmt: skip
        Input.objects.bulk_create(_inputs(process, inputs))
        return submit(
            KIND,
            subject=process.pk,
            priority=priority,
            requested_by=requested_by,
            time_limit_seconds=limits.seconds,
            memory_limit_bytes=limits.memory_bytes,
            queue=queue_of(job.step),
        )


def request_batch(
    job_name: str,
    inputs: Sequence[Chosen],
    *,
    params: Mapping[str, Any] | None = None,
    priority: int | None = None,
    limits: JobLimits = JobLimits(),
    same_frame_of_reference: bool = False,
    requested_by: User | None = None,
) -> Job:
    """A batch: the same step on each of many volumes; nothing is queued unless all of them can be.

    Raises
    ------
    ParameterError, InputError, NoSeriesError, NotReadyError
        As for `request`.
    """
    job = job_named(job_name)
    checked = checked_params(job, params or {})
    _check_count(job, 1, "")
    _check_limits(limits)
    with transaction.atomic():
        _check_fit(job, checked, [[stack] for stack in _check_inputs(inputs)])
        processes = Process.objects.bulk_create(
            Process(
                job_name=job.name, step=job.step.name, params=checked, same_frame_of_reference=same_frame_of_reference
            )
            for _ in inputs
        )
        Input.objects.bulk_create(
            row for process, chosen in zip(processes, inputs, strict=True) for row in _inputs(process, [chosen])
        )
        items = [Item(subject=process.pk) for process in processes]
        return submit_batch(
            KIND,
            items,
            priority=priority,
            requested_by=requested_by,
            time_limit_seconds=limits.seconds,
            memory_limit_bytes=limits.memory_bytes,
            queue=queue_of(job.step),
        )


def request_again(job: Job, *, same_frame_of_reference: bool = False) -> None:
    """Queue a failed or cancelled job again, with the same input; of a batch, those that failed or were cancelled.

    Parameters
    ----------
    same_frame_of_reference
        Confirms it for what is queued; False leaves what was asked for.

    Raises
    ------
    JobStateError
        If it neither failed nor was cancelled, or the same work waits already.
    """
    with transaction.atomic():
        if same_frame_of_reference and job.kind == KIND:
            rows = Job.objects.filter(parent=job) if job.is_batch else Job.objects.filter(pk=job.pk)
            lost = rows.filter(state__in=[State.FAILED, State.CANCELLED])
            Process.objects.filter(pk__in=lost.values("subject")).update(same_frame_of_reference=True)
        retry(job.pk)


def _inputs(process: Process, inputs: Sequence[Chosen]) -> list[Input]:
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
    """Refuse now what the step would refuse later, for what the rows tell of the volumes."""
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
                continue  # no fault of the parameters: the job tells of it, and of a batch the others are done


def _blank(stack: Stack) -> Volume:
    """A volume of the same shape and place, with no value in it, and no room taken."""
    return Volume(
        array=np.broadcast_to(np.zeros((), stack.dtype), stack.shape),
        affine=None if stack.affine is None else np.array(stack.affine, np.float64),
        spacing=cast(Spacing, tuple(stack.spacing)),
        unit=stack.unit,
    )


def _check_inputs(inputs: Sequence[Chosen]) -> list[Stack]:
    """The volumes, in order."""
    keys = {one.series for one in inputs}
    stacks = {
        (stack.series_id, stack.index): stack for stack in Stack.objects.filter(series__in=keys).only(*_LOOKED_AT)
    }
    series = Series.objects.select_related("job").only("job__state").in_bulk(keys)
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


def _check_frames_of_reference(job: JobName, inputs: Sequence[Chosen]) -> None:
    """Refused when asked, not after: what the job itself would refuse."""
    if len(inputs) < 2 or job.step.group == REGISTRATION:
        return
    rows = {
        (row.series_id, row.index): row.metadata
        for row in Stack.objects.filter(series__in={one.series for one in inputs}).only("series", "index", "metadata")
    }
    check_one_uid([str(rows[one.series, one.stack].get("FrameOfReferenceUID") or "") or None for one in inputs])


def queue_of(step: AnyStep) -> str | None:
    """Models wait for a worker with a GPU where there is one; None for the kind's own queue."""
    return "gpu" if step.group == GPU_GROUP and settings.VOXELRY.processing_gpu else None
