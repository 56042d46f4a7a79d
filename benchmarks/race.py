"""Races: Voxelry and its peers run alternately, so that noise of the machine affects all of them."""

from __future__ import annotations

import gc
import shutil
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from shutil import which

Run = Callable[[], object]


@dataclass(frozen=True)
class Runner:
    """An implementation of a race's work.

    Parameters
    ----------
    run
        Does the work once. The race's ``check`` gets the result; a number is the cost that it measured itself.
    needs
        Required modules or programs.
    before
        Deletes the files of an earlier round, before the clock starts.
    """

    name: str
    run: Run
    needs: tuple[str, ...] = ()
    before: Run = lambda: None

    @property
    def missing(self) -> str | None:
        """The first requirement that is not installed."""
        return next((name for name in self.needs if not (_is_module(name) or which(name))), None)


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


@dataclass(frozen=True)
class Target:
    """The ratio that the documentation promises against the best of some peers.

    Parameters
    ----------
    factor
        The least ratio of speeds; with ``at_most``, the largest ratio of costs.
    extra
        Added to the allowed cost, in the race's unit.
    """

    peers: tuple[str, ...]
    factor: float
    at_most: bool = False
    extra: float = 0.0

    @property
    def words(self) -> str:
        more = f" + {self.extra:.0f} MiB" if self.extra else ""
        return f"<= {self.factor:g} x{more}" if self.at_most else f">= {self.factor:g} x faster"

    def is_met(self, ours: float, peer: float) -> bool:
        if self.at_most:
            return ours <= self.factor * peer + self.extra
        return peer >= self.factor * ours


@dataclass(frozen=True)
class Race:
    """One kind of work and the runners that do it.

    Parameters
    ----------
    check
        Raises if a runner's result is wrong; a peer with a wrong result is left out.
    costs
        Costs that runners measure themselves instead of time: bytes in memory, milliseconds of another process.
    """

    name: str
    work: str
    ours: Runner
    peers: tuple[Runner, ...]
    targets: tuple[Target, ...] = ()
    check: Callable[[object], None] = lambda _: None
    unit: str = "ms"
    given: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A row of the table: Voxelry against one peer, or against the best of several."""

    race: str
    work: str
    unit: str
    ours: float
    peer: str
    theirs: float | None
    target: str
    met: bool | None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The peer's cost divided by Voxelry's."""
        return None if self.theirs is None else self.theirs / self.ours


def emptied(folder: Path) -> None:
    """Recreate the folder; deleting an earlier round's files is not measured."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()


def run(race: Race, rounds: int, say: Callable[[str], None]) -> list[Row]:
    """Run and check every runner once, then all alternately; the results are medians."""
    notes: dict[str, str] = {}
    ready: list[Runner] = []
    for runner in (race.ours, *race.peers):
        if runner.missing is not None:
            notes[runner.name] = "not installed"
            continue
        say(f"{race.name}: {runner.name}")
        try:
            runner.before()
            race.check(runner.run())
        except Exception as error:  # A peer's error is reported; Voxelry's is raised.
            if runner is race.ours:
                raise
            notes[runner.name] = f"cannot: {type(error).__name__}"
            continue
        ready.append(runner)
    return _rows(race, medians(race.name, ready, rounds, say) | dict(race.given), notes)


def medians(name: str, runners: Sequence[Runner], rounds: int, say: Callable[[str], None]) -> dict[str, float]:
    """The cost of each runner, by name."""
    costs: dict[str, list[float]] = {runner.name: [] for runner in runners}
    for number in range(rounds):
        say(f"{name}: round {number + 1} of {rounds}")
        for runner in runners:
            costs[runner.name].append(_cost(runner))
    return {name: statistics.median(each) for name, each in costs.items()}


def _cost(runner: Runner) -> float:
    runner.before()
    gc.collect()
    start = time.perf_counter()
    result = runner.run()
    took = (time.perf_counter() - start) * 1000
    return float(result) if isinstance(result, float) else took


def _rows(race: Race, costs: Mapping[str, float], notes: Mapping[str, str]) -> list[Row]:
    ours = costs[race.ours.name]
    rows: list[Row] = []
    told: set[str] = set()
    for target in race.targets:
        there = [name for name in target.peers if name in costs]
        best = min(there, key=costs.__getitem__, default=None)
        if best is None:
            note = "; ".join(sorted({notes[name] for name in target.peers}))
            rows.append(Row(race.name, race.work, race.unit, ours, target.peers[0], None, target.words, None, note))
            told.update(target.peers)
            continue
        met = target.is_met(ours, costs[best])
        note = f"the best of {len(there)}" if len(there) > 1 else ""
        rows.append(Row(race.name, race.work, race.unit, ours, best, costs[best], target.words, met, note))
        told.add(best)
    for peer in race.peers:
        if peer.name not in told:
            theirs = costs.get(peer.name)
            rows.append(
                Row(race.name, race.work, race.unit, ours, peer.name, theirs, "", None, notes.get(peer.name, ""))
            )
    return rows


def table(rows: Sequence[Row], *, markdown: bool = False) -> str:
    """The rows as a text table; Markdown has only ratios, because milliseconds depend on the machine."""
    if markdown:
        lines = ["| work | beside | ratio | target | met |", "|---|---|---|---|---|"]
        lines += [f"| {row.work} | {row.peer} | {_ratio(row)} | {row.target} | {_met(row)} |" for row in rows]
        return "\n".join(lines)
    head = f"{'work':<38} {'ours':>9} {'theirs':>9} {'unit':<4} {'ratio':>6}  {'beside':<28} {'target':<16} met"
    lines = [head, "-" * len(head)]
    for row in rows:
        digits = 1 if row.ours >= 10 else 3
        theirs = "-" if row.theirs is None else f"{row.theirs:.{digits}f}"
        lines.append(
            f"{row.work:<38} {row.ours:>9.{digits}f} {theirs:>9} {row.unit:<4} {_ratio(row):>6}  {row.peer:<28} "
            f"{row.target:<16} {_met(row)} {row.note if row.ratio else ''}".rstrip()
        )
    return "\n".join(lines)


def _ratio(row: Row) -> str:
    if row.ratio is None:
        return "-"
    return f"{1 / row.ratio:.2f}" if row.target.startswith("<=") else f"{row.ratio:.1f}"


def _met(row: Row) -> str:
    if row.ratio is None:
        return row.note
    return "" if row.met is None else "yes" if row.met else "NO"
