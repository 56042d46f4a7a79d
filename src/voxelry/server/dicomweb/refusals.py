"""Errors as answers."""

from __future__ import annotations

from collections.abc import Mapping

from voxelry.server.access.exchange import Answer
from voxelry.server.access.problem_content import PROBLEM, problem_content


def refusal(status: int, words: str, *, code: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that says what is wrong, as a problem document."""
    content = problem_content(status, words, code).encode()
    return Answer([content], status=status, headers={"Content-Type": PROBLEM, **(headers or {})})
