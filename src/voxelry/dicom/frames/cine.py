"""Frame rate of a multi-frame image, from its header (PS3.3 C.7.6.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voxelry.core.errors import PixelDataError
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.headers.attributes import Attributes, first_item, number, numbers, text

FASTEST, SLOWEST = 1e3, 1e-2
"""Frames per second; a header with a rate beyond these is wrong."""
_SWEEPING = 1


@dataclass(frozen=True, slots=True)
class Cine:
    """How frames are to be played.

    Attributes
    ----------
    rate
        Frames in a second; their mean where frames last differently.
    durations
        Seconds that each frame is shown, in the frames' order; empty where all last equally long.
    sweep
        True if they are played forth and back, else from the first again (Preferred Playback Sequencing).
    source
        The keyword of the attribute that says so.
    """

    rate: float
    durations: tuple[float, ...] = ()
    sweep: bool = False
    source: str = ""


def cine_of(frames: Sequence[Frame]) -> Cine | None:
    """How to play the frames of a multi-frame image; None without a rate, or if the frames are of several images.

    The recommended display rate takes precedence over the acquisition rate.

    References
    ----------
    PS3.3 C.7.6.5 (Cine), C.7.6.6 (Multi-frame), C.7.6.4 (XA/XRF Multi-frame Presentation)
    """
    first = frames[0]
    if len(frames) < 2 or any(frame.header is not first.header for frame in frames):
        return None
    header = first.header.elements
    sweep = _number(header, "PreferredPlaybackSequencing") == _SWEEPING
    shown = first_item(header, "FrameDisplaySequence")
    recommended = (
        (shown, "RecommendedDisplayFrameRateInFloat"),
        (shown, "RecommendedDisplayFrameRate"),
        (header, "RecommendedDisplayFrameRate"),
    )
    for of, keyword in recommended:
        if of is not None and (rate := _rate(_number(of, keyword))):
            return Cine(rate, (), sweep, keyword)
    durations = _durations(header, frames)
    if durations:
        mean = sum(durations) / len(durations)
        if max(durations) - min(durations) <= mean * 1e-6:
            durations = ()
        return Cine(1 / mean, durations, sweep, "FrameTimeVector")
    milliseconds = _number(header, "FrameTime")
    if rate := _rate(1000 / milliseconds if milliseconds else None):
        return Cine(rate, (), sweep, "FrameTime")
    if rate := _rate(_number(header, "CineRate")):
        return Cine(rate, (), sweep, "CineRate")
    return None


def _rate(found: float | None) -> float | None:
    return found if found is not None and SLOWEST <= found <= FASTEST else None


def _number(of: Attributes, keyword: str) -> float | None:
    try:
        return number(of, keyword)
    except PixelDataError:
        return None


def _durations(header: Attributes, frames: Sequence[Frame]) -> tuple[float, ...]:
    """Seconds that each frame lasts: until the next one comes; the last as long as the one before.

    Frame Time Vector holds the milliseconds from the frame before to each, and 0 for the first.
    """
    if not text(header, "FrameTimeVector"):
        return ()
    try:
        steps = numbers(header, "FrameTimeVector", frames[0].pixels.frames) or ()
    except PixelDataError:
        return ()
    until_next = [*steps[1:], steps[-1]]
    if not all(_rate(1000 / step if step > 0 else None) for step in until_next):
        return ()
    return tuple(until_next[frame.index] / 1000 for frame in frames)
