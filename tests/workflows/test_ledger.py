"""Conversions that were killed: what they made is known, and what they left goes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from voxelry import convert
from voxelry.testing import synthetic_series
from voxelry.workflows.files.atomic import published, staged
from voxelry.workflows.files.ledger import JOURNAL, LEDGER, Ledger


def test_what_killed_runs_left_is_cleared_and_what_is_in_use_is_not(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    out = tmp_path / "out"
    killed, fresh, others = (
        out / name for name in (".0123456789abcdef.staged.part", ".fedcba9876543210.staged.part", ".others.part")
    )
    for folder in (killed, fresh, others):
        folder.mkdir(parents=True)
        (folder / "half.nrrd").write_bytes(b"half")
    with staged(out / "another") as used:
        used.write_bytes(b"")
        for folder in (killed, others, used.parent):
            for path in (*folder.iterdir(), folder):
                os.utime(path, (0, 0))
        assert convert(tmp_path / "in", out, format="nrrd").complete
        assert used.parent.is_dir()
    assert {path.name for path in out.iterdir() if path.is_dir()} == {fresh.name, others.name}


@pytest.mark.slow
def test_who_is_killed_after_a_file_has_its_name_goes_on_later(tmp_path: Path) -> None:
    for seed in range(3):
        synthetic_series(tmp_path / "in" / str(seed), seed=seed)
    assert convert(tmp_path / "in", tmp_path / "out", format="nrrd").complete
    whole = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    killed = (
        "import os, signal, sys; from voxelry.workflows.files import atomic; from pathlib import Path; import voxelry\n"
    )
    killed += "move = atomic._take_place\n"
    killed += "def then(*of):\n    move(*of)\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    killed += "atomic._take_place = then\nvoxelry.convert(sys.argv[1], sys.argv[2], format='nrrd', workers=1)\n"
    for count in (1, 2, 3):
        done = subprocess.run([sys.executable, "-c", killed, tmp_path / "in", tmp_path / "killed"], check=False)
        assert done.returncode == -signal.SIGKILL
        assert len(list((tmp_path / "killed").glob("*.nrrd"))) == count
    rest = convert(tmp_path / "in", tmp_path / "killed", format="nrrd")
    assert rest.complete, rest.skipped
    assert not any(one.fresh for one in rest.written)
    told = json.loads((tmp_path / "killed" / LEDGER).read_text())["files"]
    assert sorted(told) == sorted(name for name in whole if name != LEDGER)
    assert not (tmp_path / "killed" / JOURNAL).exists()


def test_a_journal_that_was_cut_off_spoils_no_other_line(tmp_path: Path) -> None:
    made = tmp_path / "a"
    made.write_bytes(b"1")
    Ledger(tmp_path).add("a", "x", {made: 1}, (1, 2, 3))
    with (tmp_path / JOURNAL).open("a") as journal:
        journal.write('\n{"name": "b", "sour')
    Ledger(tmp_path).add("c", "y", {made: 1}, (1,))
    found = Ledger(tmp_path)
    assert found.done("a", "x") is not None
    assert found.done("b", "") is None
    assert found.done("c", "y") is not None
    found.close()
    assert sorted(json.loads((tmp_path / LEDGER).read_text())["files"]) == ["a", "c"]


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    final = tmp_path / "table.csv"
    with pytest.raises(FileNotFoundError) as failed, published(final) as aside:
        aside.unlink()  # it cannot take its place
    assert failed.value.filename == str(final)
    assert not list(tmp_path.iterdir())
