"""Output of all commands: results to standard output, everything else to standard error."""

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
"""A part of a line: a text, or a text and the name of its rich style."""

NOTHING_DONE = 1
PARTLY_DONE = 3
INTERRUPTED = 130
TERMINATED = 143
NAMES_SHOWN = 3


class _TerminatedError(KeyboardInterrupt):
    """SIGTERM, with which containers, queues and shutdowns stop programs; like Ctrl-C, it leaves no partial result."""


@contextmanager
def _terminable() -> Iterator[None]:
    """Within this context, SIGTERM raises KeyboardInterrupt, unless the block or the caller has its own handler."""

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
    """Turn errors into one sentence on standard error and an exit code."""
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
    """Refuse empty arguments: they come from unset shell variables, and as a path would mean the current folder."""
    for number, word in enumerate(args, 1):
        option, sign, value = word.partition("=")
        if not word or (option.startswith("--") and sign and not value):
            what = f"{option} has no value" if word else f"argument {number} is empty"
            raise typer.BadParameter(f"{what}; is a variable of the shell not set?")


class Commands(TyperGroup):
    """A group of commands that reports errors as one sentence."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        _check_given(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        with _in_a_sentence(ctx):
            return super().invoke(ctx)


class Program(TyperCommand):
    """A program of one command that reports errors as one sentence."""

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
    """The end of a help page: each example on its own line, then an optional text."""
    return "\n\n".join(("Examples:", *commands, *([then] if then else [])))


def _is_plain(stream: TextIO) -> bool:
    """True if rich would neither colour nor wrap output to the stream, so that its import can be skipped."""
    return not (stream.isatty() or os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE"))


def say(*parts: Part) -> None:
    """Print a line of a result to standard output, without wrapping."""
    if _is_plain(sys.stdout):
        print(_text(parts))
        return
    from rich.text import Text

    from voxelry.cli.rich_console import out

    out.print(Text.assemble(*parts), soft_wrap=True)


def tell(*parts: Part) -> None:
    """Print a line that is not a result to standard error."""
    if _is_plain(sys.stderr):
        print(_text(parts), file=sys.stderr)
        return
    from rich.text import Text

    from voxelry.cli.rich_console import err

    err.print(Text.assemble(*parts))


def _text(parts: tuple[Part, ...]) -> str:
    return "".join(part if isinstance(part, str) else part[0] for part in parts)


def fail(sentence: str) -> None:
    """Print an error."""
    tell(("Error: ", "bold red"), plain(sentence))


def warn(sentence: str) -> None:
    """Print a warning."""
    tell(("Warning: ", "yellow"), plain(sentence))


def plain(text: object) -> str:
    """Untrusted text without control characters of terminals."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(text))


def print_json(record: object) -> None:
    """Print a result as JSON, as the only output to standard output."""
    typer.echo(json.dumps(record, ensure_ascii=False, allow_nan=False, default=str))


@contextmanager
def working() -> Iterator[Callback]:
    """A progress bar on standard error during the work; none if standard error is not a terminal."""
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
    """Print what was left out, grouped by reason, with the first names of each."""
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
    """Exit with code 0 if anything was done, else with 1 and the message ``nothing``; with 3 if not ``complete``."""
    if not done:
        fail(nothing)
        raise typer.Exit(NOTHING_DONE)
    if not complete:
        raise typer.Exit(PARTLY_DONE)


def millimetres(spacing: tuple[float | None, ...]) -> str:
    """``3 \N{MULTIPLICATION SIGN} 0.977 \N{MULTIPLICATION SIGN} 0.977``; a question mark for an unknown spacing."""
    return " \N{MULTIPLICATION SIGN} ".join("?" if value is None else f"{value:.4g}" for value in spacing)
