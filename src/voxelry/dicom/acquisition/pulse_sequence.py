"""What BIDS calls the type of a pulse sequence, in general words."""

from __future__ import annotations

from collections.abc import Mapping

from voxelry.core.value import Value
from voxelry.dicom.acquisition.phase_encoding import is_echo_planar
from voxelry.dicom.frames.diffusion import weighting_of
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import text, texts

_GRADIENT, _SPIN = "Gradient Echo", "Spin Echo"
_STANDARD = {"GRADIENT": _GRADIENT, "SPIN": _SPIN}
"""By Echo Pulse Sequence (0018,9008) of enhanced objects."""
_SIEMENS = {"epfid": _GRADIENT, "epse": _SPIN, "ep_b": _SPIN}
"""In the names of Siemens' sequences, whose Scanning Sequence is EP alone; the last are those of diffusion."""


def pulse_sequence_type(frame: Frame, fields: Mapping[str, Value]) -> dict[str, Value]:
    """The echo that is read, and of echo planar images whether slices are excited together.

    Parameters
    ----------
    fields
        What is known of the acquisition, of which ``MultibandAccelerationFactor`` counts.

    Returns
    -------
    fields
        ``PulseSequenceType``: ``Multiband Gradient Echo EPI``, ``Inversion Recovery Spin Echo``; empty where the header
        does not tell the echo.
    """
    planar = is_echo_planar(frame)
    echo = _echo(frame) or (_planar_echo(frame) if planar else "")
    if not echo:
        return {}
    if not planar:
        inverted = echo == _SPIN and "IR" in texts(frame.header.elements, "ScanningSequence")
        return {"PulseSequenceType": f"Inversion Recovery {echo}" if inverted else echo}
    return {"PulseSequenceType": f"{'Multiband ' if 'MultibandAccelerationFactor' in fields else ''}{echo} EPI"}


def _echo(frame: Frame) -> str:
    top = frame.header.elements
    said = _STANDARD.get(text(top, "EchoPulseSequence"), "")
    if said:
        return said
    words = texts(top, "ScanningSequence")
    if ("SE" in words) == ("GR" in words):
        return ""
    return _SPIN if "SE" in words else _GRADIENT


def _planar_echo(frame: Frame) -> str:
    """By the name of Siemens' sequence, or because diffusion weighting is that of a spin echo."""
    top = frame.header.elements
    name = text(top, "SequenceName") or text(top, "PulseSequenceName")
    by_name = next((echo for part, echo in _SIEMENS.items() if part in name), "")
    weighting = None if by_name else weighting_of(frame)
    return by_name or (_SPIN if weighting is not None and weighting.b_value > 0 else "")
