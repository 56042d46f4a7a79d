"""From modality values to display: windows and 8-bit pictures (PS3.3 C.11.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import ParameterError

WindowFunction = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]


@dataclass(frozen=True, slots=True)
class Window:
    """A range of modality values to show, in the units of the volume.

    Parameters
    ----------
    center, width
        Window Center (0028,1050) and Window Width (0028,1051).
    function
        VOI LUT Function (0028,1056).
    name
        Window Center & Width Explanation (0028,1055), or a preset's name.

    Raises
    ------
    ParameterError
        If the width is below 1 for ``LINEAR``, or not above 0 for the others (PS3.3 C.11.2.1.2).
    """

    center: float
    width: float
    function: WindowFunction = "LINEAR"
    name: str = ""

    def __post_init__(self) -> None:
        if not (np.isfinite(self.center) and np.isfinite(self.width)):
            raise ParameterError(f"a window needs finite numbers, not center {self.center}, width {self.width}")
        if self.function == "LINEAR" and self.width < 1:
            raise ParameterError(f"window width {self.width} is below 1; use LINEAR_EXACT for narrower windows")
        if self.width <= 0:
            raise ParameterError(f"window width {self.width} is not above 0")


def span_window(low: float, high: float, *, name: str = "") -> Window:
    """The window that shows ``low`` as black and ``high`` as white; a constant range is shown as mid grey."""
    width = min(high - low, float(np.finfo(np.float64).max)) if high > low else 1.0
    return Window(low / 2 + high / 2, width, "LINEAR_EXACT", name)


def to_display(values: npt.NDArray[np.generic], window: Window, *, invert: bool = False) -> npt.NDArray[np.uint8]:
    """Windowed 8-bit grey levels.

    Parameters
    ----------
    values
        Modality values; any shape.
    window
        What to show.
    invert
        True for MONOCHROME1, where the smallest value is white.

    Returns
    -------
    grey
        Same shape, 0 black to 255 white.

    References
    ----------
    PS3.3 C.11.2.1.2 (LINEAR), C.11.2.1.3.1 (SIGMOID), C.11.2.1.3.2 (LINEAR_EXACT)
    """
    if values.dtype.kind in "iu" and values.dtype.itemsize <= 2 and values.size:
        low, high = int(values.min()), int(values.max())
        if high - low < values.size:  # fewer distinct values than pixels: compute each once
            table = _shown(np.arange(low, high + 1), window, invert)
            return np.asarray(table[np.subtract(values, low, dtype=np.int32)])
    return _shown(values, window, invert)


def _shown(values: npt.NDArray[np.generic], window: Window, invert: bool) -> npt.NDArray[np.uint8]:
    x = values.astype(np.float64)
    center, width = window.center, window.width
    with np.errstate(over="ignore", invalid="ignore"):
        if window.function == "SIGMOID":
            shown = 255.0 / (1.0 + np.exp(-4.0 * (x - center) / width))
        elif window.function == "LINEAR_EXACT":
            shown = ((x - center) / width + 0.5) * 255.0
        elif width == 1:
            shown = np.where(x <= center - 0.5, 0.0, 255.0)
        else:
            shown = ((x - (center - 0.5)) / (width - 1.0) + 0.5) * 255.0
        shown = np.clip(np.nan_to_num(shown, nan=0.0), 0.0, 255.0)
    grey = np.rint(shown).astype(np.uint8)
    return np.subtract(np.uint8(255), grey) if invert else grey
