"""Kills migrations of an earlier site's database again and again, and compares the result with that of no kill.

A program of its own, because it forks: run with a data folder (``VOXELRY_DATA``) or ``VOXELRY_DATABASE_URL`` of the
earlier version, which stays as it is, and with the number of a migration's statements from one kill to the next. It
also kills before each statement that records a migration as done. Each run continues what the killed one before it
left, so whatever a kill leaves behind is in the database that is compared at the end. It prints what it did as JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

UNLIKE = {
    ("access_membership", "created"),
    ("access_membership", "id"),
    ("access_project", "created"),
    ("access_project", "id"),
    ("auth_permission", "content_type_id"),
    ("auth_permission", "id"),
    ("django_content_type", "id"),
    ("django_migrations", "applied"),
    ("django_migrations", "id"),
}
"""Columns that hold the time of the migration, or keys that may be others after a kill."""


def main(step: int) -> None:
    """Kill before every ``step``-th statement of a migration, and before those that record migrations."""
    from voxelry.server.environment import django_setup

    django_setup.prepare()
    django_setup.set_up()
    tempfile.tempdir = None
    with tempfile.TemporaryDirectory() as folder:
        copy, result = _copier(Path(folder)), Path(folder, "result.json")
        killed = Kills(Path(folder, "kill.json"), step)
        copy()
        wanted = _finished(_in_child(lambda: _migrate_and_look(result, None)), result)
        copy()
        while os.WIFSIGNALED(status := _in_child(lambda: _migrate_and_look(result, killed))):
            assert os.WTERMSIG(status) == signal.SIGKILL
            killed.note()
        found = _finished(status, result)
        for part in ("rows", "schema"):
            for table, value in wanted[part].items():
                assert found[part][table] == value, (part, table)
        assert found["rows"].keys() == wanted["rows"].keys()
    records = sum(kill.records for kill in killed.done)
    told = {"applied": wanted["applied"], "statements": wanted["statements"]}
    print(json.dumps({**told, "killed_at_records": records, "killed_between": len(killed.done) - records}))


class Kill(NamedTuple):
    """Where a run is killed: after so many migrations are done, in a part of the next one or before its record."""

    migrations: int
    part: int
    records: bool


class Kills:
    """The kills so far, of which no two are at the same place."""

    def __init__(self, file: Path, step: int) -> None:
        self.done: set[Kill] = set()
        self._file, self._step = file, step

    def before(self, migrations: int, statement: int, *, records: bool) -> None:
        """Kill this process before a statement, the n-th since its start or since the last record, if it is due."""
        part, rest = divmod(statement, self._step)
        kill = Kill(migrations, 0 if records else part, records)
        if (records or rest == 0) and kill not in self.done:
            self._file.write_text(json.dumps(kill))
            os.kill(os.getpid(), signal.SIGKILL)

    def note(self) -> None:
        """Take note of the kill of a child."""
        kill = Kill(*json.loads(self._file.read_text()))
        self._file.unlink()
        assert kill not in self.done, kill
        self.done.add(kill)


def _copier(folder: Path) -> Callable[[], None]:
    """A function that makes the connection's database a new copy of the earlier one."""
    from django.db import connections

    told = connections["default"].settings_dict
    if connections["default"].vendor == "sqlite":
        pristine, place = Path(told["NAME"]), folder / "copy.sqlite3"
        told["NAME"] = str(place)
        # A killed process loses nothing that it has written, and each commit would wait for the disk.
        told["OPTIONS"]["init_command"] = told["OPTIONS"]["init_command"].replace("synchronous=FULL", "synchronous=OFF")

        def copy() -> None:
            for suffix in ("-wal", "-shm"):
                place.with_name(place.name + suffix).unlink(missing_ok=True)
            shutil.copyfile(pristine, place)

        return copy
    import psycopg

    url = os.environ["VOXELRY_DATABASE_URL"]
    earlier = urlsplit(url).path.strip("/")
    told["NAME"] = f"{earlier}_copy"

    def copy_there() -> None:
        with psycopg.connect(url.removesuffix(earlier) + "template1", autocommit=True) as own:
            own.execute(f'DROP DATABASE IF EXISTS "{earlier}_copy" WITH (FORCE)')
            own.execute(f'CREATE DATABASE "{earlier}_copy" TEMPLATE "{earlier}"')

    return copy_there


def _in_child(work: Callable[[], None]) -> int:
    """Do some work in a forked process; its status."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _finished(status: int, result: Path) -> Any:
    assert status == 0, "the migrations failed"
    found = json.loads(result.read_text())
    result.unlink()
    return found


def _migrate(done: int, kills: Kills | None) -> int:
    """Migrate as the server does, where so many migrations are done; returns the number of statements."""
    from django.db import connection

    from voxelry.server.site import first_start

    count = since = 0

    def counted(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal count, since, done
        count, since = count + 1, since + 1
        records = 'INSERT INTO "django_migrations"' in sql
        if kills:
            kills.before(done, since, records=records)
        if records:
            done, since = done + 1, 0
        return execute(sql, params, many, context)

    with connection.execute_wrapper(counted):
        first_start.migrate()
    return count


def _migrate_and_look(result: Path, kills: Kills | None) -> None:
    from django.db import connection

    before = _applied()
    count = _migrate(len(before), kills)
    found: dict[str, Any] = {"statements": count, "applied": sorted(set(_applied()) - set(before))}
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        found["schema"] = {name: repr(_schema(cursor, name)) for name in tables}
        found["rows"] = {name: _rows(cursor, name) for name in tables}
    connection.close()
    result.write_text(json.dumps(found, default=repr))


def _applied() -> list[str]:
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    return [".".join(key) for key in MigrationRecorder(connection).applied_migrations()]


def _schema(cursor: Any, table: str) -> Any:
    from django.db import connection

    look = connection.introspection
    columns = sorted(repr(column) for column in look.get_table_description(cursor, table))
    constraints = look.get_constraints(cursor, table)
    return columns, sorted((name, repr(sorted(one.items()))) for name, one in constraints.items())


def _rows(cursor: Any, table: str) -> list[str]:
    cursor.execute("SELECT id, name FROM access_project")
    projects = dict(cursor.fetchall())
    if _is_index(cursor, table):  # a full-text index of SQLite keeps its words only
        cursor.execute(f"CREATE VIRTUAL TABLE temp.words_of_{table} USING fts5vocab(main, '{table}', 'row')")
        table = f"words_of_{table}"
    cursor.execute(f'SELECT * FROM "{table}"')
    names = [column[0] for column in cursor.description]
    rows = [
        {name: _value(name, value, projects) for name, value in zip(names, row, strict=True)}
        for row in cursor.fetchall()
    ]
    return sorted(repr([pair for pair in row.items() if (table, pair[0]) not in UNLIKE]) for row in rows)


def _is_index(cursor: Any, table: str) -> bool:
    from django.db import connection

    if connection.vendor != "sqlite":
        return False
    cursor.execute("SELECT count(*) FROM sqlite_master WHERE name = %s AND sql LIKE '%%USING fts5%%'", [table])
    return bool(cursor.fetchone()[0])


def _value(name: str, value: Any, projects: dict[int, str]) -> Any:
    if name == "project_id" and value is not None:
        return projects[value]
    if isinstance(value, list):  # words of PostgreSQL's search index, with the key of the project
        tokens = {f"project{key}": project for key, project in projects.items()}
        return sorted(tokens.get(word, word) for word in value)
    return bytes(value) if isinstance(value, memoryview) else value


if __name__ == "__main__":
    main(int(sys.argv[1]))
