"""The mask of the patient in a CT, without table, mattress and surrounding air."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from voxelry.core import levels
from voxelry.core.errors import MeasureError
from voxelry.core.extent import extent
from voxelry.core.histogram import histogram
from voxelry.core.progress import Progress, part
from voxelry.core.segmentation import ANATOMY, Code, Segment
from voxelry.core.steps import Params
from voxelry.core.volume import Volume
from voxelry.steps.shared import demands
from voxelry.steps.shared.components import connected_components, holes
from voxelry.steps.shared.mask_grids import Mask, greyscale, known_cell, padding
from voxelry.steps.shared.morphology import ball, dilated, opened

SKIN_HU = -300.0
"""A threshold between the air and foam of a table (below -700) and the fat of a patient (about -100)."""


BODY = Segment(
    number=1, label="Body", category=ANATOMY, type=Code("38266002", "SCT", "Entire body"), algorithm="body mask"
)


class BodyParams(Params):
    """Parameters of every step that segments the patient."""

    level: float | None = Field(
        None, json_schema_extra={"unit": "unit of the values"},
        description="Above this value is patient or table; by default -300 in HU, otherwise Otsu's threshold",
    )  # fmt: skip
    table: float = Field(
        10.0, gt=0, le=50, json_schema_extra={"unit": "mm"},
        description="Things thinner than this in mm, such as the shell of a table, are no patient",
    )  # fmt: skip
    keep: float = Field(
        0.1, gt=0, le=1, json_schema_extra={"unit": "1"},
        description="Further pieces stay (arms, legs) that have at least this share of the largest",
    )  # fmt: skip


def body_of(volume: Volume, params: BodyParams, progress: Progress) -> tuple[Mask, tuple[str, ...]]:
    """The patient as one mask without holes, and warnings.

    Dense voxels are opened slice by slice with a disc that does not fit into a table's shell. The largest components
    are the patient; the skin that the opening removed is restored. Lungs and bowel are filled.

    Raises
    ------
    MeasureError
        If the volume is in colour, or holds values that are not finite.
    UnplacedError
        If its spacing is unknown.
    """
    values, grid = greyscale(volume), known_cell(volume)
    found = extent(volume.with_array(values))
    if not found.count or found.constant:
        return np.zeros(values.shape, np.bool_), ("there is nothing but one value: no body was found",)
    progress(0.0, "looking for the body")
    level = params.level if params.level is not None else SKIN_HU if volume.unit == "HU" else None
    if level is None:
        level = levels.otsu(histogram(volume.with_array(values)))
    dense = values > np.float64(level)
    hidden = padding(volume)
    if hidden is not None:
        dense &= ~hidden
    disc = ball(grid, params.table / 2, flat=True)
    thick = opened(dense, disc, part(progress, 0.05, 0.35))
    numbers, sizes = connected_components(thick, "6")
    if not sizes.size:
        return thick, (f"nothing above {level:g} is thicker than {params.table:g} mm: no body was found",)
    kept = (numbers > 0) & (numbers <= int((sizes >= params.keep * sizes[0]).sum()))
    progress(0.45, "giving the skin back")
    body = dilated(kept, disc, part(progress, 0.45, 0.9)) & dense
    progress(0.9, "filling lungs and bowel")
    body |= holes(body, within_slices=True)
    if hidden is not None:
        body &= ~hidden
    progress(1.0, "the body was found")
    return body, ()


def hounsfield(volume: Volume) -> npt.NDArray[Any]:
    """The values of a CT.

    Raises
    ------
    MeasureError
        If they are not in HU, or not finite.
    """
    if volume.unit != "HU":
        raise MeasureError("this step knows tissues by their Hounsfield units, and the values are not in HU")
    values = greyscale(volume)
    demands.require_finite(values)
    return values
