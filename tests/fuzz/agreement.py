"""What the reader of plain headers must agree on with pydicom; the tests and the fuzzer judge by it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

import pydicom
from pydicom.datadict import keyword_for_tag, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.attributes import Attributes, integer, numbers, text
from voxelry.dicom.headers.common_header import CommonHeader
from voxelry.dicom.headers.elements import Elements, EncodedValue
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.part10 import read_part10
from voxelry.dicom.headers.part10_elements import UNDEFINED_LENGTH, Part10Header
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.headers.sources import HEAD_BYTES
from voxelry.dicom.headers.value_representations import PIXEL_TAGS

ASKED = (
    "SpecificCharacterSet", "ImageType", "SOPInstanceUID", "StudyDate", "PatientName", "PixelSpacing", "SliceThickness",
    "ImagePositionPatient", "ImageOrientationPatient", "InstanceNumber", "EchoTime", "BitsStored", "Rows",
    "SmallestImagePixelValue", "PixelPaddingValue", "RescaleSlope", "RescaleIntercept", "WindowCenter", "ImageComments",
    "DiffusionBValue", "LossyImageCompression", "NumberOfFrames", "RedPaletteColorLookupTableDescriptor",
)  # fmt: skip
"""Attributes of many kinds, asked of each file whether it has them or not."""
_SAYS_HOW = (0x00080005, 0x00280103, 0x00283002, 0x00281101, 0x00280002, 0x00280100)
"""How text is encoded and numbers are signed."""


@dataclass(frozen=True)
class MemorySource:
    """A file's bytes as a source."""

    content: bytes
    name: str = "memory"

    @property
    def size(self) -> int:
        return len(self.content)

    def open(self) -> BinaryIO:
        return BytesIO(self.content)

    def head(self, count: int) -> bytes:
        return self.content[:count]


def read(content: bytes, head: int = HEAD_BYTES, common: CommonHeader | None = None) -> Part10Header | None:
    """What the reader makes of a file of which it first sees ``head`` bytes, then twice what it asks for."""
    return read_part10(content[:head], len(content), lambda count: content[: 2 * count], common)


def common_header_differences(files: Sequence[bytes]) -> list[str]:
    """Files that are read otherwise when those before them are known; the files of a folder are."""
    common = CommonHeader()
    found = []
    for count, content in enumerate(files):
        if read(content, common=common) != read(content):
            found.append(f"another header where {count} files were read before")
    return found


def disagreements(content: bytes, seen: set[object] | None = None) -> list[str]:
    """Where the reader of plain headers and pydicom differ; nothing where the reader leaves the file to pydicom.

    No value is told, so that a finding can be shown to anybody.

    Parameters
    ----------
    seen
        Elements that were compared in other files, with all that their values depend on: they are not compared again.
    """
    plain = read(content)
    with quiet:
        found = [] if plain is None else list(_differences(plain, content, set() if seen is None else seen))
    for head in (HEAD_BYTES // 16, len(content)):
        again = read(content, head)
        if again is not None and plain is not None and again != plain:
            found.append(f"another header where the first {head} bytes are read at once")
    return found


def raises(content: bytes) -> str | None:
    """The name of what ``read_header`` raises that is no error of ours; None where all is well."""
    try:
        read_header(MemorySource(content))
    except VoxelryError:
        return None
    except Exception as error:  # the very thing to find
        return type(error).__name__
    return None


def _differences(plain: Part10Header, content: bytes, seen: set[object]) -> Iterator[str]:
    pixels: list[tuple[int, int, int]] = []

    def at_pixels(tag: BaseTag, _: str | None, length: int) -> bool:
        if tag in PIXEL_TAGS:
            pixels.append((int(tag), file.tell(), length))
        return tag in PIXEL_TAGS

    file = BytesIO(content)
    try:
        truth = pydicom.dcmread(BytesIO(content), stop_before_pixels=True)
        read_partial(file, at_pixels)
    except Exception as error:  # pydicom has no error of its own for most of what it cannot read
        yield f"pydicom raises {type(error).__name__}"
        return
    if plain.transfer_syntax_uid != truth.file_meta.TransferSyntaxUID:
        yield "transfer syntax"
    ours = None
    if (place := plain.pixel_bytes) is not None and place.offset is not None:
        length = UNDEFINED_LENGTH if place.length is None else place.length
        ours = next(tag for tag, keyword in PIXEL_TAGS.items() if keyword == place.keyword), place.offset, length
    if ours != next(iter(pixels), None):
        yield "the place of the pixels"
    meta, elements = Elements(plain.meta), Elements(plain.encoded)
    yield from _raw_differences(plain.meta, truth.file_meta, "meta")
    yield from _raw_differences(plain.encoded, truth, "header")
    new = {tag for tag in plain.encoded if (tag, *_context(tag, plain)) not in seen}
    seen.update((tag, *_context(tag, plain)) for tag in new)
    yield from _content_differences(meta.dataset, truth.file_meta, meta.encoded or ())
    yield from _content_differences(elements.dataset, truth, new)
    yield from accessor_differences(elements, truth, new)


def _context(tag: int, plain: Part10Header) -> tuple[object, ...]:
    """All that the value of an element depends on: its bytes, and others that say how to read them."""
    raw = plain.encoded
    block = tag & 0xFFFF0000 | tag >> 8 & 0xFF  # a private element's creator
    return raw[tag], plain.transfer_syntax_uid, *map(raw.get, (*_SAYS_HOW, *([block] if tag >> 16 & 1 else [])))


def _raw_differences(raw: dict[int, EncodedValue], truth: Dataset, part: str) -> Iterator[str]:
    if list(raw) != [int(tag) for tag in truth.keys()]:  # noqa: SIM118 - iterating a dataset reads it
        yield f"tags of the {part}"
        return
    for tag, (vr, value) in raw.items():
        item = truth.get_item(tag, keep_deferred=True)
        # What pydicom needs to read on it has parsed already; that is compared by its content.
        if isinstance(item, RawDataElement) and (vr.decode(), value) != (item.VR or "", item.value or b""):
            yield f"bytes of {BaseTag(tag)}"


def _content_differences(ours: Dataset, truth: Dataset, tags: Collection[int]) -> Iterator[str]:
    pairs = zip(_content(ours, tags), _content(truth, tags), strict=False)  # the tags are compared above
    for (tag, one), (_, other) in pairs:
        if one != other:
            yield f"content of {BaseTag(tag)}"


def _content(dataset: Dataset, tags: Collection[int] | None = None) -> Iterator[tuple[int, object]]:
    """Each element's VR and value as text, which unlike a value equals itself; sequences item by item."""
    for tag in list(dataset.keys()):
        if tags is None or int(tag) in tags:
            yield int(tag), _outcome(lambda tag=tag: _told(dataset, tag))  # type: ignore[misc]


def _told(dataset: Dataset, tag: BaseTag) -> object:
    element = dataset[tag]
    if element.VR == "SQ":
        return [list(_content(item)) for item in element.value]
    return element.VR, repr(element.value), type(element.value).__name__


def accessor_differences(elements: Elements, truth: Dataset, tags: Collection[int] | None = None) -> Iterator[str]:
    """Attributes that are other values when they are asked of the bytes than when they are asked of pydicom.

    With ``tags``, of those that are there only these are asked for.
    """
    keywords = {keyword_for_tag(tag) for tag in elements.encoded or ()} | set(ASKED)
    for keyword in sorted(keywords):
        if tag_for_keyword(keyword) is None:
            continue
        if (keyword in elements) != (keyword in truth):
            yield f"presence of {keyword}"
        elif tags is not None and keyword in elements and tag_for_keyword(keyword) not in tags:
            continue
        asks: Sequence[Callable[[Attributes, str], object]] = (numbers, integer, text)
        for ask in asks:
            ours, theirs = (
                _outcome(lambda of=of, ask=ask, keyword=keyword: ask(of, keyword))  # type: ignore[misc]
                for of in (elements, truth)
            )
            if ours != theirs:
                yield f"{ask.__name__} of {keyword}"


def _outcome(ask: Callable[[], Any]) -> object:
    try:
        return ask()
    except Exception as error:
        return f"raises {type(error).__name__}"
