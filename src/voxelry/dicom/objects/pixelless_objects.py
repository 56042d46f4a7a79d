"""Objects without pixels: what kind each is, its title, and the document that it encapsulates."""

from __future__ import annotations

from typing import Literal, TypeAlias

from voxelry.dicom.headers.attributes import first_item, number, text, value_of
from voxelry.dicom.headers.header import Header

PixellessKind: TypeAlias = Literal[
    "report",
    "document",
    "presentation",
    "contours",
    "plan",
    "waveform",
    "registration",
    "surface",
    "measurements",
    "other",
]
"""What an object without pixels holds."""
REPORTS = "1.2.840.10008.5.1.4.1.1.88."
"""SOP Class UIDs of structured reports begin so, those of key object selections too."""
DOCUMENTS = "1.2.840.10008.5.1.4.1.1.104."
"""SOP Class UIDs of encapsulated documents begin so."""
PDF_DOCUMENT, XML_DOCUMENT = f"{DOCUMENTS}1", f"{DOCUMENTS}2"
LONGEST_TITLE = 200
_STORAGE = "1.2.840.10008.5.1.4.1.1."
_KINDS: tuple[tuple[str, PixellessKind], ...] = (
    (REPORTS, "report"),
    (DOCUMENTS, "document"),
    (f"{_STORAGE}11.", "presentation"),
    (f"{_STORAGE}9.", "waveform"),
    (f"{_STORAGE}481.3", "contours"),
    (f"{_STORAGE}481.5", "plan"),
    (f"{_STORAGE}481.8", "plan"),
    (f"{_STORAGE}66.1", "registration"),
    (f"{_STORAGE}66.3", "registration"),
    (f"{_STORAGE}66.5", "surface"),
    (f"{_STORAGE}68.", "surface"),
    (f"{_STORAGE}67", "measurements"),
    (f"{_STORAGE}77.1.5.3", "measurements"),
    (f"{_STORAGE}78.", "measurements"),
    (f"{_STORAGE}79.", "measurements"),
)
_TITLES = (
    "DocumentTitle",
    "StructureSetLabel",
    "RTPlanLabel",
    "ContentLabel",
    "ContentDescription",
    "SeriesDescription",
)
_PDF = b"%PDF-"
_PDF_WITHIN = 1024


def kind_of(sop_class_uid: str) -> PixellessKind:
    """What an object of a class without pixels holds."""
    for start, kind in _KINDS:
        if sop_class_uid == start or sop_class_uid.startswith(start if start.endswith(".") else f"{start}."):
            return kind
    return "other"


def title_of(header: Header) -> str:
    """The title that an object's header gives it; empty without one. It may be a person's words."""
    name = first_item(header.elements, "ConceptNameCodeSequence")
    meaning = "" if name is None else text(name, "CodeMeaning")
    own = text(header.elements, "DocumentTitle")
    said = (own, meaning, *(text(header.elements, keyword) for keyword in _TITLES))
    return next((one.strip() for one in said if one.strip()), "")[:LONGEST_TITLE]


def encapsulated_document(header: Header) -> bytes:
    """The bytes of an encapsulated document, without the byte that makes their number even. Empty if there are none.

    Raises
    ------
    PixelDataError
        If their length is no number.

    References
    ----------
    PS3.3 C.24.2
    """
    content = value_of(header.elements, "EncapsulatedDocument")
    length = number(header.elements, "EncapsulatedDocumentLength")
    if not isinstance(content, bytes) or not content:
        return b""
    if length is not None and 0 < length <= len(content):
        return content[: int(length)]
    return content[:-1] if content.endswith(b"\0") else content


def is_pdf(content: bytes) -> bool:
    """True if the content is a PDF by its own first bytes, whatever a header calls it."""
    return _PDF in content[:_PDF_WITHIN]
