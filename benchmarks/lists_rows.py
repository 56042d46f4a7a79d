"""Rows of an archive that holds many studies, made in the database and without a file at rest.

The rows look like those of a real archive: three projects of unequal size, one of which was closed halfway; names in
several scripts; frequent and rare modalities; series without a volume and series with a problem; 15 years. One study
has 3,000 series, and one series has 5,000 instances.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from typing import Any

from django.contrib.auth.models import User
from django.core.management.color import no_style
from django.db import connection
from django.db.models import Field, Model

from benchmarks.lists_index import fill_listings
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.access.secrets import create_token
from voxelry.server.archive.models import Entry, Instance, Patient, Series, Stack, Study, Upload
from voxelry.server.jobs.models import Job

TABLES: tuple[type[Model], ...] = (Job, Patient, Study, Upload, Series, Instance, Stack, Entry)
_INDEXED = ("archive_studylisting", "archive_studygrams")
STUDIES_PER_UPLOAD = 10
INSTANCES_PER_STUDY = 10
INSTANCE_BYTES = 526_000
LARGE_STUDY_SERIES = 3000
LARGE_SERIES_INSTANCES = 5000
RARE_WORD = "Zyzzyvas"
FREQUENT_WORD = "Smith"
TWO_CHARACTERS = "小东"
RARE_PATIENTS = 3
YEARS = 15
LAST_DAY = date(2026, 6, 30)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_FIRST_UID = 1_000_000_000
"""UIDs of one length, which an index takes in order."""
_PATIENT_OF_STUDY = (0, 0, 0, 0, 1, 1, 1, 2, 2, 3)
"""The patients of the ten studies of an upload."""
_LATIN = _words(
    "Smith Jones Taylor Brown Wilson Evans Thomas Roberts Johnson Walker Wright Robinson Thompson White "
    "Hughes Edwards Green Hall Wood Harris Clarke Jackson Clark Turner Hill Scott Cooper Morris Ward "
    "Moore King Watson Baker Harrison Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz "
    "Hoffmann Dupont Martin Bernard Dubois Moreau García Rodríguez López Hernández Pérez Sánchez Novák "
    "Kowalski Nowak Nagy Horváth Jensen Hansen Lindqvist Virtanen"
)
_GIVEN = _words(
    "Anna Maria James John Robert Michael William David Mary Patricia Jennifer Linda Elizabeth Barbara "
    "Susan Jessica Sarah Karen Lars Ingrid Björn Åsa Jürgen Käthe François Zoë José Inés Łukasz Zofia "
    "Péter Ágnes Mikko Aino Søren"
)
_SCRIPTS = (
    ("Wang", "XiaoDong", "王", "小东"),
    ("Li", "Lei", "李", "雷"),
    ("Zhang", "Wei", "张", "伟"),
    ("Chen", "MeiLing", "陈", "美玲"),
    ("Yamada", "Tarou", "山田", "太郎"),
    ("Hong", "Gildong", "홍", "길동"),
    ("Kim", "Minjun", "김", "민준"),
    ("Ivanova", "Olga", "Иванова", "Ольга"),
    ("Petrov", "Sergei", "Петров", "Сергей"),
    ("Papadopoulos", "Nikos", "Παπαδόπουλος", "Νίκος"),
    ("Qabbani", "Nizar", "قباني", "نزار"),
    ("Cohen", "Avi", "כהן", "אבי"),
)
_PARTS = _words("head neck thorax abdomen pelvis spine knee shoulder heart liver wrist ankle")
_KINDS = _words("plain contrast angiography follow-up screening trauma perfusion pre-operative post-operative")

_MODALITY = """CASE WHEN ({id} * 7919) % 100 < 45 THEN 'CT' WHEN ({id} * 7919) % 100 < 75 THEN 'MR'
    WHEN ({id} * 7919) % 100 < 90 THEN 'CR' WHEN ({id} * 7919) % 100 < 98 THEN 'US'
    WHEN ({id} * 7919) % 100 < 99 THEN 'PT' ELSE 'NM' END"""
"""A series' modality; PT and NM are 2 % together."""


@dataclass(frozen=True)
class People:
    """The secrets of the tokens of who asks, and the projects."""

    admin: str
    viewer_of_one: str
    viewer_of_two: str
    projects: tuple[int, int, int]


def fill(studies: int, say: Callable[[str], None] = lambda _: None) -> People:
    """Fill an empty, migrated database with so many studies and ten times the instances."""
    say("projects and users")
    people = _people()
    with _bulk_loading():
        say(f"{studies} studies")
        _load(Patient, _patients(studies, people.projects))
        _load(Study, _studies(studies, people.projects))
        for words, step in (
            ("jobs and uploads", _uploads),
            ("series", _series),
            ("instances", _instances),
            ("volumes", _stacks),
            ("entries", _entries),
        ):
            say(words)
            step(studies)
        say("lists and the index of words")
        fill_listings(studies, load_table)
        say("indexes")
    _after(say)
    return people


def _after(say: Callable[[str], None]) -> None:
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(TABLES)):
            cursor.execute(statement)
        say("statistics")
        cursor.execute("ANALYZE")


def _people() -> People:
    keys = [Project.objects.create(name=name).pk for name in ("Clinic", "Trial", "Closed trial")]
    admin = User.objects.create_superuser("benchmark-admin")
    one, two = (User.objects.create_user(f"viewer-of-{word}", is_staff=True) for word in ("one", "two"))
    for user, projects in ((one, keys[1:2]), (two, keys[1:])):
        for key in projects:
            Membership.objects.create(user=user, project_id=key, role=Role.VIEWER)
    secrets = [create_token(user, name="benchmark") for user in (admin, one, two)]
    return People(secrets[0], secrets[1], secrets[2], (keys[0], keys[1], keys[2]))


def _project_place(upload: int, uploads: int) -> int:
    """Which project an upload goes to: 0 (about 70 %), 1 (25 %) or 2 (5 %, all in the first half)."""
    turn = upload % 20
    return 2 if turn < 2 and upload * 2 <= uploads else 1 if 2 <= turn < 7 else 0


def _patients(studies: int, projects: tuple[int, int, int]) -> Iterator[dict[str, object]]:
    chance = random.Random(14)  # noqa: S311 - the same rows each time
    uploads = studies // STUDIES_PER_UPLOAD
    count = uploads * 4
    rare = {count * place // (RARE_PATIENTS + 1) for place in range(1, RARE_PATIENTS + 1)}
    for number in range(count):
        born = date(1930, 1, 1) + timedelta(days=chance.randrange(90 * 365))
        yield {
            "id": number + 1,
            "project_id": projects[_project_place(number // 4 + 1, uploads)],
            "patient_id": f"P{number + 1:08d}",
            "issuer": "",
            "name": f"{RARE_WORD}^{chance.choice(_GIVEN)}" if number in rare else _name(chance),
            "birth_date": born.isoformat(),
            "sex": chance.choice("FM"),
        }


def _name(chance: random.Random) -> str:
    if chance.random() < 0.75:
        return f"{chance.choice(_LATIN)}^{chance.choice(_GIVEN)}"
    family, given, own_family, own_given = chance.choice(_SCRIPTS)
    if chance.random() < 0.5:
        given, own_given = (part[3] if own else part[1] for own in (0, 1) for part in [chance.choice(_SCRIPTS)])
    return f"{family}^{given}={own_family}^{own_given}"


_STUDY_SEARCH: dict[str, object] = {
    "study_id": "1",
    "referrer": "House^Gregory",
    "referrer_key": "house^gregory",
    "attributes": '{"00080090":{"vr":"PN","Value":[{"Alphabetic":"House^Gregory"}]},'
    '"00101010":{"vr":"AS","Value":["054Y"]},"00200010":{"vr":"SH","Value":["1"]}}',
}
"""What searches by attributes need of a study; without it each is read from a stored file."""


def _studies(studies: int, projects: tuple[int, int, int]) -> Iterator[dict[str, object]]:
    chance = random.Random(4)  # noqa: S311 - the same rows each time
    uploads = studies // STUDIES_PER_UPLOAD
    first = LAST_DAY - timedelta(days=YEARS * 365)
    for number in range(studies):
        upload, place = divmod(number, STUDIES_PER_UPLOAD)
        came = first + timedelta(days=number * YEARS * 365 // studies)
        # Most studies come on their day, some are brought from an older archive.
        day = came if chance.random() < 0.8 else came - timedelta(days=chance.randrange(3000))
        yield {
            "id": number + 1,
            "project_id": projects[_project_place(upload + 1, uploads)],
            "patient_id": upload * 4 + _PATIENT_OF_STUDY[place] + 1,
            "study_instance_uid": f"1.2.826.0.1.3680043.14.{_FIRST_UID + number + 1}",
            "date": day.isoformat(),
            "time": f"{chance.randrange(24):02d}:{chance.randrange(60):02d}:00",
            "description": f"{chance.choice(_PARTS)} {chance.choice(_KINDS)}",
            "accession_number": f"A{chance.randrange(10**9):09d}",
            **_STUDY_SEARCH,
            "created": f"{came.isoformat()} {chance.randrange(24):02d}:00:00+00:00",
        }


def _uploads(studies: int) -> None:
    """Uploads of ten studies, with a job each."""
    # The job's key follows those of the jobs that build series.
    job, first = f"({_first_job(studies)} + study.id / {STUDIES_PER_UPLOAD})", f"study.id % {STUDIES_PER_UPLOAD} = 0"
    _insert(
        Job,
        {
            "id": job,
            "kind": "'ingest'",
            "subject": f"study.id / {STUDIES_PER_UPLOAD}",
            "project_id": "study.project_id",
            "queue": "'ingest'",
            "state": "'succeeded'",
            "progress": "1.0",
            "created": "study.created",
            "finished": "study.created",
            "attempts": "1",
        },
        f"archive_study AS study WHERE {first}",
    )
    _insert(
        Upload,
        {
            "id": f"study.id / {STUDIES_PER_UPLOAD}",
            "project_id": "study.project_id",
            "names": _text("Upload.names", '["study.zip"]'),
            "created": "study.created",
            "job_id": job,
            "stored": str(STUDIES_PER_UPLOAD * INSTANCES_PER_STUDY),
        },
        f"archive_study AS study WHERE {first}",
    )


def _series(studies: int) -> None:
    """One to three series of a study, each with a job that built it."""
    key = "(study.id * 3 + part.n)"
    source = f"archive_study AS study, {_numbers(3)} AS part WHERE part.n <= study.id % 3"
    _series_rows(studies, key, source)
    numbers = (
        f"archive_study AS study, {_numbers(LARGE_STUDY_SERIES)} AS part WHERE study.id = {studies} AND part.n > 2"
    )
    _series_rows(studies, key, numbers)


_SERIES_ATTRIBUTES = '{"00080070":{"vr":"LO","Value":["Maker"]},"00180015":{"vr":"CS","Value":["CHEST"]}}'


def _series_rows(studies: int, key: str, source: str) -> None:
    failed = f"{key} * 31 % 100 = 0"
    _insert(
        Job,
        {
            "id": key,
            "kind": "'build'",
            "subject": key,
            "project_id": "study.project_id",
            "state": f"CASE WHEN {failed} THEN 'failed' ELSE 'succeeded' END",
            "progress": "1.0",
            "message": f"CASE WHEN {failed} THEN '' ELSE 'Ready' END",
            "created": "study.created",
            "finished": "study.created",
            "attempts": "1",
            "problem_code": f"CASE WHEN {failed} THEN 'geometry' ELSE '' END",
            "problem_message": f"CASE WHEN {failed} THEN 'two spacings in one stack' ELSE '' END",
        },
        source,
    )
    report = f"CASE WHEN {key} % 3 = 0 THEN 'SR' ELSE {_MODALITY.format(id=key)} END"
    _insert(
        Series,
        {
            "id": key,
            "project_id": "study.project_id",
            "study_id": "study.id",
            "series_instance_uid": f"'1.2.826.0.1.3680043.15.' || ({_FIRST_UID} + {key})",
            "number": "part.n + 1",
            # The third series of some studies is a report, which has no volume.
            "modality": f"CASE WHEN part.n = 2 THEN {report} ELSE {_MODALITY.format(id=key)} END",
            "description": f"CASE {key} % 4 WHEN 0 THEN 'axial 1.0 mm' WHEN 1 THEN 'coronal' WHEN 2 THEN 't2 tse' "
            "ELSE 'localizer' END",
            "body_part": "'CHEST'",
            "attributes": f"'{_SERIES_ATTRIBUTES}'",
            "revision": "1",
            "built_revision": "1",
            "instance_count": _instance_count(studies, key),
            "bytes": f"{_instance_count(studies, key)} * {INSTANCE_BYTES}",
            "folder": "'1-1'",
            "problem_code": f"CASE WHEN {failed} THEN 'geometry' ELSE '' END",
            "problem_message": f"CASE WHEN {failed} THEN 'two spacings in one stack' ELSE '' END",
            "job_id": key,
            "created": "study.created",
        },
        source,
    )


def _instance_count(studies: int, key: str) -> str:
    """How many instances `_instances` gives a series: ten in turns, and many for the first of the last study."""
    # Of the series n of (1 + study % 3): those i < 10 with i % (1 + study % 3) = n.
    each = "(1 + study.id % 3)"
    own = f"CASE WHEN part.n >= {each} THEN 0 ELSE ({INSTANCES_PER_STUDY} - part.n + {each} - 1) / {each} END"
    many = LARGE_SERIES_INSTANCES - INSTANCES_PER_STUDY
    return f"({own} + CASE WHEN {key} = {studies * 3} THEN {many} ELSE 0 END)"


def _instances(studies: int) -> None:
    """Ten instances of a study, in turns for its series, and many of the last study's first series."""
    key = f"(study.id * {INSTANCES_PER_STUDY} + part.n)"
    source = f"archive_study AS study, {_numbers(INSTANCES_PER_STUDY)} AS part"
    _instance_rows(key, "study.id * 3 + part.n % (1 + study.id % 3)", source)
    many = (
        f"archive_study AS study, {_numbers(LARGE_SERIES_INSTANCES)} AS part "
        f"WHERE study.id = {studies} AND part.n >= {INSTANCES_PER_STUDY}"
    )
    _instance_rows(key, "study.id * 3", many)


def _instance_rows(key: str, series: str, source: str) -> None:
    hexadecimal = f"printf('%064x', {key})" if _is_sqlite() else f"lpad(to_hex({key}), 64, '0')"
    _insert(
        Instance,
        {
            "id": key,
            "project_id": "study.project_id",
            "series_id": series,
            "upload_id": f"(study.id + {STUDIES_PER_UPLOAD - 1}) / {STUDIES_PER_UPLOAD}",
            "sop_instance_uid": f"'1.2.826.0.1.3680043.16.' || ({_FIRST_UID} + {key})",
            "sop_class_uid": "'1.2.840.10008.5.1.4.1.1.2'",
            "transfer_syntax_uid": "'1.2.840.10008.1.2.1'",
            "number": "part.n + 1",
            "has_pixels": _flag(True),
            "rows": "512",
            "columns": "512",
            "bits_allocated": "16",
            "frames": "0",
            "sha256": hexadecimal,
            "size": str(INSTANCE_BYTES),
            "name": "'IM' || part.n",
        },
        source,
    )


_WINDOW = {"name": "", "center": 40, "width": 400, "function": "LINEAR"}
_PLANE = {"count": 5, "rows": 512, "columns": 512, "spacing_mm": [0.5, 0.5], "shape": [5, 512, 512]}


def _stacks(studies: int) -> None:  # noqa: ARG001 - the steps have one signature
    """A volume of each series, except of reports and of every tenth."""
    _insert(
        Stack,
        {
            "id": "series.id",
            "series_id": "series.id",
            "index": "0",
            "shape": _text("Stack.shape", "[5, 512, 512]"),
            "dtype": "'int16'",
            "regular": _flag(True),
            "spacing": _text("Stack.spacing", "[1.0, 0.5, 0.5]"),
            "default_window": _text("Stack.default_window", json.dumps(_WINDOW)),
            "planes": _text("Stack.planes", json.dumps({"acquired": _PLANE})),
            "minimum": "-1024",
            "maximum": "3071",
        },
        "archive_series AS series WHERE series.modality <> 'SR' AND series.id % 10 <> 0",
    )


def _entries(studies: int) -> None:  # noqa: ARG001 - the steps have one signature
    """Two entries of each study's upload; some are of a file that was skipped."""
    skipped = "(part.n = 1 AND study.id % 50 = 0)"
    _insert(
        Entry,
        {
            "id": "study.id * 2 + part.n",
            "upload_id": f"(study.id + {STUDIES_PER_UPLOAD - 1}) / {STUDIES_PER_UPLOAD}",
            "position": f"(study.id % {STUDIES_PER_UPLOAD}) * 2 + part.n",
            "name": "'study/IM' || part.n",
            "status": f"CASE WHEN {skipped} THEN 'skipped' ELSE 'stored' END",
            "code": f"CASE WHEN {skipped} THEN 'not_dicom' ELSE '' END",
            "message": f"CASE WHEN {skipped} THEN 'not DICOM' ELSE '' END",
            "series_id": f"CASE WHEN {skipped} THEN NULL ELSE study.id * 3 END",
        },
        f"archive_study AS study, {_numbers(2)} AS part",
    )


def _first_job(studies: int) -> int:
    return studies * 3 + LARGE_STUDY_SERIES + 3


# --- SQL of both databases --------------------------------------------------------------------------------------------


def _is_sqlite() -> bool:
    return connection.vendor == "sqlite"


def _flag(value: bool) -> str:
    return str(int(value)) if _is_sqlite() else str(value).lower()


def _numbers(count: int) -> str:
    """A table of the numbers from 0, as a part of FROM."""
    if _is_sqlite():
        up = f"SELECT 0 UNION ALL SELECT n + 1 FROM up LIMIT {count}"  # noqa: S608
        return f"(WITH RECURSIVE up(n) AS ({up}) SELECT n FROM up)"  # noqa: S608
    return f"(SELECT * FROM generate_series(0, {count - 1}) AS up(n))"  # noqa: S608


def _text(_: str, value: str) -> str:
    """A literal of a JSON column."""
    return f"'{value}'" if _is_sqlite() else f"CAST('{value}' AS jsonb)"


def _literal(field: Field[Any, Any]) -> str:
    """The default of a column that the generator does not care about."""
    kind, value = field.get_internal_type(), field.get_default()
    if field.null and value is None:
        return (
            "NULL"
            if _is_sqlite()
            else f"CAST(NULL AS {str(field.db_type(connection)).removesuffix(' GENERATED BY DEFAULT AS IDENTITY')})"
        )
    if kind == "JSONField":
        return _text(field.name, json.dumps(value))
    if isinstance(value, bool):
        return _flag(value)
    if isinstance(value, bytes):
        return "x''" if _is_sqlite() else "''::bytea"
    return str(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"


def _insert(model: type[Model], values: Mapping[str, str], source: str) -> None:
    """Insert one row for each row of a source; ``values`` are SQL, columns that are not named get their default."""
    fields = [field for field in model._meta.concrete_fields if field.column is not None]  # noqa: SLF001
    if unknown := set(values) - {field.column for field in fields}:
        raise KeyError(*sorted(unknown))
    columns = ", ".join(f'"{field.column}"' for field in fields)
    chosen = ", ".join(values.get(field.column) or _literal(field) for field in fields)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {model._meta.db_table} ({columns}) SELECT {chosen} FROM {source}")  # noqa: S608, SLF001


def _load(model: type[Model], rows: Iterable[dict[str, object]]) -> None:
    """Insert rows; columns that they do not have are of their default."""
    rows = iter(rows)
    first = next(rows)
    others = [f for f in model._meta.concrete_fields if f.column not in first]  # noqa: SLF001
    rest = {str(field.column): None if field.null else field.get_default() for field in others}
    load_table(model._meta.db_table, (row | rest for row in chain([first], rows)))  # noqa: SLF001


def load_table(table: str, rows: Iterator[dict[str, object]]) -> None:
    """Insert rows with the same columns."""
    first = next(rows)
    columns = ", ".join(f'"{name}"' for name in first)
    values = (tuple(row.values()) for row in chain([first], rows))
    with connection.cursor() as cursor:
        if _is_sqlite():
            marks = ", ".join("?" * len(first))
            connection.connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)  # noqa: S608
        else:
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for value in values:
                    copy.write_row(value)


@contextmanager
def _bulk_loading() -> Iterator[None]:
    """Without the checks of foreign keys, and with the indexes made afterwards: sorted, they are much faster."""
    with connection.cursor() as cursor:
        if _is_sqlite():
            cursor.execute("PRAGMA foreign_keys = OFF")
            cursor.execute("PRAGMA ignore_check_constraints = ON")
            cursor.execute("PRAGMA synchronous = OFF")
            cursor.execute("PRAGMA cache_size = -400000")
        else:
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("SET maintenance_work_mem = '512MB'")
        made = _without_indexes(cursor)
        if _is_sqlite():
            cursor.execute("BEGIN")
        yield
        for statement in made:
            cursor.execute(statement)
        if _is_sqlite():
            cursor.execute("COMMIT")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.execute("PRAGMA ignore_check_constraints = OFF")
            cursor.execute("PRAGMA foreign_keys = ON")
        else:
            cursor.execute("SET session_replication_role = DEFAULT")


def _without_indexes(cursor: Any) -> list[str]:
    """Drop the indexes that no constraint of a table owns; the statements that make them again."""
    tables = ", ".join(f"'{name}'" for name in (*(model._meta.db_table for model in TABLES), *_INDEXED))  # noqa: SLF001
    if _is_sqlite():
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL "  # noqa: S608
            f"AND tbl_name IN ({tables})"
        )
    else:
        cursor.execute(
            "SELECT indexname, indexdef FROM pg_indexes "  # noqa: S608
            "WHERE indexname NOT IN (SELECT conname FROM pg_constraint) "
            f"AND tablename IN ({tables})"
        )
    found = cursor.fetchall()
    for name, _ in found:
        cursor.execute(f'DROP INDEX "{name}"')
    return [statement for _, statement in found]
