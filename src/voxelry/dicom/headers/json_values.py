"""Elements as JSON values."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from pydicom.datadict import keyword_for_tag
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.valuerep import DSdecimal, DSfloat, PersonName

from voxelry.core.value import Value
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.headers.value_representations import BINARY_VRS

MAX_DEPTH = 32
"""Sequences nested deeper than this are left out: no object nests so deep, but a hostile file may."""


def readable_elements(dataset: Dataset, *, leave_out: Collection[int] = ()) -> Iterator[DataElement]:
    """The elements that pydicom can read, in the order of their tags."""
    for tag in sorted(dataset.keys()):
        if tag in leave_out:
            continue
        try:
            with quiet:
                element = dataset[tag]
        except Exception:  # noqa: S112 - a malformed element must not hide the others
            continue
        yield element


def to_json(element: DataElement, *, depth: int = 0) -> Value:
    """An element's value as JSON: a list for several values, a list of dicts for a sequence.

    Sequences nested deeper than ``MAX_DEPTH`` are left out.
    """
    with quiet:
        return _to_json(element, depth)


def _to_json(element: DataElement, depth: int) -> Value:
    value = element.value
    if isinstance(value, Sequence):
        return [as_metadata(item, depth=depth + 1) for item in value] if depth < MAX_DEPTH else []
    if isinstance(value, MultiValue | list | tuple):
        return [_scalar(item) for item in value]
    return _scalar(value)


def as_metadata(dataset: Dataset, *, leave_out: Collection[int] = (), depth: int = 0) -> dict[str, Value]:
    """Every attribute with a keyword, as JSON values; binary values and private attributes are left out.

    Parameters
    ----------
    leave_out
        Tags of the attributes to leave out.
    depth
        How deep the dataset is nested in sequences.
    """
    metadata: dict[str, Value] = {}
    for element in readable_elements(dataset, leave_out=leave_out):
        keyword = keyword_for_tag(element.tag)
        if keyword and keyword not in metadata and element.VR not in BINARY_VRS and element.tag.element != 0:
            metadata[keyword] = to_json(element, depth=depth)
    return metadata


def _scalar(value: object) -> Value:
    if value is None or (isinstance(value, bool | int) and not isinstance(value, float)):
        return None if value is None else int(value)
    if isinstance(value, float | DSfloat | DSdecimal):
        number = float(value)
        return number if math.isfinite(number) else str(number)
    if isinstance(value, PersonName | str):
        return str(value)
    if isinstance(value, bytes):
        return None
    return str(value)
