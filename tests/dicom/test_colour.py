"""Colour: what a compressed frame itself proves comes before the header's word, and each transformation is undone once.

The truth is a picture of four colours; the judges are PIL and OpenCV, which follow the marks in a frame as libjpeg and
OpenJPEG do, and pydicom's conversion.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Literal

import cv2
import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import convert_color_space
from pydicom.uid import UID

import voxelry
from voxelry.core.errors import PixelDataError
from voxelry.testing import synthetic_instance, write

Colours = npt.NDArray[np.uint8]
BASELINE, LOSSLESS, JPEG_LS = (f"1.2.840.10008.1.2.4.{end}" for end in ("50", "70", "80"))
JPEG_2000, HTJ2K = (f"1.2.840.10008.1.2.4.{end}" for end in ("90", "201"))
HEADERS = ("RGB", "YBR_FULL", "YBR_FULL_422")
NEAR = 4
"""By how much a lossy frame may be off in the mean; a transformation made wrongly is off by more than 40."""


def picture() -> Colours:
    colours = np.array([[(200, 30, 40), (20, 180, 60)], [(30, 60, 210), (230, 200, 20)]], np.uint8)
    return np.ascontiguousarray(colours.repeat(16, 0).repeat(16, 1))


def file_of(path: Path, frames: list[bytes], syntax: str, photometric: str, *, planar: int = 0) -> Path:
    said = {"PhotometricInterpretation": photometric, "SamplesPerPixel": 3, "PlanarConfiguration": planar}
    dataset = synthetic_instance(
        np.zeros((len(frames), 32, 32), np.uint8), bits_stored=8, rescale=None, attributes=dict(said)
    )
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    return write(dataset, path)


def off(path: Path, truth: Colours) -> float:
    return float(np.abs(voxelry.pixels(path).astype(int) - truth.astype(int)).mean())


def jpeg(
    model: Literal["RGB", "YBR"], marks: str, *, ids: bytes = b"\1\2\3", subsampling: int = 0, **more: Any
) -> bytes:
    """A baseline JPEG of the picture whose samples are RGB or Y Cb Cr, with the marks that are named and no others."""
    out = io.BytesIO()
    keep = {"keep_rgb": True} if model == "RGB" else {}
    Image.fromarray(picture()).save(out, "JPEG", quality=95, subsampling=subsampling, **keep, **more)
    raw = with_ids(without_marks(out.getvalue()), ids)
    jfif = b"\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" if "jfif" in marks else b""
    adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0" + marks[-1:].encode("ascii") if "adobe" in marks else b""
    adobe = adobe[:-1] + bytes([int(marks[-1])]) if adobe else b""
    return raw[:2] + jfif + adobe + raw[2:]


def without_marks(raw: bytes) -> bytes:
    at, kept = 2, raw[:2]
    while raw[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(raw[at + 2 : at + 4], "big")
        kept += b"" if 0xE0 <= raw[at + 1] <= 0xEF else raw[at:end]
        at = end
    return kept + raw[at:]


def with_ids(raw: bytes, ids: bytes) -> bytes:
    changed = bytearray(raw)
    frame = next(at for at in range(2, len(raw)) if raw[at] == 0xFF and raw[at + 1] in (0xC0, 0xC1, 0xC2, 0xC3))
    scan = raw.index(b"\xff\xda")
    for number, one in enumerate(ids):
        changed[frame + 10 + 3 * number] = one
        changed[scan + 5 + 2 * number] = one
    return bytes(changed)


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(
    ("model", "marks", "ids", "subsampling"),
    [
        ("YBR", "jfif", b"\1\2\3", 0),
        ("YBR", "jfif", b"RGB", 0),
        ("YBR", "jfif adobe 0", b"\1\2\3", 0),
        ("YBR", "adobe 1", b"\1\2\3", 0),
        ("YBR", "adobe 1", b"RGB", 0),
        ("RGB", "adobe 0", b"\1\2\3", 0),
        ("RGB", "adobe 0", b"RGB", 0),
        ("RGB", "", b"RGB", 0),
        ("RGB", "", b"rgb", 0),
        ("RGB", "adobe 2", b"RGB", 0),
        ("YBR", "", b"\1\2\3", 1),
        ("YBR", "", b"\0\1\2", 2),
        ("YBR", "adobe 2", b"\1\2\3", 2),
    ],
)
def test_marks_of_a_jpeg_frame_come_before_the_header(
    tmp_path: Path, model: Literal["RGB", "YBR"], marks: str, ids: bytes, subsampling: int, header: str
) -> None:
    raw = jpeg(model, marks, ids=ids, subsampling=subsampling)
    assert off(file_of(tmp_path / "a.dcm", [raw], BASELINE, header), picture()) <= NEAR
    if marks in ("jfif", "adobe 0", "adobe 1"):  # where libjpeg's own order is the same
        judged = np.asarray(Image.open(io.BytesIO(raw)).convert("RGB"))
        assert np.abs(voxelry.pixels(tmp_path / "a.dcm").astype(int) - judged.astype(int)).max() <= 1


@pytest.mark.parametrize(("model", "header"), [("RGB", "RGB"), ("YBR", "YBR_FULL"), ("YBR", "YBR_FULL_422")])
@pytest.mark.parametrize("ids", [b"\1\2\3", b"\0\1\2"])
def test_without_a_mark_the_header_counts(
    tmp_path: Path, model: Literal["RGB", "YBR"], header: str, ids: bytes
) -> None:
    assert off(file_of(tmp_path / "a.dcm", [jpeg(model, "", ids=ids)], BASELINE, header), picture()) <= NEAR


def test_each_frame_has_marks_of_its_own(tmp_path: Path) -> None:
    frames = [jpeg("YBR", "jfif"), jpeg("RGB", "adobe 0"), jpeg("RGB", "", ids=b"RGB"), jpeg("YBR", "", subsampling=2)]
    path = file_of(tmp_path / "a.dcm", frames, BASELINE, "YBR_FULL_422")
    assert off(path, np.stack([picture()] * 4)) <= NEAR


@pytest.mark.parametrize("more", [{"restart_marker_blocks": 2}, {"progressive": True}, {"comment": b"JFIF Adobe"}])
def test_other_ways_of_writing_a_jpeg_change_nothing(tmp_path: Path, more: dict[str, Any]) -> None:
    raw = jpeg("RGB", "", ids=b"RGB", **more)
    assert off(file_of(tmp_path / "a.dcm", [raw], BASELINE, "YBR_FULL_422", planar=1), picture()) <= NEAR


# --- lossless JPEG and JPEG-LS ----------------------------------------------------------------------------------------


def lossless(values: Colours, syntax: str) -> bytes:
    if syntax == JPEG_LS:
        return bytes(imagecodecs.jpegls_encode(values))
    return with_ids(without_marks(bytes(imagecodecs.jpeg8_encode(values, lossless=True))), b"\1\2\3")


@pytest.mark.parametrize("syntax", [LOSSLESS, JPEG_LS])
def test_lossless_frames_without_a_mark_are_what_the_header_says(tmp_path: Path, syntax: str) -> None:
    values = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    raw = lossless(values, syntax)
    np.testing.assert_array_equal(voxelry.pixels(file_of(tmp_path / "a.dcm", [raw], syntax, "RGB")), values)
    judged = convert_color_space(values, "YBR_FULL", "RGB")
    np.testing.assert_array_equal(voxelry.pixels(file_of(tmp_path / "b.dcm", [raw], syntax, "YBR_FULL")), judged)


def test_a_lossless_frame_that_says_rgb_is_rgb(tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    raw = bytes(imagecodecs.jpeg8_encode(values, lossless=True))
    assert b"Adobe" in raw
    for header in HEADERS:
        path = file_of(tmp_path / f"{header}.dcm", [raw], LOSSLESS, header)
        np.testing.assert_array_equal(voxelry.pixels(path), values)


# --- JPEG 2000 and HTJ2K ----------------------------------------------------------------------------------------------


def jpeg_2000(values: Colours, *, mixed: bool, form: str = "j2k", **more: Any) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(values, codecformat=form, reversible=True, level=0, mct=mixed, **more))


@pytest.mark.parametrize("form", ["j2k", "jp2"])
@pytest.mark.parametrize("header", [*HEADERS, "YBR_RCT", "YBR_ICT"])
def test_mixed_samples_are_rgb_once_they_are_decoded(tmp_path: Path, header: str, form: str) -> None:
    raw = jpeg_2000(picture(), mixed=True, form=form)
    path = file_of(tmp_path / "a.dcm", [raw], JPEG_2000, header)
    np.testing.assert_array_equal(voxelry.pixels(path), picture())
    judged = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
    assert judged is not None
    np.testing.assert_array_equal(judged[..., ::-1], picture())
    assert not [words for words in voxelry.load_volume(path).warnings if "transformation" in words]


@pytest.mark.parametrize("form", ["j2k", "jp2"])
def test_samples_that_were_not_mixed_are_what_the_header_says(tmp_path: Path, form: str) -> None:
    raw = jpeg_2000(picture(), mixed=False, form=form)
    np.testing.assert_array_equal(voxelry.pixels(file_of(tmp_path / "a.dcm", [raw], JPEG_2000, "RGB")), picture())
    path = file_of(tmp_path / "b.dcm", [raw], JPEG_2000, "YBR_FULL")
    np.testing.assert_array_equal(voxelry.pixels(path), convert_color_space(picture(), "YBR_FULL", "RGB"))


def test_a_box_that_says_ycc_converts_once(tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    raw = jpeg_2000(values, mixed=False, form="jp2", colorspace="SYCC")
    for header in HEADERS:
        path = file_of(tmp_path / f"{header}.dcm", [raw], JPEG_2000, header)
        np.testing.assert_array_equal(voxelry.pixels(path), convert_color_space(values, "YBR_FULL", "RGB"))


def test_halved_chrominance_converts_once(tmp_path: Path) -> None:
    """128 of both is no colour; a frame of one value a block says the same for every size of a sample."""
    values = np.full((32, 32, 3), 128, np.uint8)
    values[..., 0] = np.random.default_rng(1).integers(0, 256, (32, 32))
    raw = bytearray(jpeg_2000(values, mixed=False))
    sizes = raw.index(b"\xff\x51") + 40
    for sample in (1, 2):
        raw[sizes + 3 * sample + 1] = 2
    for header in HEADERS:
        path = file_of(tmp_path / f"{header}.dcm", [bytes(raw)], JPEG_2000, header)
        np.testing.assert_array_equal(voxelry.pixels(path), values[..., :1].repeat(3, -1))


@pytest.mark.parametrize("header", ["YBR_RCT", "YBR_ICT"])
def test_a_transformation_that_the_frame_denies_is_told(tmp_path: Path, header: str) -> None:
    frames = [jpeg_2000(picture(), mixed=True), jpeg_2000(picture(), mixed=False)]
    path = file_of(tmp_path / "a.dcm", frames, JPEG_2000, header)
    for volume in (voxelry.load_volume(path), voxelry.load_volume(path, lazy=True)):
        np.testing.assert_array_equal(volume.array[:], [picture()] * 2)
        told = [words for words in volume.warnings if f"(0028,0004) says {header}, but in 1 of 1 files" in words]
        assert len(told) == 1


@pytest.mark.parametrize("header", [*HEADERS, "YBR_RCT"])
def test_htj2k_is_held_to_the_same_rules(tmp_path: Path, header: str) -> None:
    raw = bytes(imagecodecs.htj2k_encode(picture(), reversible=True))
    assert raw[raw.index(b"\xff\x52") + 8] == 1
    np.testing.assert_array_equal(voxelry.pixels(file_of(tmp_path / "a.dcm", [raw], HTJ2K, header)), picture())


def test_htj2k_that_was_not_mixed_is_what_the_header_says(tmp_path: Path) -> None:
    raw = bytes(imagecodecs.htj2k_encode(picture(), reversible=True, rgb=False))
    assert raw[raw.index(b"\xff\x52") + 8] == 0
    np.testing.assert_array_equal(voxelry.pixels(file_of(tmp_path / "a.dcm", [raw], HTJ2K, "RGB")), picture())
    path = file_of(tmp_path / "b.dcm", [raw], HTJ2K, "YBR_FULL")
    np.testing.assert_array_equal(voxelry.pixels(path), convert_color_space(picture(), "YBR_FULL", "RGB"))


# --- another number of samples ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_a_frame_of_other_than_three_samples_is_refused(tmp_path: Path, mode: str) -> None:
    out = io.BytesIO()
    Image.fromarray(picture()).convert(mode).save(out, "JPEG", quality=95)
    path = file_of(tmp_path / "a.dcm", [out.getvalue()], BASELINE, "YBR_FULL_422")
    count = {"CMYK": 4, "L": 1}[mode]
    with pytest.raises(PixelDataError, match=rf"a\.dcm: .*{count} samples a pixel, .*\(0028,0002\) says 3"):
        voxelry.pixels(path)
