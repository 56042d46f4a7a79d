"""A volume's values a second time, in the order (column, slice, row).

In the order (slice, row, column) a plane across the columns takes a value or two of each line of the memory, and so
reads the whole file of a volume. Large volumes, which the page does not hold, have a second file, in which such a plane
lies in one piece. It is as large as the first.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxelry.core.progress import Progress, silent
from voxelry.server.archive.shown.mapped_values import mapped_values

NAME = "across.npy"
_BLOCK_BYTES = 32 * 2**20
"""Values that are turned in memory together."""


def write_across(array: npt.NDArray[Any], folder: Path, *, progress: Progress = silent) -> None:
    """Write the file of a volume's values, index ``(slice, row, column[, sample])``, some slices at a time."""
    slices, rows, columns, *samples = array.shape
    little = array.dtype.newbyteorder("<")
    at_once = max(1, _BLOCK_BYTES // max(1, array[0].nbytes))
    line = rows * math.prod(samples) * little.itemsize
    with (folder / NAME).open("wb") as file:
        header = {"descr": little.str, "fortran_order": False, "shape": (columns, slices, rows, *samples)}
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        for first in range(0, slices, at_once):
            block = np.asarray(array[first : first + at_once], little)
            turned = np.ascontiguousarray(np.moveaxis(block, 2, 0))
            for column, values in enumerate(turned):
                file.seek(start + (column * slices + first) * line)
                file.write(values.data)
            progress(min(1.0, (first + at_once) / slices), "a second order of the values")


def open_across(folder: Path) -> npt.NDArray[Any] | None:
    """The values of the volume in a folder, mapped into memory; None if there is no such file."""
    try:
        return mapped_values(folder / NAME)
    except FileNotFoundError:
        return None
