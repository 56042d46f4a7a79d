"""A file's header: all attributes before the pixels, and where the pixels are in the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO, cast

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from voxelry.core.errors import DamagedError, EmptyFileError, NotDicomError, TooLargeError
from voxelry.dicom.headers.common_header import CommonHeader
from voxelry.dicom.headers.deflated import check_expansion
from voxelry.dicom.headers.elements import Elements, EncodedValue
from voxelry.dicom.headers.packed_files import is_zip
from voxelry.dicom.headers.part10 import read_part10
from voxelry.dicom.headers.part10_elements import UNDEFINED_LENGTH, Part10Header, PixelBytes
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.headers.sources import HEAD_BYTES, Source
from voxelry.dicom.headers.value_representations import LONG_VRS, PIXEL_TAGS, SHORT_VRS

DICOMDIR_CLASS = "1.2.840.10008.1.3.10"
_VRS = LONG_VRS | SHORT_VRS
_FIRST_GROUPS = (0x0002, 0x0008)
_UNKNOWN = "no DICM at byte 128, and no DICOM element at the start"
_SOP_INSTANCE, _SOP_CLASS, _SERIES, _STUDY, _MEDIA_INSTANCE, _MEDIA_CLASS = (
    int(tag_for_keyword(keyword) or 0)
    for keyword in (
        "SOPInstanceUID", "SOPClassUID", "SeriesInstanceUID", "StudyInstanceUID",
        "MediaStorageSOPInstanceUID", "MediaStorageSOPClassUID",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Header:
    """An instance's attributes without its pixels.

    The functions of ``headers.attributes`` decode values; a malformed value raises only then.

    Attributes
    ----------
    pixel_bytes
        Where the pixels are in the file; None if there are none.
    sop_instance_uid, sop_class_uid, series_instance_uid, study_instance_uid
        Empty if the file holds none, or none that is valid.
    """

    source: Source
    elements: Elements
    transfer_syntax_uid: UID
    pixel_bytes: PixelBytes | None
    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str
    study_instance_uid: str

    def __repr__(self) -> str:
        """Without values, which identify the patient."""
        return f"<Header {self.name}: {self.sop_class_name}>"

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def has_pixels(self) -> bool:
        return self.pixel_bytes is not None

    @property
    def sop_class_name(self) -> str:
        """The class by name, ``CT Image Storage``; the UID if the class is unknown."""
        with quiet:
            return UID(self.sop_class_uid).name or "unknown SOP class"

    def require_uids(self) -> None:
        """Check that the instance can be stored in an archive.

        Raises
        ------
        DamagedError
            If the SOP Instance, Series Instance or Study Instance UID is missing or malformed.
        """
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


def read_header(source: Source, head: bytes | None = None, common: CommonHeader | None = None) -> Header:
    """Read a file's header; DICOM is recognised by its content.

    Parameters
    ----------
    head
        The file's first bytes, if the caller has read them.
    common
        What the files read before this one have in common; makes reading a series faster, and is updated.

    Raises
    ------
    EmptyFileError
        If there are no bytes.
    NotDicomError
        If the content is not DICOM, or a DICOMDIR, which is an index of other files.
    DamagedError
        If the file begins as DICOM and then cannot be read.
    TooLargeError
        If the file is deflated and would expand beyond the limit.
    """
    head = source.head(HEAD_BYTES) if head is None else head
    if not head:
        raise EmptyFileError(f"{source.name}: the file is empty (0 bytes)")
    if not is_dicom(head):
        raise NotDicomError(f"{source.name}: not a DICOM file ({_describe(head)})")

    def more(count: int) -> bytes:
        return source.head(max(count, 8 * HEAD_BYTES if count < 4 * HEAD_BYTES else 4 * count))

    part10 = read_part10(head, source.size, more, common)
    header = _read_by_pydicom(source) if part10 is None else _from_part10(source, part10, common)
    if header.sop_class_uid == DICOMDIR_CLASS:
        raise NotDicomError(f"{source.name}: a DICOMDIR, an index of other files; those are loaded by themselves")
    if header.pixel_bytes is None and not (len(header.elements) and header.sop_class_uid):
        raise _cut_off(source)
    return header


def _from_part10(source: Source, part10: Part10Header, common: CommonHeader | None) -> Header:
    encoded, meta = part10.encoded, part10.meta
    return Header(
        source,
        Elements(encoded, known_values=None if common is None else common.known_values),
        part10.transfer_syntax_uid,
        part10.pixel_bytes,
        _plain_uid(encoded.get(_SOP_INSTANCE)) or _plain_uid(meta.get(_MEDIA_INSTANCE)),
        sop_class_of(_plain_uid(encoded.get(_SOP_CLASS)), _plain_uid(meta.get(_MEDIA_CLASS))),
        _plain_uid(encoded.get(_SERIES)),
        _plain_uid(encoded.get(_STUDY)),
    )


def _read_by_pydicom(source: Source) -> Header:
    with source.open() as opened:
        file = cast(BinaryIO, _BoundedFile(opened, source.size))
        try:
            with quiet:
                check_expansion(file, source.name)
                dataset = pydicom.dcmread(file, stop_before_pixels=True, force=True)
                syntax = _transfer_syntax(dataset)
                pixels = _find_pixels(file, dataset, syntax)
                cut = pixels is None and _ends_in_an_element(dataset, source.size, syntax)
        except TooLargeError:
            raise
        except Exception as error:  # pydicom raises many kinds for damaged headers; their messages may quote values
            raise DamagedError(
                f"{source.name}: begins as DICOM, but the header cannot be read ({type(error).__name__}); "
                "the file is damaged or cut off"
            ) from None
    if cut:
        raise _cut_off(source)
    meta = getattr(dataset, "file_meta", Dataset())
    return Header(
        source,
        Elements(None, dataset),
        syntax,
        pixels,
        uid_of(dataset, "SOPInstanceUID") or uid_of(meta, "MediaStorageSOPInstanceUID"),
        sop_class_of(uid_of(dataset, "SOPClassUID"), uid_of(meta, "MediaStorageSOPClassUID")),
        uid_of(dataset, "SeriesInstanceUID"),
        uid_of(dataset, "StudyInstanceUID"),
    )


class _BoundedFile:
    """A file that reads at most the bytes that are left.

    Python allocates as many bytes as ``read`` is called with, and a damaged header may declare any length.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def read(self, count: int = -1) -> bytes:
        return self._file.read(count if count < 4096 else min(count, max(self._size - self._file.tell(), 0)))


def sop_class_of(own: str, media: str) -> str:
    """SOP Class UID of an instance.

    Parameters
    ----------
    own
        Of the data set, which takes precedence.
    media
        Of the File Meta Information, which takes precedence only for a DICOMDIR.
    """
    return DICOMDIR_CLASS if media == DICOMDIR_CLASS else own or media


def _cut_off(source: Source) -> DamagedError:
    return DamagedError(
        f"{source.name}: begins as DICOM, but ends in the middle of its header; the file is damaged or cut off"
    )


def is_dicom(head: bytes) -> bool:
    """True if these first bytes (132 or more, if the file has them) begin a DICOM file, with or without preamble."""
    if head[128:132] == b"DICM":
        return True
    if len(head) < 8:
        return False
    little, big = int.from_bytes(head[:2], "little"), int.from_bytes(head[:2], "big")
    if head[4:6] in _VRS:
        return little in _FIRST_GROUPS or big in _FIRST_GROUPS
    # Implicit VR: the first element of group 8 is short, so its length is small and even.
    element, length = int.from_bytes(head[2:4], "little"), int.from_bytes(head[4:8], "little")
    return little in _FIRST_GROUPS and element <= 0x0100 and length <= 256 and length % 2 == 0


_ARCHIVES = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a rar archive",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ\0": "packed with xz",
    b"\x28\xb5\x2f\xfd": "packed with zstd",
}
"""Archives that are not expanded, by their first bytes."""


def _describe(head: bytes) -> str:
    if head.startswith(b"\x1f\x8b"):
        return "it is gzip in gzip, or of no known method; unpack it first"
    if is_zip(head):  # a zip archive on disk is expanded before
        return "it is a zip archive in gzip; unpack it first"
    if head[257:262] == b"ustar":
        return "it is a tar archive; unpack it first"
    for start, kind in _ARCHIVES.items():
        if head.startswith(start):
            return f"it is {kind}; unpack it first"
    if head.startswith(b"%PDF"):
        return "it is a PDF"
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff")):
        return "it is an ordinary picture, which has no millimetres"
    if all(byte >= 32 or byte in b"\t\r\n" for byte in head):
        return "it is text"
    return _UNKNOWN


def is_unknown(head: bytes) -> bool:
    """True if these first bytes are neither DICOM nor of another known kind."""
    return not is_dicom(head) and _describe(head) == _UNKNOWN


def _transfer_syntax(dataset: Dataset) -> UID:
    uid = uid_of(getattr(dataset, "file_meta", Dataset()), "TransferSyntaxUID")
    if uid:
        return UID(uid)
    implicit, little = dataset.original_encoding
    if not little:
        return pydicom.uid.ExplicitVRBigEndian
    return ImplicitVRLittleEndian if implicit or implicit is None else ExplicitVRLittleEndian


def _ends_in_an_element(dataset: Dataset, size: int, syntax: UID) -> bool:
    """True if the file ends within its last element, which pydicom truncates or leaves out without an error."""
    last = next(reversed(list(dataset.values())), None)
    if (
        not isinstance(last, RawDataElement)
        or last.length == UNDEFINED_LENGTH
        or syntax == DeflatedExplicitVRLittleEndian
    ):
        return False
    return last.value_tell + last.length != size


def _find_pixels(file: BinaryIO, dataset: Dataset, syntax: UID) -> PixelBytes | None:
    for keyword in ("FloatPixelData", "DoubleFloatPixelData", "PixelData"):
        if keyword in dataset:  # not reached while pydicom stops before the pixels
            return PixelBytes(keyword, None, None)
    if syntax == DeflatedExplicitVRLittleEndian:
        return _find_deflated(file)
    # pydicom leaves the file at the start of the element before which it stopped.
    offset = file.tell()
    element = file.read(12)
    if len(element) < 8:
        return None
    _, little = dataset.original_encoding
    order = "little" if little else "big"
    tag = int.from_bytes(element[:2], order) << 16 | int.from_bytes(element[2:4], order)  # type: ignore[arg-type]
    keyword = PIXEL_TAGS.get(tag, "")
    if not keyword:
        return None
    if element[4:6] not in _VRS:  # implicit VR; some files mix both, so the element decides
        length, start = int.from_bytes(element[4:8], order), offset + 8  # type: ignore[arg-type]
    else:
        length, start = int.from_bytes(element[8:12], order), offset + 12  # type: ignore[arg-type]
    return PixelBytes(keyword, start, None if length == UNDEFINED_LENGTH else length)


def _find_deflated(file: BinaryIO) -> PixelBytes | None:
    file.seek(0)
    whole = pydicom.dcmread(file, force=True)
    for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
        if keyword in whole:
            return PixelBytes(keyword, None, len(whole[keyword].value))
    return None


# The standard allows digits and dots; some de-identifiers write letters too.
_UID = r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}"
_UID_TEXT, _UID_BYTES = re.compile(_UID), re.compile(_UID.encode())


def uid_of(dataset: Dataset, keyword: str) -> str:
    """A UID; empty if it is absent or malformed."""
    try:
        with quiet:
            value = dataset.get(keyword)
    except Exception:  # a value that pydicom cannot read counts as absent
        return ""
    text = str(value).strip("\0 ") if isinstance(value, str) else ""
    return text if _UID_TEXT.fullmatch(text) else ""


def _plain_uid(encoded: EncodedValue | None) -> str:
    found = None if encoded is None else _UID_BYTES.fullmatch(encoded[1].strip(b"\0 "))
    return "" if found is None else found[0].decode()
