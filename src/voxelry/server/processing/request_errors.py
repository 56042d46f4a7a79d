"""Errors of requests for steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from voxelry.core.errors import ParameterError, VoxelryError


class StepParameterError(ParameterError):
    """Parameters that a step refuses; ``places`` holds the path and the message of each error."""

    def __init__(self, message: str, places: Sequence[tuple[tuple[str, ...], str]]) -> None:
        super().__init__(message)
        self.places = tuple(places)


class InputError(VoxelryError, ValueError):
    """The step does not take these volumes."""

    code: ClassVar[str] = "input"


class NoSeriesError(VoxelryError):
    """The series does not exist, or has no such volume."""

    code: ClassVar[str] = "not_found"


class NotReadyError(VoxelryError):
    """The volumes of the series are still being built."""

    code: ClassVar[str] = "not_ready"
