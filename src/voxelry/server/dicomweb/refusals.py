"""Errors as problem documents (RFC 9457), as in the REST API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus

from voxelry.server.access.exchange import Answer


def refusal(status: int, words: str, *, code: str = "", headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that says what is wrong."""
    phrase = HTTPStatus(status).phrase
    content = {
        "type": "about:blank",
        "title": phrase,
        "status": status,
        "detail": words,
        "code": code or phrase.lower().replace(" ", "_"),
    }
    own = {"Content-Type": "application/problem+json", **(headers or {})}
    return Answer([json.dumps(content).encode()], status=status, headers=own)
