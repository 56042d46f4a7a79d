"""Connected components of masks, and holes in masks."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from voxelry.steps.shared.mask_grids import Mask

Neighbours = Literal["6", "18", "26"]
_ORDER = {"6": 1, "18": 2, "26": 3}


def connected_components(mask: Mask, neighbours: Neighbours) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Connected components, numbered from 1 by size, the largest first; equal sizes keep their order of index.

    Returns
    -------
    numbers, sizes
        Component numbers in the mask's shape; voxels of each component, descending.
    """
    from scipy import ndimage

    found, count = ndimage.label(mask, ndimage.generate_binary_structure(3, _ORDER[neighbours]))
    sizes = np.bincount(found.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-sizes, kind="stable")
    renumbered = np.zeros(count + 1, np.int32)
    renumbered[order + 1] = np.arange(1, count + 1, dtype=np.int32)
    return renumbered[found], sizes[order]


def holes(mask: Mask, *, within_slices: bool, most: float | None = None) -> Mask:
    """Voxels outside the mask that are not connected to the border through faces of voxels.

    Parameters
    ----------
    within_slices
        True to search each slice by itself, as is always done in a volume of one slice.
    most
        Largest number of voxels of a hole.
    """
    from scipy import ndimage

    flat = within_slices or mask.shape[0] == 1
    structure = ndimage.generate_binary_structure(3, 1)
    if flat:
        structure[[0, 2]] = False
    found, count = ndimage.label(~mask, structure)
    outside = np.zeros(count + 1, np.bool_)
    for axis in (1, 2) if flat else (0, 1, 2):
        for side in (0, -1):
            outside[np.take(found, side, axis)] = True
    outside[0] = True
    if most is not None:
        outside |= np.bincount(found.ravel(), minlength=count + 1) > most
    return np.asarray(~outside[found])
