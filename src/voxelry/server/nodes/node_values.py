"""What the fields of a node may hold, checked in one place for the REST API, the admin and the terminal."""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from ipaddress import ip_address, ip_network
from typing import ClassVar

from voxelry.core.errors import VoxelryError
from voxelry.network.peer_address import MOST_PORT, title_problem
from voxelry.server.access.grants import as_site
from voxelry.server.nodes import node_queries
from voxelry.server.nodes.models import Node, Retrieving

MOST_NAME = 60
MOST_HOST = 255
MOST_NETWORKS = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """What is wrong with one field: what was found, and what to write."""

    field: str
    words: str


class NodeFieldsError(VoxelryError, ValueError):
    """Fields of a node hold what they may not.

    Attributes
    ----------
    problems
        One for each field, in the order of `NodeValues`.
    """

    code: ClassVar[str] = "node_fields"

    def __init__(self, problems: tuple[FieldProblem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{one.field}: {one.words}" for one in problems))


@dataclass(frozen=True, slots=True)
class NodeValues:
    """The fields of a `Node` that people write; ``certificate`` may be a SHA-256 or a certificate (PEM)."""

    name: str
    ae_title: str
    host: str = ""
    port: int | None = None
    tls: bool = False
    calls_from: str = ""
    certificate: str = ""
    may_store: bool = False
    may_find: bool = False
    may_retrieve: bool = False
    retrieves_by: str = Retrieving.GET.value
    is_enabled: bool = True

    @classmethod
    def of(cls, node: Node) -> NodeValues:
        """Those of a row."""
        return cls(**{name: getattr(node, name) for name in cls.__dataclass_fields__})

    def row(self, node: Node) -> Node:
        """Write the values into a row, which is not saved, and return it."""
        for name, value in asdict(self).items():
            setattr(node, name, value)
        return node


def checked(values: NodeValues, *, key: int | None = None) -> NodeValues:
    """The values as a row holds them: without spaces around, networks one by one, a certificate as its SHA-256.

    Parameters
    ----------
    key
        The node that gets the values; None for a new one.

    Raises
    ------
    NodeFieldsError
        If a field holds what it may not, or another node has the name.
    """
    problems: list[FieldProblem] = []

    def read(field: str, check: Callable[[str], str]) -> str:
        text = str(getattr(values, field)).strip()
        try:
            return check(text)
        except ValueError as error:
            problems.append(FieldProblem(field, str(error)))
            return text

    clean = replace(
        values,
        name=read("name", lambda text: _name(text, key)),
        ae_title=read("ae_title", _title),
        host=read("host", _host),
        calls_from=read("calls_from", _networks),
        certificate=read("certificate", _certificate),
        retrieves_by=read("retrieves_by", _retrieving),
    )
    problems += _address_problems(clean)
    if problems:
        order = list(NodeValues.__dataclass_fields__)
        raise NodeFieldsError(tuple(sorted(problems, key=lambda one: order.index(one.field))))
    return clean


def _name(text: str, key: int | None) -> str:
    if not text:
        raise ValueError("is empty; write a name, such as CT scanner 2")
    if len(text) > MOST_NAME:
        raise ValueError(f"has {len(text)} characters; write at most {MOST_NAME}")
    if _CONTROL.search(text):
        raise ValueError("has control characters; write one line of text")
    if node_queries.nodes(as_site()).filter(name__iexact=text).exclude(pk=key or 0).exists():
        raise ValueError("another node has this name, and capital and small letters count as one; choose another")
    return text


def _title(text: str) -> str:
    problem = title_problem(text)
    if problem is not None:
        raise ValueError(f"{problem}; write the AE title of the node, such as CT_2")
    return text


def _host(text: str) -> str:
    bare = text.removeprefix("[").removesuffix("]")
    if not bare:
        return ""
    if len(bare) > MOST_HOST or not (_is_address(bare) or all(map(_LABEL.fullmatch, bare.split(".")))):
        raise ValueError("is no host name and no IP address; write one without a port, such as pacs.example or ::1")
    return bare


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _networks(text: str) -> str:
    found = ", ".join(_each_network(text))
    if len(found) > MOST_NETWORKS:
        raise ValueError(f"has {len(found)} characters; write at most {MOST_NETWORKS}, networks instead of addresses")
    return found


def _each_network(text: str) -> Iterator[str]:
    for part in filter(None, re.split(r"[\s,;]+", text)):
        try:
            network = ip_network(part, strict=False)
        except ValueError:
            raise ValueError(
                "has a part that is no IP address and no network; write them with commas: 192.0.2.7, 10.1.0.0/16"
            ) from None
        if "/" in part and str(network.network_address) != part.partition("/")[0].lower():
            raise ValueError(f"{part} is an address inside of a network; write {network}, or the address alone")
        yield str(network) if "/" in part else str(network.network_address)


def _certificate(text: str) -> str:
    if not text:
        return ""
    blocks = _PEM.findall(text)
    if len(blocks) > 1:
        raise ValueError("has several certificates; write the node's own")
    if blocks:
        return _digest_of(blocks[0])
    digest = text.rpartition("=")[2].replace(":", "").replace(" ", "").lower()
    if _DIGEST.fullmatch(digest) is None:
        raise ValueError(
            "is neither a SHA-256 (64 hexadecimal digits, colons allowed) nor a certificate (PEM); write what "
            "`openssl x509 -noout -fingerprint -sha256` prints"
        )
    return digest


def _digest_of(certificate: str) -> str:
    try:
        content = ssl.PEM_cert_to_DER_cert(certificate)
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=content)
    except (ValueError, ssl.SSLError):
        raise ValueError("is a damaged certificate (PEM); copy it again, as a whole") from None
    return hashlib.sha256(content).hexdigest()


def _retrieving(text: str) -> str:
    if text not in Retrieving.values:
        raise ValueError(f"is unknown; write {' or '.join(Retrieving.values)}")
    return text


def _address_problems(values: NodeValues) -> Iterator[FieldProblem]:
    port = values.port
    if port is not None and not 0 < port <= MOST_PORT:
        yield FieldProblem("port", f"{port} is no port; write one from 1 to {MOST_PORT}")
    elif values.host and port is None:
        yield FieldProblem("port", "is missing; write the port on which the host listens, such as 104 or 11112")
    elif port is not None and not values.host:
        yield FieldProblem("host", "is empty while there is a port; write the host too, or neither if it only calls")
    elif not values.host and not values.calls_from and not values.certificate:
        yield FieldProblem(
            "host", "is empty, and so are calls_from and certificate; write one of them, or nobody could be this node"
        )
    if values.tls and not values.host:
        yield FieldProblem("tls", "is set without a host; it says how the host is called")
