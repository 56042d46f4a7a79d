"""The windows that a header proposes (PS3.3 C.11.2.1.2)."""

from __future__ import annotations

import math

from voxelry.core.intensity import Window, WindowFunction
from voxelry.dicom.headers.attributes import Attributes, text, texts


def windows_in(voi: Attributes) -> tuple[Window, ...]:
    """The windows of a header, or of an item of a sequence; invalid windows are left out."""
    centers, widths = _each_number(voi, "WindowCenter"), _each_number(voi, "WindowWidth")
    names = texts(voi, "WindowCenterWidthExplanation")
    function = _function(text(voi, "VOILUTFunction"))
    found = []
    for number_, (center, width) in enumerate(zip(centers, widths, strict=False)):
        if center is None or width is None:
            continue
        if width >= 1 or (width > 0 and function != "LINEAR"):
            name = names[number_].strip() if number_ < len(names) else ""
            found.append(Window(center, width, function, name))
    return tuple(dict.fromkeys(found))


def _each_number(voi: Attributes, keyword: str) -> list[float | None]:
    """Each value of a text attribute as a number; None for a value that is no finite number."""
    found: list[float | None] = []
    for word in texts(voi, keyword):
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        found.append(value if math.isfinite(value) else None)
    return found


def _function(name: str) -> WindowFunction:
    match name:
        case "LINEAR_EXACT":
            return "LINEAR_EXACT"
        case "SIGMOID":
            return "SIGMOID"
    return "LINEAR"
