"""Visits of this site's viewer and of OHIF, in Debian's Chromium without a window, on one server and one series.

Each visit has a browser of its own with an empty cache, in turns, so that a busy machine is busy for both. Whoever
visits has logged in and dismissed OHIF's dialogs before. Costs are medians of the visits.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Playwright, StorageState, sync_playwright

from benchmarks import ohif, viewer_large, viewer_planes, viewer_strokes
from benchmarks.race import Row, Target
from benchmarks.series import phantom, write_series
from benchmarks.server_processes import Server, free_port, start_site
from benchmarks.server_work import send_zip, settle
from benchmarks.viewer_pages import OhifPage, OwnPage, ViewerDriver
from benchmarks.viewer_scripts import scripts_of_list, scripts_of_viewer
from benchmarks.viewer_visit import Visit, remember, visit

SITE_PROGRAM = Path(__file__).with_name("viewer_site.py")
LARGE_SLICES = 4000
TRIAL_SLICES = 100
"""With fewer slices it is tried whether the benchmark runs: OHIF takes part if it is there, and is not fetched."""
TRIAL_LARGE_SLICES = 12
USER, PASSWORD = "admin", "benchmark"
_MIB = 2.0**20
_KB = 1000.0


@dataclass(frozen=True)
class Comparison:
    """A cost of a visit, and the ratio to OHIF's that is aimed at.

    Attributes
    ----------
    of_all
        Whether it counts only if every slice was loaded.
    """

    work: str
    unit: str
    cost: Callable[[Visit], float]
    target: Target
    of_all: bool = True


COMPARISONS = (
    Comparison("first picture, from the click", "ms", lambda seen: seen.first_ms, Target(("OHIF",), 5.0), False),
    Comparison("whole series, from the click", "ms", lambda seen: seen.whole_ms, Target(("OHIF",), 3.0)),
    Comparison("p95 frame while scrolling", "ms", lambda seen: seen.frame_ms, Target(("OHIF",), 3.0)),
    Comparison("memory of renderer and GPU", "MiB", lambda seen: seen.memory / _MIB, Target(("OHIF",), 0.5, True)),
)


def measured(slices: int, pixels: int, rounds: int, scratch: Path, say: Callable[[str], None]) -> list[Row]:
    """Start the site, and measure both viewers."""
    trial = slices < TRIAL_SLICES
    with (
        tempfile.TemporaryDirectory(dir=scratch) as name,
        ExitStack() as stack,
        sync_playwright() as playwright,
    ):
        folder = Path(name)
        say("viewer: the site and its series")
        site, ohif_port = _site(folder, stack, fetch=not trial)
        stored = phantom(slices, pixels)
        send_zip(site, [path.read_bytes() for path in write_series(folder / "series", stored).paths])
        settle(site)
        own = OwnPage(f"http://127.0.0.1:{site.port}", "Synthetic study", USER, PASSWORD)
        viewers: list[ViewerDriver] = [own]
        if ohif_port is not None:
            viewers.append(OhifPage(f"http://127.0.0.1:{ohif_port}", "SECRET", own))
        states = [remember(playwright, viewer) for viewer in viewers]
        visits = _visits(playwright, viewers, states, slices, rounds, say)
        found = compared(visits, slices)
        found += _scripts(playwright, viewers, states)
        say("viewer: linked planes")
        found += viewer_planes.rows(playwright, own, states[0], (slices, pixels, pixels))
        say("viewer: strokes of a brush")
        found += viewer_strokes.rows(playwright, own, states[0], slices)
        say("viewer: a large series")
        count, fill_ms = (TRIAL_LARGE_SLICES, 100) if trial else (LARGE_SLICES, 10_000)
        found += viewer_large.rows(playwright, site, own, states[0], stored, count, rounds, folder, fill_ms=fill_ms)
        return found


def _site(folder: Path, stack: ExitStack, *, fetch: bool) -> tuple[Server, int | None]:
    """The site, and OHIF's port beside it if OHIF is here or can be fetched."""
    dist = ohif.built_or_none(fetch=fetch)
    if dist is None:
        return start_site(folder, stack), None
    port = free_port()
    configuration = folder / "app-config.js"
    configuration.write_text(ohif.configuration("/dicomweb/projects/default"))
    program = (str(SITE_PROGRAM), str(port), str(dist), str(configuration))
    return start_site(folder, stack, program=program), port


def _visits(
    playwright: Playwright,
    viewers: Sequence[ViewerDriver],
    states: Sequence[StorageState],
    slices: int,
    rounds: int,
    say: Callable[[str], None],
) -> dict[str, list[Visit]]:
    """The visits of each viewer."""
    found: dict[str, list[Visit]] = {viewer.name: [] for viewer in viewers}
    for number in range(rounds):
        for viewer, state in zip(viewers, states, strict=True):
            say(f"viewer: {viewer.name}, round {number + 1} of {rounds}")
            found[viewer.name].append(visit(playwright, viewer, state, slices))
    return found


def compared(visits: dict[str, list[Visit]], slices: int) -> list[Row]:
    """The rows of the visits; a note says who did not show or load every slice."""
    ours, theirs = visits["Voxelry"], visits.get("OHIF")
    found = []
    for comparison in COMPARISONS:
        mine = statistics.median(map(comparison.cost, ours))
        target = comparison.target
        if theirs is None:
            row = Row(
                "viewer", comparison.work, comparison.unit, mine, "OHIF", None, target.words, None, "not installed"
            )
        else:
            other = statistics.median(map(comparison.cost, theirs))
            whole = not comparison.of_all or min(seen.loaded for seen in ours) == slices
            met = target.is_met(mine, other) and whole
            row = Row(
                "viewer",
                comparison.work,
                comparison.unit,
                mine,
                "OHIF",
                other,
                target.words,
                met,
                _note(visits, slices),
            )
        found.append(row)
    return found


def _note(visits: dict[str, list[Visit]], slices: int) -> str:
    """How many slices each viewer loaded and painted, if not all."""
    words = []
    for name, seen in visits.items():
        loaded, painted = (min(counts) for counts in zip(*((one.loaded, one.painted) for one in seen), strict=True))
        if loaded < slices:
            words.append(f"{name} loads {loaded} of {slices}")
        if painted < slices:
            words.append(f"{name} paints {painted} of {slices}")
    return "; ".join(words)


def _scripts(playwright: Playwright, viewers: Sequence[ViewerDriver], states: Sequence[StorageState]) -> list[Row]:
    """JavaScript that the pages load, gzipped."""
    found = []
    for work, limit, sizes in (
        ("JavaScript of the list", 120.0, scripts_of_list),
        ("JavaScript of the viewer", 250.0, scripts_of_viewer),
    ):
        mine, *other = (sizes(playwright, viewer, state) / _KB for viewer, state in zip(viewers, states, strict=True))
        target = Target((f"{limit:.0f} kB gzipped",), 1.0, at_most=True)
        found.append(Row("viewer", work, "kB", mine, target.peers[0], limit, target.words, target.is_met(mine, limit)))
        found += [Row("viewer", work, "kB", mine, "OHIF", each, "", None) for each in other]
    return found
