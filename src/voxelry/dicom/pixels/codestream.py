"""Headers of compressed frames, checked before a decoder reads them.

OpenJPH, which decodes HTJ2K, does not validate numbers: a tile of width 0 ends the process, a segment of the wrong
length makes it read and write beyond its memory, and offsets outside the image make it loop forever. Segments that
change the values and that OpenJPH ignores are refused too.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from voxelry.core.errors import PixelDataError
from voxelry.dicom.pixels.jpeg_marks import is_jpeg, jpeg_marks

_CODESTREAM = b"\xff\x4f\xff\x51"
"""JPEG 2000's markers SOC and SIZ."""
_JPEG_XL_START = b"\xff\x0a"
_LONGEST_WRAPPING = 65_536
_SIZE = struct.Struct(">HH8IH")
_TILE_PART = struct.Struct(">HHIBB")

_SOT, _SOD, _EOC = 0xFF90, 0xFF93, 0xFFD9
_CAP, _COD, _COC, _QCD, _QCC, _PLT, _COM = 0xFF50, 0xFF52, 0xFF53, 0xFF5C, 0xFF5D, 0xFF58, 0xFF64
_NAMES = {
    _CAP: "CAP", _COD: "COD", _COC: "COC", _QCD: "QCD", _QCC: "QCC", _PLT: "PLT", _COM: "COM", _SOT: "SOT", _SOD: "SOD",
    0xFF55: "TLM", 0xFF56: "PRF", 0xFF57: "PLM", 0xFF59: "CPF", 0xFF5E: "RGN", 0xFF5F: "POC", 0xFF60: "PPM",
    0xFF61: "PPT", 0xFF63: "CRG", 0xFF72: "DFS", 0xFF76: "NLT", 0xFF79: "ATK",
}  # fmt: skip
_NOT_FOLLOWED = frozenset({0xFF5E, 0xFF5F, 0xFF60, 0xFF61, 0xFF72, 0xFF76, 0xFF79})
"""Segments that change the values and are ignored by OpenJPH, or belong to parts of the standard outside of DICOM."""
_READ = frozenset({_CAP, _COD, _COC, _QCD, _QCC, _COM, 0xFF55, 0xFF56, 0xFF57, 0xFF59, 0xFF63})
_NOT_FOLLOWED_IN_TILES = _NOT_FOLLOWED | {_COD, _COC, _QCD, _QCC}
_READ_IN_TILES = frozenset({_PLT, _COM})
_WITHOUT_LENGTH = range(0xFF30, 0xFF40)
_NEVER_IN_HEADERS = frozenset({0xFF4F, 0xFF51, _SOT, 0xFF91, 0xFF92, _SOD, _EOC})
MOST_TILES = 65_535
MOST_LEVELS = 32
MOST_STEPS = 3 * MOST_LEVELS + 1
MOST_BITS = 38
_LONGEST_REACH = 2**24
_LONGEST_TILING = 2**32 - 1
"""OpenJPH counts with 32 bits and loops forever beyond them. Real images are far below."""
_MOST_BITS_OF_SUBBANDS = 30
"""The most that OpenJPH can decode if values were quantized."""


@dataclass(frozen=True, slots=True)
class Jpeg2000Image:
    """What the main header of a JPEG 2000 codestream declares.

    Attributes
    ----------
    start
        Where the codestream begins.
    bits, signed
        Of each sample.
    subsampled
        True if a sample has fewer pixels than the image.
    reach, tiled_to
        To where the image and its tiles extend on the reference grid, the greater of both directions.

    References
    ----------
    ISO/IEC 15444-1 A.5.1
    """

    start: int
    rows: int
    columns: int
    tiles: int
    bits: tuple[int, ...]
    signed: tuple[bool, ...]
    subsampled: bool
    reach: int
    tiled_to: int

    @property
    def samples(self) -> int:
        return len(self.bits)


def codestream_size(encoded: bytes) -> tuple[int, int] | None:
    """Rows and columns that a JPEG, JPEG-LS, JPEG 2000, HTJ2K or JPEG XL codestream declares; None if unknown."""
    start = jpeg_2000_start(encoded)
    if start is not None and len(encoded) >= start + 24:
        width, height, x, y = struct.unpack_from(">4I", encoded, start + 8)
        return height - y, width - x
    if encoded[:2] == _JPEG_XL_START:
        return _jpeg_xl_size(int.from_bytes(encoded[2:16], "little"))
    marks = jpeg_marks(encoded) if is_jpeg(encoded) else None
    if marks is None or marks.rows is None or marks.columns is None:
        return None
    return marks.rows, marks.columns


def jpeg_2000_start(encoded: bytes) -> int | None:
    """Where the codestream of a JPEG 2000 or HTJ2K frame begins; None if it is no such frame."""
    if encoded[:4] == _CODESTREAM:
        return 0
    if encoded[4:8] == b"jP  ":  # a JP2 file, whose codestream lies in a box
        found = encoded.find(_CODESTREAM, 0, _LONGEST_WRAPPING)
        return found if found >= 0 else None
    return None


def _jpeg_xl_size(bits: int) -> tuple[int, int]:
    """SizeHeader of ISO/IEC 18181-1 D.2; its fields lie lowest bit first."""

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    small = take(1)

    def side() -> int:
        return 8 * (take(5) + 1) if small else take((9, 13, 18, 30)[take(2)]) + 1

    rows = side()
    ratio = take(3)
    if ratio == 0:
        return rows, side()
    numerator, denominator = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))[ratio - 1]
    return rows, rows * numerator // denominator


def check_jpeg_2000(encoded: bytes) -> None:
    """Check the main header of a JPEG 2000 frame; a frame that is no codestream is left to the decoder.

    Raises
    ------
    PixelDataError
        If the header is damaged; the message names the damage and its position.
    """
    start = jpeg_2000_start(encoded)
    if start is not None:
        image, at = _image(encoded, start)
        for marker, place, content in _segments(encoded, at, len(encoded), _SOT):
            _check_coding(marker, place, content, image)


def jpeg_2000_image(encoded: bytes, start: int) -> tuple[Jpeg2000Image, bool]:
    """What a main header declares, and whether the multiple component transformation mixed the samples (A.6.1)."""
    image, at = _image(encoded, start)
    coding = next((content for marker, _, content in _segments(encoded, at, len(encoded), _SOT) if marker == _COD), b"")
    return image, coding[4:5] == b"\1"


def checked_htj2k(encoded: bytes) -> tuple[Jpeg2000Image, bytes]:
    """What an HTJ2K frame declares, and the bytes that were checked: from its first marker to its last one.

    Raises
    ------
    PixelDataError
        If a header is damaged, if tiles are missing or cut off, or if what the decoder here cannot follow is used.

    References
    ----------
    ISO/IEC 15444-1 A.4 to A.6, ISO/IEC 15444-15 A
    """
    start = jpeg_2000_start(encoded)
    if start is None:
        raise _damaged("it does not begin with the markers SOC and SIZ of a codestream")
    image, at = _image(encoded, start)
    if image.reach > _LONGEST_REACH or image.tiled_to > _LONGEST_TILING:
        raise _damaged(f"its image reaches to {image.reach} and its tiles to {image.tiled_to} on the reference grid")
    if len(set(image.bits)) > 1 or len(set(image.signed)) > 1 or image.subsampled:
        raise PixelDataError("the samples of the compressed frame differ in bits, sign or size: this cannot be decoded")
    levels: dict[int | None, _Coding] = {}
    steps: dict[int | None, _Coding] = {}
    for marker, place, content in _segments(encoded, at, len(encoded), _SOT):
        if marker != _SOT:
            _refuse_not_followed(marker, content, _NOT_FOLLOWED, _READ)
        found = _check_coding(marker, place, content, image)
        if found is not None:
            (levels if marker in (_COD, _COC) else steps)[found.sample] = found
        at = place
    if None not in levels or None not in steps:
        raise _damaged("the segment COD or QCD, which every codestream has, is missing")
    packets = 0
    for sample in range(image.samples):
        transform = levels.get(sample, levels[None])
        quantized = steps.get(sample, steps[None])
        if transform.blocks != levels[None].blocks:
            raise PixelDataError("the samples of the compressed frame differ in code blocks: this cannot be decoded")
        if quantized.count < 3 * transform.count + 1 or quantized.reversible != transform.reversible:
            raise _damaged(f"its quantization of {quantized.count} subbands is not that of {transform.count} levels")
        if not transform.reversible and not (quantized.bits[0] >= 0 and quantized.bits[1] <= _MOST_BITS_OF_SUBBANDS):
            raise _damaged(f"its quantized subbands have {quantized.bits[0]} to {quantized.bits[1]} bits")
        packets += _fewest_packets(image, transform)
    if packets > len(encoded):
        raise _damaged(f"at least {packets} packets are declared in {len(encoded)} bytes")
    return image, encoded[start : _end(encoded, at, image.tiles)]


def with_other_signs(stream: bytes, samples: int) -> bytearray:
    """The same HTJ2K codestream with the sign flag of each sample inverted."""
    changed = bytearray(stream)
    first = len(_CODESTREAM) + _SIZE.size
    for at in range(first, first + 3 * samples, 3):
        changed[at] ^= 0x80
    return changed


def _image(encoded: bytes, start: int) -> tuple[Jpeg2000Image, int]:
    """The segment SIZ, and where the next one begins."""
    at = start + 4
    if len(encoded) < at + _SIZE.size:
        raise _damaged("it ends within its first segment")
    length, _, right, bottom, x, y, width, height, tiles_x, tiles_y, samples = _SIZE.unpack_from(encoded, at)
    if not 1 <= samples <= 16_384 or length != 38 + 3 * samples or len(encoded) < at + length:
        raise _damaged(f"the segment SIZ has {length} bytes for {samples} samples")
    if right <= x or bottom <= y:
        raise _damaged(f"the image ends at ({right}, {bottom}) and begins at ({x}, {y})")
    if not width or not height or not tiles_x <= x < tiles_x + width or not tiles_y <= y < tiles_y + height:
        raise _damaged(f"tiles of {width} x {height} from ({tiles_x}, {tiles_y}) for an image from ({x}, {y})")
    across, down = -((tiles_x - right) // width), -((tiles_y - bottom) // height)
    tiles = across * down
    if tiles > MOST_TILES:
        raise _damaged(f"{tiles} tiles of {width} x {height} are declared; {MOST_TILES} are possible")
    components = encoded[at + _SIZE.size : at + length]
    depths, sampling = components[::3], components[1::3] + components[2::3]
    if 0 in sampling or any((depth & 0x7F) + 1 > MOST_BITS for depth in depths):
        raise _damaged("its samples have an impossible number of bits or spacing")
    bits = tuple((depth & 0x7F) + 1 for depth in depths)
    signed = tuple(depth >= 0x80 for depth in depths)
    image = Jpeg2000Image(
        start=start,
        rows=bottom - y,
        columns=right - x,
        tiles=tiles,
        bits=bits,
        signed=signed,
        subsampled=any(spacing != 1 for spacing in sampling),
        reach=max(right, bottom),
        tiled_to=max(tiles_x + across * width, tiles_y + down * height),
    )
    return image, at + length


def _segments(encoded: bytes, at: int, end: int, last: int) -> Iterator[tuple[int, int, bytes]]:
    """Marker, place of the content and content of each segment from ``at`` up to ``last``, which comes without content.

    Its place is that of the marker itself.
    """
    while at + 2 <= end:
        marker = int.from_bytes(encoded[at : at + 2], "big")
        if marker == last:
            yield marker, at, b""
            return
        if marker in _WITHOUT_LENGTH:
            at += 2
            continue
        if marker <= 0xFF00 or marker == 0xFFFF or marker in _NEVER_IN_HEADERS:
            raise _damaged(f"{marker:04X} is found at byte {at}, where a marker of its header is needed")
        length = int.from_bytes(encoded[at + 2 : at + 4], "big")
        if length < 2 or at + 2 + length > end:
            raise _damaged(f"the segment {_name(marker)} at byte {at} says that it has {length} bytes")
        yield marker, at + 4, encoded[at + 4 : at + 2 + length]
        at += 2 + length
    raise _damaged(f"it ends before the marker {_name(last)}")


@dataclass(frozen=True, slots=True)
class _Coding:
    """What COD or COC says of levels of decomposition, QCD or QCC of quantized subbands.

    Attributes
    ----------
    sample
        For which it holds; None: for all that have none of their own.
    blocks
        Exponents of the sizes of code blocks and precincts.
    bits
        The fewest and the most bits of magnitude that a subband has.
    """

    sample: int | None
    count: int
    reversible: bool
    blocks: bytes = b""
    bits: tuple[int, int] = (1, 1)


def _check_coding(marker: int, place: int, content: bytes, image: Jpeg2000Image) -> _Coding | None:
    if marker not in (_COD, _COC, _QCD, _QCC):
        return None
    sample: int | None = None
    rest = content
    if marker in (_COC, _QCC):
        wide = 1 if image.samples < 257 else 2
        sample, rest = int.from_bytes(rest[:wide], "big"), rest[wide:]
    if marker == _COC:  # as COD, but for what concerns all samples
        rest = rest[:1] + b"\0\0\1\0" + rest[1:]
    found = _levels(rest, image.samples, sample) if marker in (_COD, _COC) else _steps(rest, sample)
    if found is None or (sample is not None and sample >= image.samples):
        raise _damaged(f"the segment {_name(marker)} at byte {place - 4} contradicts itself")
    return found


def _levels(content: bytes, samples: int, sample: int | None) -> _Coding | None:
    """Levels of decomposition by A.6.1 and A.6.2, and whether 5/3 is used; None for a segment that cannot be."""
    if len(content) < 10:
        return None
    style, order, layers, mixing, levels, width, height, _, wavelet = struct.unpack_from(">BBHBBBBBB", content)
    precincts = content[10:]
    if levels > MOST_LEVELS or len(precincts) != (levels + 1 if style & 1 else 0):
        return None
    if order > 4 or not layers or mixing > 1 or (mixing and samples == 2) or width + height > 8:  # exponents less 2
        return None
    # A precinct of one pixel is possible at the lowest resolution only.
    if any(side & 0x0F == 0 or side >> 4 == 0 for side in precincts[1:]):
        return None
    return _Coding(sample, levels, wavelet == 1, blocks=content[6:8] + precincts)


def _fewest_packets(image: Jpeg2000Image, transform: _Coding) -> int:
    """One for each precinct, of a byte or more (B.6, B.9): memory is taken for each before any is read."""
    packets = 0
    for level, exponents in enumerate(transform.blocks[2:]):
        columns, rows = image.columns >> (transform.count - level), image.rows >> (transform.count - level)
        packets += -(-columns >> (exponents & 0x0F)) * -(-rows >> (exponents >> 4))
    return packets


def _steps(content: bytes, sample: int | None) -> _Coding | None:
    """Subbands that have a quantization step by A.6.4, and whether none is quantized; None for one that cannot be."""
    style, values = content[:1], content[1:]
    kind = style[0] & 0x1F if style else -1
    count = {0: len(values), 1: MOST_STEPS if len(values) == 2 else 0, 2: len(values) // 2}.get(kind, 0)
    if not 1 <= count <= MOST_STEPS or (kind == 2 and len(values) % 2):
        return None
    exponents = [value >> 3 for value in values[:: 1 if kind == 0 else 2]]
    others = (style[0] >> 5) - 1  # guard bits, but for the one that is no magnitude (equation E-2)
    return _Coding(sample, count, kind == 0, bits=(min(exponents) + others, max(exponents) + others))


def _refuse_not_followed(marker: int, content: bytes, not_followed: frozenset[int], read: frozenset[int]) -> None:
    if marker in not_followed:
        raise PixelDataError(
            f"the compressed frame has a segment {_name(marker)}, which the decoder here does not follow; "
            "convert the file to another transfer syntax"
        )
    # OpenJPH looks for the markers that it knows byte by byte, even within segments that it does not know.
    if marker not in read and b"\xff" in (len(content) + 2).to_bytes(2, "big") + content:
        raise _damaged(f"the segment {_name(marker)}, which nothing is known of, may hold others")


def _end(encoded: bytes, at: int, tiles: int) -> int:
    """Where the codestream ends; every tile must be there, with all its parts."""
    there: dict[int, int] = {}
    declared: dict[int, int] = {}
    while encoded[at : at + 2] == b"\xff\x90":
        if at + 2 + _TILE_PART.size > len(encoded):
            raise _cut_off()
        length, tile, size, part, parts = _TILE_PART.unpack_from(encoded, at + 2)
        if length != 10 or tile >= tiles or part != there.get(tile, 0) or 0 < size < 14:
            raise _damaged(f"the tile-part at byte {at} is number {part + 1} of tile {tile + 1} of {tiles}")
        end = at + size if size else len(encoded)
        if end > len(encoded):
            raise _cut_off()
        for marker, _, content in _segments(encoded, at + 12, end, _SOD):
            if marker != _SOD:
                _refuse_not_followed(marker, content, _NOT_FOLLOWED_IN_TILES, _READ_IN_TILES)
        there[tile] = part + 1
        declared[tile] = parts or declared.get(tile, 0)
        at = end
    over = encoded[at : at + 2] == b"\xff\xd9"
    if not over and encoded[at:].strip(b"\0"):
        raise _damaged(f"neither a tile-part nor the end is found at byte {at}")
    if len(there) < tiles or any(there[tile] < parts for tile, parts in declared.items()):
        raise _cut_off()
    return at + 2 if over else at


def _name(marker: int) -> str:
    return _NAMES.get(marker, f"{marker:04X}")


def _damaged(what: str) -> PixelDataError:
    return PixelDataError(f"the header of the compressed frame is damaged: {what}; copy the file again")


def _cut_off() -> PixelDataError:
    return PixelDataError("the compressed frame is cut off: tiles that it declares are missing; copy the file again")
