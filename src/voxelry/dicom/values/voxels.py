"""From frames to voxels: every frame decoded and rescaled into one array."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from voxelry.core.geometry import Geometry
from voxelry.core.intensity import Window
from voxelry.core.progress import Progress, silent
from voxelry.core.volume import Volume
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.pixel_aspect import pixel_aspect
from voxelry.dicom.frames.shared_frames import one_of_each
from voxelry.dicom.headers.attributes import tag_label
from voxelry.dicom.headers.header import Header
from voxelry.dicom.pixels.codecs import keeps_words
from voxelry.dicom.pixels.stored_pixels import lacks_said_mixing, padding_range, stored_range
from voxelry.dicom.values.filling import colour_values, grey_values, lazy_values
from voxelry.dicom.values.modality import transform_limits
from voxelry.dicom.values.voi import is_inverted, slice_voi, voi_tables
from voxelry.dicom.values.volume_metadata import volume_metadata

PLAUSIBLE_HU = (-10_000.0, 70_000.0)


def make_volume(
    frames: Sequence[Frame],
    *,
    geometry: Geometry,
    label: str = "",
    warnings: Sequence[str] = (),
    lossy: bool = False,
    lazy: bool = False,
    progress: Progress = silent,
) -> Volume:
    """The volume of these frames, in this order.

    Parameters
    ----------
    frames
        Of one matrix and kind.
    geometry, label, warnings, lossy
        As the Volume has them.
    lazy
        True to decode slices only when they are asked for.

    Raises
    ------
    PixelDataError, TruncatedError, TransferSyntaxError
        If a frame cannot be decoded; the message names its file.
    """
    first = frames[0].pixels
    found = list(warnings)
    array: npt.NDArray[Any]
    if lazy:
        array = cast("npt.NDArray[Any]", lazy_values(frames))
    elif first.kind == "grey":
        array, ends = grey_values(frames, progress=progress)
        found += _implausible(frames[0].unit, ends, array)
        found += _beyond_bits_stored(frames, ends)
    else:
        array = colour_values(frames, progress=progress)
    if first.kind == "colour":
        found += _unmixed(frames)
    unit = frames[0].unit
    if len({frame.unit for frame in one_of_each(frames)}) > 1:
        unit = ""
        found.append("the slices' values have different units (Rescale Type (0028,1054))")
    grey = first.kind == "grey"
    return Volume(
        array=array,
        geometry=geometry,
        unit=unit,
        metadata=volume_metadata(frames),
        padding=padding_limits(frames) if grey else None,
        windows=_shared_windows(frames),
        voi_tables=voi_tables(frames[len(frames) // 2]),
        slice_voi=slice_voi(frames) if grey else (),
        pixel_aspect=pixel_aspect(frames[0]),
        inverted=is_inverted(frames[0]),
        lossy=lossy,
        label=label,
        instance_uids=tuple(frame.header.sop_instance_uid for frame in frames),
        warnings=tuple(found),
    )


def padding_limits(frames: Sequence[Frame]) -> npt.NDArray[np.float64] | None:
    """The modality values that are padding, per frame; frames that share their facts share it."""
    known: dict[int, tuple[float, float] | None] = {}
    for frame in one_of_each(frames):
        limits = padding_range(frame.header, frame.pixels)
        known[id(frame.facts)] = None if limits is None else transform_limits(limits, frame)
    if not any(known.values()):
        return None
    nothing = math.nan, math.nan
    ranges = np.array([known[id(frame.facts)] or nothing for frame in frames])
    return None if np.isnan(ranges).all() else ranges


def _implausible(unit: str, ends: tuple[float, float], array: npt.NDArray[Any]) -> list[str]:
    if unit != "HU" or (PLAUSIBLE_HU[0] <= ends[0] and ends[1] <= PLAUSIBLE_HU[1]):
        return []
    low, high = array.min(), array.max()
    if PLAUSIBLE_HU[0] <= low and high <= PLAUSIBLE_HU[1]:
        return []
    words = f"implausible values for Hounsfield units: {low:g} to {high:g}; "
    return [words + "check Rescale Slope (0028,1053) and Rescale Intercept (0028,1052)"]


def _beyond_bits_stored(frames: Sequence[Frame], ends: tuple[float, float]) -> list[str]:
    """Warnings about compressed values that exceed Bits Stored."""
    kinds = list(one_of_each(frames))
    if not any(
        kind.pixels.bits_stored < kind.pixels.bits_allocated and not keeps_words(kind.header.transfer_syntax_uid)
        for kind in kinds
    ):
        return []
    limits = [transform_limits(stored_range(kind.pixels), kind) for kind in kinds]
    low, high = min(low for low, _ in limits), max(high for _, high in limits)
    if low <= ends[0] and ends[1] <= high:
        return []
    words = f"values reach from {ends[0]:g} to {ends[1]:g}, but {tag_label('BitsStored')} allows {low:g} to {high:g}"
    return [f"{words}: those of the compressed frames are taken as they are; compare them with the original"]


def _unmixed(frames: Sequence[Frame]) -> list[str]:
    wanted: dict[Header, set[int]] = {}
    for frame in frames:
        wanted.setdefault(frame.header, set()).add(frame.index)
    count = sum(lacks_said_mixing(header, indices) for header, indices in wanted.items())
    if not count:
        return []
    said = f"{tag_label('PhotometricInterpretation')} says {frames[0].pixels.photometric}"
    words = f"in {count} of {len(wanted)} files the compressed frames say that no such transformation was made"
    return [f"{said}, but {words}: their samples are taken as RGB; compare the colours with the original"]


def _shared_windows(frames: Sequence[Frame]) -> tuple[Window, ...]:
    """The middle slice's windows, because many MR series have a different window for each slice."""
    return frames[len(frames) // 2].windows
