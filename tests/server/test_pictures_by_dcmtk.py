"""The site's pictures of real files are dcmtk's: Modality LUT, window or VOI LUT, then inversion."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_files
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from voxelry.testing import synthetic_instance, write

pytestmark = pytest.mark.programs("dcmj2pnm")

NAMES = (
    "MR_small.dcm", "MR_small_bigendian.dcm", "examples_overlay.dcm", "JPGLosslessP14SV1_1s_1f_8b.dcm",
    "mlut_18.dcm", "vlut_04.dcm", "RG3_UNCI.dcm", "693_UNCI.dcm", "MR2_UNCI.dcm",
)  # fmt: skip
"""Single greyscale images with a window, a table or a Modality LUT; RG3 is a MONOCHROME1 radiograph."""
ROUNDED = 1
"""dcmtk cuts fractions off where the library rounds."""


def judged(path: Path, folder: Path, how: tuple[str, ...]) -> Any:
    picture = folder / "judged.png"
    subprocess.run(["dcmj2pnm", "+on", "--no-overlays", *how, path, picture], check=True, capture_output=True)
    return imagecodecs.png_decode(picture.read_bytes()).astype(int)


def shown(site: Any, path: Path) -> Any:
    (key,) = site.upload([path])["series"]
    content = site.client.get(f"/api/series/{key}/slices/0.png").content
    return imagecodecs.png_decode(content).astype(int)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_real_files(site: Any, tmp_path: Path, name: str) -> None:
    found = [Path(one) for one in get_testdata_files(name) if Path(one).name == name]
    if not found:
        pytest.skip("pydicom-data is not installed")
    header = pydicom.dcmread(found[0], stop_before_pixels=True)
    how = ("+Wi", "1") if "WindowCenter" in header else ("+Wl", "1") if "VOILUTSequence" in header else ("+Wm",)
    ours, theirs = shown(site, found[0]), judged(found[0], tmp_path, how)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= ROUNDED


def table(count: int, first: int, bits: int, curve: float) -> Dataset:
    item = Dataset()
    item.add_new(0x00283002, "US", [count, first, bits])
    levels = (np.linspace(0, 1, count) ** curve * (2**bits - 1)).astype("<u2")
    item.add_new(0x00283006, "OW", levels.tobytes())
    return item


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("modality_table", [False, True])
def test_a_table_comes_before_the_inversion(site: Any, tmp_path: Path, photometric: Any, modality_table: bool) -> None:
    pixels = np.arange(16 * 20, dtype=np.uint16).reshape(16, 20) * 12
    dataset = synthetic_instance(pixels, photometric=photometric, rescale=None, bits_stored=12, modality="DX")
    dataset.VOILUTSequence = Sequence([table(4096, 0, 12, 0.4)])
    if modality_table:
        own = table(4096, 0, 12, 2.0)
        own.add_new(0x00283004, "LO", "US")
        dataset.ModalityLUTSequence = Sequence([own])
    path = write(dataset, tmp_path / "a.dcm")
    ours, theirs = shown(site, path), judged(path, tmp_path, ("+Wl", "1"))
    assert np.abs(ours - theirs).max() <= ROUNDED
    steps = np.diff(ours.reshape(-1))
    assert (steps <= 0).all() if photometric == "MONOCHROME1" else (steps >= 0).all()
