"""Overlays: bit planes with graphics or regions over an image; they do not change its values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom.datadict import dictionary_description
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from voxelry.core.errors import PixelDataError
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pixel_description import PixelDescription, describe_pixels
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.pixels.codecs import keeps_words
from voxelry.dicom.pixels.stored_pixels import words_of

GROUPS = range(0x6000, 0x6020, 2)
_ROWS, _COLUMNS, _FRAMES, _FIRST_FRAME = 0x0010, 0x0011, 0x0015, 0x0051
_DESCRIPTION, _TYPE, _ORIGIN, _LABEL = 0x0022, 0x0040, 0x0050, 0x1500
_BITS_ALLOCATED, _BIT_POSITION, _DATA = 0x0100, 0x0102, 0x3000

MOST_PIXELS = 2**26
"""The most pixels of one frame of an overlay."""


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """One overlay plane.

    Attributes
    ----------
    group
        0x6000 to 0x601E.
    label, description
        As the header says, which may be a person's words; empty where it says nothing.
    kind
        ``"G"`` for graphics, ``"R"`` for a region of interest; empty where the header does not tell.
    origin
        ``(row, column)`` of the mask's first pixel in the image, from 0; negative where it begins outside.
    first_frame
        The image's frame, from 0, that the mask's first frame lies over.
    mask
        Shape ``(frames, rows, columns)``, bool, read-only.

    References
    ----------
    PS3.3 C.9.2

    Examples
    --------
    >>> overlay = voxelry.Overlay(
    ...     group=0x6000, label="", description="", kind="G", origin=(0, 0), first_frame=0,
    ...     mask=np.ones((1, 256, 256), dtype=bool),
    ... )
    >>> overlay.mask.shape
    (1, 256, 256)
    """

    group: int
    label: str
    description: str
    kind: str
    origin: tuple[int, int]
    first_frame: int
    mask: npt.NDArray[np.bool_]

    def __repr__(self) -> str:
        """Without label and description, which may identify the patient."""
        shape = " x ".join(map(str, self.mask.shape))
        return f"<Overlay {self.group:04X} {self.kind or 'of no kind'}: {shape} at {self.origin}>"


def drawn(picture: npt.NDArray[np.uint8], overlays: Iterable[Overlay]) -> npt.NDArray[np.uint8]:
    """A picture of a single-frame instance with its overlays in white; shape ``(row, column[, 3])``.

    What lies beyond the picture's edges is left out.
    """
    found = picture.copy()
    for overlay in overlays:
        if overlay.first_frame > 0:
            continue
        (top, left), mask = overlay.origin, overlay.mask[0]
        part = mask[max(0, -top) : max(0, len(picture) - top), max(0, -left) : max(0, picture.shape[1] - left)]
        found[max(0, top) :, max(0, left) :][: part.shape[0], : part.shape[1]][part] = 255
    return found


def overlaid_frames(header: Header) -> frozenset[int]:
    """The frames of an instance, from 0, that some overlay lies over, as far as its attributes can be read."""
    found: set[int] = set()
    for group in _groups(header):
        try:
            if group.has(_DATA) or group.integer(_BITS_ALLOCATED, 1) > 1:
                first = group.integer(_FIRST_FRAME, 1) - 1
                count = describe_pixels(header).frames
                own = group.integer(_FRAMES, 1 if group.has(_DATA) else count)
                found.update(range(max(first, 0), min(first + own, count)))
        except PixelDataError:
            continue
    return frozenset(found)


def frame_overlays(header: Header, frame: int) -> tuple[list[Overlay], list[PixelDataError]]:
    """The overlays over one frame, from 0, of an instance, and why others cannot be read.

    No more than one frame of each is read. ``mask`` has the shape ``(1, rows, columns)``, and ``first_frame`` is this.
    """
    found: list[Overlay] = []
    failed: list[PixelDataError] = []
    for group in _groups(header):
        try:
            found += _overlay(group, frame)
        except PixelDataError as error:
            failed.append(error)
    return found, failed


def overlays_of(header: Header) -> tuple[Overlay, ...]:
    """An instance's overlays, in the order of their groups.

    Those embedded in bits of Pixel Data (7FE0,0010) that no value uses are among them (retired). Groups
    that hold no plane are left out.

    Raises
    ------
    PixelDataError
        If an overlay's size is missing or impossible, or needs more bits than there are; the message names
        the file and the tag.
    """
    return tuple(overlay for group in _groups(header) for overlay in _overlay(group))


def _groups(header: Header) -> list[_Group]:
    encoded = header.elements.encoded
    tags = header.elements.dataset.keys() if encoded is None else encoded.keys()
    groups = {tag >> 16 for tag in tags if 0x6000 <= tag >> 16 < 0x6020}
    return [_Group(header, group) for group in GROUPS if group in groups]


@dataclass(frozen=True, slots=True)
class _Group:
    """The attributes of one overlay."""

    header: Header
    number: int

    def has(self, element: int) -> bool:
        return BaseTag(self.number << 16 | element) in self.header.elements.dataset

    def value(self, element: int) -> object:
        tag = BaseTag(self.number << 16 | element)
        dataset = self.header.elements.dataset
        try:
            with quiet:
                return dataset[tag].value if tag in dataset else None
        except Exception as error:  # whatever a malformed value makes pydicom raise; its words may quote it
            raise PixelDataError(f"{self.name(element)} cannot be read ({type(error).__name__})") from None

    def integers(self, element: int) -> tuple[int, ...]:
        value = self.value(element)
        if value is None or value == "":
            return ()
        found = list(value) if isinstance(value, MultiValue | list) else [value]
        if not all(isinstance(one, int) for one in found):
            raise PixelDataError(f"{self.name(element)} is not a whole number")
        return tuple(found)

    def integer(self, element: int, default: int) -> int:
        return next(iter(self.integers(element)), default)

    def text(self, element: int) -> str:
        value = self.value(element)
        with quiet:
            return "" if value is None else str(value).strip("\0 ")

    def name(self, element: int) -> str:
        """The file and the tag in words."""
        tag = self.number << 16 | element
        return f"{self.header.name}: {dictionary_description(tag)} ({self.number:04X},{element:04X})"


def _overlay(group: _Group, frame: int | None = None) -> Iterator[Overlay]:
    """The overlay; of one frame only if that is given, and none if it does not lie over that."""
    pixels = None
    if not group.has(_DATA):
        if group.integer(_BITS_ALLOCATED, 1) == 1:
            return
        pixels = describe_pixels(group.header)
    rows = _side(group, _ROWS, None if pixels is None else pixels.rows)
    columns = _side(group, _COLUMNS, None if pixels is None else pixels.columns)
    # A plane in the words of Pixel Data is in those of each frame, unless the header says otherwise.
    frames = group.integer(_FRAMES, 1 if pixels is None else pixels.frames)
    if frames < 1:
        raise PixelDataError(f"{group.name(_FRAMES)} is {frames}")
    origin = group.integers(_ORIGIN) or (1, 1)
    if len(origin) != 2:
        raise PixelDataError(f"{group.name(_ORIGIN)} has {len(origin)} values where 2 are needed")
    first = group.integer(_FIRST_FRAME, 1)
    if first < 1:
        raise PixelDataError(f"{group.name(_FIRST_FRAME)} is {first}")
    if frame is not None and not first <= frame + 1 < first + frames:
        return
    wanted = range(frames) if frame is None else range(frame + 1 - first, frame + 2 - first)
    mask = _packed(group, (frames, rows, columns), wanted) if pixels is None else _embedded(group, pixels, frame)
    mask.flags.writeable = False
    kind = group.text(_TYPE)
    yield Overlay(
        group.number,
        group.text(_LABEL),
        group.text(_DESCRIPTION),
        kind if kind in ("G", "R") else "",
        (origin[0] - 1, origin[1] - 1),
        first - 1 if frame is None else frame,
        mask,
    )


def _side(group: _Group, element: int, image: int | None) -> int:
    """Rows or columns; those of the image where the plane is embedded in it."""
    said = group.integers(element)
    if image is not None and said not in ((), (image,)):
        raise PixelDataError(f"{group.name(element)} is {said[0]} in an image of {image}, which it is embedded in")
    found = image if image is not None else next(iter(said), None)
    if found is None:
        raise PixelDataError(f"{group.name(element)} is missing, so the overlay cannot be read")
    if found < 1:
        raise PixelDataError(f"{group.name(element)} is {found}")
    return found


def _packed(group: _Group, shape: tuple[int, int, int], wanted: range) -> npt.NDArray[np.bool_]:
    """Some frames of Overlay Data (60xx,3000): bits one after another, the lowest of each byte first (PS3.5 8.1.2)."""
    count, data = shape[0] * shape[1] * shape[2], group.value(_DATA) or b""
    if not isinstance(data, bytes):
        raise PixelDataError(f"{group.name(_DATA)} holds no bytes")
    if 8 * len(data) < count:
        raise PixelDataError(
            f"{group.name(_DATA)} has {len(data)} bytes where {shape[0]} x {shape[1]} x {shape[2]} bits need "
            f"{(count + 7) // 8}"
        )
    if len(wanted) == 1 and shape[1] * shape[2] > MOST_PIXELS:
        raise PixelDataError(f"{group.name(_ROWS)}: {shape[1]} x {shape[2]} pixels are too many for an overlay")
    packed = np.frombuffer(data, np.uint8)
    if not group.header.elements.little_endian and group.header.elements.dataset[group.number, _DATA].VR == "OW":
        packed = packed[: len(packed) // 2 * 2].view(np.uint16).byteswap().view(np.uint8)
    start, stop = (end * shape[1] * shape[2] for end in (wanted.start, wanted.stop))
    bits = np.unpackbits(packed[start // 8 : (stop + 7) // 8], bitorder="little")[start % 8 :][: stop - start]
    return bits.astype(np.bool_).reshape(len(wanted), *shape[1:])


def _embedded(group: _Group, pixels: PixelDescription, frame: int | None) -> npt.NDArray[np.bool_]:
    """One bit of every word of Pixel Data, of one frame or all, which no value uses (retired since 2004)."""
    header, bit = group.header, group.integer(_BIT_POSITION, 0)
    lowest = pixels.high_bit - pixels.bits_stored + 1
    if not 0 <= bit < pixels.bits_allocated or lowest <= bit <= pixels.high_bit:
        raise PixelDataError(
            f"{group.name(_BIT_POSITION)} is {bit}, which is no spare bit of pixels with bits {lowest} to "
            f"{pixels.high_bit} of {pixels.bits_allocated}"
        )
    if not keeps_words(header.transfer_syntax_uid) or pixels.samples > 1 or pixels.keyword != "PixelData":
        raise PixelDataError(
            f"{group.name(_BIT_POSITION)} points into Pixel Data that are compressed or no single numbers "
            f"({header.transfer_syntax_uid.name}), where no overlay can lie"
        )
    wanted = None if frame is None else range(frame, frame + 1)
    words = words_of(header, pixels, wanted)
    return np.stack([(values.view(f"u{values.dtype.itemsize}") >> bit & 1).astype(np.bool_) for values in words])
