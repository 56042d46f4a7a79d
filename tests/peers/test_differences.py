"""dcm2niix as judge of every real series: each difference is of a kind that the handbook explains."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from differences import EXPLAINED, TABLE, compare, differences, unexplained
from voxelry.testing import synthetic_series

PROGRAM = os.environ.get("VOXELRY_DCM2NIIX", "dcm2niix")


@pytest.mark.programs("dcm2niix")
def test_every_difference_is_explained(corpus: Path) -> None:
    """Of the version that is there, which need not be the page's."""
    found = differences(corpus, PROGRAM)
    assert unexplained(found) == set()
    page = TABLE.read_text("utf-8")
    told = {cells[1].strip(): cells[3].strip() for line in page.splitlines() if len(cells := line.split("|")) == 8}
    assert [one.name for one in found if one.equal] != []
    old = {one.name: (told.get(one.name), str(one.ours)) for one in found if told.get(one.name) != str(one.ours)}
    assert not {name for name, (page_says, _) in old.items() if page_says is not None}, (
        f"run script/differences.py: {old}"
    )
    for kind, words in EXPLAINED.items():
        assert (f"- **{kind}**: {words}" in page) == (f" {kind}" in page.partition("## Why")[0].replace(",", " |"))


@pytest.mark.programs("dcm2niix")
def test_what_nobody_explained_is_found(tmp_path: Path) -> None:
    import nibabel

    import voxelry

    synthetic_series(tmp_path / "data" / "one")
    assert [one.kinds for one in differences(tmp_path / "data", PROGRAM)] == [[]]
    report = voxelry.convert(tmp_path / "data", tmp_path / "out", format=".nii")
    (path,) = (one.path for one in report.written)
    image = nibabel.Nifti1Image.from_filename(path)
    values = np.asarray(image.dataobj).copy()
    values[1, 2, 3] += 500
    nibabel.save(nibabel.Nifti1Image(values, image.affine), tmp_path / "wrong.nii")
    moved = image.affine.copy()
    moved[0, 3] += 1
    nibabel.save(nibabel.Nifti1Image(np.asarray(image.dataobj), moved), tmp_path / "moved.nii")
    for name, kind in (("wrong", "values"), ("moved", "place")):
        told = compare("one", [tmp_path / f"{name}.nii"], [path], set())
        assert (told.kinds, told.equal) == ([kind], 0)
        assert unexplained([told]) == {kind}
