"""The address of an application entity: ``TITLE@host:port``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from voxelry.core.errors import VoxelryError

_TITLE = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}")
_ADDRESS = re.compile(r"(?P<title>[^@]+)@(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:@/\s]+):(?P<port>\d{1,5})")
MOST_PORT = 65_535


class AddressError(VoxelryError, ValueError):
    """What is no address of an application entity."""

    code = "address"


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """Where an application entity listens.

    Attributes
    ----------
    tls
        Whether it speaks TLS.
    """

    title: str
    host: str
    port: int
    tls: bool = False

    def __str__(self) -> str:
        return f"{self.title}@{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


def title_problem(title: str) -> str | None:
    """Why a text is no AE title (PS3.5 6.2, VR AE), as the end of a sentence; None if it is one."""
    if not title.strip():
        return "is empty"
    if _TITLE.fullmatch(title) is None:
        return "is longer than 16 characters, or has others than printable ASCII without a backslash"
    return None


def parsed_address(text: str, *, tls: bool = False) -> PeerAddress:
    """Read ``TITLE@host:port``.

    Raises
    ------
    AddressError
        If it is none.
    """
    found = _ADDRESS.fullmatch(text.strip())
    if found is None:
        raise AddressError(f"{text!r} is no address of a node: write TITLE@host:port, such as PACS@192.0.2.7:104")
    title, port = found["title"].strip(), int(found["port"])
    problem = title_problem(title)
    if problem is not None:
        raise AddressError(f"the AE title {title!r} {problem}")
    if not 0 < port <= MOST_PORT:
        raise AddressError(f"{port} is no port: it is from 1 to {MOST_PORT}")
    return PeerAddress(title, found["host"].strip("[]"), port, tls)
