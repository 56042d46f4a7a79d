"""Numbers of elements: binary ones, and the decimal and integer strings that are numbers (PS3.5 6.2)."""

from __future__ import annotations

import math
import re
import struct

from voxelry.dicom.headers.value_representations import NUMBER_FORMATS

_FORMATS = {vr.decode(): form for vr, form in NUMBER_FORMATS.items()}
_EXACT = 2**53
"""Integers up to this are the same in every JSON reader; larger ones are told as strings (PS3.18 F.2.3.1)."""
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_INTEGER = re.compile(r"[+-]?\d+(\.0*)?")


def binary_numbers(value: bytes, vr: str) -> list[int | float]:
    """The numbers of a binary value; bytes left over at its end are no number."""
    form = _FORMATS[vr]
    count = len(value) // struct.calcsize(form)
    return list(struct.unpack(f"<{count}{form[1]}", value[: count * struct.calcsize(form)]))


def attribute_tags(value: bytes) -> list[str]:
    """The tags of an AT value: eight hexadecimal digits each."""
    whole = len(value) - len(value) % 4
    numbers = struct.unpack(f"<{whole // 2}H", value[:whole])
    return [f"{group:04X}{element:04X}" for group, element in zip(numbers[::2], numbers[1::2], strict=True)]


def json_number(number: int | float) -> str:
    """A number as JSON; as a string if JSON has none such, or readers would round it."""
    if isinstance(number, int):
        return str(number) if abs(number) <= _EXACT else f'"{number}"'
    if math.isfinite(number):
        return repr(number)
    return '"NaN"' if math.isnan(number) else '"inf"' if number > 0 else '"-inf"'


def decimal_as_json(text: str) -> str | None:
    """A Decimal String as a JSON number, its digits as they are; None if it is no finite number."""
    text = text.strip()
    if not _DECIMAL.fullmatch(text):
        return None
    number = float(text)
    if not math.isfinite(number):
        return None
    return text if _JSON_NUMBER.fullmatch(text) else repr(number)


def integer_as_json(text: str) -> str | None:
    """An Integer String as a JSON number; None if it is no integer."""
    text = text.strip()
    if not _INTEGER.fullmatch(text):
        return None
    number = int(text.partition(".")[0])
    return str(number) if abs(number) <= _EXACT else None
