"""Settings of Siemens' scanners, from their protocols and private attributes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from voxelry.core.value import Value
from voxelry.dicom.acquisition.acceleration import whole_number
from voxelry.dicom.acquisition.image_type import siemens_image_type
from voxelry.dicom.frames.diffusion import weighting_of
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frame_words
from voxelry.dicom.frames.image_parts import complex_part
from voxelry.dicom.frames.private_places import (
    SIEMENS_IMAGE,
    frame_private_numbers,
    frame_private_text,
    private_places,
)
from voxelry.dicom.headers.attributes import texts
from voxelry.dicom.headers.siemens_csa import protocol_values

_NUMBERS = (
    # in the sidecar, in the protocol, unit
    ("BaseResolution", "sKSpace.lBaseResolution", 1.0),
    ("PhaseResolution", "sKSpace.dPhaseResolution", 1.0),
    ("PhaseOversampling", "sKSpace.dPhaseOversamplingForDialog", 1.0),
    ("TxRefAmp", "sTXSPEC.asNucleusInfo[0].flReferenceAmplitude", 1.0),
    ("DelayTime", "lDelayTimeInTR", 1e-6),
    ("VendorReportedEchoSpacing", "sFastImaging.lEchoSpacing", 1e-6),
    ("RefLinesPE", "sPat.lRefLinesPE", 1.0),
)
"""Numbers above 0; seconds are microseconds in the protocol."""
_SHIMS = (
    ("sGRADSPEC.asGPAData[0].lOffsetX", "sGRADSPEC.lOffsetX"),
    ("sGRADSPEC.asGPAData[0].lOffsetY", "sGRADSPEC.lOffsetY"),
    ("sGRADSPEC.asGPAData[0].lOffsetZ", "sGRADSPEC.lOffsetZ"),
    *((f"sGRADSPEC.alShimCurrent[{number}]",) for number in range(5)),
)
"""Three of first order and five of second order; newer names before older ones."""
_COIL = re.compile(r"(?:^|\.)sCoilElementID\.tCoilID$")
_COIL_ELEMENTS = re.compile(r"(?:^|\.)sCoilStringForConversion$")
_BASELINES = ("sProtConsistencyInfo.tMeasuredBaselineString", "sProtConsistencyInfo.tBaselineString")
"""The version of the protocol's software."""
_CONVERTED_FROM = "sProtConsistencyInfo.ulConvFromVersion"
"""The same of XA, which has no baseline: a number."""
_FREE_TEXT = ("sWipMemBlock.tFree", "sWiPMemBlock.tFree")
"""What a sequence under development writes about itself; its block is spelled in two ways."""
_LEARNED = frozenset(("DRB", "DRG", "DRS"))
"""Words of Image Type for Deep Resolve: boost, gain and sharp."""
_SCHEMES = {1: "Bipolar", 2: "Monopolar"}
_COMBINATIONS = {1: "Sum of Squares", 2: "Adaptive Combine"}


def siemens_settings(frame: Frame) -> dict[str, Value]:
    """The settings by the names that dcm2niix gave them; lengths of time in seconds. What is not said is left out."""
    protocol = protocol_values(frame.header.elements)
    found: dict[str, Value] = {}
    for name, key, unit in _NUMBERS:
        value = protocol_number(protocol, key)
        if value is not None and value > 0:
            found[name] = int(value) if unit == 1.0 and value.is_integer() else round(value * unit, 9)
    shims = [_first(protocol, names) for names in _SHIMS]
    if any(shim is not None for shim in shims):
        found["ShimSetting"] = [int(shim) if shim is not None and shim.is_integer() else shim or 0 for shim in shims]
    for name, pattern in (("ReceiveCoilName", _COIL), ("ReceiveCoilActiveElements", _COIL_ELEMENTS)):
        words = next((value for key, value in protocol.items() if pattern.search(key) and value), "")
        if words:
            found[name] = words
    sequence = protocol.get("tSequenceFileName", "")
    if sequence:
        found["PulseSequenceDetails"] = sequence
    baseline = next(filter(None, (protocol.get(key, "") for key in (*_BASELINES, _CONVERTED_FROM))), "")
    if baseline:
        found["ConsistencyInfo"] = baseline
    echoes = [protocol_number(protocol, f"alTE[{number}]") or 0.0 for number in range(2)]
    if complex_part(frame) == "phase" and min(echoes) > 0:  # BIDS asks for both of a difference of phases
        found |= {"EchoTime1": round(echoes[0] * 1e-6, 9), "EchoTime2": round(echoes[1] * 1e-6, 9)}
    combination = _COMBINATIONS.get(whole_number(protocol.get("ucCoilCombineMode", "")) or 0)
    if combination:
        found["CoilCombinationMethod"] = combination
    found |= _of_sequence(frame, protocol) | _deep_learning(frame)
    return found | _diffusion_scheme(frame, protocol) | _coil_and_dwell_time(frame) | _of_xa(frame)


def _of_sequence(frame: Frame, protocol: Mapping[str, str]) -> dict[str, Value]:
    """What a sequence under development says of itself, interpolation, and pulses for magnetization transfer.

    The last only where the standard's attribute, which XA writes, says nothing of them.
    """
    found: dict[str, Value] = {}
    words = next(filter(None, (protocol.get(key, "") for key in _FREE_TEXT)), "")
    if words:
        found["WipMemBlock"] = words
    if interpolated := whole_number(protocol.get("sKSpace.uc2DInterpolation", "")):
        found["Interpolation2D"] = interpolated
    pulses = whole_number(protocol.get("sPrepPulses.ucMTC", ""))
    return found | ({"MTState": True} if pulses and not frame_words(frame, "MagnetizationTransfer") else {})


def _deep_learning(frame: Frame) -> dict[str, Value]:
    """Whether images were made by Siemens' Deep Resolve, and by which networks (0021,xx76)."""
    words = {*texts(frame.header.elements, "ImageType"), *siemens_image_type(frame)}
    if _LEARNED.isdisjoint(words):
        return {}
    details = frame_private_text(frame, 0x0021, SIEMENS_IMAGE, 0x76)
    return {"DeepLearning": True} | ({"DeepLearningDetails": details} if details else {})


def _diffusion_scheme(frame: Frame, protocol: Mapping[str, str]) -> dict[str, Value]:
    """Whether the gradients of a diffusion image change their sign, on which eddy currents depend."""
    if weighting_of(frame) is None:
        return {}
    scheme = whole_number(protocol.get("sDiffusion.dsScheme", ""))
    if not scheme:  # CMRR's sequence has a parameter of its own, with the numbers swapped
        scheme = 3 - (whole_number(protocol.get("sWipMemBlock.ucReadOutMode", "")) or 0)
    return {"DiffusionScheme": _SCHEMES[scheme]} if scheme in _SCHEMES else {}


def _of_xa(frame: Frame) -> dict[str, Value]:
    """What XA says of its sequence in a private functional group: attributes that enhanced objects do not have."""
    found: dict[str, Value] = {}
    for place in private_places(frame, 0x0021) if frame.groups else ():
        for keyword in ("ScanningSequence", "SequenceVariant", "ScanOptions"):
            words = texts(place, keyword)
            if words and keyword not in found:
                found[keyword] = "\\".join(words)
    return found


def _coil_and_dwell_time(frame: Frame) -> dict[str, Value]:
    found: dict[str, Value] = {}
    coil = frame_private_text(frame, 0x0051, "SIEMENS MR HEADER", 0x0F)
    coil = coil or frame_private_text(frame, 0x0021, SIEMENS_IMAGE, 0x4F)
    if coil:
        found["CoilString"] = coil
    plane = frame_private_text(frame, 0x0051, "SIEMENS MR HEADER", 0x0E)
    if plane:
        found["ImageOrientationText"] = plane
    for group, creator, element in ((0x0019, "SIEMENS MR HEADER", 0x18), (0x0021, SIEMENS_IMAGE, 0x42)):
        dwell = frame_private_numbers(frame, group, creator, element, "IS")
        if dwell and dwell[0] > 0:
            found["DwellTime"] = round(dwell[0] * 1e-9, 12)
            break
    return found


def protocol_number(protocol: Mapping[str, str], name: str) -> float | None:
    """A number of a Siemens protocol; None if it is absent or no number."""
    words = protocol.get(name, "")
    try:
        return float(words)
    except ValueError:
        whole = whole_number(words)
        return None if whole is None else float(whole)


def _first(protocol: Mapping[str, str], names: tuple[str, ...]) -> float | None:
    return next((value for name in names if (value := protocol_number(protocol, name)) is not None), None)
