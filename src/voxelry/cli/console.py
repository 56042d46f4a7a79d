"""What all commands share: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import signal
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from voxelry.core.errors import Problem, VoxelryError
from voxelry.core.progress import Progress as Callback
from voxelry.core.progress import silent

NOTHING_DONE = 1
PARTLY_DONE = 3
INTERRUPTED = 130
TERMINATED = 143
NAMES_SHOWN = 3

out = Console(highlight=False, markup=False)
err = Console(stderr=True, highlight=False, markup=False)


class _TerminatedError(KeyboardInterrupt):
    """Who runs many programs (a container, a queue, a shutdown) stops them so: as Ctrl-C, nothing half-made stays."""


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does, unless the block or whoever called it has a way of its own."""

    def stop(_number: int, _frame: object) -> None:
        raise _TerminatedError

    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is stop:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def _in_a_sentence(ctx: Any) -> Iterator[None]:
    """Errors are one clear sentence, and an exit code."""
    try:
        with _terminable():
            yield
    except _TerminatedError:
        err.print("stopped", style="yellow")
        raise typer.Exit(TERMINATED) from None
    except KeyboardInterrupt:
        err.print("stopped", style="yellow")
        raise typer.Exit(INTERRUPTED) from None
    except (VoxelryError, OSError) as error:
        if (ctx.obj or {}).get("debug"):
            raise
        fail(_sentence(error))
        raise typer.Exit(NOTHING_DONE) from error


class Commands(TyperGroup):
    """Commands whose errors are one clear sentence."""

    def invoke(self, ctx: Any) -> Any:
        with _in_a_sentence(ctx):
            return super().invoke(ctx)


class Program(TyperCommand):
    """A program of one command, whose errors are one clear sentence."""

    def invoke(self, ctx: Any) -> Any:
        with _in_a_sentence(ctx):
            return super().invoke(ctx)


def _sentence(error: VoxelryError | OSError) -> str:
    if isinstance(error, VoxelryError):
        return str(error)
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror or type(error).__name__}"


def examples(*commands: str, then: str = "") -> str:
    """The end of a help page: each command in a line of its own, and what else there is to say."""
    return "\n\n".join(("Examples:", *commands, *([then] if then else [])))


def fail(sentence: str) -> None:
    """Say what went wrong."""
    err.print(Text.assemble(("Error: ", "bold red"), plain(sentence)))


def warn(sentence: str) -> None:
    """Say what a user must know."""
    err.print(Text.assemble(("Warning: ", "yellow"), plain(sentence)))


def plain(text: object) -> str:
    """Text from outside, with nothing in it that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(text))


def print_json(record: object) -> None:
    """A result for programs: nothing else goes to standard output."""
    typer.echo(json.dumps(record, ensure_ascii=False, allow_nan=False, default=str))


@contextmanager
def working() -> Iterator[Callback]:
    """A progress bar on standard error while the work lasts; nothing where that is no terminal."""
    if not err.is_terminal:
        yield silent
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda fraction, words: bar.update(task, completed=fraction, description=words)


def show_skipped(skipped: Mapping[str, Problem]) -> None:
    """What was left out, grouped by reason; the first file of each reason is told in full."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, problem in skipped.items():
        groups[problem.code, problem.message.removeprefix(f"{name}: ")].append(name)
    by_code: dict[str, list[tuple[str, list[str]]]] = defaultdict(list)
    for (code, reason), names in groups.items():
        by_code[code].append((reason, names))
    for reasons in by_code.values():
        count = sum(len(names) for _, names in reasons)
        err.print(Text(f"{count} file{'s' * (count > 1)} left out", "yellow"))
        for reason, names in reasons[:NAMES_SHOWN]:
            named = ", ".join(names[:NAMES_SHOWN]) + (
                f" and {len(names) - NAMES_SHOWN} more" * (len(names) > NAMES_SHOWN)
            )
            err.print(Text(f"  {plain(named)}: {plain(reason)}"))
        if len(reasons) > NAMES_SHOWN:
            rest = sum(len(names) for _, names in reasons[NAMES_SHOWN:])
            err.print(Text(f"  and {rest} more with such a reason (--json lists all)"))


def end(*, done: bool, nothing: str, complete: bool = True) -> None:
    """Exit code 0 if anything was done, else 1 with the sentence that says nothing was; 3 if something is missing."""
    if not done:
        fail(nothing)
        raise typer.Exit(NOTHING_DONE)
    if not complete:
        raise typer.Exit(PARTLY_DONE)


def millimetres(spacing: tuple[float | None, ...]) -> str:
    """``3 \N{MULTIPLICATION SIGN} 0.977 \N{MULTIPLICATION SIGN} 0.977``; a question mark for what is unknown."""
    return " \N{MULTIPLICATION SIGN} ".join("?" if value is None else f"{value:.4g}" for value in spacing)
