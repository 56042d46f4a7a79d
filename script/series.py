"""Generate docs/reference/series.md: the geometry report of every series in the folder of real data.

``python script/series.py`` updates it; a test fails if it is out of date. The data are beside the project
(``../shared/data``, or in VOXELRY_TEST_DATA) and are not part of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import voxelry
from reference import table
from voxelry.dicom.series.hierarchy import Series

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reference/series.md"
BEGIN, END = "<!-- from the data: python script/series.py -->", "<!-- end -->"


def renewed(data: Path) -> str:
    """The page with its table replaced by that of this folder."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{series_table(data)}\n\n{END}{after}"


def series_table(data: Path) -> str:
    """One row for each series, without values about patient, date or machine."""
    rows = [row for folder in sorted(path for path in data.iterdir() if path.is_dir()) for row in _rows(folder)]
    return table(("folder", "kind", "files", "report"), rows)


def _rows(folder: Path) -> Iterator[tuple[str, ...]]:
    for number, series in enumerate(voxelry.index(folder).series):
        name = f"`{folder.name}`" if number == 0 else ""
        yield name, series.modality, str(len(series.instances)), _report(series).replace(f"{folder}{os.sep}", "")


def _report(series: Series) -> str:
    report = series.report
    lines = [report.words]
    for problem in report.problems:
        if problem.message not in report.words:
            lines.append(f"**{problem.numbers['severity']}** `{problem.code}`: {problem.message}")
        elif problem.code != "no_pixel_data":
            lines[0] += f" (`{problem.code}`)"
    return "<br>".join(lines)


def main() -> None:
    data = Path(os.environ.get("VOXELRY_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not data.is_dir():
        sys.exit(f"no real DICOM data at {data}")
    new = renewed(data)
    if PAGE.read_text("utf-8") != new:
        PAGE.write_text(new, "utf-8")
        sys.stdout.write(f"renewed {PAGE.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
