"""The time between lines of k-space in echo planar images, by which distortion is corrected.

Effective means as if every line of the reconstructed image had been acquired: parallel imaging shortens it, partial
Fourier does not.
"""

from __future__ import annotations

import math

from voxelry.core.errors import PixelDataError
from voxelry.core.makers import maker_name
from voxelry.core.value import Value
from voxelry.dicom.acquisition.acceleration import whole_number
from voxelry.dicom.acquisition.phase_encoding import EncodedAlong, encoded_along, is_echo_planar
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frame_number
from voxelry.dicom.frames.private_places import SIEMENS_IMAGE, frame_private_numbers
from voxelry.dicom.headers.attributes import numbers, text, texts
from voxelry.dicom.headers.private_attributes import private_creators
from voxelry.dicom.headers.siemens_csa import csa_values, protocol_values

_WATER_FAT_PPM = 3.4
"""How far the resonances of water and fat lie apart, as Philips computes its water-fat shift."""
_GE_LINES_ROUNDED_TO, _GE_LINES_ROUNDED_TO_PARTIAL = 2, 4
"""GE acquires a multiple of so many lines, with partial Fourier of more."""
_MOST_LINES = 1 << 14
"""A larger number in a protocol is none of lines."""
_NEARLY = 1e-3
"""The share that GE writes for parallel imaging, 0.666667, is rounded."""


def echo_spacing(frame: Frame) -> dict[str, Value]:
    """Matrix, bandwidth and echo spacing along phase encoding, by the names and in the units of BIDS.

    Returns
    -------
    fields
        ``EffectiveEchoSpacing`` in seconds and ``TotalReadoutTime``, which is that times ``ReconMatrixPE`` - 1; of
        Philips, who writes neither, ``EstimatedEffectiveEchoSpacing`` and ``EstimatedTotalReadoutTime``.

    References
    ----------
    Brain Imaging Data Structure 1.10, "In-plane spatial encoding" and "Timing parameters"
    """
    found: dict[str, Value] = {}
    lines, size = _acquired_lines(frame), _size(frame, encoded_along(frame))
    if lines is not None:
        found["AcquisitionMatrixPE"] = lines
    if size is None:
        return found
    found["ReconMatrixPE"] = size
    match maker_name(text(frame.header.elements, "Manufacturer")):
        case "Siemens":
            found |= _by_bandwidth(_siemens_bandwidth(frame), size)
        case "UIH":
            found |= _by_bandwidth(_uih_bandwidth(frame), size)
        case "GE":
            found |= _ge(frame, size, lines)
        case "Philips":
            found |= _philips(frame, size)
    return found


def _size(frame: Frame, along: EncodedAlong | None) -> int | None:
    """Pixels along phase encoding in the reconstructed image."""
    rows, columns = frame.pixels.rows, frame.pixels.columns
    if rows == columns:
        return rows
    return None if along is None else rows if along == "column" else columns


def _acquired_lines(frame: Frame) -> int | None:
    """Lines along phase encoding: of Acquisition Matrix, else of a protocol, else the steps of an enhanced object."""
    try:
        matrix = numbers(frame.header.elements, "AcquisitionMatrix")
    except PixelDataError:
        matrix = None
    if matrix is not None and len(matrix) == 4:
        # Rows and columns of frequency encoding, then of phase encoding; the unused ones are 0.
        found = next((int(size) for size in matrix[2:] if size > 0), None)
        if found is not None:
            return found
    if maker_name(text(frame.header.elements, "Manufacturer")) == "Siemens":
        lines = whole_number(protocol_values(frame.header.elements).get("sKSpace.lPhaseEncodingLines", ""))
        if lines is not None and 0 < lines <= _MOST_LINES:
            return lines
    steps = frame_number(frame, "MRAcquisitionPhaseEncodingStepsInPlane")
    return int(steps) if steps is not None and steps > 0 else None


def _spacing(seconds: float, size: int) -> dict[str, Value]:
    return {"EffectiveEchoSpacing": seconds, "TotalReadoutTime": seconds * (size - 1)}


def _by_bandwidth(bandwidth: float | None, size: int) -> dict[str, Value]:
    """By the bandwidth per pixel of the reconstructed image, which accounts for parallel imaging and interpolation."""
    if bandwidth is None:
        return {}
    return {"BandwidthPerPixelPhaseEncode": bandwidth, **_spacing(1 / (bandwidth * size), size)}


def _uih_bandwidth(frame: Frame) -> float | None:
    """Since 2021 UIH writes (0019,xx28); what its software calls the creator of that group has varied."""
    for creator in private_creators(frame.header.elements, 0x0019):
        found = frame_private_numbers(frame, 0x0019, creator, 0x28, "FD")
        if len(found) == 1 and found[0] > 0:
            return found[0]
    return None


def _siemens_bandwidth(frame: Frame) -> float | None:
    for group, creator, element in ((0x0019, "SIEMENS MR HEADER", 0x28), (0x0021, SIEMENS_IMAGE, 0x53)):
        found = frame_private_numbers(frame, group, creator, element, "FD")
        if found and found[0] > 0:
            return found[0]
    for words in csa_values(frame.header.elements).get("BandwidthPerPixelPhaseEncode", ())[:1]:
        try:
            value = float(words)
        except ValueError:
            return None
        return value if math.isfinite(value) and value > 0 else None
    return None


def _ge(frame: Frame, size: int, lines: int | None) -> dict[str, Value]:
    """By GE's spacing of the acquired lines (0043,xx2C), in microseconds, and the share of lines (0043,xx83).

    An image that was interpolated to more pixels has lines in k-space as far apart as before, and there would be more
    of them: the spacing is that of the acquired matrix, and the total that of the reconstructed one.
    """
    own = frame_private_numbers(frame, 0x0043, "GEMS_PARM_01", 0x2C, "SS")
    if not own or own[0] <= 0 or lines is None or lines < 2 or size < 2 or not is_echo_planar(frame):
        return {}
    shares = frame_private_numbers(frame, 0x0043, "GEMS_PARM_01", 0x83, "DS")
    share = shares[0] if shares and 0 < shares[0] <= 1 else 1.0
    partial = "PFF" in texts(frame.header.elements, "ScanOptions")
    step = _GE_LINES_ROUNDED_TO_PARTIAL if partial else _GE_LINES_ROUNDED_TO
    acquired = math.ceil(lines * share / step - _NEARLY) * step
    return _spacing((acquired - 1) * own[0] * 1e-6 / (lines - 1), size)


def _philips(frame: Frame, size: int) -> dict[str, Value]:
    """An estimate by the water-fat shift (2001,xx22): Philips writes no echo spacing."""
    shift = frame_private_numbers(frame, 0x2001, "Philips Imaging DD 001", 0x22, "FL")
    if not shift or shift[0] <= 0:
        return {}
    found: dict[str, Value] = {"WaterFatShift": shift[0]}
    frequency = frame_number(frame, "ImagingFrequency")
    train = _philips_train(frame)
    if frequency is None or frequency <= 0 or train is None or train < 2 or size < 2:
        return found
    total = shift[0] / (frequency * _WATER_FAT_PPM * (train + 1)) * train
    return found | {"EstimatedEffectiveEchoSpacing": total / (size - 1), "EstimatedTotalReadoutTime": total}


def _philips_train(frame: Frame) -> float | None:
    """Echoes after one excitation: EPI factor (2001,xx13), else the gradient echo train."""
    own = frame_private_numbers(frame, 0x2001, "Philips Imaging DD 001", 0x13, "SL")
    if own and own[0] > 1:
        return own[0]
    if not is_echo_planar(frame):
        return None
    return frame_number(frame, "GradientEchoTrainLength") or frame_number(frame, "EchoTrainLength")
