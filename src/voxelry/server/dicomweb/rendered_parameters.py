"""The query parameters of rendered resources and thumbnails (PS3.18 8.3.5)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from voxelry.core.intensity import Window, WindowFunction
from voxelry.server.access.exchange import RefusedError
from voxelry.workflows.pictures.viewport import Viewport

LONGEST_SIDE = 16_384
MOST_PIXELS = 2**26
"""Of a viewport."""
QUALITY = 90
_FUNCTIONS: Mapping[str, WindowFunction] = {
    "linear": "LINEAR",
    "linear-exact": "LINEAR_EXACT",
    "sigmoid": "SIGMOID",
}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")
_FARTHEST = 1e15
"""Numbers beyond this are no window and no place in a picture."""
_PROFILES = ("no", "yes", "srgb", "adobergb", "rommrgb")
_ANNOTATIONS = ("patient", "technique")


@dataclass(frozen=True, slots=True)
class Rendering:
    """How pictures are wanted.

    Attributes
    ----------
    window
        None for what each header proposes.
    viewport
        None for the frame's own size.
    key
        Differs if any of them differs.
    warnings
        About parameters that have no effect.
    """

    window: Window | None = None
    viewport: Viewport | None = None
    quality: int = QUALITY
    key: str = ""
    warnings: tuple[str, ...] = ()


def single_values(parameters: Sequence[tuple[str, str]], names: Iterable[str]) -> dict[str, str]:
    """The values of these parameters; one that is given twice is refused."""
    wanted = frozenset(names)
    found: dict[str, str] = {}
    for name, value in parameters:
        if name in wanted:
            if name in found:
                raise RefusedError(400, f"The parameter {name} is given more than once.", code="parameter")
            found[name] = value
    return found


def rendering_of(parameters: Sequence[tuple[str, str]]) -> Rendering:
    """How the pictures of a rendered resource are wanted (8.3.5.1). Unknown parameters are ignored.

    Raises
    ------
    RefusedError
        400 for a value that is not allowed.
    """
    given = single_values(parameters, ("window", "viewport", "quality", "annotation", "iccprofile"))
    if not given:
        return Rendering()
    return Rendering(
        window_of_text(given["window"]) if "window" in given else None,
        viewport_of(given["viewport"]) if "viewport" in given else None,
        quality_of(given["quality"]) if "quality" in given else QUALITY,
        "&".join(f"{name}={given[name]}" for name in ("window", "viewport", "quality") if name in given),
        tuple(_without_effect(given)),
    )


def thumbnail_size(parameters: Sequence[tuple[str, str]]) -> Viewport | None:
    """The size of a thumbnail (8.3.5.2), which has a width and a height only; None if none is given.

    Raises
    ------
    RefusedError
        400 for a value that is not allowed.
    """
    text = single_values(parameters, ("viewport",)).get("viewport")
    if text is None:
        return None
    if text.count(",") != 1:
        raise _refused("viewport", "of a thumbnail is a width and a height: viewport=128,128")
    return viewport_of(text)


def window_of_text(text: str) -> Window:
    """``center,width,function``: all three (8.3.5.1.4)."""
    parts = text.split(",")
    if len(parts) != 3 or parts[2] not in _FUNCTIONS:
        raise _refused("window", "needs a center, a width and one of linear, linear-exact and sigmoid in lower case")
    return window_of_numbers(decimal(parts[0], "window"), decimal(parts[1], "window"), _FUNCTIONS[parts[2]], "window")


def window_of_numbers(center: float, width: float, function: WindowFunction, name: str) -> Window:
    """A window, if its width is one that the function allows (PS3.3 C.11.2.1.2)."""
    if width <= 0 or (function == "LINEAR" and width < 1):
        raise _refused(name, "has a width of at least 1 for linear, and above 0 for the other functions")
    return Window(center, width, function)


def viewport_of(text: str) -> Viewport:
    """``vw,vh[,sx[,sy[,sw[,sh]]]]`` (8.3.5.1.3); a value may be left out between two commas."""
    parts = text.split(",")
    if not 2 <= len(parts) <= 6:
        raise _refused("viewport", "needs a width and a height, and up to four numbers of the part that is shown")
    width, height = (positive_side(part, "viewport") for part in parts[:2])
    if width * height > MOST_PIXELS:
        raise _refused("viewport", f"has more than {MOST_PIXELS:,} pixels")
    left, top, part_width, part_height = (
        decimal(part, "viewport") if part else None for part in (*parts[2:], *[""] * (6 - len(parts)))
    )
    if part_width == 0 or part_height == 0:
        raise _refused("viewport", "shows a part without pixels")
    return Viewport(
        width,
        height,
        abs(left or 0.0),
        abs(top or 0.0),
        None if part_width is None else abs(part_width),
        None if part_height is None else abs(part_height),
        flip_columns=part_width is not None and part_width < 0,
        flip_rows=part_height is not None and part_height < 0,
    )


def positive_side(text: str, name: str) -> int:
    """A width or a height in pixels."""
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 0 < int(text) <= LONGEST_SIDE:
        raise _refused(name, f"needs sides that are whole numbers from 1 to {LONGEST_SIDE:,}")
    return int(text)


def quality_of(text: str, name: str = "quality") -> int:
    """From 1 to 100 (8.3.5.1.2)."""
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= 100:
        raise _refused(name, "is a whole number from 1 to 100")
    return int(text)


def decimal(text: str, name: str) -> float:
    """A decimal number."""
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not abs(value) <= _FARTHEST:
        raise _refused(name, "has something that is no number, or one that is too large")
    return value


def annotations_of(text: str) -> list[str]:
    """Warnings about annotations, none of which is drawn (8.3.5.1.1)."""
    words = [word.strip() for word in text.split(",")]
    if not all(word in _ANNOTATIONS for word in words):
        raise _refused("annotation", "is a list of patient and technique")
    return [f"the annotation values are not supported: {', '.join(words)}"]


def _without_effect(given: Mapping[str, str]) -> list[str]:
    found = annotations_of(given["annotation"]) if "annotation" in given else []
    profile = given.get("iccprofile", "no")
    if profile not in _PROFILES:
        raise _refused("iccprofile", f"is one of {', '.join(_PROFILES)}")
    if profile != "no":
        found.append("the iccprofile parameter is not supported: the picture has no profile")
    return found


def _refused(name: str, words: str) -> RefusedError:
    return RefusedError(400, f"The parameter {name} {words}.", code="parameter")
