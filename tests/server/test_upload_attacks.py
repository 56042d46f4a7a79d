"""Uploads to one project tell nothing of another, and change nothing there.

One party has data in project A; the other uploads files to projects of its own that resemble those: the same bytes, the
same UIDs, the same Patient ID. Everything that it is answered, and the work that is done (statements, files opened,
written, renamed, removed, flushed), is compared with a site from which the first party's rows and files were erased. As
the erased rows have used up their keys, the transcripts have to be the same with all keys in them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings

from tests.dicom.segmentations import segmented
from tests.server.conftest import run_jobs
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.archive.at_rest import flushing
from voxelry.server.archive.intake import take_in
from voxelry.server.archive.models import Series, Study, UnusedFile, Upload
from voxelry.server.jobs import job_run
from voxelry.server.jobs.models import Job
from voxelry.testing import synthetic_report, synthetic_series, write

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
PASSWORD = "correct horse"
NAMES = ("equal", "other bytes", "same patient", "segmentation", "damaged", "joined", "missing", "conflict")
"""The attacker's projects: one for each attack."""
LISTS = ("studies", "series", "uploads", "jobs")
LIKE_VICTIM = ("Victim", "V-1", "SECRET", "Secret study")
_VOLATILE = [
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)?"), "<time>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<build>"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "<build>"),
]


# --- the files --------------------------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> dict[str, list[Path]]:
    """The victim's files, and those of each attack."""
    of_victim = {"PatientID": "V-1", "PatientName": "Victim^Anna", "StudyDescription": "Secret study"}

    def series(name: str, **more: Any) -> list[Path]:
        attributes = {**of_victim, **more.pop("attributes", {})}
        return list(
            synthetic_series(tmp_path / name, slices=more.pop("slices", 5), attributes=attributes, **more).paths
        )

    truth = synthetic_series(tmp_path / "whole", slices=5, attributes=of_victim)
    whole = list(truth.paths)
    cut = []
    for number, path in enumerate(whole):
        cut.append(tmp_path / "cut" / path.name)
        cut[-1].parent.mkdir(exist_ok=True)
        content = path.read_bytes()
        cut[-1].write_bytes(content[:-100] if number == 2 else content)
    segments = segmented(tmp_path / "segments.dcm", truth, truth.array > truth.array.mean())
    report = write(synthetic_report(), tmp_path / "report.dcm")
    other = series("other", rescale=(2.0, 0.0))
    no_slope = series("slope", edit=lambda k, dataset: setattr(dataset, "RescaleSlope", "0" if k == 1 else "1"))
    return {
        "victim": [*cut, report, segments],
        "equal": [*whole[:2], *cut, report, segments, *whole[:1]],
        "other bytes": other,
        "same patient": series(
            "patient", seed=9, attributes={"PatientName": "Else^Who", "PatientBirthDate": "19990101"}
        ),
        "segmentation": [segments],
        "damaged": [*cut, *no_slope[:2]],
        "joined": series("joined", seed=8, attributes={"StudyInstanceUID": truth.study_instance_uid}),
        "missing": [whole[2]],
        "conflict": [*other[:2], *whole],
    }


# --- a site -----------------------------------------------------------------------------------------------------------


def new_site(folder: Path, settings: Settings) -> None:
    """An empty site with both parties and their projects, in an empty data folder."""
    call_command("flush", verbosity=0, interactive=False)
    folder.mkdir()
    settings.VOXELRY = settings.VOXELRY.replace(data=folder)
    victim = User.objects.create_user("victim", "", PASSWORD)
    attacker = User.objects.create_user("attacker", "", PASSWORD)
    own = Project.objects.create(name="A")
    Membership.objects.create(project=own, user=victim, role=Role.OWNER)
    for name in NAMES:
        Membership.objects.create(project=Project.objects.create(name=name), user=attacker, role=Role.UPLOADER)


def erase(folder: Path) -> None:
    """Remove all rows of studies, uploads and jobs, and all files, but not the keys that they have used up."""
    Study.objects.all().delete()
    for model in apps.get_app_config("archive").get_models():
        model._base_manager.all().delete()
    Job.objects.all().delete()
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()
    for name in ("stacks", "uploads"):  # their folders are named by keys
        shutil.rmtree(folder / name)
        (folder / name).mkdir()


def login(name: str) -> Client:
    client = Client()
    assert client.login(username=name, password=PASSWORD)
    return client


def send(client: Client, project: str, paths: list[Path]) -> list[Any]:
    """Upload files to a project and do all jobs; the answers."""
    given = [SimpleUploadedFile(path.name, path.read_bytes()) for path in paths]
    told = client.post("/api/uploads", {"files": given, "project": Project.objects.get(name=project).pk})
    assert told.status_code == 202, told.content
    run_jobs()
    return [told.json(), dict(told.headers)]


def victims_part(files: dict[str, list[Path]]) -> list[Any]:
    client = login("victim")
    told = send(client, "A", files["victim"])
    return [told, everything(client)]


def attackers_part(files: dict[str, list[Path]]) -> list[Any]:
    client = login("attacker")
    found: list[Any] = []
    for name in NAMES:
        for paths in (files[name], files[name][:1]):
            found += [name, send(client, name, paths)]
            found.append([plain(client.get(f"/api/{what}?limit=1000").content.decode()) for what in LISTS])
    return [*found, everything(client), probes(client)]


def everything(client: Client) -> dict[str, Any]:
    """All that somebody is answered: lists, details, reports, names, pictures, slices, searches, with their sizes."""
    found: dict[str, Any] = {}

    def ask(address: str) -> Any:
        response = client.get(address)
        content = response.getvalue() if response.streaming else response.content
        kind = response.headers.get("Content-Type", "")
        text = plain(content.decode()) if kind.startswith(("application/json", "application/problem")) else ""
        headers = {name: plain(value) for name, value in response.headers.items() if name != "Content-Length"}
        digest = hashlib.sha256(content).hexdigest()
        found[address] = (response.status_code, headers, text or (len(content), digest))
        return response.json() if kind.startswith("application/json") else None

    for row in ask("/api/studies?limit=1000")["items"]:
        ask(f"/api/studies/{row['id']}")
        ask(f"/api/studies/{row['id']}/archive.zip")
        ask(f"/api/patients/{row['patient']['id']}")
    for row in ask("/api/series?limit=1000")["items"]:
        own = f"/api/series/{row['id']}"
        for index, volume in enumerate(ask(own)["volumes"]):
            for kind in ("png", "raw"):
                ask(f"{own}/slices/{volume['shape'][0] // 2}.{kind}?stack={index}")
            ask(f"{own}/measure?stack={index}")
            ask(f"{own}/histogram?stack={index}")
        ask(f"{own}/thumbnail.png")
    for row in ask("/api/uploads?limit=1000")["items"]:
        ask(f"/api/uploads/{row['id']}?limit=1000")
    for row in ask("/api/jobs?limit=1000")["items"]:
        ask(f"/api/jobs/{row['id']}")
    ask("/api/me")
    for word in LIKE_VICTIM:
        for what in ("studies", "patients"):
            response = client.post(f"/api/{what}/search", json.dumps({"search": word}), content_type="application/json")
            found[f"{what} {word}"] = (response.status_code, plain(response.content.decode()))
    return found


def probes(client: Client) -> list[Any]:
    """What is answered to addresses of the first keys, which the victim has where there is one."""
    found = []
    for what in ("studies", "series", "uploads", "jobs", "patients"):
        for key in range(1, 5):
            response = client.get(f"/api/{what}/{key}")
            found.append((what, key, response.status_code, plain(response.content.decode())))
    return found


def plain(text: str) -> str:
    """A text without times and names of builds, which are others each time."""
    for pattern, word in _VOLATILE:
        text = pattern.sub(word, text)
    return text


# --- the work that is done --------------------------------------------------------------------------------------------

_listeners: list[Callable[[str, tuple[Any, ...]], None]] = []
_FILE_EVENTS = frozenset(
    {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.utime", "os.listdir", "os.truncate"}
)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _listeners and event in _FILE_EVENTS:
        for listener in _listeners:
            listener(event, arguments)


@pytest.fixture(scope="module", autouse=True)
def _audited() -> None:
    """An audit hook cannot be removed: it does nothing while nobody listens."""
    sys.addaudithook(_hook)


@contextmanager
def worked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The statements and the operations on files below the data folder."""
    done: list[str] = []
    fsync, top = os.fsync, f"{folder}/"

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        paths = [str(one) for one in arguments if isinstance(one, (str, Path)) and str(one).startswith(top)]
        if paths:
            mode = arguments[1] if event == "open" and isinstance(arguments[1], str) else ""
            done.append(f"{event} {mode} {' '.join(shown(path.removeprefix(top)) for path in paths)}")

    def flushed(descriptor: int) -> None:
        done.append(f"fsync of {'a folder' if stat.S_ISDIR(os.fstat(descriptor).st_mode) else 'a file'}")
        fsync(descriptor)

    def asked(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if '"progress" = ' not in sql:  # written from time to time
            done.append(re.sub(r'"s\d+_x\d+"', "savepoint", sql))
        return execute(sql, params, many, context)

    monkeypatch.setattr(os, "fsync", flushed)
    _listeners.append(note)
    try:
        with connection.execute_wrapper(asked):
            yield done
    finally:
        _listeners.remove(note)
        monkeypatch.setattr(os, "fsync", fsync)


def shown(path: str) -> str:
    """A path without the random part of temporary names."""
    return re.sub(r"temp/[^/]+", "temp/<name>", plain(path))


# --- the comparison ---------------------------------------------------------------------------------------------------


def rows_and_files(project: str, folder: Path) -> dict[str, Any]:
    """All rows of a project, of which no column is left out, and the bytes that they name."""
    key = Project.objects.get(name=project).pk
    found: dict[str, Any] = {}
    paths = {"": "project", "Entry": "upload__project", "Stack": "series__project"}
    models: list[Any] = [*apps.get_app_config("archive").get_models(), Job]
    for model in models:
        names = {field.name for field in model._meta.get_fields()}
        path = paths.get(model.__name__, "project" if "project" in names else "")
        if path:
            rows = model._base_manager.filter(**{path: key}).order_by("pk").values()
            found[model.__name__] = [{name: _bytes(value) for name, value in row.items()} for row in rows]
    digests = [row["sha256"] for row in found["Instance"]]
    series = [str(row["id"]) for row in found["Series"]]
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if file.is_file() and (file.name in digests or (parts[0] == "stacks" and parts[1] in series)):
            found[str(file.relative_to(folder))] = file.read_bytes()
    return found


def _bytes(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def compare(wanted: Any, found: Any, where: str = "") -> None:
    """Fail with the place of the first difference."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        assert list(wanted) == list(found), where
        for key, value in wanted.items():
            compare(value, found[key], f"{where} / {key}")
    elif isinstance(wanted, (list, tuple)) and isinstance(found, (list, tuple)):
        for number, pair in enumerate(zip(wanted, found, strict=False)):
            compare(*pair, f"{where} / {number}")
        assert len(wanted) == len(found), where
    else:
        assert wanted == found, where


@pytest.mark.parametrize(
    ("first", "second"), [(victims_part, attackers_part), (attackers_part, victims_part)], ids=["victim", "attacker"]
)
def test_nobody_can_tell_what_another_project_has(
    first: Callable[..., Any],
    second: Callable[..., Any],
    files: dict[str, list[Path]],
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    transactional_db: None,
) -> None:
    monkeypatch.setattr(take_in, "BATCH_SECONDS", float("inf"))
    monkeypatch.setattr(flushing, "_THREADS", 1)
    monkeypatch.setattr(job_run, "REPORT_SECONDS", float("inf"))
    transcripts = []
    for number, present in enumerate((True, False)):
        folder = tmp_path / f"site-{number}"
        new_site(folder, settings)
        first(files)
        if not present:
            erase(folder)
        projects = ["A"] if first is victims_part else list(NAMES)
        before = [rows_and_files(name, folder) for name in projects]
        if present:
            assert before[0]["Study"]
            assert before[0]["UnusedFile"] or first is not victims_part
        with worked(folder, monkeypatch) as work:
            transcripts.append([second(files), work])
        compare(before, [rows_and_files(name, folder) for name in projects], "what the first party has")
    compare(transcripts[1][0], transcripts[0][0], "answers")
    beside, alone = (Counter(work) for _, work in transcripts)  # pictures are written by several threads
    assert beside - alone == alone - beside == Counter()
    assert beside.total() > 500


def test_the_attacks_do_what_they_say(
    files: dict[str, list[Path]], tmp_path: Path, settings: Settings, transactional_db: None
) -> None:
    """Each has the effect in its own project that makes it one."""
    new_site(tmp_path / "site", settings)
    victims_part(files)
    attackers_part(files)
    counts = {
        upload.project.name: (upload.stored, upload.present, upload.skipped)
        for upload in Upload.objects.select_related("project").order_by("-pk")
    }
    assert counts == {
        "A": (6, 0, 1),
        "equal": (6, 3, 1),
        "other bytes": (5, 0, 0),
        "same patient": (5, 0, 0),
        "segmentation": (1, 0, 0),
        "damaged": (4, 1, 2),
        "joined": (5, 0, 0),
        "missing": (1, 0, 0),
        "conflict": (5, 0, 2),
    }
    assert Study.objects.filter(study_instance_uid=Study.objects.get(project__name="A").study_instance_uid).count() == 8
    assert UnusedFile.objects.filter(project__name="A").count() == 1
    assert not Series.objects.filter(project__name="segmentation").exclude(modality="SEG").exists()
