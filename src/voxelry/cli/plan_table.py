"""The plan of a conversion as a table, or as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxelry.cli.console import plain, print_json, say, show_skipped, warn

if TYPE_CHECKING:
    from voxelry.workflows.convert.conversion_plan import ConversionPlan, PlannedFile

_UNITS = ("B", "kB", "MB", "GB", "TB")
_STATES = {"new": "", "kept": "there already", "replaced": "is replaced"}


def print_plan(plan: ConversionPlan, *, as_json: bool) -> None:
    """Each file to be, then what is left out and why."""
    from voxelry.core.problem_record import skipped_record

    if as_json:
        print_json({
            "files": [file.record for file in plan.files],
            "bytes": plan.bytes,
            "skipped": skipped_record(plan.skipped),
        })  # fmt: skip
        return
    if plan.files:
        _print_table(plan)
    for file in plan.files:
        for words in file.warnings:
            warn(f"{file.path.name}: {words}" if len(plan.files) > 1 else words)
    show_skipped(plan.skipped)


def _print_table(plan: ConversionPlan) -> None:
    rows = [_row(file) for file in plan.files]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        first, *others = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say((first, "cyan"), "  " + "  ".join(others).rstrip())
    written = [file for file in plan.files if file.state != "kept"]
    there = len(plan.files) - len(written)
    words = f"{len(written)} to be written, about {_size(plan.bytes)} before compression"
    say((words + (f"; {there} there already" if there else ""), "bold"))


def _row(file: PlannedFile) -> tuple[str, ...]:
    shape = " x ".join(map(str, file.shape)) or "known when read"
    beside = " + " + " ".join(path.suffix for path in file.companions) if file.companions else ""
    count = f"{file.files} files" if file.files > 1 else ""
    kinds = ", ".join(file.kinds)
    series = plain(f"{file.modality} {file.series_number}".strip())
    told = ", ".join(part for part in (count, kinds, _STATES[file.state]) if part)
    size = "" if file.bytes is None else _size(file.bytes)
    return plain(f"{file.path}{beside}"), shape, series, size, told


def _size(count: int) -> str:
    """``6.3 MB``: powers of a thousand."""
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.3g} {_UNITS[unit]}"
