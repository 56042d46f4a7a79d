"""Writes what a step gave as files below a folder: DICOM as it will be stored, and an outcome that lists it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from voxelry.core.progress import Progress
from voxelry.core.registry import AnyStep
from voxelry.core.steps import Params, Row, StepResult
from voxelry.core.volume import Volume
from voxelry.dicom.series.stack import Stack
from voxelry.server.archive.at_rest.flushing import sync_tree
from voxelry.server.processing.step_handover import NamedFile, StepOutcome, WrittenFile
from voxelry.workflows.process.step_results import save_result

_CHUNK = 2**20


class StepResults:
    """Gathers the results of a step on one input, or on several.

    Parameters
    ----------
    seed, created
        Of the DICOM: the same however often the step is run.
    same_frame_of_reference
        As for ``write_segmentation``.
    """

    def __init__(
        self,
        folder: Path,
        step: AnyStep,
        params: Params,
        *,
        seed: str,
        created: datetime,
        same_frame_of_reference: bool,
    ) -> None:
        self._folder, self._step, self._params, self._seed, self._created = folder, step, params, seed, created
        self._same_frame_of_reference = same_frame_of_reference
        self._instances: list[Path] = []
        self._files: dict[str, Path] = {}
        self._rows: list[Row] = []
        self.warnings: list[str] = []

    def warn(self, words: Iterable[str]) -> None:
        """Add warnings that are not there yet."""
        self.warnings += [text for text in dict.fromkeys(words) if text not in self.warnings]

    def take(
        self,
        result: StepResult,
        source: Stack,
        inputs: Sequence[Volume],
        number: int | None,
        *,
        progress: Progress,
    ) -> None:
        """Write what the step gave for one input; ``number`` counts the inputs from 1, None if there is only one."""
        # The label stands in the Series Description of the new series.
        named = [replace(made, label=", ".join(filter(None, (self._step.name, made.label)))) for made in result.volumes]
        saved = save_result(
            replace(result, volumes=tuple(named)),
            self._folder / f"{number or 1:04d}",
            source=source,
            step=self._step,
            params=self._params,
            inputs=inputs,
            seed=f"{self._seed} {number or 1}",
            created=self._created,
            same_frame_of_reference=self._same_frame_of_reference,
            progress=progress,
        )
        for output in saved.outputs:
            paths = [saved.folder / name for name in output.files]
            if output.kind == "rows":
                rows: list[Row] = json.loads((saved.folder / output.path).read_text("utf-8"))
                self._rows += rows if number is None else [{"volume": number, **row} for row in rows]
            elif output.kind == "file":
                self._files |= {path.name if number is None else f"{number}-{path.name}": path for path in paths}
            else:
                self._instances += paths
        self.warn(saved.warnings)

    def outcome(self) -> StepOutcome:
        """All results, flushed to disk and with their digests, for `publish`."""
        sync_tree(self._folder)
        files = ((name, written_file(path, self._folder)) for name, path in self._files.items())
        return StepOutcome(
            instances=tuple(written_file(path, self._folder) for path in self._instances),
            files=tuple(NamedFile(name=name, **dict(written)) for name, written in files),
            rows=tuple(self._rows),
            warnings=tuple(self.warnings),
        )


def written_file(path: Path, folder: Path) -> WrittenFile:
    """A file below a folder, with its digest."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return WrittenFile(path=os.fspath(path.relative_to(folder)), sha256=digest.hexdigest(), size=path.stat().st_size)
