"""The attributes that all instances of a stack share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from voxelry.core.value import Value
from voxelry.dicom.attributes import as_metadata
from voxelry.dicom.elements import Elements, Raw
from voxelry.dicom.headers import Header
from voxelry.dicom.quiet import quiet

_PER_FRAME = 0x52009230
"""Per-Frame Functional Groups Sequence: shared by no two frames, and huge."""


def shared_metadata(headers: Sequence[Header]) -> Mapping[str, Value]:
    """Every attribute with the same value in all instances, by keyword, as JSON values."""
    distinct = list(dict.fromkeys(headers))
    raw = [header.elements.raw for header in distinct]
    plain = [one for one in raw if one is not None]
    if len(plain) == len(raw):
        return MappingProxyType(as_metadata(Elements(_shared_bytes(plain)).dataset))
    first = distinct[0].elements.dataset
    shared = dict(first.items())
    shared.pop(BaseTag(_PER_FRAME), None)
    for header in distinct[1:]:
        other = header.elements.dataset
        theirs = dict(other.items())
        for tag in [tag for tag, mine in shared.items() if _differs(first, other, tag, mine, theirs.get(tag))]:
            del shared[tag]
    return MappingProxyType(as_metadata(first, leave_out=first.keys() - shared.keys()))


def _shared_bytes(instances: Sequence[Mapping[int, Raw]]) -> dict[int, Raw]:
    shared = dict(instances[0])
    shared.pop(_PER_FRAME, None)
    for other in instances[1:]:
        theirs = other.get
        for tag in [tag for tag, mine in shared.items() if theirs(tag) != mine]:
            del shared[tag]
    return shared


def _differs(one: Dataset, other: Dataset, tag: BaseTag, mine: object, yours: object) -> bool:
    if yours is None:
        return True
    if isinstance(mine, RawDataElement) and isinstance(yours, RawDataElement):
        return bool(mine.value != yours.value)
    try:
        with quiet:
            return bool(one[tag].value != other[tag].value)
    except Exception:  # an element that cannot be read is shared by none
        return True
