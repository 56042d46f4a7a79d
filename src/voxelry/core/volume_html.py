"""A volume as a notebook shows it: its facts and a middle slice, in HTML without a patient's value."""

from __future__ import annotations

import binascii
import struct
from collections.abc import Iterator
from html import escape

import numpy as np
import numpy.typing as npt

from voxelry.core.display import default_window
from voxelry.core.intensity import to_display
from voxelry.core.planes import plane_aspect
from voxelry.core.volume import Volume

_LONGEST_SIDE = 192
"""Pixels; larger slices are thinned out, because the picture is not compressed."""
_SHOWN_PIXELS = 240
_MOST_STORED = 65_535
"""Bytes in a stored block of a zlib stream."""
_ADLER = 65_521


def volume_html(volume: Volume) -> str:
    """A table of facts beside the middle slice as acquired."""
    rows = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in _facts(volume)
    )
    warnings = "".join(f"<li>{escape(words)}</li>" for words in volume.warnings)
    told = f"<ul>{warnings}</ul>" if warnings else ""
    return (
        '<div style="display:flex;gap:1em;align-items:flex-start">'
        f"{_picture(volume)}<div><b>Volume</b><table>{rows}</table>{told}</div></div>"
    )


def _facts(volume: Volume) -> Iterator[tuple[str, str]]:
    if volume.label:
        yield "label", volume.label
    names = "slices × rows × columns" + (" × samples" if volume.colour else "")
    yield names, " × ".join(map(str, volume.shape))
    yield "values", f"{volume.dtype} {volume.unit}".strip()
    yield "spacing", " × ".join("unknown" if one is None else f"{one:.6g}" for one in volume.spacing) + " mm"
    geometry = volume.geometry
    yield "columns, rows, slices run to", geometry.codes if geometry.placed else "unknown: no place in the patient"
    if geometry.tilt_degrees > 0.01:
        yield "tilt", f"{geometry.tilt_degrees:.4g}°"


def _picture(volume: Volume) -> str:
    """The middle slice in its proportions; nothing for values that cannot be shown."""
    index = len(volume.array) // 2
    grey = _middle_slice(volume, index)
    aspect = plane_aspect(volume)
    height, width = grey.shape[0] * aspect, grey.shape[1]
    scale = _SHOWN_PIXELS / max(height, width)
    step = -(-max(grey.shape[:2]) // _LONGEST_SIDE)
    data = binascii.b2a_base64(stored_png(grey[::step, ::step]), newline=False).decode("ascii")
    return (
        f'<figure style="margin:0"><img alt="slice {index}" width="{max(1, round(width * scale))}" '
        f'height="{max(1, round(height * scale))}" style="image-rendering:auto" '
        f'src="data:image/png;base64,{data}"><figcaption>slice {index}</figcaption></figure>'
    )


def _middle_slice(volume: Volume, index: int) -> npt.NDArray[np.uint8]:
    one = volume.crop((slice(index, index + 1), slice(None), slice(None)))
    values = np.asarray(one.array)[0]
    if one.colour:
        spare = max(8, int(values.max()).bit_length()) - 8
        return np.asarray(values >> spare, np.uint8)
    voi = next((one for one in one.slice_voi if one is not None), None) or default_window(one)
    grey = to_display(values, voi, invert=one.inverted)
    padding = one.padding_mask(0)
    return grey if padding is None else np.where(padding, np.uint8(0), grey)


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
