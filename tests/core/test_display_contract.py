"""What values look like is written once, in ``contract/display.json``: the library and the page are held against it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from voxelry.core.intensity import Voi, VoiTable, Window, to_display

CONTRACT: dict[str, Any] = json.loads((Path(__file__).parents[2] / "contract" / "display.json").read_text("ascii"))
VALUES = np.array([float(value) for value in CONTRACT["values"]])


def _voi(case: dict[str, Any]) -> Voi:
    if "window" in case:
        return Window(**case["window"])
    table = case["table"]
    return VoiTable(table["first"], np.array(table["entries"]), table["bits"])


@pytest.mark.parametrize("case", CONTRACT["cases"], ids=lambda case: str(case.get("window", "table")))
def test_the_library_shows_values_as_it_is_written(case: dict[str, Any]) -> None:
    voi = _voi(case)
    assert to_display(VALUES, voi).tolist() == case["levels"]
    assert to_display(VALUES, voi, invert=True).tolist() == [255 - level for level in case["levels"]]
    if isinstance(voi, VoiTable):
        assert voi.levels.tolist() == case["grey"]
