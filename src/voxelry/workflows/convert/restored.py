"""From HDF5 back into DICOM: the second of the seed programs. The values are the HDF5's, all else is the template's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import ExistsError, NothingFoundError, ParameterError, Problem
from voxelry.core.progress import Progress, part, silent
from voxelry.core.volume import Volume
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.write.writing import Syntax, write_series
from voxelry.formats.hdf5.hdf5_normalised import StoredStack, read_normalised
from voxelry.workflows.convert.normalised import os_errors_of
from voxelry.workflows.files.export_names import DEFAULT_TEMPLATE, file_name, numbered
from voxelry.workflows.load.volume_batches import Batch, batches_of

DESCRIPTION = "pixel values taken from HDF5"
Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class RestoredReport:
    """What was written.

    Attributes
    ----------
    paths
        In the order of series, phases and locations.
    warnings
        What the HDF5 did not say, and values that had to be changed to fit.
    skipped
        The template's files that are in no image, and why.
    """

    paths: tuple[Path, ...]
    warnings: tuple[str, ...]
    skipped: Mapping[str, Problem]


def hdf5_to_dicom(
    hdf5: StrPath,
    template: StrPath,
    folder: StrPath,
    *,
    transfer_syntax: str = "explicit",
    non_finite: float | None = None,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    progress: Progress = silent,
) -> RestoredReport:
    """Write the values of an HDF5 file as DICOM with the headers of a template.

    Parameters
    ----------
    hdf5
        What ``dicom_to_hdf5`` wrote, changed or not; or one by others, whose values are then taken as stored values.
    template
        A folder (or file, or zip) with as many images, of the same shape and at the same places.
    folder
        Made where missing; refused unless it is empty, because two series in one folder are soon mistaken for one.
        Several series get a folder each.
    transfer_syntax, non_finite
        As for ``voxelry.dicom.write.writing.write_series``.

    Raises
    ------
    FormatError
        If the file is no HDF5 or holds no images.
    NothingFoundError
        If the template holds no image.
    ParameterError
        If the template does not match in number, shape or position, or values are not finite: the message says which.
    """
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise ExistsError(f"{target}: is there already and not empty; give the new series a folder of its own")
    stacks = read_normalised(str(hdf5), progress=part(progress, 0, 0.3))
    batches, skipped = batches_of(template, dicom=True, limits=limits, progress=part(progress, 0.3, 0.4))
    if not batches:
        raise NothingFoundError(f"{template}: the template folder holds no DICOM with pixels")
    pairs = _matched(stacks, batches)
    groups = [list(group) for _, group in groupby(pairs, key=lambda pair: _series(pair[1]))]
    names = numbered(file_name(DEFAULT_TEMPLATE, group[0][1].lookup) for group in groups)
    paths: list[Path] = []
    warnings = [words for stack in stacks for words in stack.warnings]
    if any(stored.affine is None and batch.stacks[0].affine is not None for stored, batch in pairs):
        warnings.append(
            "the HDF5 file does not say where its slices lie: they are taken to be in the order of the template's"
        )
    for number, (group, name) in enumerate(zip(groups, names, strict=True)):
        share = part(progress, 0.4 + 0.6 * number / len(groups), 0.4 + 0.6 * (number + 1) / len(groups))
        own = target if len(groups) == 1 else target / name
        looked_up = any(_is_looked_up(batch.stacks) for _, batch in group)
        values = [volume for stored, batch in group for volume in _volumes(stored, batch.stacks, as_stored=looked_up)]
        with os_errors_of(str(own)):
            written = write_series(
                values,
                [stack for _, batch in group for stack in batch.stacks],
                own,
                transfer_syntax=cast("Syntax", transfer_syntax),  # held to the known ones where it is used
                description=DESCRIPTION,
                non_finite=non_finite,
                stored=looked_up,
                progress=share,
            )
        paths += written.paths
        warnings += written.warnings
    return RestoredReport(tuple(paths), tuple(dict.fromkeys(warnings)), MappingProxyType(dict(skipped)))


def _series(batch: Batch) -> tuple[str, str]:
    first = batch.stacks[0].frames[0].header
    return first.study_instance_uid, first.series_instance_uid or first.name


def _matched(stacks: Sequence[StoredStack], batches: Sequence[Batch]) -> list[tuple[StoredStack, Batch]]:
    """Each dataset with the images of the template that it belongs to: by its sources' UIDs, else in order."""
    if len(stacks) > len(batches):
        raise ParameterError(
            f"the template does not match in number: the HDF5 file has {len(stacks)} volumes, and the template "
            f"{len(batches)}",
            template=len(batches),
            values=len(stacks),
        )
    by_uid = {frame.header.sop_instance_uid: batch for batch in batches for frame in batch.stacks[0].frames}
    found = [by_uid.get(stack.sop_instance_uids[0][0]) if stack.sop_instance_uids else None for stack in stacks]
    known = [batch for batch in found if batch is not None]
    if len(known) < len(stacks) or len(set(map(id, known))) < len(known):
        if len(stacks) < len(batches):
            raise ParameterError(
                f"the template does not match in number: it holds {len(batches)} volumes, the HDF5 file {len(stacks)}, "
                "and nothing says which it was made from",
                template=len(batches),
                values=len(stacks),
            )
        known = list(batches)
    place = {id(batch): number for number, batch in enumerate(batches)}
    pairs = sorted(zip(stacks, known, strict=True), key=lambda pair: place[id(pair[1])])
    for stored, batch in pairs:
        _check(stored, batch.stacks)
    return pairs


def _check(stored: StoredStack, stacks: Sequence[Stack]) -> None:
    """Raise a ParameterError that says what differs; places are compared where they are written."""
    locations, phases = stored.stored.shape[:2]
    if phases != len(stacks) or locations != len(stacks[0].frames):
        raise ParameterError(
            f"the template does not match in number: it has {len(stacks[0].frames)} locations and {len(stacks)} images "
            f"at each, the HDF5 file {locations} and {phases}",
            template=[len(stacks[0].frames), len(stacks)],
            values=[locations, phases],
        )


def _is_looked_up(stacks: Sequence[Stack]) -> bool:
    """True if a table makes the template's modality values: it has no inverse, so that stored values are written."""
    return any("ModalityLUTSequence" in frame.header.elements for stack in stacks for frame in stack.frames)


def _volumes(stored: StoredStack, stacks: Sequence[Stack], *, as_stored: bool) -> list[Volume]:
    """Modality values of each phase, or stored ones."""
    return [
        Volume(
            array=stored.stored[:, phase] if as_stored else _modality(stored, phase, stack),
            affine=stored.affine,
            spacing=stored.spacing,
        )
        for phase, stack in enumerate(stacks)
    ]


def _modality(stored: StoredStack, phase: int, stack: Stack) -> Array:
    values = stored.stored[:, phase]
    if values.ndim == 4:
        return values
    if stored.rescale is None:
        scale = np.array([(frame.slope, frame.intercept) for frame in stack.frames])
    else:
        scale = stored.rescale[:, phase]
    if (scale == (1.0, 0.0)).all():
        return values
    whole = values.dtype.kind in "iu" and values.dtype.itemsize <= 2 and (scale[:, 0] == 1.0).all()
    if whole and (scale[:, 1] == np.rint(scale[:, 1])).all() and np.abs(scale[:, 1]).max() < 2**30:
        return np.asarray(values + scale[:, 1].astype(np.int32)[:, None, None], np.int32)
    return np.asarray(values * scale[:, 0, None, None] + scale[:, 1, None, None], np.float64)
