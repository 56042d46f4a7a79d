"""Coverage-guided fuzzing of the header reader by atheris, which is no dependency of the project.

It looks for a file on which the reader of plain headers and pydicom disagree, or on which ``read_header`` raises
what is no error of ours. In an environment where Voxelry is installed::

    pip install atheris
    python -m tests.fuzz.fuzz_headers build/fuzz -max_total_time=300

The folder keeps what was found to be of interest; the arguments behind it are libFuzzer's. A finding is written as
``crash-...``; ``-minimize_crash=1 -max_total_time=60 crash-...`` makes it smaller. It then becomes a seed in
``header_seeds.py`` or a test of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.fuzz.agreement import common_header_differences, disagreements, raises
from tests.fuzz.header_seeds import header_seeds, sibling

LARGEST = 16_384
"""Bytes of a seed: larger ones slow the search down."""
SEEDS = header_seeds()
FAMILIES = tuple((SEEDS[name], sibling(SEEDS[name])) for name in ("explicit", "implicit"))
"""Files that are read before, as if they lay in the same folder."""


def judge(content: bytes) -> None:
    """Raise if this file shows a defect."""
    if name := raises(content):
        raise AssertionError(f"read_header raises {name}")
    found = disagreements(content)
    for family in FAMILIES:
        found += common_header_differences([*family, content, content])
    if found:
        raise AssertionError("; ".join(found))


def main(arguments: list[str]) -> None:
    import atheris  # type: ignore[import-not-found, unused-ignore]

    folder = Path(next((word for word in arguments if not word.startswith("-")), "build/fuzz"))
    if not folder.is_file():  # a file is a finding that is to be looked at again
        folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(SEEDS.values()):
            if len(seed) <= LARGEST:
                (folder / f"seed-{number:03d}").write_bytes(seed)
    modules = [
        "voxelry.dicom.headers.part10",
        "voxelry.dicom.headers.attributes",
        "voxelry.dicom.headers.elements",
        "voxelry.dicom.headers.header",
    ]
    for name in modules:
        for function in vars(sys.modules[name]).values():
            if getattr(function, "__module__", None) == name and hasattr(function, "__code__"):
                atheris.instrument_func(function)
    atheris.Setup([sys.argv[0], *arguments], judge)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:] or ["build/fuzz"])
