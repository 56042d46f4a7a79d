"""Stored pixels: every encoding gives the same numbers, and dishonest headers are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import UID

import voxelry
from voxelry.core.errors import PixelDataError, TooLargeError, TransferSyntaxError, TruncatedError
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.sources import FileSource
from voxelry.dicom.pixels.codecs import JPEG_XL, decode
from voxelry.dicom.pixels.codestream import codestream_size
from voxelry.dicom.pixels.stored_pixels import stored_frames
from voxelry.testing import pattern, synthetic_instance, synthetic_series, write

Encoder = Callable[[npt.NDArray[Any]], bytes | bytearray]


def _rle(values: npt.NDArray[Any]) -> bytes:
    """PS3.5 Annex G with literal runs only."""
    planes = values.reshape(-1, 1 if values.ndim == 2 else 3).T
    segments = []
    for plane in planes:
        raw = plane.astype(plane.dtype.newbyteorder(">")).tobytes()
        for byte in range(plane.dtype.itemsize):
            part = raw[byte :: plane.dtype.itemsize]
            runs = b"".join(bytes([len(part[n : n + 128]) - 1]) + part[n : n + 128] for n in range(0, len(part), 128))
            segments.append(runs + b"\0" * (len(runs) % 2))
    starts = np.cumsum([64, *map(len, segments)])[:-1]
    header = np.zeros(16, "<u4")
    header[0] = len(segments)
    header[1 : 1 + len(segments)] = starts
    return header.tobytes() + b"".join(segments)


LOSSLESS: dict[str, tuple[str, Encoder]] = {
    "rle": ("1.2.840.10008.1.2.5", _rle),
    "jpeg-lossless": (
        "1.2.840.10008.1.2.4.70",
        lambda v: imagecodecs.jpeg8_encode(v, lossless=True, bitspersample=None if v.dtype == np.uint8 else 16),
    ),
    "jpeg-ls": ("1.2.840.10008.1.2.4.80", imagecodecs.jpegls_encode),
    "jpeg-2000": (
        "1.2.840.10008.1.2.4.90",
        lambda v: imagecodecs.jpeg2k_encode(v, codecformat="j2k", reversible=True, level=0),
    ),
    "htj2k": ("1.2.840.10008.1.2.4.201", lambda v: imagecodecs.htj2k_encode(v, reversible=True)),
    "jpeg-xl": ("1.2.840.10008.1.2.4.110", lambda v: imagecodecs.jpegxl_encode(v, lossless=True)),
}


JP2: tuple[str, Encoder] = (
    "1.2.840.10008.1.2.4.90",
    lambda v: imagecodecs.jpeg2k_encode(v, codecformat="jp2", level=0),
)


def compressed(path: Path, pixels: npt.NDArray[Any], syntax: str, encode: Encoder, **table: bool) -> Path:
    """A file whose frames are the arrays along the first axis."""
    dataset = synthetic_instance(pixels if len(pixels) > 1 else pixels[0], bits_stored=pixels.dtype.itemsize * 8)
    frames = [bytes(encode(np.ascontiguousarray(frame))) for frame in pixels]
    if table.get("extended"):
        value, offsets, lengths = encapsulate_extended(frames)
        dataset.ExtendedOffsetTable, dataset.ExtendedOffsetTableLengths = offsets, lengths
    else:
        value = encapsulate(
            frames, fragments_per_frame=2 if table.get("fragments") else 1, has_bot=table.get("bot", True)
        )
    dataset.PixelData = value
    dataset["PixelData"].VR = "OB"
    known = "1.2.840.10008.1.2.4.201"  # of the same length as the JPEG XL ones, which pydicom does not write yet
    dataset.file_meta.TransferSyntaxUID = UID(known if syntax in JPEG_XL else syntax)
    dataset.save_as(path, enforce_file_format=True)
    path.write_bytes(path.read_bytes().replace(known.encode(), syntax.encode(), 1))
    return path


@pytest.mark.parametrize("name", LOSSLESS)
@pytest.mark.parametrize("bits", [8, 16])
def test_lossless_frames_give_their_stored_values(tmp_path: Path, name: str, bits: int) -> None:
    syntax, encode = LOSSLESS[name]
    pixels = pattern((1, 24, 32), bits=bits).astype(f"u{bits // 8}")
    path = compressed(tmp_path / "a.dcm", pixels, syntax, encode)
    np.testing.assert_array_equal(voxelry.pixels(path), pixels[0].astype(np.int64) - 1024)


@pytest.mark.parametrize("table", [{}, {"bot": False}, {"fragments": True}, {"extended": True}])
def test_frames_are_found_by_every_kind_of_offset_table(tmp_path: Path, table: dict[str, bool]) -> None:
    syntax, encode = LOSSLESS["jpeg-ls"]
    pixels = pattern((3, 24, 32), bits=16).astype(np.uint16)
    path = compressed(tmp_path / "a.dcm", pixels, syntax, encode, **table)
    np.testing.assert_array_equal(voxelry.pixels(path), pixels.astype(np.int64) - 1024)


@pytest.mark.parametrize(
    "syntax",
    ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"],
)
@pytest.mark.parametrize(("signed", "bits"), [(False, 12), (True, 12), (False, 16), (True, 16), (False, 8)])
def test_uncompressed_pixels_of_every_kind(tmp_path: Path, syntax: str, signed: bool, bits: int) -> None:
    truth = synthetic_series(tmp_path, slices=2, transfer_syntax=syntax, signed=signed, bits_stored=bits)
    np.testing.assert_array_equal(voxelry.load_volume(tmp_path).array, truth.array)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "PALETTE COLOR"])
def test_colour_comes_as_rgb(tmp_path: Path, photometric: str) -> None:
    truth = synthetic_series(tmp_path, slices=2, photometric=photometric, rescale=None)  # type: ignore[arg-type]
    volume = voxelry.load_volume(tmp_path)
    assert volume.colour
    assert volume.array.dtype == np.uint8
    np.testing.assert_allclose(volume.array, truth.array, atol=0 if photometric != "YBR_FULL" else 1)


@pytest.mark.parametrize("planar", [0, 1])
def test_planar_configuration(tmp_path: Path, planar: int) -> None:
    pixels = pattern((6, 7, 3), bits=8).astype(np.uint8)
    path = write(synthetic_instance(pixels, photometric="RGB", planar=planar, rescale=None), tmp_path / "a.dcm")
    np.testing.assert_array_equal(voxelry.pixels(path), pixels)


def test_dirty_high_bits_are_cleared_and_the_sign_extended(tmp_path: Path) -> None:
    dataset = synthetic_instance(rows=2, columns=2, signed=True, bits_stored=12, rescale=None)
    dataset.PixelData = np.array([0xF001, 0x0FFF, 0x5800, 0x07FF], "<u2").tobytes()
    path = write(dataset, tmp_path / "a.dcm")
    assert voxelry.pixels(path).tolist() == [[1, -1], [-2048, 2047]]


def test_single_bits_need_not_begin_at_a_byte(tmp_path: Path) -> None:
    dataset = synthetic_instance(rows=3, columns=3, rescale=None)
    bits = np.random.default_rng(3).integers(0, 2, (2, 3, 3), np.uint8)
    dataset.BitsAllocated = dataset.BitsStored = 1
    dataset.HighBit = 0
    dataset.NumberOfFrames = 2
    dataset.PixelData = np.packbits(bits.ravel(), bitorder="little").tobytes() + b"\0"
    dataset["PixelData"].VR = "OB"
    np.testing.assert_array_equal(voxelry.pixels(write(dataset, tmp_path / "a.dcm")), bits)


@pytest.mark.parametrize(("keyword", "dtype"), [("FloatPixelData", "<f4"), ("DoubleFloatPixelData", "<f8")])
def test_float_pixels(tmp_path: Path, keyword: str, dtype: str) -> None:
    dataset = synthetic_instance(rows=2, columns=3, rescale=None)
    values = np.array([[0.5, -1.25, 3.0], [1e-3, 2.0, 7.5]], dtype)
    del dataset.PixelData
    setattr(dataset, keyword, values.tobytes())
    dataset.BitsAllocated = values.dtype.itemsize * 8
    np.testing.assert_array_equal(voxelry.pixels(write(dataset, tmp_path / "a.dcm")), values)


def test_a_modality_table_gives_its_values(tmp_path: Path) -> None:
    item = pydicom.Dataset()
    item.add_new(0x00283002, "US", [4, 10, 16])
    item.add_new(0x00283006, "US", [100, 200, 300, 400])
    pixels = np.array([[9, 10], [12, 99]], np.uint16)
    dataset = synthetic_instance(pixels, rescale=None, attributes={"ModalityLUTSequence": [item]})
    assert voxelry.pixels(write(dataset, tmp_path / "a.dcm")).tolist() == [[100, 100], [300, 400]]


# --- dishonest headers ------------------------------------------------------------------------------------------------


def test_pixels_that_are_cut_off_are_refused_with_both_numbers(tmp_path: Path) -> None:
    path = write(synthetic_instance(rows=16, columns=20), tmp_path / "cut.dcm")
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(TruncatedError, match=r"cut\.dcm: .*needs 640 bytes .* but 440 are there"):
        voxelry.pixels(path)


def test_a_huge_size_in_a_small_file_is_refused_before_it_is_allocated(tmp_path: Path) -> None:
    dataset = synthetic_instance(rows=16, columns=20)
    dataset.Rows = dataset.Columns = 46341
    with pytest.raises(TruncatedError, match="are there"):
        voxelry.pixels(write(dataset, tmp_path / "native.dcm"))


def test_a_codestream_of_another_size_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    for name in ("jpeg-lossless", "jpeg-ls", "jpeg-2000", "jp2", "htj2k"):
        syntax, encode = {**LOSSLESS, "jp2": JP2}[name]
        path = compressed(tmp_path / f"{name}.dcm", pattern((1, 24, 32), bits=16).astype(np.uint16), syntax, encode)
        dataset = pydicom.dcmread(path)
        dataset.Rows = 4096
        dataset.save_as(path)
        with pytest.raises(PixelDataError, match="compressed frame is 24 x 32 pixels"):
            voxelry.pixels(path)
        dataset.Rows = dataset.Columns = 46341
        dataset.save_as(path)
        with pytest.raises(PixelDataError, match=r"24 x 32 pixels, but .* 46341 x 46341"):
            voxelry.pixels(path)


def test_a_syntax_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    path = compressed(
        tmp_path / "film.dcm", np.zeros((1, 8, 8), np.uint8), "1.2.840.10008.1.2.4.102", lambda _: b"\0" * 8
    )
    with pytest.raises(TransferSyntaxError, match=r"1\.2\.840\.10008\.1\.2\.4\.102 \(MPEG-4"):
        voxelry.pixels(path)


@pytest.mark.parametrize(
    ("keyword", "value", "words"),
    [
        ("Rows", None, r"Rows \(0028,0010\) is missing"),
        ("Rows", 0, r"Rows \(0028,0010\) is 0"),
        ("BitsAllocated", 24, "24"),
        ("BitsStored", 17, "do not fit"),
        ("PhotometricInterpretation", "RGB", "does not go with"),
        ("NumberOfFrames", "-3", "is -3"),
    ],
)
def test_a_header_that_contradicts_itself_is_named(tmp_path: Path, keyword: str, value: object, words: str) -> None:
    path = write(synthetic_instance(attributes={keyword: value}), tmp_path / "odd.dcm")
    with pytest.raises(PixelDataError, match=words) as caught:
        voxelry.pixels(path)
    assert "odd.dcm" in str(caught.value)


def test_frames_that_are_damaged_say_so(tmp_path: Path) -> None:
    for name, (syntax, encode) in LOSSLESS.items():
        pixels = pattern((1, 24, 32), bits=16).astype(np.uint16)
        cut = encode(pixels[0])[:60]
        path = compressed(tmp_path / f"{name}.dcm", pixels, syntax, lambda _, cut=cut: cut)  # type: ignore[misc]
        with pytest.raises(PixelDataError, match=rf"{name}\.dcm"):
            voxelry.pixels(path)


def test_words_of_a_big_endian_file_hold_frames_of_odd_size(tmp_path: Path) -> None:
    pixels = pattern((3, 3, 5), bits=8).astype(np.uint8)
    dataset = synthetic_instance(pixels, rescale=None, transfer_syntax="1.2.840.10008.1.2.2")
    padded = pixels.tobytes() + b"\0"
    dataset.PixelData = np.frombuffer(padded, "<u2").byteswap().tobytes()
    dataset["PixelData"].VR = "OW"
    np.testing.assert_array_equal(voxelry.pixels(write(dataset, tmp_path / "a.dcm")), pixels)


def test_chrominance_that_is_whole_after_all_is_known_by_its_length(tmp_path: Path) -> None:
    """Decompressing software leaves YBR_FULL_422 in the header."""
    rgb = pattern((6, 8, 3), bits=8).astype(np.uint8)
    dataset = synthetic_instance(rgb, photometric="YBR_FULL", rescale=None)
    whole = voxelry.pixels(write(dataset, tmp_path / "whole.dcm"))
    dataset.PhotometricInterpretation = "YBR_FULL_422"
    np.testing.assert_array_equal(voxelry.pixels(write(dataset, tmp_path / "said.dcm")), whole)


def _with_syntax(path: Path, dataset: pydicom.Dataset, syntax: str) -> Path:
    """Written in explicit VR little endian, with another syntax of the same length named."""
    known = "1.2.840.10008.1.2.1"
    write(dataset, path)
    path.write_bytes(path.read_bytes().replace(known.encode().ljust(20, b"\0"), syntax.encode().ljust(20, b"\0"), 1))
    return path


def test_how_a_private_syntax_lays_out_its_pixels_is_not_guessed(tmp_path: Path) -> None:
    pixels = pattern((4, 6), bits=12)
    dataset = synthetic_instance(pixels, rescale=None)
    with pytest.raises(TransferSyntaxError, match=r"1\.3\.46\.670589\.33\.1"):
        voxelry.pixels(_with_syntax(tmp_path / "a.dcm", dataset, "1.3.46.670589.33.1"))
    dataset.PixelData = pixels.astype(">u2").tobytes()
    path = _with_syntax(tmp_path / "ge.dcm", dataset, "1.2.840.113619.5.2")
    np.testing.assert_array_equal(voxelry.pixels(path), pixels)


@pytest.mark.parametrize("name", ["jpeg-lossless", "jpeg-ls", "jpeg-2000"])
def test_a_codestream_may_hold_more_bits_than_bits_stored_says(tmp_path: Path, name: str) -> None:
    syntax, encode = LOSSLESS[name]
    pixels = pattern((1, 24, 32), bits=16).astype(np.uint16)
    path = compressed(tmp_path / "a.dcm", pixels, syntax, encode)
    dataset = pydicom.dcmread(path)
    dataset.BitsStored, dataset.HighBit = 12, 11
    dataset.save_as(path)
    np.testing.assert_array_equal(voxelry.pixels(path), pixels[0].astype(np.int64) - 1024)


@pytest.mark.parametrize("name", ["jpeg-lossless", "jpeg-ls", "jpeg-2000", "rle"])
@pytest.mark.parametrize("bits", [10, 12, 14])
def test_signed_values_of_few_bits_keep_their_sign_when_compressed(tmp_path: Path, name: str, bits: int) -> None:
    syntax, encode = LOSSLESS[name]
    signed = pattern((24, 32), bits=bits, signed=True).astype(np.int16)
    unsigned = (signed.astype(np.int64) & ((1 << bits) - 1)).astype(np.uint16)  # as a codec without a sign takes it
    path = compressed(tmp_path / "a.dcm", unsigned[None], syntax, encode)
    dataset = pydicom.dcmread(path)
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = bits, bits - 1, 1
    dataset.RescaleIntercept = "0"
    dataset.save_as(path)
    np.testing.assert_array_equal(voxelry.pixels(path), signed)


def test_a_codestream_too_wide_for_its_header_is_refused(tmp_path: Path) -> None:
    syntax, encode = LOSSLESS["jpeg-2000"]
    path = compressed(tmp_path / "a.dcm", pattern((1, 24, 32), bits=16).astype(np.uint16), syntax, encode)
    dataset = pydicom.dcmread(path)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.save_as(path)
    with pytest.raises(PixelDataError, match=r"a\.dcm: a compressed frame holds values up to 65535"):
        voxelry.pixels(path)


def test_numbers_that_overflow_are_no_crash(tmp_path: Path) -> None:
    for name, rescale in {"slope": (1e300, 0.0), "whole": (1e19, 0.0), "intercept": (1.0, 1e25)}.items():
        path = write(synthetic_instance(rescale=rescale), tmp_path / name)
        values = voxelry.pixels(path)
        assert values.dtype == np.float64
        assert values.max() > 1e18


def test_wide_integers_keep_every_digit(tmp_path: Path) -> None:
    pixels = np.array([[0, 2**63 + 1, 2**64 - 1]], np.uint64)
    dataset = synthetic_instance(np.zeros((1, 3), np.uint32), rescale=None)
    dataset.BitsAllocated = dataset.BitsStored = 64
    dataset.HighBit = 63
    dataset.PixelData = pixels.tobytes()
    np.testing.assert_array_equal(voxelry.pixels(write(dataset, tmp_path / "a.dcm")), pixels)


def test_a_modality_table_of_bytes(tmp_path: Path) -> None:
    """8 bits an entry, and an odd number of them."""
    item = pydicom.Dataset()
    item.add_new(0x00283002, "US", [5, 0, 8])
    item.add_new(0x00283006, "OW", bytes([7, 8, 9, 10, 11]))
    pixels = np.array([[0, 1], [4, 9]], np.uint16)
    dataset = synthetic_instance(pixels, rescale=None, attributes={"ModalityLUTSequence": [item]})
    assert voxelry.pixels(write(dataset, tmp_path / "a.dcm")).tolist() == [[7, 8], [11, 11]]


def test_a_deflated_bomb_is_refused_before_it_expands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxelry.dicom.headers.deflated.EXPANDED_FROM", 2**20)
    dataset = synthetic_instance(np.zeros((2048, 2048), np.uint16), transfer_syntax="1.2.840.10008.1.2.1.99")
    with pytest.raises(TooLargeError, match=r"bomb\.dcm: a deflated file of \d+ bytes would expand"):
        voxelry.pixels(write(dataset, tmp_path / "bomb.dcm"))


def test_only_the_frames_that_are_asked_for_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syntax, encode = LOSSLESS["jpeg-ls"]
    pixels = pattern((6, 24, 32), bits=16).astype(np.uint16)
    native = write(synthetic_instance(pixels, bits_stored=16, rescale=None), tmp_path / "native.dcm")
    packed = compressed(tmp_path / "packed.dcm", pixels, syntax, encode)
    decoded: list[bytes] = []

    def counting(raw: bytes, *told: Any, **more: Any) -> npt.NDArray[Any]:
        decoded.append(raw)
        return decode(raw, *told, **more)

    monkeypatch.setattr("voxelry.dicom.pixels.decoding.decode", counting)
    for path in (native, packed):
        header = read_header(FileSource.of(path))
        found = list(stored_frames(header, [4, 1]))
        np.testing.assert_array_equal(found, pixels[[1, 4]])
    assert len(decoded) == 2


@pytest.mark.parametrize(
    "shape", [(24, 32), (25, 25), (30, 40), (20, 30), (9, 16), (40, 50), (13, 26), (700, 3), (5, 6)]
)
def test_jpeg_xl_says_its_size_in_many_ways(shape: tuple[int, int]) -> None:
    assert codestream_size(bytes(imagecodecs.jpegxl_encode(np.zeros(shape, np.uint8), lossless=True))) == shape


def test_a_palette_of_16_bits_that_holds_8_is_not_black(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, slices=1, photometric="PALETTE COLOR", rescale=None)

    dataset = pydicom.dcmread(truth.paths[0])
    for colour in ("Red", "Green", "Blue"):
        keyword = f"{colour}PaletteColorLookupTableData"
        values = np.frombuffer(dataset[keyword].value, "<u2") >> 8
        setattr(dataset, keyword, values.tobytes())
    dataset.save_as(truth.paths[0])
    np.testing.assert_array_equal(voxelry.load_volume(tmp_path).array, truth.array)
