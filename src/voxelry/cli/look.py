"""The commands ``info`` and ``tags``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.cells import cell_len
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from voxelry.cli.console import end, millimetres, plain, print_json, show_skipped, working
from voxelry.cli.path_options import JsonOption, PathArgument
from voxelry.cli.rich_console import err, out
from voxelry.cli.tolerance import ToleranceOption, tolerances_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

    from voxelry.dicom.series.hierarchy import Series, Study
    from voxelry.dicom.series.stack import Stack
    from voxelry.workflows.load.listing import ListedFile, VolumeFacts

_LONGEST_VALUE = 200
_MOST_ROWS = 4
_HEADINGS = ("  No", "Kind", "Description", "Files", "Voxels", "Spacing, mm", "")


def info(
    path: PathArgument,
    as_json: JsonOption = False,
    patient: Annotated[bool, typer.Option("--patient", help="Show whose studies they are.")] = False,
    tolerance: ToleranceOption = None,
) -> None:
    """List studies, series and their volumes, and the volumes in files of other formats.

    Of DICOM only headers are read. What is wrong with a series is said in words: missing slices, uneven spacing, ...
    """
    from voxelry.core.problem_record import skipped_record
    from voxelry.workflows.load.listing import list_path
    from voxelry.workflows.load.volume_files import known_suffixes

    with working() as progress:
        found = list_path(path, tolerances=tolerances_of(tolerance), progress=progress)
    if as_json:
        studies = [_study_record(study, patient=patient) for study in found.studies]
        files = [file.record for file in found.files]
        print_json({"studies": studies, "files": files, "skipped": skipped_record(found.skipped)})
    else:
        for study in found.studies:
            _print_study(study, patient=patient)
        for file in found.files:
            _print_file(file)
        show_skipped(found.skipped)
    nothing = f"{path}: holds no DICOM, and no file of another known format ({known_suffixes()})"
    end(done=bool(found.studies or found.files), nothing=nothing)


def _print_file(file: ListedFile) -> None:
    """Print a file of another format: a row for each of its volumes."""
    out.print(Text.assemble(("File ", "bold"), (plain(file.name), "bold cyan"), f"  {file.format}"), soft_wrap=True)
    _print_volumes([_file_row(volume) for volume in file.volumes])
    for words in dict.fromkeys(words for volume in file.volumes for words in volume.warnings):
        out.print(Padding(Text(plain(words), "yellow"), (0, 0, 0, 2), expand=False))
    out.print()


def _file_row(volume: VolumeFacts) -> tuple[Text, ...]:
    shape = "\N{MULTIPLICATION SIGN}".join(map(str, volume.shape[:3])) + (" colour" if len(volume.shape) > 3 else "")
    kind = " ".join(filter(None, (volume.dtype, plain(volume.unit))))
    return (
        Text(),
        Text(kind),
        Text(),
        Text(),
        Text(shape),
        Text(millimetres(volume.spacing)),
        Text(plain(volume.label)),
    )


def _study_record(study: Study, *, patient: bool) -> dict[str, Any]:
    shown = {k: v for k, v in study.metadata.items() if patient or not _is_patients(k)}
    return {
        "study_instance_uid": study.study_instance_uid,
        "metadata": shown,
        "series": [_series_record(series) for series in study.series],
    }


def _is_patients(keyword: str) -> bool:
    return keyword.startswith("Patient") or keyword in ("IssuerOfPatientID", "AccessionNumber", "StudyID")


def _series_record(series: Series) -> dict[str, Any]:
    return {
        "series_instance_uid": series.series_instance_uid,
        "number": series.number,
        "modality": series.modality,
        "description": series.description,
        "instances": len(series.instances),
        "without_pixels": len(series.pixelless),
        "unusable": {name: {"code": p.code, "message": p.message} for name, p in series.unusable.items()},
        "stacks": [_stack_record(stack) for stack in series.stacks],
        "report": series.report.record,
    }


def _stack_record(stack: Stack) -> dict[str, Any]:
    problem = stack.problem
    return {
        "label": stack.label,
        "shape": list(stack.shape),
        "spacing_mm": list(stack.spacing),
        "frame_of_reference_uid": stack.frame_of_reference_uid,
        "affine_lps_mm": None if stack.affine is None else stack.affine.tolist(),
        "regular": stack.regular,
        "problem": None if problem is None else problem.record,
        "warnings": list(stack.warnings),
    }


def _print_study(study: Study, *, patient: bool) -> None:
    facts = study.metadata
    title = Text("Study ", "bold")
    title.append(
        plain(" ".join(str(facts.get(k) or "") for k in ("StudyDate", "StudyDescription")).strip()), "bold cyan"
    )
    out.print(title)
    if patient:
        out.print(Text(f"  {plain(facts.get('PatientName', ''))}  {plain(facts.get('PatientID', ''))}"))
    out.print(Text(f"  {study.study_instance_uid}", "dim"))
    _print_volumes([row for series in study.series for row in _rows(series)])
    for series in study.series:
        _print_report(series)
    out.print()


def _print_volumes(rows: Sequence[Sequence[Text]]) -> None:
    """Print rows as a table, or as separate lines if the terminal is too narrow; no text is cut."""
    columns = [(heading, *map(str, cells)) for heading, cells in zip(_HEADINGS, zip(*rows, strict=True), strict=True)]
    if sum(max(map(cell_len, column)) + 2 for column in columns) <= out.width:
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in _HEADINGS:
            table.add_column(heading, justify="right" if heading in ("  No", "Files") else "left", no_wrap=True)
        for row in rows:
            table.add_row(*row)
        out.print(table)
        return
    for number, kind, description, files, *volume in rows:
        if files:
            out.print(Text("  ").join([Text(f"{number!s:>4}"), kind, description, Text(f"{files} files")]))
        out.print(Padding(Text("  ").join(part for part in volume if part), (0, 0, 0, 8), expand=False))


def _rows(series: Series) -> Iterator[tuple[Text, ...]]:
    number = "" if series.number is None else str(series.number)
    head = (number, plain(series.modality), plain(series.description), str(len(series.instances)))
    if not series.stacks:
        yield (*map(Text, head), Text("no image", "dim"), Text(), Text())
    for row, alike in enumerate(_alike(series.stacks)):
        stack, last = alike[0], alike[-1]
        shape = "\N{MULTIPLICATION SIGN}".join(map(str, stack.shape[:3])) + (" colour" if len(stack.shape) > 3 else "")
        state = Text("irregular", "red") if stack.problem else Text("warning", "yellow") if stack.warnings else Text("")
        label = stack.label
        if len(alike) > 1:
            shape = f"{len(alike)} of {shape}"
            label = f"{stack.label} to {', '.join(value for _, value in last.pile.separation) or last.label}"
        state.append(f" {plain(label)}" if label else "")
        yield (*map(Text, head if row == 0 else [""] * 4), Text(shape), Text(millimetres(stack.spacing)), state)


def _alike(stacks: tuple[Stack, ...]) -> list[tuple[Stack, ...]]:
    """Group stacks into rows of a table: many volumes of one geometry (time points) share a row."""
    groups = [
        tuple(group)
        for _, group in groupby(stacks, lambda one: (one.shape, one.spacing, one.regular, bool(one.warnings)))
    ]
    return [
        rows
        for group in groups
        for rows in ([group] if len(group) > _MOST_ROWS and group[0].label else [(stack,) for stack in group])
    ]


_COLOURS = {"error": "red", "warning": "yellow", "note": "dim"}


def _print_report(series: Series) -> None:
    """Print the geometry report and other findings of a series."""
    report = series.report
    name = series.series_instance_uid if series.number is None else series.number
    notes = []
    for problem in report.problems:
        severity = str(problem.numbers["severity"])
        if problem.message not in report.words:
            notes.append(Text.assemble((f"{severity}: ", _COLOURS[severity]), plain(problem.message)))
    if series.pixelless and series.stacks:
        kinds = ", ".join(dict.fromkeys(header.sop_class_name for header in series.pixelless))
        notes.append(Text(f"{len(series.pixelless)} without pixels ({plain(kinds)})", "dim"))
    for file, problem in series.unusable.items():
        if problem.code != "no_pixel_data" and problem.message not in report.words:
            notes.append(Text(plain(problem.message or file), "red"))
    colour = "red" if "error" in {p.numbers["severity"] for p in report.problems} else "" if notes else "dim"
    out.print(Padding(Text(plain(f"series {name}: {report.words}"), colour), (0, 0, 0, 2), expand=False))
    for note in notes:
        out.print(Padding(note, (0, 0, 0, 6), expand=False))


def tags(
    path: PathArgument,
    as_json: JsonOption = False,
    save: Annotated[
        Path | None,
        typer.Option("--out", help="Write the table of all instances to this file: .csv, .json or .parquet."),
    ] = None,
    flatten: Annotated[
        bool, typer.Option("--flatten", help="A column for each attribute inside a sequence, instead of nested values.")
    ] = False,
) -> None:
    """Show the tags of a file, or of a folder as a table."""
    from voxelry.dicom.headers.header import read_header
    from voxelry.dicom.headers.sources import FileSource
    from voxelry.workflows.load.volume_files import format_of

    if save is None and path.is_file() and format_of(path) is None and not _is_archive(path):
        header = read_header(FileSource.of(path))
        if as_json:
            from voxelry.dicom.headers.json_values import as_metadata

            print_json({"file": str(path), "tags": as_metadata(header.elements.dataset)})
        else:
            _print_tags(header.elements.dataset, 0)
        return
    from voxelry.workflows.files.results_folder import check_apart
    from voxelry.workflows.tables.save_table import as_columns, check_table_path, records, save_table
    from voxelry.workflows.tables.tabulate import tabulate

    if save is not None:
        check_table_path(save)
        check_apart(path, save)
    with working() as progress:
        table = tabulate(path, progress=progress)
    if save is not None and len(table):
        count = save_table(table, save, flatten=flatten)
        err.print(f"{len(table)} instances, {count} columns: {save}")
    elif as_json:
        print_json(records(as_columns(table, flatten=flatten)))
    elif save is None:
        out.print(Text(f"{len(table)} instances, {len(table.columns)} columns; --out FILE.csv writes them all"))
        for column in table.columns:
            values = table[column].dropna()
            distinct = values.astype(str).unique()
            shown = f"{len(distinct)} different values"
            if len(distinct) < 2:
                shown = plain(distinct[0])[:60] if len(distinct) else "empty"
            out.print(Text.assemble((f"  {column:40}", "cyan"), shown), no_wrap=True, overflow="ellipsis")
    end(done=bool(len(table)), nothing=f"{path}: holds no DICOM")


def _joined(value: object) -> str:
    from pydicom.multival import MultiValue

    if isinstance(value, MultiValue):
        return "\\".join(map(str, value))
    return "" if value is None else str(value)


def _is_archive(path: Path) -> bool:
    from voxelry.dicom.headers.packed_files import is_zip

    with path.open("rb") as file:
        return is_zip(file.read(132))


def _print_tags(dataset: Dataset, depth: int) -> None:
    from voxelry.dicom.headers.attributes import element_name
    from voxelry.dicom.headers.json_values import readable_elements
    from voxelry.dicom.headers.value_representations import BINARY_VRS

    for element in readable_elements(dataset):
        indent = "  " * depth
        line = Text(f"{indent}({element.tag.group:04X},{element.tag.element:04X}) ", "dim")
        line.append(f"{element.VR:3}", "dim").append(f"{plain(element_name(element)):32} ", "cyan")
        if element.VR == "SQ":
            out.print(line.append(f"{len(element.value)} items"), soft_wrap=True)
            for number, item in enumerate(element.value):
                out.print(Text(f"{indent}  item {number + 1}", "dim"))
                _print_tags(item, depth + 2)
            continue
        value = f"{len(element.value or b'')} bytes" if element.VR in BINARY_VRS else _joined(element.value)
        cut = value if len(value) <= _LONGEST_VALUE else value[:_LONGEST_VALUE] + " ..."
        out.print(line.append(plain(cut)), soft_wrap=True)
