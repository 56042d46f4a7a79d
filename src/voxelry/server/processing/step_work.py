"""Doing a step in a child process, with files and what `prepare` returned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxelry.core.errors import VoxelryError
from voxelry.core.frame_of_reference import REGISTRATION, check_one_frame_of_reference
from voxelry.core.progress import part
from voxelry.core.registry import step_named
from voxelry.core.volume import Volume
from voxelry.server.jobs.job_run import Run
from voxelry.server.processing.step_handover import StepInputs, StepOutcome

if TYPE_CHECKING:
    from voxelry.server.processing.job_inputs import InputStack

READ, DONE = 0.03, 0.8
"""Progress when the inputs are read; and of each step's share of the rest, when the step is done and is written."""


def do_step(run: Run) -> StepOutcome:
    """Read the inputs, run the step, and write the results below the run's folder, for `publish_results`.

    Raises
    ------
    VoxelryError
        If the input cannot be read, or the step cannot be done on any volume of it.
    """
    # Imported here, because only child processes need them.
    from voxelry.server.archive.at_rest import files_at_rest, holdings
    from voxelry.server.processing.job_inputs import archived_stack, segment_labels, stacks_below
    from voxelry.server.processing.models import result_name
    from voxelry.server.processing.result_files import StepResults

    request = StepInputs.model_validate(run.inputs)
    step = step_named(request.step)
    params = step.checked(request.params)
    created = request.created.replace(tzinfo=None)
    confirmed = request.same_frame_of_reference
    results = StepResults(
        run.folder, step, params, seed=request.seed, created=created, same_frame_of_reference=confirmed
    )
    reading, working = part(run.progress, 0.0, READ), part(run.progress, READ, 1.0)
    if request.in_dir:
        folder = stacks_below(request.in_dir, progress=reading)
        results.warn(folder.warnings)
        groups: list[tuple[InputStack, ...]] = [(stack,) for stack in folder.inputs]
    else:
        groups = [tuple(archived_stack(volume, progress=reading) for volume in request.inputs)]
    refused: list[VoxelryError] = []
    for number, group in enumerate(groups, 1):
        share = part(working, (number - 1) / len(groups), number / len(groups))
        only = number if len(groups) > 1 else None
        try:
            volumes = [stack.load(part(share, 0.0, 0.05)) for stack in group]
            run.log(f"{step.name} on {' and '.join(map(_words, volumes))}")
            given = volumes if request.region is None else [*volumes, segment_labels(request.region)]
            if step.group != REGISTRATION:
                check_one_frame_of_reference(given, confirmed=confirmed)
            result = step.run(given, params, progress=part(share, 0.05, DONE))
            results.take(result, group[0].stack, volumes, only, progress=part(share, DONE, 1.0))
        except VoxelryError as error:  # one volume that cannot be done does not fail the others of a folder
            if len(groups) == 1:
                raise
            refused.append(error.with_traceback(None))  # the frames of the traceback would keep the volume in memory
            if len(refused) == len(groups):
                raise refused[0] from None
            results.warn([f"volume {number} of {len(groups)} was left out: {error}"])
    for words in results.warnings:
        run.log(words)
    outcome = results.outcome()
    files_at_rest.send_ahead({holdings.stored_name(file.sha256): run.folder / file.path for file in outcome.instances})
    files_at_rest.send_ahead({result_name(run.subject, file.sha256): run.folder / file.path for file in outcome.files})
    return outcome


def _words(volume: Volume) -> str:
    return f"{' x '.join(map(str, volume.array.shape))} {volume.array.dtype}"
