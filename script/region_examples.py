"""Writes web/tests/core/fixtures/regionCounts.json: voxels in regions and in connected pieces, as the library has them.

The page's own counting is held against them (web/tests/core/voxelCounts.test.ts), and the library itself by
tests/core/test_region_examples.py. Run by hand after a change of the rule: ``python script/region_examples.py``.
"""

from __future__ import annotations

import base64
import json
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import ParameterError
from voxelry.core.geometry import Geometry
from voxelry.core.measure import measure
from voxelry.core.placed_masks import box_of
from voxelry.core.regions import BoxRegion, PatientRegion, SegmentRegion, SphereRegion
from voxelry.core.segmentation import Segment, Segmentation
from voxelry.core.volume import Volume

EXAMPLES = Path(__file__).resolve().parents[1] / "web/tests/core/fixtures/regionCounts.json"
DTYPES = ("int16", "uint16", "uint8", "float32", "float64", "int32")
COUNT = 60


def example(random: np.random.Generator, dtype: str, *, in_segment: bool = False) -> dict[str, Any]:
    """A region about a voxel of a volume on a turned or sheared grid; its surface goes through voxels' centres."""
    shape = tuple(int(size) for size in random.integers(3, 9, 3))
    array = random.integers(0, 6, shape).astype(dtype)
    padding = None
    if random.random() < 0.5:
        padding = np.repeat([[0.0, 0.0]], shape[0], axis=0)
        padding[::2] = [1.0, 1.0]
    affine = np.diag([2.5, 0.7, 0.9, 1.0])[[2, 1, 0, 3]] if random.random() < 0.3 else np.eye(4)
    if affine[0, 0] == 1:
        affine[:3, :3] = random.normal(0, 0.4, (3, 3)) + np.diag([2, 1, -1])
    affine[:3, 3] = random.normal(0, 100, 3).round(3)
    volume = Volume(array=array, affine=affine, padding=padding)
    voxels = [tuple(int(random.integers(0, size)) for size in shape) for _ in range(2)]
    one, other = (affine[:3, :3] @ np.array(voxel) + affine[:3, 3] for voxel in voxels)
    region: SphereRegion | BoxRegion | SegmentRegion
    if in_segment:
        region, record = _segment(random, affine, shape)
    elif random.random() < 0.5:
        # The surface goes through the other voxel's centre, or a little inside of it.
        reach = float(np.linalg.norm(other - one)) - float(random.choice([0.0, 5e-7, 2e-6]))
        region = SphereRegion(tuple(one.tolist()), max(0.0, reach))
        record = {"kind": "sphere", "centre": one.tolist(), "radius": region.radius_mm}
    else:
        low, high = np.minimum(one, other), np.maximum(one, other)
        region = BoxRegion(tuple(low.tolist()), tuple(high.tolist()))
        record = {"kind": "box", "low": low.tolist(), "high": high.tolist()}
    lower, upper = sorted(random.integers(0, 6, 2).tolist())
    limits = {"lower": float(lower), "upper": float(upper)}
    within = measure(volume, lower=limits["lower"], upper=limits["upper"], within=region)
    placed = region.within(volume)
    mask = np.zeros(shape, bool)
    mask[placed.box] = placed.mask
    point = tuple((affine[:3, :3] @ np.array(voxels[0]) + affine[:3, 3]).tolist())
    return {
        "dtype": dtype,
        "shape": list(shape),
        "affine": affine[:3].tolist(),
        "array": base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode("ascii"),
        "padding": None if padding is None else padding.tolist(),
        "region": record,
        "limits": limits,
        "seed": list(voxels[0]),
        "inside": np.flatnonzero(mask).tolist(),
        "total": within.pixels_total,
        "counted": within.pixels_above_threshold,
        "piece": _piece(volume, limits, point, None),
        "piece_within": _piece(volume, limits, point, region),
        "reaching": _reaching(volume, limits, None),
        "reaching_within": _reaching(volume, limits, region),
        "reaching_piece": _piece(volume, limits, point, region, "hysteresis"),
    }


def _segment(
    random: np.random.Generator, affine: npt.NDArray[np.float64], image: tuple[int, ...]
) -> tuple[SegmentRegion, dict[str, Any]]:
    """A segment on the image's grid, on one whose faces go through the image's centres, or on quite another one."""
    shape = tuple(int(size) for size in random.integers(2, 8, 3))
    own = np.array(affine)
    kind = random.choice(["same", "shifted", "coarser", "other"])
    if kind == "same":
        shape = image
    elif kind == "shifted":
        own[:3, 3] += own[:3, :3] @ random.choice([-0.5, 0.5, 1.0, 0.5 + 4e-7, 0.5 - 4e-7, 0.5 + 6e-7, 0.5 - 6e-7], 3)
    elif kind == "coarser":
        own[:3, :3] = own[:3, [2, 0, 1]] * [2.0, -1.5, 1.0]
        own[:3, 3] += affine[:3, :3] @ (np.array(image) / 2) - own[:3, :3] @ (np.array(shape) / 2)
    else:
        own[:3, :3] += random.normal(0, 0.3, (3, 3))
        own[:3, 3] += affine[:3, :3] @ (np.array(image) / 2) - own[:3, :3] @ (np.array(shape) / 2)
    labels = random.integers(0, 4, shape).astype(np.uint8)
    labels[0, 0, 0], labels[-1, -1, -1] = 2, 1
    grid = Geometry(shape=(shape[0], shape[1], shape[2]), affine=own)
    segments = [Segment(number=number, label=str(number)) for number in (1, 2, 3)]
    segmentation = Segmentation(labels=labels, geometry=grid, segments=segments)
    box = box_of(labels == 2)
    assert box is not None  # noqa: S101 - there is one at the beginning
    record = {
        "kind": "segment",
        "labels": base64.b64encode(labels.tobytes()).decode("ascii"),
        "shape": list(shape),
        "affine": own[:3].tolist(),
        "value": 2,
        "box": [[side.start, side.stop] for side in box],
    }
    return SegmentRegion(segmentation, (2,)), record


def _reaching(volume: Volume, limits: dict[str, float], region: PatientRegion | None) -> int:
    """How many voxels hysteresis keeps."""
    lower, upper = limits["lower"], limits["upper"]
    return measure(volume, None, "hysteresis", lower=lower, upper=upper, within=region).pixels_above_threshold


def _piece(
    volume: Volume, limits: dict[str, float], point: Any, region: PatientRegion | None, method: str = "units"
) -> int | None:
    """How many voxels the piece has; None if the voxel itself does not count."""
    try:
        lower, upper = limits["lower"], limits["upper"]
        measured = measure(volume, None, method, lower=lower, upper=upper, within=region, component=point)
        return measured.pixels_above_threshold
    except ParameterError:
        return None


def examples() -> str:
    """All examples as JSON, one a line."""
    random = np.random.default_rng(1818)
    dtypes = cycle(DTYPES)
    solids = [example(random, next(dtypes)) for _ in range(COUNT)]
    segments = [example(random, next(dtypes), in_segment=True) for _ in range(COUNT)]
    return "[\n" + ",\n".join(json.dumps(one) for one in (*solids, *segments)) + "\n]\n"


if __name__ == "__main__":
    EXAMPLES.write_text(examples(), encoding="utf-8")
