"""Doing a step: in a child process, with files and what `prepare` told."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from voxelry.core.errors import VoxelryError
from voxelry.core.frame_of_reference import REGISTRATION, check_one_frame_of_reference
from voxelry.core.progress import part
from voxelry.core.registry import step_named
from voxelry.core.volume import Volume
from voxelry.server.jobs.job_run import Run

if TYPE_CHECKING:
    from voxelry.server.processing.job_inputs import Input

READ, DONE = 0.03, 0.8
"""Of the progress: when the inputs are read; of a step's share of the rest: when it is done and is written."""


def work(run: Run) -> dict[str, Any]:
    """Read the inputs, run the step, and write what it gave below the run's folder; `publish` takes it from there.

    Raises
    ------
    VoxelryError
        If the input cannot be read, or the step cannot be done on any volume of it.
    """
    # Only child processes need these: the site and its workers start without them.
    from voxelry.server.archive import files_at_rest, holdings
    from voxelry.server.processing.job_inputs import archived, below
    from voxelry.server.processing.models import stored_name
    from voxelry.server.processing.result_files import Results

    told = run.inputs
    step = step_named(told["step"])
    params = step.checked(told["params"])
    created = datetime.fromisoformat(told["created"]).replace(tzinfo=None)
    confirmed = bool(told["same_frame_of_reference"])
    results = Results(run.folder, step, params, seed=told["seed"], created=created, same_frame_of_reference=confirmed)
    reading, working = part(run.progress, 0.0, READ), part(run.progress, READ, 1.0)
    if told["in_dir"]:
        found = below(told["in_dir"], progress=reading)
        results.warn(found.warnings)
        groups: list[tuple[Input, ...]] = [(one,) for one in found.inputs]
    else:
        groups = [tuple(archived(one, progress=reading) for one in told["inputs"])]
    refused: list[VoxelryError] = []
    for number, group in enumerate(groups, 1):
        share = part(working, (number - 1) / len(groups), number / len(groups))
        only = number if len(groups) > 1 else None
        try:
            volumes = [one.load(part(share, 0.0, 0.05)) for one in group]
            run.log(f"{step.name} on {' and '.join(map(_words, volumes))}")
            if step.group != REGISTRATION:
                check_one_frame_of_reference(volumes, confirmed=confirmed)
            result = step.run(volumes, params, progress=part(share, 0.05, DONE))
            results.take(result, group[0].stack, volumes, only, progress=part(share, DONE, 1.0))
        except VoxelryError as error:  # of many volumes of a folder one that cannot be done spoils no other
            if len(groups) == 1:
                raise
            refused.append(error.with_traceback(None))  # whose frames would keep the volume
            if len(refused) == len(groups):
                raise refused[0] from None
            results.warn([f"volume {number} of {len(groups)} was left out: {error}"])
    for words in results.warnings:
        run.log(words)
    record = results.record()
    files_at_rest.send_ahead(
        {holdings.stored_name(one["sha256"]): run.folder / one["path"] for one in record["instances"]}
    )
    files_at_rest.send_ahead(
        {stored_name(run.subject, one["sha256"]): run.folder / one["path"] for one in record["files"]}
    )
    return record


def _words(volume: Volume) -> str:
    return f"{' x '.join(map(str, volume.array.shape))} {volume.array.dtype}"
