"""The page counts voxels in regions as the library does: both are held against the same examples."""

from __future__ import annotations

import json
import math

import region_examples

ROUNDING = 1e-9
"""Of places in mm: their last digits depend on the machine."""


def test_the_examples_that_the_page_is_tested_with_are_what_the_library_counts() -> None:
    kept = json.loads(region_examples.EXAMPLES.read_text(encoding="utf-8"))
    assert _alike(kept, json.loads(region_examples.examples())), (
        "the rule of regions or pieces changed: run script/region_examples.py, and change web/src/core alike"
    )


def test_only_places_may_differ_by_rounding() -> None:
    assert _alike({"a": [1, 0.5, None, "x"]}, {"a": [1, 0.5 + 1e-12, None, "x"]})
    for other in (
        [1, 0.5 + 1e-6, None, "x"],
        [2, 0.5, None, "x"],
        [1, 0.5, None, "y"],
        [1, 0.5, None],
        [1.0, 0.5, 0, "x"],
    ):
        assert not _alike({"a": [1, 0.5, None, "x"]}, {"a": other})
    assert not _alike({"a": 1}, {"b": 1})


def _alike(one: object, other: object) -> bool:
    """Whether two values of JSON are the same but for the rounding of floats."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=0.0, abs_tol=ROUNDING)
    return type(one) is type(other) and one == other
