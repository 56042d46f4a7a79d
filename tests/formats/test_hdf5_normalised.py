"""Stored values from 0 to 1 and back: what dicom2hdf5 and hdf52dicom stand on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxelry.core.errors import FormatError, ParameterError
from voxelry.formats.hdf5.hdf5_format import FORMAT, StoredStack, read_normalised, write_normalised
from voxelry.testing.volumes import AXIAL_LPS, DTYPES, voxels


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "volume.h5")


def and_back(path: str, *stacks: StoredStack) -> tuple[StoredStack, ...]:
    write_normalised(stacks, path)
    return read_normalised(path)


def full_stack(stored: npt.NDArray[Any]) -> StoredStack:
    locations, phases = stored.shape[:2]
    return StoredStack(
        stored=stored,
        affine=AXIAL_LPS,
        spacing=(2.5, 0.8, 0.7),
        unit="HU",
        rescale=np.broadcast_to([2.0, -1024.0], (locations, phases, 2)),
        padding=np.full((locations, phases, 2), [-2000.0, np.nan]),
        labels=tuple(f"phase {phase}" for phase in range(phases)),
        sop_instance_uids=tuple(tuple(f"2.25.{k}{p}" for p in range(phases)) for k in range(locations)),
        metadata={"Modality": "CT", "SeriesDescription": "Grüße"},
    )


@pytest.mark.parametrize("shape", [(5, 3, 4, 6), (1, 1, 4, 6), (2, 2, 4, 6, 3)])
@pytest.mark.parametrize("dtype", [*DTYPES, "bool"])
def test_stored_values_come_back_exactly(path: str, dtype: str, shape: tuple[int, ...]) -> None:
    stored = voxels(shape, dtype)
    (found,) = and_back(path, StoredStack(stored=stored))
    assert found.stored.dtype == stored.dtype
    np.testing.assert_array_equal(found.stored, stored)
    with h5py.File(path) as file:
        values = file["volume"][...]
        assert (values.dtype, values.shape) == (np.float32, shape)
        finite = values[np.isfinite(values)]
        assert (finite.min(), finite.max()) == (0, 1) or dtype.startswith("float")
        assert ("stored" in file) == (np.dtype(dtype).itemsize > 2)


@settings(max_examples=200, deadline=None)
@given(low=st.integers(-(2**15), 2**16 - 1), span=st.integers(0, 2**16), seed=st.integers(0, 2**32 - 1))
def test_every_range_of_16_bits_comes_back(low: int, span: int, seed: int) -> None:
    """Rounding to float32 never moves a stored value, wherever the range lies."""
    from voxelry.formats.hdf5.hdf5_normalised import LinearMap

    dtype = np.dtype("i2" if low < 0 else "u2")
    high = min(low + span, np.iinfo(dtype).max)
    line = LinearMap(low, high)
    stored = np.random.default_rng(seed).integers(low, high, 4096, endpoint=True).astype(dtype)
    stored[:2] = low, high
    shown = line.table(dtype)(stored)
    assert shown.dtype == np.float32
    assert shown.min() == 0
    assert shown.max() == (high > low)
    np.testing.assert_array_equal(shown, line.forward(stored))
    np.testing.assert_array_equal(np.rint(line.backward(shown)), stored)
    np.testing.assert_array_equal(line.whole(shown), stored)


def test_a_constant_comes_back(path: str) -> None:
    (found,) = and_back(path, StoredStack(stored=np.full((2, 1, 3, 4), -7, "i2")))
    assert (found.stored == -7).all()


def test_a_phase_of_nothing_but_nan_comes_back(path: str) -> None:
    stored = np.full((2, 1, 3, 4), np.nan, "f4")
    (found,) = and_back(path, StoredStack(stored=stored))
    np.testing.assert_array_equal(found.stored, stored)


def test_everything_else_comes_back(path: str) -> None:
    wanted = full_stack(voxels((4, 2, 3, 5), "uint16"))
    (found,) = and_back(path, wanted)
    for name in ("affine", "rescale", "padding"):
        np.testing.assert_array_equal(getattr(found, name), getattr(wanted, name))
    for name in ("spacing", "unit", "labels", "sop_instance_uids", "metadata"):
        assert getattr(found, name) == getattr(wanted, name)
    assert found.warnings == ()


def test_several_series_have_groups(path: str) -> None:
    stacks = full_stack(voxels((4, 2, 3, 5), "uint16")), full_stack(voxels((2, 1, 6, 5), "int8"))
    found = and_back(path, *stacks)
    for one, other in zip(found, stacks, strict=True):
        np.testing.assert_array_equal(one.stored, other.stored)
    with h5py.File(path) as file:
        assert file["volume"].shape == (4, 2, 3, 5)
        assert file["2/volume"].shape == (2, 1, 6, 5)


def test_the_layout_is_what_the_reference_says(path: str) -> None:
    wanted = full_stack(voxels((4, 2, 3, 5), "int16"))
    write_normalised([wanted], path)
    with h5py.File(path) as file:
        volume = file["volume"]
        stored = volume[...].astype(float) * (volume.attrs["maximum"] - volume.attrs["minimum"])
        np.testing.assert_array_equal(np.rint(stored + volume.attrs["minimum"]), wanted.stored)
        assert volume.chunks == (1, 1, 3, 5)
        assert (volume.compression, volume.shuffle) == ("gzip", True)
        assert (volume.attrs["slope"], volume.attrs["intercept"]) == (2, -1024)
        assert volume.attrs["stored_dtype"] == "int16"
        assert file["sop_instance_uids"][3, 1] == b"2.25.31"
        assert json.loads(file["metadata"][()])["series"] == wanted.metadata


def test_rescales_that_differ_are_a_dataset(path: str) -> None:
    rescale = np.random.default_rng(0).normal(size=(4, 2, 2))
    (found,) = and_back(path, StoredStack(stored=voxels((4, 2, 3, 5), "int16"), rescale=rescale))
    np.testing.assert_array_equal(found.rescale, rescale)
    with h5py.File(path) as file:
        assert "slope" not in file["volume"].attrs
        np.testing.assert_array_equal(file["rescale"][...], rescale)


def test_modality_values_for_those_who_want_a_volume(path: str) -> None:
    wanted = full_stack(voxels((4, 2, 3, 5), "int16"))
    write_normalised([wanted], path)
    volumes = FORMAT.read(path)
    assert [one.label for one in volumes] == ["phase 0", "phase 1"]
    for phase, volume in enumerate(volumes):
        np.testing.assert_array_equal(volume.array, wanted.stored[:, phase].astype(int) * 2 - 1024)
        assert volume.instance_uids == tuple(row[phase] for row in wanted.sop_instance_uids)
        assert volume.unit == "HU"


# --- changed by hand, or by others ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32"])
def test_a_slice_that_was_changed_is_taken(path: str, dtype: str) -> None:
    """By the dataset that people look at, also where the exact values lie beside it."""
    stored = np.random.default_rng(0).integers(-1000, 1000, (3, 2, 4, 5)).astype(dtype)
    write_normalised([StoredStack(stored=stored)], path)
    with h5py.File(path, "r+") as file:
        file["volume"][1, 1] = 0.5
        low, high = file["volume"].attrs["minimum"], file["volume"].attrs["maximum"]
    (found,) = read_normalised(path)
    assert found.stored.dtype == stored.dtype
    np.testing.assert_allclose(found.stored[1, 1], (low + high) / 2, atol=0.5)
    changed = np.zeros(stored.shape, bool)
    changed[1, 1] = True
    np.testing.assert_array_equal(found.stored[~changed], stored[~changed])
    assert bool(found.warnings) == (dtype != "int16")


def test_changed_values_that_do_not_fit_are_kept_and_told(path: str) -> None:
    write_normalised([StoredStack(stored=voxels((2, 1, 4, 5), "uint8"))], path)
    with h5py.File(path, "r+") as file:
        file["volume"][0, 0, 0] = 2, -1, np.nan, np.inf, 1
    (found,) = read_normalised(path)
    np.testing.assert_array_equal(found.stored[0, 0, 0], [510, -255, np.nan, np.inf, 255])
    assert "do not fit the stored uint8" in found.warnings[0]


def test_a_volume_that_was_written_anew_counts_without_its_attributes(path: str) -> None:
    """Also where the stored values beside it are the larger dataset."""
    write_normalised([full_stack(voxels((4, 1, 5, 6), "int32"))], path)
    mask = voxels((4, 1, 5, 6), "uint8")
    with h5py.File(path, "r+") as file:
        del file["volume"]
        file["volume"] = mask
    (found,) = read_normalised(path)
    np.testing.assert_array_equal(found.stored, mask)
    assert "the dataset 'volume' of" in " ".join(found.warnings)
    assert "taken as stored values" in found.warnings[-1]
    np.testing.assert_array_equal(FORMAT.read(path)[0].array, mask[:, 0])


def test_a_stranger_s_values_are_taken_as_they_are(path: str) -> None:
    array = voxels((6, 3, 4, 5), "float32")
    with h5py.File(path, "w") as file:
        file["dataset"] = array
    (found,) = read_normalised(path)
    np.testing.assert_array_equal(found.stored, array)
    assert any("axes are taken to be location, phase, row, column" in words for words in found.warnings)


@pytest.mark.parametrize("name", ["minimum", "maximum", "stored_dtype"])
def test_missing_attributes_are_named(path: str, name: str) -> None:
    stored = voxels((2, 1, 4, 5), "uint8")
    write_normalised([StoredStack(stored=stored)], path)
    with h5py.File(path, "r+") as file:
        del file["volume"].attrs[name]
    (found,) = read_normalised(path)
    assert found.stored.shape == stored.shape
    assert any(name in words for words in found.warnings)


def test_companions_of_another_shape_are_left_out(path: str) -> None:
    write_normalised([full_stack(voxels((4, 2, 3, 5), "int16"))], path)
    with h5py.File(path, "r+") as file:
        for name in ("padding", "sop_instance_uids"):
            wrong = file[name][:2]
            del file[name]
            file[name] = wrong
    (found,) = read_normalised(path)
    assert (found.padding, found.sop_instance_uids) == (None, ())
    assert len(found.warnings) == 2


def test_what_cannot_be_written_is_refused(path: str) -> None:
    with pytest.raises(FormatError, match="at least one stack"):
        write_normalised([], path)
    with pytest.raises(FormatError, match="at least one pixel"):
        write_normalised([StoredStack(stored=np.zeros((0, 1, 3, 4)))], path)
    with pytest.raises(ParameterError, match="gzip"):
        write_normalised([StoredStack(stored=voxels((2, 1, 3, 4), "int16"))], path, compression="rar")


@pytest.mark.parametrize(
    "wrong",
    [
        {"rescale": np.zeros((2, 2))},
        {"padding": np.zeros((3, 1, 2))},
        {"labels": ("a", "b")},
        {"sop_instance_uids": (("a",),)},
        {"sop_instance_uids": (("a", "b"), ("c", "d"))},
    ],
)
def test_stacks_that_contradict_themselves_are_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"for|number"):
        StoredStack(stored=voxels((2, 1, 3, 4), "int16"), **wrong)
    with pytest.raises(ValueError, match="axes"):
        StoredStack(stored=voxels((2, 3, 4), "int16"))
