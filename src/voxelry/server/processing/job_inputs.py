"""The stacks that a step is done on: of volumes in the archive, or of all files below a folder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from voxelry.core.errors import NothingFoundError, Problem
from voxelry.core.geometry import Geometry
from voxelry.core.progress import Progress
from voxelry.core.volume import Volume
from voxelry.dicom.headers.common_header import CommonHeader
from voxelry.dicom.headers.header import Header, read_header
from voxelry.dicom.series.hierarchy import Series
from voxelry.dicom.series.stack import Stack
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.intake.ingest import archive_limits
from voxelry.server.archive.shown.segmentation_files import layer_values
from voxelry.server.archive.source_images import neighbours_of
from voxelry.server.jobs.failures import JobError
from voxelry.server.processing.roots import allowed_path, check_links
from voxelry.server.processing.step_handover import InputSegment, InputVolume
from voxelry.workflows.load.indexing import index


@dataclass(frozen=True, slots=True)
class InputStack:
    """A stack, the file of its decoded values if there is one, and the warnings of its volume in the archive.

    Files that the archive was sent and could not use are not in the stack: only the warnings name them.
    """

    stack: Stack
    values: Path | None = None
    warnings: tuple[str, ...] = ()

    def load(self, progress: Progress) -> Volume:
        """The volume. Values that were decoded once are mapped into memory, not decoded again."""
        if self.values is not None and self.values.is_file():
            volume = self._with_warnings(self.stack.volume(lazy=True))
            array = np.load(self.values, mmap_mode="r")
            if array.shape == volume.array.shape:
                return volume.with_array(array)
        return self._with_warnings(self.stack.volume(progress=progress))

    def _with_warnings(self, volume: Volume) -> Volume:
        return replace(volume, warnings=tuple(dict.fromkeys((*self.warnings, *volume.warnings))))


@dataclass(frozen=True, slots=True)
class FolderStacks:
    """The regular stacks of a folder, and warnings of the others."""

    inputs: tuple[InputStack, ...]
    warnings: tuple[str, ...]


def archived_stack(volume: InputVolume, *, progress: Progress) -> InputStack:
    """The stack of a volume of the archive.

    Raises
    ------
    JobError
        If the originals no longer form the stack.
    """
    headers: list[Header] = []
    common = CommonHeader()
    files_at_rest.bring(original.sha256 for original in volume.instances)
    for done, (sha256, name, size) in enumerate(volume.instances):
        progress(done / len(volume.instances), "reading headers")
        headers.append(read_header(files_at_rest.kept_source(sha256, name=name, size=size), common=common))
    near = neighbours_of(volume.source_images)
    stacks = Series(headers[0].series_instance_uid, tuple(headers), neighbours=near).stacks if headers else ()
    # Found by its number among the stacks of its label and shape: a stack that could not be decoded has an index in the
    # series, but no volume.
    alike = [stack for stack in stacks if stack.label == volume.label and tuple(stack.shape) == volume.shape]
    before = [stack for stack in stacks[: volume.index + 1] if stack in alike]
    if not alike:
        words = "files of this series cannot be decoded, so that it has no whole volume to work on"
        raise JobError(Problem("volume_gone", words))
    return InputStack(alike[max(0, len(before) - 1)], Path(volume.volume), volume.warnings)


def segment_labels(segment: InputSegment) -> Volume:
    """The labels of a stored segment, on the part of its grid in which it lies: its number, and 0 around it."""
    affine = None if segment.affine is None else np.array(segment.affine, np.float64)
    grid = Geometry(
        shape=segment.shape, affine=affine, spacing=segment.spacing, frame_of_reference_uid=segment.space or None
    )
    first, beyond = segment.box or ((0, 0, 0), (1, 1, 1))
    slices, rows, columns = (slice(low, high) for low, high in zip(first, beyond, strict=True))
    box = slices, rows, columns
    stored = layer_values(Path(segment.folder), segment.layer)[box]
    number = np.uint16(segment.number)
    labels = np.where(stored == segment.value, number, np.uint16(0)) if segment.value else np.zeros_like(stored)
    return Volume(array=labels, geometry=grid.crop(box), metadata={"SeriesInstanceUID": segment.series})


def stacks_below(path: str, *, progress: Progress) -> FolderStacks:
    """The regular stacks below a folder that may be read.

    Raises
    ------
    OutsideRootsError
        If the folder, or a link in it, leads out of the roots.
    NothingFoundError
        If there is no regular stack.
    """
    folder = allowed_path(path)
    check_links(folder)
    found = index(folder, limits=archive_limits(), progress=progress)
    stacks = [stack for series in found.series for stack in series.stacks]
    regular = tuple(InputStack(stack) for stack in stacks if stack.regular)
    reasons = [stack.problem.message for stack in stacks if stack.problem is not None]
    left = f"{len(stacks) - len(regular)} of {len(stacks)} stacks form no regular volume and were left out"
    warnings = [f"{left}: {'; '.join(reasons[:1])}"]
    if not regular:
        raise NothingFoundError(f"the folder holds no volume{': ' if reasons else ''}{'; '.join(reasons[:1])}")
    return FolderStacks(regular, tuple(warnings) if len(regular) < len(stacks) else ())
