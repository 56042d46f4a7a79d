"""What documents of the Native DICOM Model are made of (PS3.19 A.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.sax.saxutils import escape

_NAMESPACE = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
_NO_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""
_NAME_PARTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")


def xml_document(content: str) -> str:
    """A document with these attributes, in UTF-8."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<NativeDicomModel xmlns="{_NAMESPACE}" xml:space="preserve">{content}</NativeDicomModel>'
    )


def xml_name(number: int, groups: Mapping[str, str]) -> str:
    """A person's name from its component groups."""
    return f'<PersonName number="{number}">{"".join(_group(*group) for group in groups.items())}</PersonName>'


def held_by_xml(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return _NO_XML.sub("\ufffd", text)


def xml_text(text: str) -> str:
    """Text as the content of an element."""
    return escape(held_by_xml(text), {"\r": "&#13;"})


def _group(name: str, text: str) -> str:
    parts = zip(_NAME_PARTS, text.split("^", 4), strict=False)
    return f"<{name}>{''.join(f'<{part}>{xml_text(own)}</{part}>' for part, own in parts if own)}</{name}>"
