"""Findings about a stack's geometry, each with a message and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Literal

from voxelry.core.errors import GeometryError, PixelDataError, Problem
from voxelry.core.gaps import rounded
from voxelry.core.slice_grid import Grid, Tolerances
from voxelry.core.value import Value
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.orientation import spread_of
from voxelry.dicom.frames.shared_frames import one_of_each
from voxelry.dicom.headers.attributes import Attributes, first_attributes, number, tag_label, texts

NOTICEABLE_DEGREES = 0.01
"""Orientations that differ by no more from their mean are not reported."""
NOTICEABLE_PERCENT = 0.001
"""Pixel spacings that differ by no more are not reported."""
_OWN_WARNINGS = attrgetter("own_warnings")
Severity = Literal["error", "warning", "note"]
"""error: there is no volume. warning: affects whether the numbers are right. note: information only."""


def finding(severity: Severity, code: str, message: str, **numbers: Value) -> Problem:
    """A problem with its severity as the first of its numbers."""
    return Problem(code, message, {"severity": severity, **numbers})


def severity_of(problem: Problem) -> Severity:
    """Severity of a problem; ``"error"`` if it has none."""
    match problem.numbers.get("severity"):
        case "warning":
            return "warning"
        case "note":
            return "note"
    return "error"


def error_finding(error: GeometryError) -> Problem:
    """An error as a finding."""
    return finding("error", error.code, str(error), **error.numbers)


def header_findings(frames: Sequence[Frame]) -> list[Problem]:
    """What frames say of their headers' own numbers, each sentence once."""
    said = dict.fromkeys(words for frame in _speaking(frames) for words in frame.warnings)
    return [finding("warning", "header", words) for words in said]


def _speaking(frames: Sequence[Frame]) -> Iterable[Frame]:
    """One frame of each kind, where none has warnings of its own."""
    return frames if any(map(_OWN_WARNINGS, frames)) else one_of_each(frames)


def noise_findings(frames: Sequence[Frame]) -> list[Problem]:
    """How far the frames' orientations and pixel spacings differ, where that is too little to keep them apart."""
    if frames[0].orientation is None or len({(one.orientation, one.pixel_spacing) for one in one_of_each(frames)}) == 1:
        return []
    found = []
    degrees = spread_of(frames)
    if degrees > NOTICEABLE_DEGREES:
        words = (
            f"{tag_label('ImageOrientationPatient')} differs from slice to slice, by up to {degrees:.2g} degrees from "
            "the mean, which is used"
        )
        found.append(finding("warning", "uneven_orientations", words, degrees=rounded(degrees)))
    sides = [one.pixel_spacing for one in one_of_each(frames) if one.pixel_spacing is not None]
    if sides:
        percent = 100 * max(max(column) / min(column) - 1 for column in zip(*sides, strict=True))
        if percent > NOTICEABLE_PERCENT:
            words = (
                f"{tag_label('PixelSpacing')} differs from slice to slice, by up to {percent:.2g} %: the first slice's "
                "is used"
            )
            found.append(finding("warning", "uneven_pixel_spacing", words, percent=rounded(percent)))
    return found


def projection_findings(frame: Frame) -> list[Problem]:
    """The warning that a CT localizer is a projection and not a slice."""
    if not frame.projection:
        return []
    words = "a localizer (LOCALIZER in Image Type (0008,0008)): a projection, whose mm3 is no volume of tissue"
    return [finding("warning", "projection", words)]


def grid_findings(grid: Grid, first: Frame, tolerances: Tolerances) -> list[Problem]:
    """What must be known of a regular grid: jitter, tilt, and a header that says otherwise."""
    return [
        *_jitter(grid, tolerances),
        *_tilt(grid, first, tolerances),
        *_header_spacing(grid, first, tolerances),
    ]


def _jitter(grid: Grid, tolerances: Tolerances) -> list[Problem]:
    if grid.rounded_to is not None:
        return [_rounded(grid, grid.rounded_to)]
    if grid.deviation <= tolerances.noticeable:
        return []
    words = f"slice positions lie up to {100 * grid.deviation:.2f} % of their spacing off an even grid"
    deviation_mm = rounded(grid.deviation * grid.spacing)
    found = finding(
        "warning",
        "uneven_positions",
        words,
        deviation=rounded(grid.deviation),
        deviation_mm=deviation_mm,
        spacing_mm=rounded(grid.spacing),
    )
    return [found]


def _rounded(grid: Grid, digit: float) -> Problem:
    words = (
        f"slice positions are written to {digit:g} mm and are even to these digits: {grid.spacing:.4g} mm apart, "
        f"fitted to all of them; they lie up to {grid.deviation * grid.spacing:.2g} mm off it"
    )
    return finding(
        "warning",
        "rounded_positions",
        words,
        digit_mm=rounded(digit),
        deviation=rounded(grid.deviation),
        deviation_mm=rounded(grid.deviation * grid.spacing),
        spacing_mm=rounded(grid.spacing),
    )


def _tilt(grid: Grid, first: Frame, tolerances: Tolerances) -> list[Problem]:
    said = _asked(first, "GantryDetectorTilt")
    if grid.tilt <= tolerances.tilt_degrees:
        return _tilt_of_the_header_alone(first, said, tolerances)
    # Makers differ in the sign, and the positions have none of their own.
    agrees = None if said is None else abs(abs(said) - grid.tilt) <= tolerances.header_tilt_degrees
    words = (
        f"tilted stack (gantry tilt): the slices are sheared by {grid.tilt:.2f} degrees, as the affine says; "
        f"{grid.spacing:.4g} mm apart along the normal, {grid.length:.4g} mm along the table"
    )
    if said is not None:
        judged = "agrees" if agrees else "disagrees: the positions are used"
        words += f"; {tag_label('GantryDetectorTilt')} says {said:g} degrees, which {judged}"
    found = finding(
        "warning",
        "tilt",
        words,
        tilt_degrees=rounded(grid.tilt),
        header_tilt_degrees=said,
        agrees=agrees,
        spacing_mm=rounded(grid.spacing),
        length_mm=rounded(grid.length),
    )
    return [found]


def _tilt_of_the_header_alone(first: Frame, said: float | None, tolerances: Tolerances) -> list[Problem]:
    if said is None or abs(said) <= tolerances.header_tilt_degrees:
        return []
    # A derived series may have been straightened and kept the attribute.
    derived = texts(first.header.elements, "ImageType")[:1] == ("DERIVED",)
    words = (
        f"{tag_label('GantryDetectorTilt')} says {said:g} degrees, but the positions follow each other along the "
        "normal: the positions are used"
    )
    numbers: dict[str, Value] = {"tilt_degrees": 0.0, "header_tilt_degrees": said, "agrees": False}
    return [finding("note" if derived else "warning", "header_tilt", words, **numbers)]


def _header_spacing(grid: Grid, first: Frame, tolerances: Tolerances) -> list[Problem]:
    said = _asked(first, "SpacingBetweenSlices")
    if said is None or any(
        abs(abs(said) - measured) <= tolerances.header * measured for measured in (grid.spacing, grid.length)
    ):
        return []
    words = (
        f"{tag_label('SpacingBetweenSlices')} says {said:g} mm, the positions {grid.spacing:.4g} mm: "
        "the positions are used"
    )
    return [finding("warning", "header_spacing", words, header_mm=said, spacing_mm=rounded(grid.spacing))]


_GROUP_OF = {"SpacingBetweenSlices": "PixelMeasuresSequence", "GantryDetectorTilt": "CTAcquisitionDetailsSequence"}
"""Where an enhanced instance keeps what others say at the top."""


def _asked(frame: Frame, keyword: str) -> float | None:
    of: list[Attributes] = [item for group in frame.groups if (item := first_attributes(group, _GROUP_OF[keyword]))]
    for attributes in (*of, frame.header.elements):
        with suppress(PixelDataError):
            found = number(attributes, keyword)
            if found is not None:
                return found
    return None


_PARTS = (
    ("position", "ImagePositionPatient"),
    ("orientation", "ImageOrientationPatient"),
    ("pixel_spacing", "PixelSpacing"),
)


def missing_findings(frames: Sequence[Frame]) -> list[Problem]:
    """What the header does not say of the frames' place and size."""
    first = frames[0]
    missing = [(name, keyword) for name, keyword in _PARTS if getattr(first, name) is None]
    if not missing:
        return []
    *most, last = [tag_label(keyword) for _, keyword in missing]
    lacks = f"no {', '.join(most)} or {last}" if most else f"no {last}"
    names: list[Value] = [name for name, _ in missing]
    placed = first.position is not None and first.orientation is not None
    if placed:
        return [finding("note", "no_geometry", f"{lacks}: no millimetres in the plane", missing=names)]
    if len(frames) == 1:
        return [finding("note", "no_geometry", f"{lacks}: the place in the patient is unknown", missing=names)]
    words = f"{lacks}: the slices are in the order of their numbers, their place is unknown"
    return [finding("warning", "no_geometry", words, missing=names)]
