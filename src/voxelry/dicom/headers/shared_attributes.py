"""The attributes that have the same value in all instances of a stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from weakref import WeakKeyDictionary

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from voxelry.core.value import Value
from voxelry.dicom.headers.elements import Elements, EncodedValue
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.json_values import as_metadata
from voxelry.dicom.headers.pydicom_silence import quiet

_PER_FRAME = 0x52009230
"""Per-Frame Functional Groups Sequence, which differs between frames and is large."""


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
        return _SharedMetadata(known)
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

    __slots__ = ("_instances", "_values")

    def __init__(self, instances: Sequence[Mapping[int, EncodedValue]]) -> None:
        self._instances: Sequence[Mapping[int, EncodedValue]] | None = instances
        self._values: dict[str, Value] = {}

    def _all(self) -> dict[str, Value]:
        instances = self._instances
        if instances is not None:
            self._values = as_metadata(Elements(_shared_bytes(instances)).dataset)
            self._instances = None
        return self._values

    def __reduce__(self) -> tuple[type, tuple[dict[str, Value]]]:
        """Pickle as a dict of the values, without the headers."""
        return dict, (self._all(),)

    def __getitem__(self, keyword: str) -> Value:
        return self._all()[keyword]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        """Without values, which identify the patient."""
        return f"<{len(self)} attributes>"


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
