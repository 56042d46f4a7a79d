"""Addresses of this site and of others' pages, as settings give them: checked, and in one spelling."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"(?!-)[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)*")


def origin(text: str) -> str:
    """An origin as browsers send it: scheme and host in lower case, and the port unless it is the scheme's own.

    Raises
    ------
    ValueError
        If it is no scheme, host and port, or has more than these.

    References
    ----------
    RFC 6454, 6.2
    """
    address, prefix = _parted(text)
    if prefix:
        raise ValueError(f"{text!r} has a path")
    return address


def site_url(text: str) -> str:
    """The address of a site: an origin, and the path below which a proxy serves it; without a slash at the end.

    Raises
    ------
    ValueError
        If it is something else.
    """
    return "".join(_parted(text)) if text else ""


def is_prefix(path: str) -> bool:
    """Whether a text is a path without a slash at the end, of characters that need no escape; or empty."""
    return _PREFIX.fullmatch(path) is not None and not {".", ".."} & set(path.split("/"))


def with_port(scheme: str, host: str, port: str) -> str:
    """The host with its port, unless it is the scheme's own or the host has one."""
    has_one = host.rpartition("]")[2].count(":") > 0
    return host if has_one or not port.isdigit() or int(port) == _PORTS.get(scheme) else f"{host}:{int(port)}"


def _parted(text: str) -> tuple[str, str]:
    parts = urlsplit(text)
    port = parts.port  # raises ValueError
    scheme, name = parts.scheme.lower(), (parts.netloc.lower().rpartition(":")[0] if port else parts.netloc.lower())
    prefix = parts.path.rstrip("/")
    strange = parts.query or parts.fragment or "?" in text or "#" in text or not is_prefix(prefix)
    if scheme not in _PORTS or strange or not _NAME.fullmatch(name):
        raise ValueError(f"{text!r} is no http:// or https:// address of a site")
    return f"{scheme}://{with_port(scheme, name, str(port or ''))}", prefix
