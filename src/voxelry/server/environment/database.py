"""Django's database settings from a configuration."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from voxelry.server.environment.configuration import Configuration, ConfigurationError


def settings_of(configuration: Configuration) -> dict[str, Any]:
    """Django's entry for ``DATABASES["default"]``."""
    if not configuration.database_url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": configuration.data / "voxelry.sqlite3",
            "OPTIONS": {
                # Writers wait at BEGIN: a transaction that reads first and then writes would fail at once.
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                # FULL flushes each commit, so that an acknowledged row is on disk.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=30000;",
            },
        }
    parts = urlsplit(configuration.database_url)
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise ConfigurationError(
            "server.database_url must look like postgresql://user:password@host:5432/name (or be empty for SQLite)"
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


def relax() -> None:
    """Let SQLite not flush each commit of this process, for workers; called before the first connection.

    After a loss of power the last commits may be missing, but none is partial. A job whose end is lost is done again,
    with the same result. Before a worker removes files that cannot be made again it flushes the rows
    (`archive.at_rest.flushing.sync_rows`). The server, which acknowledges uploads, flushes each commit.
    """
    from django.db.backends.signals import connection_created

    connection_created.connect(_relaxed, dispatch_uid="voxelry-relaxed")


def _relaxed(connection: Any, **_: Any) -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")
