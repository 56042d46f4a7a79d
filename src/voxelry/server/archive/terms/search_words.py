"""The words that studies are found by, and the words that somebody types: folded alike, and dates in one form.

Words are parts of the search text of a study. An index holds the *grams* of that text, its runs of one, two and three
letters or digits, so that it finds parts of words in any script; a text that has all grams of a word is a candidate,
and has the word if the word is in it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

MOST_WORDS = 200
MOST_TEXT = 8_000
"""Characters of a study's search text; descriptions of more series are left out."""
MOST_KEY = 100
"""Characters of a sort key."""

_GRAM = 3
_SEPARATORS = re.compile(r"[\s^=\0]+")
_QUERY_SEPARATORS = re.compile(r"[\s^=\0,;]+")
_RUN = re.compile(r"[^\W_]+")
_DATE_MARK = "\ue000"
"""Begins the dates in a search text; no word that somebody wrote has it."""
_YEARS = range(1850, 2101)

_YEAR_FIRST = re.compile(r"(\d{4})(?:([-./])(\d{1,2})\2(\d{1,2})|年(\d{1,2})月(\d{1,2})日?)")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_YEAR_LAST = re.compile(r"(\d{1,2})([-./])(\d{1,2})\2(\d{4}|\d{2})")
_MONTH = re.compile(r"(\d{4})(?:[-./](\d{1,2})|年(\d{1,2})月)|(\d{1,2})[-./](\d{4})")
_DAY = re.compile(r"(\d{1,2})(?:st|nd|rd|th|er|\.)?")
_YEAR = re.compile(r"\d{4}")
_JOINED = re.compile(r"(\d{1,2})([-./ ])([^\W\d_]{3,})\.?\2(\d{4})")

_MONTHS = (
    "january jan januar janvier enero gennaio",
    "february feb februar fevrier fevr febrero febbraio",
    "march mar marz mars marzo",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio",
    "june jun juni juin junio giugno",
    "july jul juli juillet juil julio luglio",
    "august aug aout agosto ago",
    "september sep sept septembre septiembre settembre",
    "october oct oktober okt octobre octubre ottobre",
    "november nov novembre noviembre",
    "december dec dezember dez decembre diciembre dic dicembre",
)
_MONTH_NUMBERS = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split()}


@dataclass(frozen=True, slots=True)
class Term:
    """One condition of a search: the parts of one of these alternatives are all in the search text."""

    alternatives: tuple[tuple[str, ...], ...]

    def matches(self, text: str) -> bool:
        """Whether a search text meets the condition."""
        return any(all(part in text for part in parts) for parts in self.alternatives)


def folded(text: str) -> str:
    """A text without case, accents and differences of width, for comparison: ``Müller`` and ``MULLER`` are equal."""
    if text.isascii():
        return text.lower()
    plain = text.replace(_DATE_MARK, " ")
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", plain).casefold())
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c)))


def sort_key(text: str) -> str:
    """The key that a value is sorted by: folded, with the parts of a name apart."""
    return " ".join(_words(text))[:MOST_KEY]


def name_key(name: str) -> str:
    """The `sort_key` of a person's name, behind a ``=`` if it has several component groups."""
    return ("=" if "=" in name else "") + sort_key(name)[: MOST_KEY - 1]


def search_text(values: Iterable[str], dates: Iterable[str]) -> str:
    """The search text of some values and dates (``YYYY-MM-DD``; other dates are left out): each word once."""
    found = dict.fromkeys(_DATE_MARK + "".join(day.split("-")) for day in dates if iso_date(day))
    for value in values:
        for own, marks in _dated(_words(value)):
            found.update(dict.fromkeys((*own, *marks)))
    text = " ".join(found)
    return text if len(text) <= MOST_TEXT else text[: MOST_TEXT + 1].rpartition(" ")[0]


def iso_date(text: str) -> str:
    """The text if it is a date such as ``2024-03-15``, else nothing."""
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) is None or not text.isascii():
        return ""
    try:
        date.fromisoformat(text)
    except ValueError:
        return ""
    return text


def grams(text: str, longest: int = _GRAM) -> set[str]:
    """The runs of up to three letters or digits in a text, or of up to fewer."""
    runs = _RUN.findall(text)
    return {gram for run in runs for size in range(1, longest + 1) for gram in _pieces(run, size)}


def short_grams(text: str) -> set[str]:
    """The runs of one and two letters or digits in a text."""
    return grams(text, _GRAM - 1)


def chains(text: str) -> list[list[str]]:
    """For each run of letters or digits, its longest grams in their order: a text with the run has them so."""
    return [_pieces(run, min(len(run), _GRAM)) for run in _RUN.findall(text)]


def _pieces(run: str, size: int) -> list[str]:
    return [run[i : i + size] for i in range(len(run) - size + 1)]


def date_tokens(text: str) -> list[str]:
    """The days and months of the dates in a search text, or of one that somebody typed, as words of their own."""
    found: dict[str, None] = {}
    for word in text.split():
        if word.startswith(_DATE_MARK) and word[1:].isdecimal() and len(word) in (7, 9):
            found["month" + word[1:7]] = None
            if len(word) == 9:
                found["day" + word[1:]] = None
    return list(found)


def is_run(part: str) -> bool:
    """Whether a part of a word has letters and digits only."""
    return _RUN.fullmatch(part) is not None


def is_gram(part: str) -> bool:
    """Whether a part of a word is one gram, so that each text with the gram has the part."""
    return len(part) <= _GRAM and is_run(part)


def terms_of(search: str) -> tuple[Term, ...]:
    """The conditions of what somebody typed: each word has to be in the text, a date in any form of writing."""
    words = [word for word in _QUERY_SEPARATORS.split(folded(search)) if word][:MOST_WORDS]
    found: list[Term] = []
    plain: list[str] = []
    for own, marks in _dated(words):
        if marks:
            # Letters and digits may stand apart, or in an identifier. Other forms of dates have marks in texts too.
            as_written = [own] if all(map(is_run, own)) else []
            found.append(Term((*((mark,) for mark in marks), *as_written)))
        else:
            plain += own
    return (*(Term(((word,),)) for word in _without_parts(plain)), *dict.fromkeys(found))


def _words(text: str) -> list[str]:
    return [word for word in _SEPARATORS.split(folded(text)) if word]


def _dated(words: list[str]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """The words, those of one date together, each with the marks of the date that they are."""
    index = 0
    while index < len(words):
        length, marks = _date_at(words, index)
        yield tuple(words[index : index + length]), marks
        index += length


def _without_parts(words: Iterable[str]) -> list[str]:
    """The words, longest first, without those that another one contains."""
    kept: list[str] = []
    for word in sorted(dict.fromkeys(words), key=len, reverse=True):
        if not any(word in longer for longer in kept):
            kept.append(word)
    return kept


def _date_at(words: list[str], index: int) -> tuple[int, list[str]]:
    """How many words from this one on are a date, and its marks: one for each reading."""
    for length in (3, 2):
        some = words[index : index + length]
        if len(some) == length and (marks := [_mark(*parts) for parts in _named_month(some)]):
            return length, marks
    return 1, list(dict.fromkeys(_mark(*parts) for parts in _numbers(words[index])))


def _mark(year: int, month: int, day: int | None) -> str:
    return f"{_DATE_MARK}{year:04d}{month:02d}" + ("" if day is None else f"{day:02d}")


def _named_month(words: list[str]) -> Iterator[tuple[int, int, int | None]]:
    """Year, month and day of words such as ``15 march 2024``, ``march 15 2024``, ``mar 2024``."""
    *others, last = words
    if _YEAR.fullmatch(last) is None:
        return
    months = [number for word in others if (number := _MONTH_NUMBERS.get(word.rstrip("."))) is not None]
    days = [int(day[1]) for word in others if (day := _DAY.fullmatch(word)) is not None]
    if len(months) == 1 and len(days) == len(others) - 1:
        yield from _existing(int(last), months[0], days[0] if days else None)


def _numbers(word: str) -> Iterator[tuple[int, int, int | None]]:
    """Year, month and day of each reading of a word such as ``3/4/2024``."""
    if found := _YEAR_FIRST.fullmatch(word):
        yield from _existing(int(found[1]), int(found[3] or found[5]), int(found[4] or found[6]))
    elif found := _COMPACT.fullmatch(word):
        yield from _existing(int(found[1]), int(found[2]), int(found[3]))
    elif found := _YEAR_LAST.fullmatch(word):
        years = [int(found[4])] if len(found[4]) == 4 else [2000 + int(found[4]), 1900 + int(found[4])]
        first, second = int(found[1]), int(found[3])
        for year in years:
            yield from _existing(year, second, first)
            if found[2] != ".":  # 3/4/2024 is written for the third of April and for the fourth of March
                yield from _existing(year, first, second)
    elif found := _MONTH.fullmatch(word):
        yield from _existing(int(found[1] or found[5]), int(found[2] or found[3] or found[4]), None)
    elif (found := _JOINED.fullmatch(word)) and (month := _MONTH_NUMBERS.get(found[3])) is not None:
        yield from _existing(int(found[4]), month, int(found[1]))


def _existing(year: int, month: int, day: int | None) -> Iterator[tuple[int, int, int | None]]:
    if year not in _YEARS:
        return
    try:
        date(year, month, 1 if day is None else day)
    except ValueError:
        return
    yield year, month, day
