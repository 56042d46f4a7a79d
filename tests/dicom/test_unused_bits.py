"""Bits that no value uses are no part of one (PS3.5 8.1.1), wherever words are kept: native, RLE, deflated frames."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import UID

import voxelry
from voxelry.core.errors import PixelDataError
from voxelry.testing import pattern, synthetic_instance, write
from voxelry.testing.encoding import RLE, encoded_frame

Words = npt.NDArray[Any]
KEPT = ["native", "rle", "deflated"]
DEFLATED_FRAMES = "1.2.840.10008.1.2.8.1"


def deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def file_of(
    folder: Path,
    words: Words,
    how: str,
    *,
    stored: int,
    high: int | None = None,
    planar: int = 0,
    attributes: dict[str, object] | None = None,
    change: Callable[[pydicom.Dataset], None] = lambda _: None,
) -> Path:
    """A file with these words; shape ``(frame, row, column[, sample])``."""
    colour = words.ndim == 4
    dataset = synthetic_instance(rescale=None, attributes=attributes)
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = words.shape[:3]
    dataset.SamplesPerPixel = 3 if colour else 1
    if colour:
        dataset.PlanarConfiguration = planar
    dataset.BitsAllocated, dataset.BitsStored = 8 * words.dtype.itemsize, stored
    dataset.HighBit = stored - 1 if high is None else high
    laid = words if not planar else np.moveaxis(words, -1, 1)
    if how == "native":
        dataset.PixelData = laid.tobytes()
        dataset["PixelData"].VR = "OW" if words.dtype.itemsize > 1 else "OB"
    else:
        frames = (
            [encoded_frame(frame, RLE) for frame in words]
            if how == "rle"
            else [deflated(one.tobytes()) for one in laid]
        )
        packed(dataset, frames, RLE if how == "rle" else DEFLATED_FRAMES)
    change(dataset)
    return write_as_named(dataset, folder / f"{how}.dcm")


def packed(dataset: pydicom.Dataset, frames: list[bytes], syntax: str) -> None:
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.file_meta.TransferSyntaxUID = UID(syntax)


def write_as_named(dataset: pydicom.Dataset, path: Path) -> Path:
    """pydicom does not know Deflated Image Frame Compression: written as a syntax of a length that it does know."""
    named = str(dataset.file_meta.TransferSyntaxUID)
    known = "1.2.840.10008.1.2.4.50" if named == DEFLATED_FRAMES else named
    dataset.file_meta.TransferSyntaxUID = UID(known)
    write(dataset, path)
    old, new = (uid.encode() + b"\0" * (len(uid) % 2) for uid in (known, named))
    path.write_bytes(path.read_bytes().replace(old, new.ljust(len(old), b"\0"), 1))
    return path


def masked(words: Words, stored: int, high: int, *, signed: bool) -> Words:
    """By arithmetic on whole numbers, as the standard's figure shows."""
    values = words.astype(np.int64) >> (high - stored + 1) & ((1 << stored) - 1)
    return np.where(values >> (stored - 1) & 1, values - (1 << stored), values) if signed else values


SIGNED: dict[bool, dict[str, object]] = {sign: {"PixelRepresentation": int(sign)} for sign in (False, True)}


@pytest.mark.parametrize("how", KEPT)
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    ("bits", "stored", "high"),
    [(16, 12, 11), (16, 12, 15), (16, 12, 13), (16, 8, 7), (16, 8, 15), (8, 5, 4), (32, 20, 19)],
)
def test_only_the_stored_bits_count(tmp_path: Path, how: str, signed: bool, bits: int, stored: int, high: int) -> None:
    words = np.random.default_rng(stored).integers(0, 2**bits, (2, 7, 10), f"u{bits // 8}")
    path = file_of(tmp_path, words, how, stored=stored, high=high, attributes=SIGNED[signed])
    right = masked(words, stored, high, signed=signed)
    np.testing.assert_array_equal(voxelry.pixels(path), right)
    np.testing.assert_array_equal(voxelry.load_volume(path).array, right)
    np.testing.assert_array_equal(voxelry.load_volume(path, lazy=True).array[:], right)


@pytest.mark.parametrize("how", ["native", "rle"])
@pytest.mark.parametrize("signed", [False, True])
def test_pydicom_reads_the_same(tmp_path: Path, how: str, signed: bool) -> None:
    words = pattern((1, 7, 10), bits=12).astype(np.uint16) | (np.eye(7, 10, dtype=np.uint16) << 12)
    path = file_of(tmp_path, words, how, stored=12, attributes=SIGNED[signed])
    np.testing.assert_array_equal(voxelry.pixels(path), pydicom.dcmread(path).pixel_array)


@pytest.mark.parametrize("how", KEPT)
@pytest.mark.parametrize("planar", [0, 1])
def test_colour_is_cleared_too(tmp_path: Path, how: str, planar: int) -> None:
    words = np.random.default_rng(4).integers(0, 2**16, (2, 5, 6, 3), np.uint16)
    colour = {"PhotometricInterpretation": "RGB"}
    path = file_of(tmp_path, words, how, stored=12, planar=planar, attributes=dict(colour))
    np.testing.assert_array_equal(voxelry.pixels(path), words & 0x0FFF)


@pytest.mark.parametrize("how", KEPT)
@pytest.mark.parametrize("planar", [0, 1])
def test_luminance_and_chrominance_are_converted_once(tmp_path: Path, how: str, planar: int) -> None:
    words = np.random.default_rng(5).integers(0, 256, (2, 5, 6, 3), np.uint8)
    colour = {"PhotometricInterpretation": "YBR_FULL"}
    path = file_of(tmp_path, words, how, stored=8, planar=planar, attributes=dict(colour))
    np.testing.assert_array_equal(voxelry.pixels(path), convert_color_space(words, "YBR_FULL", "RGB"))


@pytest.mark.parametrize("how", KEPT)
def test_overlays_in_spare_bits_are_found(tmp_path: Path, how: str) -> None:
    values = pattern((2, 7, 10), bits=12).astype(np.uint16)
    mask = np.random.default_rng(3).random((2, 7, 10)) < 0.4

    def embed(dataset: pydicom.Dataset) -> None:
        for element, value in ((0x0010, 7), (0x0011, 10), (0x0100, 16), (0x0102, 13)):
            dataset.add_new(0x60000000 | element, "US", value)
        dataset.add_new(0x60000040, "CS", "G")

    path = file_of(tmp_path, values | (mask.astype(np.uint16) << 13), how, stored=12, change=embed)
    (overlay,) = voxelry.overlays(path)
    np.testing.assert_array_equal(overlay.mask, mask)
    np.testing.assert_array_equal(voxelry.pixels(path), values)


def test_single_bits_of_deflated_frames_are_packed_frame_by_frame(tmp_path: Path) -> None:
    """Each frame is deflated by itself, so that each begins at a byte: one of 3 x 3 single bits has two."""
    bits = np.random.default_rng(3).integers(0, 2, (2, 3, 3), np.uint8)
    frames = [deflated(np.packbits(frame.ravel(), bitorder="little").tobytes()) for frame in bits]

    def pack(dataset: pydicom.Dataset) -> None:
        dataset.BitsAllocated = 1
        packed(dataset, frames, DEFLATED_FRAMES)

    path = file_of(tmp_path, bits, "deflated", stored=1, change=pack)
    np.testing.assert_array_equal(voxelry.pixels(path), bits)


def test_a_deflated_frame_of_too_few_bytes_is_refused(tmp_path: Path) -> None:
    def cut(dataset: pydicom.Dataset) -> None:
        packed(dataset, [deflated(bytes(100))], DEFLATED_FRAMES)

    path = file_of(tmp_path, np.zeros((1, 7, 10), np.uint16), "deflated", stored=12, change=cut)
    with pytest.raises(PixelDataError, match=r"deflated\.dcm.*100 bytes where 140 are needed"):
        voxelry.pixels(path)


# --- codestreams ------------------------------------------------------------------------------------------------------


def codestream_file(folder: Path, words: Words, change: Callable[[pydicom.Dataset], None] = lambda _: None) -> Path:
    """16 bits in a lossless JPEG whose header says 12, as an encoder of whole words makes it."""
    dataset = synthetic_instance(words, bits_stored=16, rescale=None)
    dataset.BitsStored, dataset.HighBit = 12, 11
    raw = bytes(imagecodecs.jpeg8_encode(words, lossless=True, bitspersample=16))
    packed(dataset, [raw], "1.2.840.10008.1.2.4.70")
    change(dataset)
    return write(dataset, folder / "a.dcm")


def test_an_overlay_that_the_header_tells_is_no_part_of_a_codestream_s_values(tmp_path: Path) -> None:
    """PS3.5 8.1.1 again; pydicom clears them in lossless JPEG as well."""
    values = pattern((7, 10), bits=12).astype(np.uint16)

    def embed(dataset: pydicom.Dataset) -> None:
        for element, value in ((0x0010, 7), (0x0011, 10), (0x0100, 16), (0x0102, 12)):
            dataset.add_new(0x60000000 | element, "US", value)

    path = codestream_file(tmp_path, values | (np.eye(7, 10, dtype=np.uint16) << 12), embed)
    np.testing.assert_array_equal(voxelry.pixels(path), values)
    assert voxelry.load_volume(path).warnings == ()


def test_a_codestream_of_more_bits_than_the_header_says_is_told(tmp_path: Path) -> None:
    words = pattern((7, 10), bits=16).astype(np.uint16)
    words[0, 0] = 40_000
    volume = voxelry.load_volume(codestream_file(tmp_path, words))
    np.testing.assert_array_equal(volume.array[0], words)
    (told,) = volume.warnings
    assert "but Bits Stored (0028,0101) allows 0 to 4095" in told
