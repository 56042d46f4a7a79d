"""Results of searches as XML: the Native DICOM Model (PS3.19 A.1) of an object in the DICOM JSON Model."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

from pydicom.datadict import keyword_for_tag

_NAMESPACE = "http://dicom.nema.org/PS3.19/models/NativeDICOM"
_NO_XML = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""
_PARTS = ("FamilyName", "GivenName", "MiddleName", "NamePrefix", "NameSuffix")

Element = Mapping[str, object]


def native_xml(result: str) -> str:
    """A result as an XML document in UTF-8."""
    content = "".join(_attributes(json.loads(result)))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<NativeDicomModel xmlns="{_NAMESPACE}" xml:space="preserve">{content}</NativeDicomModel>'
    )


def _attributes(elements: Mapping[str, Element]) -> Iterator[str]:
    for tag, element in elements.items():
        keyword = keyword_for_tag(int(tag, 16))
        named = f' keyword="{keyword}"' if keyword else ""
        yield f'<DicomAttribute tag="{tag}" vr="{element["vr"]}"{named}>{_content(element)}</DicomAttribute>'


def _content(element: Element) -> str:
    if "InlineBinary" in element:
        return f"<InlineBinary>{element['InlineBinary']}</InlineBinary>"
    if "BulkDataURI" in element:
        return f"<BulkData uri={quoteattr(str(element['BulkDataURI']))}/>"
    values = element.get("Value", ())
    if not isinstance(values, list):
        return ""
    return "".join(_value(number, value, str(element["vr"])) for number, value in enumerate(values, 1))


def _value(number: int, value: object, vr: str) -> str:
    if vr == "SQ":
        return f'<Item number="{number}">{"".join(_attributes(value)) if isinstance(value, dict) else ""}</Item>'
    if vr == "PN":
        groups = value if isinstance(value, dict) else {}
        return f'<PersonName number="{number}">{"".join(_group(*group) for group in groups.items())}</PersonName>'
    return f'<Value number="{number}">{"" if value is None else _text(str(value))}</Value>'


def _group(name: str, text: str) -> str:
    parts = zip(_PARTS, text.split("^", 4), strict=False)
    return f"<{name}>{''.join(f'<{part}>{_text(own)}</{part}>' for part, own in parts if own)}</{name}>"


def _text(text: str) -> str:
    return escape(_NO_XML.sub("\ufffd", text))
