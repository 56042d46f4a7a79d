"""The page samples volumes as the server does: both are held against the same examples."""

from __future__ import annotations

import cut_examples
from tests.core.kept_examples import same_examples


def test_the_examples_that_the_page_is_tested_with_are_what_the_server_gives() -> None:
    assert same_examples(cut_examples.EXAMPLES.read_text(encoding="utf-8"), cut_examples.examples()), (
        "the server's cuts changed: run script/cut_examples.py, and change web/src/core/sampling alike"
    )
