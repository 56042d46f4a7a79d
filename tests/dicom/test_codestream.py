"""Headers of codestreams: damaged ones are refused before a decoder sees them, sound ones are left alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import UID

import voxelry
from voxelry.core.errors import PixelDataError
from voxelry.dicom.pixels.codecs import decode
from voxelry.dicom.pixels.codestream import check_jpeg_2000, checked_htj2k, codestream_size
from voxelry.dicom.pixels.encode import HTJ2K_LOSSLESS, JPEG_2000_LOSSLESS
from voxelry.testing import pattern, synthetic_instance, write

Change = Callable[[bytes], bytes]
swallowed = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def htj2k(values: npt.NDArray[Any], **more: Any) -> bytes:
    return bytes(imagecodecs.htj2k_encode(values, **{"reversible": True, **more}))


def decoded(raw: bytes, like: npt.NDArray[Any], syntax: str = HTJ2K_LOSSLESS) -> npt.NDArray[Any]:
    shape = like.shape if like.ndim == 3 else (*like.shape, 1)
    return decode(raw, UID(syntax), shape=shape, dtype=like.dtype, photometric="RGB" if shape[2] == 3 else "")


GREY = pattern((40, 50), bits=12).astype(np.uint16)
TILED = htj2k(GREY, tile=(32, 16), tlm=True, tilepart=1, resolutions=2)
SIMPLE = htj2k(GREY)


def replaced(at: int, new: bytes) -> Change:
    return lambda raw: raw[:at] + new + raw[at + len(new) :]


def in_segment(marker: bytes, at: int, new: bytes) -> Change:
    """Bytes of the first such segment, counted from its marker."""
    return lambda raw: replaced(raw.index(marker) + at, new)(raw)


def inserted(segment: bytes, before: bytes) -> Change:
    return lambda raw: raw[: raw.index(before)] + segment + raw[raw.index(before) :]


def in_tile(segment: bytes) -> Change:
    """Put into the header of the first tile-part."""

    def change(raw: bytes) -> bytes:
        at = raw.index(b"\xff\x90")
        length = int.from_bytes(raw[at + 6 : at + 10], "big") + len(segment)
        return raw[: at + 6] + length.to_bytes(4, "big") + raw[at + 10 : at + 12] + segment + raw[at + 12 :]

    return change


DAMAGE: dict[str, tuple[Change, str]] = {
    "no width of tiles": (replaced(24, bytes(4)), r"tiles of 0 x 40 from \(0, 0\)"),
    "no height of tiles": (replaced(28, bytes(4)), "tiles of 50 x 0"),
    "tiles begin beyond the image": (replaced(32, b"\0\0\0\1"), r"from \(1, 0\) for an image from \(0, 0\)"),
    "the first tile is empty": (replaced(16, b"\0\0\0\x32"), r"ends at \(50, 40\) and begins at \(50, 0\)"),
    "more samples than the segment holds": (replaced(40, b"\0\3"), "SIZ has 41 bytes for 3 samples"),
    "far from the grid's origin": (
        replaced(8, b"".join(value.to_bytes(4, "big") for value in (2**31, 40, 2**31 - 50, 0, 2**31, 2**31))),
        "reaches to 2147483648 and its tiles to 2147483648",
    ),
    "a tile that ends beyond the grid": (
        replaced(8, b"".join(value.to_bytes(4, "big") for value in (51, 40, 1, 0, 2**32 - 1, 40, 1, 0))),
        "reaches to 51 and its tiles to 4294967296",
    ),
    "no spacing": (replaced(43, b"\0"), "impossible number of bits or spacing"),
    "too many bits": (replaced(42, b"\x26"), "impossible number of bits or spacing"),
    "halved": (replaced(43, b"\2"), "differ in bits, sign or size"),
    "steps too few": (in_segment(b"\xff\x5c", 2, b"\0\3"), r"found at byte|contradicts itself"),
    "steps cut": (lambda raw: raw.replace(b"\xff\x5c\0\x13", b"\xff\x5c\0\x03\xff\x64\0\x10", 1), "contradicts itself"),
    "steps that reach beyond": (in_segment(b"\xff\x5c", 2, b"\xff\xff"), "QCD at byte .* has 65535 bytes"),
    "levels that have no steps": (in_segment(b"\xff\x52", 9, b"\x06"), "16 subbands is not that of 6 levels"),
    "too many levels": (in_segment(b"\xff\x52", 9, b"\x21"), "COD at byte 55 contradicts itself"),
    "another wavelet": (in_segment(b"\xff\x52", 13, b"\0"), "quantization of 16 subbands is not that of 5 levels"),
    "blocks too large": (in_segment(b"\xff\x52", 10, b"\x08"), "COD at byte 55 contradicts itself"),
    "precincts announced": (in_segment(b"\xff\x52", 4, b"\1"), "COD at byte 55 contradicts itself"),
    "no layers": (in_segment(b"\xff\x52", 6, b"\0\0"), "COD at byte 55 contradicts itself"),
    "no coding": (lambda raw: raw.replace(b"\xff\x52", b"\xff\x65", 1), "COD or QCD, .* is missing"),
    "a segment of no length": (in_segment(b"\xff\x64", 2, b"\0\1"), "COM at byte .* has 1 bytes"),
    "no marker": (in_segment(b"\xff\x64", 0, b"\0"), "0064 is found at byte"),
    "an unknown segment with others in it": (
        inserted(b"\xff\x6f\0\x06\xff\x5c\0\x03", b"\xff\x52"),
        "FF6F, which nothing is known of",
    ),
    "steps for a sample that is not there": (
        inserted(b"\xff\x5d\0\5\3\x40\x40", b"\xff\x64"),
        "QCC at byte .* contradicts itself",
    ),
    "code blocks of its own": (
        inserted(b"\xff\x53\0\x09\0\0\5\3\5\x40\1", b"\xff\x64"),
        "differ in code blocks",
    ),
    "a region": (inserted(b"\xff\x5e\0\5\0\0\7", b"\xff\x64"), "segment RGN, which the decoder here does not follow"),
    "another order": (inserted(b"\xff\x5f\0\x09" + bytes(7), b"\xff\x64"), "segment POC"),
    "a tile's own steps": (in_tile(b"\xff\x5c\0\x04\x40\x40"), "segment QCD, which the decoder"),
    "a tile that is not there": (in_segment(b"\xff\x90", 4, b"\0\1"), "number 1 of tile 2 of 1"),
    "a part too many": (in_segment(b"\xff\x90", 10, b"\1"), "number 2 of tile 1 of 1"),
    "a tile-part shorter than its header": (in_segment(b"\xff\x90", 6, b"\0\0\0\x0d"), "number 1 of tile 1 of 1"),
    "a tile-part that ends early": (in_segment(b"\xff\x90", 6, b"\0\0\0\x20"), "neither a tile-part nor the end"),
    "a tile-part that ends late": (in_segment(b"\xff\x90", 6, b"\0\1\0\0"), "cut off"),
    "parts that are missing": (in_segment(b"\xff\x90", 11, b"\2"), "cut off"),
    "no tiles": (lambda raw: raw[: raw.index(b"\xff\x90")] + b"\xff\xd9", "FFD9 is found at byte"),
    "cut in the header": (lambda raw: raw[:80], "ends before the marker SOT|has 19 bytes"),
    "cut in the first segment": (lambda raw: raw[:30], "ends within its first segment"),
    "cut": (lambda raw: raw[:-40], "cut off"),
    "nothing of it": (lambda raw: raw[10:], "does not begin with the markers SOC and SIZ"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_header_is_refused_before_it_is_decoded(name: str) -> None:
    change, words = DAMAGE[name]
    with pytest.raises(PixelDataError, match=words):
        checked_htj2k(change(SIMPLE))


def test_a_tile_that_is_missing_is_no_zeros() -> None:
    starts = [at for at in range(len(TILED)) if TILED[at : at + 4] == b"\xff\x90\0\x0a"]
    assert len(starts) == 6 * 3
    np.testing.assert_array_equal(decoded(TILED, GREY), GREY)
    with pytest.raises(PixelDataError, match="tiles that it declares are missing"):
        decoded(TILED[: starts[-3]] + b"\xff\xd9", GREY)
    with pytest.raises(PixelDataError, match="tiles that it declares are missing"):
        decoded(TILED[: starts[-1]] + b"\xff\xd9", GREY)


def test_too_many_tiles_are_refused() -> None:
    raw = htj2k(np.zeros((300, 300), np.uint8))
    with pytest.raises(PixelDataError, match="90000 tiles of 1 x 1"):
        checked_htj2k(replaced(24, b"\0\0\0\1\0\0\0\1")(raw))


def test_more_packets_than_bytes_are_refused() -> None:
    """Precincts of 2 x 2 pixels in an image of a few bytes: OpenJPH would take memory for each of them."""
    raw = htj2k(np.zeros((300, 300), np.uint8))
    coding = raw[raw.index(b"\xff\x52") :][:14]
    small = raw.replace(coding, b"\xff\x52\0\x12\1" + coding[5:] + b"\x11" * 6)
    with pytest.raises(PixelDataError, match=r"at least 30036 packets are declared in"):
        checked_htj2k(small)
    large = raw.replace(coding, b"\xff\x52\0\x12\1" + coding[5:] + b"\xff" * 6)
    np.testing.assert_array_equal(decoded(large, np.zeros((300, 300), np.uint8)), 0)


@pytest.mark.parametrize(
    "change",
    [
        inserted(b"\xff\x6f\0\4\1\2", b"\xff\x52"),  # an unknown segment
        inserted(b"\xff\x53\0\x09\0\0\5\4\4\x40\1", b"\xff\x64"),  # COC that says the same as COD
        replaced(24, b"\0\0\x10\0\0\0\x10\0"),  # a tile far larger than the image
        inserted(b"\xff\x30", b"\xff\x52"),  # a marker without length
        inserted(b"\xff\x56\0\4\0\1", b"\xff\x52"),  # PRF
        inserted(b"\xff\x59\0\4\0\1", b"\xff\x52"),  # CPF
        in_tile(b"\xff\x64\0\6\0\1ab"),  # a comment within the tile
        in_segment(b"\xff\x90", 6, bytes(4)),  # a tile-part that reaches to the end
        in_segment(b"\xff\x90", 11, b"\0"),  # of how many parts is not told
        lambda raw: raw + b"\0",
        lambda raw: raw[:-2],  # without the marker of the end
        lambda raw: b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(30) + raw,
    ],
)
def test_what_the_standard_allows_is_decoded(change: Change) -> None:
    np.testing.assert_array_equal(decoded(change(SIMPLE), GREY), GREY)


@pytest.mark.parametrize("colour_transform", [True, False])
def test_colour_comes_with_and_without_a_colour_transform(colour_transform: bool) -> None:
    rgb = pattern((24, 32, 3), bits=8).astype(np.uint8)
    np.testing.assert_array_equal(decoded(htj2k(rgb, rgb=colour_transform), rgb), rgb)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.uint32, np.int32])
def test_last_rows_of_any_single_value_are_decoded(dtype: type[np.integer[Any]]) -> None:
    """Zero is what rows hold that were not reached."""
    low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    for value in (low, low + 1, (low + high + 1) // 2, 0, 1, high):
        values = np.full((9, 10), 7, dtype)
        values[-1] = value
        np.testing.assert_array_equal(decoded(htj2k(values), values), values)


@pytest.mark.parametrize("level", [0.0001, 0.01])
@pytest.mark.parametrize("signed", [False, True])
def test_with_loss_the_values_are_those_of_the_decoder(level: float, signed: bool) -> None:
    values = GREY.astype(np.int16 if signed else np.uint16) * 3
    raw = htj2k(values, reversible=False, level=level)
    np.testing.assert_array_equal(decoded(raw, values), imagecodecs.htj2k_decode(raw))


@pytest.mark.parametrize("colour", [False, True])
def test_rows_that_were_not_reached_are_no_zeros(monkeypatch: pytest.MonkeyPatch, colour: bool) -> None:
    """imagecodecs 2026.3 gives them as zeros, and says nothing; samples may come one after another."""
    values = pattern((16, 20, 3) if colour else (16, 20), bits=8).astype(np.uint8) | 1
    whole = imagecodecs.htj2k_decode

    def stopping(raw: bytes, **more: Any) -> npt.NDArray[Any]:
        rows = whole(raw, **more)
        rows[15:, ..., -1 if colour else slice(None)] = 0
        return rows

    monkeypatch.setattr(imagecodecs, "htj2k_decode", stopping)
    with pytest.raises(PixelDataError, match="cannot be decoded to the end"):
        decoded(htj2k(values, rgb=False), values)


@swallowed
def test_no_damage_within_the_data_gives_rows_of_zeros() -> None:
    values = pattern((16, 20), bits=8).astype(np.uint8) | 1
    raw = htj2k(values)
    for at in range(raw.index(b"\xff\x93") + 2, len(raw) - 2):
        damaged = raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :]
        with suppress(PixelDataError, imagecodecs.Htj2kError):
            assert decoded(damaged, values)[-1].any()


@swallowed
def test_the_file_is_named(tmp_path: Path) -> None:
    dataset = synthetic_instance(GREY)
    dataset.file_meta.TransferSyntaxUID = UID(HTJ2K_LOSSLESS)
    for name, damage in {"tiles": DAMAGE["no width of tiles"], "cut": DAMAGE["cut"]}.items():
        dataset.PixelData = encapsulate([damage[0](SIMPLE)])
        dataset["PixelData"].VR = "OB"
        with pytest.raises(PixelDataError, match=rf"^\S*{name}\.dcm: .*{damage[1]}"):
            voxelry.pixels(write(dataset, tmp_path / f"{name}.dcm"))


def test_another_number_of_samples_is_refused() -> None:
    with pytest.raises(PixelDataError, match="40 x 50 pixels of 1 samples with 16 bits, but 40 x 50 of 3"):
        decoded(SIMPLE, np.zeros((40, 50, 3), np.uint16))


@pytest.mark.parametrize("form", ["j2k", "jp2"])
def test_jpeg_2000_is_held_to_its_header_too(form: str) -> None:
    raw = bytes(imagecodecs.jpeg2k_encode(GREY, codecformat=form, reversible=True, level=0, mct=False))
    start = raw.index(b"\xff\x4f\xff\x51")
    assert codestream_size(raw) == GREY.shape
    np.testing.assert_array_equal(decoded(raw, GREY, JPEG_2000_LOSSLESS), GREY)
    for name in ("no width of tiles", "tiles begin beyond the image", "steps that reach beyond", "too many levels"):
        with pytest.raises(PixelDataError, match=r"header of the compressed frame is damaged"):
            decoded(raw[:start] + DAMAGE[name][0](raw[start:]), GREY, JPEG_2000_LOSSLESS)
    for segment in (b"\xff\x5e\0\5\0\0\0", b"\xff\x6f\0\4\xff\x5c", b"\xff\x30"):
        check_jpeg_2000(raw[:start] + inserted(segment, b"\xff\x64")(raw[start:]))
    check_jpeg_2000(b"neither")  # the decoder says what it is


def run(script: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, (done.returncode, done.stdout[-200:], done.stderr[-2000:])
    return done.stdout.strip()


EVERY_BIT = """
import signal, sys
import imagecodecs, numpy as np
from pydicom.uid import UID
from voxelry.dicom.pixels.codecs import decode
from voxelry.dicom.pixels.codestream import codestream_size

sys.unraisablehook = lambda _: None
ramp = np.arange(320, dtype=np.uint16).reshape(16, 20) * 7
colour = np.stack([ramp, ramp[::-1], ramp[:, ::-1]], -1).astype(np.uint8)
for values, more in (
    (ramp, {}), (ramp, {"tile": (8, 8), "tlm": True}), (colour, {}), (ramp, {"reversible": False, "level": 0.01})
):
    raw = bytes(imagecodecs.htj2k_encode(values, **{"reversible": True, **more}))
    shape = values.shape if values.ndim == 3 else (*values.shape, 1)
    for bit in range(8 * (raw.index(b"\\xff\\x93") + 12)):
        damaged = bytearray(raw)
        damaged[bit // 8] ^= 1 << bit % 8
        if codestream_size(bytes(damaged)) != shape[:2]:
            continue
        print(more, bit, flush=True)
        signal.alarm(20)
        try:
            decode(bytes(damaged), UID("1.2.840.10008.1.2.4.201"), shape=shape, dtype=values.dtype, photometric="")
        except Exception:
            pass
        signal.alarm(0)
print("alive")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs signals")
def test_no_single_bit_of_a_header_kills_or_hangs_the_process() -> None:
    assert run(EVERY_BIT).endswith("alive")


FIRST_USE = """
import os, sys, threading
import imagecodecs, numpy as np
from voxelry.dicom.pixels.encode import HTJ2K_LOSSLESS, encode_frame

imagecodecs.htj2k_encode  # loaded, but not used
ramp = np.arange(20) * 100
frames = [(np.random.default_rng(n).integers(0, 1000, (16, 20)) + ramp).astype(np.uint16) for n in range(2)]

def first_use(told):
    barrier, streams = threading.Barrier(2), [b"", b""]
    def work(n):
        barrier.wait()
        streams[n] = b"".join(encode_frame(frames[n], HTJ2K_LOSSLESS) for _ in range(10))
    threads = [threading.Thread(target=work, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(told, b"".join(streams))
    os._exit(0)

found = []
for _ in range(150):
    reading, writing = os.pipe()
    if os.fork() == 0:
        first_use(writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        found.append(pipe.read())
    os.wait()
right = b"".join(encode_frame(frame, HTJ2K_LOSSLESS) * 10 for frame in frames)
print(sum(streams != right for streams in found), len(right) > 200)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_first_two_frames_of_a_process_may_be_written_at_once() -> None:
    """OpenJPH fills its tables at its first use: about one process in eight wrote other values."""
    assert run(FIRST_USE) == "0 True"
