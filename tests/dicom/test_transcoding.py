"""Instances in another transfer syntax: attributes and pixels are equal, with pydicom and dcmtk as judges."""

from __future__ import annotations

import io
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from voxelry.core.errors import TransferSyntaxError, VoxelryError
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.sources import FileSource
from voxelry.dicom.pixels.encode import EXPLICIT, JPEG_2000_LOSSLESS, JPEG_LS, RLE
from voxelry.dicom.write.transcoding import FileSpan, encodable, transcoded, uncompressed_pixels

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
_CHANGED = {"PhotometricInterpretation", "PlanarConfiguration", "LossyImageCompression", "PixelData"}
_LOSSY_JPEG = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"}


def _made(path: Path, syntax: str = EXPLICIT) -> bytes:
    found = transcoded(read_header(FileSource.of(path)), syntax, version="1")
    content = path.read_bytes()
    pieces = [content[p.start : p.start + p.length] if isinstance(p, FileSpan) else p for p in found.pieces()]
    whole = b"".join(pieces)
    assert found.length in (None, len(whole))
    return whole


def _compare(path: Path) -> bool:
    """Whether there was something to compare."""
    try:
        whole = _made(path)
    except VoxelryError:
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = pydicom.dcmread(path, force=True), pydicom.dcmread(io.BytesIO(whole))
        assert ours.file_meta.TransferSyntaxUID == EXPLICIT
        for element in theirs:
            if element.keyword in _CHANGED or element.tag.element == 0 or element.tag.group in (0x0002, 0xFFFC):
                continue
            assert str(ours[element.tag].value) == str(element.value) or element.VR == "UN", (path.name, element.tag)
        if "PixelData" not in theirs:
            return True
        try:
            pixels = theirs.pixel_array
        except Exception:  # what pydicom cannot decode
            return True
        # Two decoders of lossy JPEG round differently.
        atol = 1 if theirs.file_meta.TransferSyntaxUID in _LOSSY_JPEG else 0
        assert np.allclose(ours.pixel_array.astype(float), pixels.astype(float), rtol=0, atol=atol), path.name
    return True


def test_pydicoms_own_files_are_equal_in_explicit_little_endian() -> None:
    compared = [
        path for path in sorted(PYDICOM_FILES.glob("*.dcm")) if path.stat().st_size < 400_000 and _compare(path)
    ]
    assert len(compared) > 70


@pytest.mark.corpus
def test_every_transfer_syntax_of_real_files_is_equal(corpus: Path) -> None:
    folders = ("transfer_syntax_matrix_ct", "transfer_syntax_matrix_mr", "encapsulated_frames")
    paths = [path for name in folders for path in sorted((corpus / name).rglob("*")) if path.is_file()]
    assert sum(map(_compare, paths)) > 50


@pytest.mark.corpus
@pytest.mark.programs("dcmdjpeg", "dcmdjpls")
@pytest.mark.parametrize(("end", "program"), [("57", "dcmdjpeg"), ("70", "dcmdjpeg"), ("80", "dcmdjpls")])
def test_dcmtk_decodes_the_same_pixels(corpus: Path, tmp_path: Path, end: str, program: str) -> None:
    (path,) = (corpus / "transfer_syntax_matrix_ct").glob(f"CTImage.dcm_*.4.{end}.dcm")
    subprocess.run([program, str(path), str(tmp_path / "d.dcm")], check=True, capture_output=True)
    theirs, ours = pydicom.dcmread(tmp_path / "d.dcm"), pydicom.dcmread(io.BytesIO(_made(path)))
    assert ours.PixelData == theirs.PixelData


@pytest.mark.programs("dcmdrle", "dcmdjpls")
@pytest.mark.parametrize(("syntax", "program"), [(RLE, "dcmdrle"), (JPEG_LS, "dcmdjpls")])
@pytest.mark.parametrize("name", ["CT_small.dcm", "SC_rgb_small_odd.dcm", "examples_palette.dcm"])
def test_dcmtk_reads_what_was_compressed(tmp_path: Path, syntax: str, program: str, name: str) -> None:
    path = PYDICOM_FILES / name
    (tmp_path / "c.dcm").write_bytes(_made(path, syntax))
    subprocess.run([program, str(tmp_path / "c.dcm"), str(tmp_path / "d.dcm")], check=True, capture_output=True)
    theirs, ours = pydicom.dcmread(tmp_path / "d.dcm"), pydicom.dcmread(path)
    assert np.array_equal(theirs.pixel_array, ours.pixel_array)


def test_what_cannot_be_encoded_is_refused(tmp_path: Path) -> None:
    header = read_header(FileSource.of(PYDICOM_FILES / "liver_1frame.dcm"))
    assert encodable(header) == frozenset()
    with pytest.raises(TransferSyntaxError):
        transcoded(header, JPEG_2000_LOSSLESS, version="1")


@pytest.mark.parametrize("name", ["MR_small_RLE.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm", "MR_small.dcm"])
def test_the_value_of_the_pixels_by_itself(name: str) -> None:
    path = PYDICOM_FILES / name
    value, length = uncompressed_pixels(read_header(FileSource.of(path)))
    content = path.read_bytes()[value[0] : value[0] + value[1]] if isinstance(value, tuple) else b"".join(value)
    assert len(content) == length
    whole: Dataset = pydicom.dcmread(io.BytesIO(_made(path)))
    assert whole.PixelData[:length] == content
