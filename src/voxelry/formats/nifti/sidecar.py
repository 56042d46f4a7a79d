"""The JSON sidecar of a NIfTI file in BIDS terms: how images were acquired, without attributes of the patient."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import TypeAlias

import numpy as np

from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.formats.shared.grids import reoriented

_Change: TypeAlias = Callable[[Value], Value]

_GAUSS_FROM = 100.0
"""Larger field strengths are taken for gauss, which old headers give instead of tesla."""


def _as_it_is(value: Value) -> Value:
    return value


def _seconds(value: Value) -> Value:
    return value / 1000 if isinstance(value, int | float) else None


def _tesla(value: Value) -> Value:
    if not isinstance(value, int | float):
        return None
    return value / 10_000 if value >= _GAUSS_FROM else value


def _joined(value: Value) -> Value:
    return "_".join(str(part).strip() for part in value) if isinstance(value, list) else value


def _listed(value: Value) -> Value:
    return value if isinstance(value, list) else [value]


_FIELDS: tuple[tuple[str, str, _Change], ...] = (
    ("Modality", "Modality", _as_it_is),
    ("Manufacturer", "Manufacturer", _as_it_is),
    ("ManufacturersModelName", "ManufacturerModelName", _as_it_is),
    ("SoftwareVersions", "SoftwareVersions", _joined),
    ("MagneticFieldStrength", "MagneticFieldStrength", _tesla),
    ("ImagingFrequency", "ImagingFrequency", _as_it_is),
    ("ReceiveCoilName", "ReceiveCoilName", _as_it_is),
    ("BodyPart", "BodyPartExamined", _as_it_is),
    ("PatientPosition", "PatientPosition", _as_it_is),
    ("ImageType", "ImageType", _listed),
    ("MRAcquisitionType", "MRAcquisitionType", _as_it_is),
    ("ScanningSequence", "ScanningSequence", _joined),
    ("SequenceVariant", "SequenceVariant", _joined),
    ("ScanOptions", "ScanOptions", _joined),
    ("SequenceName", "SequenceName", _as_it_is),
    ("RepetitionTime", "RepetitionTime", _seconds),
    ("EchoTime", "EchoTime", _seconds),
    ("InversionTime", "InversionTime", _seconds),
    ("FlipAngle", "FlipAngle", _as_it_is),
    ("EchoTrainLength", "EchoTrainLength", _as_it_is),
    ("NumberOfAverages", "NumberOfAverages", _as_it_is),
    ("PixelBandwidth", "PixelBandwidth", _as_it_is),
    ("PercentSampling", "PercentSampling", _as_it_is),
    ("InPlanePhaseEncodingDirectionDICOM", "InPlanePhaseEncodingDirection", _as_it_is),
    ("SliceThickness", "SliceThickness", _as_it_is),
    ("KVP", "KVP", _as_it_is),
    ("XRayTubeCurrent", "XRayTubeCurrent", _as_it_is),
    ("XRayExposure", "Exposure", _as_it_is),
    ("ConvolutionKernel", "ConvolutionKernel", _as_it_is),
    ("ReconstructionMethod", "ReconstructionMethod", _as_it_is),
    ("DecayCorrection", "DecayCorrection", _as_it_is),
    ("AttenuationCorrection", "AttenuationCorrectionMethod", _as_it_is),
)
"""BIDS name, DICOM keyword, and conversion of the value. Free text is left out: a series
description may name a patient, and a hospital's name, a station or a UID may identify one."""


def sidecar(
    volumes: Sequence[Volume], *, slice_times: Sequence[float] | None = None, reorient: str = ""
) -> dict[str, Value]:
    """The BIDS fields that the headers of images provide.

    Parameters
    ----------
    volumes
        The volumes of one file, in order. A value that differs between them (echo times) becomes a list.
    slice_times
        Acquisition time of each slice of a volume, in seconds, in the volume's order; None if unknown.
    reorient
        Code of the file's reoriented axes, if any: the times follow the slices.

    Returns
    -------
    sidecar
        JSON values. Times are in seconds, lengths in millimetres, field strength in tesla. No patient's value.

    References
    ----------
    Brain Imaging Data Structure 1.10, "Magnetic Resonance Imaging" and "Positron Emission Tomography"
    """
    found: dict[str, Value] = {}
    for name, keyword, change in _FIELDS:
        values = [_clean(volume.metadata.get(keyword), change) for volume in volumes]
        if values and all(value is not None for value in values):
            found[name] = values[0] if all(value == values[0] for value in values) else values
    step = step_seconds(volumes)
    if step is not None and len(volumes) > 1:
        found["RepetitionTime"] = step  # In BIDS this is the time from volume to volume.
    spacing = {volume.spacing[0] for volume in volumes}
    if len(spacing) == 1 and (along := spacing.pop()) is not None:
        found["SpacingBetweenSlices"] = along  # The measured spacing: headers are often wrong here.
    units = {volume.unit for volume in volumes}
    if len(units) == 1 and (unit := units.pop()):
        found["Units"] = unit
    if slice_times is not None:
        found |= _slice_timing(volumes[0], slice_times, reorient)
    return {**found, "ConversionSoftware": "Voxelry", "ConversionSoftwareVersion": version("voxelry")}


def _slice_timing(volume: Volume, times: Sequence[float], reorient: str) -> dict[str, Value]:
    """Slice times in the file's order, and the slices' axis in the file if it is not the third."""
    numbers = np.broadcast_to(np.arange(len(times))[:, None, None], volume.array.shape[:3])
    moved = reorient and volume.geometry.placed
    turned = reoriented(numbers, volume.geometry, reorient)[0] if moved else numbers
    axis = next(axis for axis, stride in enumerate(turned.strides) if stride)
    backwards = turned.strides[axis] < 0
    found: dict[str, Value] = {"SliceTiming": list(reversed(times) if backwards else times)}
    return found if axis == 0 else {**found, "SliceEncodingDirection": "kji"[axis]}


def _clean(value: Value, change: _Change) -> Value:
    """A value in BIDS terms; None if it is missing or invalid."""
    if value in (None, "", []):
        return None
    changed = change(value)
    return None if isinstance(changed, float) and not math.isfinite(changed) else changed


def step_seconds(volumes: Sequence[Volume]) -> float | None:
    """Seconds from one volume to the next; None if the volumes are not times or their headers give no interval."""
    resolution = _shared_number(volumes, "TemporalResolution")
    if resolution is not None and resolution > 0:
        return resolution / 1000
    times = _shared_number(volumes, "NumberOfTemporalPositions")
    repetition = _shared_number(volumes, "RepetitionTime")
    if len(volumes) > 1 and times == len(volumes) and repetition is not None and repetition > 0:
        return repetition / 1000
    return _even_step([_trigger_ms(volume.metadata) for volume in volumes])


def _trigger_ms(metadata: Mapping[str, Value]) -> float | None:
    found = metadata.get("TriggerTime")
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def _even_step(times: Sequence[float | None]) -> float | None:
    """The interval, in seconds, of evenly spaced times in milliseconds; None if they are not evenly spaced."""
    known = [time for time in times if time is not None]
    if len(known) < 2 or len(known) < len(times):
        return None
    step = (known[-1] - known[0]) / (len(known) - 1)
    even = all(abs(known[0] + number * step - time) < 1.0 for number, time in enumerate(known))
    return step / 1000 if even and step > 0 else None


def _shared_number(volumes: Sequence[Volume], keyword: str) -> float | None:
    found = [volume.metadata.get(keyword) for volume in volumes]
    first = found[0] if found else None
    if not isinstance(first, int | float) or isinstance(first, bool) or any(one != first for one in found):
        return None
    return float(first)
