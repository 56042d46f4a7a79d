"""The output of ``voxelry --help``, in typer's layout but without importing typer, which takes most of the time."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from voxelry.cli.command_table import COMMANDS, DEBUG_HELP, EPILOG, SUMMARY, VERSION_HELP

OPTIONS = {
    "--version": ("", VERSION_HELP),
    "--debug": ("", DEBUG_HELP),
    "--install-completion": ("", "Install completion for the current shell."),
    "--show-completion": (
        "",
        "Show completion for the current shell, to copy it or customize the installation.",
    ),
    "--help": ("-h", "Show this message and exit."),
}
"""Options of the program: short form and help. The texts about completion and help are typer's."""


def print_overview() -> None:
    """Print the program's help to standard output."""
    console = Console(highlight=False, markup=False)
    usage = Text.assemble(("Usage: ", "yellow"), "voxelry [OPTIONS] COMMAND [ARGS]...", style="bold")
    console.print(Padding(usage, 1))
    console.print(Padding(SUMMARY, (0, 1, 1, 1)))
    options = _table()
    for name, (short, words) in OPTIONS.items():
        options.add_row(Text(name, "bold cyan"), Text(short, "bold green"), words)
    console.print(_panel(options, "Options"))
    width = max(map(len, COMMANDS))
    for title in dict.fromkeys(entry.panel for entry in COMMANDS.values()):
        rows = _table(width)
        for name, entry in COMMANDS.items():
            if entry.panel == title:
                rows.add_row(Text(name, "bold cyan"), entry.summary)
        console.print(_panel(rows, title))
    console.print(Padding(EPILOG, 1))


def _table(first_width: int | None = None) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False, expand=False)
    table.add_column(no_wrap=True, width=first_width)
    return table


def _panel(table: Table, title: str) -> Panel:
    return Panel(table, title=title, title_align="left", border_style="dim", expand=True)
