"""A node of the DICOM network as an argument: a configured one by its name, or any by its address."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxelry.cli.site_options import server_function
from voxelry.core.extras import require

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxelry.network.association import Association, Waits
    from voxelry.network.contexts import Proposal, Roles
    from voxelry.network.peer_address import PeerAddress

OUR_TITLE = "VOXELRY"
PeerArgument = Annotated[
    str,
    typer.Argument(metavar="NODE", help="A configured node's name (voxelry node list), or TITLE@host:port."),
]
CallingOption = Annotated[
    str | None, typer.Option(metavar="TITLE", help=f"Our AE title; else the site's, or {OUR_TITLE} for an address.")
]
TlsOption = Annotated[bool, typer.Option("--tls", help="Speak TLS to an address.")]
CertificateOption = Annotated[
    Path | None, typer.Option(help="What we show in TLS: a certificate with its key (PEM).", metavar="FILE")
]
KeyOption = Annotated[Path | None, typer.Option(help="The key, if it is in a file of its own (PEM).", metavar="FILE")]
AuthoritiesOption = Annotated[
    Path | None, typer.Option(help="Whom we trust in TLS (PEM); else the system's authorities.", metavar="FILE")
]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The TLS options of a command."""

    wanted: bool = False
    certificate: Path | None = None
    key: Path | None = None
    authorities: Path | None = None

    def context(self) -> ssl.SSLContext | None:
        """How TLS is spoken; None if it is not wanted."""
        from voxelry.network.tls import calling_tls

        if not self.wanted:
            return None
        texts = ("" if path is None else str(path) for path in (self.certificate, self.key, self.authorities))
        return calling_tls(*texts)


@dataclass(frozen=True, slots=True)
class CalledPeer:
    """How a node is called."""

    address: PeerAddress
    calling: str
    waits: Waits
    tls: ssl.SSLContext | None

    def associate(self, proposals: Sequence[Proposal], roles: Mapping[str, Roles] | None = None) -> Association:
        """Ask it for an association."""
        from voxelry.network.associating import associate

        return associate(
            self.address, proposals, calling=self.calling, roles=roles or {}, waits=self.waits, tls=self.tls
        )


def called_peer(
    node: str,
    *,
    calling: str | None = None,
    tls: TlsFiles = TlsFiles(),
    data: Path | None = None,
    config: Path | None = None,
) -> CalledPeer:
    """How a node is called that is named as `PeerArgument` says.

    Raises
    ------
    AddressError
        If the address or our AE title is none.
    NodeCommandError
        If no node has that name.
    """
    require("the DICOM network", ("pynetdicom",))
    from voxelry.network.association import USUAL_WAITS
    from voxelry.network.peer_address import AddressError, parsed_address, title_problem

    problem = None if calling is None else title_problem(calling)
    if problem is not None:
        raise AddressError(f"our AE title {calling!r} {problem}")
    if "@" in node:
        address = parsed_address(node, tls=tls.wanted)
        return CalledPeer(address, calling or OUR_TITLE, USUAL_WAITS, tls.context())
    known = server_function("site.node_commands", "configured_peer")(node, data=data, config=config)
    return CalledPeer(known.address, calling or known.calling, known.waits, known.tls)
