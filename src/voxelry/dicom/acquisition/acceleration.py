"""How an acquisition was shortened: lines of k-space left out, and slices excited together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress

from voxelry.core.makers import maker_name
from voxelry.core.value import Value
from voxelry.dicom.acquisition.ge_protocol import ge_bands, ge_protocol_words
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frame_number, frame_words
from voxelry.dicom.frames.private_places import SIEMENS_IMAGE, frame_private_numbers, frame_private_text
from voxelry.dicom.headers.attributes import text, texts
from voxelry.dicom.headers.siemens_csa import protocol_values

_PARTIAL_FOURIER = {1: 0.5, 2: 0.625, 4: 0.75, 8: 0.875, 16: 1.0}
"""The fraction of k-space by Siemens' number for it: 4/8 to 8/8."""
_MODES = {1: "SENSE", 2: "GRAPPA"}
_MOST = 1000.0
"""A larger factor is none."""
_IN_PLANE, _SLICES = re.compile(r"p(\d+(?:\.\d+)?)"), re.compile(r"s(\d+)")
"""Siemens writes ``p2s4``: two-fold within the plane, four slices at once."""
_UNALIASED = re.compile(r"(?:Not for diagnostic use, )?Unaliased MB(\d{1,2})/")
"""How CMRR's sequence begins a comment on images that were acquired several at once: ``Unaliased MB3/PE3/LB``."""
_FACTOR = re.compile(r":(\d+(?:\.\d+)?)")
"""UIH writes ``F:2S``."""


def acceleration(frame: Frame) -> dict[str, Value]:
    """Parallel imaging, partial Fourier and simultaneous slices, by the names and in the units of BIDS.

    Returns
    -------
    fields
        ``ParallelReductionFactorInPlane`` above 1, ``PartialFourier`` as the fraction of k-space that was acquired,
        ``MultibandAccelerationFactor`` above 1, ... ; what the header does not say is left out.
    """
    found: dict[str, Value] = {}
    maker = maker_name(text(frame.header.elements, "Manufacturer"))
    match maker:
        case "Siemens":
            found = _siemens(frame)
        case "GE":
            found = _ge(frame)
        case "UIH":
            factor = _FACTOR.search(frame_private_text(frame, 0x0065, "Image Private Header", 0x0D))
            found = _above_one("ParallelReductionFactorInPlane", float(factor[1]) if factor else None)
    if maker != "Siemens":  # XA's attributes of the standard contradict its own protocol
        in_plane = frame_number(frame, "ParallelReductionFactorInPlane")
        across = frame_number(frame, "ParallelReductionFactorOutOfPlane")
        found = (
            _above_one("ParallelReductionFactorInPlane", in_plane)
            | _above_one("ParallelReductionFactorOutOfPlane", across)
            | found
        )
    technique = frame_words(frame, "ParallelAcquisitionTechnique")
    if technique and technique[0] not in ("NONE", ""):
        found["ParallelAcquisitionTechnique"] = technique[0]
    return found | _partial_fourier(frame)


def _above_one(name: str, factor: float | None) -> dict[str, Value]:
    """A factor, as a whole number where it is one; nothing if it shortens nothing."""
    if factor is None or factor <= 1:
        return {}
    return {name: int(factor) if factor.is_integer() else factor}


def _partial_fourier(frame: Frame) -> dict[str, Value]:
    """What the standard has: whether and along which axis, and not how much. GE writes PFF whatever the axis is."""
    said, options = frame_words(frame, "PartialFourier"), texts(frame.header.elements, "ScanOptions")
    if (said and said[0] != "YES") or not (said or {"PFF", "PFP"} & set(options)):
        return {}
    found: dict[str, Value] = {"PartialFourierEnabled": "YES"}
    direction = frame_words(frame, "PartialFourierDirection") or (("PHASE",) if "PFP" in options else ())
    return found | ({"PartialFourierDirection": direction[0]} if direction else {})


def _siemens(frame: Frame) -> dict[str, Value]:
    words = frame_private_text(frame, 0x0051, "SIEMENS MR HEADER", 0x11)
    words = words or frame_private_text(frame, 0x0021, "SIEMENS MR SDS 01", 0x09)
    words = words or frame_private_text(frame, 0x0021, SIEMENS_IMAGE, 0x56)
    protocol = protocol_values(frame.header.elements)
    in_plane, slices = _IN_PLANE.search(words), _SLICES.search(words)
    found: dict[str, Value] = {}
    mode = whole_number(protocol.get("sPat.ucPATMode", ""))
    factor = float(in_plane[1]) if in_plane else whole_number(protocol.get("sPat.lAccelFactPE", ""))
    found |= _above_one("ParallelReductionFactorInPlane", None if factor is None else float(factor))
    if found and mode in _MODES:
        found["MatrixCoilMode"] = _MODES[mode]
    third = whole_number(protocol.get("sPat.lAccelFact3D", ""))
    found |= _above_one("ParallelReductionFactorOutOfPlane", None if third is None else float(third))
    found |= _compressed_sensing(frame, protocol)
    bands = float(slices[1]) if slices else whole_number(protocol.get("sSliceAcceleration.lMultiBandFactor", ""))
    comment = _UNALIASED.match(text(frame.header.elements, "ImageComments"))
    bands = float(comment[1]) if comment and (bands is None or bands <= 1) else bands
    found |= _above_one("MultibandAccelerationFactor", None if bands is None else float(bands))
    share = _PARTIAL_FOURIER.get(whole_number(protocol.get("sKSpace.ucPhasePartialFourier", "")) or 0)
    return found if share is None else found | {"PartialFourier": share}


def _compressed_sensing(frame: Frame, protocol: Mapping[str, str]) -> dict[str, Value]:
    """The acceleration of Siemens' 3-D acquisitions, where parallel imaging does not explain it."""
    if text(frame.header.elements, "MRAcquisitionType") != "3D":
        return {}
    try:
        total = float(protocol.get("sPat.dTotalAccelFact", ""))
    except ValueError:
        return {}
    known = [whole_number(protocol.get(f"sPat.lAccelFact{axis}", "")) or 1 for axis in ("PE", "3D")]
    product = known[0] * known[1]
    return _above_one("CompressedSensingFactor", total) if 1 < total < _MOST and total > product > 0 else {}


def _ge(frame: Frame) -> dict[str, Value]:
    found: dict[str, Value] = {}
    shares = frame_private_numbers(frame, 0x0043, "GEMS_PARM_01", 0x83, "DS")
    names = ("ParallelReductionFactorInPlane", "ParallelReductionFactorOutOfPlane")
    for name, share in zip(names, shares, strict=False):
        found |= _above_one(name, round(1 / share, 3) if share > 0 else None)
    found |= _above_one("MultibandAccelerationFactor", float(ge_bands(frame, ge_protocol_words(frame))))
    sensing = frame_private_text(frame, 0x0043, "GEMS_PARM_01", 0xB7).split("\\")[0]
    with suppress(ValueError):
        found |= _above_one("CompressedSensingFactor", float(sensing))
    return found


def whole_number(words: str) -> int | None:
    """A whole number as Siemens' protocols write it: ``2`` or ``0x2``; None if it is none."""
    try:
        return int(words, 0)
    except ValueError:
        return None
