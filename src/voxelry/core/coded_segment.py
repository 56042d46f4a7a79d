"""The codes of a segment as a line of text: ``123037004 SCT Anatomical Structure; 10200004 SCT Liver``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from voxelry.core.errors import ParameterError
from voxelry.core.segmentation import Code, Segment

CODES_FORM: Final = "VALUE SCHEME MEANING of category; type; perhaps modifier; perhaps anatomic region"
_CODE = re.compile(r"([^\s;\\]{1,16}) ([A-Za-z0-9][A-Za-z0-9_.-]{0,15}) ([^;\\]{1,64})")
_LEAST, _MOST = 2, 4


@dataclass(frozen=True, slots=True)
class SegmentCodes:
    """What a segment is; see `Segment`."""

    category: Code
    type: Code
    type_modifier: Code | None = None
    anatomic_region: Code | None = None


def segment_with_codes(segment: Segment, text: str) -> Segment:
    """The segment with the codes that a text holds; the same where it is empty.

    Raises
    ------
    ParameterError
        If it holds none.
    """
    if not text:
        return segment
    found = codes_of_text(text)
    return replace(
        segment, category=found.category, type=found.type, type_modifier=found.type_modifier,
        anatomic_region=found.anatomic_region,
    )  # fmt: skip


def codes_of_text(text: str) -> SegmentCodes:
    """The codes that a text holds; ``-`` stands for a modifier that is left out before a region.

    Raises
    ------
    ParameterError
        If a text is none, or there are too few or too many.
    """
    parts = [one.strip() for one in text.split(";")]
    if not _LEAST <= len(parts) <= _MOST:
        raise ParameterError(f"the codes of a segment are {CODES_FORM}")
    category, kind = map(_code, parts[:_LEAST])
    modifier, region = (None if one == "-" else _code(one) for one in (*parts[_LEAST:], "-", "-")[:2])
    return SegmentCodes(category, kind, modifier, region)


def text_of_codes(codes: SegmentCodes) -> str:
    """The text from which codes are read back."""
    every = (codes.category, codes.type, codes.type_modifier, codes.anatomic_region)
    return "; ".join("-" if one is None else f"{one.value} {one.scheme} {one.meaning}" for one in every)


def _code(text: str) -> Code:
    found = _CODE.fullmatch(text)
    if found is None or not text.isprintable():
        raise ParameterError(f"the codes of a segment are {CODES_FORM}")
    return Code(*found.groups())
