"""What became of every volume and every file that was to be converted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from voxelry.core.errors import Problem
from voxelry.core.value import Value
from voxelry.workflows.load.loading import EXPECTED


@dataclass(frozen=True, eq=False)
class Converted:
    """One file, or folder, and what it holds.

    Attributes
    ----------
    format
        Its name.
    shape
        ``(slice, row, column)``, before it the number of volumes where there are several, behind it the samples
        of colour.
    files
        How many files it is.
    warnings
        Of its volumes.
    fresh
        False where an earlier run made it, and nothing was to be done.
    made
        ``path`` and what belongs to it: a sidecar, a file of voxels beside its header.
    skipped
        What it lacks, and why: overlays that cannot be read.
    """

    path: Path
    format: str
    shape: tuple[int, ...]
    files: int = 1
    warnings: tuple[str, ...] = ()
    fresh: bool = True
    made: tuple[Path, ...] = ()
    skipped: Mapping[str, Problem] = field(default_factory=dict)

    @property
    def record(self) -> dict[str, Value]:
        """As JSON."""
        return {
            "path": str(self.path),
            "format": self.format,
            "shape": list(self.shape),
            "files": self.files,
            "fresh": self.fresh,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, eq=False)
class ConvertReport:
    """What became of every volume and every file.

    Attributes
    ----------
    written
        In the order of studies, series and stacks.
    skipped
        What was not converted and why: files of the source by their name, and volumes by the name that they would
        have had.

    Examples
    --------
    >>> report = voxelry.convert("sample/phantom", "phantom.nrrd")
    >>> isinstance(report, voxelry.ConvertReport), report.complete
    (True, True)
    >>> [(written.path.name, written.shape) for written in report.written]
    [('phantom.nrrd', (48, 256, 256))]
    """

    written: tuple[Converted, ...]
    skipped: Mapping[str, Problem]

    @property
    def complete(self) -> bool:
        """True unless something was left out that belongs in a volume; a text beside the images does not."""
        return all(problem.code in EXPECTED for problem in self.skipped.values())
