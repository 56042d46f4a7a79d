"""Arterial spin labelling as BIDS has it, from enhanced objects and from GE's and Siemens' private attributes."""

from __future__ import annotations

from voxelry.core.makers import maker_name
from voxelry.core.value import Value
from voxelry.dicom.acquisition.siemens_labelling import siemens_labelling
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frame_number, frame_words
from voxelry.dicom.frames.private_places import frame_private_numbers, frame_private_text
from voxelry.dicom.headers.attributes import text
from voxelry.dicom.headers.siemens_csa import protocol_values

_TYPES = {"PSEUDOCONTINUOUS": "PCASL", "CONTINUOUS": "CASL", "PULSED": "PASL"}
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
            return siemens_labelling(protocol_values(frame.header.elements)) | found
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
