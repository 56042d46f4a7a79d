"""An object in the DICOM JSON Model as XML: the Native DICOM Model (PS3.19 A.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.sax.saxutils import quoteattr

from pydicom.datadict import keyword_for_tag

from voxelry.dicom.json_model.xml_writing import xml_document, xml_name, xml_text

Element = Mapping[str, object]


def xml_of_json(elements: Mapping[str, Element]) -> str:
    """The XML document, in UTF-8, of an object's elements by their tags, as `json.loads` gives them."""
    return xml_document("".join(_attributes(elements)))


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
        return xml_name(number, value if isinstance(value, dict) else {})
    return f'<Value number="{number}">{"" if value is None else xml_text(str(value))}</Value>'
