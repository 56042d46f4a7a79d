"""One tree of errors; each says what was found, what was needed and what to do.

A message may name files, tags and numbers. It never holds a patient's value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class VoxelryError(Exception):
    """The root. ``code`` is stable and may be tested by programs; the message is for people."""

    code: ClassVar[str] = "error"

    @property
    def problem(self) -> Problem:
        """The same as a value, for reports."""
        return Problem(self.code, str(self))


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one thing could not be used: a stable ``code`` and a sentence for people."""

    code: str
    message: str

    def __str__(self) -> str:
        return self.message


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


class NotOneVolumeError(VoxelryError, ValueError):
    """Exactly one volume was asked for and there are none or several."""

    code = "not_one_volume"


class MeasureError(VoxelryError, ValueError):
    """The volume cannot be measured in the way asked for."""

    code = "measure"


class ParameterError(VoxelryError, ValueError):
    """A parameter is outside its range."""

    code = "parameter"


class NothingFoundError(VoxelryError, FileNotFoundError):
    """The path does not exist, or there is no DICOM below it."""

    code = "nothing_found"
