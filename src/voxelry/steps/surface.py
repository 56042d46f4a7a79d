"""Surface meshes of structures as STL and PLY."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from voxelry.core.progress import Progress, part
from voxelry.core.steps import Row, Step, StepResult
from voxelry.core.volume import Volume
from voxelry.steps.shared import demands
from voxelry.steps.shared.mask_input import MaskParams, input_labels
from voxelry.steps.shared.meshes import as_ply, as_stl, mesh_of


class SurfaceParams(MaskParams):
    """Parameters of `STEP`."""

    format: Literal["stl", "ply", "both"] = Field("both", description="Which files to write: STL, PLY or both")
    smooth: float = Field(
        0.0, ge=0, le=20, json_schema_extra={"unit": "mm"},
        description="Standard deviation in mm of a Gaussian that takes the steps of voxels away; 0 leaves them",
    )  # fmt: skip


def _surface(volumes: Sequence[Volume], params: SurfaceParams, progress: Progress) -> StepResult:
    given = input_labels(volumes, params, part(progress, 0.0, 0.3))
    affine = demands.known_affine(given.grid)
    rows: list[Row] = []
    files: dict[str, bytes] = {}
    for index, segment in enumerate(given.segments):
        progress(0.3 + 0.7 * index / len(given.segments), f"surface {index + 1} of {len(given.segments)}")
        mesh = mesh_of(given.labels == segment.number, affine, smooth_mm=params.smooth)
        row: Row = {"segment": segment.number, "label": segment.label, "vertices": 0, "triangles": 0}
        row |= {"mm3": 0.0, "mm2": 0.0}
        if mesh is not None:
            row |= {"vertices": len(mesh.vertices), "triangles": len(mesh.triangles), "mm3": mesh.mm3, "mm2": mesh.mm2}
            if params.format != "ply":
                files[f"surface-{segment.number}.stl"] = as_stl(mesh)
            if params.format != "stl":
                files[f"surface-{segment.number}.ply"] = as_ply(mesh)
        rows.append(row)
    progress(1.0, "done")
    empty = tuple(f"the mask of {row['label']!r} is empty: it has no surface" for row in rows if not row["triangles"])
    return StepResult(rows=tuple(rows), files=files, warnings=(*given.warnings, *empty))


STEP = Step(
    name="surface",
    title="Surface",
    description="The surface of each structure as triangles in LPS millimetres: STL and PLY files.",
    params=SurfaceParams,
    function=_surface,
    group="measure",
    libraries=("scipy", "skimage"),
)
