"""Cuts of stored volumes, without a framework: for the REST API's route and for the application in front of Django."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast
from urllib.parse import parse_qsl

from voxelry.core.affine import Vector
from voxelry.core.cuts import METHODS, SLAB_MODES, Cut, Method, SlabMode, cut
from voxelry.server.access.exchange import Answer, Asked
from voxelry.server.access.quick_answers import takes_long
from voxelry.server.api.problems import ApiError
from voxelry.server.api.slice_answers import caching_headers, is_known_tag, little_endian, stack_of, values_headers
from voxelry.server.api.turns import Turns, turn_or_busy
from voxelry.server.archive.shown import stack_files

MOST_PIXELS = 4 * 2**20
MOST_PLANES = 512
MOST_SAMPLES = 256 * 2**20
QUICK_SAMPLES = 16 * 2**20
"""A cut with more samples takes seconds: it waits for its turn, and not in the threads of hot reads."""
NUMBER = r"-?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,3})?"
VECTOR = rf"^{NUMBER},{NUMBER},{NUMBER}$"
LONGEST_VECTOR = 200
_PATIENCE_SECONDS = 30.0
_VECTOR = re.compile(VECTOR, re.ASCII)
_INTEGER = re.compile(r"\d{1,9}", re.ASCII)
_NEEDED = {"origin", "right", "down", "rows", "columns"}
_KNOWN = _NEEDED | {"method", "slab", "depth", "step", "volume", "v"}

_turns = Turns(2)


@dataclass(frozen=True, slots=True)
class CutChoice:
    """Which cut is asked for, of the volume with a number, and the volume's version; empty without."""

    rectangle: Cut
    method: Method = "linear"
    volume: int = 0
    version: str = ""

    @property
    def samples(self) -> int:
        """The number of points at which values are taken."""
        return self.rectangle.rows * self.rectangle.columns * self.rectangle.depth


def cut_of_parameters(
    *,
    origin: str,
    right: str,
    down: str,
    rows: int,
    columns: int,
    slab: SlabMode | None = None,
    depth: int | None = None,
    step: str | None = None,
) -> Cut:
    """The cut of the parameters of an address.

    Raises
    ------
    ApiError
        If it is too large, or a slab is not whole.
    ParameterError
        If a number is beyond all places.
    """
    if (slab is None) != (depth is None) or (slab is None) != (step is None):
        raise ApiError(422, "parameter", "A slab needs slab, depth and step; a single plane has none of them.")
    planes = 1 if depth is None else depth
    if rows * columns > MOST_PIXELS:
        words = f"A cut has at most {MOST_PIXELS:,} pixels, not {rows:,} x {columns:,}: ask for larger pixels."
        raise ApiError(422, "parameter", words)
    if planes > MOST_PLANES:
        raise ApiError(422, "parameter", f"A slab has at most {MOST_PLANES} planes, not {planes:,}.")
    if rows * columns * planes > MOST_SAMPLES:
        words = f"A slab has at most {MOST_SAMPLES:,} samples, not {rows:,} x {columns:,} x {planes:,}: ask for fewer."
        raise ApiError(422, "parameter", words)
    along = (0.0, 0.0, 0.0) if step is None else _vector(step)
    return Cut(_vector(origin), _vector(right), _vector(down), rows, columns, slab, planes, along)


def plain_cut_choice(query: str) -> CutChoice | None:
    """The choice of a query that is written plainly; None if the schema of the route has to read it."""
    given = parse_qsl(query, keep_blank_values=True)
    values = dict(given)
    if len(values) < len(given) or not values.keys() <= _KNOWN or not values.keys() >= _NEEDED:
        return None
    vectors = [values[name] for name in ("origin", "right", "down", "step") if name in values]
    numbers = [values[name] for name in ("rows", "columns", "depth", "volume") if name in values]
    if not all(len(text) <= LONGEST_VECTOR and _VECTOR.fullmatch(text) for text in vectors):
        return None
    if not all(map(_INTEGER.fullmatch, numbers)) or values.get("slab", "max") not in SLAB_MODES:
        return None
    if values.get("method", "linear") not in METHODS:
        return None
    rectangle = cut_of_parameters(
        origin=values["origin"],
        right=values["right"],
        down=values["down"],
        rows=int(values["rows"]),
        columns=int(values["columns"]),
        slab=cast(SlabMode | None, values.get("slab")),
        depth=int(values["depth"]) if "depth" in values else None,
        step=values.get("step"),
    )
    method = cast(Method, values.get("method", "linear"))
    return CutChoice(rectangle, method, int(values.get("volume", "0")), values.get("v", ""))


def raw_cut(asked: Asked, series_id: int, choice: CutChoice) -> Answer:
    """The values of a cut, in C order and little endian; headers tell dtype and shape."""
    takes_long()
    stack = stack_of(asked.who, series_id, choice.volume, shown=False)
    if stack.problem_code:
        raise ApiError(422, stack.problem_code, f"no cuts: {stack.problem_message}")
    name = hashlib.sha256(repr((choice.rectangle, choice.method)).encode()).hexdigest()[:24]
    tag = f'"{stack.series.folder}-{choice.volume}-{name}-cut"'
    if is_known_tag(asked.headers, tag):
        return Answer(status=304, headers=caching_headers(tag, choice.version, stack.series))
    volume, across = stack_files.placed_values(stack), stack_files.across_of(stack)
    with _turn(asked, choice):
        values = cut(volume, choice.rectangle, method=choice.method, across=across)
    headers = values_headers(values.dtype.name, values.shape)
    return Answer([little_endian(values)], headers=headers | caching_headers(tag, choice.version, stack.series))


@contextmanager
def _turn(asked: Asked, choice: CutChoice) -> Iterator[None]:
    if choice.samples <= QUICK_SAMPLES:
        yield
        return
    busy = "Too many large slabs are being cut: try again in a minute, or ask for fewer planes or larger pixels."
    with turn_or_busy(_turns, asked.who.user or 0, busy, patience=_PATIENCE_SECONDS):
        yield


def _vector(text: str) -> Vector:
    x, y, z = map(float, text.split(","))
    return x, y, z
