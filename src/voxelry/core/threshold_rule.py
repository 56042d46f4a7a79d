"""Which values count: a method and its numbers, and what it comes to in one volume.

Every method comes to a range of the volume's own numbers, both ends included, by which all of its voxels are compared:
in the library, the steps, the terminal and on a site.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from voxelry.core import levels
from voxelry.core.argument_types import a_kind
from voxelry.core.errors import ParameterError, WrongTypeError
from voxelry.core.extent import CountedRange, Extent, first_above, first_where, last_where
from voxelry.core.histogram import Histogram, histogram
from voxelry.core.volume import Volume

Method = Literal["fixed", "units", "otsu", "li", "triangle", "yen", "percentile"]
METHODS: tuple[str, ...] = get_args(Method)
DEFAULT_THRESHOLD, DEFAULT_PERCENTILE = 0.5, 90.0


@dataclass(frozen=True, slots=True)
class ThresholdRule:
    """Which values count.

    Attributes
    ----------
    method
        ``"fixed"``: above ``threshold``, a fraction of the range of values. ``"units"``: from ``lower`` on and up to
        ``upper``, both included. ``"percentile"``: above the value that ``percentile`` percent of the voxels do not
        exceed. Others: above a value that is found from all values of the volume.
    threshold, percentile
        None unless the method is theirs.
    lower, upper
        In the volume's unit; None where that side has no limit, and of other methods.
    """

    method: Method
    threshold: float | None = None
    lower: float | None = None
    upper: float | None = None
    percentile: float | None = None

    def within(self, volume: Volume, found: Extent) -> CountedRange | None:
        """The range of a volume's own numbers that count; None if none can.

        Parameters
        ----------
        found
            The range of all values of the volume.
        """
        if not found.count:
            return None
        if self.method == "units":
            return _between(found, self.lower, self.upper)
        if self.threshold is not None:
            first = first_above(found, self.threshold)
        elif found.constant:
            return None
        else:
            level = self.level(volume, histogram(volume))
            first = first_where(found, lambda value: value > level)
        return None if first is None else CountedRange(first, None)

    def level(self, volume: Volume, counted: Histogram) -> float:
        """The value that a method finds, above which voxels count, from the histogram of the volume."""
        match self.method:
            case "otsu":
                return levels.otsu(counted)
            case "li":
                return levels.li(counted)
            case "triangle":
                return levels.triangle(*levels.bins(volume, counted))
            case "yen":
                return levels.yen(*levels.bins(volume, counted))
            case _:
                return levels.percentile(counted, DEFAULT_PERCENTILE if self.percentile is None else self.percentile)


def threshold_rule(
    threshold: float | None = None,
    method: str | None = None,
    *,
    lower: float | None = None,
    upper: float | None = None,
    percentile: float | None = None,
    default: float = DEFAULT_THRESHOLD,
) -> ThresholdRule:
    """The rule of some arguments, if they fit together.

    Parameters
    ----------
    method
        ``"units"`` where none is given and a limit is, else ``"fixed"``.
    default
        The threshold of the method ``"fixed"`` where none is given.

    Raises
    ------
    ParameterError
        If the method is unknown, a number is out of range, or one is given that the method does not use.
    """
    limited = lower is not None or upper is not None
    chosen = method or ("units" if limited else "percentile" if percentile is not None else "fixed")
    if chosen not in METHODS:
        raise ParameterError(f"unknown method {method!r}; there is {', '.join(map(repr, METHODS))}")
    for name, given, owner in (
        ("threshold", threshold is not None, "fixed"),
        ("lower or upper", limited, "units"),
        ("percentile", percentile is not None, "percentile"),
    ):
        if given and chosen != owner:
            raise ParameterError(f"{name} is of the method {owner}, not of {chosen}: give one of the two")
    if chosen == "fixed":
        return ThresholdRule("fixed", threshold=check_threshold(default if threshold is None else threshold))
    if chosen == "percentile":
        percent = _number(DEFAULT_PERCENTILE if percentile is None else percentile, "percentile")
        if not 0 <= percent <= 100:
            raise ParameterError(f"percentile {percent:g} is not between 0 and 100")
        return ThresholdRule("percentile", percentile=percent)
    if chosen == "units":
        low, high = (None if one is None else _number(one, name) for one, name in ((lower, "lower"), (upper, "upper")))
        if low is None and high is None:
            raise ParameterError("method units needs lower, upper or both")
        if low is not None and high is not None and low > high:
            raise ParameterError(f"lower {low:g} is above upper {high:g}")
        return ThresholdRule("units", lower=low, upper=high)
    return ThresholdRule(chosen)  # type: ignore[arg-type]


def check_threshold(threshold: float) -> float:
    """The threshold as a float on [0, 1], or a ParameterError."""
    try:
        value = float(threshold)
    except (TypeError, ValueError):
        raise WrongTypeError(f"threshold is a number from 0 to 1, not {a_kind(threshold)}") from None
    if not 0.0 <= value <= 1.0:
        raise ParameterError(f"threshold {value:g} is not between 0 and 1; it is a fraction of the range of values")
    return value


def _number(given: float, name: str) -> float:
    try:
        value = float(given)
    except (TypeError, ValueError, OverflowError):
        raise WrongTypeError(f"{name} is a number, not {a_kind(given)}") from None
    if not math.isfinite(value):
        raise ParameterError(f"{name} is a finite number, not {value:g}")
    return value


def _between(found: Extent, lower: float | None, upper: float | None) -> CountedRange | None:
    """From one value up to another, both included, by their float64: 0.5 is not rounded for whole numbers."""
    first = None if lower is None else first_where(found, lambda value: value >= lower)
    last = None if upper is None else last_where(found, lambda value: value <= upper)
    if (lower is not None and first is None) or (upper is not None and last is None):
        return None
    return CountedRange(first, last)
