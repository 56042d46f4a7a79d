"""Attributes asked for by type. A value that cannot be read is an error that names the tag, never the value."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Collection, Iterable, Iterator
from functools import cache, lru_cache
from typing import TypeAlias, cast

from pydicom.datadict import dictionary_description, dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.valuerep import DSdecimal, DSfloat, PersonName

from voxelry.core.errors import PixelDataError
from voxelry.core.value import Value
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.pydicom_silence import quiet

MAX_DEPTH = 32
"""Sequences nested deeper than this are of no object, but of an attack."""
BINARY_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN", "OB or OW"})

Attributes: TypeAlias = Dataset | Elements
"""What attributes are asked of: a whole instance, or an item of one of its sequences."""

_WORDS = frozenset(b"AE AS CS DA DT LO LT SH ST TM UI".split())
_FORMS = {b"FD": "<d", b"FL": "<f", b"SL": "<i", b"SS": "<h", b"SV": "<q", b"UL": "<I", b"US": "<H", b"UV": "<Q"}
_BINARY = {vr: struct.Struct(form) for vr, form in _FORMS.items()}


def describe(keyword: str) -> str:
    """A tag in words: ``Pixel Spacing (0028,0030)``."""
    tag = tag_for_keyword(keyword)
    return keyword if tag is None else f"{dictionary_description(tag)} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


def numbers(of: Attributes, keyword: str, count: int | None = None) -> tuple[float, ...] | None:
    """The numbers of an attribute; None if it is absent or empty.

    Raises
    ------
    PixelDataError
        If the value is not ``count`` finite numbers.
    """
    if type(of) is Elements and of.raw is not None:
        tag = _tag(keyword)
        raw = of.raw.get(tag)
        if raw is None:
            return None
        plain = _numbers_of(raw[0] or _vr(tag), raw[1])
        if plain is not None and (count is None or len(plain) == count or not plain):
            return plain or None
    found = _asked_numbers(of, keyword)
    if not found:
        return None
    if count is not None and len(found) != count:
        raise PixelDataError(f"{describe(keyword)} has {len(found)} values where {count} are needed")
    if not all(map(math.isfinite, found)):
        raise PixelDataError(f"{describe(keyword)} is not finite")
    return found


@lru_cache(maxsize=4096)  # numbers by themselves are nobody's
def _numbers_of(vr: bytes, value: bytes) -> tuple[float, ...] | None:
    """From the file's bytes; empty if there are none, None where pydicom has to be asked."""
    try:
        if vr == b"DS":
            found = tuple(map(float, value.split(b"\\"))) if value.strip() else ()
            return found if all(map(math.isfinite, found)) else None
        if vr == b"IS":
            return tuple(map(int, value.split(b"\\"))) if value.strip(b" ") else ()
        form = _BINARY.get(vr)
        found = () if form is None else tuple(number for (number,) in form.iter_unpack(value))
        return None if form is None or not all(map(math.isfinite, found)) else found
    except (ValueError, OverflowError, struct.error):
        return None


def _asked_numbers(of: Attributes, keyword: str) -> tuple[float, ...]:
    value = _value(of, keyword)
    if value is None or value == "":
        return ()
    items = list(value) if isinstance(value, MultiValue | list | tuple) else [value]
    try:
        return tuple(float(item) for item in items)
    except (TypeError, ValueError, OverflowError):  # whose words quote the value
        raise PixelDataError(f"{describe(keyword)} is not a number") from None


def number(of: Attributes, keyword: str) -> float | None:
    """The first number of an attribute; None if it is absent or empty."""
    found = numbers(of, keyword)
    return None if found is None else found[0]


def integer(of: Attributes, keyword: str) -> int | None:
    """A whole number; None if it is absent or empty."""
    found = numbers(of, keyword)
    if found is None:
        return None
    whole = int(found[0])
    if found[0] != whole:
        raise PixelDataError(f"{describe(keyword)} is not a whole number")
    return whole


def text(of: Attributes, keyword: str) -> str:
    """A text as it is shown; empty if it is absent or cannot be read. Several values are joined by a backslash."""
    found = _plain_text(of, keyword)
    if found is not None:
        return found
    try:
        value = _value(of, keyword)
    except PixelDataError:
        return ""
    if value is None:
        return ""
    with quiet:  # a name is decoded only now
        if isinstance(value, MultiValue | list | tuple):
            return "\\".join(str(item) for item in value)
        return str(value).strip("\0 ")


def _plain_text(of: Attributes, keyword: str) -> str | None:
    """From the file's bytes; None where pydicom has to be asked."""
    if not isinstance(of, Elements) or of.raw is None:
        return None
    tag = _tag(keyword)
    raw = of.raw.get(tag)
    if raw is None:
        return ""
    vr, value = raw[0] or _vr(tag), raw[1]
    if vr in (b"US", b"SS", b"UL", b"SL"):
        found = _numbers_of(vr, value)
        return str(found[0]) if found and len(found) == 1 else None
    if not value.isascii() or not (words := value.decode("ascii").strip("\0 ")).isprintable():
        return None  # pydicom knows of escapes, and which other spaces it strips
    if vr in _WORDS and (b"\\" not in value or (vr == b"CS" and b" " not in value)):
        return words
    if vr in (b"DS", b"IS") and b"\\" not in value and _numbers_of(vr, value):
        return words
    return None


def texts(of: Attributes, keyword: str) -> tuple[str, ...]:
    """The values of a text attribute with several."""
    found = text(of, keyword)
    return tuple(found.split("\\")) if found else ()


def items(of: Attributes, keyword: str) -> tuple[Dataset, ...]:
    """The items of a sequence; none if it is absent."""
    value = _value(of, keyword)
    return tuple(cast(Iterable[Dataset], value)) if isinstance(value, Sequence) else ()


def has_more_items(of: Attributes, keyword: str, than: int) -> bool:
    """True if a sequence is seen to have more items, by their lengths alone; False where reading it has to tell."""
    raw = of.raw.get(_tag(keyword)) if isinstance(of, Elements) and of.raw is not None else None
    value = b"" if raw is None else raw[1]
    count = at = 0
    while count <= than and value[at : at + 4] == b"\xfe\xff\x00\xe0":
        length = int.from_bytes(value[at + 4 : at + 8], "little")
        count, at = count + 1, at + 8 + length  # one without a length ends the search
    return count > than


def first_item(of: Attributes, keyword: str) -> Dataset | None:
    """The first item of a sequence; None if there is none."""
    found = items(of, keyword)
    return found[0] if found else None


def value_of(of: Attributes, keyword: str) -> object:
    """A value as pydicom gives it; None if it is absent or cannot be read."""
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


@cache
def _vr(tag: int) -> bytes:
    """What the dictionary says; empty where it is unknown or depends on other attributes."""
    try:
        found = dictionary_VR(tag)
    except KeyError:
        return b""
    return found.encode() if len(found) == 2 else b""


def _value(of: Attributes, keyword: str) -> object:
    tag = _tag(keyword)
    if isinstance(of, Elements):
        if of.raw is not None and tag not in of.raw:
            return None
        of = of.dataset
    if tag not in of.keys():  # noqa: SIM118 - the keys hold tags; the dataset itself would look each one up
        return None
    try:
        with quiet:
            return cast(object, of[tag].value)
    except Exception as error:  # whatever a malformed value makes pydicom raise; its words may quote the value
        raise PixelDataError(f"{describe(keyword)} cannot be read ({type(error).__name__})") from None


def elements(dataset: Dataset, *, leave_out: Collection[int] = ()) -> Iterator[DataElement]:
    """The elements that can be read, in the order of their tags; the unreadable ones are left out."""
    for tag in sorted(dataset.keys()):
        if tag in leave_out:
            continue
        try:
            with quiet:
                element = dataset[tag]
        except Exception:  # noqa: S112 - one malformed element must not hide the others
            continue
        yield element


def element_name(element: DataElement) -> str:
    """What ``tag_name`` calls its tag."""
    return tag_name(element.tag)


def tag_name(tag: int) -> str:
    """The keyword, or the tag ``(0019,100C)`` where none is its alone (private and repeating attributes)."""
    keyword, group = keyword_for_tag(tag), tag >> 16
    repeats = tag_for_keyword(keyword) is None and group & 0xFF  # (6002,0010) and so on
    return keyword if keyword and not repeats else f"({group:04X},{tag & 0xFFFF:04X})"


def tag_of_name(name: str) -> int | None:
    """The tag that `tag_name` names; None for what is no attribute's name."""
    private = _TAG.fullmatch(name)
    return int(private[1] + private[2], 16) if private else tag_for_keyword(name)


_TAG = re.compile(r"\(([0-9A-F]{4}),([0-9A-F]{4})\)")


def to_json(element: DataElement, *, depth: int = 0) -> Value:
    """An element's value as JSON knows it: a list for several values, a list of dicts for a sequence.

    Sequences in sequences are followed to ``MAX_DEPTH``; what lies deeper is left out.
    """
    with quiet:
        return _to_json(element, depth)


def _to_json(element: DataElement, depth: int) -> Value:
    value = element.value
    if isinstance(value, Sequence):
        return [as_metadata(item, depth=depth + 1) for item in value] if depth < MAX_DEPTH else []
    if isinstance(value, MultiValue | list | tuple):
        return [_scalar(item) for item in value]
    return _scalar(value)


def as_metadata(dataset: Dataset, *, leave_out: Collection[int] = (), depth: int = 0) -> dict[str, Value]:
    """Every attribute with a keyword, as JSON values; binary values and private attributes are left out.

    Parameters
    ----------
    leave_out
        Tags.
    """
    found: dict[str, Value] = {}
    for element in elements(dataset, leave_out=leave_out):
        keyword = keyword_for_tag(element.tag)
        if keyword and keyword not in found and element.VR not in BINARY_VRS and element.tag.element != 0:
            found[keyword] = to_json(element, depth=depth)
    return found


def _scalar(value: object) -> Value:
    if value is None or (isinstance(value, bool | int) and not isinstance(value, float)):
        return None if value is None else int(value)
    if isinstance(value, float | DSfloat | DSdecimal):
        number = float(value)
        return number if math.isfinite(number) else str(number)
    if isinstance(value, PersonName | str):
        return str(value)
    if isinstance(value, bytes):
        return None
    return str(value)
