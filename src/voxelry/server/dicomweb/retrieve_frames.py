"""Retrieve frames (PS3.18 10.4.1.1.6): uncompressed ones out of the file, compressed ones as stored or decoded.

A frame that is asked for again costs look-ups in dictionaries: what tells where it is was read before.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain

from voxelry.core.errors import VoxelryError
from voxelry.dicom.headers.pixel_description import describe_pixels
from voxelry.dicom.pixels.encapsulated import all_fragments, frame_fragments
from voxelry.dicom.pixels.encode import EXPLICIT
from voxelry.dicom.write.transcoding import encodable, encoded_frame_in, frame_octets
from voxelry.server.access.conditional import is_named, not_modified
from voxelry.server.access.exchange import Answer, Asked, FilePart, Part, RefusedError
from voxelry.server.access.quick_answers import quick
from voxelry.server.access.rules import Rule
from voxelry.server.archive.shown.series_metadata import InstanceFacts
from voxelry.server.dicomweb.found_instances import kept_header, one_instance, present, refused_file, series_address
from voxelry.server.dicomweb.multipart_writer import SentPart, made_answer, multipart_answer
from voxelry.server.dicomweb.negotiation import OCTET_STREAM, Choice, Offer, accept_of, chosen
from voxelry.server.dicomweb.retrieve_instances import CODED
from voxelry.server.dicomweb.routes import Route
from voxelry.server.dicomweb.transfer_syntaxes import (
    as_stored,
    default_syntax,
    is_compressed,
    is_video,
    media_type_of,
)

_MOST_FRAMES = 100_000
_MOST_DIGITS = 9
_MOST_PLACES = 500_000
_IN_MEMORY = 64 * 2**20
"""Decoded frames up to this size are decoded before the answer begins, so that a damaged one is told."""
_AT_ONCE = 8


@quick
def retrieve_frames(asked: Asked, study: str, series: str, instance: str, frames: str) -> Answer:
    """Frames by their numbers, from 1."""
    numbers = frame_numbers(frames)
    _, one = one_instance(asked, study, series, instance)
    _require(one, numbers)
    address = f"{series_address(asked, study, series)}/instances/{instance}/frames"
    return frames_answer(asked, one, numbers, address)


def frames_answer(asked: Asked, one: InstanceFacts, numbers: Sequence[int], address: str) -> Answer:
    """An answer with frames that are there, by what the client accepts.

    Parameters
    ----------
    address
        What the addresses of frames begin with.
    """
    choice = _choice(accept_of(asked), one, single=len(numbers) == 1)
    syntax = choice.transfer_syntax
    shown = ",".join(map(str, numbers)) if len(numbers) < 20 else f"{numbers[0]}-{numbers[-1]}-{len(numbers)}"
    tag = f'"{one.sha256[:32]}-{shown}-{syntax}"'
    headers = {"ETag": f"W/{tag}" if choice.multipart else tag, "Vary": "Accept", "Cache-Control": "private, no-cache"}
    if is_named(asked.headers.get("if-none-match"), tag):
        return not_modified(Answer(headers=headers))
    content_type = f"{choice.media_type}; transfer-syntax={syntax}"
    present(one)
    if syntax == EXPLICIT and not one.length and _is_much(one, numbers):
        return made_answer(_decoded_later(one, numbers, content_type, address), choice.media_type, headers)
    parts = _contents(one, numbers, syntax)
    if not choice.multipart:
        headers |= {"Content-Type": content_type, "Content-Location": f"{address}/{numbers[0]}"}
        return Answer(parts[0], headers={**headers, "Accept-Ranges": "bytes"})
    bodies = [
        SentPart(content_type, f"{address}/{number}", sum(map(_length, content)), content)
        for number, content in zip(numbers, parts, strict=True)
    ]
    return multipart_answer(choice.media_type, bodies, headers)


def stored_parts(one: InstanceFacts, address: str) -> Iterator[SentPart]:
    """The bit streams of all frames of a compressed instance that is here.

    Raises
    ------
    RefusedError
        409 if the file is damaged.
    """
    syntax = one.transfer_syntax_uid
    numbers = range(1, 2 if is_video(syntax) else one.frames + 1)
    for number, content in zip(numbers, _contents(one, numbers, syntax), strict=True):
        content_type = f"{OCTET_STREAM}; transfer-syntax={syntax}"
        yield SentPart(content_type, f"{address}/{number}", sum(map(_length, content)), content)


def frame_numbers(text: str) -> tuple[int, ...]:
    """The numbers of a list of frames: ``1,2,7``.

    Raises
    ------
    RefusedError
        400 if it is no such list; 404 for a number that no instance has.
    """
    parts = [part.strip() for part in text.split(",")]
    if len(parts) > _MOST_FRAMES or not all(part.isascii() and part.isdigit() and part.strip("0") for part in parts):
        raise RefusedError(400, "Frames are named by their numbers, which begin with 1: frames/1,2,3.")
    if any(len(part) > _MOST_DIGITS for part in parts):
        raise RefusedError(404, "There is no frame of such a number.", code="not_found")
    return tuple(map(int, parts))


def _require(one: InstanceFacts, numbers: Sequence[int]) -> None:
    if not one.frames:
        try:  # says why
            describe_pixels(kept_header(present(one)))
        except VoxelryError as error:
            raise RefusedError(404, error.problem.message, code=error.problem.code) from None
    most = 1 if is_video(one.transfer_syntax_uid) else one.frames
    if min(numbers) < 1 or max(numbers) > most:
        video = " of video, which is sent as a whole" if is_video(one.transfer_syntax_uid) else ""
        raise RefusedError(404, f"The frames of this instance have the numbers 1 to {most}{video}.", code="not_found")


def _choice(accept: str, one: InstanceFacts, *, single: bool) -> Choice:
    try:
        return chosen(accept, _offers(one.transfer_syntax_uid, single=single))
    except RefusedError as error:
        if error.status != 406:
            raise
        # Only now is it worth knowing in which transfer syntaxes the pixels can be encoded.
        try:
            coded = encodable(kept_header(present(one)))
        except VoxelryError as problem:
            raise refused_file(problem) from None
        return chosen(accept, _offers(one.transfer_syntax_uid, single=single, coded=coded))


@lru_cache(maxsize=256)
def _offers(transfer_syntax: str, *, single: bool, coded: frozenset[str] = frozenset()) -> tuple[Offer, ...]:
    default, stored = default_syntax(transfer_syntax), as_stored(transfer_syntax)
    if not is_compressed(transfer_syntax):
        stored = EXPLICIT  # a deflated data set has plain frames
    octets = Offer(OCTET_STREAM, True, default, stored)
    offers = [octets]
    media = media_type_of(transfer_syntax)
    if media != OCTET_STREAM:
        own = Offer(media, True, transfer_syntax, transfer_syntax)
        offers = [octets, own] if default == EXPLICIT else [own, octets]
    offers += [Offer(media_type_of(one), True, one, one) for one in sorted(coded & CODED)]
    if single:
        offers += [Offer(one.media_type, False, one.default, one.stored) for one in offers]
    return tuple(offers)


def _is_much(one: InstanceFacts, numbers: Sequence[int]) -> bool:
    """Whether frames that have to be decoded would take too much memory together."""
    if len(numbers) == 1:
        return False
    try:
        pixels = describe_pixels(kept_header(one))
    except VoxelryError as error:
        raise refused_file(error) from None
    return len(numbers) * (pixels.rows * pixels.columns * pixels.samples * pixels.bits_allocated // 8) > _IN_MEMORY


def _decoded_later(one: InstanceFacts, numbers: Sequence[int], content_type: str, address: str) -> Iterator[SentPart]:
    """The parts of frames that are decoded while they are sent; the first ones are decoded now."""

    def made() -> Iterator[SentPart]:
        for start in range(0, len(numbers), _AT_ONCE):
            some = numbers[start : start + _AT_ONCE]
            for number, content in zip(some, _contents(one, some, EXPLICIT), strict=True):
                yield SentPart(content_type, f"{address}/{number}", sum(map(_length, content)), content)

    parts = made()
    return chain([next(parts)], parts)


def _contents(one: InstanceFacts, numbers: Sequence[int], syntax: str) -> list[list[Part]]:
    """The bytes of each frame.

    Raises
    ------
    RefusedError
        409 if the file is damaged.
    """
    if syntax == EXPLICIT and one.length:
        return [[FilePart(one.path, one.start + (number - 1) * one.length, one.length)] for number in numbers]
    try:
        if syntax == one.transfer_syntax_uid and is_compressed(syntax):
            found = _places.get(one, {number - 1 for number in numbers})
            return [[FilePart(one.path, *place) for place in found[number - 1]] for number in numbers]
        header = kept_header(one)
        if syntax == EXPLICIT:
            wanted = sorted({number - 1 for number in numbers})
            octets = dict(zip(wanted, frame_octets(header, tuple(wanted)), strict=True))
        else:
            octets = {number - 1: encoded_frame_in(header, number - 1, syntax) for number in numbers}
    except (VoxelryError, OSError) as error:
        raise refused_file(error) from None
    return [[octets[number - 1]] for number in numbers]


def _length(part: Part) -> int:
    return part.length if isinstance(part, FilePart) else len(part)


class _Places:
    """Where the bit streams of frames are in files, by the digest of a file: nothing in here gets stale."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[str, dict[int, tuple[tuple[int, int], ...]]] = OrderedDict()
        self._count = 0

    def get(self, one: InstanceFacts, wanted: set[int]) -> dict[int, tuple[tuple[int, int], ...]]:
        with self._lock:
            found = self._found.get(one.sha256)
            if found is not None and wanted <= found.keys():
                self._found.move_to_end(one.sha256)
                return found
        header = kept_header(one)
        if is_video(one.transfer_syntax_uid):
            made = {0: tuple((place.start, place.length) for place in all_fragments(header))}
        else:
            pixels = describe_pixels(header)
            # All at once: most clients go on to the next.
            every = range(pixels.frames) if pixels.frames <= 10_000 else wanted
            places = frame_fragments(header, pixels, every)
            made = {index: tuple((place.start, place.length) for place in own) for index, own in places.items()}
        self._put(one.sha256, made)
        return made

    def _put(self, name: str, made: dict[int, tuple[tuple[int, int], ...]]) -> None:
        with self._lock:
            self._count += len(made) - len(self._found.pop(name, ()))
            self._found[name] = made
            while self._count > _MOST_PLACES and len(self._found) > 1:
                _, dropped = self._found.popitem(last=False)
                self._count -= len(dropped)


_places = _Places()

ROUTES = (
    Route(
        "studies/<uid:study>/series/<uid:series>/instances/<uid:instance>/frames/<uid:frames>",
        {"GET": (retrieve_frames, Rule.VIEWER)},
    ),
)
