"""Every address and method with every identity: the answers follow from the rule that the address states.

The addresses are read from the URL configuration. A new one without a rule, or one whose objects or body this module
does not know, fails.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from pydicom.dataset import Dataset

from tests.server.drafts import draft
from tests.server.test_front import Asking
from voxelry.core import registry
from voxelry.core.registry import StepRegistry
from voxelry.server.access.models import Membership, Project, Role, Token
from voxelry.server.access.rules import Rule, rule_of
from voxelry.server.access.secrets import create_token
from voxelry.server.api.study_routes import api
from voxelry.server.archive.models import Instance
from voxelry.server.jobs import isolated
from voxelry.server.nodes.models import ForwardingRule, Node
from voxelry.server.processing.models import ResultFile
from voxelry.testing import (
    synthetic_instance,
    synthetic_report,
    synthetic_series,
    synthetic_structure_set,
    write,
)
from voxelry.testing.instances import uid

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "Matrix^Patient"
PASSWORD = "a-long-password-7781"
SAFE = {"GET", "HEAD", "OPTIONS"}
ROLE_OF = {Rule.VIEWER: Role.VIEWER, Rule.ANALYST: Role.ANALYST, Rule.UPLOADER: Role.UPLOADER, Rule.OWNER: Role.OWNER}
ADMIN_SITE = "admin/"
DICOMWEB = "dicomweb/projects/<slug:project>/"
DJANGO_ADMIN = "Django's own: tried in test_admin_projects.py with staff of other projects"


@dataclass(frozen=True)
class Address:
    """One method of one address, and the rule that its view states."""

    method: str
    path: str
    name: str
    rule: Rule | None


@dataclass
class Place:
    """What there is in the project that the addresses are about, and what requests need."""

    project: Project
    values: dict[str, object]
    bodies: dict[str, Callable[[], dict[str, Any]]]


@dataclass(frozen=True)
class Identity:
    """Somebody who asks: a client, and the role in the project if there is one."""

    name: str
    client: Client
    role: Role | None = None
    admin: bool = False
    account: bool = True
    elsewhere: Role | None = None
    headers: dict[str, str] = field(default_factory=dict)


def _patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            yield from _patterns(one, prefix + str(one.pattern))
        else:
            yield prefix + str(one.pattern), one


def addresses() -> list[Address]:
    """All of them, except those of Django's admin site."""
    operations = {
        (path, method): operation.view_func
        for _, router in api._routers
        for path, view in router.path_operations.items()
        for operation in view.operations
        for method in operation.methods
    }
    found = [Address(method, f"api{path}", view.__name__, rule_of(view)) for (path, method), view in operations.items()]
    known = {one.path.replace("{", "<").replace("}", ">") for one in found}
    for path, pattern in _patterns(get_resolver()):
        if path in known or path.startswith(ADMIN_SITE):
            continue
        if path.startswith(DICOMWEB):
            rules: dict[str, Rule] = getattr(pattern.callback, "access_rules")  # noqa: B009 - not known to the types
            found += [
                Address(method, path, f"{method} {path[len(DICOMWEB) :]}", rule) for method, rule in rules.items()
            ]
            continue
        if path.startswith("dicomweb/"):
            continue  # the same views for the only project: test_the_short_address_is_that_of_the_only_project
        rule = Rule.ACCOUNT if path in ("api/", "api/docs", "api/openapi.json") else rule_of(pattern.callback)
        found.append(Address("GET", path, pattern.name or pattern.callback.__name__, rule))
    return found


def test_every_address_states_its_rule() -> None:
    unruled = [f"{one.method} /{one.path} ({one.name})" for one in addresses() if one.rule is None]
    assert not unruled, f"state the rule of access with `needs` (access/rules.py): {unruled}"
    assert len(addresses()) > 30


def _url(address: Address, values: dict[str, object]) -> str:
    if address.path.startswith("^"):
        return {"unknown_address": "/api/nothing-here", "page": "/"}[address.name]

    def value(found: re.Match[str]) -> str:
        name = found.group(1).rpartition(":")[2]
        assert name in values, f"{address.path}: this test knows no {name!r}"
        return str(values[name])

    return "/" + re.sub(r"[<{]([^>}]+)[>}]", value, address.path)


@pytest.fixture
def place(site: Any, tmp_path: Path, do_jobs: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> Place:
    """A project with a study, a job with results and one that waits."""
    odd = EntryPoint("all_of_it", "tests.server.odd_steps:ALL", "voxelry.steps")
    gaussian = EntryPoint("gaussian", "voxelry.steps.gaussian:STEP", "voxelry.steps")
    threshold = EntryPoint("threshold", "voxelry.steps.threshold:STEP", "voxelry.steps")
    monkeypatch.setattr(registry, "_INSTALLED_STEPS", StepRegistry(lambda: [odd, gaussian, threshold]))
    monkeypatch.setattr(isolated, "IN_PROCESS", True)
    project = Project.objects.get(name="default")
    paths = synthetic_series(tmp_path / "s", slices=3, attributes={"PatientName": SECRET}).paths
    report = site.upload(paths)
    series = report["series"][0]
    study = site.get(f"/series/{series}")["study"]["id"]

    own = synthetic_series(tmp_path / "t", slices=1, seed=7, attributes={"PatientName": SECRET}).paths
    trashed = site.get(f"/series/{site.upload(own)['series'][0]}")["study"]["id"]
    site.client.delete(f"/api/studies/{trashed}")
    in_trash = {"values": {"study_id": trashed}}

    a_report = _objects(site, tmp_path / "objects", synthetic_report())
    a_document = _objects(site, tmp_path / "objects", synthetic_document())
    contours = synthetic_structure_set(tmp_path / "structures.dcm", paths, {"a": [[(0, 0, 0), (4, 0, 0), (4, 4, 0)]]})
    site.upload([contours])
    [segmentation] = site.get("/segmentations", series=series)["segmentations"]

    def job(**values: Any) -> int:
        body = json.dumps({"series": series, **values})
        return int(site.client.post("/api/jobs", body, content_type="application/json").json()["id"])

    over = job(job_name="all_of_it", params={"level": 0.5})
    do_jobs()
    waiting = job(job_name="gaussian")
    failed = job(job_name="gaussian")
    site.post(f"/jobs/{failed}/cancel", 200)
    arriving = site.upload(paths[:1], run=False)["id"]
    stored = Instance.objects.select_related("series__study").filter(series=series).order_by("pk")[0]
    node = Node.objects.create(project=project, name="a node", ae_title="A_NODE", host="127.0.0.1", port=1)
    rule = ForwardingRule.objects.create(node=node, name="a rule")
    uids = stored.series.study.study_instance_uid, stored.series.series_instance_uid, stored.sop_instance_uid
    values = {
        "upload_id": report["id"], "study_id": study, "series_id": series, "job_id": over, "n": 0,
        "name": ResultFile.objects.order_by("pk")[0].name, "project_id": project.pk, "secret": "wrong", "filter_id": 1,
        "project": project.slug, "study": uids[0], "series": uids[1], "instance": uids[2], "frames": 1, "frame": 1,
        "path": "7FE00010", "segmentation_id": segmentation["id"],
        "node_id": node.pk, "rule_id": rule.pk,
        "username": "member", "patient_id": site.get(f"/studies/{study}")["patient"]["id"],
    }  # fmt: skip
    named = {"job_id": waiting}
    bodies: dict[str, Callable[[], dict[str, Any]]] = {
        "create_upload": lambda: {"data": {"files": _file(paths[0]), "project": project.pk}},
        "measure_file": lambda: {"data": {"file": _file(paths[0])}},
        "create_job": lambda: _json(job_name="gaussian", series=series),
        "create_batch": lambda: _json(job_name="gaussian", series=[series]),
        "cancel_job": lambda: {"values": named},
        "get_report_content": lambda: {"values": a_report},
        "get_document": lambda: {"values": a_document},
        "cancel_upload": lambda: {"values": {"upload_id": arriving}},
        "retry_job": lambda: {"values": {"job_id": failed}},
        "search_studies": lambda: _json(search=SECRET),
        "search_patients": lambda: _json(search=SECRET),
        "keep_filter": lambda: _json(name="one", filter={}),
        "copy_study": lambda: _json(project=project.pk),  # where it is already: an owner need not own another one
        "delete_studies": lambda: _json(studies=[study]),
        "create_project": lambda: _json(name="new"),
        "update_project": lambda: _json(description="changed"),
        "put_member": lambda: _json(role="analyst"),
        "restore_study": lambda: dict(in_trash),
        "delete_for_good": lambda: dict(in_trash),
        "POST studies": lambda: _dicom(paths[0]),
        "POST studies/<uid:study>": lambda: _dicom(paths[0]),
        "create_node": lambda: _json(project=project.pk, name="b", ae_title="B", host="b.example", port=104),
        "update_node": lambda: _json(name="changed"),
        "query_node": lambda: _json(level="study"),
        "fetch_from_node": lambda: _json(study_instance_uids=["1.2.3"]),
        "send_to_node": lambda: _json(studies=[study], series=[series]),
        "retry_deliveries": lambda: _json(study=study),
        "cancel_deliveries": lambda: _json(),
        "create_rule": lambda: _json(name="another"),
        "update_rule": lambda: _json(name="changed"),
        "empty_trash": lambda: {"query": f"?project={project.pk}"},
        "get_cut_raw": lambda: {"query": "?origin=0,0,0&right=1,0,0&down=0,1,0&rows=2&columns=2"},
        "get_point": lambda: {"query": "?at=0,0,0"},
        "get_labels_cut": lambda: {"query": "?origin=0,0,0&right=1,0,0&down=0,1,0&rows=2&columns=2"},
        "create_segmentation": lambda: _json(series=series, label="Bright", recipe={"lower": 3}),
        "save_segmentation": lambda: {"data": draft(series)},
        "read_mask_file": lambda: {"data": {"file": SimpleUploadedFile("m.nii", b"no mask"), "series": series}},
        "list_segmentations": lambda: {"query": f"?series={series}"},
        "get_segment_statistics": lambda: {"query": f"?series={series}"},
        "get_segmentation_file": lambda: {"query": "?kind=csv"},
        "GET wado": lambda: {"query": "?requestType=WADO&studyUID={}&seriesUID={}&objectUID={}".format(*uids)},
    }
    return Place(project, values, bodies)


def synthetic_document() -> Dataset:
    """A PDF of the patient."""
    return synthetic_instance(
        has_pixels=False, modality="DOC", sop_class_uid="1.2.840.10008.5.1.4.1.1.104.1", spacing=None, rescale=None,
        attributes={"EncapsulatedDocument": b"%PDF-1.4 of nobody", "PatientName": SECRET},
    )  # fmt: skip


def _objects(site: Any, folder: Path, dataset: Dataset) -> dict[str, object]:
    """Bring an object without pixels; what an address names it by."""
    dataset.PatientName = SECRET
    dataset.SeriesInstanceUID, dataset.SOPInstanceUID = (uid(f"{dataset.SOPClassUID} {n}") for n in range(2))
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    (key,) = site.upload([write(dataset, folder / f"{dataset.SOPClassUID}.dcm")])["series"]
    return {"series_id": key, "instance": str(dataset.SOPInstanceUID)}


def _file(path: Path) -> SimpleUploadedFile:
    return SimpleUploadedFile(path.name, path.read_bytes())


def _dicom(path: Path) -> dict[str, Any]:
    return {"data": path.read_bytes(), "content_type": "application/dicom"}


def _json(**values: Any) -> dict[str, Any]:
    return {"data": json.dumps(values), "content_type": "application/json"}


@pytest.fixture
def identities(place: Place, site: Any) -> list[Identity]:
    """Each role inside and outside of the project, tokens of every kind, closed accounts and nobody."""
    outside = Project.objects.create(name="elsewhere")

    def user(name: str, *roles: tuple[Project, Role], **values: Any) -> User:
        made = User.objects.create_user(name, password=PASSWORD, **values)
        for project, role in roles:
            Membership.objects.create(project=project, user=made, role=role)
        return made

    def session(of: User) -> Client:
        client = Client()
        client.force_login(of)
        return client

    def bearer(of: User, name: str, **changed: Any) -> dict[str, str]:
        secret = create_token(of, name=name)
        Token.objects.filter(user=of, name=name).update(**changed)
        return {"authorization": f"Bearer {secret}"}

    user("member", (place.project, Role.VIEWER))
    found = [Identity("nobody", Client(), account=False), Identity("admin", site.client, admin=True)]
    owners: dict[str, User] = {}
    for role in Role:
        inside, stranger = user(f"in-{role.label}", (place.project, role)), user(f"out-{role.label}", (outside, role))
        owners[role.label] = inside
        found.append(Identity(f"{role.label} inside", session(inside), role))
        found.append(Identity(f"{role.label} outside", session(stranger), elsewhere=role))
    found.append(Identity("member of no project", session(user("lone"))))
    staff = user("staff", is_staff=True)
    found.append(Identity("staff without a project", session(staff)))
    owner = owners["owner"]
    for role in Role:
        headers = bearer(owner, f"as {role.label}", project=place.project, role=role)
        found.append(Identity(f"owner's token as {role.label}", Client(), role, headers=headers))
    Membership.objects.create(project=outside, user=owner, role=Role.OWNER)
    for name, changed in {
        "owner's token elsewhere": {"project": outside, "role": Role.OWNER},
        "admin's token elsewhere": {"project": outside, "role": Role.OWNER},
    }.items():
        of = site.user if name.startswith("admin") else owner
        found.append(Identity(name, Client(), elsewhere=Role.OWNER, headers=bearer(of, name, **changed)))
    viewer = bearer(owners["viewer"], "too much", project=place.project, role=Role.OWNER)
    found.append(Identity("viewer's token as owner", Client(), Role.VIEWER, headers=viewer))
    past = timezone.now() - timedelta(seconds=1)
    ended: dict[str, dict[str, object]] = {"expired": {"expires": past}, "revoked": {"revoked": past}}
    for name, changed in ended.items():
        found.append(Identity(f"{name} token", Client(), account=False, headers=bearer(owner, name, **changed)))
    closed = user("closed", (place.project, Role.OWNER))
    found.append(Identity("closed account", session(closed), account=False))
    found.append(Identity("closed account's token", Client(), account=False, headers=bearer(closed, "old")))
    User.objects.filter(pk=closed.pk).update(is_active=False)
    return found


class _Undo(Exception):
    """Ends a transaction, so that a request changes nothing."""


def _ask(who: Identity, address: Address, place: Place, *, client: Client | None = None) -> tuple[int, bytes]:
    asked = place.bodies.get(address.name, dict)()
    url = _url(address, {**place.values, **asked.pop("values", {})}) + asked.pop("query", "")
    answer: list[tuple[int, bytes]] = []
    send = partial((client or who.client).generic, address.method, url)
    if "data" in asked and isinstance(asked["data"], dict):
        send = partial(getattr(client or who.client, address.method.lower()), url, asked.pop("data"))
    elif "data" in asked:
        send = partial(send, asked.pop("data"), asked.pop("content_type"))
    try:
        with transaction.atomic():
            response: HttpResponseBase = send(headers=who.headers)
            answer.append((response.status_code, _content(response)))
            raise _Undo
    except _Undo:
        return answer[0]


def _content(response: HttpResponseBase) -> bytes:
    if not getattr(response, "streaming", False):
        return bytes(response.content)  # type: ignore[attr-defined]
    if response.headers["Content-Type"].startswith("text/event-stream"):
        response.close()
        return b""
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


def _names_an_object(address: Address) -> bool:
    if address.path.startswith(DICOMWEB):
        return True
    return bool(re.search(r"[<{](int:)?[a-z]+_id[>}]", address.path)) or address.name in (
        "create_job", "create_segmentation", "create_batch", "create_upload", "delete_studies", "empty_trash",
        "list_segmentations", "save_segmentation", "read_mask_file",
    )  # fmt: skip


def _wanted(who: Identity, address: Address) -> set[int] | None:
    """The statuses that refuse, of which the answer has to be one; None if it has to be an answer."""
    rule = address.rule
    if rule is Rule.OPEN:
        return None
    if not who.account:
        return {401} if address.path.startswith(("api", "^api", "dicomweb", "^dicomweb")) else {302}
    if who.admin or rule is Rule.ACCOUNT:
        return None
    if rule is Rule.OWN:
        return {403} if "authorization" in who.headers else None
    if rule is Rule.ADMIN:
        return {403} if not _names_an_object(address) or who.role else {403, 404}
    if rule is Rule.MEMBER:
        return None if who.role or who.elsewhere else {403}
    least = ROLE_OF[rule]  # type: ignore[index]
    if _names_an_object(address):
        if who.role is None:
            return {404}
        return None if who.role >= least else {403}
    has = who.role or who.elsewhere
    return None if rule is Rule.VIEWER or (has is not None and has >= least) else {403}


def test_the_matrix(place: Place, identities: list[Identity]) -> None:
    """Refusals by the rule, answers by the rule, and no value of the project's patient to who is outside of it."""
    wrong: list[str] = []
    tried: Counter[str] = Counter()
    for address in addresses():
        for who in identities:
            status, content = _ask(who, address, place)
            wanted = _wanted(who, address)
            tried["requests"] += 1
            label = f"{address.method} /{address.path} as {who.name}: {status}"
            if wanted is not None and status not in wanted:
                wrong.append(f"{label}, not {sorted(wanted)}: {content[:200]!r}")
            refused = status in (401, 403, 404)
            expected_missing = address.name in ("unknown_address", "api-root")
            if wanted is None and refused and not expected_missing:
                wrong.append(f"{label}, though it is granted: {content[:200]!r}")
            if (
                wanted is None
                and who.admin
                and status >= 400
                and not expected_missing
                and address.rule is not Rule.OPEN
                and (address.name, status) != ("delete_project", 409)  # it is not empty
                and (address.name, status) != ("page", 503)  # it is not built
                and (address.name, status) != ("query_node", 502)  # nobody listens there
            ):
                wrong.append(f"{label}: the request of this test is not whole: {content[:300]!r}")
            if who.role is None and not who.admin and (SECRET.encode() in content or b"Matrix" in content):
                wrong.append(f"{label}: tells the patient's name")
    assert not wrong, f"{len(wrong)} of {tried['requests']} requests\n" + "\n".join(wrong)


def test_a_session_needs_the_csrf_token_for_every_change(place: Place, site: Any) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(site.user)
    who = Identity("admin without the CSRF token", strict, admin=True)
    for address in addresses():
        if address.method in SAFE:
            continue
        assert _ask(who, address, place)[0] == 403, address
    wrong = {"X-CSRFToken": "x" * 32}
    assert strict.post("/api/jobs", "{}", content_type="application/json", headers=wrong).status_code == 403


def test_head_is_answered_as_get_is(place: Place, identities: list[Identity]) -> None:
    for address in addresses():
        if (
            address.method != "GET"
            or address.name == "login-link"
            or not address.path.startswith(("api/", "dicomweb/"))
        ):
            continue
        for who in identities:
            if who.account and not who.admin and who.role is None:
                head = _ask(who, Address("HEAD", address.path, address.name, address.rule), place)
                assert head[0] == _ask(who, address, place)[0], (address, who.name)
                assert head[1] == b"", (address, who.name)


def test_the_front_answers_whom_django_answers(place: Place, identities: list[Identity]) -> None:
    """By the same rules, also from what it holds since somebody else asked, or since it answered the same one."""
    asking = Asking()
    wrong = []
    ordered = sorted(identities, key=lambda who: not who.admin)
    for address in addresses():
        if address.method != "GET" or not address.path.startswith(("api/", "dicomweb/")) or "events" in address.path:
            continue
        asked = place.bodies.get(address.name, dict)()
        url = _url(address, {**place.values, **asked.pop("values", {})}) + asked.pop("query", "")
        for who in [ordered[0], *ordered]:
            cookies = "; ".join(f"{name}={value.value}" for name, value in who.client.cookies.items())
            headers = {**who.headers, **({"cookie": cookies} if cookies else {})}
            status, _, content = asking.get(url, **headers)
            wanted = _wanted(who, address)
            if wanted is not None and status not in wanted:
                wrong.append(f"{url} as {who.name}: {status}, not {sorted(wanted)}")
            if who.role is None and not who.admin and (SECRET.encode() in content or b"Matrix" in content):
                wrong.append(f"{url} as {who.name}: tells the patient's name")
    asking.close()
    assert not wrong
