"""VOI LUT sequences are shown as the standard says and as pydicom shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi, apply_windowing
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

import voxelry
from voxelry.core.display import default_voi, default_window
from voxelry.core.errors import ParameterError
from voxelry.core.intensity import VoiTable, Window, to_display
from voxelry.testing import synthetic_instance, synthetic_series, write
from voxelry.workflows.pictures.picture_files import render

ENTRIES = (np.arange(300) ** 2 % 65_536).astype(np.uint16)


def item_of(
    entries: np.ndarray, *, first: int = 0, bits: int = 16, vr: str = "OW", first_vr: str = "US", order: str = "<"
) -> Dataset:
    item = Dataset()
    item.add_new(0x00283002, first_vr, [len(entries) % 65_536, first, bits])
    item.add_new(0x00283003, "LO", "of the test")
    words = entries.astype(f"{order}u2").tobytes() if vr == "OW" else entries.astype(np.uint16).tolist()
    item.add_new(0x00283006, vr, words)
    return item


def instance_of(pixels: np.ndarray, items: list[Dataset], **more: Any) -> Dataset:
    dataset = synthetic_instance(pixels, **more)
    for keyword in ("WindowCenter", "WindowWidth"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.VOILUTSequence = Sequence(items)
    return dataset


@pytest.mark.parametrize(
    ("syntax", "order"),
    [(ExplicitVRLittleEndian, "<"), (ImplicitVRLittleEndian, "<"), (ExplicitVRBigEndian, ">")],
)
@pytest.mark.parametrize(
    ("signed", "first", "intercept"), [(False, 40, 0.0), (True, -40, 0.0), (False, -1000, -1024.0)]
)
def test_a_table_is_shown_as_pydicom_shows_it(
    tmp_path: Path, syntax: str, order: str, signed: bool, first: int, intercept: float
) -> None:
    pixels = np.arange(480).reshape(20, 24) - (100 if signed else 0)
    first_vr = "SS" if first < 0 and syntax != ImplicitVRLittleEndian else "US"
    item = item_of(ENTRIES, first=first if first_vr == "SS" else first % 65_536, first_vr=first_vr, order=order)
    kind = np.int16 if signed else np.uint16
    dataset = instance_of(pixels.astype(kind), [item], rescale=(1.0, intercept), transfer_syntax=syntax)
    volume = voxelry.load_volume(write(dataset, tmp_path / "a.dcm"))
    assert not volume.windows
    (table,) = volume.voi_tables
    assert table == VoiTable(first, ENTRIES, 16, "of the test")
    judged = Dataset()
    judged.file_meta = dataset.file_meta
    judged.VOILUTSequence = Sequence([item_of(ENTRIES, first=first, first_vr="SS" if first < 0 else "US", order=order)])
    shown = apply_voi(volume.array[0].astype(np.int32), judged)
    np.testing.assert_array_equal(render(volume, 0), np.rint(shown * (255 / 65_535)).astype(np.uint8))


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("form", ["OW", "US", "packed", "packed US"])
def test_entries_have_8_to_16_bits_in_bytes_or_words(tmp_path: Path, bits: int, form: str) -> None:
    entries = np.linspace(0, 2**bits - 1, 101).astype(np.uint16)
    item = item_of(entries, bits=bits, vr="US" if form == "US" else "OW")
    if form.startswith("packed"):
        entries = (entries >> (bits - 8)).astype(np.uint16)
        packed = np.append(entries, 0).astype(np.uint8).tobytes()
        item[0x00283006].value = packed
        if form == "packed US":
            item.add_new(0x00283006, "US", np.frombuffer(packed, "<u2").tolist())
    dataset = instance_of(np.arange(121, dtype=np.uint16).reshape(11, 11), [item], rescale=None)
    (table,) = voxelry.load_volume(write(dataset, tmp_path / "a.dcm")).voi_tables
    assert table.entries.tolist() == entries.tolist()
    assert table.bits == bits


def test_windows_come_first_and_either_may_be_chosen(tmp_path: Path) -> None:
    dataset = instance_of(
        np.arange(400, dtype=np.uint16).reshape(20, 20), [item_of(ENTRIES), item_of(ENTRIES, first=9)]
    )
    dataset.WindowCenter, dataset.WindowWidth = "100", "50"
    volume = voxelry.load_volume(write(dataset, tmp_path / "a.dcm"))
    assert [table.first for table in volume.voi_tables] == [0, 9]
    assert default_voi(volume) == volume.windows[0] == default_window(volume)
    np.testing.assert_array_equal(
        render(volume, 0, window=volume.voi_tables[1]), to_display(volume.array[0], volume.voi_tables[1])
    )


def test_those_who_know_windows_only_get_the_range_of_the_table(tmp_path: Path) -> None:
    dataset = instance_of(np.arange(400, dtype=np.uint16).reshape(20, 20), [item_of(ENTRIES, first=50)], rescale=None)
    volume = voxelry.load_volume(write(dataset, tmp_path / "a.dcm"))
    window = default_window(volume)
    assert isinstance(default_voi(volume), VoiTable)
    assert (window.center - window.width / 2, window.center + window.width / 2) == (50, 349)
    assert window.name == "of the test"


def test_monochrome1_turns_what_the_table_shows_and_no_value(tmp_path: Path) -> None:
    pixels = np.arange(300, dtype=np.uint16).reshape(15, 20)
    plain, turned = (
        voxelry.load_volume(
            write(instance_of(pixels, [item_of(ENTRIES)], photometric=kind, rescale=None), tmp_path / f"{kind}.dcm")
        )
        for kind in ("MONOCHROME2", "MONOCHROME1")
    )
    np.testing.assert_array_equal(plain.array, turned.array)
    np.testing.assert_array_equal(render(turned, 0), 255 - render(plain, 0))


def test_frames_have_tables_in_their_groups(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path, frames="enhanced", slices=3)
    dataset = pydicom.dcmread(truth.paths[0])
    voi = Dataset()
    voi.VOILUTSequence = Sequence([item_of(ENTRIES, first=7)])
    shared = dataset.SharedFunctionalGroupsSequence[0]
    shared.FrameVOILUTSequence = Sequence([voi])
    for group in dataset.PerFrameFunctionalGroupsSequence:
        if "FrameVOILUTSequence" in group:
            del group.FrameVOILUTSequence
    dataset.save_as(truth.paths[0])
    (table,) = voxelry.load_volume(tmp_path).voi_tables
    assert table.first == 7


@pytest.mark.parametrize("breakage", ["short", "empty", "bits", "no descriptor", "words"])
def test_what_is_no_table_is_left_out(tmp_path: Path, breakage: str) -> None:
    item = item_of(ENTRIES)
    match breakage:
        case "short":
            item.LUTDescriptor = [60_000, 0, 16]
        case "empty":
            item.LUTData = b""
        case "bits":
            item.LUTDescriptor = [300, 0, 32]
        case "no descriptor":
            del item.LUTDescriptor
        case "words":
            item.add_new(0x00283006, "LO", "words")
    dataset = instance_of(np.arange(400, dtype=np.uint16).reshape(20, 20), [item])
    volume = voxelry.load_volume(write(dataset, tmp_path / "a.dcm"))
    assert volume.voi_tables == ()
    assert render(volume, 0).max() == 255


@given(
    st.integers(-3000, 3000),
    st.integers(0, 2**32 - 1),
    st.integers(1, 700),
    st.sampled_from([8, 12, 16]),
    st.sampled_from(["i2", "i4", "f4", "f8"]),
    st.booleans(),
)
def test_every_value_has_its_entry_and_those_outside_the_nearest(
    first: int, seed: int, count: int, bits: int, kind: str, invert: bool
) -> None:
    entries = np.random.default_rng(seed).integers(0, 2**bits, count).astype(np.uint16)
    values = np.arange(-8000, 8000)
    expected = np.rint(entries[np.clip(values - first, 0, count - 1)] / (2**bits - 1) * 255)
    shown = to_display(values.astype(kind), VoiTable(first, entries, bits), invert=invert)
    np.testing.assert_array_equal(shown, 255 - expected if invert else expected)


def test_no_number_is_black() -> None:
    table = VoiTable(0, np.array([1000, 4095]), 12)
    assert to_display(np.array([np.nan, -np.inf, np.inf]), table).tolist() == [0, 62, 255]


@given(
    st.floats(-2000, 2000, allow_subnormal=False),
    st.floats(1, 4000),
    st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
    st.sampled_from([(1.0, 0.0), (1.0, -1024.0), (0.5, 7.0)]),
)
def test_windows_are_those_of_pydicom(center: float, width: float, function: Any, rescale: tuple[float, float]) -> None:
    judged = Dataset()
    judged.WindowCenter, judged.WindowWidth, judged.VOILUTFunction = center, width, function
    judged.PhotometricInterpretation, judged.BitsStored, judged.PixelRepresentation = "MONOCHROME2", 12, 0
    judged.RescaleSlope, judged.RescaleIntercept = rescale
    stored = np.arange(4096, dtype=np.uint16)
    values = np.asarray(apply_modality_lut(stored, judged))
    low, high = (rescale[0] * end + rescale[1] for end in (0, 4095))
    with np.errstate(over="ignore"):
        levels = (apply_windowing(values, judged) - low) / (high - low) * 255
    shown = to_display(values, Window(center, width, function))
    assert np.abs(shown - levels).max() <= 0.5 + 1e-6


@pytest.mark.parametrize(
    ("entries", "bits"),
    [(np.array([], np.uint16), 16), (np.array([70_000]), 16), (np.array([-1]), 16), (np.array([1]), 7)],
)
def test_tables_that_are_none_are_refused(entries: np.ndarray, bits: int) -> None:
    with pytest.raises(ParameterError, match="VOI table"):
        VoiTable(0, entries, bits)


def test_a_table_is_a_value() -> None:
    table = VoiTable(0, ENTRIES, 16)
    assert table == VoiTable(0, ENTRIES.astype(np.int64), 16)
    assert len({table, VoiTable(0, ENTRIES, 16), VoiTable(0, ENTRIES[::-1], 16)}) == 2
    assert repr(table) == "VoiTable(0 to 299, 16 bits)"
    with pytest.raises(ValueError, match="read-only"):
        table.entries[0] = 1
