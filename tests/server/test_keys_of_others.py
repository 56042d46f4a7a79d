"""Keys in bodies, forms and queries that name objects of other projects are answered as keys that do not exist.

The fields are read from the API's schema. A new field that holds whole numbers fails until this module knows whether
it names an object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from tests.server.drafts import draft
from voxelry.server.access.models import Membership, Project, Role
from voxelry.server.access.secrets import create_token
from voxelry.server.api.study_routes import api
from voxelry.server.archive.models import Patient, Series, Study
from voxelry.server.jobs.models import Job
from voxelry.server.nodes.models import Delivery, ForwardingRule, Node
from voxelry.testing import synthetic_series, synthetic_structure_set

pytestmark = pytest.mark.django_db(transaction=True)

MISSING = 987_654_321
SECRET = "Others^Patient"
NUMBERS = {
    "limit", "offset", "stack", "second_stack", "priority", "memory_limit_bytes", "volume", "threshold", "port",
    "rows", "columns", "depth", "every", "first", "count", "layer", "classes", "class_number",
}  # fmt: skip
"""Fields with whole numbers that are no keys."""
KINDS = {
    "project": "project", "projects": "project", "patient": "patient", "study": "study", "studies": "study",
    "series": "series", "second": "series", "parent": "batch", "from_node": "node",
    "segmentation.series": "series", "segmentation.base": "segmentation",
}  # fmt: skip
"""The attribute of `Keys` that fields of a name hold."""
PLACES = {"after"}
"""Keys that say where a page begins: only one's own rows are compared with them."""

Asked = tuple[str, str, Any]
"""Method, address and body; the body is a form if it is a dict, and JSON if it is a text."""


@dataclass(frozen=True)
class Keys:
    """The keys of another project's rows, and of one's own."""

    project: int
    patient: int
    study: int
    series: int
    batch: int
    segmentation: int
    node: int = 0
    rule: int = 0


def fields() -> set[tuple[str, str]]:
    """Each operation with each field of its query and its body that holds a key or several."""
    schema = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/")))
    found: set[tuple[str, str]] = set()
    for operations in schema["paths"].values():
        for operation in operations.values():
            name = operation["operationId"]
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "query" and _is_whole(parameter["schema"], schema):
                    found.add((name, parameter["name"]))
            for content in operation.get("requestBody", {}).get("content", {}).values():
                found |= {(name, path) for path in _keys_in(content["schema"], schema)}
    return {(name, path) for name, path in found if path.rpartition(".")[2] not in NUMBERS | PLACES}


def _keys_in(node: dict[str, Any], schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in _resolved(node, schema).get("properties", {}).items():
        if _is_whole(value, schema):
            yield prefix + name
        else:
            yield from _keys_in(value, schema, f"{prefix}{name}.")


def _is_whole(node: dict[str, Any], schema: dict[str, Any]) -> bool:
    node = _resolved(node, schema)
    ways = [_resolved(one, schema) for one in (*node.get("anyOf", []), *node.get("allOf", []))]
    parts = [node, *ways]
    return any(
        one.get("type") == "integer" or (one.get("type") == "array" and _is_whole(one.get("items", {}), schema))
        for one in parts
    )


def _resolved(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        node = schema["components"]["schemas"][node["$ref"].rpartition("/")[2]]
    return node


def _requests(own: Keys, key: Callable[[str], int], file: Path) -> dict[tuple[str, str], list[Asked]]:
    """Requests of a member of another project, by operation and field; ``key`` gives a key of the kind of a row."""

    def sent(method: str, address: str, **values: Any) -> Asked:
        return method, address, json.dumps(values)

    def got(address: str, name: str, kind: str) -> list[Asked]:
        return [("GET", f"{address}?{name}={key(kind)}", None)]

    def upload() -> dict[str, Any]:
        return {"files": SimpleUploadedFile(file.name, file.read_bytes()), "project": key("project")}

    both = [own.series, key("series")]
    return {
        ("create_upload", "project"): [("POST", "/uploads", upload())],
        ("create_job", "series"): [
            sent("POST", "/jobs", job_name="gaussian", series=key("series")),
            sent("POST", "/jobs", job_name="gaussian", series=key("series"), stack=5),
            sent("POST", "/jobs", job_name="gaussian", series=key("series"), params={"sigma": -1}),
        ],
        ("create_job", "second"): [
            sent("POST", "/jobs", job_name="subtract", series=own.series, second=key("series")),
            sent("POST", "/jobs", job_name="subtract", series=key("series"), second=own.series),
            sent("POST", "/jobs", job_name="subtract", series=key("series"), second=key("series")),
            sent("POST", "/jobs", job_name="subtract", series=own.series, second=key("series"), second_stack=5),
            sent("POST", "/jobs", job_name="register", series=own.series, second=key("series")),
            sent(
                "POST", "/jobs", job_name="subtract", series=own.series, second=key("series"),
                same_frame_of_reference=True,
            ),
        ],
        ("create_job", "project"): [
            sent("POST", "/jobs", job_name="gaussian", in_dir="/", project=key("project")),
            sent("POST", "/jobs", job_name="gaussian", series=own.series, project=key("project")),
        ],
        ("create_batch", "series"): [
            sent("POST", "/jobs/batch", job_name="gaussian", series=both),
            sent("POST", "/jobs/batch", job_name="gaussian", series=both[::-1], same_frame_of_reference=True),
        ],
        ("list_jobs", "series"): got("/jobs", "series", "series"),
        ("list_jobs", "parent"): got("/jobs", "parent", "batch"),
        ("list_studies", "projects"): got("/studies", "projects", "project"),
        ("list_series", "study"): got("/series", "study", "study"),
        ("list_segmentations", "study"): got("/segmentations", "study", "study"),
        ("list_segmentations", "series"): got("/segmentations", "series", "series"),
        ("get_segmentation", "series"): got(f"/segmentations/{own.segmentation}", "series", "series"),
        ("get_segment_statistics", "series"): got(
            f"/segmentations/{own.segmentation}/statistics", "series", "series"
        ),
        ("get_segmentation_file", "series"): [
            ("GET", f"/segmentations/{own.segmentation}/file?kind=rtstruct&series={key('series')}", None)
        ],
        ("create_segmentation", "series"): [
            sent("POST", "/segmentations", series=key("series"), label="a", recipe={"method": "fixed"}),
            sent("POST", "/segmentations", series=key("series"), volume=5, label="a", recipe={"method": "otsu"}),
        ],
        ("save_segmentation", "segmentation.series"): [
            ("POST", "/segmentations/voxels", draft(key("series"))),
            ("POST", "/segmentations/voxels", draft(key("series"), base=own.segmentation)),
        ],
        ("save_segmentation", "segmentation.base"): [
            ("POST", "/segmentations/voxels", draft(own.series, base=key("segmentation"))),
        ],
        ("read_mask_file", "series"): [
            ("POST", "/segmentations/files", {"file": SimpleUploadedFile("m.nii", b"x"), "series": key("series")}),
        ],
        ("search_studies", "projects"): [sent("POST", "/studies/search", projects=[key("project")], search=SECRET)],
        ("search_studies", "patient"): [sent("POST", "/studies/search", patient=key("patient"))],
        ("search_patients", "projects"): [sent("POST", "/patients/search", projects=[own.project, key("project")])],
        ("keep_filter", "filter.projects"): [sent("PUT", "/filters", name="a", filter={"projects": [key("project")]})],
        ("keep_filter", "filter.patient"): [sent("PUT", "/filters", name="a", filter={"patient": key("patient")})],
        ("copy_study", "project"): [sent("POST", f"/studies/{own.study}/copy", project=key("project"))],
        ("delete_studies", "studies"): [sent("POST", "/studies/delete", studies=[own.study, key("study")])],
        ("list_trash", "project"): got("/trash", "project", "project"),
        ("create_node", "project"): [sent("POST", "/nodes", project=key("project"), name="n", ae_title="N")],
        ("create_rule", "from_node"): [sent("POST", f"/nodes/{own.node}/rules", name="r", from_node=key("node"))],
        ("update_rule", "from_node"): [
            sent("PATCH", f"/nodes/{own.node}/rules/{own.rule}", from_node=key("node")),
        ],
        ("send_to_node", "studies"): [
            sent("POST", f"/nodes/{own.node}/send", studies=[key("study")]),
            sent("POST", f"/nodes/{own.node}/send", studies=[own.study, key("study")]),
        ],
        ("send_to_node", "series"): [
            sent("POST", f"/nodes/{own.node}/send", series=[key("series")]),
            sent("POST", f"/nodes/{own.node}/send", series=both[::-1], studies=[own.study]),
        ],
        ("retry_deliveries", "study"): [sent("POST", f"/nodes/{own.node}/deliveries/retry", study=key("study"))],
        ("cancel_deliveries", "study"): [sent("POST", f"/nodes/{own.node}/deliveries/cancel", study=key("study"))],
        ("empty_trash", "project"): [("DELETE", f"/trash?project={key('project')}", None)],
    }  # fmt: skip


@pytest.fixture
def theirs(site: Any, tmp_path: Path, do_jobs: Callable[[], None]) -> Keys:
    """What there is in the project ``default``."""
    return _filled(site, do_jobs, Project.objects.get(name="default"), tmp_path / "theirs", seed=0)


@pytest.fixture
def own(site: Any, theirs: Keys, tmp_path: Path, do_jobs: Callable[[], None]) -> Keys:
    """What there is in another one."""
    return _filled(site, do_jobs, Project.objects.create(name="own"), tmp_path / "own", seed=9)


def _filled(site: Any, do_jobs: Callable[[], None], project: Project, folder: Path, *, seed: int) -> Keys:
    paths = synthetic_series(folder, slices=3, seed=seed, attributes={"PatientName": SECRET} if not seed else {}).paths
    files = [SimpleUploadedFile(path.name, path.read_bytes()) for path in paths]
    site.post("/uploads", 202, files=files, project=project.pk)
    do_jobs()
    series = Series.objects.get(project=project)
    points = [(0, 0, 0), (4, 0, 0), (4, 4, 0)]
    contours = synthetic_structure_set(folder / "structures.dcm", paths, {"a": [points]})
    drawn = SimpleUploadedFile(contours.name, contours.read_bytes())
    site.post("/uploads", 202, files=[drawn], project=project.pk)
    do_jobs()
    [mask] = site.get("/segmentations", series=series.pk)["segmentations"]
    batch = site.send("/jobs/batch", 202, job_name="gaussian", series=[series.pk])["id"]
    node = Node.objects.create(project=project, name=f"node {seed}", ae_title="NODE", host="127.0.0.1", port=1)
    rule = ForwardingRule.objects.create(node=node, name="a rule")
    return Keys(project.pk, Patient.objects.get(project=project).pk, Study.objects.get(project=project).pk, series.pk,
                batch, mask["id"], node.pk, rule.pk)  # fmt: skip


def test_every_field_that_names_an_object_is_tried_here(tmp_path: Path) -> None:
    nothing = Keys(1, 1, 1, 1, 1, 1)
    (tmp_path / "a").write_bytes(b"")
    assert fields() == set(_requests(nothing, lambda _: 1, tmp_path / "a"))


class _Undo(Exception):
    """Ends a transaction, so that a request changes nothing."""


def _answer(client: Client, asked: Asked, headers: dict[str, str]) -> tuple[int, Any]:
    method, address, body = asked
    found: list[tuple[int, Any]] = []
    try:
        with transaction.atomic():
            if isinstance(body, dict):
                response = client.post(f"/api{address}", body, headers=headers)
            else:
                response = client.generic(
                    method, f"/api{address}", body or "", content_type="application/json", headers=headers
                )
            found.append((response.status_code, json.loads(response.content) if response.content else None))
            raise _Undo
    except _Undo:
        return found[0]


def _without(answer: Any, key: int) -> Any:
    """An answer in whose sentences, and in the filter that it gives back, a key stands for any other."""
    if not isinstance(answer, dict):
        return answer
    told = {name: value for name, value in answer.items() if name not in ("id", "address")}
    if "filter" in told:
        told["filter"] = json.dumps(told["filter"]).replace(str(key), "KEY")
    if "detail" in told:
        told["detail"] = re.sub(rf"\b{key}\b", "KEY", told["detail"])
    return told


@pytest.mark.parametrize("way", ["session", "token", "admin's token"])
def test_keys_of_another_project_are_as_keys_of_nothing(
    site: Any, theirs: Keys, own: Keys, tmp_path: Path, way: str
) -> None:
    user = User.objects.create_user("outside", password="x")
    project = Project.objects.get(pk=own.project)
    Membership.objects.create(project=project, user=user, role=Role.OWNER)
    client, headers = Client(), {}
    if way == "session":
        client.force_login(user)
    else:
        secret = create_token(user if way == "token" else site.user, name="t", project=project, role=Role.OWNER)
        headers = {"authorization": f"Bearer {secret}"}
    file = synthetic_series(tmp_path / "more", slices=1, seed=4).paths[0]
    counts = _counts()
    real = _requests(own, lambda kind: int(getattr(theirs, kind)), file)
    missing = _requests(own, lambda kind: MISSING, file)
    wrong = []
    for place, asked in real.items():
        for one, other in zip(asked, missing[place], strict=True):
            kind = {"projects": "project", "filter.projects": "project", "filter.patient": "patient"}.get(place[1])
            kind = kind or KINDS.get(place[1], place[1])
            got, nothing = _answer(client, one, headers), _answer(client, other, headers)
            told = json.dumps(got[1])
            key = int(getattr(theirs, kind))
            if (got[0], _without(got[1], key)) != (nothing[0], _without(nothing[1], MISSING)) or SECRET in told:
                wrong.append(f"{place} {one[:2]}: {got} but of nothing {nothing}")
    assert not wrong, "\n".join(wrong)
    assert _counts() == counts


def _counts() -> tuple[int, ...]:
    return (
        Delivery.objects.count(),
        Node.objects.count(),
        Job.objects.count(),
        Study.objects.filter(trashed=None).count(),
        Series.objects.exclude(project=None).count(),
    )
