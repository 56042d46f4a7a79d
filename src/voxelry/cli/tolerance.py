"""The option ``--tolerance`` of all commands that load stacks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from voxelry.core.slice_grid import Tolerances

ToleranceOption = Annotated[
    float | None,
    typer.Option(
        "--tolerance",
        min=0.0,
        max=0.49,
        metavar="FRACTION",
        help="How far a slice may lie off the even grid, as a fraction of the step; else 0.02.",
    ),
]


def tolerances_of(tolerance: float | None) -> Tolerances:
    """The value of ``--tolerance`` as tolerances for loading."""
    from voxelry.core.slice_grid import DEFAULT_TOLERANCES

    return DEFAULT_TOLERANCES if tolerance is None else replace(DEFAULT_TOLERANCES, irregular=tolerance)
