"""Back to DICOM: values into the headers of a template series, or a bare volume into new objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeAlias

from voxelry.core.argument_types import check_type
from voxelry.core.errors import ParameterError
from voxelry.core.progress import Progress, part, silent
from voxelry.core.volume import Volume
from voxelry.dicom.acquisition.suv_factor import SUV_UNITS
from voxelry.dicom.headers.attributes import tag_label, text
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.pixels.encode import SYNTAXES
from voxelry.dicom.series.hierarchy import Series
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.write.bare_volumes import enhanced_instance, object_of, single_frames
from voxelry.dicom.write.derived_header import Changes
from voxelry.dicom.write.header_bytes import Explicit
from voxelry.dicom.write.instance_files import check_names, emit
from voxelry.dicom.write.provenance import Derivation
from voxelry.dicom.write.refilled_template import refilled
from voxelry.dicom.write.template import Filled, Source, Values, fill, stacks_to_fill

Syntax: TypeAlias = Literal["explicit", "rle", "jpeg-ls", "jpeg-2000", "htj2k"]
Kind: TypeAlias = Literal["single", "enhanced"]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Attributes
    ----------
    paths
        The files, in the order of their stacks and slices.
    series_instance_uid
        Of the new series; empty where no DICOM was written.
    warnings
        What a user must know: values that had to be rescaled, non-finite ones that were replaced. Sentences without
        patients' values.

    Examples
    --------
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> written = voxelry.write_volume(volume, "copy", seed="an example")
    >>> isinstance(written, voxelry.Written), len(written.paths), written.warnings
    (True, 48, ())
    """

    paths: tuple[Path, ...]
    series_instance_uid: str
    warnings: tuple[str, ...]


def write_series(
    values: Values | Sequence[Values],
    template: Stack | Series | Sequence[Stack],
    folder: StrPath,
    *,
    transfer_syntax: Syntax = "explicit",
    description: str = "pixel values replaced",
    suffix: str = " (voxelry)",
    names: str = "{index:04d}.dcm",
    seed: str | None = None,
    created: datetime | None = None,
    unit: str | None = None,
    non_finite: float | None = None,
    stored: bool = False,
    progress: Progress = silent,
) -> Written:
    """Write values as a new series with the headers of a template.

    Study, patient and frame of reference stay; the series and its instances get new UIDs, and what was done is
    recorded (Image Type DERIVED, Source Image Sequence, Derivation Description, Contributing Equipment). Values that
    are those of the template give its stored values, bit for bit; others get what loses nothing, as long as 16 bits
    can hold it; else they are rescaled, and a warning says so.

    Colours are written as RGB whatever the template's are (palettes, YBR), and duplicates that belong to no stack are
    left out. So stacks that nothing else told apart come back as one, or in another order, with the same images.

    Parameters
    ----------
    values
        Modality values, one array for each of the template's stacks in their order (or the only one by itself);
        shape ``(slice, row, column)``, or ``(slice, row, column, sample)`` for colour; any numeric dtype. Of a
        Volume with an affine, the place is held to the template's. Float values that equal stored ones within the
        rounding of float32 are those.
    template
        A stack, a whole series, or some of its stacks.
    folder
        Where to; made where missing. Files appear in it when all of them are whole.
    transfer_syntax
        All without loss.
    description
        What was done, for Derivation Description (0008,2111).
    suffix
        Added to Series Description (0008,103E).
    names
        A file's name by ``{index}``, from 1.
    seed
        None for random UIDs. The same text, template and values give the same files, byte for byte, unless
        ``created`` differs; use what tells one derivation of a series from another.
    created
        When; by default now, or not said at all where ``seed`` is given.
    unit
        What the values are in now, where that is not the template's unit: Rescale Type and windows follow.
    non_finite
        The value that stands for NaN and infinities; None refuses them.
    stored
        True if the values are stored ones: what makes modality values of them (slope and intercept, or a table) stays
        in the headers. Otherwise a template's table goes, because its values have no one way back.

    Returns
    -------
    written
        The files, and what a user must know: values that had to be rescaled or replaced.

    Raises
    ------
    ParameterError
        If the template does not match the values in number, shape or position, is a segmentation of single bits, has
        activity where the values are standardized uptake values, values are not finite, stored ones do not fit, or a
        parameter is out of range; the message says which.

    Examples
    --------
    >>> [series] = voxelry.index("sample/phantom").series
    >>> values = np.clip(series.stacks[0].volume().array, -200, 200)
    >>> written = voxelry.write_series(values, series, "clipped", description="clipped to 200 HU")
    >>> int(voxelry.load_volume("clipped").array.max())
    200
    """
    syntax = syntax_of(transfer_syntax)
    derivation = Derivation(description, suffix, seed, _moment(created, seed))
    stacks = stacks_to_fill(template)
    _check_uptake(values, stacks)
    filled = fill(values, stacks, stored=stored)
    files = check_names(names, len(filled))
    explicit = Explicit()
    warnings: list[str] = []
    series = derivation.uid("series", filled[0].header.series_instance_uid)
    keep_times = any("ContentTime" in dict(stack.pile.separation) for stack in stacks)
    uids = _new_uids(filled, derivation)
    changes = Changes(derivation, series, syntax, unit, keep_times, uids, explicit, stored)
    instances = refilled(filled, files, stacks, changes, non_finite, warnings)
    paths = emit(instances, Path(folder), syntax, progress=part(progress, 0.1, 1))
    if explicit.lost:
        tags = ", ".join(f"({tag >> 16:04X},{tag & 0xFFFF:04X})" for tag in sorted(explicit.lost))
        warnings.append(f"the template's attributes {tags} cannot be read, and were left out")
    return Written(paths, series, tuple(warnings))


def syntax_of(name: str) -> str:
    """The UID of a transfer syntax by its name, or as it is."""
    found = SYNTAXES.get(name, name)
    if found not in SYNTAXES.values():
        raise ParameterError(f"the transfer syntax is one of {', '.join(SYNTAXES)}, not {name!r}")
    return found


def _new_uids(filled: Sequence[Filled], derivation: Derivation) -> dict[Source, str]:
    """SOP Instance UIDs that sort as the template's do: where nothing else orders instances, that does."""
    old = sorted(
        (one.key for one in filled), key=lambda source: (source[0].sop_instance_uid, source[0].name, source[1] or 0)
    )
    new = sorted(
        derivation.uid("instance", header.sop_instance_uid or header.name, *(() if tile is None else (tile,)))
        for header, tile in old
    )
    return dict(zip(old, new, strict=True))


def _moment(created: datetime | None, seed: str | None) -> datetime | None:
    return datetime.now() if created is None and seed is None else created  # noqa: DTZ005 - DICOM's is local time


def _check_uptake(values: Values | Sequence[Values], stacks: Sequence[Stack]) -> None:
    """Raise a ParameterError for standardized uptake values in headers by which readers take them for activity."""
    for one in [values] if isinstance(values, Volume) else values:
        if not isinstance(one, Volume) or one.unit not in SUV_UNITS.values():
            continue
        for stack in stacks:
            units = text(stack.frames[0].header.elements, "Units")
            if units and units != one.metadata.get("Units"):
                raise ParameterError(
                    f"the values are standardized uptake values in {one.unit}, and {tag_label('Units')} of the "
                    f"template is {units}: readers would take them for it. Write them as NIfTI, NRRD or HDF5"
                )


def write_volume(
    volume: Volume,
    target: StrPath,
    *,
    attributes: Mapping[str, object] | None = None,
    kind: Kind = "single",
    transfer_syntax: Syntax = "explicit",
    names: str = "{index:04d}.dcm",
    seed: str | None = None,
    created: datetime | None = None,
    non_finite: float | None = None,
    progress: Progress = silent,
) -> Written:
    """Write a volume that has no template as CT, MR or Secondary Capture instances, or as one Enhanced CT or MR.

    Nothing is invented about a patient: what is not given and must be there is there empty.

    Parameters
    ----------
    target
        The folder for ``"single"``; the file for ``"enhanced"``.
    attributes
        By DICOM keyword, for every instance: ``{"PatientID": "4711", "Modality": "MR"}``. Modality decides the
        kind of object; where it is not given the volume's metadata do, then its unit (HU is CT), else it is OT.
        Attributes that follow from the voxels (Rows, Image Position (Patient), ...) are refused.
    kind
        A file for each slice, or one multi-frame object with functional groups.
    transfer_syntax, names, seed, created, non_finite, progress
        As for ``write_series``.
    volume
        Modality values; those that 16 bits cannot hold without loss are rescaled, and a warning says so.

    Returns
    -------
    written
        The files, and what a user must know.

    Raises
    ------
    UnplacedError
        If the affine is unknown and the object needs one: all but Secondary Capture do.
    ParameterError
        If an attribute is unknown or follows from the voxels, or the object cannot hold the volume.

    Examples
    --------
    >>> volume = voxelry.Volume(array=np.zeros((4, 8, 8), dtype=np.int16), affine=np.diag([5.0, 1.0, 1.0, 1.0]))
    >>> written = voxelry.write_volume(volume, "empty", attributes={"Modality": "MR"})
    >>> voxelry.load_volume("empty").spacing
    (5.0, 1.0, 1.0)
    """
    check_type(volume, Volume, name="volume", instead="voxelry.load_volume reads one from a path")
    syntax = syntax_of(transfer_syntax)
    derivation = Derivation("written from a volume", "", seed, _moment(created, seed))
    one = object_of(volume, attributes or {}, derivation, syntax, non_finite, enhanced=kind == "enhanced")
    if kind == "enhanced":
        path = Path(target)
        instances = [enhanced_instance(one, volume, path.name, derivation, syntax)]
        folder = path.parent
    else:
        files = check_names(names, len(one.planes))
        instances = single_frames(one, volume, files, derivation, syntax)
        folder = Path(target)
    paths = emit(instances, folder, syntax, progress=part(progress, 0.1, 1))
    return Written(paths, str(one.dataset.SeriesInstanceUID), one.warnings)
