"""Decodes compressed frames with imagecodecs, which releases the GIL and supports all transfer syntaxes needed here."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from pydicom.uid import UID

from voxelry.core.errors import PixelDataError
from voxelry.dicom.headers.attributes import tag_label
from voxelry.dicom.pixels.codestream import (
    check_jpeg_2000,
    checked_htj2k,
    jpeg_2000_start,
    with_other_signs,
)
from voxelry.dicom.pixels.codestream_check import (
    DEFLATED_FRAMES,
    END_OF_IMAGE,
    HTJ2K,
    JPEG_2000,
    JPEG_DCT,
    JPEG_LOSSLESS,
    JPEG_LS,
    RLE,
)
from voxelry.dicom.pixels.colour_proof import Model, as_rgb, codestream_samples, colour_model

JPEG_XL = frozenset("1.2.840.10008.1.2.4." + end for end in ("110", "111", "112"))
JPEG_XL_OF_JPEG = frozenset({"1.2.840.10008.1.2.4.111"})
"""JPEG frames recompressed as JPEG XL; the decoder undoes their colour transformation."""
NATIVE = frozenset({"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"})
GE_BIG_ENDIAN_PIXELS = "1.2.840.113619.5.2"
"""A private syntax of GE: implicit VR little endian with big endian pixels; the only private syntax supported."""
COMPRESSED = JPEG_DCT | JPEG_LOSSLESS | JPEG_LS | JPEG_2000 | HTJ2K | JPEG_XL | RLE | DEFLATED_FRAMES


def is_supported(syntax: UID) -> bool:
    """True if frames in this transfer syntax can be decoded. The pixel encoding of private syntaxes is unknown."""
    return syntax in NATIVE or syntax in COMPRESSED or syntax == GE_BIG_ENDIAN_PIXELS


def is_encapsulated(syntax: UID) -> bool:
    """True if frames are encapsulated. pydicom's own property raises for syntaxes that it does not know."""
    return syntax not in NATIVE and syntax != GE_BIG_ENDIAN_PIXELS


def keeps_words(syntax: UID) -> bool:
    """True if the encoding keeps all bits of native pixels: High Bit applies, and unused bits may hold overlays."""
    return not is_encapsulated(syntax) or syntax in RLE or syntax in DEFLATED_FRAMES


def cannot_be_decoded(syntax: UID, kind: str) -> PixelDataError:
    """The error for a frame whose codec raised an exception of this kind; its own message is not helpful."""
    return PixelDataError(
        f"the pixels cannot be decoded ({syntax.name}; {kind}); the file is damaged, or its header does not fit its "
        "pixels"
    )


def decode(
    encoded: bytes,
    syntax: UID,
    *,
    shape: tuple[int, int, int],
    dtype: np.dtype[np.generic],
    photometric: str,
) -> npt.NDArray[np.generic]:
    """Decode one compressed frame.

    Parameters
    ----------
    shape
        Rows, columns, samples.
    dtype
        Of the stored values; needed by codecs that do not store a size or sign.

    Returns
    -------
    values
        Shape ``(row, column)`` or ``(row, column, 3)``. Colour is RGB; RLE keeps the stored colour model.

    Raises
    ------
    PixelDataError
        If the frame is damaged, or has another number of samples.
    """
    if syntax in RLE:
        return _rle(encoded, shape, dtype)
    samples = None if syntax in HTJ2K else codestream_samples(encoded)  # those of HTJ2K are checked with its header
    if samples not in (None, shape[2]):
        raise PixelDataError(
            f"the compressed frame has {samples} samples a pixel, but {tag_label('SamplesPerPixel')} says {shape[2]}"
        )
    model = colour_model(encoded, said=_said(syntax, photometric)) if shape[2] > 1 else None
    values = _decoded(encoded, syntax, shape, model)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if model == "YBR" and syntax not in JPEG_DCT:
        return as_rgb(values)
    if values.dtype.itemsize == dtype.itemsize and dtype.kind == "i" and values.dtype.kind == "u":
        values = values.view(dtype)  # the same bits, read with their sign
    return np.asarray(values)


def _said(syntax: UID, photometric: str) -> Model:
    """The colour model by the header, after the codec has undone its own colour transformation."""
    if syntax in JPEG_DCT:  # which has none that DICOM knows, so that YBR_ICT and YBR_RCT say no more than YBR
        return "RGB" if photometric == "RGB" else "YBR"
    if syntax in JPEG_XL_OF_JPEG:
        return "RGB"
    return "YBR" if photometric in ("YBR_FULL", "YBR_FULL_422") else "RGB"


def _decoded(encoded: bytes, syntax: UID, shape: tuple[int, int, int], model: Model | None) -> npt.NDArray[np.generic]:
    import imagecodecs

    if syntax in JPEG_DCT or syntax in JPEG_LOSSLESS:
        if model is None:
            return np.asarray(imagecodecs.jpeg8_decode(encoded))
        inside = "YCBCR" if model == "YBR" and syntax in JPEG_DCT else "RGB"
        return np.asarray(imagecodecs.jpeg8_decode(encoded, colorspace=inside, outcolorspace="RGB"))
    if syntax in JPEG_LS:
        # An end marker is appended: without one CharLS searches 2**31 bits beyond the data for the end of a code.
        return np.asarray(imagecodecs.jpegls_decode(encoded + END_OF_IMAGE))
    if syntax in JPEG_2000:
        check_jpeg_2000(encoded)
        # Without the boxes of a JP2 file, which would make OpenJPEG convert colours by its own rules.
        return np.asarray(imagecodecs.jpeg2k_decode(encoded[jpeg_2000_start(encoded) or 0 :]))
    return _htj2k(encoded, shape) if syntax in HTJ2K else np.asarray(imagecodecs.jpegxl_decode(encoded))


def _htj2k(encoded: bytes, shape: tuple[int, int, int]) -> npt.NDArray[np.generic]:
    """Decoded with the other sign first, and shifted back.

    imagecodecs swallows what OpenJPH raises while rows are pulled, top to bottom and the last sample last; what was not
    reached stays zero. Zero is what the background of many images is; with the other sign it lies in the middle of
    their range. Where the last row is zero all the same, it is decoded with its own sign too: no value is zero in both.
    """
    import imagecodecs

    image, stream = checked_htj2k(encoded)
    bits = image.bits[0]
    if (image.rows, image.columns, image.samples) != shape or bits > 32:
        raise PixelDataError(
            f"the compressed frame has {image.rows} x {image.columns} pixels of {image.samples} samples with {bits} "
            f"bits, but {shape[0]} x {shape[1]} of {shape[2]} are declared; at most 32 bits can be decoded"
        )
    values = imagecodecs.htj2k_decode(with_other_signs(stream, image.samples), planar=False)
    if not _is_reached(values):
        values = imagecodecs.htj2k_decode(stream, planar=False)
        if not _is_reached(values):
            raise PixelDataError(
                "the compressed frame is damaged: it cannot be decoded to the end; copy the file again"
            )
        return values
    unsigned = values.view(f"u{values.itemsize}")
    half = unsigned.dtype.type(1 << (bits - 1))
    if image.signed[0]:
        unsigned -= half
        return unsigned.view(f"i{values.itemsize}")
    unsigned += half
    return unsigned


def _is_reached(values: npt.NDArray[np.generic]) -> bool:
    last = values[-1]
    return bool((last[:, -1] if last.ndim == 2 else last).any())


def _rle(encoded: bytes, shape: tuple[int, int, int], dtype: np.dtype[np.generic]) -> npt.NDArray[np.generic]:
    """PS3.5 Annex G: a segment for each byte of each sample, the most significant first."""
    import imagecodecs

    rows, columns, samples = shape
    count = int.from_bytes(encoded[:4], "little")
    if count != samples * dtype.itemsize:
        raise PixelDataError(f"an RLE frame has {count} segments where {samples * dtype.itemsize} are needed")
    starts = [int.from_bytes(encoded[4 + 4 * n : 8 + 4 * n], "little") for n in range(count)] + [len(encoded)]
    size = rows * columns
    words = np.empty((samples, size), f"u{dtype.itemsize}")
    for number, (start, stop) in enumerate(pairwise(starts)):
        # Packed bytes expand 64-fold at most: what lies beyond a whole segment is never expanded.
        segment = np.frombuffer(
            imagecodecs.packbits_decode(encoded[start : min(stop, start + 2 * size + 128)]), np.uint8
        )
        if segment.size < size:
            raise PixelDataError(f"RLE segment {number + 1} has {segment.size} bytes where {size} are needed")
        sample, byte = divmod(number, dtype.itemsize)
        # Arithmetic on whole words is several times as fast as writing every other byte.
        if byte == 0:
            words[sample] = segment[:size]
        else:
            np.left_shift(words[sample], 8, out=words[sample])
            np.bitwise_or(words[sample], segment[:size], out=words[sample])
    return _shaped(words.T.view(dtype), shape)


def _shaped(values: npt.NDArray[np.generic], shape: tuple[int, int, int]) -> npt.NDArray[np.generic]:
    return values.reshape(shape if shape[2] > 1 else shape[:2])
