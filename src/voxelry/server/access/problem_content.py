"""The content of an error's answer: a problem document (RFC 9457), which REST and DICOMweb send alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

PROBLEM = "application/problem+json"


def problem_content(status: int, detail: str, code: str, more: Mapping[str, object] | None = None) -> str:
    """The document, with a stable code for programs and further members."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **(more or {}),
    }
    return json.dumps(content)
