"""The page counts voxels in regions as the library does: both are held against the same examples."""

from __future__ import annotations

import region_examples


def test_the_examples_that_the_page_is_tested_with_are_what_the_library_counts() -> None:
    assert region_examples.EXAMPLES.read_text(encoding="utf-8") == region_examples.examples(), (
        "the rule of regions or pieces changed: run script/region_examples.py, and change web/src/core alike"
    )
