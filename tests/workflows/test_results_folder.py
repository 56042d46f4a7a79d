"""Where results go: into the folder that is there, or into one that appears when they are whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import voxelry
from voxelry.core.errors import ExistsError, ParameterError
from voxelry.testing import synthetic_series
from voxelry.workflows.files.results_folder import filled, is_taken
from voxelry.workflows.process.pipeline import InferencePipeline

LEFT = ".0123456789abcdef.part"
"""As a killed process leaves it."""


def _process(source: Path, target: Path) -> None:
    report = voxelry.process(source, "median", out=target)
    assert not report.skipped
    (one,) = report.results
    assert one.saved is not None
    assert all(path.is_file() for path in one.saved.paths)


def _execute(name: str) -> Callable[[Path, Path], None]:
    def execute(source: Path, target: Path) -> None:
        report = InferencePipeline().execute(name, source, target)
        assert report.paths
        assert all(path.is_file() for path in report.paths)

    return execute


WAYS = {"process": _process, "a step": _execute("median"), "3dblur": _execute("3dblur")}


@pytest.mark.parametrize("way", WAYS)
def test_a_folder_that_is_there_stays_the_one_that_it_is(tmp_path: Path, way: str) -> None:
    """It may be mounted, which cannot be renamed, or be where the user works, who would see nothing of it."""
    synthetic_series(tmp_path / "in")
    out = tmp_path / "out"
    out.mkdir(mode=0o750)
    (out / LEFT).mkdir()
    before = out.stat()
    WAYS[way](tmp_path / "in", out)
    after = out.stat()
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert len(list(out.glob("*.dcm"))) == 5
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == [LEFT]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


@pytest.mark.parametrize("there", [True, False])
def test_what_fails_leaves_nothing(tmp_path: Path, there: bool) -> None:
    out = tmp_path / "out"
    if there:
        out.mkdir()

    def fail() -> None:
        with filled(out) as aside:
            (aside / "one").touch()
            raise ParameterError("no")

    with pytest.raises(ParameterError):
        fail()
    assert list(tmp_path.rglob("*")) == ([out] if there else [])


def test_what_others_write_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    def both() -> None:
        with filled(tmp_path) as aside:
            for name in "abc":
                (aside / name).write_text("mine", "ascii")
            (tmp_path / "b").write_text("theirs", "ascii")

    with pytest.raises(ExistsError, match="written meanwhile"):
        both()
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b").read_text("ascii") == "theirs"
    assert is_taken(tmp_path)
