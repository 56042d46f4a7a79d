"""The attributes of many instances as the columns of a table: each distinct value is converted once.

Most attributes have the same value in all slices of a series, so that a column has few distinct values. The values are
those of ``json_values.to_json``. The common value representations are decoded here, pydicom decodes the others.
"""

from __future__ import annotations

import math
import re
import struct
from array import array
from collections.abc import Callable, Mapping, Sequence
from itertools import repeat

from pydicom import config
from pydicom.dataset import Dataset

from voxelry.core.value import Value
from voxelry.dicom.headers.elements import Elements, EncodedValue
from voxelry.dicom.headers.json_values import readable_elements, to_json
from voxelry.dicom.headers.value_representations import BINARY_VRS, NUMBER_FORMATS, dictionary_vr

BLOCK_ROWS = 256
"""Instances that are collected as bytes before the columns take them: few enough for a processor's cache."""

_BINARY = frozenset(vr.encode() for vr in BINARY_VRS if len(vr) == 2) - {b"UN"}
_ESCAPE = b"\x1b"
_DECIMAL = re.compile(r" *[+-]?[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)? *").fullmatch
_WHOLE = re.compile(r" *[+-]?[0-9]{1,18} *").fullmatch
_CONTEXT = (0x00080005, 0x00280100, 0x00280103, 0x00283002, 0x54001004)
"""Attributes of the instance on which the decoding of a value depends: character set, Bits Allocated (pixels and
waveform), Pixel Representation, LUT Descriptor. A private attribute depends on its creator too."""

_MISSING = 0
_ASK = -1
_UNSURE = object()

Cell = EncodedValue | None


class Column:
    """One attribute of all instances.

    Attributes
    ----------
    values
        The distinct values; the first is None, for instances without the attribute.
    rows
        For each instance the index of its value. Shorter than the number of instances if the last ones have no value.
    kinds
        The value representations in the files.
    """

    __slots__ = ("_asked", "_asks", "_known", "kinds", "rows", "tag", "values")

    def __init__(self, tag: int) -> None:
        self.tag = tag
        self.values: list[Value] = [None]
        self.rows = array("l")
        self.kinds: set[str] = set()
        self._known: dict[Cell, int] = {None: _MISSING}
        self._asked: dict[tuple[Cell, ...], int] = {}
        self._asks = False

    def take(
        self, start: int, cells: Sequence[Cell], instances: Sequence[Mapping[int, EncodedValue]], *, own: bool
    ) -> None:
        """Append the values of a block of instances.

        Parameters
        ----------
        start
            Row of the first instance.
        cells
            The attribute of each instance.
        instances
            All attributes of each instance.
        own
            False if pydicom has to decode every value.
        """
        self.rows.extend(repeat(_MISSING, start - len(self.rows)))
        first, known = cells[0], self._known
        same = cells.count(first) == len(cells)
        new = {first}.difference(known) if same else set(cells).difference(known)
        for cell in new:
            known[cell] = self._learn(cell, own=own)
        codes = array("l", (known[first],)) * len(cells) if same else array("l", map(known.__getitem__, cells))
        if self._asks:
            for row, code in enumerate(codes):
                if code == _ASK:
                    codes[row] = self._asked_for(cells[row], instances[row])
        for cell in new:
            if cell is not None and cell[0] in _BINARY:  # not in the table, and too large for the cache
                del known[cell]
        self.rows.extend(codes)

    def put(self, row: int, kind: str, value: Value) -> None:
        """Set the value of one instance without comparing it with others."""
        self.rows.extend(repeat(_MISSING, row + 1 - len(self.rows)))
        self.rows[row] = self._add(kind, value)

    def _learn(self, cell: Cell, *, own: bool) -> int:
        vr, content = cell or (b"", b"")
        vr = vr or dictionary_vr(self.tag)
        if vr in _BINARY:
            return _MISSING
        convert = _CONVERSIONS.get(vr) if own else None
        value = _UNSURE if convert is None else convert(content)
        if value is _UNSURE:
            self._asks = True
            return _ASK
        return self._add(vr.decode(), value)  # type: ignore[arg-type]

    def _asked_for(self, cell: Cell, instance: Mapping[int, EncodedValue]) -> int:
        context = _CONTEXT if self.tag >> 16 & 1 == 0 else (*_CONTEXT, self.tag >> 16 << 16 | (self.tag & 0xFFFF) >> 8)
        around = tuple(map(instance.get, context))
        code = self._asked.get((cell, *around))
        if code is None:
            encoded = {tag: found for tag, found in zip(context, around, strict=True) if found is not None}
            code = self._ask(Elements({**encoded, self.tag: instance[self.tag]}).dataset)
            self._asked[cell, *around] = code
        return code

    def _ask(self, dataset: Dataset) -> int:
        others = [tag for tag in dataset.keys() if tag != self.tag]  # noqa: SIM118 - iterating a dataset reads values
        for element in readable_elements(dataset, leave_out=others):
            if element.VR not in BINARY_VRS:
                return self._add(element.VR, to_json(element))
        return _MISSING

    def _add(self, kind: str, value: Value) -> int:
        self.kinds.add(kind)
        self.values.append(value)
        return len(self.values) - 1


class Columns:
    """Collects instances; `done` returns the columns.

    All caches belong to the object, so that no patient's value outlives it.
    """

    def __init__(self) -> None:
        self._columns: dict[int, Column] = {}
        self._instances: list[dict[int, EncodedValue]] = []
        self._datasets: list[tuple[int, Dataset]] = []
        self._count = 0
        # If the program changed pydicom's settings for numbers, dates or malformed texts, pydicom decodes every value.
        strict = config.settings.reading_validation_mode == config.RAISE
        self._own = not (config.datetime_conversion or config.use_DS_numpy or config.use_IS_numpy or strict)

    def add(self, of: Elements) -> None:
        """Append an instance."""
        if of.encoded is None:
            self._datasets.append((self._count + len(self._instances), of.dataset))
        self._instances.append(dict(of.encoded or {}))
        if len(self._instances) >= BLOCK_ROWS:
            self._take_block()

    def add_values(self, values: Mapping[int, tuple[str, Value]]) -> None:
        """One more row, of values that are JSON already: by tag, the value representation and the value."""
        self._take_block()
        for tag, (kind, value) in values.items():
            if kind not in BINARY_VRS:
                self._column(tag).put(self._count, kind, value)
        self._count += 1

    def done(self) -> list[Column]:
        """The columns in the order of their tags, without group lengths and binary values."""
        self._take_block()
        return [self._columns[tag] for tag in sorted(self._columns) if self._columns[tag].kinds]

    def _take_block(self) -> None:
        block = self._instances
        for tag in set[int]().union(*block):
            if tag & 0xFFFF:
                cells: list[Cell] = list(map(dict.get, block, repeat(tag)))
                self._column(tag).take(self._count, cells, block, own=self._own)
        for row, dataset in self._datasets:
            for element in readable_elements(dataset):
                if element.VR not in BINARY_VRS and element.tag.element:
                    self._column(int(element.tag)).put(row, element.VR, to_json(element))
        self._count += len(block)
        self._instances, self._datasets = [], []

    def _column(self, tag: int) -> Column:
        found = self._columns.get(tag)
        if found is None:
            found = self._columns[tag] = Column(tag)
        return found


# --- decoding of the common value representations, with pydicom's results ---------------------------------------------


def _words(content: bytes) -> object:
    text = content.decode("latin-1").rstrip(" \0")
    return text.split("\\") if "\\" in text else text


def _text(content: bytes) -> object:
    """A text that depends on the character set; pydicom decodes all but ASCII."""
    if not content.isascii() or _ESCAPE in content:
        return _UNSURE
    text = content.decode("ascii")
    if "\\" in text:
        return [word.rstrip("\0 ") for word in text.split("\\")]
    return text.rstrip("\0 ")


def _whole_text(content: bytes) -> object:
    if not content.isascii() or _ESCAPE in content:
        return _UNSURE
    return content.decode("ascii").rstrip("\0 ")


def _name(content: bytes) -> object:
    return _UNSURE if b"=" in content or b"\\" in content else _whole_text(content)


def _uids(content: bytes) -> object:
    words = [word.strip() for word in content.decode("latin-1").rstrip(" \0").split("\\")]
    return words[0] if len(words) == 1 else words


def _title(content: bytes) -> object:
    words = [word.strip() for word in content.decode("latin-1").split("\\")]
    return words[0] if len(words) == 1 else words


def _decimals(content: bytes) -> object:
    words = content.decode("latin-1").split("\\")
    if not all(map(_DECIMAL, words)):
        return _UNSURE if content.strip(b" ") else None
    found = list(map(float, words))
    if not all(map(math.isfinite, found)):
        return _UNSURE
    return found[0] if len(found) == 1 else found


def _wholes(content: bytes) -> object:
    words = content.decode("latin-1").split("\\")
    if not all(map(_WHOLE, words)):
        return _UNSURE if content.strip(b" ") else None
    found = list(map(int, words))
    return found[0] if len(found) == 1 else found


def _binary(vr: bytes) -> Callable[[bytes], object]:
    form = struct.Struct(NUMBER_FORMATS[vr])

    def convert(content: bytes) -> object:
        if len(content) % form.size:
            return _UNSURE
        numbers = [number for (number,) in form.iter_unpack(content)]
        if len(numbers) == 1:
            return numbers[0] if math.isfinite(numbers[0]) else _UNSURE
        if vr == b"SS" or not all(map(math.isfinite, numbers)):  # pydicom knows the sign of a LUT descriptor's values
            return _UNSURE
        return numbers or None

    return convert


_CONVERSIONS: dict[bytes, Callable[[bytes], object]] = {
    b"AE": _title,
    b"DS": _decimals,
    b"IS": _wholes,
    b"PN": _name,
    b"UI": _uids,
    **dict.fromkeys((b"AS", b"CS", b"DA", b"DT", b"TM"), _words),
    **dict.fromkeys((b"LO", b"SH", b"UC"), _text),
    **dict.fromkeys((b"LT", b"ST", b"UT"), _whole_text),
    **{vr: _binary(vr) for vr in NUMBER_FORMATS},
}
