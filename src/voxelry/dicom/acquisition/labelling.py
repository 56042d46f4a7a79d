"""Arterial spin labelling as BIDS has it, from enhanced objects and from GE's and Siemens' private attributes."""

from __future__ import annotations

from voxelry.core.makers import maker_name
from voxelry.core.value import Value
from voxelry.dicom.acquisition.siemens_settings import protocol_number
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frame_number, frame_words
from voxelry.dicom.frames.private_places import frame_private_numbers, frame_private_text
from voxelry.dicom.headers.attributes import text
from voxelry.dicom.headers.siemens_csa import protocol_values

_TYPES = {"PSEUDOCONTINUOUS": "PCASL", "CONTINUOUS": "CASL", "PULSED": "PASL"}
_SIEMENS_TYPES = (("pcasl", "PCASL"), ("pasl", "PASL"), ("fairest", "PASL"))
"""A word in the name of Siemens' sequence."""
_SIEMENS_PRODUCTS = ("ep2d_pasl", "tgse_pasl")
"""Sequences whose protocol has bolus and inversion time, in microseconds."""
_CONTEXTS = {"LABEL": "label", "CONTROL": "control", "M_ZERO_SCAN": "m0scan"}


def labelling_fields(frame: Frame) -> dict[str, Value]:
    """Type of labelling, durations and delays in seconds; empty for images without labelling.

    References
    ----------
    PS3.3 C.8.13.5.14 (MR Arterial Spin Labeling)
    """
    found = _standard(frame)
    match maker_name(text(frame.header.elements, "Manufacturer")):
        case "GE":
            return found | _ge(frame)
        case "Siemens":
            return _siemens(frame) | found
        case "Philips":
            said = frame_private_text(frame, 0x2005, "Philips MR Imaging DD 005", 0x29)
            return found | ({"ASLContext": _CONTEXTS[said]} if said in _CONTEXTS else {})
    return found


def _standard(frame: Frame) -> dict[str, Value]:
    contrast, context = frame_words(frame, "ArterialSpinLabelingContrast"), frame_words(frame, "ASLContext")
    found: dict[str, Value] = {}
    if contrast and contrast[0] in _TYPES:
        found["ArterialSpinLabelingType"] = _TYPES[contrast[0]]
    if context and context[0] in _CONTEXTS:
        found["ASLContext"] = _CONTEXTS[context[0]]
    duration = frame_number(frame, "ASLPulseTrainDuration")
    if duration is not None and duration > 0:
        found["LabelingDuration"] = duration / 1000
    for name, keyword in (("VascularCrushing", "ASLCrusherFlag"), ("BolusCutOffFlag", "ASLBolusCutoffFlag")):
        said = frame_words(frame, keyword)
        if said and said[0] in ("YES", "NO"):
            found[name] = said[0] == "YES"
    return found


def _ge(frame: Frame) -> dict[str, Value]:
    """GE's perfusion weighted images say PSEUDOCONTINUOUS, and its proton density reference CONTINUOUS."""
    contrast = frame_private_text(frame, 0x0043, "GEMS_PARM_01", 0xA3)
    found: dict[str, Value] = {}
    if contrast:
        found["ASLContrastTechnique"] = contrast
    technique = frame_private_text(frame, 0x0043, "GEMS_PARM_01", 0xA4)
    if technique:
        found["ASLLabelingTechnique"] = technique
    if contrast == "PSEUDOCONTINUOUS":
        found["ArterialSpinLabelingType"] = "PCASL"
    duration = frame_private_numbers(frame, 0x0043, "GEMS_PARM_01", 0xA5, "IS")
    if not duration or duration[0] <= 0:
        return found
    found["LabelingDuration"] = duration[0] / 1000
    delay = frame_number(frame, "InversionTime")
    return found if delay is None or delay <= 0 else found | {"PostLabelingDelay": delay / 1000}


def _siemens(frame: Frame) -> dict[str, Value]:
    protocol = protocol_values(frame.header.elements)
    sequence = protocol.get("tSequenceFileName", "").lower()
    kind = next((kind for word, kind in _SIEMENS_TYPES if word in sequence), "")
    if not kind:
        return {}
    found: dict[str, Value] = {"ArterialSpinLabelingType": kind}
    if any(product in sequence for product in _SIEMENS_PRODUCTS):
        for name, key in (("BolusDuration", "alTI[0]"), ("InversionTime", "alTI[2]")):
            value = protocol_number(protocol, key)
            if value is not None and value > 0:
                found[name] = round(value * 1e-6, 9)
    return found
