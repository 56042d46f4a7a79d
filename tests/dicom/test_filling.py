"""All frames in one array: straight from the files or decoded, on all cores, whatever each frame needs."""

from __future__ import annotations

import threading
from pathlib import Path

import dask.array as dask_array
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

import voxelry
from voxelry.core.errors import PixelDataError, TruncatedError
from voxelry.dicom.frames.frame import frames_of
from voxelry.dicom.headers.header import read_header
from voxelry.dicom.headers.sources import FileSource
from voxelry.dicom.values.filling import grey_values
from voxelry.testing import synthetic_series, zip_folder
from voxelry.workflows.load.indexing import index

RLE, JPEG_LS = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80"
_IN_A_FOLDER = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def exact(stored: np.ndarray, pairs: list[tuple[float, float]]) -> np.ndarray:
    """What PS3.3 C.11.1 says, without any haste."""
    return np.stack(
        [plane.astype(np.float64) * slope + shift for plane, (slope, shift) in zip(stored, pairs, strict=True)]
    )


def smallest(values: np.ndarray) -> str:
    """int16 where all values are whole and fit, else the smallest that loses nothing."""
    if (values == np.rint(values)).all():
        low, high = values.min(), values.max()
        fitting = (n for n in ("int16", "uint16", "int32") if np.iinfo(n).min <= low and high <= np.iinfo(n).max)
        return next(fitting)
    whole = [plane for plane in values if (plane == np.rint(plane)).all()]
    exact_in_single = (values.astype(np.float32) == values).all() and all(abs(p).max() <= 2**24 for p in whole)
    return "float32" if exact_in_single else "float64"


@pytest.mark.slow
@_IN_A_FOLDER
@given(
    data=st.data(),
    slices=st.integers(1, 6),
    signed=st.booleans(),
    bits=st.sampled_from([8, 10, 12, 16]),
    syntax=st.sampled_from(["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", RLE]),
)
def test_each_slice_has_its_own_scale_and_nothing_is_lost(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, slices: int, signed: bool, bits: int, syntax: str
) -> None:
    pair = st.tuples(st.sampled_from([1.0, 2.0, -1.0, 0.5, 0.1, 40.0]), st.sampled_from([0.0, -1024.0, 0.25, 70_000.0]))
    pairs = data.draw(st.lists(pair, min_size=slices, max_size=slices))
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    ends = data.draw(st.lists(st.integers(low, high), min_size=2 * slices, max_size=2 * slices))
    dtype = np.dtype(f"{'i' if signed else 'u'}{2 if bits > 8 else 1}")
    stored = np.zeros((slices, 4, 6), dtype)
    stored.reshape(slices, -1)[:, :2] = np.array(ends).reshape(slices, 2)
    folder = tmp_path_factory.mktemp("s")
    synthetic_series(
        folder, slices=slices, rows=4, columns=6, pixels=stored, rescale=pairs, signed=signed, bits_stored=bits,
        transfer_syntax=syntax,
    )  # fmt: skip
    truth = exact(stored, pairs)
    array = voxelry.load_volume(folder).array
    np.testing.assert_array_equal(array, truth)
    assert array.dtype.name == smallest(truth)


@pytest.mark.parametrize("place", [0, 2, 4])
def test_one_slice_that_needs_more_widens_all(tmp_path: Path, place: int) -> None:
    stored = np.full((5, 4, 6), 100, np.uint16)
    stored[place, 1, 1] = 65_535
    synthetic_series(tmp_path, slices=5, rows=4, columns=6, pixels=stored, bits_stored=16)
    volume = voxelry.load_volume(tmp_path)
    assert volume.array.dtype == np.int32
    np.testing.assert_array_equal(volume.array, stored.astype(np.int32) - 1024)


@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", RLE])
def test_the_wider_dtype_is_no_wider_than_the_values(tmp_path: Path, place: int, syntax: str) -> None:
    """No value is below 0, though the header would allow it: then uint16 holds all of them."""
    stored = np.full((5, 4, 6), 2_000, np.uint16)
    stored[place, 1, 1] = 60_000
    synthetic_series(tmp_path, slices=5, rows=4, columns=6, pixels=stored, bits_stored=16, transfer_syntax=syntax)
    volume = voxelry.load_volume(tmp_path)
    assert volume.array.dtype == np.uint16
    np.testing.assert_array_equal(volume.array, stored - 1024)


def test_dirty_bits_are_cleared_wherever_pixels_are_read_from(tmp_path: Path) -> None:
    stored = np.arange(5 * 4 * 6, dtype=np.uint16).reshape(5, 4, 6)
    dirty = stored | 0xA000
    truth = synthetic_series(tmp_path / "s", slices=5, rows=4, columns=6, pixels=stored)
    for path, plane, clean in zip(truth.paths, dirty, stored, strict=True):
        content = path.read_bytes()
        assert content.endswith(clean.tobytes())
        path.write_bytes(content[: -clean.nbytes] + plane.tobytes())
    zipped = zip_folder(tmp_path / "s.zip", tmp_path / "s")
    for path in (tmp_path / "s", zipped):
        np.testing.assert_array_equal(voxelry.load_volume(path).array, truth.array)


@pytest.mark.parametrize("frames", ["plain", "enhanced"])
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", RLE])
def test_frames_of_one_file_are_shared_out(tmp_path: Path, frames: str, syntax: str) -> None:
    truth = synthetic_series(tmp_path, slices=70, frames=frames, transfer_syntax=syntax)  # type: ignore[arg-type]
    np.testing.assert_array_equal(voxelry.load_volume(tmp_path).array, truth.array)


class StopError(Exception):
    """What a caller's progress raises to stop."""


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", RLE])
def test_progress_stops_the_work_and_leaves_no_thread(tmp_path: Path, syntax: str) -> None:
    synthetic_series(tmp_path, slices=80, transfer_syntax=syntax)

    def stop(fraction: float, words: str) -> None:
        if words == "reading pixels" and fraction > 0.5:
            raise StopError

    with pytest.raises(StopError):
        voxelry.load_volume(tmp_path, progress=stop)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("voxelry")]


def test_progress_only_grows_and_ends_at_one(tmp_path: Path) -> None:
    synthetic_series(tmp_path, slices=40)
    told: list[float] = []
    voxelry.load_volume(tmp_path, progress=lambda fraction, _: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_file_that_shrinks_while_it_is_read_is_named(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, slices=5)
    (stack,) = index(tmp_path).series[0].stacks
    truth.paths[3].write_bytes(truth.paths[3].read_bytes()[:-100])
    with pytest.raises(TruncatedError, match=truth.paths[3].name):
        stack.volume()


# --- lazy volumes -----------------------------------------------------------------------------------------------------


def lazy(path: Path) -> voxelry.Volume:
    return voxelry.load_volume(path, lazy=True)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.1", RLE])
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "RGB", "PALETTE COLOR"])
def test_a_lazy_volume_has_the_same_values(tmp_path: Path, syntax: str, photometric: str) -> None:
    rescale = (1.0, -1024.0) if photometric == "MONOCHROME2" else None
    synthetic_series(tmp_path, slices=6, transfer_syntax=syntax, photometric=photometric, rescale=rescale)  # type: ignore[arg-type]
    whole, volume = voxelry.load_volume(tmp_path).array, lazy(tmp_path)
    assert volume.array.shape == whole.shape
    assert volume.array.dtype == whole.dtype
    np.testing.assert_array_equal(volume.array[2:5, 3], whole[2:5, 3])
    np.testing.assert_array_equal(np.asarray(volume.array), whole)


def test_a_lazy_dtype_holds_what_the_header_allows(tmp_path: Path) -> None:
    stored = np.full((3, 4, 6), 30_000, np.uint16)
    synthetic_series(tmp_path, slices=3, rows=4, columns=6, pixels=stored, bits_stored=16)
    assert voxelry.load_volume(tmp_path).array.dtype == np.int16
    assert lazy(tmp_path).array.dtype == np.int32


def test_a_lazy_volume_names_what_is_cut_off_before_a_pixel_is_asked_for(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, slices=5)
    truth.paths[3].write_bytes(truth.paths[3].read_bytes()[:-100])
    with pytest.raises(TruncatedError, match=truth.paths[3].name):
        lazy(tmp_path)


def test_values_beyond_the_header_are_no_silent_wrap(tmp_path: Path) -> None:
    def understate(_: int, dataset: Dataset) -> None:
        dataset.BitsStored, dataset.HighBit = 12, 11

    stored = np.full((3, 4, 6), 40_000, np.uint16)
    synthetic_series(
        tmp_path, slices=3, rows=4, columns=6, pixels=stored, bits_stored=16, transfer_syntax=JPEG_LS,
        edit=understate,
    )  # fmt: skip
    with pytest.raises(PixelDataError, match="without lazy=True"):
        lazy(tmp_path).array[0]
    assert voxelry.load_volume(tmp_path).array.max() == 40_000 - 1024


def test_every_volume_of_a_folder_can_be_lazy_and_measured(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "a", slices=4, seed=1)
    synthetic_series(tmp_path / "b", slices=3, seed=2, photometric="RGB", rescale=None)
    whole, volumes = voxelry.load(tmp_path).volumes, voxelry.load(tmp_path, lazy=True).volumes
    assert sorted(repr(volume) for volume in volumes) == sorted(repr(volume) for volume in whole)
    grey, slow = (next(volume for volume in found if not volume.colour) for found in (whole, volumes))
    assert voxelry.measure(slow, threshold=0.5) == voxelry.measure(grey, threshold=0.5)


def test_resampling_needs_every_slice(tmp_path: Path) -> None:
    synthetic_series(tmp_path)
    with pytest.raises(voxelry.VoxelryError, match="leave out lazy=True"):
        voxelry.load_volume(tmp_path, lazy=True, on_irregular="resample")


def test_dask_takes_a_lazy_array(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, slices=5)
    array = lazy(tmp_path).array
    chunked = dask_array.from_array(array, chunks=array.chunks)  # type: ignore[attr-defined,no-untyped-call]
    assert chunked.numblocks[0] == 5
    np.testing.assert_array_equal((chunked[1:4] + 1).compute(), truth.array[1:4] + 1)


@_IN_A_FOLDER
@given(
    order=st.permutations(range(8)),
    count=st.integers(2, 8),
    dirty=st.sets(st.integers(0, 7), max_size=1),
    signed=st.booleans(),
    slopes=st.sampled_from([(1.0,) * 8, (2.0,) * 8, (1.0,) * 5 + (2.0,) * 3, (0.5,) * 8]),
)
def test_frames_of_one_file_are_read_together_or_apart(
    tmp_path_factory: pytest.TempPathFactory,
    order: list[int],
    count: int,
    dirty: set[int],
    signed: bool,
    slopes: tuple[float, ...],
) -> None:
    """In any order, with bits that are not stored, and where some have another scale."""
    stored = (
        np.random.default_rng(7).integers(-1000 if signed else 0, 1000, (8, 4, 6)).astype("<i2" if signed else "<u2")
    )

    def spoil(_: int, dataset: Dataset) -> None:
        words = stored.view("<u2") & 0x0FFF
        for number in dirty:
            words[number] |= 0x5000
        dataset.PixelData = words.tobytes() if dirty else stored.tobytes()

    made = synthetic_series(
        tmp_path_factory.mktemp("frames"), pixels=stored, signed=signed, frames="enhanced", modality="MR",
        rescale=[(slope, 3.0) for slope in slopes], edit=spoil,
    )  # fmt: skip
    frames = list(frames_of(read_header(FileSource.of(made.paths[0]))))
    wanted = order[:count] if order[0] % 2 else sorted(order)[:count]
    values, _ = grey_values([frames[number] for number in wanted])
    pairs = [(slopes[number], 3.0) for number in wanted]
    np.testing.assert_array_equal(values, exact(stored[wanted], pairs))
