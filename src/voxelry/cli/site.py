"""The site: ``serve``, ``worker`` and ``token``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from voxelry.cli.console import err, examples, out, plain
from voxelry.core.errors import VoxelryError

DataOption = Annotated[
    Path | None, typer.Option(help="The data folder; VOXELRY_DATA, or the user's data folder, without it.")
]
ConfigOption = Annotated[Path | None, typer.Option(help="A voxelry.toml; VOXELRY_CONFIG without it.")]


class NoServerError(VoxelryError):
    """The server's libraries are not installed."""

    code = "no_server"


def _server(module: str, name: str) -> Callable[..., Any]:
    """A function of the server, which is an extra of the package."""
    try:
        found: Callable[..., Any] = getattr(import_module(f"voxelry.server.{module}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("voxelry"):
            raise
        raise NoServerError(f'the site needs {error.name}; install it: pip install "voxelry[server]"') from error
    return found


def serve(
    host: Annotated[
        str | None, typer.Option(help="The address to listen on [default: 127.0.0.1, this machine]")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port [default: 8000]; 0 takes a free one.")
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the site in a browser.")] = False,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Start a worker as well.")] = True,
) -> None:
    """Start the site: everything in one command."""
    _server("serve", "serve")(host=host, port=port, data=data, config=config, open_browser=open_browser, worker=worker)


def worker(
    data: DataOption = None,
    config: ConfigOption = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Jobs at a time.")] = None,
    queues: Annotated[
        str | None, typer.Option(help="Whose jobs: some of ingest, cpu and gpu, with commas [default: all]")
    ] = None,
) -> None:
    """Do queued jobs; for sites with several workers."""
    chosen = None if queues is None else tuple(part.strip() for part in queues.split(",") if part.strip())
    _server("work", "work")(data=data, config=config, concurrency=concurrency, queues=chosen)


token = typer.Typer(help="Tokens that programs log in with.", no_args_is_help=True)
NameOption = Annotated[str, typer.Option(help="What the token is for; its own name among the user's tokens.")]
UserOption = Annotated[str, typer.Option(help="Whose token it is.")]


@token.command("create", epilog=examples("voxelry token create --user anna --name notebook"))
def create(
    user: UserOption = "admin", name: NameOption = "token", data: DataOption = None, config: ConfigOption = None
) -> None:
    """Make a token and print it: it cannot be shown again."""
    secret = _server("tokens", "create_token")(user=user, name=name, data=data, config=config)
    err.print("Send it as the header  Authorization: Bearer TOKEN . It is shown this once:", style="dim")
    typer.echo(secret)


@token.command("list", epilog=examples("voxelry token list"))
def list_(
    user: Annotated[str | None, typer.Option(help="Only this user's.")] = None,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """List the tokens that are valid."""
    rows = _server("tokens", "list_tokens")(user=user, data=data, config=config)
    if not rows:
        err.print("There is no token.", style="dim")
        return
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    for heading in ("User", "Name", "Created", "Last used"):
        table.add_column(heading)
    for row in rows:
        used = "never" if row.last_used is None else f"{row.last_used:%Y-%m-%d %H:%M}"
        table.add_row(plain(row.user), plain(row.name), f"{row.created:%Y-%m-%d %H:%M}", used)
    out.print(table)


@token.command("revoke", epilog=examples("voxelry token revoke --name notebook --user anna"))
def revoke(name: NameOption, user: UserOption = "admin", data: DataOption = None, config: ConfigOption = None) -> None:
    """Make a token invalid from now on."""
    _server("tokens", "revoke_token")(user=user, name=name, data=data, config=config)
    err.print("Revoked.")
