"""Private attributes of a frame: of its instance, or of the private sequences in its functional groups."""

from __future__ import annotations

from collections.abc import Iterator

from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import dataset_of
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.json_values import readable_elements
from voxelry.dicom.headers.private_attributes import private_numbers, private_text, private_value


def frame_private(frame: Frame, group: int, creator: str, element: int) -> bytes | None:
    """As `private_value`, for a frame of any object."""
    for place in _places(frame, group):
        found = private_value(place, group, creator, element)
        if found is not None:
            return found
    return None


def frame_private_text(frame: Frame, group: int, creator: str, element: int) -> str:
    """As `private_text`, for a frame of any object."""
    return next(filter(None, (private_text(place, group, creator, element) for place in _places(frame, group))), "")


def frame_private_numbers(frame: Frame, group: int, creator: str, element: int, vr: str) -> tuple[float, ...]:
    """As `private_numbers`, for a frame of any object."""
    found = (private_numbers(place, group, creator, element, vr) for place in _places(frame, group))
    return next(filter(None, found), ())


def _places(frame: Frame, group: int) -> Iterator[Elements]:
    """Where a frame may have private attributes of a group: its own functional groups, the shared ones, the instance.

    Siemens' XA writes a private sequence into each functional group, Philips one into those of frames; the items hold
    the creators.
    """
    for functional in frame.groups:
        encoded = functional.encoded if isinstance(functional, Elements) else None
        if encoded is not None and not any(tag >> 16 == group for tag in encoded):
            continue  # most groups have none, and need not be decoded to see it
        dataset = dataset_of(functional)
        for element in readable_elements(dataset, leave_out=[tag for tag in dataset.keys() if tag.group != group]):  # noqa: SIM118
            if element.VR == "SQ":
                for item in element.value:
                    yield Elements(None, item)
    yield frame.header.elements
