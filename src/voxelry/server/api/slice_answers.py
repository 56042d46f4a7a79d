"""Slices of stored volumes and thumbnails, without a framework: for the REST API's routes and for the application
in front of Django.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import parse_qsl

import numpy as np
import numpy.typing as npt

from voxelry.core.intensity import Window
from voxelry.core.planes import AXES, Axis, plane, plane_count, thinned_plane
from voxelry.core.volume import Volume
from voxelry.formats.pictures.picture import PictureFormat
from voxelry.server.access.exchange import Answer, Asked, FilePart, Part
from voxelry.server.access.grants import Grants
from voxelry.server.access.quick_answers import takes_long
from voxelry.server.api.problems import ApiError, not_found
from voxelry.server.archive import queries
from voxelry.server.archive.at_rest import files_at_rest
from voxelry.server.archive.held import held
from voxelry.server.archive.models import Series, Stack
from voxelry.server.archive.shown import stack_files
from voxelry.server.archive.shown.mapped_values import are_in_memory
from voxelry.server.archive.shown.slice_display import shown_with
from voxelry.server.jobs.models import State
from voxelry.workflows.pictures.picture_files import encode_picture

LARGEST_STEP = 64
"""Of the rows and columns of thinned slices."""
_YEAR = 31_536_000
_MEDIA = {"png": "image/png", "jpg": "image/jpeg"}
_INTEGER = re.compile(r"\d{1,9}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class SliceChoice:
    """Which slice is asked for, and how it is shown.

    Attributes
    ----------
    volume
        The number of the volume in its series.
    version
        The volume's version as the address has it; empty without.
    every
        Of raw values only each so manieth row and column are sent: those in the middle of blocks of so many.
    """

    axis: Axis | None = None
    window: Window | None = None
    volume: int = 0
    version: str = ""
    every: int = 1


_PLAIN = SliceChoice()


def window_of_parameters(center: float | None, width: float | None) -> Window | None:
    """The window of the two parameters.

    Raises
    ------
    ApiError
        If only one of them is given.
    ParameterError
        If they are no window.
    """
    if center is None and width is None:
        return None
    if center is None or width is None:
        raise ApiError(422, "parameter", "A window needs both center and width.")
    # LINEAR_EXACT allows any width; a dragged window may be narrower than 1.
    return Window(center, width, "LINEAR" if width >= 1 else "LINEAR_EXACT")


def plain_choice(query: str, *, shown: bool) -> SliceChoice | None:
    """The choice of a query that is written plainly; None if the schema of the route has to read it."""
    if not query:
        return _PLAIN
    given = parse_qsl(query, keep_blank_values=True)
    values = dict(given)
    known = {"axis", "volume", "v"} | ({"center", "width"} if shown else {"every"})
    if len(values) < len(given) or not values.keys() <= known:
        return None
    if not _INTEGER.fullmatch(values.get("volume", "0")) or values.get("axis", "axial") not in AXES:
        return None
    if not _INTEGER.fullmatch(values.get("every", "1")) or not 1 <= int(values.get("every", "1")) <= LARGEST_STEP:
        return None
    numbers = {name: values[name] for name in ("center", "width") if name in values}
    if len(numbers) == 1 or not all(map(_NUMBER.fullmatch, numbers.values())):
        return None
    if numbers and float(numbers["width"]) <= 0:
        return None
    return SliceChoice(
        cast(Axis | None, values.get("axis")),
        window_of_parameters(float(numbers["center"]), float(numbers["width"])) if numbers else None,
        int(values.get("volume", "0")),
        values.get("v", ""),
        int(values.get("every", "1")),
    )


def raw_slice(asked: Asked, series_id: int, n: int, choice: SliceChoice) -> Answer:
    """A slice's modality values, in C order and little endian; headers tell dtype and shape."""
    stack = stack_of(asked.who, series_id, choice.volume, shown=False)
    thinned = "" if choice.every == 1 else f"-{choice.every}"
    tag = f'"{stack.series.folder}-{choice.volume}-{choice.axis}-{n}{thinned}-raw"'
    if is_known_tag(asked.headers, tag):
        return Answer(status=304, headers=caching_headers(tag, choice.version, stack.series))
    part: Part
    if choice.axis is None and choice.every == 1:
        stored = held(asked.who, ("values", stack.pk), lambda: stack_files.values_of_file(stack))
        if n >= stored.shape[0]:
            raise _no_slice(n, stored.shape[0])
        part, dtype, shape = stored.slice_part(stack, n), stored.dtype, stored.shape[1:]
    else:
        if choice.every == 1 or files_at_rest.is_shared():
            takes_long()
        volume = _checked(stack_files.placed_values(stack), stack, n, choice.axis)
        values = thinned_plane(plane(volume, n, axis=choice.axis, across=stack_files.across_of(stack)), choice.every)
        if not are_in_memory(values):
            takes_long()
        part, dtype, shape = little_endian(values), values.dtype.name, values.shape
    return Answer([part], headers=values_headers(dtype, shape) | caching_headers(tag, choice.version, stack.series))


def values_headers(dtype: str, shape: Sequence[int]) -> dict[str, str]:
    """The headers that tell what values an answer holds."""
    return {
        "Content-Type": "application/octet-stream",
        "X-Voxelry-Dtype": dtype,
        "X-Voxelry-Shape": ",".join(map(str, shape)),
    }


def little_endian(values: npt.NDArray[np.generic]) -> memoryview:
    """Values in C order and little endian, in memory: what is sent reads no mapped file."""
    little: npt.NDArray[np.generic] = np.require(values, values.dtype.newbyteorder("<"), ["C", "O"])
    return little.reshape(-1).view(np.uint8).data


def picture_slice(asked: Asked, kind: PictureFormat, series_id: int, n: int, choice: SliceChoice) -> Answer:
    """A slice as a picture: the stored one, or rendered."""
    stack = stack_of(asked.who, series_id, choice.volume)
    window = choice.window
    shown = "" if window is None else f"{window.center:g}-{window.width:g}"
    tag = f'"{stack.series.folder}-{choice.volume}-{choice.axis}-{n}-{shown}-{kind}"'
    if is_known_tag(asked.headers, tag):
        return Answer(status=304, headers=caching_headers(tag, choice.version, stack.series))
    prepared = stack_files.picture_of(stack, choice.axis, n) if kind == "png" and window is None else None
    part: Part
    if prepared is not None:
        part = FilePart(prepared, 0, prepared.stat().st_size)
    else:
        takes_long()
        volume = _checked(stack_files.open_volume(stack), stack, n, choice.axis)
        part = encode_picture(
            volume, n, kind, axis=choice.axis, window=window or shown_with(stack, volume, choice.axis, n)
        )
    return Answer([part], headers={"Content-Type": _MEDIA[kind], **caching_headers(tag, choice.version, stack.series)})


def thumbnail_picture(asked: Asked, series_id: int, version: str) -> Answer:
    """A small picture that stands for a series."""

    def make() -> Series | None:
        return queries.series(asked.who).only("folder", "thumbnail").filter(pk=series_id).first()

    series = held(asked.who, ("thumbnail", series_id), make)
    if series is None or not series.thumbnail:
        raise not_found(f"There is no thumbnail of series {series_id}.")
    tag = f'"{series.folder}"'
    if is_known_tag(asked.headers, tag):
        return Answer(status=304, headers=caching_headers(tag, version, series))
    path = stack_files.thumbnail_of(series)
    part = FilePart(path, 0, path.stat().st_size)
    return Answer([part], headers={"Content-Type": "image/png", **caching_headers(tag, version, series)})


def stack_of(who: Grants, series_id: int, index: int, *, shown: bool = True) -> Stack:
    """The row of a volume, without how it is shown if that is not asked for.

    Raises
    ------
    ApiError
        If there is none, or not yet.
    """

    def make() -> Stack | None:
        return (
            queries.volumes(who)
            .select_related("series")
            .defer("series__metadata", "series__report", *(() if shown else ("metadata", "display")))
            .filter(series__pk=series_id, index=index)  # a key too large for the column matches no row
            .first()
        )

    stack = held(who, ("stack", series_id, index, shown), make)
    if stack is not None:
        return stack
    takes_long()
    series = queries.series(who).select_related("job").defer("metadata").filter(pk=series_id).first()
    if series is None:
        raise not_found(f"There is no series {series_id}.")
    if series.job is None or series.job.state in (State.QUEUED, State.RUNNING):
        raise ApiError(409, "not_ready", "The volumes of this series are being made; try again when its job is done.")
    raise not_found(f"Series {series_id} has no volume {index}.")


def _checked(volume: Volume, stack: Stack, n: int, axis: Axis | None) -> Volume:
    """The volume, if it has this slice."""
    if axis is not None and stack.problem_code:
        raise ApiError(422, stack.problem_code, f"no {axis} slices: {stack.problem_message}")
    count = plane_count(volume, axis)
    if n >= count:
        raise _no_slice(n, count)
    return volume


def _no_slice(n: int, count: int) -> ApiError:
    return not_found(f"There is no slice {n}: there are {count}, counted from 0.")


def is_known_tag(headers: Mapping[str, str], tag: str) -> bool:
    """Whether the sender has what the tag stands for."""
    return tag in (part.strip() for part in headers.get("if-none-match", "").split(","))


def caching_headers(tag: str, version: str, series: Series, *, varies: Sequence[str] = ()) -> dict[str, str]:
    """The caching headers: a URL with the current version never changes; without it, the browser revalidates.

    What one user was sent is not taken from the browser's cache for another one. The version that was sent is named, so
    that a client never puts slices of two builds together.
    """
    forever = version != "" and version == series.folder
    return {
        "Vary": ", ".join(("Cookie", "Authorization", *varies)),
        "ETag": tag,
        "X-Voxelry-Version": series.folder,
        "Cache-Control": f"private, max-age={_YEAR}, immutable" if forever else "private, no-cache",
    }
