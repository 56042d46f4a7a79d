"""Morphology of masks with a ball in millimetres, on any grid: anisotropic, oblique or sheared.

The ball consists of all voxels with their centre within the radius. Each of its lines along the columns is a run. The
cost of a run does not depend on its length, so that of a ball grows with its lines, not with its voxels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import ParameterError
from voxelry.core.placed_masks import box_of
from voxelry.core.progress import Progress, part
from voxelry.parallel import on_all_cores
from voxelry.steps.shared.mask_grids import Floats, Mask

MOST_VOXELS = 4_000_000
"""Most voxels of a ball; a larger radius is a mistake."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Ball:
    """The offsets ``(slice, row, column)`` within a radius.

    Attributes
    ----------
    runs
        Lines by slice offset and length, each given by its row offset and its first column offset.
    reach
        Extent on either side in voxels, ``(slice, row, column)``.
    """

    runs: Mapping[int, Mapping[int, tuple[tuple[int, int], ...]]]
    reach: tuple[int, int, int]


def ball_reach(cell: Floats, radius_mm: float, *, flat: bool = False) -> Floats:
    """Upper limit of the ball's extent on either side, in whole voxels; shape ``(3,)``.

    Raises
    ------
    ParameterError
        If it has more than `MOST_VOXELS` voxels.
    """
    reach = np.floor(radius_mm * np.linalg.norm(np.linalg.inv(cell), axis=1) + _ROUNDING)
    reach[0] *= not flat
    if np.prod(2 * reach + 1) > MOST_VOXELS:
        words = " x ".join(f"{far:.0f}" for far in reach)
        raise ParameterError(f"a radius of {radius_mm:g} mm is {words} voxels here: too many")
    return np.asarray(reach)


def ball(cell: Floats, radius_mm: float, *, flat: bool = False) -> Ball:
    """The ball of a radius on a grid; ``flat`` gives the disc within a slice.

    Raises
    ------
    ParameterError
        If it has more than `MOST_VOXELS` voxels.
    """
    reach = ball_reach(cell, radius_mm, flat=flat)
    ranges = [np.arange(-far, far + 1) for far in reach]
    offsets = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1)
    inside = np.linalg.norm(offsets @ cell.T, axis=-1) <= radius_mm * (1 + _ROUNDING)
    runs: dict[int, dict[int, list[tuple[int, int]]]] = {}
    for plane, line in np.argwhere(inside.any(axis=2)).tolist():
        length, first = int(inside[plane, line].sum()), int(inside[plane, line].argmax())
        places = runs.setdefault(plane - int(reach[0]), {}).setdefault(length, [])
        places.append((line - int(reach[1]), first - int(reach[2])))
    furthest = [int(np.abs(np.argwhere(inside) - reach)[:, axis].max()) for axis in range(3)]
    return Ball(
        {plane: {length: tuple(each) for length, each in lines.items()} for plane, lines in runs.items()},
        (furthest[0], furthest[1], furthest[2]),
    )


def dilated(mask: Mask, by: Ball, progress: Progress) -> Mask:
    """Dilate a mask; voxels outside the array count as outside the mask."""
    import cv2

    margin = by.reach[2]
    source: npt.NDArray[np.uint8] = np.pad(mask.astype(np.uint8), ((0, 0), (0, 0), (margin, margin)))
    target = np.zeros(mask.shape, np.uint8)
    rows, columns = mask.shape[1:]
    busy = [bool(plane.any()) for plane in mask]

    def slice_at(index: int) -> None:
        for step, lines in by.runs.items():
            if not 0 <= index + step < len(source) or not busy[index + step]:
                continue
            for length, places in lines.items():
                kernel = np.ones((1, length), np.uint8)
                run: npt.NDArray[Any] = cv2.dilate(source[index + step], kernel, anchor=(0, 0))
                for down, right in places:
                    if abs(down) < rows:
                        top, bottom = max(0, -down), min(rows, rows - down)
                        there = run[top + down : bottom + down, margin + right : margin + right + columns]
                        target[index, top:bottom] |= there

    on_all_cores((partial(slice_at, index) for index in range(len(source))), len(source), progress, "sweeping a ball")
    return target.astype(np.bool_)


def eroded(mask: Mask, by: Ball, progress: Progress) -> Mask:
    """Erode a mask; voxels outside the array do not count."""
    return ~dilated(~mask, by, progress)


def opened(mask: Mask, by: Ball, progress: Progress) -> Mask:
    """Open a mask; a structure at the array's border counts as continued beyond it."""
    found = np.zeros_like(mask)
    box = box_of(mask)
    if box is None:
        return found
    around = tuple(
        slice(max(0, one.start - far), min(size, one.stop + far))
        for one, far, size in zip(box, by.reach, mask.shape, strict=True)
    )
    inner = eroded(mask[around], by, part(progress, 0.0, 0.5))
    found[around] = dilated(inner, by, part(progress, 0.5, 1.0))
    return found


def closed(mask: Mask, by: Ball, progress: Progress) -> Mask:
    """Close a mask; voxels outside the array count as outside the mask."""
    found = np.zeros_like(mask)
    box = box_of(mask)
    if box is None:
        return found
    wide = np.pad(mask[box], [(far, far) for far in by.reach])
    grown = eroded(dilated(wide, by, part(progress, 0.0, 0.5)), by, part(progress, 0.5, 1.0))
    found[box] = grown[tuple(slice(far, size - far) for far, size in zip(by.reach, wide.shape, strict=True))]
    return found
