"""From anything that holds volumes to anything that holds volumes."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from voxelry.core.argument_types import check_path
from voxelry.core.errors import (
    ExistsError,
    FormatError,
    GeometryError,
    ParameterError,
    PixelDataError,
    Problem,
    VoxelryError,
    named,
)
from voxelry.core.label_volumes import label_volumes
from voxelry.core.progress import Progress, part, silent
from voxelry.core.registry import formats
from voxelry.core.resample import rectify
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.series.irregular_stacks import OnIrregular, check_on_irregular
from voxelry.dicom.series.volume_kinds import LeftOut, check_left_out
from voxelry.workflows.convert.segmentation_formats import segmentation_format
from voxelry.workflows.convert.targets import DICOM, find_target
from voxelry.workflows.convert.volume_target import Target
from voxelry.workflows.files.atomic import clear_left, not_written, staged
from voxelry.workflows.files.export_names import DEFAULT_TEMPLATE, check_template, file_name, numbered, stem_and_suffix
from voxelry.workflows.files.ledger import Ledger, size_on_disk
from voxelry.workflows.files.results_folder import check_apart, check_series_folder, holds, is_empty
from voxelry.workflows.load.loading import EXPECTED
from voxelry.workflows.load.volume_batches import Batch, batches_of, batches_of_volumes, digest_of_words, path_stamp

_WORKERS = 2
_NONE: Mapping[str, Value] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Converted:
    """One file, or folder, and what it holds.

    Attributes
    ----------
    format
        Its name.
    shape
        ``(slice, row, column)``, before it the number of volumes where there are several, behind it the samples
        of colour.
    files
        How many files it is.
    warnings
        Of its volumes.
    fresh
        False where an earlier run made it, and nothing was to be done.
    made
        ``path`` and what belongs to it: a sidecar, a file of voxels beside its header.
    skipped
        What it lacks, and why: overlays that cannot be read.
    """

    path: Path
    format: str
    shape: tuple[int, ...]
    files: int = 1
    warnings: tuple[str, ...] = ()
    fresh: bool = True
    made: tuple[Path, ...] = ()
    skipped: Mapping[str, Problem] = field(default_factory=dict)

    @property
    def record(self) -> dict[str, Value]:
        """As JSON."""
        return {
            "path": str(self.path),
            "format": self.format,
            "shape": list(self.shape),
            "files": self.files,
            "fresh": self.fresh,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True, eq=False)
class ConvertReport:
    """What became of every volume and every file.

    Attributes
    ----------
    written
        In the order of studies, series and stacks.
    skipped
        What was not converted and why: files of the source by their name, and volumes by the name that they would
        have had.

    Examples
    --------
    >>> report = voxelry.convert("sample/phantom", "phantom.nrrd")
    >>> isinstance(report, voxelry.ConvertReport), report.complete
    (True, True)
    >>> [(written.path.name, written.shape) for written in report.written]
    [('phantom.nrrd', (48, 256, 256))]
    """

    written: tuple[Converted, ...]
    skipped: Mapping[str, Problem]

    @property
    def complete(self) -> bool:
        """True unless something was left out that belongs in a volume; a text beside the images does not."""
        return all(problem.code in EXPECTED for problem in self.skipped.values())


def convert(
    source: StrPath,
    target: StrPath,
    *,
    format: str | None = None,  # noqa: A002 - its public name
    options: Mapping[str, Value] = _NONE,
    images: StrPath | None = None,
    segmentation: bool = False,
    name: str = DEFAULT_TEMPLATE,
    leave_out: Collection[LeftOut] = (),
    on_irregular: OnIrregular = "error",
    straighten: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    real_world: bool = False,
    progress: Progress = silent,
) -> ConvertReport:
    """Convert everything below a path.

    Volumes of one series, one grid and one kind (time points, b-values, phases of a cycle) become one file with a
    fourth axis where the format holds several, in the order in which ``load`` gives them; else one file each. Unlike
    ones (echoes, magnitude and phase, coils, derived maps) never share a file, but for DICOM, where a series stays one;
    BIDS entities behind the name tell them apart: ``mr-5_echo-1_part-phase.nii.gz``, ``mr-7_ADC.nii.gz``.

    Parameters
    ----------
    source
        DICOM (a file, a folder at any depth, a zip archive), or a file of a registered format. Such files are found in
        folders too, beside DICOM or alone; what an earlier conversion made beside its DICOM is left out.
    target
        A file, whose suffix says its format; or a folder, which gets a file for each batch of volumes. A file for
        which there are several batches is numbered: ``scan-ct-2.nii.gz``.
    format
        The format's name (``"nifti"``) where the suffix does not say it; ``"png"``, ``"jpg"``, ``"gif"``, ``"webp"``
        and ``"apng"`` are pictures. ``"seg"``, ``"rtstruct"``, ``"stl"``, ``"ply"`` and ``"csv"`` hold a segmentation:
        the source is the one that `load_segmentation` finds, or an RT Structure Set.
    options
        As the format documents them.
    images
        Where the DICOM images are that the source, a segmentation, lies on. ``"seg"`` and ``"rtstruct"`` join their
        study, and ``"csv"`` tells their values.
    segmentation
        True to take the source for one segmentation where the format holds volumes: a folder of masks becomes one file,
        contours become labels. It is so where ``images`` are given.
    name
        How files in a folder are called: a template of the fields in ``workflows.names.FIELDS`` and ``{label}``.
        ``{entities}`` says where those go that tell files of one series apart, which is at the end otherwise. What
        several would be called is numbered. The default holds no patient's value; files of other formats than
        DICOM that were found in a folder keep their names.
    leave_out
        Kinds of images that are not converted, but told among ``skipped``: ``"localizer"``, ``"map"`` (ADC, FA, T1
        and others), ``"reformat"`` (MPR), ``"projection"`` (MIP, volume rendering), ``"screen"`` (secondary captures,
        dose reports) and ``"derived"``: the last four, and whatever Image Type calls DERIVED. All are converted by
        default.
    on_irregular, tolerances, real_world
        As for ``load``.
    straighten
        True to interpolate tilted (sheared) stacks onto an orthogonal grid, as ``rectify`` does.
    overwrite
        True to make again what is there. Otherwise what an earlier run made from the same files with the same
        options is kept, and anything else that bears the name is left alone and told among ``skipped``.
    workers
        How many batches are worked on at a time. None for two, so that one is read while another is written: each
        uses all cores by itself, and more only take memory.

    Returns
    -------
    report
        Whatever could not be converted is in ``skipped``; it spoils nothing else. Nothing half-written ever bears
        its final name.

    Raises
    ------
    NothingFoundError
        If the source does not exist.
    ParameterError
        If the format, an option, the template or ``on_irregular`` is none that there is: before anything is read.
    FormatError
        If the source bears the suffix of a format and is no file of it.
    ExistsError
        If the target is the source.

    Examples
    --------
    >>> report = voxelry.convert("sample/phantom", "phantom.nii.gz")
    >>> report.written[0].shape
    (48, 256, 256)
    >>> voxelry.convert("phantom.nii.gz", "again.nrrd").complete
    True
    """
    check_path(source, name="source", instead="voxelry.save writes volumes from memory")
    check_path(target, name="target")
    check_on_irregular(on_irregular)
    check_left_out(leave_out)
    check_template(name)
    if workers is not None and workers < 1:
        raise ParameterError(f"{workers} workers do no work; there must be at least 1")
    kind = segmentation_format(target, format)
    if kind is not None:
        from voxelry.workflows.convert.segmentation_conversion import convert_segmentation

        check_apart(source, target)
        found, told = convert_segmentation(
            source, Path(target), kind, images=images, options=options, overwrite=overwrite, limits=limits,
            tolerances=tolerances, progress=progress,
        )  # fmt: skip
        made = Converted(Path(target), kind, found.geometry.shape, warnings=told.warnings, made=told.paths)
        return ConvertReport((made,), MappingProxyType({}))
    aim = find_target(target, format, options)
    check_apart(source, target)
    shared = {"limits": limits, "tolerances": tolerances, "progress": part(progress, 0, 0.2)}
    skipped: Mapping[str, Problem] = {}
    if segmentation or images is not None:
        from voxelry.workflows.load.load_structures import load_masks

        volumes = label_volumes(load_masks(source, images=images, **shared))  # type: ignore[arg-type]
        batches = batches_of_volumes(volumes, path_stamp(os.fspath(source)), together=aim.several)
    else:
        batches, skipped = _found(source, Path(target), aim, on_irregular, real_world, leave_out, shared)
    skipped = dict(skipped)
    jobs = list(_jobs(batches, aim, Path(target), name))
    ledger = Ledger(jobs[0].root) if jobs and aim.staged else None
    run = _Run(Path(source), aim, ledger, on_irregular, tolerances, real_world, straighten, overwrite)
    written: dict[int, tuple[Converted, ...]] = {}
    meter = _Meter(len(jobs), part(progress, 0.2, 1))
    with ThreadPoolExecutor(min(workers or _WORKERS, max(1, len(jobs))), "convert") as pool:
        futures = {pool.submit(run.convert, job, meter.of(number)): number for number, job in enumerate(jobs)}
        try:
            for future in as_completed(futures):
                number = futures[future]
                written[number], problems = future.result()
                skipped.update(problems)
        finally:
            pool.shutdown(cancel_futures=True)  # what is being written is finished, nothing else is begun
            run.close()
    progress(1.0, "converted")
    return ConvertReport(tuple(one for number in sorted(written) for one in written[number]), MappingProxyType(skipped))


def _found(
    source: StrPath,
    target: Path,
    aim: Target,
    on_irregular: OnIrregular,
    real_world: bool,
    leave_out: Collection[LeftOut],
    shared: Mapping[str, Any],
) -> tuple[tuple[Batch, ...], Mapping[str, Problem]]:
    """The batches below a path."""
    labels = any(aim.name == own.name for own in formats())
    try:
        return batches_of(
            source, together=aim.several, apart=aim.apart, leave_out=leave_out, beside=target,
            on_irregular=on_irregular, real_world=real_world, labels=labels, **shared,
        )  # fmt: skip
    except FormatError as error:  # of a source that is one file
        name = Path(source).name
        raise error if name in str(error) else named(error, name) from error


@dataclass(frozen=True, eq=False)
class _Job:
    """A batch and what it is to be called: ``root / name``."""

    batch: Batch
    root: Path
    name: str

    @property
    def path(self) -> Path:
        return self.root / self.name

    @property
    def told_as(self) -> str:
        """The name under which a problem is reported: its source if that is one file, else the file it would become."""
        return self.batch.source or str(self.path)


def _jobs(batches: Sequence[Batch], aim: Target, target: Path, template: str) -> Iterator[_Job]:
    own = template == DEFAULT_TEMPLATE
    names = [
        batch.name if own and batch.name else file_name(template, batch.lookup, batch.label, batch.entities)
        for batch in batches
    ]
    if not aim.folder:
        stem, suffix = stem_and_suffix(target.name, aim.suffix)
        whole = [f"{stem}-{name.replace('/', '-')}" for name in names]
        if _only_kinds(batches):
            whole = ["_".join(filter(None, (stem, batch.entities))) for batch in batches]
        for batch, name in zip(batches, numbered(whole), strict=True):
            yield _Job(batch, target.parent, name + suffix)
    elif not aim.suffix and len(batches) == 1:  # a folder of files, and it is named
        if aim.staged:  # under a name, which "." and ".." are not; links are left as they are
            named = target if target.name not in ("", "..") else Path(os.path.abspath(target))  # noqa: PTH100
            yield _Job(batches[0], named.parent, named.name)
        else:
            yield _Job(batches[0], target, ".")
    else:
        for batch, name in zip(batches, numbered(names), strict=True):
            yield _Job(batch, target, name + aim.suffix)


def _only_kinds(batches: Sequence[Batch]) -> bool:
    """True if nothing but their entities has to tell files apart: they are of one series, or there is only one."""
    series = {batch.lookup("SeriesInstanceUID") for batch in batches}
    kinds = {batch.entities for batch in batches}
    return len(batches) < 2 or (len(series) == 1 and None not in series and len(kinds) == len(batches))


@dataclass(frozen=True, eq=False)
class _Run:
    """What all jobs of a conversion share."""

    source: Path
    aim: Target
    ledger: Ledger | None
    on_irregular: OnIrregular
    tolerances: Tolerances
    real_world: bool
    straighten: bool
    overwrite: bool
    cleared: set[Path] = field(default_factory=set)

    def close(self) -> None:
        if self.ledger is not None:
            self.ledger.close()

    def convert(self, job: _Job, progress: Progress) -> tuple[tuple[Converted, ...], dict[str, Problem]]:
        """Do a job; what goes wrong is a value, so that it stops no other."""
        kept = None if self.ledger is None or self.overwrite else self.ledger.done(job.name, self._fingerprint(job))
        if kept is not None:
            progress(1.0, "there already")
            return (
                Converted(
                    job.path if job.path in kept.paths else kept.paths[0],
                    self.aim.name,
                    kept.shape or _shape(job.batch.shapes),
                    len(kept.paths),
                    fresh=False,
                ),
            ), {}
        try:
            streamed = self._stream(job, progress)
            made, problems = (streamed, {}) if streamed else self._load_and_write(job, progress)
            return made, problems | {name: problem for one in made for name, problem in one.skipped.items()}
        except ParameterError:  # wrong for all batches
            raise
        except (VoxelryError, OSError) as error:
            return (), {job.told_as: _problem(job.told_as, error)}

    def _stream(self, job: _Job, progress: Progress) -> tuple[Converted, ...]:
        """Write while reading if that gives the same result; return nothing if it does not."""
        if not self.aim.streams or self.straighten or self.on_irregular == "resample":
            return ()
        try:
            volumes = job.batch.streamed()
            return () if volumes is None else (self._write_one(job, job.path, volumes, job.batch, progress),)
        except (FormatError, GeometryError, PixelDataError):
            # They are no one file; or some values are damaged, or beyond what the header allows: in memory it is seen.
            return ()

    def _load_and_write(self, job: _Job, progress: Progress) -> _Outcome:
        volumes = job.batch.load(part(progress, 0, 0.5))
        if self.straighten:
            volumes = tuple(volume if volume.affine is None else rectify(volume) for volume in volumes)
        return self._write(job, volumes, part(progress, 0.5, 1))

    def _fingerprint(self, job: _Job) -> str:
        settings = json.dumps(self.aim.settings, sort_keys=True, default=str)
        told = [] if self.tolerances == DEFAULT_TOLERANCES else [repr(self.tolerances)]
        told += ["real world"] if self.real_world else []
        return digest_of_words(
            [job.batch.fingerprint, self.aim.name, settings, self.on_irregular, str(self.straighten), *told]
        )

    def _note(self, job: _Job, made: Mapping[Path, int | None], shape: tuple[int, ...], *, whole: bool) -> None:
        """Note the result in the worker: the caller that waits for it may be interrupted."""
        if self.ledger is not None:
            self.ledger.add(job.name, self._fingerprint(job), made, shape, whole=whole)

    def _write(self, job: _Job, volumes: Sequence[Volume], progress: Progress) -> _Outcome:
        """All volumes as one file, or one each if the format cannot hold them together."""
        try:
            return (self._write_one(job, job.path, volumes, job.batch, progress),), {}
        except (FormatError, GeometryError):
            if len(volumes) == 1:
                raise
        stem, suffix = stem_and_suffix(job.path.name, self.aim.suffix)
        names = numbered(file_name("{label}", lambda _: None, volume.label) for volume in volumes)
        written: list[Converted] = []
        problems: dict[str, Problem] = {}
        for number, (volume, name) in enumerate(zip(volumes, names, strict=True)):
            path = job.path.with_name(f"{stem}-{name}{suffix}") if self.aim.suffix else job.path / name
            share = part(progress, number / len(volumes), (number + 1) / len(volumes))
            whole = number == len(volumes) - 1 and not problems
            try:
                only = job.batch.only(number)
                written.append(self._write_one(job, path, [volume], only, share, earlier=written, whole=whole))
            except ParameterError:  # wrong for all batches
                raise
            except (VoxelryError, OSError) as error:  # of this one: the others are as good without it
                problems[str(path)] = _problem(str(path), error)
        return tuple(written), problems

    def _write_one(
        self,
        job: _Job,
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
        shape = _shape([volume.array.shape for volume in volumes])
        if not self.aim.staged:
            told = self.aim.write(volumes, path, batch, progress)
            return Converted(path, self.aim.name, shape, told.files, (*warnings, *told.warnings), skipped=told.skipped)
        left = frozenset() if self.ledger is None else self.ledger.left(job.name, self._fingerprint(job))
        self._check_free(path, left)
        if path.parent not in self.cleared:
            self.cleared.add(path.parent)
            clear_left(path.parent)
        with staged(path) as aside:
            told = self.aim.write(volumes, aside, batch, progress)
            sizes = {path.parent / entry.name: size_on_disk(entry) for entry in sorted(aside.parent.iterdir())}
            made = tuple(sizes)
            for file in made:
                self._check_free(file, left)
            # Noted first, what is killed in between is made again; noted last, it would be taken for somebody else's.
            # But where something else bears the name still, only what is there in its place may be noted.
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

    def _check_replaceable(self, path: Path) -> None:
        """Refuse to replace the source, or a folder that holds anything but results."""
        if not os.path.lexists(path) or is_empty(path):
            return
        among = self.aim.name == DICOM and self.source.is_dir() and holds(self.source, path)
        if among or (path.is_dir() and holds(path, self.source)):
            raise ExistsError(f"{path.name} holds what is to be converted; the output needs a place of its own")
        if path.is_dir() and not self.aim.suffix:
            check_series_folder(path)

    def _check_free(self, path: Path, left: frozenset[Path]) -> None:
        """What an earlier run made of the same may be made again: of its files some may be gone."""
        self._check_replaceable(path)
        empty = path.is_dir() and not path.is_symlink() and not any(path.iterdir())
        if not self.overwrite and not empty and path not in left and os.path.lexists(path):
            raise ExistsError(
                f"{path.name} is there already, and was not made from these files with these options; "
                "choose another name, or overwrite it (--overwrite)"
            )


_Outcome: TypeAlias = tuple[tuple[Converted, ...], dict[str, Problem]]


def _problem(name: str, error: VoxelryError | OSError) -> Problem:
    if isinstance(error, VoxelryError):
        return Problem(error.code, f"{name}: {error}", error.numbers)
    return not_written(name, error)


def _shape(shapes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """Warnings of the volumes; none for volumes that have not been read."""
    if not shapes:
        return ()
    return shapes[0] if len(shapes) == 1 else (len(shapes), *shapes[0])


class _Meter:
    """The progress of many jobs as one."""

    def __init__(self, jobs: int, progress: Progress) -> None:
        self._done = [0.0] * jobs
        self._progress = progress
        self._lock = threading.Lock()

    def of(self, number: int) -> Progress:
        """The progress of one job."""

        def tell(fraction: float, words: str) -> None:
            with self._lock:
                self._done[number] = fraction
                self._progress(sum(self._done) / len(self._done), words)

        return tell
