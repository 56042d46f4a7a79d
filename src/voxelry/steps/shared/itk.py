"""SimpleITK filters with a progress function; an exception from it stops the filter and is re-raised unchanged."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import MeasureError
from voxelry.core.progress import Progress


class _Stopped(Exception):
    """Raised within a filter's command to stop it: some filters ignore ``Abort``."""


def image(array: npt.NDArray[Any], spacing: tuple[float, ...] | None = None) -> Any:
    """A SimpleITK image; two-dimensional for a volume of one slice.

    Parameters
    ----------
    spacing
        ``(slice, row, column)`` in mm or any other unit; None means 1.
    """
    import SimpleITK

    flat = len(array) == 1
    made = SimpleITK.GetImageFromArray(array[0] if flat else array)
    if spacing is not None:
        made.SetSpacing([float(step) for step in spacing[:0:-1]] if flat else [float(step) for step in spacing[::-1]])
    return made


def array_of(made: Any, like: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """An image's values in the shape of its original array."""
    import SimpleITK

    return np.asarray(SimpleITK.GetArrayFromImage(made)).reshape(like.shape)


def execute(
    filtered: Any, event: int, fraction: Callable[[], float], progress: Progress, words: str, *images: Any
) -> Any:
    """Run a filter on images.

    Parameters
    ----------
    filtered
        The filter.
    event
        The filter's event after which progress is reported.
    fraction
        The fraction that is done at that event, 0 to 1.

    Raises
    ------
    MeasureError
        If the filter refuses the images. SimpleITK's message names its source files and is left out.
    """
    raised: list[BaseException] = []
    told = [0.0]

    def tell() -> None:
        told.append(max(told[-1], min(1.0, fraction())))
        try:
            progress(told[-1], words)
        except BaseException as error:
            raised.append(error)
            raise _Stopped from None

    before = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if kind is not _Stopped:  # SimpleITK prints an exception of a command to the terminal before it stops.
            before(kind, error, trace)

    filtered.AddCommand(event, tell)
    sys.excepthook = hook
    try:
        found = filtered.Execute(*images)
    except RuntimeError:
        if raised:
            raise raised[0] from None
        raise MeasureError(
            "SimpleITK's filter could not work on this volume: it is too small, or its values do not suit it"
        ) from None
    finally:
        sys.excepthook = before
    return found
