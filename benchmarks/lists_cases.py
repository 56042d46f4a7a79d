"""What lists are asked for: by whom, through which door, and what for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.test import Client

from benchmarks.lists_rows import FREQUENT_WORD, RARE_WORD, TWO_CHARACTERS
from voxelry.server.archive.terms.study_filter import OrderName, PageCursor, StudyOrder

Who = Literal["admin", "one", "two"]
"""An administrator, and viewers of one project and of two."""
Ask = Callable[[], Any]
ORDERS: tuple[OrderName, ...] = (
    "date", "patient", "patient_id", "description", "accession", "series", "instances", "size",
)  # fmt: skip
PAGE = 50
_MANY_WORDS = " ".join(["smith", "anna", *(f"nosuchword{number}" for number in range(98))])
_MANY_FOUND = " ".join(["smith", *(["sm", "mi", "it", "th", "smi", "mit", "ith", "smit", "mith"] * 11)])


@dataclass(frozen=True)
class Asker:
    """Somebody who asks: a client with a token, and one with a session for pages."""

    who: Who
    by_token: Client
    by_session: Client


@dataclass(frozen=True)
class Rows:
    """The rows that are asked for by key, of somebody's projects; and a study in the middle of them."""

    study: int
    middle: int
    patient: int
    series: int
    upload: int
    job: int
    project: int


def cases(asker: Asker, rows: Rows) -> Iterator[tuple[str, Ask]]:
    """Each case by name; asking does it once and returns Django's answer."""
    yield from _searches(asker, rows)
    yield from _rest(asker, rows)
    yield "page: home", lambda: _home(asker)
    if asker.who != "two":
        yield from _admin(asker, rows)


def _searches(asker: Asker, rows: Rows) -> Iterator[tuple[str, Ask]]:
    middle = PageCursor(rows.middle, rows.middle).encode(StudyOrder())
    bodies: dict[str, Mapping[str, object]] = {
        "first page": {},
        "page in the middle": {"after": middle},
        "a year": {"date_from": "2020-01-01", "date_to": "2020-12-31"},
        "a year, by date": {"date_from": "2020-01-01", "date_to": "2020-12-31", "order": "date"},
        "from a day on": {"date_from": "2015-06-15"},
        "modality CT": {"modalities": ["CT"]},
        "modality NM, rare": {"modalities": ["NM"]},
        "NM of a year, by patient": {
            "modalities": ["NM"],
            "date_from": "2020-01-01",
            "date_to": "2020-12-31",
            "order": "patient",
        },
        "one project": {"projects": [rows.project]},
        "with volume": {"has_volume": True},
        "without volume": {"has_volume": False},
        "with problem": {"has_problem": True},
        "CT with problem, by patient": {"modalities": ["CT"], "has_problem": True, "order": "patient"},
        "word, rare": {"search": RARE_WORD.lower()},
        "word, frequent": {"search": FREQUENT_WORD.lower()},
        "part of a word": {"search": "chmid"},
        "word, frequent, by date": {"search": FREQUENT_WORD.lower(), "order": "date"},
        "name and given name": {"search": "anna smith"},
        "frequent word and CT": {"search": FREQUENT_WORD.lower(), "modalities": ["CT"]},
        "nothing found": {"search": "qqqzzzxxx"},
        "100 words, nothing found": {"search": _MANY_WORDS},
        "100 words, found": {"search": _MANY_FOUND},
        "two Chinese characters": {"search": TWO_CHARACTERS},
        "a date": {"search": "14.3.2019"},
        "a patient": {"patient": rows.patient},
    }
    bodies |= {f"sorted by {name}": {"order": name} for name in ORDERS}
    bodies |= {f"sorted by {name}, CT": {"order": name, "modalities": ["CT"]} for name in ("patient", "size")}
    for name, body in bodies.items():
        yield f"studies: {name}", _posting(asker.by_token, "/api/studies/search", body)
    for name, text in (("first page", ""), ("word, rare", RARE_WORD), ("word, frequent", FREQUENT_WORD)):
        yield f"patients: {name}", _posting(asker.by_token, "/api/patients/search", {"search": text})


def _rest(asker: Asker, rows: Rows) -> Iterator[tuple[str, Ask]]:
    addresses = {
        "a study": f"studies/{rows.study}",
        "a patient": f"patients/{rows.patient}",
        "a series": f"series/{rows.series}",
        "series, first page": "series?limit=50",
        "series, page 50": "series?limit=50&offset=2450",
        "series of a study": f"series?study={rows.study}",
        "jobs, first page": "jobs?limit=50",
        "jobs, page 50": "jobs?limit=50&offset=2450",
        "jobs that failed": "jobs?limit=50&state=failed",
        "jobs that run": "jobs?limit=50&state=running",
        "jobs, without those of batches": "jobs?limit=50&top=true",
        "ingest jobs": "jobs?limit=50&job_name=ingest",
        "uploads, first page": "uploads?limit=50",
        "an upload": f"uploads/{rows.upload}?limit=50",
        "studies by GET": "studies?limit=50",
    }
    for name, address in addresses.items():
        yield name, _getting(asker.by_token, f"/api/{address}")


def _home(asker: Asker) -> Any:
    """What the home page asks for."""
    answer = None
    for address in ("me", "projects", "filters", "uploads?limit=20"):
        answer = asker.by_token.get(f"/api/{address}")
    assert answer is not None  # noqa: S101 - for mypy
    if answer.status_code >= 400:
        return answer
    return _posting(asker.by_token, "/api/studies/search", {"limit": PAGE})()


def _admin(asker: Asker, rows: Rows) -> Iterator[tuple[str, Ask]]:
    client, project = asker.by_session, rows.project
    archive = ("study", "series", "patient", "instance", "upload", "entry")
    for path in (*(f"archive/{name}" for name in archive), "jobs/job"):
        name = path.partition("/")[2]
        yield f"admin: {name}, first page", _getting(client, f"/admin/{path}/")
        yield f"admin: {name}, page 50", _getting(client, f"/admin/{path}/?p=50", bounded=True)
        words = FREQUENT_WORD if name in ("study", "series", "patient") else "IM1" if name == "entry" else "study"
        yield f"admin: {name}, search", _searching(client, f"/admin/{path}/", words)
        if name != "entry":
            yield f"admin: {name}, project", _getting(client, f"/admin/{path}/?project={project}")
    for name, query in (
        ("series, CT", "archive/series/?modality=CT"),
        ("series, NM", "archive/series/?modality=NM"),
        ("series, problem", "archive/series/?problem=yes"),
        ("instance, no pixels", "archive/instance/?pixels=no"),
        ("entry, skipped", "archive/entry/?status=skipped"),
        ("job, failed", "jobs/job/?state=failed"),
        ("job, running", "jobs/job/?state=running"),
        ("job, ingest", "jobs/job/?kind=ingest"),
        ("job, GPU", "jobs/job/?queue=gpu"),
        ("job, batches", "jobs/job/?is_batch=1"),
        ("one study", f"archive/study/{rows.study}/change/"),
        ("one series", f"archive/series/{rows.series}/change/"),
        ("one patient", f"archive/patient/{rows.patient}/change/"),
        ("one upload", f"archive/upload/{rows.upload}/change/"),
        ("one job", f"jobs/job/{rows.job}/change/"),
        ("its start page", ""),
    ):
        yield f"admin: {name}", _getting(client, f"/admin/{query}")


def _getting(client: Client, address: str, *, bounded: bool = False) -> Ask:
    """A GET; a page that a small archive does not have is its last."""

    def ask() -> Any:
        answer = client.get(address)
        if bounded and answer.status_code == 302:
            return client.get(address.partition("?")[0])
        return answer

    return ask


def _posting(client: Client, address: str, body: Mapping[str, object]) -> Ask:
    return lambda: client.post(address, dict(body), content_type="application/json")


def _searching(client: Client, address: str, words: str) -> Ask:
    return lambda: client.post(address, {"q": words, "posted_search": "Search"}, follow=True)
