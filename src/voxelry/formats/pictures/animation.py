"""Animations: several pictures in one file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import chain
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import FormatError
from voxelry.core.extras import needed_for

AnimationFormat: TypeAlias = Literal["gif", "webp", "apng"]
LONGEST_SIDE: dict[AnimationFormat, int] = {"gif": 65_535, "webp": 16_383, "apng": 2**31 - 1}
"""Largest width and height in pixels that each format can store."""

_NAMES = {"gif": "GIF", "webp": "WEBP", "apng": "PNG"}
_MORE: dict[AnimationFormat, dict[str, Any]] = {"webp": {"lossless": True, "method": 0}, "gif": {"optimize": False}}


def encode_animation(
    pictures: Iterator[npt.NDArray[np.uint8]], kind: AnimationFormat, *, seconds: float | Sequence[float]
) -> bytes:
    """Encode pictures as an endless animation.

    Grey levels are exact in all three, colours in WebP and APNG; a GIF has 256 colours for each picture.

    Parameters
    ----------
    pictures
        At least one; uint8, all of one shape, ``(row, column)`` grey or ``(row, column, 3)`` RGB.
    seconds
        Duration of every picture, or of each; GIF has hundredths of a second. Consecutive equal pictures may be merged
        into one that lasts longer.

    Raises
    ------
    FormatError
        If the pictures are larger than the format allows.
    """
    with needed_for(f"`{kind}`"):
        from PIL import Image

    first = next(pictures)
    longest = max(first.shape[:2])
    if longest > LONGEST_SIDE[kind]:
        raise FormatError(f"{kind} counts to {LONGEST_SIDE[kind]:,} pixels, and the picture has {longest:,}")
    images = [Image.fromarray(np.ascontiguousarray(one)) for one in chain([first], pictures)]
    file = BytesIO()
    images[0].save(
        file,
        _NAMES[kind],
        save_all=True,
        append_images=images[1:],
        duration=[_milliseconds(one) for one in seconds] if isinstance(seconds, Sequence) else _milliseconds(seconds),
        loop=0,
        **_MORE.get(kind, {}),
    )
    return file.getvalue()


def _milliseconds(seconds: float) -> int:
    return max(1, round(1000 * seconds))
