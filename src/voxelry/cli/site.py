"""The site's commands: ``serve``, ``worker``, ``listen``, ``check`` and ``token``."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from voxelry.cli.console import end, examples, plain, print_json, working
from voxelry.cli.rich_console import err, out
from voxelry.cli.site_options import ConfigOption, DataOption, server_function


def serve(
    host: Annotated[str | None, typer.Option(help="The address to listen on; else 127.0.0.1, this machine.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="The port, else 8000; 0 takes a free one.")] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the site in a browser.")] = False,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Start a worker as well.")] = True,
    dimse_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Also listen to the DICOM network here, such as 11112.")
    ] = None,
) -> None:
    """Start the site: everything in one command."""
    server_function("site.serve", "serve")(
        host=host,
        port=port,
        data=data,
        config=config,
        open_browser=open_browser,
        worker=worker,
        dimse_port=dimse_port,
    )


def worker(
    data: DataOption = None,
    config: ConfigOption = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Jobs at a time.")] = None,
    queues: Annotated[
        str | None, typer.Option(help="Whose jobs: some of ingest, cpu and gpu, with commas; else all.")
    ] = None,
) -> None:
    """Do queued jobs; for sites with several workers."""
    chosen = None if queues is None else tuple(part.strip() for part in queues.split(",") if part.strip())
    server_function("site.worker", "work")(data=data, config=config, concurrency=concurrency, queues=chosen)


def listen(data: DataOption = None, config: ConfigOption = None) -> None:
    """Listen to scanners and archives of the DICOM network; for sites of several machines."""
    server_function("dimse.listener", "listen")(data=data, config=config)


def check(
    data: DataOption = None,
    config: ConfigOption = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Finish deletions, take in originals without a row, move other files without one to lost+found/. "
            "Nothing else is deleted.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything that was found as JSON.")] = False,
) -> None:
    """Compare the site's rows with its files, and each file with its SHA-256."""
    with working() as progress:
        record = server_function("site.check_command", "check")(
            data=data, config=config, repair=repair, progress=progress
        )
    if as_json:
        print_json(record)
    else:
        _show_check(record)
    end(done=True, nothing="", complete=record["fine"])


_FOUND = {
    "missing": "missing: {} with a row and no file; send it again, or bring it back from a copy",
    "damaged": "damaged: {} whose SHA-256 is another; send the good file again, or bring it back from a copy",
    "orphaned": "orphaned: {} without a row",
    "unbuilt": "{} series whose volumes are gone; they can be made again",
    "unlisted": "{} studies that lists show otherwise than they are",
}
_DONE = {
    "taken_in": "{} originals were taken in again",
    "put_away": "{} files or folders without a row were moved to lost+found/",
    "rebuilt": "{} series have their volumes made again, by the next worker",
    "listed": "{} studies are listed as they are",
}


def _show_check(record: dict[str, Any]) -> None:
    out.print(f"{record['rows']} files have a row.")
    for name, words in _FOUND.items():
        if record[name]:
            out.print(words.format(len(record[name])))
            for place in record[name]:
                out.print(f"  {plain(place)}", soft_wrap=True)
    if record["unfinished"]:
        out.print(f"{record['unfinished']} files or folders of what was deleted are still to be removed")
    if record["in_work"]:
        out.print(
            f"{record['in_work']} files without a row may belong to jobs under way; check again when they are over"
        )
    repaired = record.get("repaired")
    if repaired is not None:
        if repaired["deleted"]:
            out.print(f"{repaired['deleted']} files or folders of what was deleted were removed")
        for name, words in _DONE.items():
            if repaired[name]:
                out.print(words.format(len(repaired[name])))
        if record["left"]:
            out.print(f"{len(record['left'])} are left, which only somebody who has the files can mend")
    elif not record["fine"] and any(record[name] for name in ("orphaned", "unfinished", "unbuilt", "unlisted")):
        out.print("voxelry check --repair does what can be done about it without deleting anything else")
    if record["fine"]:
        out.print("Rows and files agree.")


token = typer.Typer(add_completion=False, help="Tokens that programs log in with.", no_args_is_help=True)
NameOption = Annotated[str, typer.Option(help="What the token is for; its own name among the user's tokens.")]
UserOption = Annotated[str, typer.Option(help="Whose token it is.")]


@token.command(
    "create",
    epilog=examples(
        "voxelry token create --user anna --name notebook",
        "voxelry token create --user anna --name robot --project heart --role uploader --expires 30",
    ),
)
def create(
    user: UserOption = "admin",
    name: NameOption = "token",
    project: Annotated[
        str | None,
        typer.Option(help="The project it is for; else all that an administrator may do, or the user's only project."),
    ] = None,
    role: Annotated[
        str | None, typer.Option(help="Its role there: viewer, analyst, uploader or owner; else the user's own.")
    ] = None,
    expires: Annotated[
        int | None, typer.Option(min=1, metavar="DAYS", help="How many days it holds for; else 90.")
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Make a token and print it: it cannot be shown again."""
    secret = server_function("site.token_commands", "create_token")(
        user=user, name=name, project=project, role=role, days=expires, data=data, config=config
    )
    err.print("Send it as the header  Authorization: Bearer TOKEN . It is shown this once:", style="dim")
    typer.echo(secret)


@token.command("list", epilog=examples("voxelry token list"))
def list_(
    user: Annotated[str | None, typer.Option(help="Only this user's.")] = None,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """List the tokens that are not revoked."""
    rows = server_function("site.token_commands", "list_tokens")(user=user, data=data, config=config)
    if not rows:
        err.print("There is no token.", style="dim")
        return
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    for heading in ("User", "Name", "Created", "Last used", "Ends", "May do", "State"):
        table.add_column(heading)
    for row in rows:
        created, used, ends = (
            "never" if time is None else f"{time:%Y-%m-%d %H:%M}" for time in (row.created, row.last_used, row.expires)
        )
        table.add_row(plain(row.user), plain(row.name), created, used, ends, plain(row.scope), plain(row.state))
    out.print(table)


@token.command("revoke", epilog=examples("voxelry token revoke --name notebook --user anna"))
def revoke(name: NameOption, user: UserOption = "admin", data: DataOption = None, config: ConfigOption = None) -> None:
    """Make a token invalid from now on."""
    server_function("site.token_commands", "revoke_token")(user=user, name=name, data=data, config=config)
    err.print("Revoked.")
