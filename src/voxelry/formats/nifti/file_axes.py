"""Which axes of a NIfTI file slices and directions lie along, after any reorientation."""

from __future__ import annotations

import numpy as np

from voxelry.core.volume import Volume
from voxelry.formats.shared.grids import reoriented

_LETTERS = "kji"
"""The file's axes as BIDS names them, in the order of an array ``(slice, row, column)``."""


def slices_of_file(volume: Volume, reorient: str) -> tuple[str, bool]:
    """The axis of the file along which the volume's slices lie, and whether they are in reverse order."""
    numbers = np.broadcast_to(np.arange(len(volume.array))[:, None, None], volume.array.shape[:3])
    moved = reorient and volume.geometry.placed
    turned = reoriented(numbers, volume.geometry, reorient)[0] if moved else numbers
    axis = next(axis for axis, stride in enumerate(turned.strides) if stride)
    return _LETTERS[axis], turned.strides[axis] < 0


def phase_encoding_axis(volume: Volume, direction: tuple[float, float, float], reorient: str) -> str:
    """The axis of the file that lies along a direction in the patient, with ``-`` if it runs against it.

    Parameters
    ----------
    volume
        Which has a place.
    direction
        Unit vector, LPS.
    reorient
        Code of the file's reoriented axes; empty for those of the volume.
    """
    geometry = volume.geometry.reorient(reorient) if reorient else volume.geometry
    axes = geometry.known_affine[:3, :3]
    cosines = np.asarray(direction) @ (axes / np.linalg.norm(axes, axis=0))
    axis = int(np.argmax(np.abs(cosines)))
    return _LETTERS[axis] + ("-" if cosines[axis] < 0 else "")
