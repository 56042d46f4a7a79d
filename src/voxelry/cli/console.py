"""What all commands share: results to standard output, everything else to standard error."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TextIO, TypeAlias

import typer
from typer.core import TyperCommand, TyperGroup

from voxelry.core.errors import Problem, VoxelryError
from voxelry.core.progress import Progress as Callback
from voxelry.core.progress import silent

Part: TypeAlias = "str | tuple[str, str]"
"""A piece of a line: a text, or a text and rich's name of its style."""

NOTHING_DONE = 1
PARTLY_DONE = 3
INTERRUPTED = 130
TERMINATED = 143
NAMES_SHOWN = 3


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
        tell(("stopped", "yellow"))
        raise typer.Exit(TERMINATED) from None
    except KeyboardInterrupt:
        tell(("stopped", "yellow"))
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


def _is_plain(stream: TextIO) -> bool:
    """True if rich would neither colour nor wrap what goes there, so that it need not be imported."""
    return not (stream.isatty() or os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE"))


def say(*parts: Part) -> None:
    """Print a line of a result, which no terminal's width breaks."""
    if _is_plain(sys.stdout):
        print(_text(parts))
        return
    from rich.text import Text

    from voxelry.cli.rich_console import out

    out.print(Text.assemble(*parts), soft_wrap=True)


def tell(*parts: Part) -> None:
    """Print a line of what is no result, on standard error."""
    if _is_plain(sys.stderr):
        print(_text(parts), file=sys.stderr)
        return
    from rich.text import Text

    from voxelry.cli.rich_console import err

    err.print(Text.assemble(*parts))


def _text(parts: tuple[Part, ...]) -> str:
    return "".join(part if isinstance(part, str) else part[0] for part in parts)


def fail(sentence: str) -> None:
    """Say what went wrong."""
    tell(("Error: ", "bold red"), plain(sentence))


def warn(sentence: str) -> None:
    """Say what a user must know."""
    tell(("Warning: ", "yellow"), plain(sentence))


def plain(text: object) -> str:
    """Text from outside, with nothing in it that a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(text))


def print_json(record: object) -> None:
    """A result for programs: nothing else goes to standard output."""
    typer.echo(json.dumps(record, ensure_ascii=False, allow_nan=False, default=str))


@contextmanager
def working() -> Iterator[Callback]:
    """A progress bar on standard error while the work lasts; nothing where that is no terminal."""
    if _is_plain(sys.stderr):
        yield silent
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    from voxelry.cli.rich_console import err

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
        tell((f"{count} file{'s' * (count > 1)} left out", "yellow"))
        for reason, names in reasons[:NAMES_SHOWN]:
            named = ", ".join(names[:NAMES_SHOWN]) + (
                f" and {len(names) - NAMES_SHOWN} more" * (len(names) > NAMES_SHOWN)
            )
            tell(f"  {plain(named)}: {plain(reason)}")
        if len(reasons) > NAMES_SHOWN:
            rest = sum(len(names) for _, names in reasons[NAMES_SHOWN:])
            tell(f"  and {rest} more with such a reason (--json lists all)")


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
