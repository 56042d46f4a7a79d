"""A site in one process: ``python -m benchmarks.lists_driver STUDIES``.

It fills the database that the environment names, unless a file beside the data says that this was done, prints the
names of its cases, and for each line that names one the milliseconds that the whole request took. With
``BENCHMARK_CLOCK=cpu`` they are those of the processor: on SQLite, which is in the process, a busy machine then tells
the same figures.
"""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main() -> None:
    import django

    django.setup()
    from django.conf import settings

    from benchmarks.lists_rows import People

    studies = int(sys.argv[1])
    kept = Path(settings.VOXELRY.data) / "people.json"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(dataclasses.asdict(_fill(studies))))
    told = json.loads(kept.read_text())
    people = People(**{**told, "projects": tuple(told["projects"])})
    asks = _asks(people)
    print(json.dumps(list(asks)), flush=True)
    for line in sys.stdin:
        name = line.rstrip("\n")
        print(_milliseconds(name, asks[name]), flush=True)


def _fill(studies: int) -> Any:
    from django.core.management import call_command

    from benchmarks import lists_rows

    call_command("migrate", verbosity=0)
    return lists_rows.fill(studies, lambda words: print(words, file=sys.stderr, flush=True))


def _asks(people: Any) -> dict[str, Callable[[], Any]]:
    from django.contrib.auth.models import User
    from django.test import Client

    from benchmarks.lists_cases import Asker, cases
    from benchmarks.lists_queries import query_cases

    found: dict[str, Callable[[], Any]] = {}
    secrets = {"admin": people.admin, "one": people.viewer_of_one, "two": people.viewer_of_two}
    names = {"admin": "benchmark-admin", "one": "viewer-of-one", "two": "viewer-of-two"}
    places = {"admin": people.projects[0], "one": people.projects[1], "two": people.projects[2]}
    for who, secret in secrets.items():
        session = Client(SERVER_NAME="localhost")
        session.force_login(User.objects.get(username=names[who]))
        asker = Asker(who, Client(headers={"authorization": f"Bearer {secret}"}, SERVER_NAME="localhost"), session)  # type: ignore[arg-type]
        for name, ask in cases(asker, _rows(places[who])):
            found[f"{name} | {who}"] = ask
        if who != "two":  # a node is of one project
            found |= {f"{name} | {who}": ask for name, ask in query_cases(_rows(places[who]))}
    return found


def _rows(project: int) -> Any:
    from benchmarks.lists_cases import Rows
    from voxelry.server.access.grants import as_site
    from voxelry.server.archive import queries
    from voxelry.server.jobs import job_queries

    def middle(rows: Any) -> int:
        """The key in the middle, without counting."""
        keys = rows.filter(project=project).order_by()
        low, high = keys.order_by("pk").first().pk, keys.order_by("-pk").first().pk
        return int(keys.filter(pk__lte=(low + high) // 2).order_by("-pk").first().pk)

    studies = queries.studies(as_site())
    # Of a study with few series.
    study = studies.get(pk=middle(studies))
    series = study.series.order_by("pk").first()
    assert series is not None  # noqa: S101 - for mypy
    upload = middle(queries.uploads(as_site()))
    return Rows(study.pk, study.pk, study.patient_id, series.pk, upload, middle(job_queries.jobs(as_site())), project)


def _milliseconds(name: str, ask: Callable[[], Any]) -> float:
    gc.collect()
    clock = time.process_time if os.environ.get("BENCHMARK_CLOCK") == "cpu" else time.perf_counter
    start = clock()
    answer = ask()
    took = (clock() - start) * 1000
    if answer.status_code != 200:
        raise RuntimeError(f"{name}: {answer.status_code}: {answer.content[:500]!r}")
    return took


if __name__ == "__main__":
    main()
