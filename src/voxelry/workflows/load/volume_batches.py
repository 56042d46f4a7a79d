"""What lies below a path: volumes that go together, found before any of them is loaded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

from voxelry.core.argument_types import check_path
from voxelry.core.errors import PixelDataError, Problem
from voxelry.core.progress import Progress, part, silent
from voxelry.core.protocols import VolumeFormat
from voxelry.core.slice_grid import DEFAULT_TOLERANCES, Tolerances
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.acquisition.suv_factor import SuvKind
from voxelry.dicom.headers.attributes import integer, text
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits, EntrySource, GzipSource
from voxelry.dicom.headers.sop_classes import LABEL_MAP, SEGMENTATION
from voxelry.dicom.headers.sources import FileSource, Source, StrPath
from voxelry.dicom.series.hierarchy import Index
from voxelry.dicom.series.irregular_stacks import OnIrregular, chosen_stacks, chosen_volume
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.series.streaming import streamed_volume
from voxelry.dicom.series.suv_stacks import in_suv
from voxelry.dicom.series.volume_kinds import LeftOut, entities_of, kinds_of, left_out_kinds
from voxelry.dicom.series.volume_steps import VolumeSteps, volume_steps
from voxelry.workflows.files.export_names import Lookup
from voxelry.workflows.files.ledger import made_below
from voxelry.workflows.load.indexing import index
from voxelry.workflows.load.volume_files import VolumeFile, files_in, format_of, not_of_files

T = TypeVar("T")
Loader = Callable[[Progress], tuple[Volume, ...]]


@dataclass(frozen=True, eq=False)
class Batch:
    """Volumes of one series and one grid (phases, echoes, time points), in order; most often a single one.

    Attributes
    ----------
    load
        Reads and decodes them.
    lookup
        Attributes, by keyword, for names.
    shapes
        Of each volume.
    labels
        Of each volume.
    fingerprint
        What they are made from: changes with the files.
    stacks
        Where they come from, if that is DICOM: one for each volume.
    source, name
        The file that they are all in, and what it is called without its suffix, if it was found in a folder. Its shapes
        and labels are unknown until it is loaded, and empty.
    entities
        What tells it from other batches of its series, where unlike volumes are kept apart: ``"echo-1_part-phase"``.
    """

    load: Loader
    lookup: Lookup
    shapes: tuple[tuple[int, ...], ...]
    labels: tuple[str, ...]
    fingerprint: str
    stacks: tuple[Stack, ...] = ()
    source: str = ""
    name: str = ""
    entities: str = ""

    @property
    def label(self) -> str:
        """What tells a batch of one volume from others of its series; several volumes have no label together."""
        return self.labels[0] if len(self.labels) == 1 else ""

    def streamed(self) -> tuple[Volume, ...] | None:
        """The same volumes, read while they are used; None where they have to be in memory first."""
        volumes = tuple(streamed_volume(stack) for stack in self.stacks)
        whole = tuple(volume for volume in volumes if volume is not None)
        return whole if volumes and len(whole) == len(volumes) else None

    @cached_property
    def steps(self) -> VolumeSteps | None:
        """The time from one volume to the next, read once: of an enhanced object it is among thousands of frames."""
        return volume_steps(self.stacks)

    def only(self, number: int) -> Batch:
        """The same for one of its volumes, counted from 0, where that is loaded already."""
        place = slice(number, number + 1)
        return replace(self, shapes=self.shapes[place], labels=self.labels[place], stacks=self.stacks[place])


def batches_of(
    path: StrPath,
    *,
    together: bool = True,
    apart: bool = False,
    leave_out: Collection[LeftOut] = (),
    dicom: bool = False,
    folders: bool = True,
    beside: Path | None = None,
    on_irregular: OnIrregular = "error",
    limits: ArchiveLimits = DEFAULT_LIMITS,
    tolerances: Tolerances = DEFAULT_TOLERANCES,
    real_world: bool = False,
    philips_precise: bool = False,
    suv: SuvKind | None = None,
    labels: bool = False,
    progress: Progress = silent,
) -> tuple[tuple[Batch, ...], Mapping[str, Problem]]:
    """The batches of DICOM below a path, from headers alone, and of files in registered formats.

    Every function that reads volumes from a path finds them here.

    Parameters
    ----------
    together
        False for a batch of each volume.
    apart
        True for a batch of each kind of volumes (echoes, parts of the signal, coils, derived maps: `volume_kinds`), and
        never unlike ones together.
    leave_out
        Kinds of images that are in no batch, but among ``skipped``.
    real_world
        As for ``load``.
    philips_precise, suv
        As for ``convert``.
    labels
        True for one batch of each DICOM segmentation, of labels that say what they mean, instead of one of each
        segment. Fractions stay as they are.
    dicom
        True if nothing but DICOM is looked for, whatever the path is called.
    folders
        False if files of registered formats are not looked for in folders. In a folder they come last, by name, one
        batch each; what an earlier conversion made beside its DICOM is left out.
    beside
        Where something is about to be written, which is left out, as is DICOM that an earlier conversion made.

    Returns
    -------
    batches
        In the order of studies, series and stacks.
    skipped
        The files that are in none.

    Raises
    ------
    NothingFoundError
        If there is nothing of that name.
    FormatError
        If the file's suffix is a format's, and it is none of it.
    """
    check_path(path)
    if not dicom and (own := format_of(path)) is not None:
        return _format_batches(own, path, together, progress), {}
    made = frozenset[str]() if beside is None else made_below(path)
    found = index(path, limits=limits, tolerances=tolerances, leave_out=made, progress=progress)
    batches, skipped = _dicom_batches(
        found, on_irregular, real_world, philips_precise=philips_precise, suv=suv, together=together, apart=apart,
        leave_out=frozenset(leave_out), labels=labels,
    )  # fmt: skip
    if dicom or not folders or not os.path.isdir(path):  # noqa: PTH112
        return batches, skipped
    files = files_in(path, leave_out=beside, of_others=bool(batches))
    return (*batches, *map(_of_file, files)), not_of_files(skipped, files)


def _dicom_batches(
    found: Index,
    on_irregular: OnIrregular,
    real_world: bool,
    *,
    philips_precise: bool,
    suv: SuvKind | None,
    together: bool,
    apart: bool,
    leave_out: frozenset[LeftOut],
    labels: bool,
) -> tuple[tuple[Batch, ...], dict[str, Problem]]:
    skipped = dict(found.skipped)
    batches: list[Batch] = []
    for series in found.series:
        skipped.update(series.unusable)
        if labels and series.stacks and _is_labels(series.stacks[0]):
            from voxelry.workflows.load.segment_labels import of_one_segmentation

            batches += [_of_segments(group) for group in of_one_segmentation(series.stacks)]
            continue
        usable, refused = (series.stacks, {}) if suv is None else in_suv(series.stacks, suv)
        skipped |= refused
        stacks = chosen_stacks(usable, on_irregular, real_world=real_world, philips_precise=philips_precise)
        kept = [stack for stack in stacks if not left_out_kinds(stack) & leave_out] if leave_out else list(stacks)
        stays = set(map(id, kept))
        skipped |= _left_out(stacks, kept, leave_out)
        if together and apart:
            groups = _kept_apart(stacks)
            batches += [
                _of_stacks(left, on_irregular, entities=entities, apart=len(groups) > 1)
                for entities, group in groups
                if (left := [stack for stack in group if id(stack) in stays])
            ]
        else:
            grouped = _grouped(kept, _alike) if together else [[stack] for stack in kept]
            batches += [_of_stacks(group, on_irregular) for group in grouped]
    return tuple(batches), skipped


def _kept_apart(stacks: Sequence[Stack]) -> list[tuple[str, list[Stack]]]:
    """Groups of stacks of one grid and one kind, each with what tells it from the others."""
    kind_of = dict(zip(map(id, stacks), kinds_of(stacks), strict=True))

    def alike(stack: Stack, first: Stack) -> bool:
        return kind_of[id(stack)] == kind_of[id(first)] and _alike(stack, first)

    groups = _grouped(stacks, alike)
    return list(zip(entities_of([kind_of[id(group[0])] for group in groups]), groups, strict=True))


def _left_out(every: Sequence[Stack], kept: Sequence[Stack], leave_out: frozenset[LeftOut]) -> dict[str, Problem]:
    """The files of all stacks that are not kept; of a file that is in another stack, with the volume's label."""
    if len(kept) == len(every):
        return {}
    used = {header for stack in kept for header in stack.headers}
    found: dict[str, Problem] = {}
    stays = set(map(id, kept))
    for stack in every:
        if id(stack) in stays:
            continue
        kinds: list[Value] = [*sorted(left_out_kinds(stack) & leave_out)]
        for header in stack.headers:
            name = f"{header.name} ({stack.label})" if header in used else header.name
            words = f"{name}: left out, as was asked for: {', '.join(map(str, kinds))}"
            found[name] = Problem("left_out", words, {"kinds": kinds})
    return found


def _grouped(members: Sequence[T], alike: Callable[[T, T], bool]) -> list[list[T]]:
    """Those that are like the first of a group join it, in their order."""
    groups: list[list[T]] = []
    for member in members:
        fitting = next((group for group in groups if alike(member, group[0])), None)
        if fitting is None:
            groups.append([member])
        else:
            fitting.append(member)
    return groups


def _alike(stack: Stack, first: Stack) -> bool:
    """True if both can be in one 4-D array; irregular and unplaced ones stand alone."""
    if not (stack.regular and first.regular and stack.shape == first.shape):
        return False
    if stack.frames[0].unit != first.frames[0].unit:
        return False
    return stack.geometry.placed and stack.geometry.same_grid(first.geometry)


def _of_stacks(stacks: list[Stack], on_irregular: OnIrregular, *, entities: str = "", apart: bool = False) -> Batch:
    """A batch; ``apart`` if other volumes of its series are not in it, though they may be in the same files."""
    headers = tuple(dict.fromkeys(header for stack in stacks for header in stack.headers))
    stamps = sorted(f"{header.sop_instance_uid} {_stamp(header.source)}" for header in headers)
    return Batch(
        partial(_load_stacks, stacks, on_irregular),
        partial(_attribute, headers[0]),
        tuple(stack.shape for stack in stacks),
        tuple(stack.label for stack in stacks),
        digest_of_words([*stamps, *(f"volume {stack.label}" for stack in stacks if apart)]),
        tuple(stacks),
        entities=entities,
    )


def _is_labels(stack: Stack) -> bool:
    """True for a DICOM segmentation of bits or labels, and not of fractions."""
    kind = stack.frames[0].header.sop_class_uid
    if kind != SEGMENTATION:
        return kind == LABEL_MAP
    from voxelry.dicom.objects.segmentation_reading import is_segment

    return is_segment(stack)


def _of_segments(stacks: Sequence[Stack]) -> Batch:
    """All segments of one DICOM segmentation, as one label map, or a layer each where they overlap."""
    from voxelry.core.label_volumes import label_volumes
    from voxelry.dicom.objects.segmentation_reading import read_segmentation

    def load(progress: Progress) -> tuple[Volume, ...]:
        return label_volumes(read_segmentation(stacks, progress=progress))

    header = stacks[0].frames[0].header
    stamp = digest_of_words([header.sop_instance_uid, _stamp(header.source), "labels"])
    return Batch(load, partial(_attribute, header), (), (), stamp)


def _load_stacks(stacks: Sequence[Stack], on_irregular: OnIrregular, progress: Progress) -> tuple[Volume, ...]:
    volumes = []
    for number, stack in enumerate(stacks):
        share = part(progress, number / len(stacks), (number + 1) / len(stacks))
        volumes.append(chosen_volume(stack, on_irregular, progress=share))
    return tuple(volumes)


def _attribute(header: Header, keyword: str) -> Value:
    if keyword == "SeriesNumber":
        try:
            return integer(header.elements, keyword)
        except PixelDataError:
            return None
    return text(header.elements, keyword)


def _format_batches(own: VolumeFormat, path: StrPath, together: bool, progress: Progress) -> tuple[Batch, ...]:
    volumes = own.read(os.fspath(path), progress=progress)
    source = digest_of_words([path_stamp(os.fspath(path))])
    return batches_of_volumes(volumes, source, together=together)


def batches_of_volumes(volumes: Sequence[Volume], source: str = "", *, together: bool = True) -> tuple[Batch, ...]:
    """The batches of volumes in memory, in their order.

    Parameters
    ----------
    source
        What they are made from, for fingerprints.
    together
        False for a batch of each volume.
    """
    groups = _grouped(volumes, _stackable) if together else [[volume] for volume in volumes]
    return tuple(_of_volumes(group, digest_of_words([source, str(n)])) for n, group in enumerate(groups))


def _of_file(file: VolumeFile) -> Batch:
    def load(progress: Progress) -> tuple[Volume, ...]:
        return file.own.read(file.path, progress=progress)

    stamp = digest_of_words([path_stamp(file.path)])
    return Batch(load, file.lookup, (), (), stamp, source=file.shown, name=file.name)


def _stackable(volume: Volume, first: Volume) -> bool:
    same = volume.array.shape == first.array.shape and volume.unit == first.unit
    if not same or volume.series_instance_uid != first.series_instance_uid:
        return False
    if not volume.geometry.placed and not first.geometry.placed:
        return True
    return volume.geometry.same_grid(first.geometry)


def _of_volumes(volumes: list[Volume], fingerprint: str) -> Batch:
    return Batch(
        lambda _: tuple(volumes),
        volumes[0].metadata.get,
        tuple(volume.array.shape for volume in volumes),
        tuple(volume.label for volume in volumes),
        fingerprint,
    )


def _stamp(source: Source) -> str:
    """What changes when the bytes do, without reading them."""
    if isinstance(source, GzipSource):
        return _stamp(source.packed)
    if isinstance(source, FileSource):
        return path_stamp(source.path)
    if isinstance(source, EntrySource):
        return f"{source.entry.file_size} {source.entry.CRC}"
    return str(source.size)


def path_stamp(path: str) -> str:
    """What changes when a file, or what is in a folder, does."""
    if os.path.isdir(path):  # noqa: PTH112
        return digest_of_words(sorted(_tree(path)))
    found = os.stat(path)  # noqa: PTH116
    return f"{found.st_size} {found.st_mtime_ns}"


def _tree(path: str) -> Iterator[str]:
    for folder, _, names in os.walk(path):
        for name in names:
            full = os.path.join(folder, name)  # noqa: PTH118
            yield f"{os.path.relpath(full, path)} {path_stamp(full)}"


def digest_of_words(words: Sequence[str]) -> str:
    """SHA-256 of some words."""
    return hashlib.sha256("\n".join(words).encode("utf-8", "surrogatepass")).hexdigest()
