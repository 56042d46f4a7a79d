"""Pixels that are not square are drawn so, whatever tells it; only Pixel Spacing gives millimetres."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import voxelry
from voxelry.core.measure import measure
from voxelry.core.planes import plane_aspect, plane_spacing
from voxelry.formats.pictures.picture import encode_jpeg, encode_png
from voxelry.testing import synthetic_instance, synthetic_series, write

PIXELS = np.arange(24, dtype=np.uint16).reshape(4, 6)


def _loaded(tmp_path: Path, **attributes: Any) -> voxelry.Volume:
    dataset = synthetic_instance(PIXELS, modality="CR", spacing=None, position=None, orientation=None, rescale=None)
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return voxelry.load_volume(write(dataset, tmp_path / "a.dcm"))


@pytest.mark.parametrize(
    ("attributes", "aspect"),
    [
        ({"PixelAspectRatio": ["2", "1"]}, 2.0),  # vertical, then horizontal (C.7.6.3.1.7)
        ({"PixelAspectRatio": ["3", "4"]}, 0.75),
        ({"ImagerPixelSpacing": [0.2, 0.1]}, 2.0),
        ({"NominalScannedPixelSpacing": [0.1, 0.3]}, 1 / 3),
        ({"ImagerPixelSpacing": [0.2, 0.1], "PixelAspectRatio": ["1", "1"]}, 2.0),  # as dcmtk's dcm2pnm chooses
        ({"ImagerPixelSpacing": [0.15, 0.15]}, 1.0),
        ({}, 1.0),
        ({"PixelAspectRatio": ["0", "1"]}, 1.0),
        ({"PixelAspectRatio": ["-1", "1"]}, 1.0),
        ({"PixelAspectRatio": ["1"]}, 1.0),
        ({"PixelAspectRatio": ["100000", "1"]}, 1.0),
    ],
)
def test_what_shapes_a_picture_gives_no_millimetres(tmp_path: Path, attributes: dict[str, Any], aspect: float) -> None:
    volume = _loaded(tmp_path, **attributes)
    assert plane_aspect(volume) == pytest.approx(aspect)
    assert volume.spacing == (None, None, None)
    assert measure(volume, 0.5).volume_mm3 is None
    for kind in ("png", "jpg"):
        (file,) = voxelry.save_pictures(volume, tmp_path / kind, kind)
        with Image.open(file) as picture:
            assert picture.size == (6, 4)
            if kind == "png" and aspect != 1:
                # Pixels across and down in one length, without a unit (PNG 11.3.4.3): Pillow tells no dpi then.
                across, down = struct.unpack(">II", file.read_bytes().split(b"pHYs")[1][:8])
                assert across / down == pytest.approx(aspect)
                assert "dpi" not in picture.info
            if kind == "jpg":
                across, down = picture.info["jfif_density"]
                assert across / down == pytest.approx(aspect)
                assert picture.info["jfif_unit"] == 0 or aspect == 1


def test_pixel_spacing_comes_before_all_others(tmp_path: Path) -> None:
    volume = _loaded(tmp_path, PixelSpacing=[0.5, 0.25], PixelAspectRatio=["7", "1"], ImagerPixelSpacing=[1, 9])
    assert volume.pixel_aspect is None
    assert plane_aspect(volume) == 2.0
    assert volume.spacing[1:] == (0.5, 0.25)


def test_an_enhanced_angiogram_has_it_in_its_groups(tmp_path: Path) -> None:
    def edit(_: int, dataset: Dataset) -> None:
        (shared,) = dataset.SharedFunctionalGroupsSequence
        del shared.PixelMeasuresSequence
        item = Dataset()
        item.ImagerPixelSpacing = [0.4, 0.2]
        shared.FramePixelDataPropertiesSequence = Sequence([item])

    synthetic_series(tmp_path, frames="enhanced", slices=2, edit=edit)
    (volume,) = voxelry.load(tmp_path).volumes
    assert (volume.pixel_aspect, volume.spacing[1:]) == (2.0, (None, None))


def test_a_straight_stack_has_the_spacing_as_it_is_written(tmp_path: Path) -> None:
    synthetic_series(tmp_path, spacing=(3.0, 0.8, 0.7))
    volume = voxelry.load_volume(tmp_path)
    assert plane_spacing(volume, "coronal") == (3.0, 0.7)
    assert plane_aspect(volume, "coronal") == 3.0 / 0.7


def test_densities_of_any_ratio_fit_their_fields() -> None:
    picture = np.zeros((2, 2), np.uint8)
    for aspect in (1e-2, 0.123456789, 2 / 3, 99.9999, 100.0):
        across, down = struct.unpack(">II", encode_png(picture, aspect=aspect).split(b"pHYs")[1][:8])
        assert across / down == pytest.approx(aspect, rel=1e-4)
        across, down = struct.unpack(">HH", encode_jpeg(picture, aspect=aspect)[14:18])
        assert across / down == pytest.approx(aspect, rel=1e-4)
