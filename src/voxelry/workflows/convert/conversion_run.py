"""Jobs of a conversion done one by one: what is there already is kept, and what goes wrong stops no other."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from voxelry.core.errors import (
    ExistsError,
    FormatError,
    GeometryError,
    ParameterError,
    PixelDataError,
    Problem,
    VoxelryError,
)
from voxelry.core.progress import Progress, part
from voxelry.core.resample import rectify
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.volume import Volume
from voxelry.dicom.series.irregular_stacks import OnIrregular
from voxelry.workflows.convert.conversion_jobs import ConversionJob
from voxelry.workflows.convert.conversion_report import Converted
from voxelry.workflows.convert.targets import DICOM
from voxelry.workflows.convert.volume_target import Target
from voxelry.workflows.files.atomic import clear_left, not_written, staged
from voxelry.workflows.files.export_names import file_name, numbered, stem_and_suffix
from voxelry.workflows.files.ledger import Ledger, size_on_disk
from voxelry.workflows.files.results_folder import check_series_folder, holds, is_empty
from voxelry.workflows.load.volume_batches import Batch, digest_of_words


@dataclass(frozen=True, eq=False)
class ConversionRun:
    """What all jobs of a conversion share."""

    source: Path
    aim: Target
    ledger: Ledger | None
    on_irregular: OnIrregular
    tolerances: Tolerances
    real_world: bool
    straighten: bool
    overwrite: bool
    philips_precise: bool = False
    suv: str | None = None
    cleared: set[Path] = field(default_factory=set)

    def close(self) -> None:
        if self.ledger is not None:
            self.ledger.close()

    def kept(self, job: ConversionJob) -> Converted | None:
        """What an earlier run made of the same, if it is there still and may stay."""
        done = None if self.ledger is None or self.overwrite else self.ledger.done(job.name, self._fingerprint(job))
        if done is None:
            return None
        path = job.path if job.path in done.paths else done.paths[0]
        shape = done.shape or shape_of_file(job.batch.shapes)
        return Converted(path, self.aim.name, shape, len(done.paths), fresh=False, made=done.paths)

    def convert(self, job: ConversionJob, progress: Progress) -> tuple[tuple[Converted, ...], dict[str, Problem]]:
        """Do a job; what goes wrong is a value, so that it stops no other."""
        kept = self.kept(job)
        if kept is not None:
            progress(1.0, "there already")
            return (kept,), {}
        try:
            streamed = self._stream(job, progress)
            made, problems = (streamed, {}) if streamed else self._load_and_write(job, progress)
            return made, problems | {name: problem for one in made for name, problem in one.skipped.items()}
        except ParameterError:  # wrong for all batches
            raise
        except (VoxelryError, OSError) as error:
            return (), {job.told_as: conversion_problem(job.told_as, error)}

    def left(self, job: ConversionJob) -> frozenset[Path]:
        """Of what an earlier run made of the same, the files that are there still and may be made again."""
        return frozenset() if self.ledger is None else self.ledger.left(job.name, self._fingerprint(job))

    def _stream(self, job: ConversionJob, progress: Progress) -> tuple[Converted, ...]:
        """Write while reading if that gives the same result; return nothing if it does not."""
        if not self.aim.streams or self.straighten or self.on_irregular == "resample":
            return ()
        try:
            volumes = job.batch.streamed()
            return () if volumes is None else (self._write_one(job, job.path, volumes, job.batch, progress),)
        except (FormatError, GeometryError, PixelDataError):
            # They are no one file; or some values are damaged, or beyond what the header allows: in memory it is seen.
            return ()

    def _load_and_write(self, job: ConversionJob, progress: Progress) -> Outcome:
        volumes = job.batch.load(part(progress, 0, 0.5))
        if self.straighten:
            volumes = tuple(volume if volume.affine is None else rectify(volume) for volume in volumes)
        return self._write(job, volumes, part(progress, 0.5, 1))

    def _fingerprint(self, job: ConversionJob) -> str:
        settings = json.dumps(self.aim.settings, sort_keys=True, default=str)
        told = [] if self.tolerances == DEFAULT_TOLERANCES else [repr(self.tolerances)]
        told += ["real world"] if self.real_world else []
        told += ["philips precise"] if self.philips_precise else []
        told += [] if self.suv is None else [f"suv {self.suv}"]
        return digest_of_words(
            [job.batch.fingerprint, self.aim.name, settings, self.on_irregular, str(self.straighten), *told]
        )

    def _note(
        self, job: ConversionJob, made: Mapping[Path, int | None], shape: tuple[int, ...], *, whole: bool
    ) -> None:
        """Note the result in the worker: the caller that waits for it may be interrupted."""
        if self.ledger is not None:
            self.ledger.add(job.name, self._fingerprint(job), made, shape, whole=whole)

    def _write(self, job: ConversionJob, volumes: Sequence[Volume], progress: Progress) -> Outcome:
        """All volumes as one file, or one each if the format cannot hold them together."""
        try:
            return (self._write_one(job, job.path, volumes, job.batch, progress),), {}
        except (FormatError, GeometryError):
            if len(volumes) == 1:
                raise
        written: list[Converted] = []
        problems: dict[str, Problem] = {}
        for number, (volume, path) in enumerate(zip(volumes, self.single_paths(job, volumes), strict=True)):
            share = part(progress, number / len(volumes), (number + 1) / len(volumes))
            whole = number == len(volumes) - 1 and not problems
            try:
                only = job.batch.only(number)
                written.append(self._write_one(job, path, [volume], only, share, earlier=written, whole=whole))
            except ParameterError:  # wrong for all batches
                raise
            except (VoxelryError, OSError) as error:  # of this one: the others are as good without it
                problems[str(path)] = conversion_problem(str(path), error)
        return tuple(written), problems

    def single_paths(self, job: ConversionJob, volumes: Sequence[Volume]) -> tuple[Path, ...]:
        """Where each volume goes if the format cannot hold them together."""
        stem, suffix = stem_and_suffix(job.path.name, self.aim.suffix)
        names = numbered(file_name("{label}", lambda _: None, volume.label) for volume in volumes)
        return tuple(
            job.path.with_name(f"{stem}-{name}{suffix}") if self.aim.suffix else job.path / name for name in names
        )

    def _write_one(
        self,
        job: ConversionJob,
        path: Path,
        volumes: Sequence[Volume],
        batch: Batch,
        progress: Progress,
        *,
        earlier: Sequence[Converted] = (),
        whole: bool = True,
    ) -> Converted:
        """One file, or one folder, of a job; ``earlier`` are those that it has already, ``whole`` if it is the last."""
        warnings = tuple(dict.fromkeys(words for volume in volumes for words in volume.warnings))
        shape = shape_of_file([volume.array.shape for volume in volumes])
        if not self.aim.staged:
            told = self.aim.write(volumes, path, batch, progress)
            return Converted(path, self.aim.name, shape, told.files, (*warnings, *told.warnings), skipped=told.skipped)
        left = self.left(job)
        self.check_free(path, left)
        if path.parent not in self.cleared:
            self.cleared.add(path.parent)
            clear_left(path.parent)
        with staged(path) as aside:
            told = self.aim.write(volumes, aside, batch, progress)
            sizes = {path.parent / entry.name: size_on_disk(entry) for entry in sorted(aside.parent.iterdir())}
            made = tuple(sizes)
            for file in made:
                self.check_free(file, left)
            # Noted first, what is killed in between is made again; noted last, it would be taken for somebody else's.
            # But where something else bears the name still, only what is there in its place may be noted.
            self._remove_outdated(job, path, made)
            free = not any(map(os.path.lexists, made))
            before = [*left, *(file for one in earlier for file in one.made)]
            noted = {file: size_on_disk(file) for file in before} | sizes
            told_shape = earlier[0].shape if earlier else shape
            if free:
                self._note(job, noted, told_shape, whole=whole)
        if not free:
            self._note(job, noted, told_shape, whole=whole)
        return Converted(
            path, self.aim.name, shape, told.files, (*warnings, *told.warnings), made=made, skipped=told.skipped
        )

    def _remove_outdated(self, job: ConversionJob, path: Path, made: Collection[Path]) -> None:
        """Remove what an earlier run made beside this file and this one does not: its b-vectors may have other axes."""
        if self.ledger is None:
            return
        stem, _ = stem_and_suffix(path.name, self.aim.suffix)
        for file in self.ledger.unchanged(job.name).difference(made):
            if file.parent == path.parent and file.name.startswith(f"{stem}.") and file.is_file():
                file.unlink(missing_ok=True)

    def _check_replaceable(self, path: Path) -> None:
        """Refuse to replace the source, or a folder that holds anything but results."""
        if not os.path.lexists(path) or is_empty(path):
            return
        among = self.aim.name == DICOM and self.source.is_dir() and holds(self.source, path)
        if among or (path.is_dir() and holds(path, self.source)):
            raise ExistsError(f"{path.name} holds what is to be converted; the output needs a place of its own")
        if path.is_dir() and not self.aim.suffix:
            check_series_folder(path)

    def check_free(self, path: Path, left: frozenset[Path]) -> None:
        """What an earlier run made of the same may be made again: of its files some may be gone."""
        self._check_replaceable(path)
        empty = path.is_dir() and not path.is_symlink() and not any(path.iterdir())
        if not self.overwrite and not empty and path not in left and os.path.lexists(path):
            raise ExistsError(
                f"{path.name} is there already, and was not made from these files with these options; "
                "choose another name, or overwrite it (--overwrite)"
            )


Outcome: TypeAlias = tuple[tuple[Converted, ...], dict[str, Problem]]


def conversion_problem(name: str, error: VoxelryError | OSError) -> Problem:
    """An error as a value that names what it is about."""
    if isinstance(error, VoxelryError):
        return Problem(error.code, f"{name}: {error}", error.numbers)
    return not_written(name, error)


def shape_of_file(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Of volumes together; empty for volumes that have not been read."""
    if not shapes:
        return ()
    return shapes[0] if len(shapes) == 1 else (len(shapes), *shapes[0])
