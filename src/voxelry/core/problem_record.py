"""Problems as JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from voxelry.core.errors import Problem


class ProblemRecord(TypedDict):
    """A problem as JSON."""

    code: str
    message: str


def skipped_record(skipped: Mapping[str, Problem]) -> dict[str, ProblemRecord]:
    """Skipped files as JSON values."""
    return {name: {"code": problem.code, "message": problem.message} for name, problem in skipped.items()}
