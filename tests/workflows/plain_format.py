"""A format of the tests' own: small enough to be right at a glance, so that what fails is the conversion."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from voxelry.core.errors import FormatError, ParameterError
from voxelry.core.progress import Progress, silent
from voxelry.core.value import Value
from voxelry.core.volume import Volume

FULL = "full"
"""An option: the disk is full after the first half."""


class PlainFormat:
    """Arrays one after the other, and a companion file that names them."""

    name = "plain"
    suffixes: tuple[str, ...] = (".plain",)
    description = "a format of the tests"
    holds_several = True

    def read(self, path: str, *, progress: Progress = silent) -> tuple[Volume, ...]:
        labels = Path(f"{path}.labels").read_text("utf-8").split("\n")
        with Path(path).open("rb") as file:
            return tuple(Volume(array=np.load(file), affine=np.load(file), label=label) for label in labels)

    def write(
        self, volumes: Sequence[Volume], path: str, *, options: dict[str, Value], progress: Progress = silent
    ) -> None:
        unknown = set(options) - {FULL}
        if unknown:
            raise ParameterError(f"plain has no option {unknown}; it has {FULL}")
        if len(volumes) > 1 and not self.holds_several:
            raise FormatError(f"{self.name} holds one volume, not {len(volumes)}")
        with Path(path).open("wb") as file:
            for volume in volumes:
                np.save(file, volume.array)
                if FULL in options:
                    raise OSError(errno.ENOSPC, "No space left on device")
                np.save(file, np.full((4, 4), np.nan) if volume.affine is None else volume.affine)
        Path(f"{path}.labels").write_text("\n".join(volume.label for volume in volumes), "utf-8")
        progress(1.0, "written")


class SingleFormat(PlainFormat):
    """The same for one volume only."""

    name = "single"
    suffixes = (".single", ".s.one")
    holds_several = False


PLAIN, SINGLE = PlainFormat(), SingleFormat()
