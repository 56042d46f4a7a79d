"""Values of attributes by type.

The error for a value that cannot be read names the tag, never the value.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Collection, Iterable
from functools import cache, lru_cache
from typing import TypeAlias, cast

from pydicom.datadict import dictionary_description, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from voxelry.core.errors import PixelDataError
from voxelry.dicom.headers.alike_items import alike_items
from voxelry.dicom.headers.elements import Elements, EncodedValue
from voxelry.dicom.headers.plain_items import plain_items
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.headers.value_representations import NUMBER_FORMATS, dictionary_vr

Attributes: TypeAlias = Dataset | Elements
"""An instance's attributes, or an item of one of its sequences."""

_WORDS = frozenset(b"AE AS CS DA DT LO LT SH ST TM UI".split())
_BINARY = {vr: struct.Struct(form) for vr, form in NUMBER_FORMATS.items()}


def tag_label(keyword: str) -> str:
    """Name and tag of an attribute for messages: ``Pixel Spacing (0028,0030)``."""
    tag = tag_for_keyword(keyword)
    return keyword if tag is None else f"{dictionary_description(tag)} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


def numbers(of: Attributes, keyword: str, count: int | None = None) -> tuple[float, ...] | None:
    """The numbers of an attribute; None if it is absent or empty.

    Parameters
    ----------
    count
        How many numbers are required; None accepts any number of them.

    Raises
    ------
    PixelDataError
        If the value is not ``count`` finite numbers.
    """
    if type(of) is Elements and of.encoded is not None:
        tag = _tag(keyword)
        element = of.encoded.get(tag)
        if element is None:
            return None
        fast = _numbers_of(element[0] or dictionary_vr(tag), element[1])
        if fast is not None and (count is None or len(fast) == count or not fast):
            return fast or None
    values = _asked_numbers(of, keyword)
    if not values:
        return None
    if count is not None and len(values) != count:
        raise PixelDataError(f"{tag_label(keyword)} has {len(values)} values where {count} are needed")
    if not all(map(math.isfinite, values)):
        raise PixelDataError(f"{tag_label(keyword)} is not finite")
    return values


@lru_cache(maxsize=4096)  # numbers without their attribute identify no patient
def _numbers_of(vr: bytes, value: bytes) -> tuple[float, ...] | None:
    """Decode numbers from the file's bytes; empty if there are none, None if pydicom has to read the value."""
    try:
        if vr == b"DS":
            values = tuple(map(float, value.split(b"\\"))) if value.strip() else ()
            return values if all(map(math.isfinite, values)) else None
        if vr == b"IS":
            return tuple(map(int, value.split(b"\\"))) if value.strip(b" ") else ()
        form = _BINARY.get(vr)
        values = () if form is None else tuple(number for (number,) in form.iter_unpack(value))
        return None if form is None or not all(map(math.isfinite, values)) else values
    except (ValueError, OverflowError, struct.error):
        return None


def _asked_numbers(of: Attributes, keyword: str) -> tuple[float, ...]:
    value = _value(of, keyword)
    if value is None or value == "":
        return ()
    items = list(value) if isinstance(value, MultiValue | list | tuple) else [value]
    try:
        return tuple(float(item) for item in items)
    except (TypeError, ValueError, OverflowError):  # their messages quote the value
        raise PixelDataError(f"{tag_label(keyword)} is not a number") from None


def number(of: Attributes, keyword: str) -> float | None:
    """The first number of an attribute; None if it is absent or empty."""
    found = numbers(of, keyword)
    return None if found is None else found[0]


def integer(of: Attributes, keyword: str) -> int | None:
    """The first number of an attribute, which must be whole; None if it is absent or empty."""
    values = numbers(of, keyword)
    if values is None:
        return None
    whole = int(values[0])
    if values[0] != whole:
        raise PixelDataError(f"{tag_label(keyword)} is not a whole number")
    return whole


def text(of: Attributes, keyword: str) -> str:
    """A value as text, with several values joined by backslashes; empty if it is absent or cannot be read."""
    found = _plain_text(of, keyword)
    if found is not None:
        return found
    try:
        value = _value(of, keyword)
    except PixelDataError:
        return ""
    if value is None:
        return ""
    with quiet:  # pydicom decodes person names here
        if isinstance(value, MultiValue | list | tuple):
            return "\\".join(str(item) for item in value)
        return str(value).strip("\0 ")


def _plain_text(of: Attributes, keyword: str) -> str | None:
    """A text from the file's bytes; None if pydicom has to read the value."""
    if not isinstance(of, Elements) or of.encoded is None:
        return None
    tag = _tag(keyword)
    element = of.encoded.get(tag)
    if element is None:
        return ""
    vr, value = element[0] or dictionary_vr(tag), element[1]
    if vr in (b"US", b"SS", b"UL", b"SL"):
        found = _numbers_of(vr, value)
        return str(found[0]) if found and len(found) == 1 else None
    if not value.isascii() or not (words := value.decode("ascii").strip("\0 ")).isprintable():
        return None  # pydicom decodes escape sequences and strips other white space
    if vr in _WORDS and (b"\\" not in value or (vr == b"CS" and b" " not in value)):
        return words
    if vr in (b"DS", b"IS") and b"\\" not in value and _numbers_of(vr, value):
        return words
    return None


def plain_words(values: Collection[EncodedValue]) -> list[str] | None:
    """`text` of many single values of one attribute; None if they are not all plain: one is not ASCII, or several."""
    content = b"".join([value for _, value in values])
    if not {vr for vr, _ in values} <= _WORDS or not content.isascii() or b"\\" in content:
        return None
    words = [value.decode("ascii").strip("\0 ") for _, value in values]
    return words if "".join(words).isprintable() else None


def texts(of: Attributes, keyword: str) -> tuple[str, ...]:
    """The values of an attribute as texts; empty if it is absent or cannot be read."""
    found = text(of, keyword)
    return tuple(found.split("\\")) if found else ()


def items(of: Attributes, keyword: str) -> tuple[Dataset, ...]:
    """The items of a sequence; empty if it is absent."""
    value = _value(of, keyword)
    return tuple(cast(Iterable[Dataset], value)) if isinstance(value, Sequence) else ()


def item_attributes(of: Attributes, keyword: str) -> tuple[Attributes, ...]:
    """The same, read from the bytes of a plain file: pydicom takes a millisecond for each of many thousand frames.

    What is unusual is read by pydicom. Items of an instance are read once, those of items each time.
    """
    if not isinstance(of, Elements) or of.encoded is None:
        return items(of, keyword)
    tag = _tag(keyword)
    element = of.encoded.get(tag)
    if element is None:
        return ()
    known = of.known_items.get(tag)
    if known is not None:
        return known
    plain = (alike_items(element) or plain_items(element)) if (element[0] or dictionary_vr(tag)) == b"SQ" else None
    if plain is None:
        return items(of, keyword)
    found = tuple([Elements(item, around=of) for item in plain])
    if of.around is None:
        of.known_items[tag] = found
    return found


def has_more_items(of: Attributes, keyword: str, than: int) -> bool:
    """True if a sequence has more than ``than`` items.

    Only the lengths of the items are read. False does not prove that there are no more: an item of undefined length
    ends the count.
    """
    element = of.encoded.get(_tag(keyword)) if isinstance(of, Elements) and of.encoded is not None else None
    value = b"" if element is None else element[1]
    count = at = 0
    while count <= than and value[at : at + 4] == b"\xfe\xff\x00\xe0":
        length = int.from_bytes(value[at + 4 : at + 8], "little")
        count, at = count + 1, at + 8 + length  # an undefined length points beyond the value, which ends the loop
    return count > than


def first_item(of: Attributes, keyword: str) -> Dataset | None:
    """The first item of a sequence; None if there is none."""
    found = items(of, keyword)
    return found[0] if found else None


def first_attributes(of: Attributes, keyword: str) -> Attributes | None:
    """The first of `item_attributes`; None if there is none."""
    found = item_attributes(of, keyword)
    return found[0] if found else None


def dataset_of(of: Attributes) -> Dataset:
    """The attributes as pydicom's dataset."""
    return of.dataset if isinstance(of, Elements) else of


def value_of(of: Attributes, keyword: str) -> object:
    """A value as pydicom returns it; None if it is absent or cannot be read."""
    try:
        return _value(of, keyword)
    except PixelDataError:
        return None


@cache
def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(f"{keyword} is no keyword of DICOM")
    return int(tag)


def _value(of: Attributes, keyword: str) -> object:
    tag = _tag(keyword)
    if isinstance(of, Elements):
        if of.encoded is not None and tag not in of.encoded:
            return None
        of = of.dataset
    if tag not in of.keys():  # noqa: SIM118 - a dataset's own `in` looks the tag up in the dictionary first
        return None
    try:
        with quiet:
            return cast(object, of[tag].value)
    except Exception as error:  # pydicom raises many kinds for malformed values; their messages may quote the value
        raise PixelDataError(f"{tag_label(keyword)} cannot be read ({type(error).__name__})") from None


def element_name(element: DataElement) -> str:
    """The `tag_name` of an element."""
    return tag_name(element.tag)


def tag_name(tag: int) -> str:
    """The keyword; the tag as ``(0019,100C)`` for private attributes and those of repeating groups."""
    keyword, group = keyword_for_tag(tag), tag >> 16
    repeats = tag_for_keyword(keyword) is None and group & 0xFF  # a repeating group such as (6002,0010)
    return keyword if keyword and not repeats else f"({group:04X},{tag & 0xFFFF:04X})"


def tag_of_name(name: str) -> int | None:
    """The tag that `tag_name` names; None for what is no attribute's name."""
    private = _TAG.fullmatch(name)
    return int(private[1] + private[2], 16) if private else tag_for_keyword(name)


_TAG = re.compile(r"\(([0-9A-F]{4}),([0-9A-F]{4})\)")
