"""Multipart answers, read strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ReadPart:
    headers: dict[str, str]
    content: bytes


def body_of(response: Any) -> bytes:
    """All bytes of a response."""
    return b"".join(response.streaming_content) if response.streaming else bytes(response.content)


def parts_of(response: Any) -> list[ReadPart]:
    """The parts of a multipart response."""
    found = re.fullmatch(r'multipart/related; type="([^"]+)"; boundary="([^"]+)"', response["Content-Type"])
    assert found, response["Content-Type"]
    body = body_of(response)
    if response.has_header("Content-Length"):
        assert int(response["Content-Length"]) == len(body)
    delimiter = b"\r\n--" + found[2].encode()
    pieces = (b"\r\n" + body).split(delimiter)
    assert pieces[0] == b""
    assert pieces[-1] == b"--\r\n"
    parts = []
    for piece in pieces[1:-1]:
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        assert headers["Content-Type"].startswith(found[1])
        assert int(headers.get("Content-Length", len(content))) == len(content)
        parts.append(ReadPart(headers, content))
    return parts
