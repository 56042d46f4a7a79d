"""Files of registered formats: one by itself, or all that lie below a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from voxelry.core.errors import FormatError, Problem, VoxelryError
from voxelry.core.protocols import VolumeFormat
from voxelry.core.registry import format_for, formats
from voxelry.core.value import Value
from voxelry.dicom.headers.sources import StrPath
from voxelry.workflows.files.export_names import stem_and_suffix
from voxelry.workflows.files.ledger import JOURNAL, LEDGER, made_in

_PREAMBLE = 128
_MAGIC = b"DICM"


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
    shown
        The path as whoever named the folder would write it.
    """

    own: VolumeFormat
    path: str
    below: str
    shown: str = ""

    @property
    def name(self) -> str:
        """Without its suffix: ``"sub/brain"``."""
        suffix = max((one for one in self.own.suffixes if self.below.lower().endswith(one)), key=len)
        return stem_and_suffix(self.below, suffix)[0]

    @cached_property
    def _metadata(self) -> dict[str, Value]:
        try:
            return dict(self.own.read(self.path)[0].metadata)
        except (VoxelryError, OSError):  # reported when its voxels are read
            return {}

    def lookup(self, keyword: str) -> Value:
        """An attribute among its first volume's metadata. The file is read for the first one that is asked for."""
        return self._metadata.get(keyword)


def format_of(path: StrPath) -> VolumeFormat | None:
    """The registered format of a file, or of a folder that stands for one; None for anything else, and for DICOM.

    The suffix tells. But DICOM is known by its content, whatever the file is called.
    """
    if not (os.path.isfile(path) or os.path.isdir(path)) or _begins_as_dicom(path):  # noqa: PTH112, PTH113
        return None  # opening a pipe would wait for ever
    try:
        return format_for(os.fspath(path))
    except FormatError:
        return None


def _begins_as_dicom(path: StrPath) -> bool:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(_PREAMBLE + len(_MAGIC)).endswith(_MAGIC, _PREAMBLE)
    except OSError:  # a folder, or nothing that can be read: whoever reads it is told
        return False


def known_suffixes() -> str:
    """The suffixes of all registered formats, in words."""
    return " ".join(suffix for one in formats() for suffix in one.suffixes)


def files_in(path: StrPath, *, leave_out: Path | None = None, of_others: bool = False) -> tuple[VolumeFile, ...]:
    """What `volume_files` finds below a folder."""
    found = volume_files(os.fspath(path), leave_out=leave_out, of_others=of_others)
    return tuple(replace(file, shown=os.path.join(str(path), *file.below.split("/"))) for file in found)  # noqa: PTH118


def not_of_files(skipped: Mapping[str, Problem], files: Sequence[VolumeFile]) -> dict[str, Problem]:
    """Files that are no DICOM, without those that are files of a format, lie in one, or are a conversion's ledger."""
    known = {file.shown for file in files}
    inside = tuple(f"{name}{os.sep}" for name in known)
    return {
        name: why
        for name, why in skipped.items()
        if not name.startswith(inside) and name not in known and os.path.basename(name) not in (LEDGER, JOURNAL)  # noqa: PTH119
    }


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
        if (place.st_dev, place.st_ino) in seen:  # a link to a folder that was already visited
            folders.clear()
            continue
        seen.add((place.st_dev, place.st_ino))
        if of_others:
            made.update(made_in(Path(folder)))
        standing = {name: own for name in sorted(folders) if (own := _by_name(name, suffixes)) is not None}
        folders[:] = sorted(name for name in folders if name not in standing and not name.startswith("."))
        found = standing | {name: own for name in files if (own := _by_name(name, suffixes)) is not None}
        for name, own in sorted(found.items()):
            path = os.path.join(folder, name)  # noqa: PTH118
            if Path(path) not in made and not _lies_in(path, leave_out) and not _begins_as_dicom(path):
                yield VolumeFile(own, path, Path(path).relative_to(root).as_posix())


def _by_name(name: str, suffixes: tuple[str, ...]) -> VolumeFormat | None:
    return None if name.startswith(".") or not name.lower().endswith(suffixes) else format_for(name)


def _lies_in(path: str, folder: Path | None) -> bool:
    if folder is None:
        return False
    whole, around = Path(path).absolute(), folder.absolute()
    return whole == around or around in whole.parents
