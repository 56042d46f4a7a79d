"""Values back into DICOM: what was stored comes back bit for bit, and nothing else is claimed."""

from __future__ import annotations

import errno
import shutil
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydicom.dataset import Dataset

import voxelry
from voxelry import parallel
from voxelry.core.errors import ParameterError
from voxelry.core.volume import Volume
from voxelry.dicom.pixels.encode import SYNTAXES, encode_frame
from voxelry.dicom.pixels.stored_pixels import stored_frames
from voxelry.dicom.series.hierarchy import Series
from voxelry.dicom.write import instance_files
from voxelry.dicom.write.writing import Written, write_series
from voxelry.testing import OBLIQUE, SECRETS, synthetic_series

MOMENT = datetime(2021, 3, 4, 5, 6, 7)  # noqa: DTZ001 - DICOM's is local time


def series_in(folder: Path) -> Series:
    (series,) = voxelry.index(folder).series
    return series


def stored_in(folder: Path) -> list[npt.NDArray[Any]]:
    """The stored values of every frame, stack by stack."""
    return [
        next(stored_frames(frame.header, [frame.index])) for stack in series_in(folder).stacks for frame in stack.frames
    ]


def rewrite(folder: Path, **options: Any) -> Written:
    """The series of a folder, with its own values, into ``folder/../out``."""
    series = series_in(folder)
    return write_series([stack.for_viewing() for stack in series.stacks], series, folder.parent / "out", **options)


def assert_same_series(before: Path, after: Path) -> None:
    """Stored values, modality values, their type, their unit and their place."""
    for one, other in zip(stored_in(before), stored_in(after), strict=True):
        np.testing.assert_array_equal(one, other)
    for a, b in zip(series_in(before).stacks, series_in(after).stacks, strict=True):
        first, second = a.for_viewing(), b.for_viewing()
        np.testing.assert_array_equal(first.array, second.array)
        assert first.array.dtype == second.array.dtype
        assert (first.unit, first.label, first.inverted) == (second.unit, second.label, second.inverted)
        assert (first.affine is None) == (second.affine is None)
        np.testing.assert_array_equal(first.affine, second.affine)
        assert first.spacing == second.spacing


KINDS: dict[str, dict[str, Any]] = {
    "ct": {},
    "signed": {"signed": True, "bits_stored": 16, "rescale": (1.0, 0.0)},
    "twelve signed bits": {"signed": True},
    "eight bits": {"bits_stored": 8},
    "all sixteen bits": {"bits_stored": 16, "modality": "MR", "rescale": None},
    "monochrome1": {"photometric": "MONOCHROME1"},
    "pet": {"modality": "PT", "rescale": [(0.1 * (k + 1), 0.0) for k in range(5)], "bits_stored": 16},
    "negative slope": {"rescale": (-2.0, 7.0)},
    "multi-frame": {"frames": "plain"},
    "enhanced": {"frames": "enhanced", "orientation": OBLIQUE},
    "oblique": {"orientation": OBLIQUE, "shear": (0.0, 0.5, 0.0)},
    "colour": {"photometric": "RGB"},
    "palette": {"photometric": "PALETTE COLOR"},
    "implicit": {"transfer_syntax": "1.2.840.10008.1.2"},
    "deflated": {"transfer_syntax": "1.2.840.10008.1.2.1.99"},
    "big endian": {"transfer_syntax": "1.2.840.10008.1.2.2"},
}


@pytest.mark.parametrize("syntax", list(SYNTAXES))
@pytest.mark.parametrize("kind", list(KINDS))
def test_unchanged_values_are_stored_as_they_were(tmp_path: Path, kind: str, syntax: Any) -> None:
    synthetic_series(tmp_path / "in", **KINDS[kind])
    written = rewrite(tmp_path / "in", transfer_syntax=syntax)
    assert not written.warnings
    assert_same_series(tmp_path / "in", tmp_path / "out")
    for path in written.paths:
        assert pydicom.dcmread(path).file_meta.TransferSyntaxUID == SYNTAXES[syntax]


WHOLE: st.SearchStrategy[npt.NDArray[Any]] = st.one_of(
    arrays.arrays(np.int16, (3, 4, 5)),
    arrays.arrays(np.uint16, (3, 4, 5)),
    st.builds(
        lambda values, dtype: values.astype(dtype),
        arrays.arrays(np.uint8, (3, 4, 5)),
        st.sampled_from(["u1", "i4", "u8", "f2", "f4", "f8"]),
    ),
    arrays.arrays(np.bool_, (3, 4, 5)),
)


@pytest.mark.slow
@settings(max_examples=40)
@given(
    values=WHOLE,
    rescale=st.sampled_from([None, (1.0, -1024.0), (2.0, 0.0), (0.5, 3.0)]),
    signed=st.booleans(),
    syntax=st.sampled_from(list(SYNTAXES)),
)
def test_whole_values_of_sixteen_bits_lose_nothing(
    tmp_path_factory: pytest.TempPathFactory, values: npt.NDArray[Any], rescale: Any, signed: bool, syntax: Any
) -> None:
    folder = tmp_path_factory.mktemp("values")
    synthetic_series(folder / "in", slices=3, rows=4, columns=5, rescale=rescale, signed=signed)
    written = write_series(values, series_in(folder / "in"), folder / "out", transfer_syntax=syntax)
    assert not written.warnings
    np.testing.assert_array_equal(voxelry.load_volume(folder / "out").array, values)


@settings(max_examples=40)
@given(
    values=arrays.arrays(st.sampled_from([np.float32, np.float64]), (2, 4, 5), elements=st.floats(-1e6, 1e6, width=32))
)
def test_other_values_are_off_by_half_a_step_at_most_and_it_is_said(
    tmp_path_factory: pytest.TempPathFactory, values: npt.NDArray[Any]
) -> None:
    folder = tmp_path_factory.mktemp("values")
    synthetic_series(folder / "in", slices=2, rows=4, columns=5)
    written = write_series(values, series_in(folder / "in"), folder / "out")
    loaded = voxelry.load_volume(folder / "out").array.astype(np.float64)
    span = float(values.max()) - float(values.min())
    top = float(np.abs(values).max())
    off = float(np.abs(loaded - values).max())
    assert off <= (0.51 * span / 65_535 if written.warnings else 0) + 1e-6 * top
    assert bool(written.warnings) == ("rescaled into 16 bits" in " ".join(written.warnings))


def test_one_fraction_everywhere_is_exact_and_nothing_is_said(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    written = write_series(np.full((5, 16, 20), 0.5), series_in(tmp_path / "in"), tmp_path / "out")
    assert not written.warnings
    assert (voxelry.load_volume(tmp_path / "out").array == 0.5).all()


def test_values_that_went_through_float32_are_the_stored_ones(tmp_path: Path) -> None:
    """As a normalised float32 file gives them back."""
    truth = synthetic_series(tmp_path / "in", bits_stored=16, rescale=(1.0, -32768.0))
    low, high = truth.array.min(), truth.array.max()
    normalised = ((truth.array - low) / (high - low)).astype(np.float32)
    write_series(normalised * np.float32(high - low) + np.float32(low), series_in(tmp_path / "in"), tmp_path / "out")
    for one, other in zip(stored_in(tmp_path / "in"), stored_in(tmp_path / "out"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_altered_slice_is_the_only_one_that_differs(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    series = series_in(tmp_path / "in")
    values = series.stacks[0].volume().array.copy()
    values[3] = values[3][::-1]
    write_series(values, series, tmp_path / "out")
    same = [np.array_equal(*pair) for pair in zip(stored_in(tmp_path / "in"), stored_in(tmp_path / "out"), strict=True)]
    assert same == [True, True, True, False, True]


def test_phases_are_written_each_to_its_own(tmp_path: Path) -> None:
    for phase in (1, 2):
        synthetic_series(
            tmp_path / "in", first_index=10 * phase, seed=3, attributes={"EchoTime": str(phase * 5)}, suffix=f"-{phase}"
        )
    series = series_in(tmp_path / "in")
    first, second = (stack.volume().array for stack in series.stacks)
    written = write_series([first + 1, second], series, tmp_path / "out")
    assert len(written.paths) == 10
    after = series_in(tmp_path / "out").stacks
    assert [stack.label for stack in after] == [stack.label for stack in series.stacks]
    np.testing.assert_array_equal(after[0].volume().array, first + 1)
    np.testing.assert_array_equal(after[1].volume().array, second)


def _edit(_: int, dataset: Dataset) -> None:
    """What a scanner writes beside the pixels."""
    dataset.SmallestImagePixelValue, dataset.LargestImagePixelValue = 1, 2
    dataset["SmallestImagePixelValue"].VR = dataset["LargestImagePixelValue"].VR = "US"
    dataset.WindowCenter, dataset.WindowWidth = "40", "400"
    dataset.ContentDate, dataset.ContentTime = "20200102", "101010"
    dataset.IconImageSequence = [Dataset()]
    block = dataset.private_block(0x0019, "INVENTED", create=True)
    block.add_new(1, "LO", "kept")
    dataset.add_new(0x60000010, "US", 4)
    dataset.add_new(0x60000011, "US", 4)
    dataset.add_new(0x60000102, "US", 12)


def test_a_derived_pet_image_is_still_called_primary(tmp_path: Path) -> None:
    """Its Image Type has no other word there (PS3.3 C.8.9.4.1.1)."""
    synthetic_series(tmp_path / "in", modality="PT")
    written = rewrite(tmp_path / "in")
    assert [pydicom.dcmread(path).ImageType[:2] for path in written.paths] == [["DERIVED", "PRIMARY"]] * 5


def test_the_header_is_kept_and_what_was_done_is_recorded(tmp_path: Path) -> None:
    truth = synthetic_series(tmp_path / "in", edit=_edit, padding_value=7)
    written = rewrite(tmp_path / "in", description="smoothed", suffix=" smooth", created=MOMENT)
    for old_path, new_path in zip(truth.paths, written.paths, strict=True):
        old, new = pydicom.dcmread(old_path), pydicom.dcmread(new_path)
        kept = ("PatientName", "PatientID", "StudyInstanceUID", "FrameOfReferenceUID", "InstanceNumber", "KVP",
                "ImagePositionPatient", "PixelSpacing", "RescaleIntercept", "WindowCenter", "BitsStored")  # fmt: skip
        assert [old[keyword] for keyword in kept] == [new[keyword] for keyword in kept]
        assert new.private_block(0x0019, "INVENTED")[1].value == "kept"
        assert new.ImageType == ["DERIVED", "SECONDARY", "AXIAL"]
        assert new.SeriesInstanceUID == written.series_instance_uid != old.SeriesInstanceUID
        assert new.SOPInstanceUID == new.file_meta.MediaStorageSOPInstanceUID != old.SOPInstanceUID
        assert new.SourceImageSequence[0].ReferencedSOPInstanceUID == old.SOPInstanceUID
        assert new.SourceImageSequence[0].ReferencedSOPClassUID == old.SOPClassUID
        assert new.SeriesDescription == "Synthetic CT smooth"
        assert new.DerivationDescription.startswith("smoothed (voxelry ")
        assert new.ContributingEquipmentSequence[-1].ManufacturerModelName == "voxelry"
        assert (new.ContentDate, new.InstanceCreationTime) == ("20210304", "050607.000000")
        assert new.PixelPaddingValue == 7
        assert (new.SmallestImagePixelValue, new.LargestImagePixelValue) == (
            old.pixel_array.min(),
            old.pixel_array.max(),
        )
        assert "IconImageSequence" not in new
        assert 0x60000010 not in new  # an overlay in the bits of the former pixels
    assert len({pydicom.dcmread(path).SOPInstanceUID for path in written.paths}) == 5


def test_what_no_longer_holds_is_made_anew(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", edit=_edit, padding_value=7)
    values = np.linspace(5000, 5001, 5 * 16 * 20).reshape(5, 16, 20)
    written = write_series(values, series_in(tmp_path / "in"), tmp_path / "out")
    (warning,) = written.warnings
    new = pydicom.dcmread(written.paths[2])
    assert f"slope {new.RescaleSlope}" in warning
    assert (new.BitsStored, new.HighBit, new.PixelRepresentation) == (16, 15, 0)
    assert new.SmallestImagePixelValue == new.pixel_array.min() > 0
    assert new.LargestImagePixelValue == new.pixel_array.max()
    assert "PixelPaddingValue" not in new
    assert float(new.WindowCenter) == pytest.approx(5000.5)  # 40 +- 200 would show nothing of it
    assert new.RescaleType == "HU"


def test_a_new_unit_is_said_and_its_window_made(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in", edit=_edit)
    values = np.arange(5 * 16 * 20).reshape(5, 16, 20)
    write_series(values, series_in(tmp_path / "in"), tmp_path / "out", unit="10^-6 mm^2/s")
    volume = voxelry.load_volume(tmp_path / "out")
    assert volume.unit == "10^-6 mm^2/s"
    assert volume.windows[0].width == 1600
    np.testing.assert_array_equal(volume.array, values)


def test_functional_groups_follow_the_values(tmp_path: Path) -> None:
    """An enhanced template: rescale, frame type and source are told where its frames are told."""
    truth = synthetic_series(tmp_path / "in", frames="enhanced", orientation=OBLIQUE)
    series = series_in(tmp_path / "in")
    values = truth.array * 0.37 + np.linspace(0, 1, truth.array.size).reshape(truth.array.shape)
    written = write_series(values, series, tmp_path / "out", description="scaled")
    assert "rescaled into 16 bits" in written.warnings[0]
    volume = voxelry.load_volume(tmp_path / "out")
    np.testing.assert_allclose(volume.array, values, atol=0.51 * np.ptp(values) / 65_535)
    np.testing.assert_array_equal(volume.affine, series.stacks[0].affine)
    old, new = pydicom.dcmread(truth.paths[0]), pydicom.dcmread(written.paths[0])
    derivation = new.SharedFunctionalGroupsSequence[0].DerivationImageSequence[0]
    assert derivation.DerivationDescription.startswith("scaled (voxelry ")
    assert derivation.SourceImageSequence[0].ReferencedSOPInstanceUID == old.SOPInstanceUID
    assert new.ImageType[:2] == ["DERIVED", "PRIMARY"]
    assert new.ReferencedSeriesSequence[-1].SeriesInstanceUID == old.SeriesInstanceUID


def _with_table(_: int, dataset: Dataset) -> None:
    table = Dataset()
    table.LUTDescriptor, table.LUTData, table.ModalityLUTType = [4096, 0, 16], list(range(4096, 8192)), "US"
    table["LUTDescriptor"].VR = table["LUTData"].VR = "US"
    dataset.ModalityLUTSequence = [table]


def test_a_table_gives_way_to_the_values_themselves(tmp_path: Path) -> None:
    """A Modality LUT has no inverse: its values are stored, and it goes."""
    synthetic_series(tmp_path / "in", rescale=None, edit=_with_table)
    before = voxelry.load_volume(tmp_path / "in")
    assert before.array.min() >= 4096
    written = rewrite(tmp_path / "in")
    assert not written.warnings
    np.testing.assert_array_equal(voxelry.load_volume(tmp_path / "out").array, before.array)
    assert "ModalityLUTSequence" not in pydicom.dcmread(written.paths[0])


def stored_array(folder: Path) -> npt.NDArray[Any]:
    return np.array(stored_in(folder))


def test_stored_values_leave_the_table_where_it_is(tmp_path: Path) -> None:
    """Who has stored values needs no way back through a table."""
    synthetic_series(tmp_path / "in", rescale=None, edit=_with_table)
    values = stored_array(tmp_path / "in")
    values[2] = 7
    written = write_series(values, series_in(tmp_path / "in"), tmp_path / "out", stored=True)
    assert not written.warnings
    np.testing.assert_array_equal(stored_array(tmp_path / "out"), values)
    assert "ModalityLUTSequence" in pydicom.dcmread(written.paths[0])
    assert "RescaleSlope" not in pydicom.dcmread(written.paths[0])
    assert (voxelry.load_volume(tmp_path / "out").array[2] == 4096 + 7).all()


@pytest.mark.slow
@given(values=arrays.arrays(np.int32, (3, 4, 5), elements=st.integers(0, 4095)))
def test_stored_values_are_stored(tmp_path_factory: pytest.TempPathFactory, values: npt.NDArray[Any]) -> None:
    folder = tmp_path_factory.mktemp("stored")
    synthetic_series(folder / "in", slices=3, rows=4, columns=5, rescale=(0.5, -3.0))
    template = series_in(folder / "in")
    written = write_series(values, template, folder / "out", stored=True)
    np.testing.assert_array_equal(stored_array(folder / "out"), values)
    assert {pydicom.dcmread(path).RescaleSlope for path in written.paths} == {0.5}


@pytest.mark.parametrize("wrong", [-1, 70_000, 0.5])
def test_stored_values_that_do_not_fit_are_refused(tmp_path: Path, wrong: float) -> None:
    synthetic_series(tmp_path / "in", rescale=None, edit=_with_table)
    values = stored_array(tmp_path / "in").astype(np.float64)
    values[0, 0, 0] = wrong
    with pytest.raises(ParameterError, match="stored values from"):
        write_series(values, series_in(tmp_path / "in"), tmp_path / "out", stored=True)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_single_bits_are_no_values_to_replace(tmp_path: Path) -> None:
    def single_bits(_: int, dataset: Dataset) -> None:
        dataset.BitsAllocated = dataset.BitsStored = 1
        dataset.HighBit = 0
        dataset["PixelData"].VR = "OB"
        dataset.PixelData = b"\x55" * (16 * 20 // 8)

    series = synthetic_series(tmp_path / "in", rescale=None, edit=single_bits)
    template = series_in(tmp_path / "in")
    with pytest.raises(ParameterError, match="single bits") as caught:
        write_series([stack.for_viewing() for stack in template.stacks], template, tmp_path / "out")
    assert series.paths[0].name in str(caught.value)


def test_one_stack_of_a_multi_frame_template_is_refused(tmp_path: Path) -> None:
    def three_echoes(_: int, dataset: Dataset) -> None:
        for k, groups in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            echo = Dataset()
            echo.EffectiveEchoTime = float(k // 2)
            groups.MREchoSequence = [echo]

    synthetic_series(
        tmp_path / "in", slices=6, offsets=(0, 3) * 3, frames="enhanced", modality="MR", rescale=None, edit=three_echoes
    )
    stacks = series_in(tmp_path / "in").stacks
    assert len(stacks) == 3
    values = [np.full(stack.shape, k, np.int16) for k, stack in enumerate(stacks)]
    with pytest.raises(ParameterError, match=r"number: .* has 6 frames, and there are values for 2"):
        write_series(values[0], stacks[0], tmp_path / "out")
    write_series(values, stacks, tmp_path / "out")
    for k, stack in enumerate(series_in(tmp_path / "out").stacks):
        assert (stack.volume().array == k).all()


def test_a_seed_gives_the_same_bytes_again(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    series = series_in(tmp_path / "in")
    values = series.stacks[0].volume()
    once, again, other = (
        write_series(values, series, tmp_path / name, seed=seed)
        for name, seed in (("a", "smooth 2"), ("b", "smooth 2"), ("c", "smooth 3"))
    )
    assert [path.read_bytes() for path in once.paths] == [path.read_bytes() for path in again.paths]
    assert once.series_instance_uid == again.series_instance_uid != other.series_instance_uid
    random = {write_series(values, series, tmp_path / name).series_instance_uid for name in "de"}
    assert len(random) == 2


def test_nan_is_refused_or_replaced_by_choice(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    series = series_in(tmp_path / "in")
    values = series.stacks[0].volume().array.astype(np.float32)
    values[2, 3, 4], values[4, 0, 0] = np.nan, np.inf
    with pytest.raises(ParameterError, match=r"2 values are not finite .* in slice 2"):
        write_series(values, series, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    written = write_series(values, series, tmp_path / "out", non_finite=-1000)
    assert written.warnings == ("2 values that are not finite were replaced by -1000",)
    loaded = voxelry.load_volume(tmp_path / "out").array
    assert loaded[2, 3, 4] == loaded[4, 0, 0] == -1000
    values[2, 3, 4] = values[4, 0, 0] = -1000
    np.testing.assert_array_equal(loaded, values)


def _moved(volume: Volume) -> Volume:
    assert volume.affine is not None
    affine = volume.affine.copy()
    affine[0, 3] += 0.5
    return Volume(array=volume.array, affine=affine)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda volume: volume.array[:4], r"number: .*\(5, 16, 20\).*\(4, 16, 20\)"),
        (lambda volume: volume.array[:, :8], r"shape: .*\(5, 8, 20\)"),
        (lambda volume: [volume, volume], "number: it has 1 stacks, the values are for 2"),
        (_moved, r"position: slice 0 lies up to 0\.5 mm"),
        (lambda volume: volume.array.astype(complex), "complex128"),
    ],
)
def test_a_template_that_does_not_match_is_refused(tmp_path: Path, change: Callable[[Volume], Any], words: str) -> None:
    synthetic_series(tmp_path / "in")
    series = series_in(tmp_path / "in")
    with pytest.raises(ParameterError, match=words):
        write_series(change(series.stacks[0].volume()), series, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("names", ["slice.dcm", "{number}.dcm", "../{index}.dcm", "{index", "a/{index}", ""])
def test_file_names_are_names_of_files_in_the_folder(tmp_path: Path, names: str) -> None:
    synthetic_series(tmp_path / "in")
    with pytest.raises(ParameterError, match="name"):
        rewrite(tmp_path / "in", names=names)
    assert not (tmp_path / "out").exists()


def test_progress_goes_to_the_end_and_may_stop_the_work(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    told: list[float] = []
    rewrite(tmp_path / "in", names="s{index}.dcm", progress=lambda fraction, _: told.append(fraction))
    assert told == sorted(told)
    assert told[-1] == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"s{k}.dcm" for k in range(1, 6)]

    def stop(_: float, __: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_series(series_in(tmp_path / "in").stacks[0].volume(), series_in(tmp_path / "in"), tmp_path / "stopped",
                     progress=stop)  # fmt: skip
    assert not (tmp_path / "stopped").exists()


def test_an_interrupted_writing_waits_for_its_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synthetic_series(tmp_path / "in", slices=40)
    monkeypatch.setattr(parallel, "workers", lambda: 4)
    begun, released = threading.Event(), threading.Event()
    quick = {threading.get_ident()}
    working: list[int] = []
    when_removed: list[int] = []
    remove = shutil.rmtree

    def slow(frame: npt.NDArray[Any], syntax: str) -> bytes:
        if len(quick) == 1:
            quick.add(threading.get_ident())
        if threading.get_ident() in quick:
            begun.wait(timeout=30)
        else:
            working.append(1)
            begun.set()
            released.wait(timeout=30)
            working.pop()
        return encode_frame(frame, syntax)

    def stop(_: float, __: str) -> None:
        threading.Timer(0.05, released.set).start()
        raise KeyboardInterrupt

    def removed(folder: Path, *, ignore_errors: bool) -> None:
        when_removed.append(len(working))
        remove(folder, ignore_errors=ignore_errors)

    monkeypatch.setattr(instance_files, "encode_frame", slow)
    monkeypatch.setattr(shutil, "rmtree", removed)
    with pytest.raises(KeyboardInterrupt):
        rewrite(tmp_path / "in", transfer_syntax="rle", progress=stop)
    assert when_removed == [0]
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synthetic_series(tmp_path / "in", slices=12)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "0001.dcm").write_bytes(b"of yesterday")
    done: list[int] = []

    def full(frame: npt.NDArray[Any], syntax: str) -> bytes:
        done.append(1)
        if len(done) > 7:
            raise OSError(errno.ENOSPC, "No space left on device")
        return encode_frame(frame, syntax)

    monkeypatch.setattr(instance_files, "encode_frame", full)
    with pytest.raises(OSError, match="No space"):
        rewrite(tmp_path / "in", transfer_syntax="rle")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0001.dcm"]
    assert (tmp_path / "out" / "0001.dcm").read_bytes() == b"of yesterday"


def test_no_error_tells_of_a_patient(tmp_path: Path) -> None:
    synthetic_series(tmp_path / "in")
    with pytest.raises(ParameterError) as caught:
        write_series(np.zeros((1, 2, 3)), series_in(tmp_path / "in"), tmp_path / "out")
    assert not any(secret in str(caught.value) for secret in SECRETS)


@pytest.mark.corpus
@pytest.mark.parametrize(
    "name", ["ct_lung_bases", "mr_liver_coronal", "ct_mr_pet_rtstruct", "ct_gantry_tilt", "mr_localizer_three_planes"]
)
def test_real_series_come_back_as_they_were(tmp_path: Path, corpus: Path, name: str) -> None:
    for number, series in enumerate(one for one in voxelry.index(corpus / name).series if one.stacks):
        values = [stack.for_viewing() for stack in series.stacks]
        written = write_series(values, series, tmp_path / f"{number}")
        assert not written.warnings
        after = series_in(tmp_path / f"{number}").stacks
        for before, stack, volume in zip(series.stacks, after, values, strict=True):
            np.testing.assert_array_equal(stack.for_viewing().array, volume.array)
            np.testing.assert_array_equal(stack.affine, before.affine)
            for pair in zip(before.frames, stack.frames, strict=True):
                one, other = (next(stored_frames(frame.header, [frame.index])) for frame in pair)
                np.testing.assert_array_equal(one, other)


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["mixed_kinds_in_one_series", "transfer_syntax_matrix_ct"])
def test_every_image_comes_back_where_stacks_do_not(tmp_path: Path, corpus: Path, name: str) -> None:
    """Palettes, YBR and RGB are all written as RGB, so that nothing tells their stacks apart any more; and duplicates,
    which made one stack the largest, are not written. Each image is that of its source all the same."""
    for number, series in enumerate(one for one in voxelry.index(corpus / name).series if one.stacks):
        values = [stack.for_viewing() for stack in series.stacks]
        written = write_series(values, series, tmp_path / f"{number}")
        before: dict[str, list[npt.NDArray[Any]]] = {}
        for volume in values:
            for uid, array in zip(volume.instance_uids, volume.array, strict=True):
                before.setdefault(uid, []).append(array)
        for path, images in zip(written.paths, before.values(), strict=True):
            frames = voxelry.pixels(path).reshape(len(images), *images[0].shape)
            assert all(sum(np.array_equal(frame, image) for frame in frames) == 1 for image in images)
