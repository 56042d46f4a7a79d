"""This site's viewer beside OHIF, in a browser."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from shutil import which

from benchmarks.race import Row
from benchmarks.server_processes import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PAGE = ROOT / "src/voxelry/server/page/index.html"


def rows(slices: int, pixels: int, rounds: int, scratch: Path, say: Callable[[str], None]) -> list[Row]:
    """Measure both viewers; if something is missing there is one row without figures."""
    if missing := _missing():
        return [Row("viewer", f"first picture ({missing})", "ms", 1.0, "OHIF", None, "", None, "not installed")]
    from benchmarks.viewer_comparison import measured

    return measured(slices, pixels, rounds, scratch, say)


def _missing() -> str:
    """What is needed and is not there; empty if all is there."""
    modules = [name for name in ("playwright", "requests") if find_spec(name) is None]
    return ", ".join(
        [
            *modules,
            *([] if any(map(which, BROWSERS)) else BROWSERS[:1]),
            *([] if PAGE.is_file() else ["the built page"]),
        ]
    )
