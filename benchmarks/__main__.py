"""``python -m benchmarks [--quick] [--rounds N] [--markdown] [--json FILE] [NAME ...]``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks import (
    bulk_work,
    compressed_work,
    convert_work,
    dimse_work,
    dynamic_work,
    jobs_work,
    lists_work,
    measure_work,
    plain_work,
    process_work,
    server_work,
    start_work,
    steps_work,
    store_work,
    viewer_work,
    write_work,
)
from benchmarks.race import Race, Row, run, table
from benchmarks.series import BenchmarkSeries, phantom, write_series

NAMES = (
    "load", "headers", "table", "pictures", "write", "nifti", "nifti-gz", "nifti-gz-size", "nifti-write",
    "hdf5", "hdf5-size", "hdf5-read", "hdf5-normalised", "hdf5-normalised-size", "zarr",
    "jpeg-lossless", "htj2k", "rle", "jpeg-ls", "jpeg-2000", "measure", "memory", "import", "growth",
    "start-help", "start-version", "start-nifti", "start-nifti-gz",
    "mosaics", "mosaics-gz", "mosaics-gz-size", "start-mosaics", "start-mosaics-gz",
    "enhanced", "enhanced-gz", "enhanced-gz-size", "start-enhanced", "start-enhanced-gz",
    "gaussian", "median", "jobs-start", "jobs-batch", "jobs-each", "lists", "bulk", "bulk-size",
    "server", "dimse", "viewer",
)  # fmt: skip


@dataclass(frozen=True)
class Size:
    """The amount of work of a run."""

    slices: int
    pixels: int
    compressed: int
    rounds: int
    counts: tuple[int, ...]
    studies: tuple[int, ...]


FULL = Size(
    slices=300, pixels=512, compressed=100, rounds=5, counts=(100, 1000, 10_000), studies=(1000, 100_000, 1_000_000)
)
QUICK = Size(slices=6, pixels=64, compressed=3, rounds=1, counts=(4, 8), studies=(100, 200))


def measure(names: tuple[str, ...], size: Size, say: Callable[[str], None]) -> list[Row]:
    """Run the races of these names, in a temporary folder."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="voxelry-benchmarks-") as name:
        scratch = Path(name)
        say("making the series")
        stored = phantom(size.slices, size.pixels)
        series = write_series(scratch / "series", stored)
        for word, make in _races(size, scratch, series, stored):
            if word in names:
                rows += run(make(), size.rounds, say)
        if {"bulk", "bulk-size"} & set(names):
            found = bulk_work.rows(series, size.rounds, scratch, say)
            rows += [row for row in found if row.race in names]
        if "growth" in names:
            rows += process_work.growth(size.counts, size.rounds, scratch, say)
        if "server" in names:
            rows += server_work.rows(size.slices, size.pixels, size.rounds, scratch, say)
        if "dimse" in names:
            rows += dimse_work.rows(size.slices, size.pixels, size.rounds, scratch, say)
        if "viewer" in names:
            rows += viewer_work.rows(size.slices, size.pixels, size.rounds, scratch, say)
        if "lists" in names:
            rows += lists_work.rows(size.studies, size.rounds, scratch, say)
    return rows


def _races(
    size: Size, scratch: Path, series: BenchmarkSeries, stored: npt.NDArray[np.uint16]
) -> Iterator[tuple[str, Callable[[], Race]]]:
    yield from plain_work.races(series, scratch)
    yield from write_work.races(series, scratch)
    yield from convert_work.races(series, scratch)
    yield from start_work.races(series, scratch)
    yield from dynamic_work.races(scratch, size.slices, size.pixels // 8)
    yield from store_work.races(series.array, scratch)
    yield from measure_work.races(series.array)
    yield from steps_work.races(series.array)
    yield from compressed_work.races(stored[: size.compressed], scratch)
    yield from process_work.races(series)
    yield from jobs_work.races(size.counts[1], scratch)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Voxelry beside the machine and its peers."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(NAMES)}; all by default")
    parser.add_argument(
        "--quick", action="store_true", help="small series and one round: whether it runs, not how fast"
    )
    parser.add_argument("--rounds", type=int, help=f"how often everybody runs (default {FULL.rounds})")
    parser.add_argument(
        "--markdown", action="store_true", help="ratios only, as docs/reference/performance.md has them"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there as well")
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(NAMES):
        parser.error(f"nothing is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    size = QUICK if chosen.quick else FULL
    if chosen.rounds:
        size = replace(size, rounds=chosen.rounds)

    def say(words: str) -> None:
        print(f"\r\x1b[K{words}", end="", file=sys.stderr, flush=True)

    rows = measure(tuple(chosen.names) or NAMES, size, say if sys.stderr.isatty() else lambda _: None)
    if sys.stderr.isatty():
        say("")
    print(table(rows, markdown=chosen.markdown))
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(row) | {"ratio": row.ratio} for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
