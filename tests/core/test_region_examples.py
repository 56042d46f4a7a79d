"""The page counts voxels in regions as the library does: both are held against the same examples."""

from __future__ import annotations

import json

import region_examples
from tests.core.kept_examples import same_examples


def test_the_examples_that_the_page_is_tested_with_are_what_the_library_counts() -> None:
    assert same_examples(region_examples.EXAMPLES.read_text(encoding="utf-8"), region_examples.examples()), (
        "the rule of regions or pieces changed: run script/region_examples.py, and change web/src/core alike"
    )


def test_only_floats_may_differ_and_by_rounding() -> None:
    def same(one: object, other: object) -> bool:
        return same_examples(json.dumps(one), json.dumps(other))

    assert same({"a": [1, 0.5, None, "x"]}, {"a": [1, 0.5 + 1e-12, None, "x"]})
    for other in (
        [1, 0.5 + 1e-6, None, "x"],
        [2, 0.5, None, "x"],
        [1, 0.5, None, "y"],
        [1, 0.5, None],
        [1, 0.5, 0, "x"],
    ):
        assert not same({"a": [1, 0.5, None, "x"]}, {"a": other})
    assert not same({"a": 1}, {"b": 1})
