"""VOI LUT tables in headers, and the window or table of each slice (PS3.3 C.11.2.1.1)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from voxelry.core.errors import ParameterError, PixelDataError
from voxelry.core.intensity import Voi, VoiTable
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.header_windows import windows_in
from voxelry.dicom.frames.shared_frames import are_of_one_kind, of_each_kind
from voxelry.dicom.headers.attributes import first_item, integer, items, numbers, text, value_of

_LONGEST = 2**16
_VOI_TAGS = (0x00281050, 0x00281051, 0x00281055, 0x00281056, 0x00283010)
"""Window Center, Window Width, their explanation, VOI LUT Function and VOI LUT Sequence."""
_FRAME_VOI = 0x00289132


def slice_voi(frames: Sequence[Frame]) -> tuple[Voi | None, ...]:
    """The first window, else the first table, that each frame's header proposes; empty if all have the same.

    Frames whose headers say the same are asked once.

    References
    ----------
    PS3.3 C.11.2 (VOI LUT), C.7.6.16.2.10 (Frame VOI LUT)
    """
    if are_of_one_kind(frames):
        return ()
    known: dict[Hashable, Voi | None] = {}
    keys = of_each_kind(frames, _said)
    for key, frame in zip(keys, frames, strict=True):
        if key not in known:
            known[key] = _first_voi(frame)
    if len(set(known.values())) == 1:
        return ()
    return tuple(map(known.__getitem__, keys))


def is_inverted(frame: Frame) -> bool:
    """True if the smallest value is shown as white: inverted once, after all else.

    Presentation LUT Shape (2050,0020) decides where an image has it, as it repeats what MONOCHROME1 says; INVERSE with
    MONOCHROME1 is no second inversion.

    References
    ----------
    PS3.3 C.7.6.3.1.2 (Photometric Interpretation), C.11.6.1.2 (Presentation LUT Shape)
    """
    if frame.pixels.kind != "grey":
        return False
    shape = text(frame.header.elements, "PresentationLUTShape")
    return shape == "INVERSE" if shape in ("IDENTITY", "INVERSE") else frame.pixels.photometric == "MONOCHROME1"


def _said(frame: Frame) -> Hashable:
    """A key that is equal for frames with the same VOI attributes; may differ for some of them."""
    for group in frame.groups:
        if _FRAME_VOI in group:
            return id(group)
    encoded = frame.header.elements.encoded
    if encoded is None:
        return id(frame.header)
    said = tuple(map(encoded.get, _VOI_TAGS))
    return said if said[-1] is None else (said, frame.slope < 0 or frame.intercept < 0)


def _first_voi(frame: Frame) -> Voi | None:
    windows = frame.windows
    return windows[0] if windows else next(iter(voi_tables(frame)), None)


def voi_tables(frame: Frame) -> tuple[VoiTable, ...]:
    """The tables that a frame's VOI LUT Sequence (0028,3010) proposes.

    Those of its own functional group come before the shared one's, and these before the instance's. What is no
    table is left out: it changes no value.

    References
    ----------
    PS3.3 C.11.2.1.1, C.7.6.16.2.10
    """
    groups = [first_item(group, "FrameVOILUTSequence") for group in frame.groups]
    for of in (*groups, frame.header.elements):
        found = () if of is None else items(of, "VOILUTSequence")
        if found:
            return tuple(dict.fromkeys(table for item in found if (table := _table(item, frame)) is not None))
    return ()


def item_voi(item: Dataset, frame: Frame) -> Voi | None:
    """The first window, else the first table, of an item of Softcopy VOI LUT Sequence (0028,3110), for a frame.

    References
    ----------
    PS3.3 C.11.8
    """
    tables = (_table(one, frame) for one in items(item, "VOILUTSequence"))
    return next(iter(windows_in(item)), None) or next((table for table in tables if table is not None), None)


def _table(item: Dataset, frame: Frame) -> VoiTable | None:
    try:
        descriptor = numbers(item, "LUTDescriptor", 3)
        signed = frame.intercept < 0 or frame.slope < 0 or integer(frame.header.elements, "PixelRepresentation") == 1
        if descriptor is None:
            return None
        count, first, bits = map(int, descriptor)
        entries = _entries(item, count or _LONGEST, little=frame.header.elements.little_endian)
        if entries is None:
            return None
        if signed and first >= _LONGEST // 2:  # the file may write a negative number as an unsigned one
            first -= _LONGEST
        return VoiTable(first, entries, bits, text(item, "LUTExplanation"))
    except (PixelDataError, ParameterError):
        return None


def _entries(item: Dataset, count: int, *, little: bool) -> npt.NDArray[np.uint16] | None:
    """The entries, one in each word, or two where they have 8 bits; None if there are too few."""
    value = value_of(item, "LUTData")
    if isinstance(value, bytes):
        kind = "u1" if len(value) < 2 * count else "<u2" if little else ">u2"
        found = np.frombuffer(value[: len(value) // np.dtype(kind).itemsize * np.dtype(kind).itemsize], kind)
    else:
        words = numbers(item, "LUTData") or ()
        if not all(0 <= word < _LONGEST for word in words):
            return None
        found = np.array(words, np.uint16)
        if len(found) < count <= 2 * len(found):
            found = found.astype("<u2").view(np.uint8)
    return found[:count].astype(np.uint16) if len(found) >= count else None
