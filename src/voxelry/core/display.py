"""The default part of a volume's values to show."""

from __future__ import annotations

import numpy as np

from voxelry.core.histogram import Histogram, histogram
from voxelry.core.intensity import SHOWN_PERCENTILES, Voi, Window, span_window, window_without_outliers
from voxelry.core.planes import Axis, plane_count, slice_of_plane
from voxelry.core.volume import Volume

CT_PRESETS = (
    Window(40, 400, name="Soft tissue"),
    Window(-600, 1500, name="Lung"),
    Window(400, 1800, name="Bone"),
    Window(40, 80, name="Brain"),
    Window(50, 350, name="Mediastinum"),
)
"""Common windows in Hounsfield units."""
WITHOUT_OUTLIERS = "Without outliers"
"""The name of a window that the header does not have: the highest and lowest values of all are outside of it."""


def default_voi(volume: Volume, *, counted: Histogram | None = None) -> Voi:
    """The default for all slices: the header's first window, else its first table, else ``default_window``."""
    if volume.voi_tables and not volume.windows and not volume.colour:
        return volume.voi_tables[0]
    return default_window(volume, counted=counted)


def plane_voi(volume: Volume, axis: Axis | None = None, *, common: Voi | None = None) -> tuple[Voi, ...]:
    """The default for each plane: that of its own slice, where slices differ.

    A plane that crosses the slices, and a slice whose header proposes nothing, has the ``common`` one.

    Parameters
    ----------
    common
        By default ``default_voi``, which is not made where no plane needs it.

    Returns
    -------
    voi
        One for each plane along ``axis``, in their order.
    """
    own = [_own_voi(volume, slice_of_plane(volume, index, axis=axis)) for index in range(plane_count(volume, axis))]
    if None not in own:
        return tuple(one for one in own if one is not None)
    rest = default_voi(volume) if common is None else common
    return tuple(rest if one is None else one for one in own)


def _own_voi(volume: Volume, index: int | None) -> Voi | None:
    several = len(volume.slice_voi) == volume.array.shape[0] and not volume.colour
    return volume.slice_voi[index] if several and index is not None else None


def default_window(volume: Volume, *, counted: Histogram | None = None) -> Window:
    """The header's first window; else one from the values, without padding and without the outliers.

    Where the header has tables and no window, it is the range that its first table tells apart.

    Parameters
    ----------
    counted
        The volume's histogram, if the caller has it already.
    """
    if volume.windows:
        return volume.windows[0]
    if volume.colour:
        return Window(128, 256, name="Colour")
    if volume.voi_tables:
        table = volume.voi_tables[0]
        return span_window(table.first, table.last, name=table.name or "Range of the header's table")
    if volume.array.dtype.kind == "f" and counted is None:
        finite = np.concatenate([part[np.isfinite(part)] for part in volume.unpadded()])
        return window_without_outliers(finite, name=WITHOUT_OUTLIERS)
    counted = histogram(volume) if counted is None else counted
    if not counted.counts.size:
        return Window(0.5, 1, "LINEAR_EXACT", "Range of values")
    low, high = (_percentile(counted, percent) for percent in SHOWN_PERCENTILES)
    if low == high:  # nearly all voxels are background: show the whole range
        return span_window(counted.minimum, counted.maximum, name="Range of values")
    return span_window(low, high, name=WITHOUT_OUTLIERS)


def _percentile(counted: Histogram, percent: float) -> float:
    reached = np.cumsum(counted.counts)
    return float(counted.values[int(np.searchsorted(reached, percent / 100 * reached[-1]))])
