"""Unusable files that belong to a series, or may belong to it; the stacks that lack them report it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from voxelry.core.errors import GeometryError, IncompleteStackError, MissingSlicesError, PixelDataError, Problem
from voxelry.core.gaps import listed, rounded
from voxelry.core.slice_grid import check_orientation
from voxelry.core.value import Value
from voxelry.dicom.frames.multiframe_positions import Vector, plane_attributes
from voxelry.dicom.grouping.findings import finding
from voxelry.dicom.headers.attributes import Attributes, first_attributes, item_attributes, numbers
from voxelry.dicom.headers.cut_headers import is_marked, readable_start, remains_of_header
from voxelry.dicom.headers.header import DICOMDIR_CLASS, Header, is_unknown
from voxelry.dicom.headers.sources import Source

CONFLICT = "conflict"
"""Problem of a file with the SOP Instance UID of another file but different content."""
INCOMPLETE, PERHAPS, ELSEWHERE = IncompleteStackError.code, "perhaps_incomplete", "unused_files"
"""Codes of findings about lost files: of a stack that lacks them, of a stack that may lack them, of their series."""
UNSEEN = frozenset({"password_protected", "archive", "damaged", "too_large", "unreadable", "empty_file"})
"""Problems of files whose content could not be read; only their names indicate whether they may be slices."""
_IMAGE = ("ImagePositionPatient", "ImageOrientationPatient", "PerFrameFunctionalGroupsSequence", "BitsAllocated")


@dataclass(frozen=True, eq=False)
class LostFile:
    """A file that could not be used.

    Attributes
    ----------
    header
        What can be read of it; None for nothing.
    marked
        True if it begins as DICOM (PS3.10 7.1). Others are counted only where they bear the name of a slice.
    """

    name: str
    problem: Problem
    header: Header | None = None
    marked: bool = True

    @property
    def series_instance_uid(self) -> str:
        """The series that it is known to belong to; empty where nothing tells."""
        return "" if self.header is None else self.header.series_instance_uid

    @property
    def folder(self) -> str:
        return parent_folder(self.name)


@dataclass(frozen=True, slots=True)
class LostSlices:
    """The files that one stack lacks.

    Attributes
    ----------
    files
        They are known to belong to it.
    offsets
        Of their slices along the normal, mm, ascending; fewer where the place of some is unknown.
    doubles, double_offsets
        They lie where it has another slice, and nothing says which of the two belongs there.
    perhaps
        They may belong to it.
    """

    files: tuple[LostFile, ...] = ()
    offsets: tuple[float, ...] = ()
    doubles: tuple[LostFile, ...] = ()
    double_offsets: tuple[float, ...] = ()
    perhaps: tuple[LostFile, ...] = ()

    @property
    def is_known(self) -> bool:
        """True if the stack is known to lack something."""
        return bool(self.files or self.doubles)


NOTHING_LOST = LostSlices()


def lost_file(source: Source, head: bytes, problem: Problem) -> LostFile | None:
    """An unreadable file with the readable part of its header; None for a file that is no image.

    Texts, pictures, other documents and a DICOMDIR are no images.

    Parameters
    ----------
    head
        Its first bytes.
    """
    if not head or is_unknown(head):
        return LostFile(source.name, problem, marked=False)
    start = readable_start(source)
    header = remains_of_header(source, start)
    if header is not None and header.sop_class_uid == DICOMDIR_CLASS:
        return None
    if posixpath.basename(_slashed(source.name)).upper() == "DICOMDIR":
        return None
    known = header is not None and bool(header.series_instance_uid)
    if header is not None and not known and _is_of_other_kind(header):
        return None
    return LostFile(source.name, problem, header, is_marked(head)) if known or is_marked(head) else None


def _is_of_other_kind(header: Header) -> bool:
    """True for classes of objects that hold no pixels by their names: reports, plans, presentation states, ..."""
    name = header.sop_class_name
    known = bool(header.sop_class_uid) and name != header.sop_class_uid
    return known and not any(word in name for word in ("Image", "Dose", "Segmentation", "Parametric Map"))


def unseen_file(name: str, problem: Problem) -> LostFile | None:
    """A file or an archive's entry that was refused before its content was read."""
    return LostFile(name, problem, marked=False) if problem.code in UNSEEN else None


def is_lost_image(header: Header) -> bool:
    """True if an object without pixels is an image by its other attributes: its pixels are lost."""
    return any(keyword in header.elements for keyword in _IMAGE)


# --- by name ----------------------------------------------------------------------------------------------------------


def _slashed(name: str) -> str:
    return name.replace("\\", "/")


def parent_folder(name: str) -> str:
    """The folder or archive that contains a file, by the names used in messages."""
    return posixpath.dirname(_slashed(name))


def may_be_slices(lost: Iterable[LostFile], names: Iterable[str]) -> tuple[LostFile, ...]:
    """Those of the lost files without a readable series that may belong to a series with files of these names.

    A file with DICOM's mark does if it lies in a folder of theirs; another one if, besides, its name differs from one
    of theirs in digits only.
    """
    unknown = [one for one in lost if not one.series_instance_uid]
    if not unknown:
        return ()
    slashed = [_slashed(name) for name in names]
    folders = {posixpath.dirname(name) for name in slashed}
    forms = {_form(name) for name in slashed}
    return tuple(one for one in unknown if one.folder in folders and (one.marked or _form(one.name) in forms))


def _form(name: str) -> str:
    folder, base = posixpath.split(_slashed(name))
    return f"{folder}/{re.sub('[0-9]+', '0', base.lower().removesuffix('.gz'))}"


# --- by place ---------------------------------------------------------------------------------------------------------

Plane = tuple[Vector | None, tuple[float, ...] | None]
"""Image Position and Image Orientation (Patient), as far as they can be read."""


def planes_of(header: Header) -> list[Plane]:
    """The planes of a lost file's slices; one plane without a position if none can be read."""
    with suppress(Exception):  # a damaged header, of which any part may be anything
        groups = item_attributes(header.elements, "PerFrameFunctionalGroupsSequence")
        if groups:
            shared = first_attributes(header.elements, "SharedFunctionalGroupsSequence")
            return [_plane_of_frame(group, shared) for group in groups]
        many = numbers(header.elements, "NumberOfFrames")
        if many is None or many[0] <= 1:
            plane = plane_attributes(header)
            return [(_position(plane), _orientation(plane))]
    return [(None, None)]


def _plane_of_frame(own: Attributes, shared: Attributes | None) -> Plane:
    def item(sequence: str) -> Attributes | None:
        found = first_attributes(own, sequence)
        return first_attributes(shared, sequence) if found is None and shared is not None else found

    place, plane = item("PlanePositionSequence"), item("PlaneOrientationSequence")
    return None if place is None else _position(place), None if plane is None else _orientation(plane)


def _position(of: Attributes) -> Vector | None:
    with suppress(PixelDataError):
        found = numbers(of, "ImagePositionPatient", 3)
        return None if found is None else (found[0], found[1], found[2])
    return None


def _orientation(of: Attributes) -> tuple[float, ...] | None:
    with suppress(PixelDataError, GeometryError):
        found = numbers(of, "ImageOrientationPatient", 6)
        return None if found is None else tuple(check_orientation(found).tolist())
    return None


# --- in words ---------------------------------------------------------------------------------------------------------


def incomplete(lost: LostSlices, offsets: Sequence[float], error: GeometryError | None) -> IncompleteStackError:
    """Why a stack that is known to lack slices is no volume.

    Parameters
    ----------
    offsets
        Of the slices that are there, along the normal, mm.
    error
        What else is wrong with them.
    """
    count = max(len(lost.files), len(lost.offsets))
    inside = [offset for offset in lost.offsets if offsets and min(offsets) < offset < max(offsets)]
    parts = []
    if lost.files:
        words = f"{_could_not(lost.files)}, so that {count} slice{'s are' if count > 1 else ' is'} missing"
        if lost.offsets:
            where = "within the stack" if len(inside) == len(lost.offsets) else "within the stack and beyond its ends"
            where = where if inside else "beyond the ends of what is left"
            words += f" {where}, at {_at(lost.offsets)}"
        parts.append(words + _named(lost.files))
    if lost.doubles:
        words = f"{_could_not(lost.doubles)}, where the stack has another slice, at {_at(lost.double_offsets)}"
        parts.append(f"{words}: nothing says which of the two belongs there{_named(lost.doubles)}")
    explained = isinstance(error, MissingSlicesError) and error.numbers.get("count") == len(inside)
    if error is not None and not explained:
        parts.append(f"besides, {error}")
    files: Value = [one.name for one in (*lost.files, *lost.doubles)]
    places: Value = [rounded(offset) for offset in sorted({*lost.offsets, *lost.double_offsets})]
    return IncompleteStackError("; ".join(parts), count=count, inside=len(inside), files=files, positions_mm=places)


def _at(offsets: Sequence[float]) -> str:
    return f"{listed([f'{offset:.2f} mm' for offset in offsets])} (along the normal)"


def perhaps_findings(lost: LostSlices) -> list[Problem]:
    """Findings about files that may belong to a stack."""
    if not lost.perhaps:
        return []
    words = f"{_could_not(lost.perhaps)}, so that slices may be missing{_named(lost.perhaps)}"
    files: Value = [one.name for one in lost.perhaps]
    return [finding("warning", PERHAPS, words, count=len(lost.perhaps), files=files)]


def elsewhere_findings(lost: Sequence[LostFile]) -> list[Problem]:
    """Findings of a series about lost files that would be stacks of their own."""
    if not lost:
        return []
    words = f"{_could_not(lost)}, and would be no part of any volume that is there"
    files: Value = [one.name for one in lost]
    return [finding("warning", ELSEWHERE, words + _named(lost), count=len(lost), files=files, stack=None, stacks=[])]


def _could_not(lost: Sequence[LostFile]) -> str:
    return f"{len(lost)} file{'s' * (len(lost) > 1)} could not be used"


def _named(lost: Sequence[LostFile]) -> str:
    others = f"; also {listed([one.name for one in lost[1:]])}" if len(lost) > 1 else ""
    return f"; the first: {lost[0].problem}{others}"
