"""A file's header: all attributes before the pixels, and where the pixels lie."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO

import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from voxelry.core.errors import DamagedError, EmptyFileError, NotDicomError, TooLargeError
from voxelry.dicom.deflated import check_expansion
from voxelry.dicom.quiet import quiet
from voxelry.dicom.sources import Source

DICOMDIR_CLASS = "1.2.840.10008.1.3.10"
_UNDEFINED = 0xFFFFFFFF
_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_VRS = _LONG_VRS | frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
_FIRST_GROUPS = (0x0002, 0x0008)


@dataclass(frozen=True, slots=True)
class PixelBytes:
    """Where the pixels lie: the keyword of their element, and its value's place in the file.

    ``offset`` is None where the file is deflated as a whole; ``length`` is None for encapsulated frames.
    """

    keyword: str
    offset: int | None
    length: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """An instance's attributes without its pixels.

    ``dataset`` is read lazily by pydicom: a malformed value raises when it is asked for, so that values
    from outside are asked for through ``voxelry.dicom.attributes``.
    """

    source: Source
    dataset: Dataset
    transfer_syntax_uid: UID
    pixel_bytes: PixelBytes | None
    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    study_instance_uid: str

    def __repr__(self) -> str:
        """Short, and without the attributes, which hold the patient's values."""
        return f"<Header {self.name}: {self.sop_class_name}>"

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def has_pixels(self) -> bool:
        return self.pixel_bytes is not None

    @property
    def sop_class_name(self) -> str:
        """In words: ``CT Image Storage``; the UID where the class is unknown."""
        with quiet:
            return UID(self.sop_class_uid).name or "unknown SOP class"

    def require_uids(self) -> None:
        """Raise a DamagedError unless the UIDs that place an instance in an archive are there."""
        missing = [
            f"{name} {tag}"
            for name, tag, uid in (
                ("SOP Instance UID", "(0008,0018)", self.sop_instance_uid),
                ("Series Instance UID", "(0020,000E)", self.series_instance_uid),
                ("Study Instance UID", "(0020,000D)", self.study_instance_uid),
            )
            if not uid
        ]
        if missing:
            raise DamagedError(
                f"{self.name}: {' and '.join(missing)} missing or malformed, so nothing says where it belongs"
            )


def read_header(source: Source) -> Header:
    """Read one file's header; DICOM is known by content.

    Raises
    ------
    EmptyFileError
        If there are no bytes.
    NotDicomError
        If the content is not DICOM, or a DICOMDIR, which is an index and no object.
    DamagedError
        If it begins as DICOM and then cannot be read.
    TooLargeError
        If it is deflated and would expand beyond reason.
    """
    if source.size == 0:
        raise EmptyFileError(f"{source.name}: the file is empty (0 bytes)")
    with source.open() as file:
        head = file.read(144)
        if not is_dicom(head):
            raise NotDicomError(f"{source.name}: not a DICOM file ({_describe(head)})")
        file.seek(0)
        try:
            with quiet:
                check_expansion(file, source.name)
                dataset = pydicom.dcmread(file, stop_before_pixels=True, force=True)
                syntax = _transfer_syntax(dataset)
                pixels = _find_pixels(file, dataset, syntax)
                cut = pixels is None and _ends_in_an_element(dataset, source.size, syntax)
        except TooLargeError:
            raise
        except Exception as error:  # whatever a damaged header makes pydicom raise; its words may quote values
            raise DamagedError(
                f"{source.name}: begins as DICOM, but the header cannot be read ({type(error).__name__}); "
                "the file is damaged or cut off"
            ) from None
    uids = [
        _uid(dataset, keyword) for keyword in ("SOPInstanceUID", "SOPClassUID", "SeriesInstanceUID", "StudyInstanceUID")
    ]
    meta = getattr(dataset, "file_meta", Dataset())
    if DICOMDIR_CLASS in (_uid(meta, "MediaStorageSOPClassUID"), uids[1]):
        raise NotDicomError(f"{source.name}: a DICOMDIR, an index of other files; those are loaded by themselves")
    uids[0] = uids[0] or _uid(meta, "MediaStorageSOPInstanceUID")
    uids[1] = uids[1] or _uid(meta, "MediaStorageSOPClassUID")
    if pixels is None and (cut or not len(dataset) or not uids[1]):
        raise DamagedError(
            f"{source.name}: begins as DICOM, but ends in the middle of its header; the file is damaged or cut off"
        )
    return Header(source, dataset, syntax, pixels, *uids)


def is_dicom(head: bytes) -> bool:
    """True if these first bytes (132 or more where there are) begin a DICOM file, with or without preamble."""
    if head[128:132] == b"DICM":
        return True
    if len(head) < 8:
        return False
    little, big = int.from_bytes(head[:2], "little"), int.from_bytes(head[:2], "big")
    if head[4:6] in _VRS:
        return little in _FIRST_GROUPS or big in _FIRST_GROUPS
    # Implicit VR: group 8 begins with a short element, so that its length is small and even.
    element, length = int.from_bytes(head[2:4], "little"), int.from_bytes(head[4:8], "little")
    return little in _FIRST_GROUPS and element <= 0x0100 and length <= 256 and length % 2 == 0


def _describe(head: bytes) -> str:
    if head.startswith(b"\x1f\x8b"):
        return "it is gzip; unpack it first"
    if head.startswith(b"%PDF"):
        return "it is a PDF"
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff")):
        return "it is an ordinary picture, which has no millimetres"
    if all(byte >= 32 or byte in b"\t\r\n" for byte in head):
        return "it is text"
    return "no DICM at byte 128, and no DICOM element at the start"


def _transfer_syntax(dataset: Dataset) -> UID:
    uid = _uid(getattr(dataset, "file_meta", Dataset()), "TransferSyntaxUID")
    if uid:
        return UID(uid)
    implicit, little = dataset.original_encoding
    if not little:
        return pydicom.uid.ExplicitVRBigEndian
    return ImplicitVRLittleEndian if implicit or implicit is None else ExplicitVRLittleEndian


def _ends_in_an_element(dataset: Dataset, size: int, syntax: UID) -> bool:
    """True if the file ends within an element: pydicom takes of it what is there, or leaves it out."""
    last = next(reversed(list(dataset.values())), None)
    if not isinstance(last, RawDataElement) or last.length == _UNDEFINED or syntax == DeflatedExplicitVRLittleEndian:
        return False
    return last.value_tell + last.length != size


def _find_pixels(file: BinaryIO, dataset: Dataset, syntax: UID) -> PixelBytes | None:
    for keyword in ("FloatPixelData", "DoubleFloatPixelData", "PixelData"):
        if keyword in dataset:  # never, as long as pydicom stops before them
            return PixelBytes(keyword, None, None)
    if syntax == DeflatedExplicitVRLittleEndian:
        return _find_deflated(file)
    # pydicom leaves the file at the element that it stopped at.
    offset = file.tell()
    element = file.read(12)
    if len(element) < 8:
        return None
    _, little = dataset.original_encoding
    order = "little" if little else "big"
    tag = int.from_bytes(element[:2], order) << 16 | int.from_bytes(element[2:4], order)  # type: ignore[arg-type]
    keyword = {0x7FE00010: "PixelData", 0x7FE00008: "FloatPixelData", 0x7FE00009: "DoubleFloatPixelData"}.get(tag, "")
    if not keyword:
        return None
    if element[4:6] not in _VRS:  # implicit VR; some files mix both, so that the element itself is asked
        length, start = int.from_bytes(element[4:8], order), offset + 8  # type: ignore[arg-type]
    else:
        length, start = int.from_bytes(element[8:12], order), offset + 12  # type: ignore[arg-type]
    return PixelBytes(keyword, start, None if length == _UNDEFINED else length)


def _find_deflated(file: BinaryIO) -> PixelBytes | None:
    file.seek(0)
    whole = pydicom.dcmread(file, force=True)
    for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
        if keyword in whole:
            return PixelBytes(keyword, None, len(whole[keyword].value))
    return None


def _uid(dataset: Dataset, keyword: str) -> str:
    try:
        with quiet:
            value = dataset.get(keyword)
    except Exception:  # a value that pydicom cannot read is as good as none
        return ""
    text = str(value).strip("\0 ") if isinstance(value, str) else ""
    # The standard allows digits and dots; de-identifiers are known to write letters as well.
    return text if re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}", text) else ""
