"""The program ``voxelry`` as typer has it: a group whose commands are imported when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any

import typer

from voxelry import __version__
from voxelry.cli.command_table import COMMANDS, DEBUG_HELP, EPILOG, SUMMARY, VERSION_HELP
from voxelry.cli.console import Commands, examples


class _Imported(Mapping[str, Any]):
    """The commands by name; each is imported, and its flags read from its function, when it is first looked up."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = _command(name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


def _command(name: str) -> Any:
    entry = COMMANDS[name]
    written = getattr(import_module(f"voxelry.cli.{entry.module}"), name)
    if not isinstance(written, typer.Typer):
        alone = typer.Typer(add_completion=False)
        alone.command(name, epilog=examples(*entry.examples))(written)
        written = alone
    command: Any = typer.main.get_command(written)
    command.name = name
    command.rich_help_panel = entry.panel
    return command


class Voxelry(Commands):
    """The program's commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: Any = _Imported()


app = typer.Typer(
    cls=Voxelry,
    name="voxelry",
    epilog=EPILOG,
    help=SUMMARY,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"voxelry {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help=VERSION_HELP)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help=DEBUG_HELP)] = False,
) -> None:
    context.obj = {"debug": debug}
