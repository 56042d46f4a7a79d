"""Connected pieces of masks, and the holes in them."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from voxelry.steps.shared.mask_grids import Mask

Neighbours = Literal["6", "18", "26"]
_ORDER = {"6": 1, "18": 2, "26": 3}


def pieces(mask: Mask, neighbours: Neighbours) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Connected pieces, numbered from 1 by size, the largest first; of two of one size the one met first.

    Returns
    -------
    numbers, sizes
        Shape of the mask; voxels of each piece, descending.
    """
    from scipy import ndimage

    found, count = ndimage.label(mask, ndimage.generate_binary_structure(3, _ORDER[neighbours]))
    sizes = np.bincount(found.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-sizes, kind="stable")
    renumbered = np.zeros(count + 1, np.int32)
    renumbered[order + 1] = np.arange(1, count + 1, dtype=np.int32)
    return renumbered[found], sizes[order]


def holes(mask: Mask, *, within_slices: bool, most: float | None = None) -> Mask:
    """What is not in the mask and cannot be reached from the border through faces of voxels.

    Parameters
    ----------
    within_slices
        Whether each slice is looked at by itself; so is a volume of one slice in any case.
    most
        Only holes of at most so many voxels.
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
