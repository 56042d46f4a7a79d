"""The addresses that the application in front of Django answers, and the functions that do it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.urls.resolvers import RoutePattern

from voxelry.formats.pictures.picture import PictureFormat
from voxelry.server.access.exchange import Answer, Asked
from voxelry.server.access.quick_answers import is_quick, quick
from voxelry.server.access.rules import Rule
from voxelry.server.api.cut_answers import QUICK_SAMPLES, plain_cut_choice, raw_cut
from voxelry.server.api.histogram_answers import histogram_of_volume
from voxelry.server.api.slice_answers import (
    SliceChoice,
    picture_slice,
    plain_choice,
    raw_slice,
    thumbnail_picture,
)
from voxelry.server.api.volume_answers import plain_volume_choice, whole_volume
from voxelry.server.dicomweb.urls import METHODS


class DeclinedError(Exception):
    """The request is for Django."""


@dataclass(frozen=True, slots=True)
class HotAddress:
    """An address with GET.

    Attributes
    ----------
    rule
        The role that is needed in the project, below ``/dicomweb/``; None elsewhere.
    quick
        Whether the function may be called on the event loop's thread.
    """

    route: RoutePattern
    answer: Callable[..., Answer]
    rule: Rule | None
    quick: bool


@dataclass(frozen=True, slots=True)
class HotMatch:
    """A path of a hot address, with its parts."""

    address: HotAddress
    parts: Mapping[str, Any]


class HotAddresses:
    """Finds the address of a path by the number of its segments, then in the order of Django's."""

    def __init__(self) -> None:
        self._by_count: dict[int, list[tuple[dict[int, str], HotAddress]]] = defaultdict(list)
        for path, answer in _API.items():
            self._add(path, answer, None)
        for path, methods in METHODS.items():
            if "GET" in methods:
                answer, rule = methods["GET"]
                self._add(f"dicomweb/{path}", answer, rule)
                self._add(f"dicomweb/projects/<slug:project>/{path}", answer, rule)

    def match(self, path: str) -> HotMatch | None:
        """The address of a path; None if Django answers it."""
        if not path.startswith(("/dicomweb/", "/api/series/")):
            return None
        segments = path.split("/")
        for words, address in self._by_count.get(len(segments), ()):
            if all(segments[place] == word for place, word in words.items()):
                found = address.route.match(path[1:])
                if found is not None:
                    return HotMatch(address, found[2])
        return None

    def _add(self, path: str, answer: Callable[..., Answer], rule: Rule | None) -> None:
        if "<path:" in path:
            return
        segments = f"/{path}".split("/")
        words = {place: word for place, word in enumerate(segments) if "<" not in word}
        address = HotAddress(RoutePattern(path, is_endpoint=True), answer, rule, is_quick(answer))
        self._by_count[len(segments)].append((words, address))


def _choice(asked: Asked, *, shown: bool) -> SliceChoice:
    choice = plain_choice(asked.query, shown=shown)
    if choice is None:
        raise DeclinedError
    return choice


def _raw(asked: Asked, series_id: int, n: int) -> Answer:
    return raw_slice(asked, series_id, n, _choice(asked, shown=False))


def _picture(kind: PictureFormat, asked: Asked, series_id: int, n: int) -> Answer:
    return picture_slice(asked, kind, series_id, n, _choice(asked, shown=True))


def _thumbnail(asked: Asked, series_id: int) -> Answer:
    choice = _choice(asked, shown=False)
    if choice != SliceChoice(version=choice.version):
        raise DeclinedError
    return thumbnail_picture(asked, series_id, choice.version)


def _histogram(asked: Asked, series_id: int) -> Answer:
    choice = _choice(asked, shown=False)
    if choice != SliceChoice(volume=choice.volume):
        raise DeclinedError
    return histogram_of_volume(asked, series_id, choice.volume)


def _volume(asked: Asked, series_id: int) -> Answer:
    choice = plain_volume_choice(asked.query)
    if choice is None:
        raise DeclinedError
    return whole_volume(asked, series_id, choice)


def _cut(asked: Asked, series_id: int) -> Answer:
    choice = plain_cut_choice(asked.query)
    if choice is None or choice.samples > QUICK_SAMPLES:
        raise DeclinedError
    return raw_cut(asked, series_id, choice)


_API: Mapping[str, Callable[..., Answer]] = {
    "api/series/<int:series_id>/slices/<int:n>.raw": quick(_raw),
    "api/series/<int:series_id>/slices/<int:n>.png": quick(partial(_picture, "png")),
    "api/series/<int:series_id>/slices/<int:n>.jpg": quick(partial(_picture, "jpg")),
    "api/series/<int:series_id>/volume.raw": _volume,
    "api/series/<int:series_id>/cut.raw": _cut,
    "api/series/<int:series_id>/thumbnail.png": quick(_thumbnail),
    "api/series/<int:series_id>/histogram": quick(_histogram),
}
