"""Gaussian blur in millimetres: scipy and SimpleITK judge."""

from __future__ import annotations

from voxelry.steps.gaussian import STEP
from voxelry.testing.steps import StepTests


class TestGaussian(StepTests):
    step = STEP
    examples = (
        {"sigma": 1.0},
        {"sigma": [3.0, 1.0, 0.0], "truncate": 3.0},
        {"sigma": 2.0, "dimensions": 2},
        {"sigma": 500.0},
    )
    needs = "spacing"
