"""NIfTI's header: fields to geometry and back. Only this module uses RAS millimetres.

References
----------
The NIfTI-1 and NIfTI-2 header definitions (nifti1.h, nifti2.h) of the NIfTI Data Format Working Group
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from voxelry.core.affine import spacing_of
from voxelry.core.errors import FormatError
from voxelry.core.spacing import Spacing
from voxelry.formats.shared.grids import Affine, check_affine, is_sheared

FIRST_BYTES = 352
"""Bytes of a NIfTI-1 header and of the four bytes that say whether extensions follow."""
DTYPES: dict[int, str] = {
    2: "uint8", 4: "int16", 8: "int32", 16: "float32", 64: "float64", 256: "int8", 512: "uint16", 768: "uint32",
    1024: "int64", 1280: "uint64",
}  # fmt: skip
CODES = {name: code for code, name in DTYPES.items()}
COLOURS: dict[int, int] = {128: 3, 2304: 4}
"""RGB24 and RGBA32: samples of uint8."""
MOST_EXTENSION_BYTES = 64 << 20
"""Before the voxels; a table of 65,535 names and codes has about 20 MB."""
MOST_VOXELS = 32767
"""Largest number of voxels along an axis: NIfTI-1 counts with 16 bits."""

_MM, _SECONDS = 2, 8
_LABELS = 1002
"""NIFTI_INTENT_LABEL: values are numbers of labels."""
_SCANNER = 1
"""NIFTI_XFORM_SCANNER_ANAT: coordinates are the scanner's."""
_TO_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
_TO_MS = {8: 1000, 16: 1, 24: 0.001}
"""Codes of time units, and milliseconds per unit; other codes are frequencies or no unit."""
_HALF_TURN = 1e-7
"""Smallest square of the quaternion's fourth number; below it, the rotation is half a turn (nifti1_io.c)."""
_FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])
"""From RAS to LPS, and back."""

_FORM_1 = np.dtype(
    [
        ("size", "i4"), ("unused", "S35"), ("dim_info", "u1"), ("dim", "i2", 8), ("intent", "f4", 3),
        ("intent_code", "i2"), ("datatype", "i2"), ("bitpix", "i2"), ("slice_start", "i2"), ("pixdim", "f4", 8),
        ("vox_offset", "f4"), ("scl_slope", "f4"), ("scl_inter", "f4"), ("slice_end", "i2"), ("slice_code", "u1"),
        ("xyzt_units", "u1"), ("cal_max", "f4"), ("cal_min", "f4"), ("slice_duration", "f4"), ("toffset", "f4"),
        ("glmax", "i4"), ("glmin", "i4"), ("descrip", "S80"), ("aux_file", "S24"), ("qform_code", "i2"),
        ("sform_code", "i2"), ("quatern", "f4", 3), ("qoffset", "f4", 3), ("srow", "f4", (3, 4)),
        ("intent_name", "S16"), ("magic", "S4"),
    ]
)  # fmt: skip
_FORM_2 = np.dtype(
    [
        ("size", "i4"), ("magic", "S8"), ("datatype", "i2"), ("bitpix", "i2"), ("dim", "i8", 8), ("intent", "f8", 3),
        ("pixdim", "f8", 8), ("vox_offset", "i8"), ("scl_slope", "f8"), ("scl_inter", "f8"), ("cal_max", "f8"),
        ("cal_min", "f8"), ("slice_duration", "f8"), ("toffset", "f8"), ("slice_start", "i8"), ("slice_end", "i8"),
        ("descrip", "S80"), ("aux_file", "S24"), ("qform_code", "i4"), ("sform_code", "i4"), ("quatern", "f8", 3),
        ("qoffset", "f8", 3), ("srow", "f8", (3, 4)), ("slice_code", "i4"), ("xyzt_units", "i4"),
        ("intent_code", "i4"), ("intent_name", "S16"), ("dim_info", "u1"), ("unused", "S15"),
    ]
)  # fmt: skip
HEADER_BYTES = max(_FORM_1.itemsize, _FORM_2.itemsize)


class NiftiHeader(NamedTuple):
    """The content of a header in Voxelry's terms.

    Attributes
    ----------
    shape
        ``(time, slice, row, column)``.
    dtype
        Dtype of the stored voxels, with its byte order.
    samples
        Samples per voxel; 1 for grey.
    start
        Offset of the voxels in the file that holds them.
    apart
        True if the voxels are in another file (``.img``).
    affine
        From index to LPS millimetres; None if the header has neither sform nor qform.
    step_ms
        Milliseconds from one volume to the next; None if the header gives none, or no unit of time.
    order
        The file's byte order.
    size
        Bytes of the header; what lies between it and the voxels are extensions.
    """

    shape: tuple[int, int, int, int]
    dtype: np.dtype[Any]
    samples: int
    start: int
    apart: bool
    slope: float
    intercept: float
    affine: Affine | None
    spacing: Spacing
    step_ms: float | None
    warnings: tuple[str, ...]
    order: Literal["<", ">"]
    size: int


def parse(first: bytes) -> NiftiHeader:
    """Parse the header in a file's first bytes.

    Raises
    ------
    FormatError
        If they are not a NIfTI header, or its fields contradict the standard.
    """
    fields, order = _fields(first)
    magic = bytes(fields["magic"]).rstrip(b"\0")[:3]
    if magic not in (b"n+1", b"ni1", b"n+2", b"ni2"):
        raise FormatError("this is no NIfTI file: the header does not say n+1 or ni1 (Analyze 7.5 holds no place)")
    shape = _shape(fields)
    code = int(fields["datatype"])
    if code in COLOURS:
        dtype, samples = np.dtype("u1"), COLOURS[code]
    elif code in DTYPES:
        dtype, samples = np.dtype(DTYPES[code]).newbyteorder(order), 1
    else:
        raise FormatError(f"voxels of NIfTI's datatype {code} are not read; known are {sorted(DTYPES | COLOURS)}")
    apart = magic.startswith(b"ni")
    start = float(fields["vox_offset"])
    if not (start.is_integer() and start >= (0 if apart else int(fields["size"]))):
        raise FormatError(f"the voxels are said to begin at byte {start:g}")
    affine, spacing, warnings = _geometry(fields)
    slope, intercept = float(fields["scl_slope"]), float(fields["scl_inter"])
    if slope == 0 or not math.isfinite(slope):
        slope, intercept = 1.0, 0.0  # By the standard, such a slope means that values are not scaled.
    elif not math.isfinite(intercept):
        intercept = 0.0  # As in the reference library (nifti1_io.c), the slope still counts.
        warnings = (*warnings, "the file's scl_inter is no finite number; 0 is taken")
    return NiftiHeader(
        shape, dtype, samples, int(start), apart, slope, intercept, affine, spacing, _step_ms(fields), warnings,
        order, int(fields["size"]),
    )  # fmt: skip


def _fields(first: bytes) -> tuple[Any, Literal["<", ">"]]:
    """The header's fields by name, and the file's byte order."""
    orders: tuple[Literal["<", ">"], ...] = ("<", ">")
    for order in orders:
        size = int(np.frombuffer(first[:4].ljust(4, b"\0"), f"{order}i4")[0])
        for form in (_FORM_1, _FORM_2):
            if size == form.itemsize:
                if len(first) < size:
                    raise FormatError(f"the file ends within its header of {size} bytes, after {len(first)}")
                return np.frombuffer(first[:size], form.newbyteorder(order))[0], order
    raise FormatError("this is no NIfTI file: it does not begin with its header's size, 348 or 540")


def _shape(fields: Any) -> tuple[int, int, int, int]:
    count = int(fields["dim"][0])
    sizes = [int(size) for size in fields["dim"][1:]]
    if not 1 <= count <= 7 or any(size < 1 for size in sizes[:count]):
        raise FormatError(f"the header declares impossible dimensions: {count} of {sizes[: max(0, min(count, 7))]}")
    sizes = sizes[:count] + [1] * (7 - count)
    if any(size > 1 for size in sizes[4:]):
        raise FormatError(f"a NIfTI file of {count} dimensions {sizes[:count]} is not read: space and time are four")
    return sizes[3], sizes[2], sizes[1], sizes[0]


def _step_ms(fields: Any) -> float | None:
    to_ms = _TO_MS.get(int(fields["xyzt_units"]) & 0x38)
    step = float(str(fields["pixdim"][4]))  # 0.8, not the nearest number of 32 bits.
    return step * to_ms if to_ms is not None and math.isfinite(step) and step > 0 else None


@np.errstate(over="ignore", invalid="ignore")  # Values that overflow are refused below.
def _geometry(fields: Any) -> tuple[Affine | None, Spacing, tuple[str, ...]]:
    unit = int(fields["xyzt_units"]) & 7
    if unit not in _TO_MM:
        raise FormatError(f"lengths are in a unit that NIfTI does not have: code {unit}")
    to_mm = _TO_MM[unit]
    sizes = [float(size) * to_mm for size in fields["pixdim"][1:4]]
    ras, warnings = _placed(fields)
    if ras is None:
        column, row, along = (abs(size) if np.isfinite(size) and size else None for size in sizes)
        return None, (along, row, column), warnings
    if unit == 0:
        warnings = (*warnings, "the file does not say its unit of length; millimetres are assumed")
    ras[:3] *= to_mm
    # Index (column, row, slice) to RAS becomes index (slice, row, column) to LPS.
    affine = check_affine((_FLIP @ ras)[:, [2, 1, 0, 3]])
    return affine, spacing_of(affine), warnings


def _placed(fields: Any) -> tuple[Affine | None, tuple[str, ...]]:
    """The sform, else the qform, else None; and warnings about them."""
    warnings: tuple[str, ...] = ()
    if int(fields["sform_code"]) > 0:
        ras = np.vstack([fields["srow"].astype(np.float64), [0, 0, 0, 1]])
        if ras[:3, :3].any(axis=0).all():
            return ras, ()
        warnings = ("the file's sform has an axis without length and is left out",)
    if int(fields["qform_code"]) > 0:
        sizes = fields["pixdim"][1:4]
        if not sizes.all():
            return None, (*warnings, "the file does not say where its voxels lie: its qform has a size (pixdim) of 0")
        if (sizes < 0).any():
            words = "sizes in the file (pixdim) are below 0, which readers understand differently: check left and right"
            warnings = (*warnings, words)
        return _from_quaternion(fields), warnings
    return None, (*warnings, "the file does not say where its voxels lie: it has no sform and no qform")


def _from_quaternion(fields: Any) -> Affine:
    """The affine of the qform (nifti1.h, "METHOD 2")."""
    b, c, d = (float(value) for value in fields["quatern"])
    square = b * b + c * c + d * d
    if 1.0 - square < _HALF_TURN:
        b, c, d = (value / math.sqrt(square) for value in (b, c, d))
    a = math.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    scale = fields["pixdim"][1:4].astype(np.float64) * [1, 1, -1 if fields["pixdim"][0] < 0 else 1]
    ras = np.eye(4)
    ras[:3, :3] = rotation * scale
    ras[:3, 3] = fields["qoffset"]
    return ras


def build_header(
    shape: tuple[int, int, int, int],
    datatype: int,
    affine: Affine | None,
    spacing: Spacing,
    *,
    several: bool,
    step_seconds: float | None,
    extension: bytes = b"",
) -> bytes:
    """Encode the NIfTI-1 header of one file, with the bytes that say whether an extension follows, and with that.

    Parameters
    ----------
    shape
        ``(time, slice, row, column)``, each at most `MOST_VOXELS`.
    datatype
        NIfTI's datatype code.
    affine, spacing
        As in a Volume. The sform always holds the affine; the qform holds it only without shear.
        An unknown spacing is written as 0, which marks it as missing; some readers take 1 instead.
    several
        True for a file of four dimensions.
    step_seconds
        Time from one volume to the next; None if unknown.
    extension
        A table of labels, of a multiple of 16 bytes. With one, the values are said to be labels.
    """
    head = np.zeros((), _FORM_1.newbyteorder("<"))
    head["size"] = _FORM_1.itemsize
    head["dim"] = (4 if several else 3, *reversed(shape), 1, 1, 1)
    head["datatype"] = datatype
    head["bitpix"] = 8 * (COLOURS[datatype] if datatype in COLOURS else np.dtype(DTYPES[datatype]).itemsize)
    head["vox_offset"], head["scl_slope"] = FIRST_BYTES + len(extension), 1
    head["intent_code"] = _LABELS if extension else 0
    head["magic"] = b"n+1"
    sizes: list[float] = [size or 0.0 for size in reversed(spacing)]
    head["xyzt_units"] = _SECONDS | (_MM if any(sizes) else 0)
    if affine is not None:
        ras = _FLIP @ affine[:, [2, 1, 0, 3]]
        sizes = np.linalg.norm(ras[:3, :3], axis=0).tolist()
        _within_single(ras)
        head["sform_code"], head["srow"] = _SCANNER, ras[:3]
        if not is_sheared(affine):
            left_handed = float(np.linalg.det(ras[:3, :3])) < 0
            head["qform_code"], head["qoffset"] = _SCANNER, ras[:3, 3]
            head["quatern"] = _quaternion(ras[:3, :3] / sizes * [1, 1, -1 if left_handed else 1])
            head["pixdim"][0] = -1 if left_handed else 1
    head["pixdim"][1:5] = (*sizes, step_seconds or 0.0)
    head["pixdim"][0] = head["pixdim"][0] or 1
    follows = bytes([bool(extension), 0, 0, 0])
    return head.tobytes() + follows + extension


def _within_single(ras: npt.NDArray[np.float64]) -> None:
    largest = float(np.abs(ras).max())
    shortest = float(np.linalg.norm(ras[:3, :3], axis=0).min())
    if largest > np.finfo(np.float32).max or shortest < np.finfo(np.float32).tiny:
        raise FormatError("NIfTI holds places as numbers of 32 bits, and this volume's do not fit")


def _quaternion(rotation: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """The quaternion's b, c, d, with a >= 0, of a rotation matrix that may be inexact."""
    left, _, right = np.linalg.svd(rotation)
    r = left @ right
    # The eigenvector of the largest eigenvalue (Bar-Itzhack 2000), which never divides by a small number.
    k = np.array(
        [
            [r[0, 0] - r[1, 1] - r[2, 2], 0, 0, 0],
            [r[0, 1] + r[1, 0], r[1, 1] - r[0, 0] - r[2, 2], 0, 0],
            [r[0, 2] + r[2, 0], r[1, 2] + r[2, 1], r[2, 2] - r[0, 0] - r[1, 1], 0],
            [r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], r[0, 0] + r[1, 1] + r[2, 2]],
        ]
    )
    b, c, d, a = np.linalg.eigh(k)[1][:, -1]
    sign = -1.0 if a < 0 else 1.0
    return float(sign * b), float(sign * c), float(sign * d)
