"""TLS in the DICOM network (PS3.15 Annex B): what a node shows, and whom it trusts."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import ClassVar

from voxelry.core.errors import VoxelryError


class TlsError(VoxelryError, ValueError):
    """A certificate or key cannot be used."""

    code: ClassVar[str] = "tls"


def listening_tls(certificate: str, key: str = "", authorities: str = "") -> ssl.SSLContext:
    """How a listener speaks TLS 1.2 or newer.

    Parameters
    ----------
    certificate, key
        Files (PEM) with its certificate chain and private key; without ``key`` it is in the first file.
    authorities
        File with certificates (PEM); with it each node has to show a certificate that one of them signed, or is.

    Raises
    ------
    TlsError
        If a file is missing or has something else.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _show(context, certificate, key)
    if authorities:
        _trust(context, authorities)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def calling_tls(certificate: str = "", key: str = "", authorities: str = "") -> ssl.SSLContext:
    """How a node that is called is spoken to in TLS: its certificate has to name its host.

    Parameters
    ----------
    certificate, key
        What is shown to it; nothing without them.
    authorities
        Whose certificates are trusted; without it the system's.

    Raises
    ------
    TlsError
        If a file is missing or has something else.
    """
    context = ssl.create_default_context()
    if authorities:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _trust(context, authorities)
    if certificate:
        _show(context, certificate, key)
    return context


def _show(context: ssl.SSLContext, certificate: str, key: str) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    for path in filter(None, (certificate, key)):
        if not Path(path).is_file():
            raise TlsError(f"there is no file {path}")
    try:
        context.load_cert_chain(certificate, key or None, password="")
    except (OSError, ssl.SSLError, ValueError) as error:
        raise TlsError(
            f"{certificate}: no certificate with its private key can be read ({type(error).__name__}); both are PEM, "
            "and the key has no password"
        ) from error


def _trust(context: ssl.SSLContext, authorities: str) -> None:
    if not Path(authorities).is_file():
        raise TlsError(f"there is no file {authorities}")
    try:
        context.load_verify_locations(authorities)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise TlsError(f"{authorities}: no certificates can be read from it (PEM)") from error
