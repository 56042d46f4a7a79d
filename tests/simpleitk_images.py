"""Arrays with a place as SimpleITK has them, for tests that it judges."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK


def as_image(array: npt.NDArray[Any], affine: npt.NDArray[np.float64]) -> SimpleITK.Image:
    """Axes in the other order, LPS as well; they need not be orthogonal, which ITK allows."""
    image = SimpleITK.GetImageFromArray(array)
    axes = affine[:3, 2::-1]
    spacing = np.linalg.norm(axes, axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((axes / spacing).ravel().tolist())
    image.SetOrigin(affine[:3, 3].tolist())
    return image
