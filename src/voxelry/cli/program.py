"""The program ``voxelry`` as a typer group that imports a command when it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand

from voxelry import __version__
from voxelry.cli.command_table import COMMANDS, DEBUG_HELP, EPILOG, SUMMARY, VERSION_HELP
from voxelry.cli.console import Commands, examples


class _Imported(Mapping[str, Any]):
    """Commands by name; each is imported, and its flags are made from its function, at the first look-up."""

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
        alone.command(name, cls=_Command, epilog=examples(*entry.examples))(written)
        written = alone
    command: Any = typer.main.get_command(written)
    command.name = name
    command.rich_help_panel = entry.panel
    return command


class _Command(TyperCommand):
    def get_params(self, ctx: Any) -> list[Any]:
        return _direct(super().get_params(ctx), self.callback)


def _direct(parameters: list[Any], function: Callable[..., Any] | None) -> list[Any]:
    kinds = {} if function is None else get_type_hints(function)
    for parameter in parameters:
        if "process_value" not in vars(parameter):
            parameter.process_value = _taken_as_given(parameter, kinds.get(parameter.name))
    return parameters


def _taken_as_given(parameter: Any, kind: Any) -> Callable[[Any, Any], Any]:
    """A replacement of typer's conversion that skips pydantic for values that need no check.

    Typer builds a model for each parameter, even for texts and absent values, which takes as long as a small
    conversion.
    """
    convert: Callable[[Any, Any], Any] = parameter.process_value
    single = _class_of(kind)

    def process(context: Any, value: Any) -> Any:
        if value is None and not parameter.required:
            value = () if parameter.multiple else None
        elif isinstance(value, str) and single in (Path, str):
            value = single(value)
        elif single is None or not isinstance(value, single):
            return convert(context, value)
        return value if parameter.callback is None else parameter.callback(context, parameter, value)

    return process


def _class_of(kind: Any) -> type | None:
    """The class of an annotation ``X`` or ``X | None``; None for generic types such as lists."""
    kinds = [one for one in get_args(kind) if one is not NoneType] if isinstance(kind, UnionType) else [kind]
    return kinds[0] if len(kinds) == 1 and get_origin(kinds[0]) is None else None


class Voxelry(Commands):
    """The program's commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands: Any = _Imported()

    def get_params(self, ctx: Any) -> list[Any]:
        return _direct(super().get_params(ctx), self.callback)


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
