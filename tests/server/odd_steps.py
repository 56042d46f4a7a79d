"""Steps that give everything a step may give, fail, crash, or wait."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import DirectoryPath, Field

from voxelry.core.errors import GeometryError
from voxelry.core.progress import Progress
from voxelry.core.segmentation import Segment, Segmentation
from voxelry.core.steps import Params, Row, Step, StepResult
from voxelry.core.volume import Volume

_NAME = "Doe^Jane"


class AllParams(Params):
    """One of each kind."""

    level: float = Field(ge=0, le=1, description="Where to cut", json_schema_extra={"unit": "1"})
    count: int = Field(1, ge=1, le=9)
    method: Literal["plain", "fancy"] = "plain"
    tidy: bool = True
    label: str = ""


def _all(volumes: Sequence[Volume], params: AllParams, progress: Progress) -> StepResult:
    (volume,) = volumes
    progress(0.5, "half of it")
    labels = (volume.array > np.median(volume.array)).astype(np.uint8)
    rows: tuple[Row, ...] = tuple(
        {"segment": number, "label": "=1+1", "mm3": 2.5 * number} for number in range(params.count)
    )
    return StepResult(
        volumes=(volume,),
        segmentation=Segmentation(labels=labels, source=volume, segments=(Segment(number=1, label="Bright"),)),
        rows=rows,
        files={"surface.stl": b"solid nothing", "words.txt": b"some words"},
        warnings=("this was made by a test",),
    )


class NoParams(Params):
    """None."""


class FileParams(Params):
    """Names files."""

    model: Path | None = None
    folder: DirectoryPath | None = None


def _reads(volumes: Sequence[Volume], params: FileParams, progress: Progress) -> StepResult:
    content = params.model.read_text("utf-8") if params.model is not None else ""
    return StepResult(rows=({"content": content},))


def _fails(volumes: Sequence[Volume], params: NoParams, progress: Progress) -> StepResult:
    raise GeometryError("the slices are tilted by 3 degrees; straighten them first")


def _breaks(volumes: Sequence[Volume], params: NoParams, progress: Progress) -> StepResult:
    raise RuntimeError(_NAME)


def _two(volumes: Sequence[Volume], params: NoParams, progress: Progress) -> StepResult:
    return StepResult(rows=({"volumes": len(volumes)},))


ALL = Step(name="all_of_it", title="All of it", description="Gives everything.", params=AllParams, function=_all)
FAILS = Step(name="fails", title="Fails", description="Fails.", params=NoParams, function=_fails)
READS = Step(name="reads", title="Reads", description="Reads a file.", params=FileParams, function=_reads)
BREAKS = Step(name="breaks", title="Breaks", description="Breaks.", params=NoParams, function=_breaks)
TWO = Step(
    name="two", title="Two", description="Takes two.", params=NoParams, function=_two, inputs=("fixed", "moving"),
    optional=("mask",), group="register",
)  # fmt: skip
