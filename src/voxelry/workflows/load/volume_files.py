"""Files of registered formats below a folder, as DICOM is found below one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from voxelry.core.errors import VoxelryError
from voxelry.core.protocols import VolumeFormat
from voxelry.core.registry import format_for, formats
from voxelry.core.value import Value
from voxelry.workflows.files.export_names import stem_and_suffix
from voxelry.workflows.files.ledger import made_in


@dataclass(frozen=True)
class VolumeFile:
    """A file, or a folder that stands for one, whose suffix is a format's.

    Attributes
    ----------
    own
        The format.
    path
        Where it is.
    below
        The same from the folder on that was searched, with slashes.
    """

    own: VolumeFormat
    path: str
    below: str

    @property
    def name(self) -> str:
        """Without its suffix: ``"sub/brain"``."""
        suffix = max((one for one in self.own.suffixes if self.below.lower().endswith(one)), key=len)
        return stem_and_suffix(self.below, suffix)[0]

    @cached_property
    def _metadata(self) -> dict[str, Value]:
        try:
            return dict(self.own.read(self.path)[0].metadata)
        except (VoxelryError, OSError):  # told when it is read for its voxels
            return {}

    def lookup(self, keyword: str) -> Value:
        """An attribute among its first volume's metadata. The file is read for the first one that is asked for."""
        return self._metadata.get(keyword)


def volume_files(root: str, *, leave_out: Path | None = None, of_others: bool = False) -> Iterator[VolumeFile]:
    """What lies below a folder, in the order of names; hidden files are none.

    Parameters
    ----------
    leave_out
        A file, or a folder with all that is in it: where something is about to be written.
    of_others
        True to leave out what a conversion made, as its ledger says: beside its source it would be there twice.
    """
    suffixes = tuple(suffix for one in formats() for suffix in one.suffixes)
    seen: set[tuple[int, int]] = set()
    made: set[Path] = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        place = os.stat(folder)  # noqa: PTH116
        if (place.st_dev, place.st_ino) in seen:  # a link back to where we have been
            folders.clear()
            continue
        seen.add((place.st_dev, place.st_ino))
        if of_others:
            made.update(made_in(Path(folder)))
        standing = {name: own for name in sorted(folders) if (own := _format_of(name, suffixes)) is not None}
        folders[:] = sorted(name for name in folders if name not in standing and not name.startswith("."))
        found = standing | {name: own for name in files if (own := _format_of(name, suffixes)) is not None}
        for name, own in sorted(found.items()):
            path = os.path.join(folder, name)  # noqa: PTH118
            if Path(path) not in made and not _lies_in(path, leave_out):
                yield VolumeFile(own, path, Path(path).relative_to(root).as_posix())


def _format_of(name: str, suffixes: tuple[str, ...]) -> VolumeFormat | None:
    return None if name.startswith(".") or not name.lower().endswith(suffixes) else format_for(name)


def _lies_in(path: str, folder: Path | None) -> bool:
    if folder is None:
        return False
    whole, around = Path(path).absolute(), folder.absolute()
    return whole == around or around in whole.parents
