"""The revision: a number in the database that every committed change of what somebody may see raises.

What was read from rows may be kept as long as the revision is the same. Triggers of the database raise it, so bulk
updates, the admin and other processes count. Each application's configuration names its tables (``raises_revision``);
the triggers are made anew after each migration, because SQLite drops those of a table that is altered.

On SQLite a trigger updates the row at once: there is one writer at a time. On PostgreSQL a transaction leaves a mark,
and a deferred trigger updates the row at its commit. A sequence would be raised before the rows are visible, and an
update at once would let long transactions wait for each other.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, connections

_READ = "SELECT number FROM access_revision"
_RAISE = "UPDATE access_revision SET number = number + 1"
_SQLITE = "django.db.backends.sqlite3"
_PREFIX = "revision_"
_NAME_LENGTH = 63
_PATIENCE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Watched:
    """A table whose changes raise the revision.

    Attributes
    ----------
    columns
        The columns whose change counts; empty for all.
    without
        Columns whose change does not count.
    inserts
        Whether a new row counts.
    only_if
        A condition on ``OLD`` and ``NEW`` for an update to count.
    """

    table: str
    columns: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    inserts: bool = True
    only_if: str = ""


def revision_now() -> int:
    """The revision that is committed now.

    Raises
    ------
    OperationalError
        If the database cannot be read.
    """
    told = connections.settings[DEFAULT_DB_ALIAS]
    if told["ENGINE"] == _SQLITE:  # without Django's connection, of which each task of an event loop has its own
        return _reader.read(str(told["NAME"]))
    with connection.cursor() as cursor:
        cursor.execute(_READ)
        return int(cursor.fetchone()[0])


def revision_of_rows() -> int | None:
    """The revision of the rows that this thread reads; None in a transaction, which may see others than are committed.

    In a block of `one_revision` it is the one that was read there.
    """
    if _thread.revision is not None:
        return _thread.revision
    return None if connection.in_atomic_block else revision_now()


@contextmanager
def one_revision() -> Iterator[int]:
    """Read the revision once for all that is done in the ``with`` block, outside of transactions."""
    _thread.revision = number = revision_now()
    try:
        yield number
    finally:
        _thread.revision = None


class _Thread(threading.local):
    revision: int | None = None


_thread = _Thread()


class _Reader:
    """One connection of the process to the file of SQLite, beside those of its threads, with a prepared statement."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: tuple[str, int] | None = None
        self._cursor: sqlite3.Cursor | None = None

    def read(self, path: str) -> int:
        with self._lock:
            try:
                cursor = self._cursor
                if cursor is None or self._open != (path, os.getpid()):
                    cursor = self._connect(path)
                ((number,),) = cursor.execute(_READ).fetchall()
            except (sqlite3.Error, ValueError) as error:
                self._cursor = None
                raise OperationalError("the revision cannot be read") from error
            return int(number)

    def _connect(self, path: str) -> sqlite3.Cursor:
        opened = sqlite3.connect(
            path, timeout=_PATIENCE_SECONDS, isolation_level=None, check_same_thread=False, uri=path.startswith("file:")
        )
        self._cursor, self._open = opened.cursor(), (path, os.getpid())
        return self._cursor


_reader = _Reader()


def keep_watch(using: str = DEFAULT_DB_ALIAS) -> None:
    """Make the triggers that are missing, and drop those that are no longer wanted."""
    database = connections[using]
    tables = set(database.introspection.table_names())
    if "access_revision" not in tables or database.vendor not in ("sqlite", "postgresql"):
        return
    wanted: dict[str, tuple[str, str]] = {}
    for watched in _all_watched():
        if watched.table in tables:
            wanted.update(_triggers(watched, database))
    query = (
        "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger'"
        if database.vendor == "sqlite"
        else "SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE pg_table_is_visible(c.oid) AND NOT t.tgisinternal"
    )
    with database.cursor() as cursor:
        cursor.execute(query)
        present = {name: table for name, table in cursor.fetchall() if name.startswith(_PREFIX)}
        if present.keys() == wanted.keys():
            return
        for name in present.keys() - wanted.keys():
            on = f' ON "{present[name]}"' if database.vendor == "postgresql" else ""
            cursor.execute(f'DROP TRIGGER "{name}"{on}')
        for name in sorted(wanted.keys() - present.keys()):
            cursor.execute(wanted[name][1])
        cursor.execute(_RAISE)  # rows may have changed while no trigger saw it


def after_migration(sender: object, using: str = DEFAULT_DB_ALIAS, **_: Any) -> None:
    """`keep_watch`, at Django's signal ``post_migrate``."""
    keep_watch(using)


def _all_watched() -> Iterator[Watched]:
    for configuration in apps.get_app_configs():
        found: Iterable[Watched] = getattr(configuration, "raises_revision", ())
        yield from found


def _triggers(watched: Watched, database: Any) -> Iterator[tuple[str, tuple[str, str]]]:
    """The triggers of a table: name, and table and statement. A name changes with what the trigger does."""
    columns = watched.columns
    if watched.without:
        with database.cursor() as cursor:
            described = database.introspection.get_table_description(cursor, watched.table)
        columns = tuple(sorted({column.name for column in described} - set(watched.without)))
    of = " OF " + ", ".join(f'"{name}"' for name in columns) if columns else ""
    events = [("delete", "DELETE", ""), ("update", f"UPDATE{of}", watched.only_if)]
    events += [("insert", "INSERT", "")] if watched.inserts else []
    postgresql = database.vendor == "postgresql"
    events += [("truncate", "TRUNCATE", "")] if postgresql else []
    for word, event, condition in events:
        when = f" WHEN ({condition})" if condition else ""
        if postgresql:
            each = "ROW" if condition else "STATEMENT"
            action = f"FOR EACH {each}{when} EXECUTE FUNCTION access_mark_revision()"
        else:
            action = f"FOR EACH ROW{when} BEGIN {_RAISE}; END"
        rest = f'AFTER {event} ON "{watched.table}" {action}'
        mark = hashlib.sha256(rest.encode()).hexdigest()[:8]
        name = f"{_PREFIX}{watched.table}_{word}"[: _NAME_LENGTH - 9] + f"_{mark}"
        yield name, (watched.table, f'CREATE TRIGGER "{name}" {rest}')
