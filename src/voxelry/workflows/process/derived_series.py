"""Results that were computed from a series, as a new DICOM series of the same study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from pydicom.config import RAISE
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.valuerep import validate_value

from voxelry.core.progress import Progress, silent
from voxelry.core.volume import Volume
from voxelry.dicom.headers.attributes import text
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.pixel_description import describe_pixels
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.headers.sources import StrPath
from voxelry.dicom.objects.segmentation_sources import PATIENT_AND_STUDY, stacks_of_source
from voxelry.dicom.series.hierarchy import Series
from voxelry.dicom.series.stack import Stack
from voxelry.dicom.write.provenance import MAX_LONG_STRING, VERSION
from voxelry.dicom.write.writing import Written, write_series, write_volume

SUFFIX = " (voxelry)"
KEPT = (
    *PATIENT_AND_STUDY, "FrameOfReferenceUID", "PositionReferenceIndicator", "PatientPosition", "BodyPartExamined",
    "ProtocolName", "SeriesNumber",
)  # fmt: skip
"""The attributes that a new series on another grid takes from its source, beside modality and description."""


def write_derived(
    volume: Volume,
    source: Stack | Series | Sequence[Stack],
    folder: StrPath,
    *,
    description: str = "processed",
    series_description: str = "",
    seed: str | None = None,
    created: datetime | None = None,
    non_finite: float | None = None,
    progress: Progress = silent,
) -> Written:
    """Write a volume that was computed from DICOM as a new series of the same study.

    On the grid of one of the source's stacks it has that stack's headers, as ``write_series`` keeps them. On another
    grid (resampled, cropped, straightened) it becomes new instances with the source's patient, study and frame of
    reference, as ``write_volume`` makes them. Either way the source's images are named.

    Parameters
    ----------
    source
        What it was computed from.
    folder
        Where to; made where missing. A file for each slice, ``0001.dcm`` and so on.
    series_description
        A few words behind the source's Series Description (0008,103E): the step's name.
    description, seed, created, non_finite
        As for ``write_series``.
    volume
        On the grid of one of the source's stacks, or on another one in the same place.

    Returns
    -------
    written
        The files, and what a user must know.

    Raises
    ------
    ParameterError
        If DICOM cannot hold the values (NaN, infinities, ...), in words.
    UnplacedError
        If it lies on another grid, and where that lies is unknown.

    Examples
    --------
    >>> [series] = voxelry.index("sample/phantom").series
    >>> volume = series.stacks[0].volume()
    >>> written = voxelry.write_derived(volume, series, "derived", series_description="unchanged")
    >>> len(written.paths), written.paths[0].name
    (48, '0001.dcm')
    """
    stacks = stacks_of_source(source)
    stack = _same_grid(volume, stacks)
    if stack is not None:
        unit = None if volume.unit == stack.frames[0].unit else volume.unit
        return write_series(
            volume, stack, folder, description=description, suffix=_suffix(series_description, volume.label), seed=seed,
            created=created, unit=unit, non_finite=non_finite, progress=progress,
        )  # fmt: skip
    return write_volume(
        volume, folder, attributes=_attributes(volume, stacks, description, series_description), seed=seed,
        created=created, non_finite=non_finite, progress=progress,
    )  # fmt: skip


def _same_grid(volume: Volume, stacks: Sequence[Stack]) -> Stack | None:
    """The stack whose headers can be a volume's: of the same grid, and of whole instances."""
    own = set(volume.instance_uids)
    ordered = sorted(stacks, key=lambda stack: not own & {header.sop_instance_uid for header in stack.headers})
    return next((stack for stack in ordered if _fits(volume, stack)), None)


def _fits(volume: Volume, stack: Stack) -> bool:
    pixels = describe_pixels(stack.frames[0].header)
    if volume.array.shape != stack.shape or pixels.bits_allocated == 1:
        return False
    if volume.geometry.placed != stack.geometry.placed:
        return False
    if volume.geometry.placed and not volume.geometry.same_grid(stack.geometry):
        return False
    # A slice of a mosaic is written as an instance of its own.
    frames = Counter(frame.header for frame in stack.frames if frame.tile is None)
    return all(describe_pixels(header).frames == count for header, count in frames.items())


def _suffix(words: str, label: str) -> str:
    """Series Description: the step, and the label that tells volumes of one series apart if it is short."""
    told = [words] if words and not label.startswith(words) else []
    shown = "".join(f" {one}" for one in (*told, label) if one)
    plain = shown.isascii() and shown.isprintable() and "\\" not in shown
    return shown + SUFFIX if plain and len(shown + SUFFIX) <= MAX_LONG_STRING // 2 else SUFFIX


def _attributes(volume: Volume, stacks: Sequence[Stack], description: str, words: str) -> dict[str, object]:
    first = stacks[0].headers[0]
    found: dict[str, object] = {}
    for keyword in KEPT:
        value = text(first.elements, keyword)
        if value and _is_valid(keyword, value):
            found[keyword] = value
    modality = text(first.elements, "Modality")
    found["Modality"] = modality if modality and modality != "SEG" else "OT"
    suffix = _suffix(words, volume.label)
    found["SeriesDescription"] = text(first.elements, "SeriesDescription")[: MAX_LONG_STRING - len(suffix)] + suffix
    found["DerivationDescription"] = f"{description} (voxelry {VERSION})"
    headers = list(dict.fromkeys(header for stack in stacks for header in stack.headers))
    found["SourceImageSequence"] = DicomSequence([_reference(header) for header in headers])
    return found


def _is_valid(keyword: str, value: str) -> bool:
    """False for attributes of a source that a new object may not have."""
    vr = dictionary_VR(tag_for_keyword(keyword) or 0)
    if vr == "SQ":
        return False
    try:
        with quiet:
            for one in value.split("\\"):
                validate_value(vr, one, RAISE)
    except ValueError:
        return False
    return True


def _reference(header: Header) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = header.sop_class_uid, header.sop_instance_uid
    return item
