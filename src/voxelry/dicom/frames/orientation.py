"""The common orientation of parallel frames, whose headers may differ by rounding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.shared_frames import one_of_each

Cosines = tuple[float, ...]


def orientation_of(frames: Sequence[Frame]) -> npt.NDArray[np.float64]:
    """Row cosines, then column cosines: those of the frames where all say the same, else their mean.

    Returns
    -------
    cosines
        Shape ``(6,)``; perpendicular and of unit length as far as the frames' own are.

    Raises
    ------
    ValueError
        If the frames have none.
    """
    known = [frame.orientation for frame in one_of_each(frames)]
    if known[0] is None:
        raise ValueError("these frames have no orientation")
    if len(set(known)) == 1:
        return np.asarray(known[0], np.float64)
    return mean_of(np.array([frame.orientation for frame in frames], np.float64))


def mean_of(cosines: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The mean of some orientations, shape ``(n, 6)``, made perpendicular and of unit length."""
    mean = cosines.mean(axis=0)
    rows = mean[:3] / np.linalg.norm(mean[:3])
    columns = mean[3:] - (mean[3:] @ rows) * rows
    return np.concatenate([rows, columns / np.linalg.norm(columns)])


def spread_of(frames: Sequence[Frame]) -> float:
    """Degrees between the mean orientation and the frame that is farthest from it."""
    mean = orientation_of(frames)
    own = np.array([frame.orientation for frame in one_of_each(frames)], np.float64)
    chords = np.maximum(np.linalg.norm(own[:, :3] - mean[:3], axis=1), np.linalg.norm(own[:, 3:] - mean[3:], axis=1))
    return float(np.degrees(2 * np.arcsin(np.clip(chords.max() / 2, 0, 1))))
