"""From frames to voxels: every frame decoded and rescaled into one array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from voxelry.core.intensity import Window
from voxelry.core.progress import Progress, silent
from voxelry.core.volume import Spacing, Volume
from voxelry.dicom.description import describe_pixels
from voxelry.dicom.filling import colour_values, grey_values
from voxelry.dicom.frames import Frame
from voxelry.dicom.modality import transform_limits
from voxelry.dicom.pixels import padding_range
from voxelry.dicom.shared import shared_metadata

PLAUSIBLE_HU = (-10_000.0, 70_000.0)


def make_volume(
    frames: Sequence[Frame],
    *,
    affine: npt.NDArray[np.float64] | None,
    spacing: Spacing,
    label: str = "",
    warnings: Sequence[str] = (),
    lossy: bool = False,
    progress: Progress = silent,
) -> Volume:
    """The volume of these frames, in this order.

    Parameters
    ----------
    frames
        Of one matrix and kind.
    affine, spacing, label, warnings, lossy
        As the Volume has them.

    Raises
    ------
    PixelDataError, TruncatedError, TransferSyntaxError
        If a frame cannot be decoded; the message names its file.
    """
    first = describe_pixels(frames[0].header)
    array = (grey_values if first.kind == "grey" else colour_values)(frames, progress=progress)
    found = list(warnings)
    unit = frames[0].unit
    if len({frame.unit for frame in frames}) > 1:
        unit = ""
        found.append("the slices' values have different units (Rescale Type (0028,1054))")
    volume = Volume(
        array=array,
        affine=affine,
        spacing=spacing,
        unit=unit,
        metadata=shared_metadata([frame.header for frame in frames]),
        padding=_padding(frames) if first.kind == "grey" else None,
        windows=_shared_windows(frames),
        inverted=first.photometric == "MONOCHROME1",
        lossy=lossy,
        label=label,
        instance_uids=tuple(frame.header.sop_instance_uid for frame in frames),
        warnings=tuple(found),
    )
    return _with_implausible_named(volume)


def _padding(frames: Sequence[Frame]) -> npt.NDArray[np.float64] | None:
    ranges = np.full((len(frames), 2), np.nan)
    headers = dict.fromkeys(frame.header for frame in frames)
    stored = {header: padding_range(header, describe_pixels(header)) for header in headers}
    for place, frame in enumerate(frames):
        limits = stored[frame.header]
        if limits is not None:
            ranges[place] = transform_limits(limits, frame)
    return None if np.isnan(ranges).all() else ranges


def _with_implausible_named(volume: Volume) -> Volume:
    if volume.unit != "HU" or not volume.array.size:
        return volume
    low, high = float(volume.array.min()), float(volume.array.max())
    if PLAUSIBLE_HU[0] <= low and high <= PLAUSIBLE_HU[1]:
        return volume
    warning = (
        f"implausible values for Hounsfield units: {low:g} to {high:g}; "
        "check Rescale Slope (0028,1053) and Rescale Intercept (0028,1052)"
    )
    return replace(volume, warnings=(*volume.warnings, warning))


def _shared_windows(frames: Sequence[Frame]) -> tuple[Window, ...]:
    """The middle slice's windows: many MR series give every slice its own, and one volume needs one."""
    return frames[len(frames) // 2].windows
