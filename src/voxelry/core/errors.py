"""One tree of errors; each says what was found, what was needed and what to do.

A message may name files, tags and numbers. It never holds a patient's value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from voxelry.core.value import Value


class VoxelryError(Exception):
    """The root. ``code`` is stable and may be tested by programs; the message is for people.

    Parameters
    ----------
    message
        A sentence: what was found, what was needed, what to do.
    numbers
        The same for programs, by name; JSON values.

    Examples
    --------
    >>> try:
    ...     voxelry.load_volume("nothing here")
    ... except voxelry.VoxelryError as error:
    ...     error.code
    'nothing_found'
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str = "", **numbers: Value) -> None:
        super().__init__(message)
        self.numbers: Mapping[str, Value] = numbers

    @property
    def problem(self) -> Problem:
        """The same as a value, for reports."""
        return Problem(self.code, str(self), self.numbers)


def named(error: VoxelryError, name: str) -> VoxelryError:
    """The same error with the file's name in front, if it is not there."""
    return error if str(error).startswith(f"{name}:") else type(error)(f"{name}: {error}", **error.numbers)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one thing.

    Attributes
    ----------
    code
        Stable; programs may test it.
    message
        A sentence for people, without a patient's value.
    numbers
        What the sentence says, for programs; JSON values by name, millimetres end in ``_mm``.

    Examples
    --------
    >>> problem = voxelry.load("sample").skipped["sample/README.txt"]
    >>> isinstance(problem, voxelry.Problem), problem.code
    (True, 'not_dicom')
    """

    code: str
    message: str
    numbers: Mapping[str, Value] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return self.message

    @property
    def record(self) -> dict[str, Value]:
        """As JSON: ``{"code": ..., "message": ..., **numbers}``."""
        return {"code": self.code, "message": self.message, **self.numbers}


class NotDicomError(VoxelryError, ValueError):
    """The content is not DICOM."""

    code = "not_dicom"


class EmptyFileError(NotDicomError):
    """There are no bytes at all."""

    code = "empty_file"


class TruncatedError(VoxelryError, ValueError):
    """The file ends before the pixels that its header declares."""

    code = "truncated"


class DamagedError(VoxelryError, ValueError):
    """The file begins as DICOM, or as an archive, and then cannot be read."""

    code = "damaged"


class NoPixelDataError(VoxelryError, ValueError):
    """The object holds no pixels: a report, a structure set, a plan, or a header alone."""

    code = "no_pixel_data"


class PixelDataError(VoxelryError, ValueError):
    """The header's description of the pixels is missing, contradicts itself or the bytes."""

    code = "pixel_data"


class TransferSyntaxError(PixelDataError):
    """The pixels are compressed in a way that cannot be decoded here."""

    code = "transfer_syntax"


class TooLargeError(VoxelryError, ValueError):
    """More than the limits allow, or more than the file can hold."""

    code = "too_large"


class NotEnoughMemoryError(VoxelryError, MemoryError):
    """Values need more memory than this machine, or the container that this runs in, has."""

    code = "memory"


class ArchiveError(VoxelryError, ValueError):
    """An archive, or an entry of one, is refused."""

    code = "archive"


class PasswordError(ArchiveError):
    """The archive is protected by a password."""

    code = "password_protected"


class UnsafePathError(ArchiveError):
    """An entry's name points outside its archive."""

    code = "unsafe_path"


class NestingError(ArchiveError):
    """Archives inside archives, deeper than the limit."""

    code = "nested_too_deep"


class GeometryError(VoxelryError, ValueError):
    """The slices form no regular grid, or their geometry is missing or contradicts itself."""

    code = "geometry"


class MissingSlicesError(GeometryError):
    """The slices are evenly spaced but for holes of whole steps."""

    code = "missing_slices"


class IncompleteStackError(MissingSlicesError):
    """Slices are known to belong to the stack, and their files could not be used."""

    code = "incomplete_stack"


class DifferingSlicesError(GeometryError):
    """Slices of the stack are there, but differ from the others in an attribute, and without them it has holes."""

    code = "differing_slices"


class FrameOfReferenceError(GeometryError):
    """Nothing says that positions of two images, or of images and what lies over them, are of one place."""

    code = "frame_of_reference"


class MosaicError(GeometryError):
    """Each image holds several slices side by side (Siemens mosaic, UIH grid)."""

    code = "mosaic"


class UnevenSpacingError(GeometryError):
    """The slices' distances differ."""

    code = "uneven_spacing"


class ShiftedSlicesError(GeometryError):
    """Evenly spaced slices are shifted sideways, off a straight line."""

    code = "shifted_slices"


class RepeatedPositionsError(GeometryError):
    """Slices with different pixels lie at one position, and nothing tells them apart."""

    code = "repeated_positions"


class NearDuplicatePositionsError(GeometryError):
    """Slices lie too close to each other for two positions, and too far apart for one."""

    code = "near_duplicate_positions"


class UnplacedError(GeometryError):
    """Positions, an orientation or a pixel spacing are needed, and the header has none."""

    code = "no_geometry"


class FormatError(VoxelryError, ValueError):
    """A file is not of its format or is damaged, or its format cannot hold what it was given."""

    code = "format"


class ExistsError(VoxelryError, FileExistsError):
    """Something of this name exists, and overwriting it was not requested."""

    code = "exists"


class SuvError(VoxelryError, ValueError):
    """Standardized uptake values were asked for, and the headers do not allow them."""

    code = "suv"


class NotOneVolumeError(VoxelryError, ValueError):
    """Exactly one volume was asked for and there are none or several."""

    code = "not_one_volume"


class MeasureError(VoxelryError, ValueError):
    """The volume cannot be measured in the way asked for."""

    code = "measure"


class ParameterError(VoxelryError, ValueError):
    """A parameter is outside its range."""

    code = "parameter"


class MissingExtraError(VoxelryError, ImportError):
    """A library is not installed that an extra of the package brings; the message names the extra."""

    code = "missing_extra"


class WrongTypeError(ParameterError, TypeError):
    """An argument is of another type than the function takes."""


class NothingFoundError(VoxelryError, FileNotFoundError):
    """The path does not exist, or there is no DICOM below it."""

    code = "nothing_found"
