"""Tables as CSV that spreadsheets may open: no cell is taken for a formula."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Sequence
from typing import TextIO

from voxelry.core.value import Value

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""Spreadsheets take a cell that begins so for a formula, in full width too; what a header says may be anybody's."""


def write_csv(file: TextIO, columns: Sequence[str], rows: Iterable[Iterable[Value]]) -> None:
    """Write a table with a head. The file is open with ``newline=""``.

    Lists and objects are JSON in a cell, truth is ``true`` or ``false``. A text that a spreadsheet would take for a
    formula has an apostrophe before it.
    """
    writer = csv.writer(_Lines(file), lineterminator="\r\n")  # so that a cell with either of them is quoted
    writer.writerow(map(_cell, columns))
    writer.writerows(map(_cell, row) for row in rows)


class _Lines:
    """A file whose rows end as lines do."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> int:
        return self._file.write(row.removesuffix("\r\n") + "\n")


def _cell(value: Value) -> str | int | float | None:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return json.dumps(finite(value), ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def finite(value: Value) -> Value:
    """As JSON knows it: NaN and infinities are null, inside lists and objects too."""
    if isinstance(value, list):
        return [finite(one) for one in value]
    if isinstance(value, dict):
        return {name: finite(one) for name, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
