"""Printing of steps' results."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from voxelry.cli.console import plain, show_skipped, warn
from voxelry.cli.make import PICTURES
from voxelry.cli.rich_console import err, out, print_figures

if TYPE_CHECKING:
    from voxelry.workflows.process.processing import Processed, ProcessReport
    from voxelry.workflows.process.step_results import SavedOutput

_MOST_ROWS = 12


def print_report(report: ProcessReport) -> None:
    """Print every result with its files and the first rows of its table, then warnings and left-out volumes."""
    for one in report.results:
        _print_result(one)
    _print_warnings(report)
    show_skipped(report.skipped)


def _print_warnings(report: ProcessReport) -> None:
    """Print each warning once; warnings that differ only in numbers count as one."""
    kinds: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in report.results:
        for words in one.warnings:
            name = "" if one.saved is None or len(report.results) == 1 else f"{one.saved.folder.name}: "
            kinds[re.sub(r"\d[\d.,e+-]*", "0", words)].append((name, words))
    for alike in kinds.values():
        name, words = alike[0]
        rest = len(alike) - 1
        warn(f"{name}{words}" + (f"; likewise in {rest} other{'s' * (rest > 1)}" if rest else ""))


def _print_result(one: Processed) -> None:
    if one.saved is None:
        return
    parts = ", ".join(map(_in_words, one.saved.outputs)) or "nothing"
    out.print(Text.assemble((f"{one.saved.folder}", "cyan"), f"  {parts}"), soft_wrap=True)
    for output in one.saved.outputs:
        if output.kind == "rows":
            _print_rows(one.saved.folder / output.path)


def _in_words(output: SavedOutput) -> str:
    facts = output.facts
    if output.kind == "rows":
        count = facts["rows"]
        return f"rows.csv ({count} row{'s' * (count != 1)})"
    if output.kind == "file":
        return output.path
    shape = facts["shape"]
    size = " x ".join(map(str, shape)) if isinstance(shape, list) else ""
    if output.kind == "segmentation":
        segments = facts["segments"]
        count = len(segments) if isinstance(segments, list) else 0
        return f"{output.path} ({count} segment{'s' * (count != 1)}, {size})"
    if output.format not in (*PICTURES, "dicom"):
        return f"{output.path} ({size})"
    many = f"{len(output.files)} {output.format} file{'s' * (len(output.files) != 1)}"
    return f"{many}{'' if output.path == '.' else f' in {output.path}'} ({size})"


def _print_rows(path: Path) -> None:
    """Print the first rows of a table; the files hold all of them."""
    rows = json.loads(path.read_text("utf-8"))
    shown = [{name: _cell(value) for name, value in row.items()} for row in rows[:_MOST_ROWS]]
    names = _fitting(shown)
    if shown and _width(names, shown) > out.width:  # One line for each value.
        print_figures(names, [[Text(row[name]) for name in names] for row in shown])
        return
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    for name in names:
        number = all(isinstance(row[name], int | float | None) for row in rows)
        table.add_column(plain(name), justify="right" if number else "left", no_wrap=True)
    for row in shown:
        table.add_row(*(row[name] for name in names))
    out.print(Padding(table, (0, 0, 0, 2), expand=False))
    left = len(rows) - _MOST_ROWS, len(rows[0]) - len(names) if rows else 0
    more = [f"{count} more {what}" for count, what in zip(left, ("rows", "columns"), strict=True) if count > 0]
    if more:
        err.print(Text(f"  and {' and '.join(more)} in {path.with_suffix('.csv').name}", "dim"))


def _fitting(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """The names of the columns that fit into the terminal, at least two."""
    found: list[str] = []
    for name in rows[0] if rows else ():
        if len(found) >= 2 and _width([*found, name], rows) > out.width:
            break
        found.append(name)
    return found


def _width(names: Sequence[str], rows: Sequence[Mapping[str, str]]) -> int:
    return 2 + sum(max(len(name), *(len(row[name]) for row in rows)) + 3 for name in names)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.1f}" if 1e5 <= abs(value) < 1e12 else f"{value:,.6g}"
    return f"{value:,}" if isinstance(value, int) else plain(value)
