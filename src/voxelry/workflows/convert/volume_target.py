"""A way to write volumes: what every one of them says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from voxelry.core.errors import Problem
from voxelry.core.progress import Progress
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.workflows.load.volume_batches import Batch


@dataclass(frozen=True, slots=True)
class Told:
    """What a writer has to say: how many files it made, what a user must know of them, and what it left out.

    ``series_instance_uid`` is that of a new DICOM series, else empty.
    """

    files: int = 1
    warnings: tuple[str, ...] = ()
    skipped: Mapping[str, Problem] = field(default_factory=dict)
    series_instance_uid: str = ""


Writer: TypeAlias = Callable[[Sequence[Volume], Path, Batch, Progress], Told]


def _one(_: Sequence[Volume], __: Batch) -> int:
    return 1


def _none(_: Sequence[Volume], __: Path, ___: Batch) -> tuple[str, ...]:
    return ()


def _all_fit(_: Sequence[Volume]) -> None:
    return None


@dataclass(frozen=True, eq=False)
class Target:
    """A way to write volumes.

    Attributes
    ----------
    name
        For people: ``"nifti"``, ``"png"``.
    suffix
        Of what is written; empty where that is a folder of files.
    folder
        True if the target's path is a folder that gets an entry for each batch; False if it is the file itself.
    write
        Writes volumes of one grid to a path.
    several
        True if several volumes may become one file.
    apart
        True if unlike volumes of a series (echoes, magnitude and phase) become files of their own.
    count
        How many files volumes become; companions are not counted.
    companions
        Names of what would lie beside a path.
    check
        Raises a FormatError if the format cannot hold the volumes together, as far as that is known without voxels.
    staged
        True if what is written has to be moved to its place when it is whole.
    settings
        What changes the result, beside the volumes.
    streams
        True if volumes are best read while they are written.
    """

    name: str
    suffix: str
    folder: bool
    write: Writer
    several: bool
    staged: bool
    settings: Mapping[str, Value]
    streams: bool = False
    apart: bool = False
    count: Callable[[Sequence[Volume], Batch], int] = _one
    companions: Callable[[Sequence[Volume], Path, Batch], tuple[str, ...]] = _none
    check: Callable[[Sequence[Volume]], None] = _all_fit
