"""The distances of slices, rows and columns, as far as they are known, and whether they agree with an affine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from voxelry.core.affine import LARGEST
from voxelry.core.errors import GeometryError, ParameterError

Spacing: TypeAlias = tuple[float | None, float | None, float | None]
"""Millimetres ``(slice, row, column)``; None for each that is unknown. The slice step is along the normal."""
UNKNOWN: Spacing = (None, None, None)

SPACING_AGREES = 1e-4
"""A spacing that is given beside an affine may differ from the affine's own by this fraction."""
_SAME_NUMBER = 1e-9
"""A spacing nearer to the affine's than this fraction is the same number; the digits given are kept."""


def checked_spacing(spacing: Sequence[float | None]) -> Spacing:
    """Three positive numbers or None.

    Raises
    ------
    ParameterError
        If they are none.
    """
    found = tuple(None if one is None else float(one) for one in spacing)
    if len(found) != 3:
        raise ParameterError(f"a spacing is three numbers (slice, row, column), not {len(found)}")
    if any(one is not None and not (0 < one < LARGEST) for one in found):
        raise ParameterError(f"a spacing is a positive number of millimetres or None, not {found}")
    return found[0], found[1], found[2]


def agreed_spacing(given: Spacing, own: tuple[float, float, float]) -> Spacing:
    """The affine's spacing, in the digits given where they are the same numbers.

    Raises
    ------
    GeometryError
        If they disagree.
    """
    differences = [0.0 if one is None else abs(one - its) / its for one, its in zip(given, own, strict=True)]
    if max(differences) > SPACING_AGREES:
        told = ", ".join("unknown" if one is None else f"{one:g}" for one in given)
        found = ", ".join(f"{one:g}" for one in own)
        raise GeometryError(
            f"the spacing ({told}) mm disagrees with the affine, whose own is ({found}) mm (slice, row, column)",
            spacing_mm=list(given),
            affine_spacing_mm=list(own),
        )
    slices, rows, columns = (
        its if one is None or difference > _SAME_NUMBER else one
        for one, its, difference in zip(given, own, differences, strict=True)
    )
    return slices, rows, columns


def same_spacing(one: Spacing, other: Spacing, tolerance: float) -> bool:
    """True if each pair of numbers differs by no more than this fraction of the smaller, or both are unknown."""
    return all(
        own is its if own is None or its is None else abs(own - its) <= tolerance * min(own, its)
        for own, its in zip(one, other, strict=True)
    )
