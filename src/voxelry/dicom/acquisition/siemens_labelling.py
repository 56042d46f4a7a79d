"""Arterial spin labelling of sequences on Siemens' scanners, by their names and the free parameters of their protocols.

Each research sequence keeps its delays in free parameters of its own; of a sequence that is not known by name, only the
type is told. What the parameters mean is in the sequences' manuals, and in https://github.com/neurolabusc/dcm_qa_asl.
"""

from __future__ import annotations

from collections.abc import Mapping

from voxelry.core.value import Value
from voxelry.dicom.acquisition.siemens_settings import protocol_number

_TYPES = (("pcasl", "PCASL"), ("pasl", "PASL"), ("fairest", "PASL"))
"""A word in the name of the sequence."""
_PRODUCTS = {"ep2d_pasl": "PICORE", "tgse_pasl": "FAIR QII"}
"""Sequences whose protocol has bolus and inversion time, in microseconds, and their type of pulsed labelling."""
_BLOCK_SECONDS = 0.0184
"""Of ``ep2d_pcasl``: the duration of a block of 20 labelling pulses."""
_DELAYS = {"to_ep2d_vepcasl": range(11, 31), "jw_tgse_vepcasl": range(30, 38)}
"""Sequences with several delays, in milliseconds, one for each of these free numbers."""


def siemens_labelling(protocol: Mapping[str, str]) -> dict[str, Value]:
    """Type, durations and delays by the names of BIDS, in seconds and millimetres; empty for other sequences."""
    sequence = protocol.get("tSequenceFileName", "").lower()
    kind = next((kind for word, kind in _TYPES if word in sequence), "")
    if not kind:
        return {}
    found: dict[str, Value] = {"ArterialSpinLabelingType": kind}
    product = next((name for name in _PRODUCTS if name in sequence), "")
    if product:
        found["PASLType"] = _PRODUCTS[product]
    if product or "to_ep2d_vepcasl" in sequence:
        for name, key in (("BolusDuration", "alTI[0]"), ("InversionTime", "alTI[2]")):
            found |= _above_zero(name, protocol_number(protocol, key), 1e-6)
    if "ep2d_pcasl" in sequence:
        found |= _above_zero("LabelingDistance", _free(protocol, "ad", 1), 1.0)
        found |= _above_zero("PostLabelingDelay", _free(protocol, "ad", 2), 1e-6)
        found |= _above_zero("LabelingDuration", _free(protocol, "ad", 3), _BLOCK_SECONDS)
    elif "fairest" in sequence:
        found["PASLType"] = "FAIR"
        found |= _above_zero("PostLabelingDelay", _free(protocol, "ad", 4), 1e-3)
    elif "to_ep2d_vepcasl" in sequence:
        found |= _above_zero("LabelingDuration", _free(protocol, "al", 9), 1e-3)
    return found | _delays(protocol, sequence)


def _delays(protocol: Mapping[str, str], sequence: str) -> dict[str, Value]:
    places = next((places for name, places in _DELAYS.items() if name in sequence), ())
    delays: list[Value] = [round(delay * 1e-3, 9) for n in places if (delay := _free(protocol, "al", n) or 0.0) > 0]
    return {"PostLabelingDelay": delays} if delays else {}


def _free(protocol: Mapping[str, str], kind: str, number: int) -> float | None:
    """A free parameter, a whole number (``al``) or not (``ad``); its block is spelled in two ways."""
    names = (f"sWipMemBlock.{kind}Free[{number}]", f"sWiPMemBlock.{kind}Free[{number}]")
    return next((value for name in names if (value := protocol_number(protocol, name)) is not None), None)


def _above_zero(name: str, value: float | None, unit: float) -> dict[str, Value]:
    return {name: round(value * unit, 9)} if value is not None and value > 0 else {}
