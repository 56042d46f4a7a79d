"""Encoding of stored values as Pixel Data, in the transfer syntaxes that tests need."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, ExplicitVRBigEndian

from voxelry.dicom.pixels.encode import HTJ2K_LOSSLESS as HTJ2K_LOSSLESS
from voxelry.dicom.pixels.encode import JPEG_2000_LOSSLESS as JPEG_2000_LOSSLESS
from voxelry.dicom.pixels.encode import JPEG_LS as JPEG_LS
from voxelry.dicom.pixels.encode import RLE as RLE
from voxelry.dicom.pixels.encode import encode_frame as encode_without_loss

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.70"
COMPRESSED: tuple[str, ...] = (RLE, JPEG_BASELINE, JPEG_LOSSLESS, JPEG_LS, JPEG_2000_LOSSLESS, HTJ2K_LOSSLESS)


def set_pixels(
    dataset: Dataset,
    pixels: npt.NDArray[np.generic],
    *,
    bits_stored: int,
    photometric: str,
    planar: int,
    transfer_syntax: str,
) -> None:
    """Fill the Image Pixel module (PS3.3 C.7.6.3) of ``dataset`` from stored values.

    Parameters
    ----------
    pixels
        ``(row, column)``, ``(row, column, sample)`` for RGB and YBR_FULL (given as RGB), and one more axis in
        front for frames; an integer type of 8, 16 or 32 bits.
    transfer_syntax
        Uncompressed, or one of ``COMPRESSED``.
    """
    colour = photometric in ("RGB", "YBR_FULL")
    single = pixels.ndim == (3 if colour else 2)
    frames = pixels[None] if single else pixels
    if photometric == "YBR_FULL":
        frames = rgb_to_ybr(frames)
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = photometric
    if colour:
        dataset.PlanarConfiguration = planar
    if not single:
        dataset.NumberOfFrames = len(frames)
    dataset.Rows, dataset.Columns = frames.shape[1], frames.shape[2]
    dataset.BitsAllocated = frames.dtype.itemsize * 8
    dataset.BitsStored = bits_stored
    dataset.HighBit = bits_stored - 1
    dataset.PixelRepresentation = 1 if frames.dtype.kind == "i" else 0
    if photometric == "PALETTE COLOR":
        _set_palette(dataset)
    if transfer_syntax in COMPRESSED:
        if planar:
            raise ValueError("compressed colour is interleaved: planar must be 0")
        dataset.PixelData = encapsulate([encoded_frame(frame, transfer_syntax) for frame in frames])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        if transfer_syntax == JPEG_BASELINE:
            dataset.LossyImageCompression = "01"
            if colour:
                dataset.PhotometricInterpretation = "YBR_FULL_422"
        elif transfer_syntax == HTJ2K_LOSSLESS and colour:
            dataset.PhotometricInterpretation = "YBR_RCT"
        return
    if colour and planar:
        frames = np.moveaxis(frames, -1, 1)
    # pydicom writes Pixel Data unchanged, so a big-endian file needs big-endian values.
    order: Literal["<", ">"] = ">" if UID(transfer_syntax) == ExplicitVRBigEndian else "<"
    raw = np.ascontiguousarray(frames).astype(frames.dtype.newbyteorder(order)).tobytes()
    dataset.PixelData = raw + b"\0" * (len(raw) % 2)
    dataset["PixelData"].VR = "OB" if frames.dtype.itemsize == 1 else "OW"


def encoded_frame(frame: npt.NDArray[np.generic], transfer_syntax: str) -> bytes:
    """Encode one frame as a compressed bit stream, lossless except for JPEG Baseline."""
    if transfer_syntax not in (JPEG_BASELINE, JPEG_LOSSLESS):
        return encode_without_loss(frame, transfer_syntax)
    import imagecodecs

    if transfer_syntax == JPEG_BASELINE:
        return bytes(imagecodecs.jpeg8_encode(frame, level=95))
    if frame.ndim == 3:
        raise ValueError("the encoder of lossless JPEG takes grey only")
    return bytes(imagecodecs.ljpeg_encode(frame.view(f"u{frame.dtype.itemsize}")))


def rgb_to_ybr(rgb: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Convert RGB to YBR_FULL (PS3.3 C.7.6.3.1.2), rounded."""
    matrix = np.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
    converted = rgb.astype(np.float64) @ matrix.T + np.array([0.0, 128.0, 128.0])
    limited: npt.NDArray[np.float64] = np.clip(np.rint(converted), 0, 255)
    return limited.astype(np.uint8)


def palette() -> npt.NDArray[np.uint8]:
    """The colours of a PALETTE COLOR instance, neither grey nor symmetric; shape ``(256, 3)``."""
    ramp = np.arange(256, dtype=np.uint8)
    return np.stack([ramp, 255 - ramp, ramp // 2], axis=1)


def _set_palette(dataset: Dataset) -> None:
    for name, column in zip(("Red", "Green", "Blue"), palette().T, strict=True):
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(dataset, f"{name}PaletteColorLookupTableData", (column.astype("<u2") * 257).tobytes())
