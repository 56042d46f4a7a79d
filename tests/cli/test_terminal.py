"""The terminal itself: no figure is cut, no word of a help page is lost, and nothing is written into its source."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from typer.main import get_command
from typer.testing import CliRunner

from voxelry.cli import app
from voxelry.cli.rich_console import out
from voxelry.cli.seed import _to_dicom, _to_hdf5
from voxelry.core.errors import ExistsError
from voxelry.testing import synthetic_series
from voxelry.workflows.convert.conversion import convert
from voxelry.workflows.process.processing import process


def call(*arguments: object, **more: Any) -> Any:
    return CliRunner().invoke(app, [str(one) for one in arguments], **more)


@pytest.fixture
def series(tmp_path: Path) -> Path:
    synthetic_series(tmp_path / "in", slices=5)
    return tmp_path / "in"


def listed(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def _commands() -> Iterator[tuple[Any, list[str]]]:
    """Every command with its words, groups too."""
    pending: list[tuple[Any, list[str]]] = [(get_command(app), [])]
    while pending:
        command, words = pending.pop()
        yield command, words
        context = command.make_context("voxelry", [], resilient_parsing=True)
        names = command.list_commands(context) if hasattr(command, "list_commands") else []
        pending += [(command.get_command(context, name), [*words, name]) for name in names]


COMMANDS = [pytest.param(command, words, id=" ".join(["voxelry", *words])) for command, words in _commands()]


# --- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "words"), COMMANDS[1:])
def test_an_empty_argument_is_no_path_in_any_command(
    command: Any, words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for given in ([""], ["x", ""], ["--out="]):
        done = call(*words, *given)
        assert done.exit_code == 2, done.output
        assert "a variable of the shell" in done.output
    assert listed(tmp_path) == []


def test_the_two_programs_take_no_empty_path_either() -> None:
    for program, given in (
        (_to_hdf5, ["-i", "", "-h", "x.h5", "-j", "x.json"]),
        (_to_dicom, ["-h", "x.h5", "-d", "in", "-o", ""]),
    ):
        done = CliRunner().invoke(program, given)
        assert done.exit_code == 2
        assert "is empty" in done.output


def test_nothing_is_written_into_its_source(series: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(series)
    before = listed(series)
    for target in (series, tmp_path / "link", series / ".." / "in"):
        for words in (
            ["convert", series, target],
            ["convert", series, target, "--format", "nifti", "--overwrite"],
            ["convert", series, target, "--format", "dicom"],
            ["demo", series, "--out", target],
            ["run", "gaussian", series, target, "--overwrite"],
        ):
            done = call(*words)
            assert done.exit_code == 1, done.output
            assert "is the input as well" in done.stderr
    assert listed(series) == before
    with pytest.raises(ExistsError, match="is the input as well"):
        convert(series, series, format="png")
    with pytest.raises(ExistsError, match="is the input as well"):
        process(series, "gaussian", out=series)


def test_a_file_is_not_replaced_by_what_is_made_from_it(series: Path, tmp_path: Path) -> None:
    assert call("convert", series, tmp_path / "a.nrrd").exit_code == 0
    before = (tmp_path / "a.nrrd").read_bytes()
    assert call("convert", tmp_path / "a.nrrd", tmp_path / "a.nrrd", "--overwrite").exit_code == 1
    assert (tmp_path / "a.nrrd").read_bytes() == before
    (tmp_path / "mine.csv").write_text("a,b\n")
    (tmp_path / "broken.nrrd").write_bytes(before[:40])
    for source in (tmp_path / "mine.csv", tmp_path / "broken.nrrd"):
        assert call("tags", source, "--out", tmp_path / "mine.csv").exit_code == 1
    assert (tmp_path / "mine.csv").read_text() == "a,b\n"


# --- figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 200])
def test_no_measured_figure_is_cut(series: Path, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(out), "is_terminal", True)
    monkeypatch.setattr(type(out), "is_dumb_terminal", False)
    monkeypatch.setattr(out, "_environ", {"COLUMNS": str(columns)})
    shown = " ".join(call("measure", series, "--threshold", "0.2").stdout.split())
    (count, mm3) = re.findall(r"(?:Pixels above: )?(\d[\d,]*)(?: of: | )1,600.*?(\d[\d,]*\.\d{3})\b", shown)[0]
    assert float(mm3.replace(",", "")) == pytest.approx(int(count.replace(",", "")) * 3 * 0.8 * 0.7, abs=5e-4)
    assert "3 × 0.8 × 0.7" in shown
    assert "…" not in shown


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_no_volume_loses_its_name(tmp_path: Path, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def edit(index: int, dataset: Dataset) -> None:
        dataset.EchoTime = ("4.6", "12.25")[index // 3]
        dataset.SeriesDescription = "two echoes of a knee, fat saturated"

    synthetic_series(tmp_path, slices=6, modality="MR", offsets=(0, 3, 6) * 2, edit=edit)
    monkeypatch.setattr(type(out), "is_terminal", True)
    monkeypatch.setattr(type(out), "is_dumb_terminal", False)
    monkeypatch.setattr(out, "_environ", {"COLUMNS": str(columns)})
    shown = " ".join(call("info", tmp_path).stdout.split())
    assert "EchoTime 4.6" in shown
    assert "EchoTime 12.25" in shown
    assert "two echoes of a knee, fat saturated" in shown
    assert "…" not in shown


@pytest.mark.slow
def test_a_pipe_has_no_width(series: Path, tmp_path: Path) -> None:
    """80 columns is what a program that does not know its terminal takes it for."""
    environment = {**os.environ, "COLUMNS": "80"}
    program = [sys.executable, "-m", "voxelry.cli", "run", "label_statistics", str(series), str(tmp_path / "out")]
    done = subprocess.run([*program, "--threshold", "0.5"], capture_output=True, text=True, env=environment, check=True)
    head, row = done.stdout.splitlines()[1:3]
    assert {"count", "mm3", "feret_mm", "p95", "unit"} <= set(head.split())
    assert row.rstrip().endswith("HU")
    assert "more columns" not in done.stderr


def test_columns_that_do_not_fit_a_narrow_terminal_have_a_line_each(
    series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(out), "is_terminal", True)
    monkeypatch.setattr(type(out), "is_dumb_terminal", False)
    monkeypatch.setattr(out, "_environ", {"COLUMNS": "24"})
    shown = call("run", "label_statistics", series, tmp_path / "out", "--threshold", "0.5").stdout
    assert "Above 0.5 of the range" in shown
    assert "…" not in shown


# --- help -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "words"), COMMANDS)
def test_a_help_page_has_every_word(command: Any, words: list[str]) -> None:
    shown = call(*words, "--help", env={"TERMINAL_WIDTH": "3000", "COLUMNS": "3000"}).output
    texts = [command.help, command.epilog, *(getattr(one, "help", "") for one in command.params)]
    for text in filter(None, texts):
        plain = text.replace("\\[", "[")  # escaped for rich
        missing = [word for word in re.findall(r"[^\s`]+", plain) if word not in shown]
        assert not missing, text


@pytest.mark.parametrize(
    ("start", "words"), [(b"7z\xbc\xaf\x27\x1c\0\4", "a 7z archive"), (b"Rar!\x1a\x07\1\0", "a rar archive")]
)
def test_archives_that_cannot_be_opened_are_named(tmp_path: Path, start: bytes, words: str) -> None:
    (tmp_path / "study").write_bytes(start + bytes(400))
    done = call("info", tmp_path / "study")
    assert done.exit_code == 1
    assert f"it is {words}; unpack it first" in done.stderr
