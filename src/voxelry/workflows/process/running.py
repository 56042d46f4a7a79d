"""One step on volumes in memory."""

from __future__ import annotations

from typing import Any

from voxelry.core.argument_types import a_kind, check_type
from voxelry.core.errors import WrongTypeError
from voxelry.core.frame_of_reference import REGISTRATION, check_one_frame_of_reference
from voxelry.core.progress import Progress, silent
from voxelry.core.registry import AnyStep, step_named
from voxelry.core.steps import Step, StepResult
from voxelry.core.volume import Volume


def run(
    step: str | Step[Any],
    /,
    *volumes: Volume,
    same_frame_of_reference: bool = False,
    progress: Progress = silent,
    **params: object,
) -> StepResult:
    """Run a step on volumes in memory: ``run("gaussian", volume, sigma=2)``.

    Parameters
    ----------
    step
        An installed step's name (``steps()`` lists them), or a Step.
    volumes
        As many as the step takes, in its order.
    same_frame_of_reference
        As for ``process``.
    progress
        An exception that it raises stops the work.
    params
        By name, as the step documents them; its defaults for those that are left out.

    Returns
    -------
    result
        Volumes, a segmentation, rows or files. The volumes given are unchanged.

    Raises
    ------
    ParameterError
        If there is no such step, a parameter is unknown or of a wrong type or out of range, or these are not as many
        volumes as the step takes; the message names what is allowed.
    FrameOfReferenceError
        If volumes of DICOM do not lie in one frame of reference, and it is not confirmed that they lie in one place.
    VoxelryError
        If the volumes cannot be worked on, in words.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> result = voxelry.run("threshold", volume, threshold=0.9)
    >>> result.rows[0]["mm3"]
    65508.75
    """
    chosen = step_of(step)
    for volume in volumes:
        check_type(volume, Volume, name="what a step works on", instead="voxelry.load_volume reads one from a path")
    checked = chosen.checked(params)
    if chosen.group != REGISTRATION:
        check_one_frame_of_reference(volumes, confirmed=same_frame_of_reference)
    return chosen.run(volumes, checked, progress=progress)


def step_of(step: str | Step[Any]) -> AnyStep:
    """A step by its name, or as it is.

    Raises
    ------
    ParameterError
        If there is none of that name, or it is neither.
    """
    if isinstance(step, Step):
        return step
    if isinstance(step, str):
        return step_named(step)
    raise WrongTypeError(f'a step is named ("gaussian"), or is a voxelry.Step; this is {a_kind(step)}')
