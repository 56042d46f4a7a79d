"""The page's operations on segments are held against scipy and SimpleITK, by examples that both make today."""

from __future__ import annotations

import morphology_examples


def test_the_examples_that_the_page_is_tested_with_are_what_scipy_and_simpleitk_make() -> None:
    assert morphology_examples.EXAMPLES.read_text(encoding="utf-8") == morphology_examples.examples(), (
        "scipy or SimpleITK do otherwise now: see what changed, and run script/morphology_examples.py"
    )
