"""The REST API against its own document: generated requests get the answers that the document describes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import werkzeug.test
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from tests.server.conftest import Site
from voxelry.server.access.secrets import create_token

pytestmark = pytest.mark.django_db

_CONTRACT = json.loads((Path(__file__).parents[2] / "contract" / "openapi.json").read_text("utf-8"))
schema = schemathesis.openapi.from_dict(_CONTRACT)
schema.app = get_wsgi_application()


@pytest.fixture(autouse=True, scope="module")
def bodies_in_memory() -> Iterator[None]:
    """Werkzeug's test client leaves the file open in which it makes a form of more than 500 kB."""
    with pytest.MonkeyPatch.context() as patch:
        encode = partial(werkzeug.test.stream_encode_multipart, use_tempfile=False)
        patch.setattr(werkzeug.test, "stream_encode_multipart", encode)
        yield


@pytest.fixture
def secret(site: Site) -> str:
    """The token of an administrator."""
    return create_token(site.user, name="t")


@schema.parametrize()
@settings(
    max_examples=int(os.environ.get("VOXELRY_EXAMPLES", "3")),
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_as_the_document_says(case: Any, secret: str) -> None:
    case.call_and_validate(
        headers={"Authorization": f"Bearer {secret}"},
        checks=[not_a_server_error, content_type_conformance, response_schema_conformance],
    )
