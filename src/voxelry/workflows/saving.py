"""Volumes and segmentations from memory into files, in whatever format."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import cast

from voxelry.core.argument_types import a_kind, check_path
from voxelry.core.errors import ExistsError, FormatError, GeometryError, ParameterError, WrongTypeError
from voxelry.core.label_volumes import label_volumes
from voxelry.core.progress import Progress, part, silent
from voxelry.core.segmentation import Segmentation
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.series.hierarchy import Series
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.write.writing import Written
from voxelry.formats.shared.options import check_options
from voxelry.workflows.convert.segmentation_formats import segmentation_format
from voxelry.workflows.convert.targets import DICOM, find_target, looks_like_a_file, names_a_format, target_names
from voxelry.workflows.convert.volume_target import Target, Told
from voxelry.workflows.files.atomic import clear_left, staged
from voxelry.workflows.files.export_names import DEFAULT_TEMPLATE, check_template, file_name, numbered
from voxelry.workflows.files.results_folder import check_series_folder, is_empty, is_taken
from voxelry.workflows.load.volume_batches import Batch, batches_of_volumes

_NO_OPTIONS: Mapping[str, Value] = MappingProxyType({})
_SEG_OPTIONS = ("description", "kind")


def save(
    what: Volume | Iterable[Volume] | Segmentation,
    path: StrPath,
    *,
    format: str | None = None,  # noqa: A002 - its public name
    options: Mapping[str, Value] = _NO_OPTIONS,
    name: str = DEFAULT_TEMPLATE,
    source: Stack | Series | Sequence[Stack] | None = None,
    overwrite: bool = False,
    progress: Progress = silent,
) -> Written:
    """Save what is in memory: ``save(volume, "brain.nii.gz")``.

    Parameters
    ----------
    what
        A volume, several, or a segmentation.
    path
        A file, whose suffix says its format: ``.nii.gz``, ``.nrrd``, ``.mha``, ``.h5``, ``.zarr``, ``.npz``, ``.dcm``,
        ``.png``, ``.gif`` and others. Or a folder: of DICOM with a file for each slice, unless ``format`` says
        otherwise. Several volumes become one file where the format holds several and they lie on one grid; else the
        path has to be a folder, which gets a file, or a folder, for each.
    format
        The format's name (``"nifti"``, ``"dicom"``, ``"png"``) where the suffix does not say it. A segmentation is
        saved as ``"seg"``, ``"rtstruct"``, ``"stl"``, ``"ply"`` and ``"csv"`` too.
    options
        As the format documents them: the same as for ``convert``. Of a DICOM segmentation ``kind`` (``"binary"`` or
        ``"labelmap"``) and ``description``.
    name
        How files in a folder are called; as for ``convert``.
    source
        The DICOM images that a segmentation lies on: needed to save it as DICOM, whose study it joins.
    overwrite
        True to replace what bears the name.

    Returns
    -------
    written
        The files, and what a user must know of them. No half-written file ever bears its final name.

    Raises
    ------
    ExistsError
        If something bears the name, and ``overwrite`` is not asked for; or a folder with other things is in the way.
    ParameterError
        If the format or an option is none that there is, or ``what`` is nothing that can be saved.
    FormatError, GeometryError, MeasureError
        If the format cannot hold it, in words.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> voxelry.save(volume, "phantom.nrrd").paths
    (...Path('phantom.nrrd'),)
    >>> len(voxelry.save(volume, "series").paths)
    48
    """
    check_path(path, instead="the volume comes first: save(volume, path)")
    check_template(name)
    kind = segmentation_format(path, format) if isinstance(what, Segmentation) else None
    if isinstance(what, Segmentation) and kind is not None:
        from voxelry.workflows.convert.segmentation_targets import write_segmentation_file

        _check_free(Path(path), overwrite=overwrite)
        _check_replaceable(Path(path), folder=False, series=False)
        return write_segmentation_file(
            what, Path(path), kind, source=source, volume=None, options=options, same_frame_of_reference=False,
            progress=progress,
        )  # fmt: skip
    asked = _format_for(path, format)
    if isinstance(what, Segmentation):
        if find_target(path, asked, {}).name == DICOM:
            return _save_segmentation(what, Path(path), options, source, overwrite=overwrite, progress=progress)
        volumes: tuple[Volume, ...] = label_volumes(what)
    else:
        volumes = _volumes(what)
    aim = find_target(path, asked, options)
    outputs = list(_outputs(batches_of_volumes(volumes, together=aim.several), aim, _named(Path(path)), name))
    for output in outputs:
        _check_free(output.path, overwrite=overwrite)
    writer = _Writer(aim, overwrite)
    done: list[Written] = []
    for number, output in enumerate(outputs):
        share = part(progress, number / len(outputs), (number + 1) / len(outputs))
        done += writer.write(output, share)
    progress(1.0, "saved")
    return Written(
        tuple(file for one in done for file in one.paths),
        done[0].series_instance_uid,
        tuple(dict.fromkeys(words for one in done for words in one.warnings)),
    )


def _format_for(path: StrPath, format: str | None) -> str | None:  # noqa: A002
    """The format that is asked for; None where the suffix says it."""
    if format is not None or names_a_format(path):
        return format
    if looks_like_a_file(path):
        name = os.path.basename(path)  # noqa: PTH119
        ending = f".{name.partition('.')[2]}"
        raise ParameterError(f"no format is known by the end of the name {ending!r}; {target_names()}")
    return DICOM


def _volumes(what: object) -> tuple[Volume, ...]:
    given: tuple[object, ...] = (what,) if isinstance(what, Volume) or not isinstance(what, Iterable) else tuple(what)
    for one in given:
        if not isinstance(one, Volume):
            raise WrongTypeError(
                f"a Volume, several of them or a Segmentation can be saved, not {a_kind(one)}; "
                "of an array make a Volume(array=...), and a StepResult is saved by save_result"
            )
    if not given:
        raise ParameterError("there is no volume to save")
    return cast("tuple[Volume, ...]", given)


def _named(path: Path) -> Path:
    """The path by a name that something else can take, which "." and ".." have not; links stay."""
    return path if path.name not in ("", "..") else Path(os.path.abspath(path))  # noqa: PTH100


# --- volumes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Output:
    batch: Batch
    path: Path
    alone: bool
    """False for what lies in a folder, where several volumes may become several files."""


def _outputs(batches: Sequence[Batch], aim: Target, target: Path, template: str) -> Iterator[_Output]:
    if not aim.folder and len(batches) > 1:
        raise FormatError(
            f"the volumes are no one {aim.name} file: they differ in shape, place, unit or series, or the format holds "
            f'one each; name a folder, with format="{aim.name}"'
        )
    if not aim.folder or (not aim.suffix and len(batches) == 1):
        yield _Output(batches[0], target, alone=not aim.folder)
        return
    names = numbered(file_name(template, batch.lookup, batch.label) for batch in batches)
    for batch, name in zip(batches, names, strict=True):
        yield _Output(batch, target / f"{name}{aim.suffix}", alone=False)


@dataclass(frozen=True, eq=False)
class _Writer:
    aim: Target
    overwrite: bool

    def write(self, output: _Output, progress: Progress) -> list[Written]:
        """All volumes as one, or one each where the format cannot hold them together and there is a folder for them."""
        volumes = output.batch.load(silent)
        try:
            return [self._one(volumes, output.path, output.batch, progress)]
        except (FormatError, GeometryError):
            if len(volumes) == 1 or output.alone:
                raise
        names = numbered(file_name("{label}", lambda _: None, volume.label) for volume in volumes)
        stem = output.path.name.removesuffix(self.aim.suffix) if self.aim.suffix else ""
        done = []
        for number, (volume, name) in enumerate(zip(volumes, names, strict=True)):
            own = output.path.with_name(f"{stem}-{name}{self.aim.suffix}") if stem else output.path / name
            share = part(progress, number / len(volumes), (number + 1) / len(volumes))
            done.append(self._one([volume], own, output.batch.only(number), share))
        return done

    def _one(self, volumes: Sequence[Volume], path: Path, batch: Batch, progress: Progress) -> Written:
        _check_free(path, overwrite=self.overwrite)
        if not self.aim.staged:  # a folder of pictures, each of which is whole or not there
            told = self.aim.write(volumes, path, batch, progress)
            return _written(sorted(path.iterdir()), volumes, told)
        clear_left(path.parent)
        with staged(path) as aside:
            told = self.aim.write(volumes, aside, batch, progress)
            made = [path.parent / entry.name for entry in sorted(aside.parent.iterdir())]
            for final in made:
                _check_free(final, overwrite=self.overwrite)
                _check_replaceable(final, folder=(aside.parent / final.name).is_dir(), series=not self.aim.suffix)
        files = [path, *(one for one in made if one != path)] if self.aim.suffix else sorted(path.iterdir())
        return _written(files, volumes, told)


def _written(files: Sequence[Path], volumes: Sequence[Volume], told: Told) -> Written:
    words = (*(words for volume in volumes for words in volume.warnings), *told.warnings)
    return Written(tuple(files), told.series_instance_uid, tuple(dict.fromkeys(words)))


def _check_free(path: Path, *, overwrite: bool) -> None:
    if is_taken(path) and not overwrite:
        raise ExistsError(f"{path.name} is there already; choose another name, or overwrite it (overwrite=True)")


def _check_replaceable(path: Path, *, folder: bool, series: bool) -> None:
    """A folder is replaced by another one only, and one of slices only if it holds nothing else."""
    if not path.is_dir() or is_empty(path):
        return
    if not folder:
        raise ExistsError(f"{path.name} is a folder that holds something, so that no file replaces it")
    if series:
        check_series_folder(path)


# --- segmentations ----------------------------------------------------------------------------------------------------


def _save_segmentation(
    segmentation: Segmentation,
    path: Path,
    options: Mapping[str, Value],
    source: Stack | Series | Sequence[Stack] | None,
    *,
    overwrite: bool,
    progress: Progress,
) -> Written:
    """As DICOM: one file, which a folder gets under the name ``segmentation.dcm``."""
    from voxelry.workflows.convert.segmentation_targets import write_with_options

    check_options(options, _SEG_OPTIONS, "a DICOM segmentation")
    if source is None:
        raise ParameterError(
            "a DICOM segmentation joins the study of its images: give them as source= (a Stack or a Series, as "
            "voxelry.load_study gives them), or choose another format"
        )
    target = path if path.name.lower().endswith(".dcm") else path / "segmentation.dcm"
    _check_free(target, overwrite=overwrite)
    _check_replaceable(target, folder=False, series=False)
    return write_with_options(segmentation, source, target, options, progress=progress)
