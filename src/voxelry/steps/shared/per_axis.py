"""Parameters that are one number for all axes, or one for each axis."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, Field


def parted(given: Any) -> Any:
    """Split ``"2, 1, 1"`` into three texts, for the terminal and for forms."""
    if isinstance(given, str):
        parts = [one for one in re.split(r"[,;\s]+", given.strip()) if one]
        return parts if len(parts) > 1 else given
    return given


_Positive = Annotated[float, Field(gt=0)]
_Size = Annotated[float, Field(ge=0)]
_Count = Annotated[int, Field(ge=1)]

Lengths: TypeAlias = Annotated[_Positive | tuple[_Positive, _Positive, _Positive], BeforeValidator(parted)]
"""One number above 0, or three in the order slice, row, column."""
LengthsOrNone: TypeAlias = Annotated[_Size | tuple[_Size, _Size, _Size], BeforeValidator(parted)]
"""As `Lengths`, with 0 for an axis that stays unchanged."""
Counts: TypeAlias = Annotated[_Count | tuple[_Count, _Count, _Count], BeforeValidator(parted)]
"""One integer from 1, or three in the order slice, row, column."""


def three(given: float | tuple[float, float, float]) -> tuple[float, float, float]:
    """The numbers ``(slice, row, column)``."""
    return given if isinstance(given, tuple) else (given, given, given)
