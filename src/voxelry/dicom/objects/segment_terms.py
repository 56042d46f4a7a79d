"""What segments are, in the terms of DICOM's context groups: search by words or by code."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from voxelry.core.errors import ParameterError
from voxelry.core.segmentation import RGB, Code

_FILE = Path(__file__).with_name("segment_terms.json")
_WORD = re.compile(r"[^\W_]+")
_SPELLINGS = (
    ("oesophag", "esophag"), ("oedem", "edem"), ("tumour", "tumor"), ("haem", "hem"), ("caec", "cec"), ("grey", "gray"),
)  # fmt: skip
"""British spellings, which DICOM's meanings have not."""
_ALSO = {
    "neoplasm": "tumor cancer", "kidney": "renal", "liver": "hepatic", "lung": "pulmonary", "brain": "cerebral",
    "heart": "cardiac", "hemorrhage": "bleeding", "stomach": "gastric", "gallbladder": "cholecyst",
}  # fmt: skip
"""Other words that people search with."""
LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class SegmentTerm:
    """What a segment can be: Segmented Property Category and Type (PS3.3 C.8.20.4).

    Attributes
    ----------
    category, type
        As DICOM's context groups pair them (CID 7150, 7191 to 7198).
    modifiers
        That may be chosen with it: right, left and both, of what there are two of; else none.
    colour
        That is usual for it; None for none. Not DICOM's, which has none.
    common
        Whether it is in a context group of common structures.

    Examples
    --------
    >>> kidney = voxelry.segment_terms("left kidney")[0]
    >>> isinstance(kidney, voxelry.SegmentTerm), kidney.type.meaning, kidney.category.meaning
    (True, 'Kidney', 'Anatomical Structure')
    >>> [modifier.meaning for modifier in kidney.modifiers]
    ['Right', 'Left', 'Bilateral']
    """

    category: Code
    type: Code
    modifiers: tuple[Code, ...]
    colour: RGB | None
    common: bool


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a search compares of a term: its words, those of its sides and others for it, and its code."""

    words: tuple[str, ...]
    others: tuple[str, ...]
    code: str
    common: bool

    def rank(self, wanted: Sequence[str]) -> tuple[int, ...] | None:
        """The smaller the better; None if a word is not in it."""
        if not wanted:
            return (0, len(self.words)) if self.common else None
        if [self.code.casefold()] == [*wanted]:
            return (0,)
        known = (*self.words, *self.others)
        if not all(any(word.startswith(one) for word in known) for one in wanted):
            return None
        own = [one for one in wanted if any(word.startswith(one) for word in self.words)]
        return (
            1,
            not own,  # by others alone
            sorted(own) != sorted(self.words),
            not own or not self.words[0].startswith(own[0]),
            not all(one in known for one in wanted),
            not self.common,
            len(self.words),
        )


@dataclass(frozen=True, slots=True)
class _Terms:
    """All terms and regions, and what is compared of them."""

    terms: tuple[SegmentTerm, ...]
    entries: tuple[_Entry, ...]
    regions: tuple[Code, ...]
    region_entries: tuple[_Entry, ...]


def segment_terms(text: str = "", *, limit: int = 20) -> tuple[SegmentTerm, ...]:
    """The terms that a text means, the best first.

    Each word of it begins a word of the term, in any order; or it is its code. Words for sides find what there are two
    of. Neither case nor accents count.

    Parameters
    ----------
    text
        Words, or a code; without it, common structures.
    limit
        How many at most.

    Returns
    -------
    terms
        Empty if nothing is meant.

    Raises
    ------
    ParameterError
        If the text is longer than 200 characters, or the limit is below 1.

    Examples
    --------
    >>> [term.type.meaning for term in voxelry.segment_terms("lobe lung upper")]
    ['Upper lobe of lung']
    >>> voxelry.segment_terms("10200004")[0].type.meaning
    'Liver'
    """
    known = _terms()
    return tuple(known.terms[index] for index in _found(text, limit, known.entries))


def region_terms(text: str = "", *, limit: int = 20) -> tuple[Code, ...]:
    """The anatomic regions (CID 4 and 4030) that a text means, as `segment_terms` finds terms."""
    known = _terms()
    return tuple(known.regions[index] for index in _found(text, limit, known.region_entries))


def _found(text: str, limit: int, entries: Sequence[_Entry]) -> list[int]:
    if len(text) > LONGEST_TEXT or limit < 1:
        raise ParameterError(f"a search has at most {LONGEST_TEXT} characters, and a limit from 1 on")
    wanted = _words(text)
    ranks = ((entry.rank(wanted), index) for index, entry in enumerate(entries))
    return [index for _, index in sorted((rank, index) for rank, index in ranks if rank is not None)[:limit]]


def _words(text: str) -> tuple[str, ...]:
    """The words of a text without case and accents, in American spelling."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one)).casefold()
    for british, american in _SPELLINGS:
        plain = plain.replace(british, american)
    return tuple(_WORD.findall(plain))


@cache
def _terms() -> _Terms:
    told: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))
    sides = tuple(Code(*one) for one in told["sides"])
    categories = {one[0]: Code(*one) for one in told["categories"]}
    terms = tuple(
        SegmentTerm(
            category=categories[one["category"]],
            type=Code(*one["type"]),
            modifiers=sides if one["paired"] else (),
            colour=_rgb(one["colour"]),
            common=one["common"],
        )
        for one in told["terms"]
    )
    regions = tuple(Code(*one) for one in told["regions"])
    return _Terms(
        terms,
        tuple(_entry(one.type, one.modifiers, common=one.common) for one in terms),
        regions,
        tuple(_entry(one, (), common=True) for one in regions),
    )


def _entry(code: Code, sides: Iterable[Code], *, common: bool) -> _Entry:
    words = tuple(word for side in sides for word in _words(side.meaning))
    own = _words(code.meaning)
    also = tuple(other for word in own for other in _ALSO.get(word, "").split())
    return _Entry(own, ((*words, "both") if words else ()) + also, code.value, common)


def _rgb(colour: str | None) -> RGB | None:
    if colour is None:
        return None
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue
