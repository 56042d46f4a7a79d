"""Masks of the left and right lung in a CT."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pydantic import Field

from voxelry.core.progress import Progress, part
from voxelry.core.segmentation import ANATOMY, Code, Segment, Segmentation
from voxelry.core.steps import Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared import demands
from voxelry.steps.shared.body import BodyParams, body_of, hounsfield
from voxelry.steps.shared.components import connected_components, holes
from voxelry.steps.shared.cut import mask_rows
from voxelry.steps.shared.mask_grids import Floats, Mask, in_voxels, known_cell
from voxelry.steps.shared.morphology import ball, closed, eroded

PURE_AIR_HU = -960.0
"""A component with a median at or below this is air (bowel, windpipe, between arm and chest), not lung tissue."""
SPLIT_MM = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
"""Radii in mm of erosions that are tried in this order until two touching lungs separate."""
_SHARE = 0.2


def _segment(number: int, label: str, code: str, meaning: str) -> Segment:
    return Segment(number=number, label=label, category=ANATOMY, type=Code(code, "SCT", meaning), algorithm="lungs")


RIGHT = _segment(1, "Right lung", "3341006", "Right lung")
LEFT = _segment(2, "Left lung", "44029006", "Left lung")
BOTH = _segment(1, "Lungs", "39607008", "Lung")


class LungsParams(BodyParams):
    """Parameters of `STEP`."""

    air: float = Field(
        -400.0, ge=-900, le=-100, json_schema_extra={"unit": "HU"}, description="Lung is below this value, in HU"
    )
    smallest: float = Field(
        2.0, ge=0, le=1000, json_schema_extra={"unit": "ml"}, description="Pieces below this volume in ml are no lung"
    )
    vessels: float = Field(
        4.0, ge=0, le=20, json_schema_extra={"unit": "mm"},
        description="Vessels and walls up to about twice this radius in mm belong to the lung",
    )  # fmt: skip


def _lungs(volumes: Sequence[Volume], params: LungsParams, progress: Progress) -> StepResult:
    (volume,) = volumes
    values, grid = hounsfield(volume), known_cell(volume)
    body, warnings = body_of(volume, params, part(progress, 0.0, 0.5))
    least = in_voxels(1000 * params.smallest, demands.known_voxel_mm3(volume))
    found = _lung_air(values, body & (values < params.air), least)
    progress(0.6, "telling left from right")
    middle = np.argwhere(body[:, ::4, ::4]).mean(axis=0) * [1, 4, 4] if body.any() else np.zeros(3)
    sides = _sides(volume, found, middle, grid, part(progress, 0.6, 0.8))
    if not found.any():
        warnings += ("no lung was found",)
    segments: tuple[Segment, ...] = (RIGHT, LEFT)
    if sides is None:
        sides, segments = found.astype(np.uint8), (BOTH,)
        warnings += ("left and right lung could not be told apart",) if found.any() else ()
    labels = np.zeros(values.shape, np.uint8)
    for index, segment in enumerate(segments):
        share = part(progress, 0.8 + 0.1 * index, 0.9 + 0.1 * index)
        side = sides == segment.number
        if params.vessels:
            side = closed(side, ball(grid, params.vessels, flat=True), share)
        side |= holes(side, within_slices=True)
        labels[side & (labels == 0)] = segment.number
    labels[~body] = 0
    progress(1.0, "done")
    return StepResult(
        segmentation=Segmentation(labels=labels, source=volume, segments=segments),
        rows=mask_rows(volume, labels, segments),
        warnings=(*warnings, "the windpipe and the main bronchi count where their air joins the lungs'"),
    )


def _lung_air(values: npt.NDArray[np.generic], air: Mask, least: float) -> Mask:
    """The largest component with a median above `PURE_AIR_HU`, and those of at least a tenth of its size."""
    numbers, sizes = connected_components(air, "6")
    kept = np.zeros(sizes.size + 1, np.bool_)
    first = 0
    for number in range(1, int((sizes >= max(least, 1)).sum()) + 1):
        inside = numbers == number
        if np.median(values[inside].astype(np.float64)) > PURE_AIR_HU:
            first = first or int(sizes[number - 1])
            kept[number] = sizes[number - 1] >= 0.1 * first
        if number > 20:
            break
    return np.asarray(kept[numbers])


def _sides(
    volume: Volume, lungs: Mask, middle: Floats, grid: Floats, progress: Progress
) -> npt.NDArray[np.uint8] | None:
    """1 for right, 2 for left; None if there are no two large components on either side of the body's middle.

    ``middle`` is the body's mean index; the patient's left is the larger x (LPS).
    """
    if volume.affine is None or not lungs.any():
        return None
    across = volume.affine[0, :3]
    for index, radius in enumerate((0.0, *SPLIT_MM)):
        share = part(progress, index / 7, (index + 1) / 7)
        core = lungs if radius == 0 else eroded(lungs, ball(grid, radius), share) & lungs
        numbers, sizes = connected_components(core, "6")
        large = range(1, 1 + int((sizes >= _SHARE * sizes.sum()).sum())) if sizes.size else range(0)
        places = [float((np.argwhere(numbers == number).mean(axis=0) - middle) @ across) for number in large]
        if places and min(places) < 0 < max(places):
            left = int(np.argmax(places)) + 1
            right = int(np.argmin(places)) + 1
            cores = np.where(numbers == left, LEFT.number, np.where(numbers == right, RIGHT.number, 0))
            return _nearest(cores.astype(np.uint8), lungs, grid)
    return None


def _nearest(cores: npt.NDArray[np.uint8], lungs: Mask, grid: Floats) -> npt.NDArray[np.uint8]:
    """Assign each voxel of the lungs to the nearer of two cores."""
    from scipy import ndimage

    where = ndimage.distance_transform_edt(
        cores == 0, sampling=np.linalg.norm(grid, axis=0), return_distances=False, return_indices=True
    )
    return np.where(lungs, cores[tuple(where)], 0).astype(np.uint8)


STEP = Step(
    name="lungs",
    title="Lungs",
    description="Left and right lung of a CT, their vessels included.",
    params=LungsParams,
    function=_lungs,
    group="mask",
    libraries=("cv2", "scipy"),
)
