"""Diffusion weighting as makers write it in private attributes, which are found by their private creator.

Each maker has its own frame of reference, from which vectors are turned into the patient's:

=========  ===========================================  ===========================================================
maker      attributes                                   frame of the vector
=========  ===========================================  ===========================================================
Siemens    (0019,xx0C), (0019,xx0E), (0019,xx27); the   the patient's (LPS)
           same in the CSA header (0029,xx10); of XA
           (0021,xx05), (0021,xx46), (0021,xx23)
GE         (0043,xx39); (0019,xxBB), (0019,xxBC) and    frequency, phase and slice of the acquisition: see `_of_ge`
           (0019,xxBD)
Philips    (2001,xx03), (2001,xx04); (2005,xxB0),       the patient's (right-left, anterior-posterior, feet-head)
           (2005,xxB1) and (2005,xxB2)
UIH        (0065,xx09), (0065,xx37)                     the image's: rows, columns, normal
Canon      Image Comments (0020,4000)                   as GE's, phase before frequency
=========  ===========================================  ===========================================================

These attributes are not documented by all makers. What is known comes from conformance statements, from
https://www.na-mic.org/wiki/NAMIC_Wiki:DTI:DICOM_for_DWI_and_DTI, and from the validation of dcm2niix with phantoms and
volunteers: for GE its issues 163 and 970, for UIH 225 and 836, for Canon 388 and 422.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias
from weakref import WeakKeyDictionary

from voxelry.core.affine import cross
from voxelry.dicom.frames.diffusion_weighting import SHORTEST, Direction, SaidOfDiffusion, in_patient
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_attributes import frame_words
from voxelry.dicom.frames.private_places import SIEMENS_IMAGE, private_places
from voxelry.dicom.headers.attributes import Attributes, text
from voxelry.dicom.headers.comparable import comparable_number
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.private_attributes import (
    all_numbers,
    first_number,
    private_value,
    private_values,
)
from voxelry.dicom.headers.siemens_csa import csa_values

_BLOCKS = range(0x10, 0x20)
"""Where private creators are; without one in its group, a maker's attributes are not looked for."""
_SIEMENS = "SIEMENS MR HEADER"
_XA = (0x05, 0x21, 0x23, 0x46)
"""Of XA: b-value, directionality, b matrix and direction."""
_XA_B_VALUE = b"\x21\0\x05"
"""How the tag of XA's b-value begins, whatever block its creator has."""
_Reader: TypeAlias = Callable[[Frame], SaidOfDiffusion | None]
_READERS: WeakKeyDictionary[Header, tuple[_Reader, ...]] = WeakKeyDictionary()
"""Of an instance, which may have many thousand frames."""
_XA_KNOWN: WeakKeyDictionary[Elements, bool] = WeakKeyDictionary()
"""Of functional groups, of which frames share one: whether they may have a b-value."""
_GE, _GE_VECTOR, _GE_SERIES = "GEMS_PARM_01", "GEMS_ACQU_01", "GEMS_RELA_01"
_PHILIPS, _PHILIPS_VECTOR = "Philips Imaging DD 001", "Philips MR Imaging DD 001"
_UIH = "Image Private Header"
_MAY_BE_DIFFUSION = ("DIFFUSION", "MIXED", "UNKNOWN")
"""Values of Acquisition Contrast (0008,9209)."""
_LARGEST = 100_000.0
"""s/mm2; a larger number is no b-value."""
_GE_T2, _GE_TENSOR = 14, 16
"""Values of GE's kind of image: one without weighting, and one of a tensor acquisition."""
_GE_SCALED = (0.03, 0.97)
"""Lengths of GE's vectors that scale the b-value; beyond them the length is that of rounding."""
_GE_STEP = 5.0
_CANON = re.compile(r"b=(\d{1,5})\((-?\d\.\d{1,6}),(-?\d\.\d{1,6}),(-?\d\.\d{1,6})\)")
_CANON_MAKERS = ("CANON", "TOSHIBA")


def makers_diffusion(frame: Frame) -> SaidOfDiffusion | None:
    """What a maker's private attributes say of a frame; None where none are known."""
    readers = _READERS.get(frame.header)
    if readers is None:
        readers = _READERS.setdefault(frame.header, _readers_of(frame))
    for read in readers:
        said = read(frame)
        if said is not None:
            return said
    return None


def _readers_of(frame: Frame) -> tuple[_Reader, ...]:
    """What may say something of the frames of an instance: by the groups whose blocks are reserved there."""
    groups = {
        0x0019: _of_siemens, 0x0021: _of_siemens_xa, 0x0029: _of_siemens, 0x0043: _of_ge, 0x2001: _of_philips,
        0x0065: _of_uih,
    }  # fmt: skip
    tags = frame.header.elements.encoded or frame.header.elements.dataset.keys()
    reserved = {tag >> 16 for tag in tags if tag & 0xFFFF in _BLOCKS} & groups.keys()
    known: set[_Reader] = {_of_canon, *(groups[group] for group in reserved)}
    if frame.groups:
        known |= {_of_siemens_xa, _of_philips}
    order = (_of_siemens, _of_siemens_xa, _of_ge, _of_philips, _of_uih, _of_canon)
    return tuple(read for read in order if read in known)


def is_uih(frame: Frame) -> bool:
    """True if UIH's own attribute has the direction: the standard's does not follow a turned image there."""
    return private_value(frame.header.elements, 0x0065, _UIH, 0x37) is not None


# --- Siemens ----------------------------------------------------------------------------------------------------------


def _of_siemens(frame: Frame) -> SaidOfDiffusion | None:
    """Siemens' values, from attributes of their own, and those that are missing from the CSA header."""
    elements = frame.header.elements
    own = private_values(elements, 0x0019, _SIEMENS, (0x0C, 0x0D, 0x0E, 0x27))
    b_value, kind, vector = _b_value(own[0]), _words(own[1]), _three(own[2])
    matrix = None if own[3] is None else all_numbers(own[3], 6)
    if b_value is None or (b_value > 0 and vector is None):
        csa = csa_values(elements, part="image")
        b_value = _b_value(_csa_content(csa, "B_value")) if b_value is None else b_value
        vector = vector or _three(_csa_content(csa, "DiffusionGradientDirection"))
        content = _csa_content(csa, "B_matrix")
        matrix = all_numbers(content, 6) if matrix is None and content is not None else matrix
        kind = kind or _words(_csa_content(csa, "DiffusionDirectionality"))
    return None if b_value is None else _siemens_said(b_value, vector, matrix, kind)


def _of_siemens_xa(frame: Frame) -> SaidOfDiffusion | None:
    """XA's values, of a functional group or of a classic instance."""
    if frame.groups and not any(map(_may_have_b_value, frame.groups)):
        return None
    for elements in private_places(frame, 0x0021):
        said = private_values(elements, 0x0021, SIEMENS_IMAGE, _XA)
        b_value = _b_value(said[0])
        if b_value is not None:
            matrix = None if said[2] is None else all_numbers(said[2], 6)
            return _siemens_said(b_value, _three(said[3]), matrix, _words(said[1]))
    return None


def _may_have_b_value(group: Attributes) -> bool:
    """False if no byte of a functional group begins XA's b-value: most of many thousand frames are not of diffusion."""
    if not isinstance(group, Elements) or group.encoded is None:
        return True
    known = _XA_KNOWN.get(group)
    if known is None:
        values = [value for tag, (_, value) in group.encoded.items() if tag >> 16 == 0x0021]
        known = _XA_KNOWN[group] = any(_XA_B_VALUE in value for value in values)
    return known


def _csa_content(csa: Mapping[str, tuple[str, ...]], name: str) -> bytes | None:
    values = csa.get(name)
    return "\\".join(values).encode("latin-1", "replace") if values else None


def _siemens_said(
    b_value: float, vector: Direction | None, matrix: tuple[float, ...] | None, kind: str
) -> SaidOfDiffusion:
    """What Siemens' values mean: old software marks images without weighting by a vector that cannot be."""
    if vector is not None and all(component < -1 for component in vector):
        return SaidOfDiffusion(0.0, (0.0, 0.0, 0.0), None, "NONE")
    return SaidOfDiffusion(b_value, vector, matrix, kind if kind == "ISOTROPIC" else "")


# --- GE ---------------------------------------------------------------------------------------------------------------


def _of_ge(frame: Frame) -> SaidOfDiffusion | None:
    """GE's b-value, and its vector in frequency, phase and slice direction of the acquisition, turned into the patient.

    With columns as phase direction, frequency grows along the rows and phase along the columns, and slice against the
    normal; with rows as phase direction, phase grows along the rows and frequency against the columns. In coronal
    images, phase is the other way round. The sign of the whole vector, on which nothing depends, is that of dcm2niix.
    Acquisitions of several b-values have the largest of them, and a vector whose squared length is the fraction of it.
    """
    elements = frame.header.elements
    written, kind = private_values(elements, 0x0043, _GE, (0x39, 0x30))
    whole = None if written is None else first_number(written)
    if whole is None or whole < 0:
        return None
    b_value = comparable_number(whole % _LARGEST)  # software adds 1e9 to b-values of multi-shell protocols
    components = [
        None if content is None else first_number(content)
        for content in private_values(elements, 0x0019, _GE_VECTOR, (0xBB, 0xBC, 0xBD))
    ]
    image = _integer(kind)
    series = _integer(private_value(elements, 0x0021, _GE_SERIES, 0x5A))
    if b_value == 0 and image not in (_GE_T2, _GE_TENSOR) and not series:
        return SaidOfDiffusion(b_value, doubtful=True)  # GE writes it in all images of echo planar sequences
    known = [component for component in components if component is not None]
    if image == _GE_T2:
        return SaidOfDiffusion(0.0, None, None, "NONE")
    if len(known) < 3:
        return SaidOfDiffusion(b_value)
    length = math.hypot(*known)
    if length <= SHORTEST:
        # Of a tensor's images it is a b-value of 0; of those that were combined from them it is no direction.
        tensor = (image or series) == _GE_TENSOR
        return SaidOfDiffusion(0.0 if tensor else b_value, None, None, "NONE" if tensor else "")
    if _GE_SCALED[0] < length < _GE_SCALED[1]:
        b_value = max(_GE_STEP, _GE_STEP * math.floor(b_value * length**2 / _GE_STEP + 0.5))
    return SaidOfDiffusion(b_value, from_phase_frame(frame, known))


def from_phase_frame(frame: Frame, components: Sequence[float]) -> Direction | None:
    """A vector of frequency, phase and slice direction in the patient, as `_of_ge` says.

    None if the header does not say how the image lies, or which direction is the phase's.
    """
    axes = _image_axes(frame)
    phase_axis = text(frame.header.elements, "InPlanePhaseEncodingDirection")
    if axes is None or phase_axis not in ("ROW", "COL", "COLUMN"):
        return None
    frequency, phase, along = components
    plane = _plane(axes[2])
    phase = -phase if plane == "coronal" else phase
    turned = (phase, -frequency, -along) if phase_axis == "ROW" else (frequency, phase, -along)
    sign = 1.0 if plane == "sagittal" else -1.0
    return in_patient([sign * component for component in turned], axes)


def _plane(normal: Sequence[float]) -> str:
    sagittal, coronal, axial = map(abs, normal)
    if axial >= sagittal and axial >= coronal:
        return "axial"
    return "coronal" if coronal >= sagittal else "sagittal"


def _image_axes(frame: Frame) -> tuple[list[float], list[float], list[float]] | None:
    """Unit vectors along the rows, along the columns, and their normal (rows x columns), LPS."""
    if frame.orientation is None:
        return None
    along_rows, along_columns = frame.orientation[:3], frame.orientation[3:]
    (a, b, c), (d, e, f) = along_rows, along_columns
    return list(along_rows), list(along_columns), list(cross((a, b, c), (d, e, f)))


# --- Philips ----------------------------------------------------------------------------------------------------------


def _of_philips(frame: Frame) -> SaidOfDiffusion | None:
    doubtful = None
    for elements in private_places(frame, 0x2005):
        written, kind = private_values(elements, 0x2001, _PHILIPS, (0x03, 0x04))
        b_value = _b_value(written)
        if b_value is None:
            continue
        contents = private_values(elements, 0x2005, _PHILIPS_VECTOR, (0xB0, 0xB1, 0xB2))
        known = [value for content in contents if content is not None and (value := first_number(content)) is not None]
        vector = (known[0], known[1], known[2]) if len(known) == 3 else None
        if b_value == 0 and not _is_of_diffusion(frame, kind):
            doubtful = SaidOfDiffusion(b_value, doubtful=True)
            continue
        isotropic = _words(kind).startswith("I")
        # Philips appends the mean of the directions to them, with their b-value and no direction.
        isotropic = isotropic or (b_value > 0 and vector is not None and math.hypot(*vector) <= SHORTEST)
        return SaidOfDiffusion(b_value, vector, None, "ISOTROPIC" if isotropic else "")
    return doubtful


def _is_of_diffusion(frame: Frame, kind: bytes | None) -> bool:
    """True unless a b-value of 0 is one of those that Philips writes in images of any kind."""
    contrast = frame_words(frame, "AcquisitionContrast")
    return contrast[0] in _MAY_BE_DIFFUSION if contrast and contrast[0] else bool(_words(kind))


# --- UIH and Canon ----------------------------------------------------------------------------------------------------


def _of_uih(frame: Frame) -> SaidOfDiffusion | None:
    elements = frame.header.elements
    written, content = private_values(elements, 0x0065, _UIH, (0x09, 0x37))
    b_value = _b_value(written)
    if b_value is None:
        return None
    vector, axes = _three(content), _image_axes(frame)
    if b_value == 0 and vector is None:
        return SaidOfDiffusion(b_value, doubtful=True)
    return SaidOfDiffusion(b_value, None if vector is None or axes is None else in_patient(vector, axes))


def _of_canon(frame: Frame) -> SaidOfDiffusion | None:
    """Canon's b-value and vector, written as a comment: ``b=1500(0.445,0.000,0.895)``; no other text counts."""
    elements = frame.header.elements
    if "ImageComments" not in elements or not text(elements, "Manufacturer").upper().startswith(_CANON_MAKERS):
        return None
    found = _CANON.fullmatch(text(elements, "ImageComments"))
    if found is None:
        return None
    phase, frequency, along = (float(word) for word in found.groups()[1:])
    return SaidOfDiffusion(float(found[1]), from_phase_frame(frame, (frequency, phase, along)))


# --- values -----------------------------------------------------------------------------------------------------------


def _b_value(content: bytes | None) -> float | None:
    value = None if content is None else first_number(content)
    return comparable_number(value) if value is not None and 0 <= value < _LARGEST else None


def _three(content: bytes | None) -> Direction | None:
    found = None if content is None else all_numbers(content, 3)
    return None if found is None else (found[0], found[1], found[2])


def _words(content: bytes | None) -> str:
    return "" if content is None else content.decode("latin-1").strip("\0 ").upper()


def _integer(content: bytes | None) -> int | None:
    """A whole number, as text or encoded as a 16 or 32 bit integer."""
    if content is None:
        return None
    try:
        return int(content.strip(b"\0 "))
    except ValueError:
        form = {2: "<h", 4: "<i"}.get(len(content))
        return None if form is None else int(struct.unpack(form, content)[0])
