"""CSV: read back it is what was written, and no cell of it is a formula."""

from __future__ import annotations

import csv
import io

import pytest

from voxelry.core.value import Value
from voxelry.workflows.files.csv_table import write_csv


def written(columns: list[str], *rows: list[Value]) -> list[list[str]]:
    text = io.StringIO(newline="")
    write_csv(text, columns, rows)
    return list(csv.reader(io.StringIO(text.getvalue(), newline="")))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_a_text_that_begins_like_a_formula_has_an_apostrophe(start: str) -> None:
    assert written(["a"], [f"{start}1+2"]) == [["a"], [f"'{start}1+2"]]
    assert written([f"{start}1+2"]) == [[f"'{start}1+2"]]


def test_other_values_are_as_they_are() -> None:
    row: list[Value] = [
        -3,
        -2.5,
        None,
        True,
        'a, "b"',
        "two\r\nlines",
        "old\rline",
        "tab\there",
        "1=2",
        ["=1", -1.5],
        {"a": "+1"},
    ]
    head = list("abcdefghijk")
    assert written(head, row) == [
        head,
        [
            "-3",
            "-2.5",
            "",
            "true",
            'a, "b"',
            "two\r\nlines",
            "old\rline",
            "tab\there",
            "1=2",
            '["=1", -1.5]',
            '{"a": "+1"}',
        ],
    ]
