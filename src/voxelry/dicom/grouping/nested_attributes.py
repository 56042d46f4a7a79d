"""Attributes in sequences and in functional groups, by their path, in a comparable form."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataset import Dataset

from voxelry.dicom.grouping.separating_attributes import Attribute, is_noise
from voxelry.dicom.headers.attributes import Attributes, dataset_of
from voxelry.dicom.headers.comparable import Comparable, comparable_element
from voxelry.dicom.headers.elements import Elements, EncodedValue
from voxelry.dicom.headers.json_values import MAX_DEPTH, readable_elements
from voxelry.dicom.headers.plain_items import plain_items
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.headers.value_representations import PIXEL_TAGS

Nested: TypeAlias = Mapping[Attribute, Comparable]
"""Values by the path of their attribute."""

_PIXELS = min(PIXEL_TAGS) & 0xFFFF0000
_CHARACTER_SET = 0x00080005
FRAME_CONTENT = 0x00209111
"""Frame Content Sequence."""
OF_FRAME_CONTENT = frozenset(
    int(tag_for_keyword(keyword) or 0)
    for keyword in ("StackID", "TemporalPositionIndex", "CardiacCyclePosition", "RespiratoryCyclePosition")
)
"""What of Frame Content may distinguish frames."""
_LONG = 4
"""Bytes of an unsigned long."""


def nested_attributes(dataset: Dataset, *, only: int | None = None) -> Nested:
    """What is in a dataset and in its sequences.

    Parameters
    ----------
    only
        The tag of the one attribute that is read; None for all of them.
    """
    leave_out = frozenset() if only is None else frozenset(tag for tag in dataset.keys() if tag != only)  # noqa: SIM118
    return _by_pydicom(dataset, leave_out, (), 0)


def _by_pydicom(
    dataset: Dataset, leave_out: frozenset[int], path: tuple[int, ...], depth: int
) -> dict[Attribute, Comparable]:
    found: dict[Attribute, Comparable] = {}
    for element in readable_elements(dataset, leave_out=leave_out):
        tag = int(element.tag)
        if is_noise(tag, element.VR) or tag >= _PIXELS:
            continue
        if element.VR != "SQ":
            if _is_left_out(path, tag):
                continue
            value = comparable_element(element)
            if value is not None:
                found[attribute_at((*path, tag), str(element.private_creator or ""))] = value
        elif depth < MAX_DEPTH:
            with quiet:
                for number, item in enumerate(element.value):
                    found |= _by_pydicom(item, frozenset(), (*path, tag, number), depth + 1)
    return found


def _is_left_out(path: tuple[int, ...], tag: int) -> bool:
    """True for what Frame Content has beside the few attributes that may distinguish frames."""
    return path[:1] == (FRAME_CONTENT,) and tag not in OF_FRAME_CONTENT


@lru_cache(maxsize=4096)
def attribute_at(path: tuple[int, ...], creator: str = "") -> Attribute:
    """The attribute at a path of tags and numbers of items."""
    tag = path[-1]
    if tag >> 16 & 1:
        name = f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
        return Attribute((*path[:-1], tag & 0xFFFF00FF), creator, name)
    return Attribute(path, name=keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})")


class UnusualGroupError(Exception):
    """Only pydicom can read a functional group."""


class FunctionalGroups:
    """Reads the functional groups of many frames; values of the same bytes are decoded once.

    A series has thousands of groups, which repeat most of their sequences byte for byte.
    """

    def __init__(self) -> None:
        self._sequences: dict[tuple[object, ...], Nested] = {}
        self._values: dict[tuple[object, ...], tuple[Attribute, Comparable] | None] = {}
        self._character_sets: dict[int, tuple[Elements, object]] = {}

    def attributes(self, group: Attributes) -> Nested:
        """As `nested_attributes` of the group."""
        if isinstance(group, Elements) and group.encoded is not None and group.around is not None:
            try:
                return self._of_item(group.encoded, group.around, (), 0)
            except UnusualGroupError:
                pass
        return nested_attributes(dataset_of(group))

    def of_element(self, tag: int, cell: EncodedValue, around: Elements) -> Nested:
        """What a single element of a group has to say; no private one but a sequence.

        Raises
        ------
        UnusualGroupError
            If only pydicom can read it.
        """
        return self._of_item({tag: cell}, around, (), 0)

    def of_frame_content(self, tag: int, cell: EncodedValue, around: Elements) -> Nested:
        """What one of `OF_FRAME_CONTENT` has to say; the same is raised."""
        if not cell[0] or cell[0] == b"UN":
            raise UnusualGroupError
        if cell[0] == b"UL" and len(cell[1]) == _LONG:  # as of thousands of time points
            return {attribute_at((FRAME_CONTENT, 0, tag)): (float(int.from_bytes(cell[1], "little")),)}
        found = self._value({tag: cell}, tag, around, (FRAME_CONTENT, 0))
        return {} if found is None else {found[0]: found[1]}

    def _character_set_of(self, around: Elements) -> object:
        known = self._character_sets.get(id(around))
        if known is None:
            name = around.character_set
            known = self._character_sets[id(around)] = around, name if isinstance(name, str) else "\\".join(name)
        return known[1]

    def _of_item(
        self, item: Mapping[int, EncodedValue], around: Elements, path: tuple[int, ...], depth: int
    ) -> dict[Attribute, Comparable]:
        found: dict[Attribute, Comparable] = {}
        if _CHARACTER_SET in item:
            raise UnusualGroupError
        for tag in sorted(item):
            vr, content = item[tag]
            if not vr or vr == b"UN":
                raise UnusualGroupError
            if _is_noise(tag, vr) or tag >= _PIXELS:
                continue
            if vr != b"SQ":
                if not _is_left_out(path, tag):
                    known = self._value(item, tag, around, path)
                    if known is not None:
                        found[known[0]] = known[1]
            elif depth < MAX_DEPTH:
                found |= self._of_sequence((vr, content), around, (*path, tag), depth)
        return found

    def _of_sequence(self, sequence: EncodedValue, around: Elements, path: tuple[int, ...], depth: int) -> Nested:
        # Nearly every frame has a Frame Content of its own, which would only fill the memory.
        if path[0] == FRAME_CONTENT:
            return self._of_items(sequence, around, path, depth)
        key = path, sequence[1], self._character_set_of(around)
        known = self._sequences.get(key)
        if known is None:
            known = self._sequences[key] = self._of_items(sequence, around, path, depth)
        return known

    def _of_items(self, sequence: EncodedValue, around: Elements, path: tuple[int, ...], depth: int) -> Nested:
        items = plain_items(sequence)
        if items is None:
            raise UnusualGroupError
        found: dict[Attribute, Comparable] = {}
        for number, item in enumerate(items):
            found |= self._of_item(item, around, (*path, number), depth + 1)
        return found

    def _value(
        self, item: Mapping[int, EncodedValue], tag: int, around: Elements, path: tuple[int, ...]
    ) -> tuple[Attribute, Comparable] | None:
        block = tag & 0xFFFF0000 | (tag & 0xFFFF) >> 8
        creator = item.get(block) if tag >> 16 & 1 else None
        key = path, tag, item[tag], creator, self._character_set_of(around)
        if key in self._values:
            return self._values[key]
        alone = {tag: item[tag]} if creator is None else {block: creator, tag: item[tag]}
        own = _by_pydicom(Elements(alone, around=around).dataset, frozenset(alone.keys() - {tag}), path, 0)
        found = self._values[key] = next(iter(own.items()), None)
        return found


@lru_cache(maxsize=4096)
def _is_noise(tag: int, vr: bytes) -> bool:
    return is_noise(tag, vr.decode("latin-1"))
