"""Private attributes of a frame: of its instance, or of the private sequences in its functional groups."""

from __future__ import annotations

from collections.abc import Iterator

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import Attributes, dataset_of
from voxelry.dicom.headers.elements import Elements, EncodedValue
from voxelry.dicom.headers.json_values import readable_elements
from voxelry.dicom.headers.plain_items import plain_items
from voxelry.dicom.headers.private_attributes import private_numbers, private_text, private_value

SIEMENS_IMAGE = "SIEMENS MR SDI 02"
"""The creator of what Siemens' XA says of an image, in group 0021."""
_ITEM = b"\xfe\xff\x00\xe0"
_SEQUENCES = (b"SQ", b"UN", b"")
"""Representations that a private sequence may have: files of implicit VR do not say it, and programs write UN."""
_LAST_CREATOR = 0xFF


def frame_private(frame: Frame, group: int, creator: str, element: int) -> bytes | None:
    """As `private_value`, for a frame of any object."""
    for place in private_places(frame, group):
        found = private_value(place, group, creator, element)
        if found is not None:
            return found
    return None


def frame_private_text(frame: Frame, group: int, creator: str, element: int) -> str:
    """As `private_text`, for a frame of any object."""
    found = (private_text(place, group, creator, element) for place in private_places(frame, group))
    return next(filter(None, found), "")


def frame_private_numbers(frame: Frame, group: int, creator: str, element: int, vr: str) -> tuple[float, ...]:
    """As `private_numbers`, for a frame of any object."""
    found = (private_numbers(place, group, creator, element, vr) for place in private_places(frame, group))
    return next(filter(None, found), ())


def private_places(frame: Frame, group: int) -> Iterator[Elements]:
    """Where a frame may have private attributes of a group: its own functional groups, the shared ones, the instance.

    Siemens' XA writes a private sequence into each functional group, Philips one into those of frames; the items hold
    the creators.
    """
    for functional in frame.groups:
        yield from private_items_of(functional, group)
    yield frame.header.elements


def private_items_of(functional: Attributes, group: int) -> Iterator[Elements]:
    """The items of all private sequences of a group in a functional group, read from its bytes where they are plain."""
    encoded = functional.encoded if isinstance(functional, Elements) else None
    if encoded is None or not isinstance(functional, Elements):
        yield from _decoded_items(functional, group)
        return
    for tag, value in encoded.items():
        if tag >> 16 != group or tag & 0xFFFF <= _LAST_CREATOR or value[0] not in _SEQUENCES:
            continue
        plain = _plain(value)
        if plain is None:
            yield from _decoded_items(functional, group)
            return
        for item in plain:
            yield Elements(item, around=functional)


def _plain(value: EncodedValue) -> list[dict[int, EncodedValue]] | None:
    """The items; none if the value is no sequence, None if pydicom has to read it."""
    vr, content = value
    if vr == b"SQ":
        return plain_items(value)
    # What has no representation, or an unknown one, is a sequence if it begins as one; its items are then implicit.
    return plain_items((b"", content)) or [] if content[: len(_ITEM)] == _ITEM else []


def _decoded_items(functional: Attributes, group: int) -> Iterator[Elements]:
    dataset = dataset_of(functional)
    for element in readable_elements(dataset, leave_out=[tag for tag in dataset.keys() if tag.group != group]):  # noqa: SIM118
        if element.VR == "SQ":
            for item in element.value:
                yield Elements(None, item)
