"""What a step is done on: volumes of the archive, or all that lie in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from voxelry.core.errors import NothingFoundError, Problem
from voxelry.core.progress import Progress
from voxelry.core.volume import Volume
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.headers.part10 import Layout
from voxelry.dicom.series.hierarchy import Series
from voxelry.dicom.series.stack import Stack
from voxelry.server.archive import files_at_rest
from voxelry.server.archive.ingest import limits
from voxelry.server.archive.source_images import neighbours_of
from voxelry.server.jobs.failures import JobError
from voxelry.server.processing.roots import allowed, check_links
from voxelry.workflows.load.loading import index


@dataclass(frozen=True, slots=True)
class Input:
    """A stack of DICOM, where its values are in one piece already, if they are, and what its volume was found to say.

    Files that the archive was sent and could not use are not here: only the volume's warnings tell of them.
    """

    stack: Stack
    values: Path | None = None
    warnings: tuple[str, ...] = ()

    def load(self, progress: Progress) -> Volume:
        """Its volume: values that were decoded once are mapped into memory, not decoded again."""
        if self.values is not None and self.values.is_file():
            volume = self._told(self.stack.volume(lazy=True))
            array = np.load(self.values, mmap_mode="r")
            if array.shape == volume.array.shape:
                return replace(volume, array=array)
        return self._told(self.stack.volume(progress=progress))

    def _told(self, volume: Volume) -> Volume:
        return replace(volume, warnings=tuple(dict.fromkeys((*self.warnings, *volume.warnings))))


@dataclass(frozen=True, slots=True)
class Found:
    """The regular stacks of a folder, and what is to be said of the rest."""

    inputs: tuple[Input, ...]
    warnings: tuple[str, ...]


def archived(told: Mapping[str, Any], *, progress: Progress) -> Input:
    """A volume of the archive, as `prepare` tells of it.

    Raises
    ------
    JobError
        If its files no longer form it.
    """
    headers: list[Header] = []
    layout = Layout()
    files_at_rest.bring(sha256 for sha256, _, _ in told["instances"])
    for done, (sha256, name, size) in enumerate(told["instances"]):
        progress(done / len(told["instances"]), "reading headers")
        headers.append(read_header(files_at_rest.kept_source(sha256, name=name, size=size), layout=layout))
    near = neighbours_of(told["source_images"])
    stacks = Series(headers[0].series_instance_uid, tuple(headers), neighbours=near).stacks if headers else ()
    # By its number among those of its label and shape: a stack that could not be decoded has no volume, but a place.
    alike = [one for one in stacks if one.label == told["label"] and list(one.shape) == list(told["shape"])]
    before = [one for one in stacks[: told["index"] + 1] if one in alike]
    if not alike:
        words = "files of this series cannot be decoded, so that it has no whole volume to work on"
        raise JobError(Problem("volume_gone", words))
    return Input(alike[max(0, len(before) - 1)], Path(told["volume"]), tuple(told["warnings"]))


def below(path: str, *, progress: Progress) -> Found:
    """The regular stacks below a folder that may be read.

    Raises
    ------
    OutsideRootsError
        If it, or a link in it, leads out of the roots.
    NothingFoundError
        If there is no regular stack.
    """
    folder = allowed(path)
    check_links(folder)
    found = index(folder, limits=limits(), progress=progress)
    stacks = [stack for series in found.series for stack in series.stacks]
    regular = tuple(Input(stack) for stack in stacks if stack.regular)
    reasons = [stack.problem.message for stack in stacks if stack.problem is not None]
    left = f"{len(stacks) - len(regular)} of {len(stacks)} stacks form no regular volume and were left out"
    warnings = [f"{left}: {'; '.join(reasons[:1])}"]
    if not regular:
        raise NothingFoundError(f"the folder holds no volume{': ' if reasons else ''}{'; '.join(reasons[:1])}")
    return Found(regular, tuple(warnings) if len(regular) < len(stacks) else ())
