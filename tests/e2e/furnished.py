"""A site with at least one of everything that its pages show."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.e2e.steps import ask, wait_for
from voxelry.testing import bad_files, synthetic_instance, synthetic_series, write, zip_folder

NEWCOMER = "olaf"
"""A user who owns a project in which there is nothing: every page is in its empty state."""

ROWS = """
import sys
from pathlib import Path

from voxelry.server.environment import django_setup

django_setup.prepare(data=Path(sys.argv[1]), config=None)
django_setup.set_up()
from django.contrib.auth.models import Group, User
from django.utils import timezone
from voxelry.server.access.models import Membership, Project, Role, Token
from voxelry.server.nodes.models import Commitment, Node

name, password, node = sys.argv[2:5]
user = User.objects.create_user(name, password=password)
project = Project.objects.create(name="Of " + name)
Membership.objects.create(project=project, user=user, role=Role.OWNER)
Group.objects.create(name="Staff of the ward")
Token.objects.create(user=user, name="laptop", digest="0" * 64, expires=timezone.now())
Commitment.objects.create(node=Node.objects.get(pk=int(node)), transaction_uid="1.2.3", references=[["1.2", "1.3"]])
"""


@dataclass(frozen=True)
class Furnished:
    """The addresses of rows, by what they are."""

    upload: int
    bad_upload: int
    patient: int
    study: int
    series: int
    project: int
    node: int
    done_job: int
    failed_job: int
    running_job: int


def furnish(page: Page, data: Path, folder: Path, password: str) -> Furnished:
    """Fill the site as an administrator who is logged in; ``page`` shows one of its pages."""
    told = {"StudyDescription": "Thorax", "SeriesDescription": "Lungs", "PatientName": "Rossi^Ada", "PatientID": "F17"}
    synthetic_series(folder / "in" / "good", seed=171, slices=8, rows=32, columns=40, attributes=told)
    upload = _uploaded(page, zip_folder(folder / "good.zip", folder / "in"))
    bad_files(folder / "bad", seed=1710)
    bad_upload = _uploaded(page, zip_folder(folder / "bad.zip", folder / "bad"))
    (series,) = ask(page, "GET", f"/uploads/{upload}")["series"]
    wait_for(page, f"/series/{series}", lambda answer: answer["state"] == "succeeded")
    row = ask(page, "GET", f"/series/{series}")
    lost = _uploaded(page, write(synthetic_instance(seed=172, attributes={"PatientID": "F18"}), folder / "lost.dcm"))
    (thrown,) = ask(page, "GET", f"/uploads/{lost}")["series"]
    ask(page, "DELETE", f"/studies/{ask(page, 'GET', f'/series/{thrown}')['study']['id']}")

    done = ask(page, "POST", "/jobs", data={"job_name": "label_statistics", "series": series})["id"]
    failed = ask(page, "POST", "/jobs", data={"job_name": "patient", "series": series, "time_limit_seconds": 0.2})["id"]
    for key in (done, failed):
        wait_for(page, f"/jobs/{key}", lambda answer: answer["state"] in ("succeeded", "failed"))
    running = ask(page, "POST", "/jobs", data={"job_name": "patient", "series": series})["id"]
    project = ask(page, "POST", "/projects", data={"name": "Hearts"})["id"]
    node = _node(page, row["project_id"], series)
    ask(page, "PUT", "/filters", data={"name": "All of CT", "filter": {"modalities": ["CT"]}})
    ran = subprocess.run([sys.executable, "-c", ROWS, str(data), NEWCOMER, password, str(node)], check=False)
    if ran.returncode:
        pytest.fail("the site could not be furnished")
    return Furnished(
        upload, bad_upload, row["patient"]["id"], row["study"]["id"], series, project, node, done, failed, running
    )


def _uploaded(page: Page, path: Path) -> int:
    sent = {"name": path.name, "mimeType": "application/octet-stream", "buffer": path.read_bytes()}
    key = int(ask(page, "POST", "/uploads", multipart={"files": sent})["id"])
    wait_for(page, f"/uploads/{key}", lambda answer: answer["state"] not in ("queued", "running"))
    return key


def _node(page: Page, project: int, series: int) -> int:
    """A node at which nobody listens, so that what is sent to it waits."""
    closed: dict[str, Any] = {"name": "Far", "ae_title": "FAR", "host": "127.0.0.1", "port": 1, "project": project}
    may = {"may_store": True, "may_find": True, "may_retrieve": True}
    node = int(ask(page, "POST", "/nodes", data={**closed, **may})["id"])
    ask(page, "POST", f"/nodes/{node}/rules", data={"name": "All of CT", "modalities": ["CT"]})
    ask(page, "POST", f"/nodes/{node}/send", data={"series": [series]})
    return node
