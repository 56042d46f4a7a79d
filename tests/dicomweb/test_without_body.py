"""Answers that have no body by their status say nothing of one (RFC 9110 8.6, 15.4.5)."""

from __future__ import annotations

import pytest
from django.http import HttpResponse

from tests.dicomweb.conftest import Web
from tests.dicomweb.stored import data_set, store
from voxelry.server.site.django_handler import _start


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_known_has_no_type(web: Web, method: str) -> None:
    (row,) = store([data_set(1)])
    address = f"/studies/{row.series.study.study_instance_uid}/metadata"
    answer = web.ask(method, address, 304, headers={"If-None-Match": "*"})
    assert answer.headers["ETag"]
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize(("status", "told"), [(200, True), (204, False), (304, False)])
def test_an_answer_without_a_body_tells_no_length(status: int, told: bool) -> None:
    response = HttpResponse(status=status, headers={"Content-Length": "0"})
    names = {name.lower() for name, _ in _start(response)["headers"]}
    assert (b"content-length" in names) is told
