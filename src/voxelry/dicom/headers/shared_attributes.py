"""The attributes that have the same value in all instances of a stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from weakref import WeakKeyDictionary

from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from voxelry.core.value import Value
from voxelry.dicom.headers.elements import Elements, EncodedValue, KnownValues
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.json_values import as_metadata
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.headers.value_representations import dictionary_vr

_PER_FRAME = 0x52009230
"""Per-Frame Functional Groups Sequence, which differs between frames and is large."""
_CHARACTER_SET = 0x00080005


def shared_metadata(headers: Sequence[Header]) -> Mapping[str, Value]:
    """Every attribute with the same value in all instances, by keyword, as JSON values."""
    distinct = list(dict.fromkeys(headers))
    if len(distinct) > 1:
        return _shared_by(distinct)
    (only,) = distinct
    known = _OF_ONE.get(only)
    if known is None:  # many volumes are of one instance where it has many segments
        known = _OF_ONE[only] = _shared_by(distinct)
    return known


_OF_ONE: WeakKeyDictionary[Header, Mapping[str, Value]] = WeakKeyDictionary()


def _shared_by(distinct: Sequence[Header]) -> Mapping[str, Value]:
    encoded = [header.elements.encoded for header in distinct]
    known = [one for one in encoded if one is not None]
    if len(known) == len(encoded):
        return _SharedMetadata(known, distinct[0].elements.known_values)
    first = distinct[0].elements.dataset
    shared = dict(first.items())
    shared.pop(BaseTag(_PER_FRAME), None)
    for header in distinct[1:]:
        other = header.elements.dataset
        theirs = dict(other.items())
        for tag in [tag for tag, mine in shared.items() if _differs(first, other, tag, mine, theirs.get(tag))]:
            del shared[tag]
    return MappingProxyType(as_metadata(first, leave_out=first.keys() - shared.keys()))


class _SharedMetadata(Mapping[str, Value]):
    """Attributes by keyword, compared and decoded on first use, because many volumes' are never used."""

    __slots__ = ("_instances", "_known", "_values")

    def __init__(self, instances: Sequence[Mapping[int, EncodedValue]], known: KnownValues) -> None:
        self._instances: Sequence[Mapping[int, EncodedValue]] | None = instances
        self._known = known
        self._values: dict[str, Value] = {}

    def _all(self) -> dict[str, Value]:
        instances = self._instances
        if instances is not None:
            self._values = _decoded(_shared_bytes(instances), self._known)
            self._instances = None
            self._known = {}
        return self._values

    def __reduce__(self) -> tuple[type, tuple[dict[str, Value]]]:
        """Pickle as a dict of the values, without the headers."""
        return dict, (self._all(),)

    def __getitem__(self, keyword: str) -> Value:
        instances, tag = self._instances, _tag_of(keyword)
        if instances is not None and tag is not None and tag != _PER_FRAME:
            value = _shared_value(instances, tag)
            if value is None or _stands_alone(tag, value[0]):
                character_set = _shared_value(instances, _CHARACTER_SET)
                return ({} if value is None else _decoded_alone(tag, value, character_set, self._known))[keyword]
        return self._all()[keyword]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        """Without values, which identify the patient."""
        return f"<{len(self)} attributes>"


def _decoded(encoded: Mapping[int, EncodedValue], known: KnownValues) -> dict[str, Value]:
    """As `as_metadata` of all attributes; bytes that are known are not decoded again."""
    character_set = encoded.get(_CHARACTER_SET)
    asked = [tag for tag in sorted(encoded) if _metadata_keyword(tag)]
    alone = {tag: (tag, encoded[tag], character_set) for tag in asked if _stands_alone(tag, encoded[tag][0])}
    rest = {tag for tag in asked if tag not in alone or alone[tag] not in known}
    told: dict[str, Value] = {}
    if rest:
        told = as_metadata(Elements(encoded).dataset, leave_out=encoded.keys() - rest)
        for tag in rest & alone.keys():
            keyword = _metadata_keyword(tag)
            known[alone[tag]] = {keyword: told[keyword]} if keyword in told else {}
    found: dict[str, Value] = {}
    for tag in asked:
        if tag in alone:
            found |= known[alone[tag]]
        elif (keyword := _metadata_keyword(tag)) in told:
            found[keyword] = told[keyword]
    return found


def _decoded_alone(
    tag: int, value: EncodedValue, character_set: EncodedValue | None, known: KnownValues
) -> dict[str, Value]:
    """One attribute by its keyword; empty if it has no value."""
    key = tag, value, character_set
    found = known.get(key)
    if found is None:
        context: dict[int, EncodedValue] = {} if character_set is None else {_CHARACTER_SET: character_set}
        dataset = Elements({**context, tag: value}).dataset
        found = known[key] = as_metadata(dataset, leave_out=context.keys() - {tag})
    return found


def _shared_value(instances: Sequence[Mapping[int, EncodedValue]], tag: int) -> EncodedValue | None:
    """The bytes that all instances have; None if some have none, or others."""
    value = instances[0].get(tag)
    return value if all(other.get(tag) == value for other in instances) else None


@lru_cache(maxsize=4096)
def _tag_of(keyword: str) -> int | None:
    """The tag of an attribute that metadata have under its keyword; None if several may bear it."""
    tag = tag_for_keyword(keyword)
    return tag if tag is not None and _metadata_keyword(tag) == keyword else None


@lru_cache(maxsize=4096)
def _metadata_keyword(tag: int) -> str:
    """The keyword; empty for what is never in metadata: private attributes, lengths of groups."""
    return keyword_for_tag(tag) if tag & 0xFFFF else ""


@lru_cache(maxsize=4096)
def _stands_alone(tag: int, vr: bytes) -> bool:
    """True if no other attribute but Specific Character Set has a say in what bytes of this attribute mean.

    Attributes of repeating groups share their keyword, and the first that has a value counts.
    """
    if _tag_of(_metadata_keyword(tag)) != tag:
        return False
    return vr != b"UN" if vr else dictionary_vr(tag) not in (b"", b"SQ")


def _shared_bytes(instances: Sequence[Mapping[int, EncodedValue]]) -> dict[int, EncodedValue]:
    shared = dict(instances[0])
    shared.pop(_PER_FRAME, None)
    tags, values = list(shared), list(shared.values())
    for other in instances[1:]:
        its = list(map(other.get, tags))
        if its == values:  # fast: the headers of a series share the objects of most values
            continue
        for tag, mine, theirs in zip(tags, values, its, strict=True):
            if mine != theirs:
                del shared[tag]
        tags, values = list(shared), list(shared.values())
    return shared


def _differs(first: Dataset, other: Dataset, tag: BaseTag, mine: object, yours: object) -> bool:
    if yours is None:
        return True
    if isinstance(mine, RawDataElement) and isinstance(yours, RawDataElement):
        return bool(mine.value != yours.value)
    try:
        with quiet:
            return bool(first[tag].value != other[tag].value)
    except Exception:  # an element that cannot be read counts as different
        return True
