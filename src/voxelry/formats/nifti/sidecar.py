"""The JSON sidecar of a NIfTI file in BIDS terms: how images were acquired, without attributes of the patient."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from types import MappingProxyType
from typing import TypeAlias

from voxelry.core.makers import maker_name
from voxelry.core.value import Value
from voxelry.core.volume import Volume
from voxelry.formats.nifti.file_axes import phase_encoding_axis, slices_of_file

_Change: TypeAlias = Callable[[Value], Value]

_GAUSS_FROM = 100.0
"""Larger field strengths are taken for gauss, which old headers give instead of tesla."""
_PARTS_OF_RADIANS = ("MILLIRADIALS", "MILLIRADIANS", "MRAD")
"""Rescale Type of Philips' phase images."""
_NO_UNIT = frozenset({"", "US", "NORMALIZED"})
"""Rescale Type of values that have no unit: unspecified, or Philips' scale for display."""
_HERTZ_FROM = 1e6
"""Larger imaging frequencies are in hertz, which UIH writes instead of megahertz."""


def _as_it_is(value: Value) -> Value:
    return value


def _seconds(value: Value) -> Value:
    return value / 1000 if isinstance(value, int | float) else None


def _above_zero(value: Value) -> Value:
    """None for 0 and less, which stand for "none" in headers of computed images, and BIDS does not allow."""
    return value if isinstance(value, int | float) and value > 0 else None


def _seconds_above_zero(value: Value) -> Value:
    return _seconds(_above_zero(value))


def _tesla(value: Value) -> Value:
    if not isinstance(value, int | float):
        return None
    return value / 10_000 if value >= _GAUSS_FROM else value


def _megahertz(value: Value) -> Value:
    if not isinstance(value, int | float):
        return None
    return value / 1e6 if value >= _HERTZ_FROM else value


def _maker(value: Value) -> Value:
    return maker_name(value) if isinstance(value, str) else None


def _short_direction(value: Value) -> Value:
    return {"COLUMN": "COL"}.get(value, value) if isinstance(value, str) else None


def _off_resonance(value: Value) -> Value:
    return {"OFF_RESONANCE": True, "ON_RESONANCE": False, "NONE": False}.get(value) if isinstance(value, str) else None


def _is_spoiled(value: Value) -> Value:
    return None if not isinstance(value, str) or value == "OTHER" else value != "NONE"


def _spoiling(value: Value) -> Value:
    known = {"RF": "RF", "GRADIENT": "GRADIENT", "RF_AND_GRADIENT": "COMBINED"}
    return known.get(value) if isinstance(value, str) else None


def _joined(value: Value) -> Value:
    """Several values as DICOM writes them, which dcm2niix does too."""
    return "\\".join(str(part).strip() for part in value) if isinstance(value, list) else value


def _listed(value: Value) -> Value:
    return value if isinstance(value, list) else [value]


_FIELDS: tuple[tuple[str, str, _Change], ...] = (
    ("Modality", "Modality", _as_it_is),
    ("Manufacturer", "Manufacturer", _maker),
    ("ManufacturersModelName", "ManufacturerModelName", _as_it_is),
    ("SoftwareVersions", "SoftwareVersions", _joined),
    ("MagneticFieldStrength", "MagneticFieldStrength", _tesla),
    ("ImagingFrequency", "ImagingFrequency", _megahertz),
    ("ReceiveCoilName", "ReceiveCoilName", _as_it_is),
    ("BodyPart", "BodyPartExamined", _as_it_is),
    ("BodyPartExamined", "BodyPartExamined", _as_it_is),
    ("PatientPosition", "PatientPosition", _as_it_is),
    ("SeriesNumber", "SeriesNumber", _as_it_is),
    ("AcquisitionNumber", "AcquisitionNumber", _as_it_is),
    ("ImageType", "ImageType", _listed),
    ("MRAcquisitionType", "MRAcquisitionType", _as_it_is),
    ("ScanningSequence", "ScanningSequence", _joined),
    ("SequenceVariant", "SequenceVariant", _joined),
    ("ScanOptions", "ScanOptions", _joined),
    ("SequenceName", "PulseSequenceName", _as_it_is),
    ("SequenceName", "SequenceName", _as_it_is),
    ("PulseSequenceName", "PulseSequenceName", _as_it_is),
    ("RepetitionTime", "RepetitionTime", _seconds_above_zero),
    ("EchoNumber", "EchoNumbers", _as_it_is),
    ("EchoTime", "EchoTime", _seconds_above_zero),
    ("InversionTime", "InversionTime", _seconds_above_zero),
    ("FlipAngle", "FlipAngle", _above_zero),
    ("EchoTrainLength", "EchoTrainLength", _as_it_is),
    ("NumberOfAverages", "NumberOfAverages", _as_it_is),
    ("NumberOfKSpaceTrajectories", "NumberOfKSpaceTrajectories", _as_it_is),
    ("SAR", "SAR", _as_it_is),
    ("MTState", "MagnetizationTransfer", _off_resonance),
    ("SpoilingState", "Spoiling", _is_spoiled),
    ("SpoilingType", "Spoiling", _spoiling),
    ("PixelBandwidth", "PixelBandwidth", _as_it_is),
    ("PercentSampling", "PercentSampling", _as_it_is),
    ("PercentPhaseFOV", "PercentPhaseFieldOfView", _as_it_is),
    ("PhaseEncodingSteps", "MRAcquisitionPhaseEncodingStepsInPlane", _as_it_is),
    ("PhaseEncodingSteps", "NumberOfPhaseEncodingSteps", _as_it_is),
    ("PhaseEncodingStepsOutOfPlane", "MRAcquisitionPhaseEncodingStepsOutOfPlane", _as_it_is),
    ("FrequencyEncodingSteps", "MRAcquisitionFrequencyEncodingSteps", _as_it_is),
    ("InPlanePhaseEncodingDirectionDICOM", "InPlanePhaseEncodingDirection", _short_direction),
    ("SliceThickness", "SliceThickness", _above_zero),
    ("KVP", "KVP", _as_it_is),
    ("ExposureTime", "ExposureTime", _seconds_above_zero),
    ("XRayTubeCurrent", "XRayTubeCurrent", _as_it_is),
    ("XRayExposure", "Exposure", _as_it_is),
    ("ConvolutionKernel", "ConvolutionKernel", _as_it_is),
    ("ReconstructionMethod", "ReconstructionMethod", _as_it_is),
    ("DecayCorrection", "DecayCorrection", _as_it_is),
    ("AttenuationCorrection", "AttenuationCorrectionMethod", _as_it_is),
)
"""BIDS name, DICOM keyword, and conversion of the value; of several keywords the last that is there counts. Free text
is left out: a series description may name a patient, and a hospital's name, a station or a UID may identify one."""

_OF_FIRST = frozenset({"AcquisitionNumber", "SequenceName"})
"""Names and numbers that may differ from volume to volume, of which BIDS has one for a file: the first volume's."""


@dataclass(frozen=True, slots=True)
class HeaderFacts:
    """What the headers of one volume say beside its metadata.

    Attributes
    ----------
    fields
        As the sidecar has them.
    phase_direction
        Unit vector of phase encoding, LPS; None if it is unknown.
    polarity_known
        True if phase was encoded towards that direction, and False if nothing tells it from the opposite.
    """

    fields: Mapping[str, Value]
    phase_direction: tuple[float, float, float] | None = None
    polarity_known: bool = False


def sidecar(
    volumes: Sequence[Volume],
    *,
    facts: Sequence[HeaderFacts] = (),
    of_file: Mapping[str, Value] = MappingProxyType({}),
    slice_times: Sequence[float] | None = None,
    time_step: float | None = None,
    volume_times: Sequence[float] = (),
    reorient: str = "",
) -> dict[str, Value]:
    """The BIDS fields that the headers of images provide.

    Parameters
    ----------
    volumes
        The volumes of one file, in order. A value that differs between them (echo times) becomes a list.
    facts
        What their headers say beside their metadata, where they come from DICOM.
    of_file
        Fields of all volumes together, which have precedence: lists with a value for each, units in BIDS' words.
    slice_times
        Acquisition time of each slice of a volume, in seconds, in the volume's order; None if unknown.
    time_step
        Seconds from one volume to the next, 0 if there is no such time; None to find it in the metadata.
    volume_times
        Seconds at which volumes were acquired that are not evenly spaced: they stand for the Repetition Time.
    reorient
        Code of the file's reoriented axes, if any: times and directions follow them.

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
        whose = volumes[:1] if name in _OF_FIRST else volumes
        value = _each(_clean(volume.metadata.get(keyword), change) for volume in whose)
        if value is not None:
            found[name] = value
    for name in dict.fromkeys(name for one in facts for name in one.fields):
        value = _each(one.fields.get(name) for one in facts)
        if value is not None:
            found[name] = value
    if "PhaseEncodingStepsNoPartialFourier" in found:
        found.pop("PhaseEncodingSteps", None)
    found |= _phase_encoding(volumes[0], facts, reorient)
    step = step_seconds(volumes) if time_step is None else time_step
    if step and len(volumes) > 1:
        found |= _excitation(found, step)
        if isinstance(found.get("ASLContext"), list) or "ArterialSpinLabelingType" in found:
            found["RepetitionTimePreparation"] = _labelled_each(found, step)
        found["RepetitionTime"] = step  # In BIDS this is the time from volume to volume.
    if volume_times:
        found.pop("RepetitionTime", None)
        name = "FrameTimesStart" if found.get("Modality") == "PT" else "VolumeTiming"
        found[name] = list(volume_times)
    if found.get("Modality") == "PT":
        found.pop("RepetitionTime", None)  # which BIDS has of magnetic resonance only
    spacing = {volume.spacing[0] for volume in volumes}
    if len(spacing) == 1 and (along := spacing.pop()) is not None:
        found["SpacingBetweenSlices"] = along  # The measured spacing: headers are often wrong here.
    units = {volume.unit for volume in volumes}
    unit = units.pop() if len(units) == 1 else ""
    kind = found.get("ImageType")
    if isinstance(kind, list) and "PHASE" in kind and unit.upper() in (*_NO_UNIT, *_PARTS_OF_RADIANS):
        found["Units"] = "arbitrary"  # BIDS demands a unit of phase images, rad or this
    elif unit.upper() not in _NO_UNIT:
        found["Units"] = unit
    if slice_times is not None:
        found |= _slice_timing(volumes[0], slice_times, reorient)
    return {**found, **of_file, "ConversionSoftware": "Voxelry", "ConversionSoftwareVersion": version("voxelry")}


def _labelled_each(found: Mapping[str, Value], step: float) -> float:
    """Seconds from one labelling to the next: a volume's, and of Philips the header's, of each of several shots."""
    said = found.get("RepetitionTime")
    of_shot = found.get("Manufacturer") == "Philips" and isinstance(said, int | float) and said < step
    return float(said) if of_shot and isinstance(said, int | float) else step


def _excitation(found: Mapping[str, Value], step: float) -> dict[str, Value]:
    """The header's Repetition Time of 3-D echo planar images, from excitation to excitation: a volume has several."""
    said, sequence = found.get("RepetitionTime"), found.get("ScanningSequence")
    planar = isinstance(sequence, str) and "EP" in sequence.split("\\")
    if not planar or found.get("MRAcquisitionType") != "3D" or not isinstance(said, int | float):
        return {}
    return {"RepetitionTimeExcitation": said} if 2 * said <= step else {}


def _slice_timing(volume: Volume, times: Sequence[float], reorient: str) -> dict[str, Value]:
    """Slice times in the file's order, and the slices' axis in the file if it is not the third."""
    axis, backwards = slices_of_file(volume, reorient)
    found: dict[str, Value] = {"SliceTiming": list(reversed(times) if backwards else times)}
    return found if axis == "k" else {**found, "SliceEncodingDirection": axis}


def _phase_encoding(volume: Volume, facts: Sequence[HeaderFacts], reorient: str) -> dict[str, Value]:
    """Axis and polarity in the file's axes; the polarity only where all headers say it alike."""
    if not facts or facts[0].phase_direction is None or not volume.geometry.placed:
        return {}
    axes = [phase_encoding_axis(volume, one.phase_direction, reorient) for one in facts if one.phase_direction]
    if len(axes) < len(facts) or len({axis[0] for axis in axes}) != 1:
        return {}
    if all(one.polarity_known for one in facts):
        each: list[Value] = [*axes]
        return {"PhaseEncodingDirection": axes[0] if len(set(axes)) == 1 else each}
    return {"PhaseEncodingAxis": axes[0][0]}


def _each(values: Iterable[Value]) -> Value:
    """A value that all volumes share, else the list of theirs; None if one has none: no other is asked then."""
    found: list[Value] = []
    for value in values:
        if value is None:
            return None
        found.append(value)
    return found[0] if found.count(found[0]) == len(found) else found


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
