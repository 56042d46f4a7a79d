"""The attributes that all instances of a stack share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from voxelry.core.volume import Value
from voxelry.dicom.attributes import as_metadata
from voxelry.dicom.headers import Header

_PER_FRAME = frozenset({"PerFrameFunctionalGroupsSequence"})


def shared_metadata(headers: Sequence[Header]) -> Mapping[str, Value]:
    """Every attribute with the same value in all instances, by keyword, as JSON values."""
    distinct = list(dict.fromkeys(headers))
    first, others = distinct[0].dataset, [header.dataset for header in distinct[1:]]
    metadata = as_metadata(first, leave_out=_PER_FRAME)
    if others:
        differing = {tag for tag in list(first.keys()) if any(_differs(first, other, tag) for other in others)}
        shared = Dataset()
        for tag in first.keys() - differing:
            shared[tag] = first.get_item(tag)
        metadata = as_metadata(shared, leave_out=_PER_FRAME)
    return MappingProxyType(metadata)


def _differs(one: Dataset, other: Dataset, tag: BaseTag) -> bool:
    if tag not in other:
        return True
    mine, yours = one.get_item(tag), other.get_item(tag)
    if isinstance(mine, RawDataElement) and isinstance(yours, RawDataElement):
        return bool(mine.value != yours.value)
    try:
        return bool(_value(one, tag) != _value(other, tag))
    except Exception:  # an element that cannot be read is shared by none
        return True


def _value(dataset: Dataset, tag: BaseTag) -> object:
    element = dataset[tag]
    return element.value if isinstance(element, DataElement) else element
