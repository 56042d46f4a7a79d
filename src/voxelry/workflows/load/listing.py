"""What lies below a path, to be listed: studies from their headers, and the volumes in files of other formats."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from voxelry.core.argument_types import check_path
from voxelry.core.errors import Problem, VoxelryError, named
from voxelry.core.geometry import Floats
from voxelry.core.progress import Progress, part, silent
from voxelry.core.protocols import VolumeFormat
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.spacing import Spacing
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.sources import StrPath, unreadable
from voxelry.dicom.series.hierarchy import Study
from voxelry.workflows.load.indexing import index
from voxelry.workflows.load.volume_files import files_in, format_of, not_of_files


@dataclass(frozen=True, eq=False)
class VolumeFacts:
    """A volume without its values and without what its metadata say of a patient."""

    label: str
    shape: tuple[int, ...]
    dtype: str
    unit: str
    spacing: Spacing
    frame_of_reference_uid: str | None
    affine: Floats | None
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, volume: Volume) -> VolumeFacts:
        """Those of a volume."""
        return cls(
            volume.label, volume.array.shape, str(volume.array.dtype), volume.unit, volume.spacing,
            volume.frame_of_reference_uid, volume.affine, volume.warnings,
        )  # fmt: skip

    @property
    def record(self) -> dict[str, Value]:
        """As JSON."""
        return {
            "label": self.label,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "unit": self.unit,
            "spacing_mm": list(self.spacing),
            "frame_of_reference_uid": self.frame_of_reference_uid,
            "affine_lps_mm": None if self.affine is None else self.affine.tolist(),
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, eq=False)
class ListedFile:
    """A file of another format than DICOM.

    Attributes
    ----------
    name
        As whoever named the path would write it.
    format
        Its name: ``"nifti"``.
    """

    name: str
    format: str
    volumes: tuple[VolumeFacts, ...]

    @property
    def record(self) -> dict[str, Value]:
        """As JSON."""
        return {"file": self.name, "format": self.format, "volumes": [one.record for one in self.volumes]}


@dataclass(frozen=True, eq=False)
class Listing:
    """All that can be loaded from a path, and the files that cannot."""

    studies: tuple[Study, ...]
    files: tuple[ListedFile, ...]
    skipped: Mapping[str, Problem]


def list_path(
    path: StrPath,
    *,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    progress: Progress = silent,
) -> Listing:
    """List what ``load`` would load. Of DICOM only headers are read; files of other formats are read whole.

    Raises
    ------
    NothingFoundError
        If the path does not exist.
    """
    check_path(path)
    skipped: dict[str, Problem] = {}
    own = format_of(path)
    if own is not None:
        name = os.fspath(path)
        files = [file for file in [_listed(own, name, name, skipped, progress)] if file is not None]
        return Listing((), tuple(files), MappingProxyType(skipped))
    found = index(path, limits=limits, tolerances=tolerances, progress=part(progress, 0, 0.5))
    if not os.path.isdir(path):  # noqa: PTH112
        return Listing(found.studies, (), found.skipped)
    beside = files_in(path, of_others=bool(found.studies))
    skipped.update(not_of_files(found.skipped, beside))
    files = []
    for done, file in enumerate(beside):
        share = part(progress, 0.5 + 0.5 * done / len(beside), 0.5 + 0.5 * (done + 1) / len(beside))
        listed = _listed(file.own, file.path, file.shown, skipped, share)
        if listed is not None:
            files.append(listed)
    return Listing(found.studies, tuple(files), MappingProxyType(skipped))


def _listed(
    own: VolumeFormat, path: str, name: str, skipped: dict[str, Problem], progress: Progress
) -> ListedFile | None:
    try:
        return ListedFile(name, own.name, tuple(map(VolumeFacts.of, own.read(path, progress=progress))))
    except VoxelryError as error:
        skipped[name] = named(error, name).problem
    except OSError as error:
        skipped[name] = unreadable(name, error)
    return None
