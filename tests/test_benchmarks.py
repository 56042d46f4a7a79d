"""The benchmarks run, judge and tell; how fast anything is says no test, because these machines are shared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from benchmarks.__main__ import FULL, NAMES, main
from benchmarks.lists_work import ROOT
from benchmarks.race import Race, Row, Runner, Target, run, table
from benchmarks.series import phantom, write_series


def silent(_: str) -> None: ...


@pytest.mark.slow
@pytest.mark.no_cover  # others reach the same lines, and it would take twice as long
def test_every_benchmark_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--quick", "--json", str(tmp_path / "results.json")])
    printed = capsys.readouterr().out
    rows = json.loads((tmp_path / "results.json").read_text())
    assert {row["race"] for row in rows} == set(NAMES)
    for row in rows:
        assert row["work"] in printed
        assert row["ours"] > 0
        if row["theirs"] is None:  # a peer may be missing; one that is there must do the same work
            assert row["note"] == "not installed", row
            assert row["ratio"] is row["met"] is None
        elif row["target"]:
            assert row["met"] in (True, False)


def test_generated_rows_are_those_that_the_site_would_have(tmp_path: Path) -> None:
    """The counts, the rows of lists and the index of words are as the site itself writes them."""
    code = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "from django.db import transaction\n"
        "from benchmarks import lists_rows\n"
        "from voxelry.server.access.grants import as_site\n"
        "from voxelry.server.archive import queries\n"
        "from voxelry.server.archive.terms.study_filter import StudyFilter\n"
        "from voxelry.server.archive.lists.study_listing import refresh_all\n"
        "from voxelry.server.archive.lists.study_pages import study_page\n"
        "from voxelry.server.archive.models import Series\n"
        "call_command('migrate', verbosity=0)\n"
        "lists_rows.fill(100)\n"
        "with transaction.atomic(): changed = refresh_all()\n"
        "from django.db.models import Count, F\n"
        "off = Series.objects.annotate(n=Count('instances')).exclude(n=F('instance_count')).count()\n"
        "found = study_page(as_site(), StudyFilter(search=lists_rows.RARE_WORD)).count\n"
        "print(queries.studies(as_site()).count(), changed, off, 0 < found < 20)\n"
    )
    environment = {
        **os.environ, "PYTHONPATH": os.pathsep.join(["src", "."]), "DJANGO_SETTINGS_MODULE": "voxelry.server.settings",
        "VOXELRY_DATA": str(tmp_path),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["100", "0", "0", "True"], done.stderr


def test_a_name_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["lode"])
    assert "there are load, headers" in capsys.readouterr().err


def test_the_series_is_what_it_says(tmp_path: Path) -> None:
    """Twelve bits, air and padding among them, noise that is neither absent nor white; the header of a scanner."""
    import pydicom

    stored = phantom(4, 128)
    series = write_series(tmp_path, stored)
    assert (stored.min(), stored.max() < 4096) == (0, True)
    sets = [pydicom.dcmread(path) for path in series.paths]
    for dataset, offset, plane, path in zip(sets, series.offsets, series.array, series.paths, strict=True):
        np.testing.assert_array_equal(dataset.pixel_array.astype(int) - 1024, plane)
        assert path.read_bytes()[offset:] == dataset.PixelData
    assert 100 <= len(sets[0]) <= 200
    assert len({str(dataset.SOPInstanceUID) for dataset in sets}) == 4
    assert [float(dataset.ImagePositionPatient[2]) for dataset in sets] == [0, 1.25, 2.5, 3.75]
    packed = stored.nbytes / len(zlib.compress(stored.tobytes(), 4))
    assert 1.6 < packed < 2.4  # as gzip packs real CT


def _race(peer: Runner, target: Target) -> Race:
    def judge(result: object) -> None:
        assert result == 10.0

    return Race("race", "work", Runner("ours", lambda: 10.0), (peer,), (target,), judge)


@pytest.mark.parametrize(("factor", "at_most", "met"), [(1.0, False, True), (1.1, False, False), (1.0, True, True)])
def test_a_target_is_met_or_not(factor: float, at_most: bool, met: bool) -> None:
    (row,) = run(_race(Runner("peer", lambda: 10.0), Target(("peer",), factor, at_most)), 1, silent)
    assert (row.ours, row.theirs, row.ratio, row.met) == (10.0, 10.0, 1.0, met)


@pytest.mark.parametrize(
    ("peer", "note"),
    [
        (Runner("peer", lambda: 10.0, ("no_such_module_at_all",)), "not installed"),
        (Runner("peer", lambda: 11.0), "cannot: AssertionError"),
    ],
)
def test_a_peer_that_is_missing_or_wrong_has_no_figure(peer: Runner, note: str) -> None:
    (row,) = run(_race(peer, Target(("peer",), 2.0)), 1, silent)
    assert (row.theirs, row.ratio, row.met, row.note) == (None, None, None, note)
    assert note in table([row])
    assert note in table([row], markdown=True)


def test_our_own_wrong_work_is_an_error() -> None:
    race = Race("race", "work", Runner("ours", lambda: 11.0), (), (), lambda result: pytest.fail("wrong"))
    with pytest.raises(pytest.fail.Exception):
        run(race, 1, silent)


def test_markdown_has_ratios_and_no_times() -> None:
    row = Row("load", "load", "ms", 1234.5, "pydicom", 9876.5, ">= 7 x faster", True)
    assert table([row], markdown=True).splitlines()[-1] == "| load | pydicom | 8.0 | >= 7 x faster | yes |"
    assert FULL.slices == 300
