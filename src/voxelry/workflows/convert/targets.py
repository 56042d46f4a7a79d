"""What volumes can be written as: a registered format, DICOM, pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast, get_args

from pydicom.datadict import tag_for_keyword

from voxelry.core.errors import FormatError, ParameterError
from voxelry.core.extras import libraries_of, missing, missing_extra, require
from voxelry.core.progress import Progress
from voxelry.core.protocols import ChecksVolumes, VolumeFormat
from voxelry.core.registry import format_named, formats
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.headers.attributes import tag_label
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.series.hierarchy import STUDY_KEYWORDS
from voxelry.formats.pictures.animation import AnimationFormat
from voxelry.formats.pictures.picture import PictureFormat
from voxelry.formats.shared.options import check_options, text_option
from voxelry.parallel import meanwhile
from voxelry.workflows.convert.nifti_companions import COMPANION_OPTIONS, NIFTI, companions_wanted
from voxelry.workflows.convert.segmentation_formats import SEGMENTATION_FORMATS, segmentation_format
from voxelry.workflows.convert.volume_target import Target, Told
from voxelry.workflows.files.export_names import stem_and_suffix
from voxelry.workflows.load.volume_batches import Batch

if TYPE_CHECKING:
    from voxelry.dicom.write.writing import Syntax

DICOM = "dicom"
DICOM_OPTIONS = ("compression", "description", "modality", "non_finite")
KEPT_KEYWORDS = (
    *STUDY_KEYWORDS,
    "FrameOfReferenceUID",
    "Modality",
    "SeriesNumber",
    "SeriesDescription",
    "BodyPartExamined",
)
"""What a new series has from the metadata of the file that it is made of."""
_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{0,5}(\.gz|\.zip)?$")
_STREAMED = ("metaimage", "nifti", "nrrd")
"""Formats that write voxels one after the other, as they come."""


def find_target(path: StrPath, format: str | None, options: Mapping[str, Value]) -> Target:  # noqa: A002
    """What a path's suffix, or the name of a format, asks for.

    Raises
    ------
    ParameterError
        If there is no such format, or suffix and name contradict each other; the message lists what there is.
    MissingExtraError
        If the format needs a library that is not installed.
    """
    by_suffix = _by_suffix(_last(path))
    if format is None and by_suffix is None:
        raise ParameterError(
            "nothing says which format is wanted: the target's name ends in none of the known suffixes; "
            f"{target_names()}"
        )
    wanted = by_suffix[0] if format is None and by_suffix is not None else _canonical(str(format))
    if by_suffix is not None and by_suffix[0] != wanted:
        raise ParameterError(f"the target's name ends in {by_suffix[1]}, which is {by_suffix[0]}, and not {wanted}")
    suffix = "" if by_suffix is None else by_suffix[1]
    named = f".{str(format).lower().lstrip('.')}"
    if wanted in get_args(PictureFormat):
        from voxelry.workflows.convert.picture_targets import pictures

        return pictures(cast("PictureFormat", wanted), suffix, options)
    if wanted in get_args(AnimationFormat):
        from voxelry.workflows.convert.picture_targets import animation

        return animation(cast("AnimationFormat", wanted), suffix, options)
    if wanted in SEGMENTATION_FORMATS:
        raise ParameterError(f"{wanted} holds a segmentation, and no volumes")
    if wanted == DICOM:
        return _dicom(suffix, options)
    own = format_named(wanted)
    require(f"`{own.name}`", libraries_of(own))
    return _volumes(own, suffix, named if named in own.suffixes else own.suffixes[0], options)


def names_a_format(path: StrPath) -> bool:
    """True if the path's suffix says what is wanted."""
    return _by_suffix(_last(path)) is not None or segmentation_format(path, None) is not None


def looks_like_a_file(path: StrPath) -> bool:
    """True if a name ends in what was meant to be a file's suffix, and not in a part of a UID or of a folder's name."""
    return _SUFFIX.search(_last(path)) is not None and not os.path.isdir(path)  # noqa: PTH112


def _last(path: StrPath) -> str:
    return os.path.basename(os.path.normpath(os.fspath(path))).lower()  # noqa: PTH119


def target_names() -> str:
    """The formats that there are, in words."""
    known = ((name, suffixes) for name, suffixes, _ in list_formats())
    return "formats are " + ", ".join(
        f"{name} ({' '.join(suffixes)})" if suffixes else name for name, suffixes in known
    )


def list_formats() -> list[tuple[str, tuple[str, ...], str]]:
    """Name, suffixes and a few words of each format that can be written."""
    own = [(one.name, one.suffixes, one.description + _lack(libraries_of(one))) for one in formats()]
    moving = _lack(("PIL",))
    return [
        *own,
        (DICOM, (".dcm",), "a folder with a file for each slice; a name in .dcm is one file with all of them"),
        ("png", (".png",), "pictures without loss: a folder with one for each slice; a name in .png is all in one"),
        ("jpg", (".jpg", ".jpeg"), "small pictures, in the same ways"),
        ("gif", (".gif",), f"slices one after the other, a moving picture{moving}"),
        ("webp", (".webp",), f"the same, with every colour{moving}"),
        ("apng", (".apng",), f"the same, as PNG{moving}"),
        *((name, (), f"{words} ({suffix})") for name, (suffix, words) in SEGMENTATION_FORMATS.items()),
    ]


def _lack(libraries: tuple[str, ...]) -> str:
    library = missing(libraries)
    return "" if library is None else f"; {missing_extra('it', library)}"


def _canonical(name: str) -> str:
    """A format by its name, or by one of its suffixes with or without the dot."""
    asked = name.lower()
    for one, suffixes, _ in list_formats():
        if asked == one or f".{asked.lstrip('.')}" in suffixes:
            return one
    raise ParameterError(f"no format is called {name!r}; {target_names()}")


def _by_suffix(name: str) -> tuple[str, str] | None:
    """The format that a file's name ends in, and the suffix."""
    fitting = [(suffix, one) for one, suffixes, _ in list_formats() for suffix in suffixes if name.endswith(suffix)]
    if not fitting:
        return None
    suffix, one = max(fitting, key=lambda pair: len(pair[0]))
    return one, suffix


# --- registered formats -----------------------------------------------------------------------------------------------


def _volumes(own: VolumeFormat, suffix: str, usual: str, options: Mapping[str, Value]) -> Target:
    is_nifti = own.name == NIFTI
    own_options: dict[str, Value] = {
        name: value for name, value in options.items() if not (is_nifti and name in COMPANION_OPTIONS)
    }
    wanted = companions_wanted(options) if is_nifti else None

    def write(volumes: Sequence[Volume], path: Path, batch: Batch, progress: Progress) -> Told:
        timed, told = _in_time(batch, own_options) if is_nifti else (own_options, ())
        if wanted is None:
            own.write(volumes, os.fspath(path), options=timed, progress=progress)
        else:
            stem, _suffix = stem_and_suffix(path.name, suffix or usual)
            with meanwhile(lambda: list(wanted(volumes, batch))) as texts:  # while voxels are read and packed
                own.write(volumes, os.fspath(path), options=timed, progress=progress)
            for ending, text in texts():
                path.with_name(stem + ending).write_text(text, encoding="utf-8")
        return Told(warnings=(*_unknown_sizes(volumes[0]), *told))

    def companions(volumes: Sequence[Volume], path: Path, batch: Batch) -> tuple[str, ...]:
        stem, _suffix = stem_and_suffix(path.name, suffix or usual)
        return () if wanted is None else tuple(stem + ending for ending, _ in wanted(volumes, batch))

    def check(volumes: Sequence[Volume]) -> None:
        if isinstance(own, ChecksVolumes):
            own.check_volumes(volumes, options=own_options)

    streams = own.name in _STREAMED
    return Target(
        own.name, suffix or usual, not suffix, write, True, True, options, streams, apart=True, companions=companions,
        check=check,
    )  # fmt: skip


def _in_time(batch: Batch, options: dict[str, Value]) -> tuple[dict[str, Value], tuple[str, ...]]:
    """Options with the time from volume to volume as headers tell it, and a warning where it is uneven."""
    if len(batch.stacks) < 2 or "time_step" in options:
        return options, ()
    steps = batch.steps
    if steps is None:
        return {**options, "time_step": 0}, ()
    if steps.seconds is not None:
        return {**options, "time_step": steps.seconds}, ()
    between = [after - before for before, after in pairwise(steps.times)]
    words = (
        f"the {len(steps.times)} volumes were acquired at uneven times, {min(between):g} to {max(between):g} s apart "
        f"({tag_label(steps.keyword) if tag_for_keyword(steps.keyword) else steps.keyword}): the file gives no time "
        "step, and its sidecar the times"
    )
    return {**options, "time_step": 0}, (words,)


def _unknown_sizes(volume: Volume) -> tuple[str, ...]:
    """What whoever opens the file has to know, for other programs go on with 1 mm."""
    counts = volume.array.shape
    axes = zip(("slices", "rows", "columns"), volume.spacing, counts, strict=False)
    unknown = [name for name, size, count in axes if size is None and (count > 1 or name != "slices")]
    if not unknown:
        return ()
    names = " and ".join(unknown) if len(unknown) < 3 else "slices, rows and columns"
    return (f"the distance between {names} is unknown, and the file gives none: other programs may take 1 mm for it",)


# --- DICOM ------------------------------------------------------------------------------------------------------------


def _dicom(suffix: str, options: Mapping[str, Value]) -> Target:
    from voxelry.dicom.write.writing import syntax_of

    check_options(options, DICOM_OPTIONS, DICOM)
    syntax = text_option(options, "compression") or "explicit"
    syntax_of(syntax)
    description = text_option(options, "description") or "converted"
    modality = text_option(options, "modality").upper()
    given = {"Modality": modality} if modality else {}
    non_finite = options.get("non_finite")
    if not (non_finite is None or (isinstance(non_finite, int | float) and not isinstance(non_finite, bool))):
        raise ParameterError(f"non_finite is the number that stands for NaN and infinities, not {non_finite!r}")

    def write(volumes: Sequence[Volume], path: Path, batch: Batch, progress: Progress) -> Told:
        settings = {"transfer_syntax": cast("Syntax", syntax), "non_finite": non_finite, "progress": progress}
        try:
            if not suffix:
                return _write_series(volumes, path, batch, description, given, settings)
            return _write_instance(volumes, path, batch, description, given, settings)
        except ParameterError as error:  # of the volume, and not of the options, which were looked at
            raise FormatError(str(error), **error.numbers) from error

    def count(volumes: Sequence[Volume], batch: Batch) -> int:
        if suffix:
            return 1
        instances = {frame.header for stack in batch.stacks for frame in stack.frames}
        return len(instances) or sum(len(volume.array) for volume in volumes)

    return Target(DICOM, suffix, not suffix, write, several=True, staged=True, settings=options, count=count)


def _write_series(
    volumes: Sequence[Volume],
    folder: Path,
    batch: Batch,
    description: str,
    given: Mapping[str, str],
    settings: Mapping[str, Any],
) -> Told:
    """A file for each slice: with the source's headers, if that is DICOM."""
    from voxelry.dicom.write.writing import write_series, write_volume

    if batch.stacks:
        written = write_series(volumes, batch.stacks, folder, description=description, **settings)
    elif len(volumes) > 1:
        raise FormatError("without DICOM headers that tell volumes apart, each is a series of its own")
    else:
        written = write_volume(volumes[0], folder, attributes={**_attributes(volumes[0]), **given}, **settings)
    return Told(len(written.paths), written.warnings, series_instance_uid=written.series_instance_uid)


def _write_instance(
    volumes: Sequence[Volume],
    path: Path,
    batch: Batch,
    description: str,
    given: Mapping[str, str],
    settings: Mapping[str, Any],
) -> Told:
    """One file: of one slice or of one multi-frame instance as it is, else a new Enhanced one."""
    from voxelry.dicom.write.writing import write_volume

    if len(volumes) > 1:
        raise FormatError("one DICOM file holds one volume; name a folder, with --format dicom")
    (volume,) = volumes
    if len(volume.array) > 1 and len({header for stack in batch.stacks for header in stack.headers}) != 1:
        written = write_volume(volume, path, kind="enhanced", attributes={**_attributes(volume), **given}, **settings)
        return Told(1, written.warnings, series_instance_uid=written.series_instance_uid)
    with TemporaryDirectory(dir=path.parent) as folder:
        told = _write_series(volumes, Path(folder, "series"), batch, description, given, settings)
        (file,) = Path(folder, "series").iterdir()
        file.replace(path)
    return told


def _attributes(volume: Volume) -> dict[str, object]:
    """The patient's and study's attributes among the volume's metadata."""
    return {keyword: value for keyword in KEPT_KEYWORDS if (value := volume.metadata.get(keyword)) not in (None, "")}
