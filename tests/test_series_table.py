"""The handbook's table of real series is what the code says of them."""

from __future__ import annotations

from pathlib import Path

import voxelry
from series import PAGE, renewed, series_table


def test_the_table_of_real_series_is_up_to_date(corpus: Path) -> None:
    assert PAGE.read_text("utf-8") == renewed(corpus), "run `python script/series.py`: docs/reference/series.md is old"


def test_the_table_tells_of_every_series_and_of_nobody(corpus: Path) -> None:
    made = series_table(corpus)
    folders = [path for path in corpus.iterdir() if path.is_dir()]
    found = [series for folder in folders for series in voxelry.index(folder).series]
    assert made.count("\n") == len(found) + 1
    assert str(corpus) not in made
    private = {
        str(series.instances[0].elements.dataset.get(keyword) or "")
        for series in found
        for keyword in ("PatientName", "PatientID", "PatientBirthDate", "StudyDate", "StudyTime", "AccessionNumber")
    }
    words = set(made.replace("|", " ").split())
    assert not {value for value in private if len(value) > 4 and value in words}
