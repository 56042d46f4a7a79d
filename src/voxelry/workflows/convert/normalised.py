"""A series as float32 from 0 to 1 in HDF5 with its metadata in JSON, and back into DICOM: the two seed programs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.datadict import tag_for_keyword

from voxelry.core.errors import NothingFoundError, ParameterError, Problem, VoxelryError
from voxelry.core.progress import Progress, part, silent
from voxelry.core.value import Value
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import items
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.json_values import as_metadata
from voxelry.dicom.headers.packed_files import DEFAULT_LIMITS, ArchiveLimits
from voxelry.dicom.headers.shared_attributes import shared_metadata
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.values.stored_values import stored_values
from voxelry.dicom.values.voxels import padding_limits
from voxelry.formats.hdf5.hdf5_normalised import StoredStack, write_normalised
from voxelry.workflows.files.atomic import published
from voxelry.workflows.files.export_names import DEFAULT_TEMPLATE, file_name
from voxelry.workflows.load.volume_batches import batches_of

JSON_LAYOUT = 1
_PER_FRAME = "PerFrameFunctionalGroupsSequence"
Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class NormalisedReport:
    """What became of every image of a folder.

    Attributes
    ----------
    shapes
        Of each dataset: ``(location, phase, row, column)``, behind them the samples of colour.
    warnings
        What a user must know before trusting the numbers.
    skipped
        The files that are in no dataset, and why.
    """

    shapes: tuple[tuple[int, ...], ...]
    warnings: tuple[str, ...]
    skipped: Mapping[str, Problem]


def dicom_to_hdf5(
    source: StrPath,
    hdf5: StrPath,
    record: StrPath,
    *,
    compression: str = "gzip",
    limits: ArchiveLimits = DEFAULT_LIMITS,
    progress: Progress = silent,
) -> NormalisedReport:
    """Write every image below a path to one HDF5 file, and their metadata to one JSON file.

    Slices are sorted by position along the normal; those that share a location (phases, echoes, time points) lie
    behind each other on the second axis. Slices that form no even grid are written too, without an affine, and a
    warning says so. Both files appear when both are whole.

    Parameters
    ----------
    source
        A file, a folder at any depth, or a zip archive.
    hdf5
        In the layout of ``docs/reference/hdf5.md``: stored values as float32 from 0 to 1.
    record
        The attributes that a series' images share, those in which they differ, and the UIDs of every source.

    Raises
    ------
    ParameterError
        If both files are one, or one is a folder: before anything is read.
    NothingFoundError
        If there is no image.
    PixelDataError, TruncatedError, TransferSyntaxError
        If an image of the only series cannot be decoded; the message names its file. Of several series the others
        are written.
    """
    _check_targets(source, Path(hdf5), Path(record))
    batches, skipped = batches_of(source, dicom=True, limits=limits, progress=part(progress, 0, 0.2))
    if not batches:
        first = next(iter(skipped.values()), None)
        raise NothingFoundError(
            f"{source}: holds no DICOM with pixels" + (f"; the first file: {first}" if first else "")
        )
    skipped = dict(skipped)
    groups, stacks = [], []
    for number, batch in enumerate(batches):
        share = part(progress, 0.2 + 0.4 * number / len(batches), 0.2 + 0.4 * (number + 1) / len(batches))
        try:
            stacks.append(_stored_stack(batch.stacks, share))
            groups.append(batch.stacks)
        except VoxelryError as error:
            if len(batches) == 1:
                raise
            name = file_name(DEFAULT_TEMPLATE, batch.lookup)
            skipped[name] = Problem(error.code, f"{name}: {error}", error.numbers)
    if not stacks:
        raise NothingFoundError(f"{source}: no image can be read; the first: {next(reversed(skipped.values()))}")
    root = f"{os.fspath(source).rstrip('/')}/"  # names below it; the folders above tell of the machine, or of a patient
    described: list[Value] = [
        _record(group, stack, number, root) for number, (group, stack) in enumerate(zip(groups, stacks, strict=True), 1)
    ]
    document = {"layout": JSON_LAYOUT, "series": described, "skipped": {k: p.record for k, p in skipped.items()}}
    with os_errors_of(f"{os.fspath(hdf5)}, {os.fspath(record)}"), ExitStack() as both:
        record_aside = both.enter_context(published(Path(record)))
        hdf5_aside = both.enter_context(published(Path(hdf5)))
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        record_aside.write_text(text + "\n", encoding="utf-8", errors="replace")
        write_normalised(stacks, str(hdf5_aside), compression=compression, progress=part(progress, 0.6, 1))
    warnings = dict.fromkeys(words for group in groups for stack in group for words in _warnings(stack))
    return NormalisedReport(tuple(stack.stored.shape for stack in stacks), tuple(warnings), MappingProxyType(skipped))


def _check_targets(source: StrPath, hdf5: Path, record: Path) -> None:
    if os.path.realpath(hdf5) == os.path.realpath(record):
        raise ParameterError(f"{hdf5}: the HDF5 file and the JSON file need names of their own")
    for path in (hdf5, record):
        if path.is_dir():
            raise ParameterError(f"{path}: is a folder, and a file is to be written there")
        if path.is_file() and (os.path.realpath(path) == os.path.realpath(source) or _is_dicom(path)):
            raise ParameterError(f"{path}: is DICOM, or the input, and would be lost; give the output another name")


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


@contextmanager
def os_errors_of(name: str) -> Iterator[None]:
    """What the system says while something is written (a full disk) says of what: it knows temporary names at most."""
    try:
        yield
    except OSError as error:
        if isinstance(error, VoxelryError):
            raise
        raise OSError(error.errno, error.strerror or type(error).__name__, name) from error


def _warnings(stack: Stack) -> tuple[str, ...]:
    irregular = () if stack.problem is None else (f"written without an affine: {stack.problem}",)
    return (*irregular, *stack.warnings)


def _stored_stack(stacks: Sequence[Stack], progress: Progress) -> StoredStack:
    """Stacks of one grid as the phases of one array."""
    first = stacks[0]
    phases = []
    for number, stack in enumerate(stacks):
        share = part(progress, number / len(stacks), (number + 1) / len(stacks))
        phases.append(stored_values(stack.frames, progress=share))
    frames = [stack.frames for stack in stacks]
    return StoredStack(
        stored=phases[0][:, None] if len(phases) == 1 else np.stack(phases, axis=1),
        affine=first.affine,
        spacing=first.spacing,
        unit=first.frames[0].unit,
        rescale=_rescale(frames),
        padding=_padding(frames),
        labels=tuple(stack.label for stack in stacks) if len(stacks) > 1 else (),
        sop_instance_uids=tuple(
            tuple(one[location].header.sop_instance_uid for one in frames) for location in range(len(frames[0]))
        ),
        metadata=shared_metadata(_headers(stacks)),
    )


def _headers(stacks: Sequence[Stack]) -> list[Header]:
    return list(dict.fromkeys(frame.header for stack in stacks for frame in stack.frames))


def _rescale(frames: Sequence[Sequence[Frame]]) -> npt.NDArray[np.float64] | None:
    """Slope and intercept of each image; None for colour, and where a table makes the modality values."""
    first = frames[0][0]
    if first.pixels.kind != "grey" or "ModalityLUTSequence" in first.header.elements:
        return None
    return np.array([[(frame.slope, frame.intercept) for frame in phase] for phase in frames]).transpose(1, 0, 2)


def _padding(frames: Sequence[Sequence[Frame]]) -> npt.NDArray[np.float64] | None:
    """Limits of the padding of each image; shape ``(location, phase, 2)``, NaN where there is none."""
    found = [padding_limits(phase) if phase[0].pixels.kind == "grey" else None for phase in frames]
    if all(one is None for one in found):
        return None
    nothing = np.full((len(frames[0]), 2), np.nan)
    return np.stack([nothing if one is None else one for one in found], axis=1)


# --- the record -------------------------------------------------------------------------------------------------------


def _record(stacks: Sequence[Stack], stored: StoredStack, number: int, root: str) -> Value:
    first = stacks[0].frames[0].header
    low, high = stored.extremes
    shared = stored.metadata
    slices: list[Value] = []
    own = {header: _own(header, shared) for header in _headers(stacks)}
    for location in range(len(stacks[0].frames)):
        for phase, stack in enumerate(stacks):
            slices.append(_slice_record(stack.frames[location], location, phase, own, root))
    warnings: list[Value] = list(dict.fromkeys(words for stack in stacks for words in _warnings(stack)))
    return {
        "dataset": "volume" if number == 1 else f"{number}/volume",
        "study_instance_uid": first.study_instance_uid,
        "series_instance_uid": first.series_instance_uid,
        "shape": list[Value](stored.stored.shape),
        "axes": list[Value](["location", "phase", "row", "column", "sample"][: stored.stored.ndim]),
        "spacing_mm": list[Value](stored.spacing),
        "affine_lps_mm": None if stored.affine is None else stored.affine.tolist(),
        "unit": stored.unit,
        "stored_dtype": stored.stored.dtype.name,
        "minimum": low,
        "maximum": high,
        "phases": list[Value](stored.labels),
        "warnings": warnings,
        "metadata": dict(shared),
        "slices": slices,
    }


def _own(header: Header, shared: Mapping[str, Value]) -> dict[str, Value]:
    """The attributes in which an instance differs from its fellows."""
    left = {tag for keyword in (*shared, _PER_FRAME) if (tag := tag_for_keyword(keyword)) is not None}
    return as_metadata(header.elements.dataset, leave_out=left)


def _slice_record(frame: Frame, location: int, phase: int, own: Mapping[Header, dict[str, Value]], root: str) -> Value:
    header = frame.header
    record: dict[str, Value] = {
        "location": location,
        "phase": phase,
        "sop_instance_uid": header.sop_instance_uid,
        "file": header.name.removeprefix(root).encode("utf-8", "replace").decode("utf-8"),
        "frame_number": frame.index + 1 if frame.blank is None else None,
        "position_mm": None if frame.position is None else list(frame.position),
        "slope": frame.slope,
        "intercept": frame.intercept,
        "metadata": own[header],
    }
    groups = items(header.elements, _PER_FRAME)
    if frame.blank is None and len(groups) > frame.index:
        record["functional_groups"] = as_metadata(groups[frame.index])
    return record
