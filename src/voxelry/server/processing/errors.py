"""Why a step cannot be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from voxelry.core.errors import ParameterError, VoxelryError


class StepParameterError(ParameterError):
    """Parameters that a step does not take; ``places`` tells where each error is, and what."""

    def __init__(self, message: str, places: Sequence[tuple[tuple[str, ...], str]]) -> None:
        super().__init__(message)
        self.places = tuple(places)


class InputError(VoxelryError, ValueError):
    """The volumes are not what the step takes."""

    code: ClassVar[str] = "input"


class NoSeriesError(VoxelryError):
    """There is no such series, or it has no such volume."""

    code: ClassVar[str] = "not_found"


class NotReadyError(VoxelryError):
    """The volumes of a series are being made."""

    code: ClassVar[str] = "not_ready"
