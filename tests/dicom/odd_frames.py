"""Files whose decoder does something odd, and children that do it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGLSLossless, generate_uid

from voxelry import children
from voxelry.dicom.pixels import decoding
from voxelry.testing import synthetic_instance, write


@contextmanager
def odd_children(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Decoding by children that behave oddly where a frame says so; gives those that were started."""
    started: list[subprocess.Popen[bytes]] = []
    spawn = children.spawn

    def watched(module: str) -> subprocess.Popen[bytes]:
        started.append(spawn(module))
        return started[-1]

    monkeypatch.setattr(decoding, "_children", decoding._Children())
    monkeypatch.setattr(children, "spawn", watched)
    monkeypatch.setattr(decoding, "_MODULE", "tests.dicom.odd_decoder")
    monkeypatch.setattr(decoding, "LEAST_SECONDS", 0.8)
    monkeypatch.setattr(decoding, "LEAST_WALL_SECONDS", 15.0)
    monkeypatch.setattr(decoding, "WALL_FACTOR", 0)
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))
    decoding.isolate()
    yield started
    decoding.close_decoders()
    assert all(child.poll() is not None for child in started)


def odd(path: Path, what: int) -> Path:
    """A file of a series of its own, whose first value says what its decoder does."""
    pixels = np.full((8, 8), what, np.uint16)
    dataset = synthetic_instance(pixels, bits_stored=16, rescale=None)
    dataset.SeriesInstanceUID, dataset.SOPInstanceUID = generate_uid(), generate_uid()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.PixelData = encapsulate([bytes(imagecodecs.jpegls_encode(pixels))])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
    return write(dataset, path)
