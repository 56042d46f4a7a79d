"""What all commands share: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import signal
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich.cells import cell_len
from rich.console import Console, ConsoleDimensions
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
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

_UNBOUNDED = 100_000
_GAP = 3
_LEAST_WORDS = 12
"""So many letters of a line's words stand beside its figures, at least."""


class _Console(Console):
    """As wide as the terminal; what goes into a pipe or a file has no width, so that nothing is cut or folded there."""

    @property
    def size(self) -> ConsoleDimensions:
        return super().size if self.is_terminal else ConsoleDimensions(_UNBOUNDED, 25)

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        self._width, self._height = new_size


out = _Console(highlight=False, markup=False)
err = _Console(stderr=True, highlight=False, markup=False)


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


def _check_given(args: list[str]) -> None:
    """An empty argument is a variable that is not set; as a path it would mean the current folder."""
    for number, word in enumerate(args, 1):
        option, sign, value = word.partition("=")
        if not word or (option.startswith("--") and sign and not value):
            what = f"{option} has no value" if word else f"argument {number} is empty"
            raise typer.BadParameter(f"{what}; is a variable of the shell not set?")


class Commands(TyperGroup):
    """Commands whose errors are one clear sentence."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _check_given(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        with _in_a_sentence(ctx):
            return super().invoke(ctx)


class Program(TyperCommand):
    """A program of one command, whose errors are one clear sentence."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _check_given(args)
        return super().parse_args(ctx, args)

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


def print_figures(headings: Sequence[str], rows: Sequence[Sequence[Text]]) -> None:
    """A table whose first column is words and whose others are figures, of which none is cut.

    Where they do not stand side by side in the terminal, each figure has a line of its own below the words.
    """
    columns = [(heading, *map(str, cells)) for heading, cells in zip(headings, zip(*rows, strict=True), strict=True)]
    widths = [max(map(cell_len, column)) for column in columns]
    if sum(width + _GAP for width in (min(widths[0], _LEAST_WORDS), *widths[1:])) <= out.width:
        table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim")
        table.add_column(headings[0])
        for heading, width in zip(headings[1:], widths[1:], strict=True):
            table.add_column(heading, justify="right", no_wrap=True, min_width=width)
        for row in rows:
            table.add_row(*row)
        out.print(table)
        return
    for words, *figures in rows:
        out.print(words, soft_wrap=True)
        for heading, figure in zip(headings[1:], figures, strict=True):
            if figure:
                out.print(Text.assemble((f"  {heading}: ", "dim"), figure), soft_wrap=True)


def millimetres(spacing: tuple[float | None, ...]) -> str:
    """``3 \N{MULTIPLICATION SIGN} 0.977 \N{MULTIPLICATION SIGN} 0.977``; a question mark for what is unknown."""
    return " \N{MULTIPLICATION SIGN} ".join("?" if value is None else f"{value:.4g}" for value in spacing)
