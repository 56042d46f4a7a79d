"""The files of a stack whose pixels cannot be decoded; searched after the first failure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from voxelry.core.errors import (
    DamagedError,
    IncompleteStackError,
    PixelDataError,
    Problem,
    TruncatedError,
    VoxelryError,
)
from voxelry.core.progress import Progress, silent
from voxelry.core.volume import Volume
from voxelry.dicom.headers.header import Header
from voxelry.dicom.pixels.stored_pixels import stored_frames
from voxelry.dicom.series.stack import Stack

UNUSABLE = (PixelDataError, TruncatedError, DamagedError)
"""Errors of one file's pixels, not of the stack or the machine."""


def undecodable(stack: Stack, *, progress: Progress = silent) -> Mapping[Header, Problem]:
    """Each file of the stack that cannot be decoded, and why; every file is decoded, and nothing of it is kept."""
    found: dict[Header, Problem] = {}
    for number, header in enumerate(stack.headers):
        progress(number / len(stack.headers), "looking for the files that cannot be decoded")
        try:
            for _ in stored_frames(header):
                pass
        except VoxelryError as error:
            found[header] = error.problem
    return found


class UndecodableError(IncompleteStackError):
    """Files of a stack cannot be decoded, so that it lacks their slices."""

    undecodable: Mapping[str, Problem]
    """By file name."""

    @classmethod
    def of(cls, problem: Problem, files: Mapping[Header, Problem]) -> UndecodableError:
        """The error of the stack, and those of its files."""
        error = cls(problem.message, **problem.numbers)
        error.undecodable = {header.name: why for header, why in files.items()}
        return error


def decode_stack(stack: Stack, make: Callable[[], Volume], *, progress: Progress = silent) -> Volume:
    """What ``make`` makes of the stack's voxels.

    Raises
    ------
    UndecodableError
        If some of its files cannot be decoded: all of them are named.
    VoxelryError
        As ``make`` does; if none of its files can be decoded, the error of the first.
    """
    try:
        return make()
    except UNUSABLE as error:
        if len(stack.headers) == 1:
            raise
        problems = undecodable(stack, progress=progress)
        rest = stack.without(problems)
        if not problems or rest is None or rest.problem is None:
            raise
        # Not kept in a variable: a reference cycle of error and frame would keep an archive open.
        raise UndecodableError.of(rest.problem, problems) from error
