"""A volume as a notebook shows it: its facts and a middle slice, in HTML without a patient's value."""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

import numpy as np
import numpy.typing as npt

from voxelry.core.geometry import Geometry
from voxelry.core.intensity import Voi, to_display, window_without_outliers

_LONGEST_SIDE = 192
"""Pixels; larger slices are thinned out, because the picture is not compressed."""
_SHOWN_PIXELS = 240
_MOST_STORED = 65_535
"""Bytes in a stored block of a zlib stream."""
_ADLER = 65_521


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ShownSlice:
    """A slice as acquired, and how it is shown.

    Attributes
    ----------
    index
        Its number in the volume, from 0.
    values
        Shape ``(row, column)``, or ``(row, column, sample)`` for colour.
    voi
        The window or table of the header; None for a window from the values.
    padding
        Where values are padding; None if none can be.
    inverted
        True for MONOCHROME1.
    aspect
        The height of a pixel over its width.
    """

    index: int
    values: npt.NDArray[np.generic]
    voi: Voi | None
    padding: npt.NDArray[np.bool_] | None
    inverted: bool
    aspect: float


def volume_html(
    geometry: Geometry, middle: ShownSlice, *, label: str, array: str, unit: str, warnings: Iterable[str]
) -> str:
    """A table of facts beside the middle slice.

    Parameters
    ----------
    array
        The array's shape in words, and its dtype.
    """
    facts = _facts(geometry, label, array, unit)
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in facts
    )
    items = "".join(f"<li>{escape(words)}</li>" for words in warnings)
    return (
        '<div style="display:flex;gap:1em;align-items:flex-start">'
        f"{_figure(middle)}<div><b>Volume</b><table>{rows}</table>{items and f'<ul>{items}</ul>'}</div></div>"
    )


def _facts(geometry: Geometry, label: str, array: str, unit: str) -> Iterator[tuple[str, str]]:
    if label:
        yield "label", label
    yield "array", f"{array} {unit}".strip()
    yield "spacing", " × ".join("unknown" if one is None else f"{one:.6g}" for one in geometry.spacing) + " mm"
    yield "columns, rows, slices run to", geometry.codes if geometry.placed else "unknown: no place in the patient"
    if geometry.tilt_degrees > 0.01:
        yield "tilt", f"{geometry.tilt_degrees:.4g}°"


def _figure(middle: ShownSlice) -> str:
    """The slice in its proportions."""
    grey = _picture(middle)
    height, width = grey.shape[0] * middle.aspect, grey.shape[1]
    scale = _SHOWN_PIXELS / max(height, width)
    step = -(-max(grey.shape[:2]) // _LONGEST_SIDE)
    data = binascii.b2a_base64(stored_png(grey[::step, ::step]), newline=False).decode("ascii")
    return (
        f'<figure style="margin:0"><img alt="slice {middle.index}" width="{max(1, round(width * scale))}" '
        f'height="{max(1, round(height * scale))}" style="image-rendering:auto" '
        f'src="data:image/png;base64,{data}"><figcaption>slice {middle.index}</figcaption></figure>'
    )


def _picture(middle: ShownSlice) -> npt.NDArray[np.uint8]:
    if middle.values.ndim == 3:
        samples = np.asarray(middle.values, np.int64)
        return np.asarray(samples >> max(8, int(samples.max()).bit_length()) - 8, np.uint8)
    padding = np.zeros(middle.values.shape, np.bool_) if middle.padding is None else middle.padding
    voi = middle.voi
    if voi is None:
        shown = np.asarray(middle.values[~padding], np.float64)
        voi = window_without_outliers(shown[np.isfinite(shown)])
    return np.where(padding, np.uint8(0), to_display(middle.values, voi, invert=middle.inverted))


def stored_png(picture: npt.NDArray[np.uint8]) -> bytes:
    """A PNG whose pixels are not compressed.

    Parameters
    ----------
    picture
        Shape ``(row, column)`` grey, or ``(row, column, 3)`` RGB.
    """
    rows, columns = picture.shape[:2]
    lines = np.zeros((rows, picture[0].size + 1), np.uint8)  # each begins with its filter: none
    lines[:, 1:] = picture.reshape(rows, -1)
    content = lines.tobytes()
    blocks = [content[start : start + _MOST_STORED] for start in range(0, len(content), _MOST_STORED)]
    stream = b"\x78\x01" + b"".join(
        struct.pack("<BHH", block is blocks[-1], len(block), len(block) ^ 0xFFFF) + block for block in blocks
    )
    colour = 2 if picture.ndim == 3 else 0
    header = struct.pack(">IIBBBBB", columns, rows, 8, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (_chunk(b"IHDR", header), _chunk(b"IDAT", stream + struct.pack(">I", _adler(content))), _chunk(b"IEND", b""))
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", binascii.crc32(kind + content))


def _adler(content: bytes) -> int:
    values = np.frombuffer(content, np.uint8).astype(np.int64)
    first = (1 + int(values.sum())) % _ADLER
    weights = np.arange(len(values), 0, -1, dtype=np.int64)
    second = (len(values) + int((values * weights).sum())) % _ADLER
    return second << 16 | first
