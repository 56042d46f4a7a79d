"""Files that are written while their DICOM is read: the same bytes as of a volume that was loaded first."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

import voxelry
from voxelry.core.lazy import LazyArray
from voxelry.core.progress import silent
from voxelry.core.registry import format_named
from voxelry.dicom.series.streaming import streamed_volume
from voxelry.formats.shared.block_writing import made_blocks, voxel_blocks
from voxelry.testing import synthetic_mosaics, synthetic_series

SUFFIXES = {"nifti": ".nii", "nrrd": ".nrrd", "metaimage": ".mha"}


def held_against_loaded(folder: Path, source: Path, name: str) -> None:
    """Convert, and write the loaded volumes by the format itself."""
    converted, loaded = folder / f"converted{SUFFIXES[name]}", folder / f"loaded{SUFFIXES[name]}"
    report = voxelry.convert(source, converted)
    volumes = voxelry.load(source).volumes
    format_named(name).write(volumes, str(loaded), options={}, progress=silent)
    assert report.complete
    assert converted.read_bytes() == loaded.read_bytes()
    assert report.written[0].warnings == tuple(dict.fromkeys(words for one in volumes for words in one.warnings))


@pytest.mark.parametrize("name", sorted(SUFFIXES))
@settings(max_examples=20)
@given(
    bits=st.integers(8, 16),
    signed=st.booleans(),
    rescale=st.sampled_from([None, (1.0, -1024.0), (2.0, 0.0), (0.5, 0.25), (1.0, -20000.0), (1.0, 40000.0)]),
    modality=st.sampled_from(["CT", "MR"]),
    seed=st.integers(0, 1000),
)
def test_what_is_streamed_is_what_is_loaded(
    tmp_path_factory: pytest.TempPathFactory, name: str, bits: int, signed: bool, rescale: Any, modality: str, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("streamed")
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    pixels = np.random.default_rng(seed).integers(low, high, (4, 5, 6), endpoint=True)
    synthetic_series(
        folder / "in", pixels=pixels.astype("i2" if signed else "u2"), signed=signed, bits_stored=bits,
        rescale=rescale, modality=modality,
    )  # fmt: skip
    held_against_loaded(folder, folder / "in", name)


@pytest.mark.parametrize("name", sorted(SUFFIXES))
def test_bits_beyond_those_stored_are_read_alike(tmp_path: Path, name: str) -> None:
    synthetic_series(tmp_path / "in", pixels=np.full((4, 5, 6), 60_000, np.uint16), bits_stored=12)
    held_against_loaded(tmp_path, tmp_path / "in", name)


@pytest.mark.parametrize("kind", [{"photometric": "RGB"}, {"frames": "enhanced"}, {"photometric": "MONOCHROME1"}])
def test_other_kinds_too(tmp_path: Path, kind: dict[str, Any]) -> None:
    synthetic_series(tmp_path / "in", **kind)
    held_against_loaded(tmp_path, tmp_path / "in", "nifti")


@pytest.mark.parametrize("against_normal", [False, True])
@pytest.mark.parametrize("scaled", [None, (3, -7), (-1, 5), (0.5, 0)])
@pytest.mark.parametrize("dirty", [False, True])
def test_mosaics_too(tmp_path: Path, against_normal: bool, scaled: tuple[float, float] | None, dirty: bool) -> None:
    def edit(number: int, dataset: Dataset) -> None:
        if scaled is not None:
            dataset.RescaleSlope, dataset.RescaleIntercept = map(str, scaled)
        if dirty and number == 1:  # bits above Bits Stored, in a tile
            values = np.frombuffer(dataset.PixelData, "<u2").copy()
            values[3] |= 0x8000
            dataset.PixelData = values.tobytes()

    synthetic_mosaics(tmp_path / "in", volumes=3, against_normal=against_normal, edit=edit)
    held_against_loaded(tmp_path, tmp_path / "in", "nrrd")
    converted = voxelry.convert(tmp_path / "in", tmp_path / "one.nii").written[0]
    voxels = np.stack([volume.array for volume in voxelry.load(tmp_path / "in").volumes])
    assert converted.path.read_bytes()[352:] == voxels.tobytes()  # behind the header, which has the time step too


def test_a_mosaic_that_breaks_off_while_it_is_read_is_told(tmp_path: Path) -> None:
    made = synthetic_mosaics(tmp_path / "in", volumes=2)
    stacks = voxelry.index(tmp_path / "in").series[0].stacks
    array = stacks[1].volume(lazy=True).array
    path = Path(stacks[1].frames[0].header.name)
    path.write_bytes(path.read_bytes()[:-40])
    assert path in made.paths
    with pytest.raises(voxelry.PixelDataError, match=path.name):
        array[:]


@pytest.mark.parametrize("late", [False, True])
def test_a_damaged_slice_leaves_nothing_behind(tmp_path: Path, late: bool) -> None:
    """Cut off, which its header tells; or of bytes that nobody can decode, which only decoding tells."""
    series = synthetic_series(tmp_path / "in", transfer_syntax=RLELossless if late else ExplicitVRLittleEndian)
    damaged, content = series.paths[-1], series.paths[-1].read_bytes()
    damaged.write_bytes(content[:-300] + b"\xff" * 300 if late else content[:-100])
    (tmp_path / "out").mkdir()
    report = voxelry.convert(tmp_path / "in", tmp_path / "out" / "a.nii")
    assert report.written == ()
    assert any(damaged.name in problem.message for problem in report.skipped.values())
    assert not list((tmp_path / "out").iterdir())


def test_volumes_that_are_no_one_file_are_written_one_by_one(tmp_path: Path) -> None:
    """One of them is damaged: it is not written, and the other alone."""

    def edit(number: int, _: int, dataset: Dataset) -> None:
        dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID}.{number + 1}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.TemporalPositionIdentifier = 4 + number

    paths: list[Path] = []
    for number in range(2):
        pixels = np.full((3, 4, 5), number, np.uint16)
        series = synthetic_series(
            tmp_path / "in" / str(number), seed=7, pixels=pixels, modality="MR", rescale=None,
            edit=partial(edit, number),
        )  # fmt: skip
        paths += series.paths
    assert voxelry.convert(tmp_path / "in", tmp_path / "whole.nii").written[0].shape == (2, 3, 4, 5)
    paths[-1].write_bytes(paths[-1].read_bytes()[:-20])
    report = voxelry.convert(tmp_path / "in", tmp_path / "damaged.nii")
    assert [one.shape for one in report.written] == [(3, 4, 5)]
    assert sorted(problem.code for problem in report.skipped.values()) == ["incomplete_stack", "truncated"]


def test_the_next_slices_are_read_while_the_last_are_used() -> None:
    readers: set[str] = set()

    def read(numbers: Any) -> Any:
        readers.add(threading.current_thread().name)
        time.sleep(0.01)
        return np.broadcast_to(np.array(numbers, np.int16)[:, None, None], (len(numbers), 600, 600))

    blocks = made_blocks(voxel_blocks([LazyArray((30, 600, 600), np.int16, read)], np.dtype("i2")))  # type: ignore[list-item]
    found = np.concatenate([np.frombuffer(block, np.int16) for block in blocks]).reshape(30, -1)
    assert (found == np.arange(30)[:, None]).all()
    assert readers - {threading.current_thread().name}


def test_what_only_values_tell_is_not_streamed(tmp_path: Path) -> None:
    told = {}
    for name, kind in {"ct": {}, "wide": {"bits_stored": 16, "rescale": (1.0, -1024.0)}}.items():
        synthetic_series(tmp_path / name, **kind)  # type: ignore[arg-type]
        ((stack,),) = [one.stacks for one in voxelry.index(tmp_path / name).series]
        told[name] = streamed_volume(stack)
    assert told["wide"] is None
    assert told["ct"] is not None
    assert told["ct"].array.dtype == np.int16
