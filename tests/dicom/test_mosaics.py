"""Mosaics and grids that cannot be cut apart are known by their makers' words, shown, and never taken for slices."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

import voxelry
from voxelry.core.errors import MosaicError
from voxelry.testing import synthetic_grids, synthetic_mosaics, synthetic_series


def csa(name: str, number: str) -> bytes:
    """A CSA header (type 2) with one tag, as Siemens writes it."""
    value = number.encode()
    item = struct.pack("<4i", len(value), len(value), 77, len(value)) + value + b"\0" * (-len(value) % 4)
    tag = name.encode().ljust(64, b"\0") + struct.pack("<i", 1) + b"US\0\0" + struct.pack("<3i", 6, 6, 77) + item
    return b"SV10\4\3\2\1" + struct.pack("<2I", 1, 77) + tag


def siemens(dataset: Dataset, count: int = 36) -> None:
    block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0A, "US", count)


def siemens_csa(dataset: Dataset) -> None:
    block = dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", csa("NumberOfImagesInMosaic", "36"))


def siemens_text(dataset: Dataset) -> None:
    dataset.private_block(0x0051, "SIEMENS MR HEADER", create=True).add_new(0x16, "LO", "p2 M/ND/MOSAIC")


def image_type(dataset: Dataset) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]


def uih(dataset: Dataset) -> None:
    dataset.private_block(0x0065, "Image Private Header", create=True).add_new(0x50, "DS", "25")


def uih_frames(dataset: Dataset) -> None:
    dataset.private_block(0x0065, "Image Private Header", create=True).add_new(0x51, "SQ", [Dataset(), Dataset()])


@pytest.mark.parametrize("write", [siemens, siemens_csa, siemens_text, image_type, uih, uih_frames])
def test_a_mosaic_is_named_and_has_no_millimetres(tmp_path: Path, write: Callable[[Dataset], None]) -> None:
    folder = tmp_path / "in"
    synthetic_series(folder, modality="MR", rows=12, columns=12, edit=lambda _, dataset: write(dataset))
    [stack] = voxelry.load_study(folder).series[0].stacks
    assert stack.problem is not None
    assert stack.problem.code == "mosaic"
    assert ("UIH grid" if "uih" in write.__name__ else "Siemens mosaic") in stack.problem.message
    assert stack.spacing == (None, None, None)
    assert stack.affine is None
    shown = stack.for_viewing()
    assert shown.voxel_mm3 is None
    for choice in ("error", "split", "resample"):
        with pytest.raises(MosaicError):
            voxelry.load_volume(folder, on_irregular=choice)


def test_the_number_of_slices_is_told(tmp_path: Path) -> None:
    synthetic_series(tmp_path, modality="MR", slices=1, edit=lambda _, dataset: siemens_csa(dataset))
    [stack] = voxelry.load_study(tmp_path).series[0].stacks
    assert stack.problem is not None
    assert stack.problem.numbers["tiles"] == 36


@pytest.mark.parametrize(
    "write",
    [
        lambda d: siemens(d, 1),
        lambda d: d.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", csa("Nothing", "36")),
        lambda d: d.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(
            0x10, "OB", csa("NumberOfImagesInMosaic", "36")[:96]
        ),
        lambda d: d.private_block(0x0065, "Image Private Header", create=True).add_new(0x50, "DS", "1"),
        lambda d: d.private_block(0x0019, "SOMEBODY ELSE", create=True).add_new(0x0A, "US", 36),
    ],
)
def test_plain_slices_of_the_same_makers_stay_slices(tmp_path: Path, write: Callable[[Dataset], None]) -> None:
    synthetic_series(tmp_path, modality="MR", edit=lambda _, dataset: write(dataset))
    assert voxelry.load_volume(tmp_path).voxel_mm3 is not None


def test_an_enhanced_object_of_slices_keeps_the_word_and_is_a_volume(tmp_path: Path) -> None:
    """Siemens' XA cuts mosaics itself, and leaves MOSAIC in the Image Type."""
    kind = {"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]}
    made = synthetic_series(tmp_path, modality="MR", frames="enhanced", attributes=kind)
    assert voxelry.load_volume(tmp_path).spacing == made.spacing


def test_frames_at_one_position_that_are_called_mosaics_are_not_cut(tmp_path: Path) -> None:
    kind = {"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]}
    synthetic_series(tmp_path, slices=3, offsets=(0, 0, 0), modality="MR", frames="enhanced", attributes=kind)
    for stack in voxelry.index(tmp_path).series[0].stacks:
        assert stack.problem is not None
        assert stack.problem.code == "mosaic"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    made = {"siemens": synthetic_mosaics(folder / "s", volumes=1), "uih": synthetic_grids(folder / "u", volumes=1)}
    return {name: one.paths[0].read_bytes() for name, one in made.items()}


@settings(max_examples=150)
@given(data=st.data(), maker=st.sampled_from(["siemens", "uih"]))
def test_broken_headers_give_slices_or_a_reason(
    whole: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, maker: str
) -> None:
    content = bytearray(whole[maker])
    last = content.index(b"\xe0\x7f\x10\x00")
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(600, last - 5))
        content[at : at + 2] = data.draw(st.binary(min_size=2, max_size=2))
    path = tmp_path_factory.mktemp("broken") / "one.dcm"
    path.write_bytes(content)
    for series in voxelry.index(path).series:
        for stack in series.stacks:
            assert stack.for_viewing().array.shape == stack.shape
