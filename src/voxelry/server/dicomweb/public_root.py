"""The address that this site is reached by from outside: URLs in answers begin with it (PS3.18 8.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from django.conf import settings
from django.http.request import split_domain_port, validate_host

from voxelry.server.access.addresses import forwarding_proxies, is_trusted
from voxelry.server.access.exchange import RefusedError
from voxelry.server.environment.web_addresses import is_prefix, with_port

_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^;,"\s]*)')
_BY_PROXIES = ("forwarded", "x-forwarded-", "via")
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')


def public_root(
    scheme: str, host: str, headers: Mapping[str, str], peer: str, here: tuple[str, int | None] = ("", None)
) -> str:
    """The scheme, host, port and prefix, without a slash at the end.

    It is the setting ``server.public_url``; else what a trusted proxy forwards; else the Host of the request.

    Parameters
    ----------
    scheme
        Of the connection.
    host
        The header Host.
    headers
        By lower-case names. Forwarded or X-Forwarded-Proto, -Host, -Port and -Prefix count only if a trusted proxy
        sent them.
    peer
        The other end of the connection.
    here
        This end of it, address and port. Some clients send a Host without the port that they connect to.

    Raises
    ------
    RefusedError
        400 if the site does not answer to the host (``server.hosts``).

    References
    ----------
    RFC 7239
    """
    _check(host)  # whatever is told to clients: other names may be a page's that means to reach this site
    configured: str = settings.VOXELRY.public_url
    if configured:
        return configured
    prefix = ""
    forwarded = _forwarded(headers, peer) if is_trusted(peer) else {}
    if forwarded:
        host = forwarded.get("host") or host
        if forwarded.get("proto") in ("http", "https"):
            scheme = forwarded["proto"]
        host = with_port(scheme, host, forwarded.get("port", ""))
        prefix = forwarded.get("prefix", "").rstrip("/")
        _check(host)
    elif f"https://{host.lower()}" in settings.VOXELRY.trusted_origins:
        scheme = "https"  # a proxy that is not trusted to say so
    elif _is_here(host, here[0]) and not any(name.startswith(_BY_PROXIES) for name in headers):
        host = with_port(scheme, host, str(here[1] or ""))
    return f"{scheme}://{host}{prefix if is_prefix(prefix) else ''}"


def _is_here(host: str, address: str) -> bool:
    """Whether the host, without a port, is this end of the connection: then its port reaches this site as well."""
    return host.strip("[]") == address or (host == "localhost" and address in ("127.0.0.1", "::1"))


def _check(host: str) -> None:
    name, _ = split_domain_port(host)
    if not name or not validate_host(name, settings.ALLOWED_HOSTS):
        raise RefusedError(400, "This site does not answer to this Host: the setting server.hosts names those it does.")


def _forwarded(headers: Mapping[str, str], peer: str) -> dict[str, str]:
    """What the outermost trusted proxy says of the request that it got; its values are not checked."""
    proxies = forwarding_proxies(peer, headers.get("x-forwarded-for", ""))
    if "forwarded" in headers:
        elements = [_pairs(element) for element in _ELEMENT.findall(headers["forwarded"])]
        trusted = 1
        while trusted < len(elements) and is_trusted(_address(elements[-trusted].get("for", ""))):
            trusted += 1
        return {name: value for name, value in elements[-trusted].items() if name in ("host", "proto")}
    found = {}
    for name in ("host", "proto", "port", "prefix"):
        if values := [value.strip() for value in headers.get(f"x-forwarded-{name}", "").split(",")]:
            found[name] = _of_outermost(values, proxies)
    found["proto"] = found["proto"].lower()
    return found if any(found.values()) else {}


def _of_outermost(values: Sequence[str], proxies: int) -> str:
    """Each proxy appends a value, or replaces those that came: what is left of the trusted ones' is the client's."""
    return values[-min(proxies, len(values))]


def _pairs(element: str) -> dict[str, str]:
    return {name.lower(): re.sub(r"\\(.)", r"\1", value.strip('"')) for name, value in _PAIR.findall(element)}


def _address(node: str) -> str:
    """The address of a node, without its port."""
    return node[1:].partition("]")[0] if node.startswith("[") else node.partition(":")[0]
