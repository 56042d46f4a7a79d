"""Detection of slices that differ from their neighbours: lost signal, other settings, another patient, wrong order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import Field

from voxelry.core.affine import index_to_lps
from voxelry.core.progress import Progress
from voxelry.core.steps import Params, Row, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared import demands
from voxelry.steps.shared.mask_grids import greyscale

MEASURES = ("mean", "std", "p5", "p95", "difference")
NORMAL = 1.4826
"""Factor from the median absolute deviation to the standard deviation of a normal distribution."""
LEAST = 4
"""Fewest slices with a neighbourhood."""
_FLOOR = 0.01
"""Smallest spread, as a fraction of the values' whole spread: smaller differences are no outliers."""

Floats = npt.NDArray[np.float64]


class OutliersParams(Params):
    """Parameters of `STEP`."""

    limit: float = Field(
        6.0, ge=2, le=100, json_schema_extra={"unit": "1"},
        description="A slice is an outlier if a measure is so many robust standard deviations from its neighbours'",
    )  # fmt: skip
    neighbours: int = Field(
        2, ge=1, le=20, json_schema_extra={"unit": "1"},
        description="How many slices on either side a slice is compared with",
    )  # fmt: skip


def _outliers(volumes: Sequence[Volume], params: OutliersParams, progress: Progress) -> StepResult:
    """Compare each slice with its neighbours.

    A measure's distance from the median of the neighbours is divided by a robust spread of all such distances: the
    median of their absolute values times 1.4826, but at least a hundredth of the values' whole spread.
    """
    (volume,) = volumes
    values = greyscale(volume)
    demands.require_finite(values)
    measured, counts = _measured(volume, values, progress)
    scores = np.stack([_scores(column, params.neighbours, measured) for column in measured.T], axis=1)
    centre = None
    if volume.affine is not None:
        middle = (np.array(values.shape[1:]) - 1) / 2
        centre = index_to_lps(volume.affine, [[index, *middle] for index in range(len(values))]).tolist()
    warnings = [] if len(values) >= LEAST else [f"{len(values)} slices are too few to say which does not fit"]
    rows: list[Row] = []
    for index in range(len(values)):
        worst = int(np.argmax(np.abs(scores[index])))
        z = float(scores[index, worst]) if len(values) >= LEAST else 0.0
        row: Row = {"slice": index, "superior_mm": None if centre is None else centre[index][2]}
        row |= {name: _or_none(measured[index, place]) for place, name in enumerate(MEASURES)}
        row |= {"z": z, "measure": MEASURES[worst], "outlier": abs(z) > params.limit}
        rows.append(row)
        if not counts[index]:
            warnings.append(f"slice {index} is nothing but padding")
    found = [row["slice"] for row in rows if row["outlier"]]
    if found:
        warnings.append(f"{len(found)} of {len(rows)} slices do not fit their neighbours: {', '.join(map(str, found))}")
    progress(1.0, "done")
    return StepResult(rows=tuple(rows), warnings=tuple(warnings))


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _measured(volume: Volume, values: npt.NDArray[np.generic], progress: Progress) -> tuple[Floats, list[int]]:
    """The measures of each slice without padding; NaN for a slice without values."""
    found = np.full((len(values), len(MEASURES)), np.nan)
    counts = []
    before = values[0].astype(np.float64)
    steps = np.full(len(values), np.nan)
    for index in range(len(values)):
        progress(0.9 * index / len(values), "looking at slices")
        plane = values[index].astype(np.float64)
        mask = volume.padding_mask(index)
        inside = plane.ravel() if mask is None else plane[~mask]
        counts.append(inside.size)
        if inside.size:
            found[index, :4] = inside.mean(), inside.std(), *np.percentile(inside, (5, 95))
        if index:
            known = np.ones(plane.shape, np.bool_) if mask is None else ~mask
            earlier = volume.padding_mask(index - 1)
            if earlier is not None:
                known &= ~earlier
            steps[index] = np.abs(plane - before)[known].mean() if known.any() else np.nan
        before = plane
    # An outlier differs from both neighbours; each neighbour differs from one side only.
    both = np.stack([steps, np.append(steps[1:], np.nan)])
    known = ~np.isnan(both)
    found[:, 4] = np.where(known.any(axis=0), np.where(known, both, np.inf).min(axis=0), np.nan)
    return found, counts


def _scores(column: Floats, neighbours: int, measured: Floats) -> Floats:
    """The distance of each slice from the median of its neighbours, in robust standard deviations."""
    count = len(column)
    away = np.zeros(count)
    for index in range(count):
        around = [at for at in range(index - neighbours, index + neighbours + 1) if at != index and 0 <= at < count]
        near = column[around]
        near = near[~np.isnan(near)]
        if near.size and not np.isnan(column[index]):
            away[index] = column[index] - np.median(near)
    known = measured[:, :4][~np.isnan(measured[:, :4])]
    floor = _FLOOR * float(np.ptp(known)) if known.size else 0.0
    spread = max(NORMAL * float(np.median(np.abs(away))), floor, np.finfo(np.float64).tiny)
    return np.asarray(away / spread)


STEP = Step(
    name="outliers",
    title="Slices that do not fit",
    description="Compares each slice's values with its neighbours' and tells those that do not fit.",
    params=OutliersParams,
    function=_outliers,
    group="measure",
)
