"""The inputs of a step: volumes in memory, and those below paths, which are found before any of them is read."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, TypeAlias, TypeGuard

from voxelry.core.argument_types import a_kind
from voxelry.core.errors import NotOneVolumeError, ParameterError, Problem, VoxelryError, WrongTypeError
from voxelry.core.progress import Progress, silent
from voxelry.core.slice_grid import Tolerances
from voxelry.core.steps import Step
from voxelry.core.volume import Volume
from voxelry.dicom.headers.packed_files import ArchiveLimits
from voxelry.dicom.headers.sources import FileSource, StrPath
from voxelry.dicom.series.irregular_stacks import OnIrregular, chosen_volume
from voxelry.dicom.series.stack import Stack
from voxelry.workflows.files.export_names import DEFAULT_TEMPLATE, file_name, numbered
from voxelry.workflows.load.segment_labels import joined_segments, of_one_segmentation
from voxelry.workflows.load.volume_batches import Batch, batches_of, batches_of_volumes

Piece: TypeAlias = "tuple[Batch, ...]"
"""A volume, or the segments of one segmentation, which are one volume of labels together."""


@dataclass(frozen=True, eq=False)
class StepInput:
    """A piece: a volume in memory; the stacks whose files can be named; else the path and its number below that."""

    path: str
    number: int
    stacks: tuple[Stack, ...] | None
    on_irregular: OnIrregular
    limits: ArchiveLimits
    tolerances: Tolerances
    volume: Volume | None = None

    def load(self, progress: Progress) -> tuple[Volume, tuple[Stack, ...] | None]:
        """The volume, and the images that it is made of, if that is DICOM."""
        if self.volume is not None:
            return replace(self.volume, metadata=MappingProxyType(dict(self.volume.metadata))), None
        stacks = self.stacks
        if stacks is None:
            batches, _ = batches_of(
                self.path, together=False, folders=False, on_irregular=self.on_irregular, limits=self.limits,
                tolerances=self.tolerances,
            )  # fmt: skip
            piece = _pieces(batches)[self.number]
            stacks = tuple(stack for batch in piece for stack in batch.stacks)
            if not stacks:
                (volume,) = piece[0].load(progress)
                return volume, None
        if len(stacks) > 1:
            return joined_segments(stacks, progress=progress), stacks
        return chosen_volume(stacks[0], self.on_irregular, progress=progress), stacks


def _pieces(batches: Sequence[Batch]) -> list[Piece]:
    by_stack = {id(stack): batch for batch in batches for stack in batch.stacks}
    stacks = [stack for batch in batches for stack in batch.stacks]
    groups = [tuple(by_stack[id(stack)] for stack in group) for group in of_one_segmentation(stacks)]
    return [*groups, *((batch,) for batch in batches if not batch.stacks)]


def _folder_of(piece: Piece) -> str:
    return file_name(DEFAULT_TEMPLATE, piece[0].lookup, piece[0].label if len(piece) == 1 else "")


@dataclass(frozen=True, eq=False)
class Work:
    """One call of a step.

    Attributes
    ----------
    name
        The path, and what tells the volume from others below it.
    folder
        What its result may be called; several may share it.
    """

    name: str
    folder: str
    inputs: tuple[StepInput, ...]


@dataclass(frozen=True, eq=False)
class _How:
    on_irregular: OnIrregular
    limits: ArchiveLimits
    tolerances: Tolerances
    skipped: dict[str, Problem]


def is_path(one: object) -> TypeGuard[StrPath]:
    """True for a path."""
    return isinstance(one, str | os.PathLike)


def is_single(one: object) -> bool:
    """True for one path or volume, False for several."""
    return is_path(one) or isinstance(one, Volume)


def work_of(
    given: Any,
    number: int,
    step: Step[Any],
    on_irregular: OnIrregular,
    limits: ArchiveLimits,
    tolerances: Tolerances,
    skipped: dict[str, Problem],
    progress: Progress,
) -> Iterator[Work]:
    """The pieces of work that a path or a volume, or a tuple of them, stands for.

    Parameters
    ----------
    number
        Which of those that were given it is, from 1: volumes in memory are told by it.
    skipped
        What is in none of them, and why, is added.

    Raises
    ------
    ParameterError
        If these are not as many as the step takes volumes.
    WrongTypeError
        If it is neither a path nor a volume.
    """
    how = _How(on_irregular, limits, tolerances, skipped)
    least, most = len(step.inputs), len(step.inputs) + len(step.optional)
    several = not is_single(given)
    if several and not (isinstance(given, Sequence) and all(map(is_single, given))):
        words = f"a path or a Volume is wanted, or a tuple of them for each time that {step.name} is to run"
        raise WrongTypeError(f"{step.name}: {a_kind(given)} is neither a path nor a volume: {words}")
    count = len(given) if several else 1
    if not least <= count <= most:
        wanted = " and ".join((*step.inputs, *(f"perhaps {name}" for name in step.optional)))
        raise ParameterError(f"{step.name}: takes {least} volumes ({wanted}); give them as a tuple")
    name = " and ".join(_shown(one, number) for one in (given if several else [given]))
    try:
        if several or isinstance(given, Volume):
            ones = [_one(one, how) for one in (given if several else [given])]
            yield Work(name, _folder_of(ones[0][1]), tuple(one for one, _ in ones))
            return
        path = os.fspath(given)
        pieces = _below(path, how, progress)
    except VoxelryError as error:
        skipped[name] = error.problem
        return
    except OSError as error:
        name = os.fspath(error.filename or "")
        skipped[name] = Problem("unreadable", f"{name}: cannot be read ({error.strerror or type(error).__name__})")
        return
    names = [_folder_of(piece) for piece in pieces]
    shown = numbered(names)
    for place, piece in enumerate(pieces):
        name = path if len(pieces) == 1 else f"{path}: {shown[place]}"
        yield Work(name, names[place], (_input(path, place, piece, how),))


def _shown(one: StrPath | Volume, number: int) -> str:
    """A path as it was given; a volume by its number."""
    return f"volume {number}" if isinstance(one, Volume) else os.fspath(one)


def _below(path: str, how: _How, progress: Progress) -> list[Piece]:
    batches, problems = batches_of(
        path, together=False, folders=False, on_irregular=how.on_irregular, limits=how.limits,
        tolerances=how.tolerances, progress=progress,
    )  # fmt: skip
    how.skipped.update(problems)
    if not batches:
        reasons = list(problems.values())
        first = f"; the first of {len(reasons)} files: {reasons[0]}" if reasons else ""
        how.skipped[path] = Problem("nothing_found", f"{path}: holds no DICOM with pixels{first}")
    return _pieces(batches)


def _one(given: StrPath | Volume, how: _How) -> tuple[StepInput, Piece]:
    if isinstance(given, Volume):  # with values that can be pickled
        volume = replace(given, metadata=dict(given.metadata))
        return StepInput("", 0, None, how.on_irregular, how.limits, how.tolerances, volume), batches_of_volumes(
            [volume]
        )
    path = os.fspath(given)
    pieces = _below(path, how, silent)
    if len(pieces) != 1:
        raise NotOneVolumeError(f"{path}: holds {len(pieces)} volumes, where one is needed")
    return _input(path, 0, pieces[0], how), pieces[0]


def _input(path: str, number: int, piece: Piece, how: _How) -> StepInput:
    stacks = tuple(stack for batch in piece for stack in batch.stacks)
    plain = stacks and all(isinstance(header.source, FileSource) for stack in stacks for header in stack.headers)
    return StepInput(path, number, stacks if plain else None, how.on_irregular, how.limits, how.tolerances)
