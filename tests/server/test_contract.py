"""Errors, documents, and what must not drift."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from voxelry.server.api.management.commands.openapi import document
from voxelry.server.api.study_routes import api

CONTRACT = Path(__file__).resolve().parents[2] / "contract" / "openapi.json"


def test_the_contract_is_up_to_date() -> None:
    call_command("openapi", "--check", str(CONTRACT))


def test_a_contract_that_is_not_up_to_date_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text("{}")
    with pytest.raises(CommandError, match="out of date"):
        call_command("openapi", "--check", str(tmp_path / "c.json"))
    call_command("openapi", str(tmp_path / "c.json"))
    assert (tmp_path / "c.json").read_text() == document()


def test_models_and_migrations_agree(transactional_db: None) -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_settings_pass_djangos_checks(transactional_db: None) -> None:
    call_command("check")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/series/x", "/api/uploads/1/nothing"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_addresses_are_problems(site: Any, path: str, method: str) -> None:
    response = site.client.generic(method, path)
    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this address.",
        "code": "not_found",
    }


def test_an_unknown_method_is_a_problem(site: Any) -> None:
    response = site.client.put("/api/uploads")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert "GET" in response.headers["Allow"]


def test_what_cannot_be_read_is_a_problem(site: Any) -> None:
    broken = site.client.generic("POST", "/api/uploads", b"junk", content_type="multipart/form-data; boundary=x")
    assert broken.headers["Content-Type"] == "application/problem+json"
    assert broken.status_code in (400, 422)
    unbounded = site.client.generic("POST", "/api/uploads", b"junk", content_type="multipart/form-data")
    assert unbounded.headers["Content-Type"] == "application/problem+json"


def test_a_defect_is_a_problem_without_its_values(
    user: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from voxelry.server.api import study_records

    value = "Doe^Jane"

    def defect(who: object) -> None:
        raise RuntimeError(value)

    client = Client(raise_request_exception=False)
    client.force_login(user)
    monkeypatch.setattr(study_records, "whole_studies", defect)
    response = client.get("/api/studies")
    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "internal"
    assert value not in response.content.decode() + caplog.text
    assert "test_contract.py" in caplog.text  # whoever runs the server sees where


def test_validation_says_where_and_not_what(site: Any) -> None:
    problem = site.get("/series", 422, limit="Doe^Jane")
    assert problem["code"] == "validation"
    assert problem["errors"][0]["loc"] == ["query", "limit"]
    assert "Doe" not in json.dumps(problem)


def test_the_documents_are_served(site: Any) -> None:
    document = site.get("/openapi.json")
    assert document["info"]["title"] == "Voxelry"
    assert set(document["paths"]) == set(json.loads(CONTRACT.read_text())["paths"])


def test_the_document_is_made_once(site: Any) -> None:
    assert site.get("/openapi.json") == site.get("/openapi.json")
    assert api.get_openapi_schema(path_params={}) is api.get_openapi_schema(path_prefix="/api/")


def test_every_operation_is_described() -> None:
    schema = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/")))
    for methods in schema["paths"].values():
        for operation in methods.values():
            assert operation["description"]
            assert operation["tags"]


def test_a_name_the_server_does_not_know_is_explained(user: Any) -> None:
    response = Client(headers={"host": "images.example.org"}).get("/")
    assert response.status_code == 400
    assert "VOXELRY_HOSTS" in response.content.decode()


def test_health(transactional_db: None) -> None:
    response = Client().get("/healthz")
    assert (response.status_code, response.json()["status"]) == (200, "ok")
