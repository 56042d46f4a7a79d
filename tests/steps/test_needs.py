"""What a step says that it needs it refuses to be without; lists grey it out for the same reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import voxelry
from voxelry.core.errors import VoxelryError
from voxelry.core.registry import AnyStep, installed_steps
from voxelry.testing.volumes import unplaced

AFFINE = np.diag([2.0, 1.0, 1.0, 1.0])
PLAIN = voxelry.Volume(
    array=np.random.default_rng(0).integers(0, 500, (6, 8, 9)).astype(np.int16), affine=AFFINE, spacing=(2.0, 1.0, 1.0)
)
SHEARED = AFFINE.copy()
SHEARED[1, 0] = 1.0
WITHOUT = {
    "grey": replace(PLAIN, array=np.zeros((6, 8, 9, 3), np.uint8)),
    "millimetres": unplaced(PLAIN, (None, 1.0, 1.0)),
    "place": unplaced(PLAIN, PLAIN.spacing),
    "straight": PLAIN.with_geometry(replace(PLAIN.geometry, affine=SHEARED)),
}
BUILT_IN = [
    step for step in installed_steps() if step.function.__module__.startswith("voxelry.steps") and step.name != "onnx"
]


@pytest.mark.parametrize(
    ("step", "need"),
    [(step, need) for step in BUILT_IN for need in step.needs],
    ids=lambda one: getattr(one, "name", one),
)
def test_a_step_refuses_what_lacks_its_needs(step: AnyStep, need: str) -> None:
    with pytest.raises(VoxelryError):
        step.run([WITHOUT[need], *[PLAIN] * (len(step.inputs) - 1)])


def test_steps_that_take_colour_do() -> None:
    taken = {step.name for step in BUILT_IN if "grey" not in step.needs}
    assert taken == {"crop", "rectify"}
    for step in BUILT_IN:
        if step.name == "crop":
            assert step.run([WITHOUT["grey"]], {"start": [1, 0, 0]}).volumes[0].colour
        if step.name == "rectify":
            assert step.run([WITHOUT["straight"].with_array(WITHOUT["grey"].array)]).volumes[0].colour
