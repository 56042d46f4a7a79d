"""The suite of steps bites: each kind of carelessness fails the test that is meant for it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import Field

from voxelry.core.errors import ParameterError
from voxelry.core.progress import Progress
from voxelry.core.spacing import UNKNOWN
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.testing.steps import StepTests
from voxelry.testing.volumes import AXIAL_LPS


class Named(Params):
    """All that a parameter needs."""

    size: float = Field(1.0, gt=0, description="A size in mm", json_schema_extra={"unit": "mm"})


class Bare(Params):
    """A number without a unit."""

    size: float = Field(1.0, gt=0, description="A size in mm")


class Silent(Params):
    """A number without a description."""

    size: float = Field(1.0, json_schema_extra={"unit": "mm"})


Work = Callable[[Sequence[Volume], Any, Progress], StepResult]


def careful(volumes: Sequence[Volume], params: Params, progress: Progress) -> StepResult:
    (volume,) = volumes
    progress(0.0, "copying")
    array = np.array(volume.array, order="C")
    found = replace(volume, array=array.astype(array.dtype.newbyteorder("=")))
    progress(1.0, "copying")
    return StepResult(volumes=(found,))


def mute(volumes: Sequence[Volume], params: Params, progress: Progress) -> StepResult:
    return careful(volumes, params, lambda fraction, words: None)


def backwards(volumes: Sequence[Volume], params: Params, progress: Progress) -> StepResult:
    progress(0.5, "half")
    return careful(volumes, params, progress)


def deaf(volumes: Sequence[Volume], params: Params, progress: Progress) -> StepResult:
    def swallow(fraction: float, words: str) -> None:
        try:
            progress(fraction, words)
        except Exception:
            return

    return careful(volumes, params, swallow)


def meddling(volumes: Sequence[Volume], params: Params, progress: Progress) -> StepResult:
    base = volumes[0].array.base
    assert isinstance(base, np.ndarray)
    base[0] += 1
    return careful(volumes, params, progress)


_CALLS = itertools.count()


def moody(volumes: Sequence[Volume], params: Params, progress: Progress) -> StepResult:
    (found,) = careful(volumes, params, progress).volumes
    return StepResult(volumes=(replace(found, array=found.array + next(_CALLS)),))


def inventive(volumes: Sequence[Volume], params: Params, progress: Progress) -> StepResult:
    (found,) = careful(volumes, params, progress).volumes
    return StepResult(volumes=(found.with_geometry(replace(found.geometry, affine=AXIAL_LPS, spacing=UNKNOWN)),))


def dishonest(volumes: Sequence[Volume], params: Params, progress: Progress) -> StepResult:
    (found,) = careful(volumes, params, progress).volumes
    return StepResult(volumes=(replace(found, array=found.array[::2]),))


def crude(volumes: Sequence[Volume], params: Params, progress: Progress) -> StepResult:
    if volumes[0].colour:
        raise IndexError("too many indices")
    return careful(volumes, params, progress)


def chatty(volumes: Sequence[Volume], params: Params, progress: Progress) -> StepResult:
    (found,) = careful(volumes, params, progress).volumes
    words = f"the patient is {found.metadata.get('PatientName')} indeed"
    return StepResult(volumes=(replace(found, warnings=(*found.warnings, words)),))


def forgetful(volumes: Sequence[Volume], params: Params, progress: Progress) -> StepResult:
    (found,) = careful(volumes, params, progress).volumes
    return StepResult(volumes=(replace(found, warnings=()),))


def idle(volumes: Sequence[Volume], params: Params, progress: Progress) -> StepResult:
    careful(volumes, params, progress)
    return StepResult()


def suite(work: Work, params: type[Params] = Named) -> StepTests:
    class TestThis(StepTests):
        step = Step(name="invented", title="Invented", description="For tests.", params=params, function=work)

    return TestThis()


class TestCareful(StepTests):
    step = suite(careful).step


@pytest.mark.parametrize(
    ("work", "name", "given"),
    [
        (mute, "test_progress_goes_from_0_to_1_and_can_stop_the_work", {}),
        (backwards, "test_progress_goes_from_0_to_1_and_can_stop_the_work", {}),
        (deaf, "test_progress_goes_from_0_to_1_and_can_stop_the_work", {}),
        (meddling, "test_it_works_changes_nothing_and_gives_the_same_twice", {}),
        (moody, "test_it_works_changes_nothing_and_gives_the_same_twice", {}),
        (inventive, "test_unknown_millimetres_are_refused_or_stay_unknown", {"spacing": (None, None, None)}),
        (crude, "test_colour_is_worked_on_or_refused", {}),
        (chatty, "test_nothing_of_the_patient_is_told_and_no_warning_lost", {}),
        (forgetful, "test_nothing_of_the_patient_is_told_and_no_warning_lost", {}),
        (idle, "test_it_works_changes_nothing_and_gives_the_same_twice", {}),
    ],
)
def test_carelessness_is_found(work: Work, name: str, given: dict[str, Any]) -> None:
    with pytest.raises((AssertionError, IndexError, pytest.fail.Exception)):
        getattr(suite(work), name)(**given)


def test_a_volume_that_contradicts_itself_cannot_be_made() -> None:
    with pytest.raises(ParameterError, match=r"4 x 24 x 21 voxels, its geometry 7 x 24 x 21"):
        suite(dishonest).test_it_works_wherever_the_volume_lies("oblique")


@pytest.mark.parametrize("params", [Bare, Silent])
def test_parameters_that_say_too_little_are_found(params: type[Params]) -> None:
    with pytest.raises(AssertionError, match="size"):
        suite(careful, params).test_each_parameter_says_what_it_is()
