"""The identifier of a C-FIND request: read from its bytes, and held against its SOP class (PS3.4 C.4.1, C.2.2).

Levels above that of the query need their unique keys (hierarchical search, C.4.1.3.1.1), unless relational queries
were agreed upon (C.5.1.1). Keys of levels above may be matched and are returned in any case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydicom.datadict import keyword_for_tag

from voxelry.core.errors import DamagedError, VoxelryError
from voxelry.dicom.headers.elements import EncodedValue
from voxelry.dicom.headers.value_representations import NUMBER_FORMATS, dictionary_vr
from voxelry.dicom.json_model.binary_numbers import attribute_tags, binary_numbers
from voxelry.dicom.json_model.decoded_text import BY_CHARACTER_SET, PLAIN_TEXT, decoded, encodings_of
from voxelry.dicom.json_model.encoded_text import TextEncoder
from voxelry.dicom.json_model.nested_elements import (
    Surroundings,
    data_set_elements,
    is_explicit,
    resolved_vr,
    sequence_items,
)
from voxelry.network.statuses import CANNOT_UNDERSTAND, DOES_NOT_MATCH
from voxelry.server.archive.by_attribute.patient_search import OF_PATIENT
from voxelry.server.archive.terms.search_criteria import KeyValueError, criteria_of
from voxelry.server.archive.terms.search_keys import KEYS, Criterion, Level, SearchKey

CHARACTER_SET: Final = 0x00080005
QUERY_LEVEL: Final = 0x00080052
RETRIEVE_TITLE: Final = 0x00080054
AVAILABILITY: Final = 0x00080056
MOST_BYTES = 2**18
"""The longest identifier that is read: a list of a thousand UIDs has 65 kB."""
MOST_KEYS = 1_000
_ROOTS: Mapping[str, tuple[str, ...]] = {
    "1.2.840.10008.5.1.4.1.2.1.1": ("PATIENT", "STUDY", "SERIES", "IMAGE"),
    "1.2.840.10008.5.1.4.1.2.2.1": ("STUDY", "SERIES", "IMAGE"),
    "1.2.840.10008.5.1.4.1.2.3.1": ("PATIENT", "STUDY"),
}
"""The levels of each information model."""
UNIQUE_KEYS: Mapping[str, int] = {"PATIENT": 0x00100020, "STUDY": 0x0020000D, "SERIES": 0x0020000E, "IMAGE": 0x00080018}
_LEVELS: Mapping[str, Level] = {
    "PATIENT": Level.STUDY,
    "STUDY": Level.STUDY,
    "SERIES": Level.SERIES,
    "IMAGE": Level.INSTANCE,
}
_NO_KEYS = frozenset({CHARACTER_SET, QUERY_LEVEL})
_UNMATCHED_BY_DEFINITION = frozenset({0x00080201})
"""Timezone Offset From UTC says what the other keys mean, after a negotiation that is never granted."""
_RELATIONAL, _COMBINED = 0, 1
_TEXTS = BY_CHARACTER_SET | PLAIN_TEXT
_NUMBERS = frozenset(vr.decode() for vr in NUMBER_FORMATS)


class IdentifierError(VoxelryError, ValueError):
    """A request that is refused because of its identifier. The words name no value.

    Attributes
    ----------
    status
        That of the answer.
    offending
        The tags of the elements that are wrong.
    """

    code = "identifier"

    def __init__(self, status: int, words: str, *offending: int) -> None:
        self.status, self.offending = status, offending
        super().__init__(words)


@dataclass(frozen=True, slots=True)
class IdentifierKey:
    """A key of an identifier.

    Attributes
    ----------
    value
        Its value as text; empty if it has none, or is a sequence.
    item
        The keys in the first item of a sequence, by their tags.
    items
        The number of items.
    """

    tag: int
    vr: str
    value: str = ""
    item: Mapping[int, IdentifierKey] | None = None
    items: int = 0

    @property
    def is_universal(self) -> bool:
        """Whether it takes any value, and none (C.2.2.2.3)."""
        return not self.value.strip("* ") and all(one.is_universal for one in (self.item or {}).values())


@dataclass(frozen=True, slots=True)
class Identifier:
    """What a query asks for.

    Attributes
    ----------
    level
        PATIENT, STUDY, SERIES or IMAGE.
    keys
        The keys that are returned, by their tags.
    criteria
        What is matched.
    has_unmatched
        Whether a key has a value that is not matched.
    texts
        The character set of the request, in which it is answered if it has all characters.
    declares
        Whether the request has Specific Character Set.
    """

    level: str
    keys: Mapping[int, IdentifierKey]
    criteria: tuple[Criterion, ...]
    has_unmatched: bool
    texts: TextEncoder
    declares: bool

    @property
    def rows(self) -> Level:
        """The level of the rows that are searched."""
        return _LEVELS[self.level]


def agreed_options(requested: bytes) -> bytes:
    """What is answered to SOP Class Extended Negotiation (C.5.1.1): relational queries, and dates with times.

    Fuzzy matching of names, adjustment to a time zone and conversion of multi-frame images are not granted.
    """
    return bytes(value & (position in (_RELATIONAL, _COMBINED)) for position, value in enumerate(requested))


def read_identifier(content: bytes, sop_class: str, *, explicit: bool, options: bytes = b"") -> Identifier:
    """Read and check an identifier.

    Parameters
    ----------
    options
        What `agreed_options` answered.

    Raises
    ------
    IdentifierError
        If it cannot be read, does not match the SOP class, or has a value that its key cannot be compared with.
    """
    elements = _elements(content, explicit=explicit)
    texts = TextEncoder(elements.get(CHARACTER_SET, (b"", b""))[1].strip(b"\0 "))
    keys = _keys(elements, encodings_of(texts.declared))
    level = keys[QUERY_LEVEL].value.strip().upper() if QUERY_LEVEL in keys else ""
    own = {tag: key for tag, key in keys.items() if tag not in _NO_KEYS}
    _require_level(level, sop_class, own, is_relational=_agreed(options, _RELATIONAL))
    values, has_unmatched = _matched(level, own)
    try:
        criteria = criteria_of(values, combined=_agreed(options, _COMBINED))
    except KeyValueError as error:
        raise IdentifierError(DOES_NOT_MATCH, f"{error.key} {error}", _tag_of(error.key, own)) from None
    is_known = texts.is_known
    return Identifier(
        level,
        own,
        criteria,
        has_unmatched,
        texts if is_known else TextEncoder(),
        declares=CHARACTER_SET in elements,
    )


def _agreed(options: bytes, position: int) -> bool:
    return len(options) > position and options[position] == 1


def _elements(content: bytes, *, explicit: bool) -> dict[int, EncodedValue]:
    if len(content) > MOST_BYTES:
        raise IdentifierError(CANNOT_UNDERSTAND, f"the identifier has more than {MOST_BYTES} bytes")
    try:
        found = data_set_elements(content, explicit=explicit)
    except DamagedError:
        raise IdentifierError(CANNOT_UNDERSTAND, "the identifier cannot be read as a data set") from None
    if len(found) > MOST_KEYS:
        raise IdentifierError(CANNOT_UNDERSTAND, f"the identifier has more than {MOST_KEYS} keys")
    return {tag: value for tag, value in found.items() if tag & 0xFFFF and tag >> 16 > 2}


def _keys(
    elements: Mapping[int, EncodedValue], encodings: tuple[str, ...], around: Surroundings | None = None
) -> dict[int, IdentifierKey]:
    own = Surroundings.of(elements, around)
    return {tag: _key(tag, value, own, encodings, is_nested=around is not None) for tag, value in elements.items()}


def _key(
    tag: int, value: EncodedValue, around: Surroundings, encodings: tuple[str, ...], *, is_nested: bool
) -> IdentifierKey:
    # What a client calls a standard attribute does not change it.
    vr = dictionary_vr(tag).decode() or resolved_vr(tag, value, around)
    if vr == "SQ":
        items = [] if is_nested else list(sequence_items(value[1], explicit=is_explicit(value)))
        item = _keys(items[0], encodings, around) if items else None
        return IdentifierKey(tag, vr, item=item, items=len(items))
    if vr in _TEXTS:
        return IdentifierKey(tag, vr, decoded(value[1], vr, encodings).strip("\0 "))
    if vr in _NUMBERS:
        return IdentifierKey(tag, vr, "\\".join(map(str, binary_numbers(value[1], vr))))
    return IdentifierKey(tag, vr, "\\".join(attribute_tags(value[1])) if vr == "AT" else "")


def _require_level(level: str, sop_class: str, keys: Mapping[int, IdentifierKey], *, is_relational: bool) -> None:
    levels = _ROOTS.get(sop_class, ())
    if not level:
        raise IdentifierError(DOES_NOT_MATCH, "QueryRetrieveLevel is missing", QUERY_LEVEL)
    if level not in levels:
        raise IdentifierError(DOES_NOT_MATCH, f"QueryRetrieveLevel is none of {', '.join(levels)}", QUERY_LEVEL)
    if is_relational:
        return
    for above in levels[: levels.index(level)]:
        tag = UNIQUE_KEYS[above]
        key = keys.get(tag)
        if key is None or key.is_universal:
            words = f"a query at {level} level needs {keyword_for_tag(tag)}"
            raise IdentifierError(DOES_NOT_MATCH, words, tag)
        if any(mark in key.value for mark in "*?"):
            words = f"a query at {level} level needs one {keyword_for_tag(tag)}"
            raise IdentifierError(DOES_NOT_MATCH, words, tag)


def _matched(level: str, keys: Mapping[int, IdentifierKey]) -> tuple[dict[str, str], bool]:
    """The values of the keys that are matched, by their names, and whether another key has a value."""
    values: dict[str, str] = {}
    has_unmatched = False
    for tag, key in keys.items():
        name = keyword_for_tag(tag)
        if key.item is not None:
            nested = {f"{name}.{keyword_for_tag(one.tag)}": one for one in key.item.values()}
            has_unmatched = has_unmatched or key.items > 1
        else:
            nested = {name: key}
        for full_name, one in nested.items():
            if _is_matched(level, full_name):
                values[full_name] = one.value
            elif not one.is_universal and one.tag not in _UNMATCHED_BY_DEFINITION and full_name != "Modality":
                has_unmatched = True
    modality = keys.get(0x00080060)
    if level == "STUDY" and modality is not None and not modality.is_universal:
        # Not a key of this level: who asks so means the modalities in the study.
        if not values.get("ModalitiesInStudy", "").strip("* "):
            values["ModalitiesInStudy"] = modality.value
        else:
            has_unmatched = True
    return values, has_unmatched or (level == "PATIENT" and modality is not None and not modality.is_universal)


def _is_matched(level: str, name: str) -> bool:
    key: SearchKey | None = KEYS.get(name)
    if key is None or key.level > _LEVELS[level]:
        return False
    return level != "PATIENT" or name in OF_PATIENT


def _tag_of(name: str, keys: Mapping[int, IdentifierKey]) -> int:
    """The tag of the key that a condition's name stands for; that of the sequence if it is in one."""
    wanted = name.partition(".")[0]
    found = next((tag for tag in keys if keyword_for_tag(tag) == wanted), None)
    return 0x00080060 if found is None else found
