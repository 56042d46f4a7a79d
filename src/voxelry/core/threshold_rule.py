"""Which values count: a method and its numbers, and what it comes to in one volume.

Every method comes to a range of the volume's own numbers, both ends included, by which all of its voxels are compared:
in the library, the steps, the terminal and on a site. Hysteresis comes to two: of the pieces of the one, those count
that reach into the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from voxelry.core import levels
from voxelry.core.argument_types import a_kind
from voxelry.core.errors import ParameterError, WrongTypeError
from voxelry.core.extent import CountedRange, Extent, first_above, first_where, last_where
from voxelry.core.histogram import Histogram, histogram
from voxelry.core.volume import Volume

Method = Literal["fixed", "units", "otsu", "multi_otsu", "li", "triangle", "yen", "percentile", "hysteresis"]
METHODS: tuple[str, ...] = get_args(Method)
DEFAULT_THRESHOLD, DEFAULT_PERCENTILE, DEFAULT_CLASSES = 0.5, 90.0, 3
FEWEST_CLASSES, MOST_CLASSES = 2, 5
Ends: TypeAlias = tuple[float | None, float | None]
"""Above the first value, up to the second one; None where that side has no limit."""


@dataclass(frozen=True, slots=True)
class ThresholdRule:
    """Which values count.

    Attributes
    ----------
    method
        ``"fixed"``: above ``threshold``, a fraction of the range of values. ``"units"``: from ``lower`` on and up to
        ``upper``, both included. ``"hysteresis"``: above ``lower``, in pieces that are connected through faces and
        reach above ``upper``. ``"percentile"``: above the value that ``percentile`` percent of the voxels do not
        exceed. ``"multi_otsu"``: in one of ``classes`` by values that are found from all values of the volume. Others:
        above a value that is found so.
    threshold, percentile
        None unless the method is theirs.
    lower, upper
        In the volume's unit; None where that side has no limit, and of other methods.
    classes
        How many, of the method ``"multi_otsu"``; None of others.
    class_number
        Which of them, 0 the lowest; None for all but the lowest, and of other methods.
    """

    method: Method
    threshold: float | None = None
    lower: float | None = None
    upper: float | None = None
    percentile: float | None = None
    classes: int | None = None
    class_number: int | None = None

    def within(self, volume: Volume, found: Extent) -> CountedRange | None:
        """The range of a volume's own numbers that count; None if none can.

        Of hysteresis those that may count: `reached` says what their pieces have to hold.

        Parameters
        ----------
        found
            The range of all values of the volume.

        Raises
        ------
        MeasureError
            If the volume holds fewer values than classes.
        """
        if not found.count:
            return None
        if self.method == "units":
            return _between(found, self.lower, self.upper)
        if self.method == "hysteresis":
            return above_up_to(found, self.lower)
        if self.threshold is not None:
            first = first_above(found, self.threshold)
            return None if first is None else CountedRange(first, None)
        if found.constant:
            return None
        return above_up_to(found, *self.ends(volume))

    def reached(self, found: Extent) -> CountedRange | None:
        """The range into which a piece of hysteresis must reach; None if no value lies in it."""
        return above_up_to(found, self.upper) if found.count else None

    @property
    def by_pieces(self) -> bool:
        """Whether a voxel counts by its piece, not by its value alone."""
        return self.method == "hysteresis"

    def cuts(self, counted: Histogram) -> list[float]:
        """The largest values of all classes but the highest, ascending, from the histogram of the volume."""
        return levels.multi_otsu(counted, DEFAULT_CLASSES if self.classes is None else self.classes)

    def ends(self, volume: Volume) -> Ends:
        """The values that a method finds: above which voxels count, and up to which; None where there is no such limit.

        Raises
        ------
        MeasureError
            If the volume holds fewer values than classes.
        """
        counted = histogram(volume)
        if self.method != "multi_otsu":
            return self._level(volume, counted), None
        cuts = self.cuts(counted)
        if self.class_number is None:
            return cuts[0], None
        above, up_to = (None, *cuts, None)[self.class_number : self.class_number + 2]
        return above, up_to

    def _level(self, volume: Volume, counted: Histogram) -> float:
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
    classes: int | None = None,
    class_number: int | None = None,
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
    for name, given, owners in (
        ("threshold", threshold is not None, ("fixed",)),
        ("lower or upper", limited, ("units", "hysteresis")),
        ("percentile", percentile is not None, ("percentile",)),
        ("classes or class_number", classes is not None or class_number is not None, ("multi_otsu",)),
    ):
        if given and chosen not in owners:
            raise ParameterError(f"{name} is of the method {' or '.join(owners)}, not of {chosen}: give one of the two")
    match chosen:
        case "fixed":
            return ThresholdRule("fixed", threshold=check_threshold(default if threshold is None else threshold))
        case "percentile":
            return ThresholdRule("percentile", percentile=_percent(percentile))
        case "units" | "hysteresis":
            low, high = _limits(chosen, lower, upper)
            return ThresholdRule(chosen, lower=low, upper=high)
        case "multi_otsu":
            return _of_classes(classes, class_number)
    return ThresholdRule(chosen)  # type: ignore[arg-type]


def _percent(given: float | None) -> float:
    percent = _number(DEFAULT_PERCENTILE if given is None else given, "percentile")
    if not 0 <= percent <= 100:
        raise ParameterError(f"percentile {percent:g} is not between 0 and 100")
    return percent


def _limits(method: str, lower: float | None, upper: float | None) -> tuple[float | None, float | None]:
    low, high = (None if one is None else _number(one, name) for one, name in ((lower, "lower"), (upper, "upper")))
    if method == "hysteresis" and (low is None or high is None):
        raise ParameterError("method hysteresis needs lower and upper")
    if low is None and high is None:
        raise ParameterError("method units needs lower, upper or both")
    if low is not None and high is not None and low > high:
        raise ParameterError(f"lower {low:g} is above upper {high:g}")
    return low, high


def _of_classes(classes: int | None, class_number: int | None) -> ThresholdRule:
    many = _whole(DEFAULT_CLASSES if classes is None else classes, "classes")
    if not FEWEST_CLASSES <= many <= MOST_CLASSES:
        raise ParameterError(f"classes {many} is not between {FEWEST_CLASSES} and {MOST_CLASSES}")
    number = None if class_number is None else _whole(class_number, "class_number")
    if number is not None and not 0 <= number < many:
        raise ParameterError(f"class_number {number} is not between 0, the lowest, and {many - 1}, of {many} classes")
    return ThresholdRule("multi_otsu", classes=many, class_number=number)


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


def _whole(given: float, name: str) -> int:
    number = _number(given, name)
    if number != int(number):
        raise ParameterError(f"{name} is a whole number, not {number:g}")
    return int(number)


def above_up_to(found: Extent, above: float | None, up_to: float | None = None) -> CountedRange | None:
    """Above one value and up to another one, by their float64; None if no value lies above the first."""
    first = None if above is None else first_where(found, lambda value: value > above)
    if above is not None and first is None:
        return None
    return CountedRange(first, None if up_to is None else last_where(found, lambda value: value <= up_to))


def _between(found: Extent, lower: float | None, upper: float | None) -> CountedRange | None:
    """From one value up to another, both included, by their float64: 0.5 is not rounded for whole numbers."""
    first = None if lower is None else first_where(found, lambda value: value >= lower)
    last = None if upper is None else last_where(found, lambda value: value <= upper)
    if (lower is not None and first is None) or (upper is not None and last is None):
        return None
    return CountedRange(first, last)
