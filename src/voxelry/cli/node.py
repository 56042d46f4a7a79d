"""The command ``node``: nodes of the DICOM network that a site speaks to."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from voxelry.cli.console import Commands, examples, plain, print_json, say, tell
from voxelry.cli.path_options import JsonOption
from voxelry.cli.peer_options import (
    AuthoritiesOption,
    CallingOption,
    CertificateOption,
    KeyOption,
    PeerArgument,
    TlsFiles,
    TlsOption,
    called_peer,
)
from voxelry.cli.rich_console import out
from voxelry.cli.site_options import ConfigOption, DataOption, server_function

node = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="Nodes of the DICOM network: scanners and archives that the site knows.",
)


class FetchedBy(StrEnum):
    """How the site fetches from a node."""

    get = "get"
    move = "move"


@node.command(
    epilog=examples(
        "voxelry node add pacs PACS@192.0.2.7:104 --find --retrieve",
        "voxelry node add 'CT scanner 2' CT_2 --from 192.0.2.31 --store --project trial",
        "voxelry node add clinic CLINIC@pacs.example:2762 --tls --certificate clinic.pem --store",
        then="A node may do nothing until a right is given. Who calls is this node if AE title and address fit; if it "
        "has a certificate, by that alone.",
    )
)
def add(
    name: Annotated[str, typer.Argument(help="By which people call it.")],
    address: Annotated[str, typer.Argument(help="TITLE@host:port, or TITLE for one that only calls.")],
    project: Annotated[
        str | None, typer.Option(help="The project that it belongs to; else the site's only one.")
    ] = None,
    store: Annotated[bool, typer.Option("--store", help="It may store into the project.")] = False,
    find: Annotated[bool, typer.Option("--find", help="It may search the project.")] = False,
    retrieve: Annotated[bool, typer.Option("--retrieve", help="It may retrieve from the project.")] = False,
    calls_from: Annotated[
        str,
        typer.Option(
            "--from", metavar="NETWORKS", help="Addresses or networks that it calls from, with commas; else its host's."
        ),
    ] = "",
    tls: Annotated[bool, typer.Option("--tls", help="It listens with TLS.")] = False,
    certificate: Annotated[
        str,
        typer.Option(
            metavar="SHA256 or FILE",
            help="The certificate that it shows when it calls: its SHA-256, or a file (PEM). Nobody else is this node "
            "then.",
        ),
    ] = "",
    by: Annotated[
        FetchedBy, typer.Option("--by", help="Fetch from it by C-GET, or by C-MOVE to this site's listener.")
    ] = FetchedBy.get,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Add a node."""
    from voxelry.network.peer_address import parsed_address

    values: dict[str, Any] = {"name": name, "ae_title": address}
    if "@" in address:
        peer = parsed_address(address)
        values |= {"ae_title": peer.title, "host": peer.host, "port": peer.port}
    values |= {"tls": tls, "calls_from": calls_from, "certificate": _certificate(certificate)}
    values |= {"may_store": store, "may_find": find, "may_retrieve": retrieve, "retrieves_by": by.value}
    row = server_function("site.node_commands", "add_node_of")(values, project=project, data=data, config=config)
    tell(f"Added {plain(row.name)}, {plain(row.address)}, of the project {plain(row.project)}: {_may(row)}.")


@node.command("list", epilog=examples("voxelry node list", "voxelry node list --json"))
def show_nodes(as_json: JsonOption = False, data: DataOption = None, config: ConfigOption = None) -> None:
    """List the nodes."""
    rows = server_function("site.node_commands", "configured_nodes")(data=data, config=config)
    if as_json:
        print_json([asdict(row) for row in rows])
        return
    if not rows:
        tell(("There is no node; `voxelry node add` makes one.", "dim"))
        return
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    for heading in ("Name", "Address", "Project", "May", "Calls from", "Fetched by", ""):
        table.add_column(heading)
    for row in rows:
        state = "" if row.is_enabled else "disabled"
        calls = row.calls_from or ("" if "@" not in row.address else "its host")
        calls = "anywhere, with its certificate" if row.has_certificate else calls
        cells = (
            row.name,
            f"{row.address}{' (TLS)' if row.tls else ''}",
            row.project,
            ", ".join(row.rights) or "nothing",
        )
        fetched = f"C-{row.retrieves_by.upper()}" if "@" in row.address else ""
        table.add_row(*(Text(plain(cell)) for cell in (*cells, calls, fetched, state)))
    out.print(table)


@node.command(
    "test", epilog=examples("voxelry node test pacs", "voxelry node test PACS@192.0.2.7:104 --calling WORKSTATION")
)
def call(
    peer: PeerArgument,
    calling: CallingOption = None,
    tls: TlsOption = False,
    certificate: CertificateOption = None,
    key: KeyOption = None,
    authorities: AuthoritiesOption = None,
    as_json: JsonOption = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Call a node (C-ECHO), and say which services it offers us."""
    files = TlsFiles(tls, certificate, key, authorities)
    called = called_peer(peer, calling=calling, tls=files, data=data, config=config)
    from voxelry.network.echoing import echo

    report = echo(called.address, calling=called.calling, waits=called.waits, tls=called.tls)
    if as_json:
        print_json(
            {
                "address": str(called.address),
                "calling": called.calling,
                "implementation": report.implementation,
                "services": list(report.services),
                "milliseconds": round(report.seconds * 1000, 1),
            }
        )
        return
    named = f" ({plain(report.implementation)})" if report.implementation else ""
    say((f"{called.address} answers", "green"), f"{named} in {report.seconds * 1000:.0f} ms")
    offered = ", ".join(report.services) or "no other service"
    say(f"It offers {called.calling} {offered}.")


@node.command(epilog=examples("voxelry node remove pacs"))
def remove(
    name: Annotated[str, typer.Argument(help="The node's name.")],
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Remove a node, with its forwarding rules and what waits to be sent to it. What it brought stays."""
    server_function("site.node_commands", "remove_node_of")(name, data=data, config=config)
    tell("Removed.")


def _may(row: Any) -> str:
    return f"it may {', '.join(row.rights)}" if row.rights else "it may nothing yet"


def _certificate(text: str) -> str:
    """The content of a file, if it is one."""
    return Path(text).read_text("ascii", "replace") if text and Path(text).is_file() else text
