"""What a browser loads of the page's JavaScript before it shows something stays small."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "src/voxelry/server/page"
WORKLIST_BYTES = 120_000
VIEWER_BYTES = 250_000


def _files_at_start(route: str | None) -> set[Path]:
    """The entry, the route's chunk, and what they import at once; not what is imported when it is needed."""
    index = PAGE / "index.html"
    if not index.is_file():
        pytest.skip("the page is not built")
    found = set[Path]()
    waiting = [PAGE / "assets" / name for name in re.findall(r'src="[^"]*?assets/([^"]+\.js)"', index.read_text())]
    waiting += PAGE.glob(f"assets/{route}-*.js") if route else []
    assert len(waiting) == (2 if route else 1), waiting
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            names = re.findall(r'(?:\bfrom|\bimport)\s*"\./([^"]+\.js)"', file.read_text())
            waiting += [file.parent / name for name in names]
    return found


@pytest.mark.parametrize(("route", "most"), [(None, WORKLIST_BYTES), ("ViewerPage", VIEWER_BYTES)])
def test_the_javascript_at_start_is_within_its_budget(route: str | None, most: int) -> None:
    sizes = {file.name: len(gzip.compress(file.read_bytes())) for file in _files_at_start(route)}
    assert sum(sizes.values()) <= most, sizes
    assert sum(sizes.values()) > most / 10, sizes
