"""Everything at once: arrays, metadata, tag table and pictures of a file or of a patient's folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from voxelry.core.errors import Problem
from voxelry.core.progress import Progress, part, silent
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.sources import StrPath
from voxelry.workflows.files.atomic import published
from voxelry.workflows.files.export_names import export_names
from voxelry.workflows.files.results_folder import check_apart
from voxelry.workflows.load.loading import load
from voxelry.workflows.pictures.picture_files import save_pictures
from voxelry.workflows.tables.save_table import save_table
from voxelry.workflows.tables.tabulate import tabulate


@dataclass(frozen=True, eq=False)
class DemoVolume:
    """One volume and the folder it was written to."""

    volume: Volume
    folder: Path
    pictures: int


@dataclass(frozen=True, eq=False)
class DemoResult:
    """What was written.

    Attributes
    ----------
    table
        The tag table, and how many instances and columns it has.
    """

    folder: Path
    volumes: tuple[DemoVolume, ...]
    table: Path
    instances: int
    columns: int
    skipped: Mapping[str, Problem]


def run_demo(
    path: StrPath,
    out: StrPath = "output",
    *,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    progress: Progress = silent,
) -> DemoResult:
    """Load everything below a path and write all that can be made of it.

    ``out`` gets ``tags.csv`` and, for each volume, a folder (``ct-2``: modality and series number) with
    ``array.npy`` (modality values, ``(slice, row, column[, sample])``), ``metadata.json`` (the attributes
    that all slices share, and the geometry) and ``jpg/slice-0000.jpg`` and so on.

    Parameters
    ----------
    path
        A file, a folder at any depth, or a zip archive.
    tolerances
        As for ``load``.

    Raises
    ------
    NothingFoundError
        If the path does not exist.
    ExistsError
        If ``out`` is the path.
    """
    target = Path(out)
    check_apart(path, target)
    loaded = load(path, limits=limits, tolerances=tolerances, progress=part(progress, 0, 0.4))
    written = []
    for number, (volume, name) in enumerate(zip(loaded.volumes, export_names(loaded.volumes), strict=True)):
        count = len(loaded.volumes)
        share = part(progress, 0.4 + 0.5 * number / count, 0.4 + 0.5 * (number + 1) / count)
        written.append(_write(volume, target / name, share))
    table = tabulate(path, limits=limits, progress=part(progress, 0.9, 1))
    tags = target / "tags.csv"
    save_table(table, tags)
    return DemoResult(target, tuple(written), tags, len(table), len(table.columns), loaded.skipped)


def _write(volume: Volume, folder: Path, progress: Progress) -> DemoVolume:
    with published(folder / "array.npy") as aside, aside.open("wb") as file:
        np.save(file, volume.array, allow_pickle=False)
    with published(folder / "metadata.json") as aside:
        aside.write_text(json.dumps(_record(volume), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    pictures = save_pictures(volume, folder / "jpg", "jpg", progress=progress)
    return DemoVolume(volume, folder, len(pictures))


def _record(volume: Volume) -> dict[str, Value]:
    return {
        "shape": list(volume.array.shape),
        "dtype": volume.array.dtype.name,
        "unit": volume.unit,
        "label": volume.label,
        "spacing_mm": list(volume.spacing),
        "affine_lps_mm": None if volume.affine is None else volume.affine.tolist(),
        "warnings": list(volume.warnings),
        "instance_uids": list(volume.instance_uids),
        "metadata": dict(volume.metadata),
    }
