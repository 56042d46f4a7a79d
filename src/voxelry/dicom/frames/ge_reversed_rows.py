"""Images of GE whose rows are stored in reverse order, though their headers place them as all others.

The research sequence ``epi_pepolar`` acquires volumes of either phase encoding polarity in one series, and stores those
of the reverse one upside down. A user variable says which they are: none, all, the first of each two, or the second.
The place of such an image is corrected, and not its pixels: its last row lies where its header places the first one.

References
----------
https://github.com/neurolabusc/dcm_qa_polar, by the University of Michigan
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from voxelry.core.makers import maker_name
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.frame_facts import Facts
from voxelry.dicom.frames.multiframe_positions import Vector
from voxelry.dicom.headers.attributes import text, texts
from voxelry.dicom.headers.private_attributes import private_numbers, private_text

_CREATOR = "GEMS_ACQU_01"
_NAME, _MODE = 0x9C, 0xB3
_SEQUENCE = "epi_pepolar"
_ALL, _FIRST_OF_TWO, _SECOND_OF_TWO = 1, 2, 3
_CORRECTED = (
    "GE's epi_pepolar stores images of the reverse polarity with their rows in reverse order, and its header does not "
    "say so: the place of this volume's rows was corrected"
)
_UNKNOWN = (
    "GE's epi_pepolar stores images of the reverse polarity with their rows in reverse order, and its header does not "
    "say so: which ones they are is unknown here ({}), so this volume may be mirrored along its columns"
)


def with_true_rows(frames: Sequence[Frame]) -> list[Frame]:
    """The frames of a series in the same order, each where its rows lie; those of other sequences as they are."""
    mode = _mode(frames[0]) if frames else 0
    if mode not in (_ALL, _FIRST_OF_TWO, _SECOND_OF_TWO):
        return list(frames)
    if text(frames[0].header.elements, "InPlanePhaseEncodingDirection") != "COL":
        return [_warned(frame, _UNKNOWN.format("phase was not encoded along the columns")) for frame in frames]
    if mode == _ALL:
        turned = set(range(len(frames)))
    else:
        volumes = _volumes(frames)
        if volumes is None:
            return [_warned(frame, _UNKNOWN.format("files are missing")) for frame in frames]
        odd = 0 if mode == _FIRST_OF_TWO else 1
        turned = {number for number, volume in enumerate(volumes) if volume % 2 == odd}
    facts: dict[int, Facts] = {}
    return [_turned(frame, facts) if number in turned else frame for number, frame in enumerate(frames)]


def _mode(frame: Frame) -> int:
    elements = frame.header.elements
    if maker_name(text(elements, "Manufacturer")) != "GE" or texts(elements, "ImageType")[:1] == ("DERIVED",):
        return 0  # what was derived by a program that knows where it lies
    if _SEQUENCE not in private_text(elements, 0x0019, _CREATOR, _NAME).lower():
        return 0
    said = private_numbers(elements, 0x0019, _CREATOR, _MODE, "DS")
    return int(said[0]) if said else 0


def _volumes(frames: Sequence[Frame]) -> list[int] | None:
    """The number of each frame's volume, from 0, by Instance Number; None unless all are there and whole."""
    at: dict[Vector | None, list[Frame]] = defaultdict(list)
    for frame in frames:
        at[frame.position].append(frame)
    slices, counts = len(at), {len(own) for own in at.values()}
    numbers = [frame.instance_number for frame in frames]
    if counts == {1} or len(counts) > 1 or sorted(numbers) != list(range(1, len(frames) + 1)):
        return None
    found = [(number - 1) // slices for number in numbers]
    whole = all(len({found[numbers.index(frame.instance_number)] for frame in own}) == len(own) for own in at.values())
    return found if whole else None


def _turned(frame: Frame, known: dict[int, Facts]) -> Frame:
    if frame.position is None or frame.orientation is None or frame.pixel_spacing is None:
        return _warned(frame, _UNKNOWN.format("it has no place"))
    right, down = frame.orientation[:3], frame.orientation[3:]
    key = id(frame.facts)
    if key not in known:
        known[key] = frame.facts._replace(orientation=(*right, *(-cosine for cosine in down)))
    length = (frame.pixels.rows - 1) * frame.pixel_spacing[0]
    x, y, z = (place + length * cosine for place, cosine in zip(frame.position, down, strict=True))
    return _warned(replace(frame, position=(x, y, z), facts=known[key], replaced=True), _CORRECTED)


def _warned(frame: Frame, words: str) -> Frame:
    return replace(frame, own_warnings=(*frame.own_warnings, words))
