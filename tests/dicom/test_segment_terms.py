"""Terms of segments: DICOM's context groups, found by words in any order, by code, and by British spelling."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
from pydicom.sr.codedict import codes

import voxelry
from voxelry.core.errors import ParameterError
from voxelry.dicom.objects.segment_terms import region_terms

SCRIPT = Path(__file__).parents[2] / "script" / "segment_terms.py"


def test_the_terms_are_those_that_the_script_makes() -> None:
    made = runpy.run_path(str(SCRIPT))
    assert made["TARGET"].read_text("utf-8") == made["content"]()


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("kidney", "Kidney"),
        ("LEFT kidney", "Kidney"),
        ("kidney left", "Kidney"),
        ("lung lobe upper", "Upper lobe of lung"),
        ("10200004", "Liver"),
        ("oesophagus", "Esophagus"),
        ("oedema", "Edema"),
        ("vertebra l1", "L1 vertebra"),
        ("aort", "Aorta"),
        ("bone", "Bone"),
    ],
)
def test_the_best_comes_first(text: str, first: str) -> None:
    assert voxelry.segment_terms(text)[0].type.meaning == first


def test_what_there_are_two_of_has_sides() -> None:
    (kidney, *_), (liver, *_) = voxelry.segment_terms("kidney"), voxelry.segment_terms("liver")
    assert [one.meaning for one in kidney.modifiers] == ["Right", "Left", "Bilateral"]
    assert liver.modifiers == ()
    assert (liver.type.value, liver.type.scheme) == (codes.SCT.Liver.value, "SCT")
    assert (liver.category.value, liver.common) == (codes.SCT.AnatomicalStructure.value, True)
    assert liver.colour is not None
    assert all(one.type.meaning != "Liver" for one in voxelry.segment_terms("left liver"))


def test_searches_are_bounded() -> None:
    assert len(voxelry.segment_terms(limit=7)) == 7
    assert all(one.common for one in voxelry.segment_terms(limit=50))
    assert voxelry.segment_terms("no such thing") == ()
    assert "Kidney" in [one.meaning for one in region_terms("kidney")]
    for given in ({"text": "a" * 201}, {"limit": 0}):
        with pytest.raises(ParameterError):
            voxelry.segment_terms(**given)
