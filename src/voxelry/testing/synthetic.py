"""Series of synthetic slices, written as files, with the values that reading them must give."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import ExplicitVRLittleEndian

from voxelry.testing.encoding import palette
from voxelry.testing.instances import (
    AXIAL,
    Photometric,
    Triple,
    ds_text,
    pattern,
    set_attributes,
    synthetic_instance,
    uid,
    write,
)

FrameLayout = Literal["single", "plain", "enhanced"]
Numbering = Literal["ascending", "reversed", "same", "none"]

_ENHANCED: Mapping[str, str] = {
    "CT": "1.2.840.10008.5.1.4.1.1.2.1",
    "MR": "1.2.840.10008.5.1.4.1.1.4.1",
    "PT": "1.2.840.10008.5.1.4.1.1.130",
}
_PLAIN_FRAMES = {1: "1.2.840.10008.5.1.4.1.1.7.3", 3: "1.2.840.10008.5.1.4.1.1.7.4"}


@dataclass(frozen=True, slots=True, eq=False)
class SyntheticSeries:
    """A written series, and the values that reading it must give.

    Attributes
    ----------
    paths
        Files in the order of the slices along the normal; one path for a multi-frame object.
    array
        The modality values, float64; index ``(slice, row, column)``, or ``(slice, row, column, sample)``
        with integer RGB for colour. Slices ascend along the normal.
    stored
        The stored values.
    affine
        4 x 4, from ``(slice, row, column)`` to LPS millimetres.
    spacing
        Millimetres ``(slice, row, column)``, the first along the normal.
    """

    paths: tuple[Path, ...]
    array: npt.NDArray[Any]
    stored: npt.NDArray[Any]
    affine: npt.NDArray[np.float64]
    spacing: Triple
    study_instance_uid: str
    series_instance_uid: str
    instance_uids: tuple[str, ...]


def synthetic_series(
    folder: str | Path,
    *,
    slices: int = 5,
    rows: int = 16,
    columns: int = 20,
    pixels: npt.NDArray[np.generic] | None = None,
    spacing: Triple = (3.0, 0.8, 0.7),
    position: Triple = (-10.0, 20.0, -30.0),
    orientation: Sequence[float] = AXIAL,
    offsets: Sequence[float] | None = None,
    shear: Triple = (0.0, 0.0, 0.0),
    modality: str = "CT",
    rescale: tuple[float, float] | Sequence[tuple[float, float]] | None = (1.0, -1024.0),
    signed: bool = False,
    bits_stored: int = 12,
    photometric: Photometric = "MONOCHROME2",
    transfer_syntax: str = ExplicitVRLittleEndian,
    padding_value: int | None = None,
    frames: FrameLayout = "single",
    numbering: Numbering = "ascending",
    shuffled: bool = False,
    suffix: str = ".dcm",
    seed: int = 0,
    first_index: int = 0,
    attributes: Mapping[str, object] | None = None,
    edit: Callable[[int, Dataset], None] | None = None,
) -> SyntheticSeries:
    """Write a series of parallel slices.

    Parameters
    ----------
    folder
        The folder to write to; created if missing.
    pixels
        Stored values ``(slice, row, column[, sample])``; None makes a `pattern`.
    spacing
        Millimetres ``(slice, row, column)``; also the Slice Thickness.
    position
        Image Position (Patient) of the first slice.
    offsets
        Distance of each slice from the first along the normal, mm; None means equal steps. Use it for gaps
        (``(0, 3, 9)``), repeated positions (``(0, 3, 3)``) and uneven steps. ``affine`` then holds for the
        equal steps only.
    shear
        Added to the position from slice to slice, LPS mm, as by a gantry tilt.
    rescale
        One pair, or one for each slice (as in PET).
    frames
        ``"single"`` writes a file for each slice; ``"plain"`` one multi-frame Secondary Capture;
        ``"enhanced"`` one Enhanced object with functional groups.
    numbering
        Order of Instance Number along the normal.
    shuffled
        True for file names in an order unrelated to the slices.
    seed, first_index
        Series of one seed share their UIDs; ``first_index`` continues the instances of an earlier call.
    attributes
        More attributes for every file; the value None deletes the attribute.
    edit
        Called with the slice's index and its dataset just before writing.

    Returns
    -------
    series
        Paths, array and affine.
    """
    colour = photometric in ("RGB", "YBR_FULL")
    eight = colour or photometric == "PALETTE COLOR"
    if pixels is None:
        shape = (slices, rows, columns, 3) if colour else (slices, rows, columns)
        pixels = pattern(shape, bits=8 if eight else bits_stored, signed=signed and not eight, seed=seed)
    slices = len(pixels)
    row_cosines, column_cosines = np.array(orientation[:3], float), np.array(orientation[3:], float)
    normal = np.cross(row_cosines, column_cosines)
    along = np.arange(slices) * spacing[0] if offsets is None else np.asarray(offsets, dtype=float)
    drift = np.outer(np.arange(slices), shear)
    places = np.asarray(position) + np.outer(along, normal) + drift
    affine = np.eye(4)
    affine[:3, 0] = normal * spacing[0] + np.asarray(shear)
    affine[:3, 1] = column_cosines * spacing[1]
    affine[:3, 2] = row_cosines * spacing[2]
    affine[:3, 3] = position
    pairs = _rescale_pairs(rescale, slices)

    root = Path(folder)
    order = list(range(slices))
    names = [f"{first_index + k:04d}{suffix}" for k in order]
    if shuffled:
        random.Random(seed).shuffle(names)
    written: list[tuple[Path, str]] = []
    if frames == "single":
        for k in order:
            dataset = synthetic_instance(
                pixels[k],
                modality=modality,
                spacing=spacing,
                position=(float(places[k, 0]), float(places[k, 1]), float(places[k, 2])),
                orientation=orientation,
                rescale=pairs[k],
                signed=signed,
                bits_stored=bits_stored,
                photometric=photometric,
                transfer_syntax=transfer_syntax,
                padding_value=padding_value,
                instance_number=_number(k, slices, numbering, first_index),
                index=first_index + k,
                seed=seed,
                attributes=attributes,
            )
            if edit is not None:
                edit(k, dataset)
            written.append((write(dataset, root / names[k]), dataset.SOPInstanceUID))
    else:
        if frames == "plain":
            sop_class, kind = _PLAIN_FRAMES[3 if colour else 1], "OT"
        else:
            sop_class, kind = _ENHANCED[modality], modality
        dataset = synthetic_instance(
            pixels,
            modality=kind,
            sop_class_uid=sop_class,
            spacing=None,
            position=None,
            orientation=None,
            rescale=pairs[0] if frames == "plain" else None,
            signed=signed,
            bits_stored=bits_stored,
            photometric=photometric,
            transfer_syntax=transfer_syntax,
            padding_value=padding_value,
            index=first_index,
            seed=seed,
        )
        if frames == "plain":
            dataset.Modality = modality
            dataset.FrameIncrementPointer = 0x00182001
            dataset.PageNumberVector = list(range(1, slices + 1))
            dataset.PixelSpacing = [ds_text(spacing[1]), ds_text(spacing[2])]
        else:
            _functional_groups(dataset, places, orientation, spacing, pairs, modality)
        set_attributes(dataset, attributes)
        if edit is not None:
            edit(0, dataset)
        written.append((write(dataset, root / names[0]), dataset.SOPInstanceUID))

    if colour:
        values: npt.NDArray[np.generic] = pixels
    elif photometric == "PALETTE COLOR":
        values = palette()[pixels]
    else:
        slopes = np.array([(pair or (1.0, 0.0)) for pair in pairs])
        values = pixels.astype(np.float64) * slopes[:, 0, None, None] + slopes[:, 1, None, None]
    return SyntheticSeries(
        paths=tuple(path for path, _ in written),
        array=values,
        stored=pixels,
        affine=affine,
        spacing=spacing,
        study_instance_uid=uid("study", seed),
        series_instance_uid=uid("series", seed),
        instance_uids=tuple(str(number) for _, number in written),
    )


def _functional_groups(
    dataset: Dataset,
    places: npt.NDArray[np.float64],
    orientation: Sequence[float],
    spacing: Triple,
    pairs: Sequence[tuple[float, float] | None],
    modality: str,
) -> None:
    """Add shared and per-frame functional groups (PS3.3 C.7.6.16), with the dimension index."""
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    dataset.ContentDate, dataset.ContentTime = dataset.SeriesDate, dataset.SeriesTime
    dataset.PixelPresentation, dataset.VolumetricProperties = "MONOCHROME", "VOLUME"
    dataset.VolumeBasedCalculationTechnique = "NONE"
    shared, measures, plane = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = [ds_text(spacing[1]), ds_text(spacing[2])]
    measures.SliceThickness = ds_text(spacing[0])
    measures.SpacingBetweenSlices = ds_text(spacing[0])
    plane.ImageOrientationPatient = [ds_text(cosine) for cosine in orientation]
    shared.PixelMeasuresSequence = DicomSequence([measures])
    shared.PlaneOrientationSequence = DicomSequence([plane])
    dataset.SharedFunctionalGroupsSequence = DicomSequence([shared])
    groups = []
    for k, place in enumerate(places):
        group, location, content = Dataset(), Dataset(), Dataset()
        location.ImagePositionPatient = [ds_text(coordinate) for coordinate in place]
        content.StackID, content.InStackPositionNumber = "1", k + 1
        content.DimensionIndexValues = [1, k + 1]
        group.PlanePositionSequence = DicomSequence([location])
        group.FrameContentSequence = DicomSequence([content])
        if (pair := pairs[k]) is not None:
            transformation = Dataset()
            transformation.RescaleIntercept, transformation.RescaleSlope = (
                ds_text(pair[1]),
                ds_text(pair[0]),
            )
            transformation.RescaleType = "HU" if modality == "CT" else "US"
            group.PixelValueTransformationSequence = DicomSequence([transformation])
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = DicomSequence(groups)
    organization = uid("dimensions", dataset.SOPInstanceUID)
    dataset.DimensionOrganizationType = "3D"
    item = Dataset()
    item.DimensionOrganizationUID = organization
    dataset.DimensionOrganizationSequence = DicomSequence([item])
    indices = []
    for pointer in (0x00209056, 0x00209057):
        index = Dataset()
        index.DimensionIndexPointer, index.FunctionalGroupPointer = pointer, 0x00209111
        index.DimensionOrganizationUID = organization
        indices.append(index)
    dataset.DimensionIndexSequence = DicomSequence(indices)


def _rescale_pairs(
    rescale: tuple[float, float] | Sequence[tuple[float, float]] | None, slices: int
) -> list[tuple[float, float] | None]:
    if rescale is None:
        return [None] * slices
    values = np.asarray(rescale, dtype=float)
    rows = np.broadcast_to(values, (slices, 2))
    return [(float(slope), float(intercept)) for slope, intercept in rows]


def _number(k: int, slices: int, numbering: Numbering, first: int) -> int | None:
    return {"ascending": first + k + 1, "reversed": first + slices - k, "same": 1, "none": None}[numbering]
