"""The query of a search: what is matched, which attributes are given, and which part of the list (PS3.18 8.3.4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qsl

from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import keyword_for_tag

from voxelry.dicom.headers.uid_text import may_be_uid
from voxelry.server.access.exchange import RefusedError
from voxelry.server.archive.terms.attribute_matching import offset_of
from voxelry.server.archive.terms.search_criteria import KeyValueError, criteria_of
from voxelry.server.archive.terms.search_keys import KEYS, Criterion, Level

MOST_ROWS = 10_000
"""Results of one answer, whatever limit is asked for; the others are told in a warning."""
_LONGEST = 65_536
_MOST_PARAMETERS = 500
_MOST_NUMBER = 2**31 - 1
_ZONE = "TimezoneOffsetFromUTC"
_NOTHING = "\\"
"""No UID is this."""
_IGNORED = frozenset({"accept", "charset"})
"""Parameters that are no business of the search itself."""
_UNSUPPORTED = {
    "fuzzymatching": "The fuzzymatching parameter is not supported. Only literal matching has been performed.",
    "emptyvaluematching": "The emptyvaluematching parameter is not supported.",
    "multiplevaluematching": "",
}


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A query that can be answered.

    Attributes
    ----------
    include, include_all
        Tags of attributes that are given beside the required ones; whether all are given.
    limit
        None if the client names none.
    warnings
        What was not done as it was asked for.
    """

    criteria: tuple[Criterion, ...]
    include: frozenset[int]
    include_all: bool
    limit: int | None
    offset: int
    warnings: tuple[str, ...]

    @property
    def most(self) -> int:
        """The number of results that the answer has at most."""
        return MOST_ROWS if self.limit is None else min(self.limit, MOST_ROWS)


def parsed_query(query: str, level: Level, *, within: Sequence[tuple[str, str]] = ()) -> SearchQuery:
    """Read the query of a search.

    Parameters
    ----------
    query
        As it was sent, without the question mark.
    within
        Keys and UIDs that the address names.

    Raises
    ------
    RefusedError
        400 with words that tell the parameter, and never its value.
    """
    pairs = _parameters(query)
    matched: dict[str, str] = {}
    told: dict[str, str] = {}
    include: set[int] = set()
    include_all = False
    warnings: list[str] = []
    unknown: list[str] = []
    for name, value in pairs:
        plain = name.strip().lower()
        if plain in ("limit", "offset", *_UNSUPPORTED):
            if plain in told and told[plain] != value:
                raise _refused(f"The parameter {plain} is given twice.")
            told[plain] = value
        elif plain == "includefield":
            some, everything, others = _included(value)
            include |= some
            include_all = include_all or everything
            unknown += others
        elif plain not in _IGNORED:
            _add_key(name.strip(), value, level, matched, unknown)
    for name, words in _UNSUPPORTED.items():
        if _flag(name, told.get(name, "false")) and words:
            warnings.append(words)
    if unknown:
        names = ", ".join(dict.fromkeys(unknown))
        warnings.append(f"These parameters or attributes are not supported and were ignored: {names}.")
    for key, uid in within:
        if not may_be_uid(uid) or (
            key in matched and uid not in matched[key].replace(",", "\\").split("\\") and matched[key].strip("* ")
        ):
            matched[key] = _NOTHING
        else:
            matched[key] = uid
    return SearchQuery(
        _criteria(matched, dict(within)),
        frozenset(include | {tag for name in matched if (tag := _tag_of(name.partition(".")[0])) is not None}),
        include_all,
        _number("limit", told["limit"]) if told.get("limit", "") else None,
        _number("offset", told["offset"]) if told.get("offset", "") else 0,
        tuple(warnings),
    )


def _parameters(query: str) -> list[tuple[str, str]]:
    if len(query) > _LONGEST:
        raise _refused(f"The query is longer than {_LONGEST} characters.")
    if query.count("&") >= _MOST_PARAMETERS:
        raise _refused(f"The query has more than {_MOST_PARAMETERS} parameters.")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
        "".join(part for pair in pairs for part in pair).encode()
    except (UnicodeError, ValueError):
        raise _refused("The query is no UTF-8: percent-encode the bytes of its characters in UTF-8.") from None
    if any("\0" in part for pair in pairs for part in pair):
        raise _refused("The query has a NUL character.")
    return pairs


def _add_key(name: str, value: str, level: Level, matched: dict[str, str], unknown: list[str]) -> None:
    """Add a condition by the name of its key; a name that is no supported key is told as unknown."""
    key = _key_of(name)
    if key == "Modality" and level is Level.STUDY:
        key = "ModalitiesInStudy"
    if key is None or (key != _ZONE and KEYS[key].level > level):
        unknown.append(_printable(name))
        return
    before = matched.get(key)
    if before is not None and before != value:
        if key == _ZONE or KEYS[key].vr not in ("UI", "CS"):
            raise _refused(f"The key {key} is given twice.")
        value = f"{before}\\{value}"
    matched[key] = value


def _criteria(matched: dict[str, str], within: dict[str, str]) -> tuple[Criterion, ...]:
    values = {name: value for name, value in matched.items() if name != _ZONE}
    try:
        return criteria_of(values, exact=within, combined=True, zone=_zone(matched.get(_ZONE, "")))
    except KeyValueError as error:
        raise _refused(f"The value of {error.key} {error}.") from None


def _zone(text: str) -> int | None:
    if not text.strip("* "):
        return None
    found = offset_of(f"+{text[1:]}" if text.startswith(" ") else text)  # a plus sign that was sent as it is
    if found is None:
        raise _refused(f"The value of {_ZONE} is no offset such as +0100 (percent-encode the plus sign as %2B).")
    return found


def _included(value: str) -> tuple[set[int], bool, list[str]]:
    """The tags of a list of attributes, whether it has ``all``, and the names that are no attributes."""
    tags: set[int] = set()
    unknown = []
    everything = False
    for name in (part.strip() for part in value.split(",")):
        if name.lower() == "all":
            everything = True
        elif name:
            tag = _tag_of(name.partition(".")[0])
            if tag is None:
                unknown.append(_printable(name))
            else:
                tags.add(tag)
    return tags, everything, unknown


def _key_of(name: str) -> str | None:
    """The name of a supported key by its keywords or tags, with a dot before what is in a sequence."""
    tags = [_tag_of(part) for part in name.split(".")]
    known = ".".join(keyword_for_tag(tag) for tag in tags if tag is not None)
    return known if None not in tags and (known in KEYS or known == _ZONE) else None


def _tag_of(name: str) -> int | None:
    """The tag of a keyword, in any case, or of eight hexadecimal digits."""
    if len(name) == 8 and all(one in "0123456789abcdefABCDEF" for one in name):
        return int(name, 16)
    return _tags_by_keyword().get(name.lower())


@cache
def _tags_by_keyword() -> dict[str, int]:
    return {entry[4].lower(): tag for tag, entry in DicomDictionary.items() if entry[4]}


def _flag(name: str, value: str) -> bool:
    if value.strip().lower() not in ("true", "false", ""):
        raise _refused(f"The parameter {name} is neither true nor false.")
    return value.strip().lower() == "true"


def _number(name: str, value: str) -> int:
    digits = value.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 12 and int(digits) <= _MOST_NUMBER):
        raise _refused(f"The parameter {name} is no whole number from 0 to {_MOST_NUMBER}.")
    return int(digits)


def _printable(name: str) -> str:
    """The name of a parameter for a warning: letters and digits only, which are no patient's value."""
    plain = "".join(one for one in name[:64] if one.isascii() and (one.isalnum() or one in "._-"))
    return plain if plain == name else "(unreadable)"


def _refused(words: str) -> RefusedError:
    return RefusedError(400, words, code="query")


def warning_of(lines: Iterable[str]) -> str:
    """The header Warning (RFC 7234 5.5) of some texts."""
    return ", ".join(f'299 voxelry "{line}"' for line in lines)
