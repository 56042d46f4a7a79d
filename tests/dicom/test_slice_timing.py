"""When slices were acquired: every maker's way, and silence where nothing tells."""

from __future__ import annotations

import gzip
import json
import struct
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

import voxelry
from voxelry.core.value import Value
from voxelry.dicom.series.slice_timing import slice_times
from voxelry.testing import synthetic_epi, synthetic_series

TR = 2.0
Edit = Callable[[int, Dataset], None]


def times_of(folder: Path, edit: Edit, **settings: Any) -> tuple[float, ...] | None:
    """Of a series of five slices, made by ``edit``."""
    attributes = {"MRAcquisitionType": "2D", "ScanningSequence": "EP", "RepetitionTime": 1000 * TR}
    settings["attributes"] = attributes | settings.pop("attributes", {})
    synthetic_series(folder, modality="MR", rescale=None, edit=edit, **settings)
    (series,) = voxelry.index(folder).series
    return slice_times(series.stacks)


def at(clocks: Sequence[str], keyword: str = "AcquisitionTime") -> Edit:
    return lambda index, dataset: setattr(dataset, keyword, clocks[index])


def private(group: int, creator: str, element: int, vr: str, values: Sequence[object]) -> Edit:
    def edit(index: int, dataset: Dataset) -> None:
        dataset.private_block(group, creator, create=True).add_new(element, vr, values[index])

    return edit


def ge_protocol(words: str, *, pause: float = 0.0, bands: str = "0\\0") -> Edit:
    packed = gzip.compress(words.encode(), mtime=0)

    def edit(_: int, dataset: Dataset) -> None:
        content = struct.pack("<I", len(packed)) + packed
        dataset.private_block(0x25, "GEMS_SERS_01", create=True).add_new(
            0x1B, "OB", content + b"\0" * (len(packed) % 2)
        )
        dataset.private_block(0x43, "GEMS_PARM_01", create=True).add_new(0x7C, "FL", pause)
        dataset.private_block(0x43, "GEMS_PARM_01").add_new(0xB6, "LO", bands)

    return edit


@pytest.mark.parametrize("numbering", ["ascending", "reversed"])
def test_the_time_of_each_image(tmp_path: Path, numbering: Any) -> None:
    clocks = ["120000.500000", "120001.300000", "120000.700000", "120001.500000", "115959.900000"]
    assert times_of(tmp_path, at(clocks), numbering=numbering) == (0.6, 1.4, 0.8, 1.6, 0.0)


def test_midnight_is_no_day(tmp_path: Path) -> None:
    clocks = ["235959.25", "000000.25", "235959.75", "000000.75", "235959.5"]
    assert times_of(tmp_path, at(clocks)) == (0.0, 1.0, 0.5, 1.5, 0.25)


@pytest.mark.parametrize(
    ("clocks", "attributes"),
    [
        (["120000", "120001", "120002", "120003", "120004"], {}),
        (["120000.0", "120001.0", "120002.0", "120003.0", "120004.0"], {}),
        (["120000.5"] * 5, {}),
        (["120000.5", "120001.5", "120002.5", "", "120003.5"], {}),
        (["120000.5", "120001.5", "120002.5", "12", "120003.5"], {}),
        (["120000.5", "120001.5", "120002.5", "120004.5", "120003.5"], {"MRAcquisitionType": "3D"}),
        (["120000.5", "120001.5", "120002.5", "120004.5", "120003.5"], {"Modality": "CT"}),
    ],
)
def test_what_tells_no_slice_from_the_next_is_unknown(
    tmp_path: Path, clocks: list[str], attributes: dict[str, object]
) -> None:
    assert times_of(tmp_path, at(clocks), attributes=attributes) is None


def test_trigger_time_is_ge_s_clock_in_echo_planar_images(tmp_path: Path) -> None:
    delays = [0.0, 800.0, 400.0, 1200.0, 600.0]
    found = {
        maker: times_of(tmp_path / maker[:2], at(delays, "TriggerTime"), attributes={"Manufacturer": maker})  # type: ignore[arg-type]
        for maker in ("GE MEDICAL SYSTEMS", "Philips")
    }
    assert found == {"GE MEDICAL SYSTEMS": (0.0, 0.8, 0.4, 1.2, 0.6), "Philips": None}


@pytest.mark.parametrize("ticks", [1, 10_000])
def test_ge_s_own_clock_in_either_of_its_units(tmp_path: Path, ticks: int) -> None:
    clock = [round((7 + offset) * ticks, 3) for offset in (0.0, 0.8, 0.4, 1.2, 0.6)]
    assert times_of(tmp_path, private(0x21, "GEMS_RELA_01", 0x5E, "DS", clock)) == (0.0, 0.8, 0.4, 1.2, 0.6)


@pytest.mark.parametrize("numbering", ["ascending", "reversed"])
@pytest.mark.parametrize(
    ("order", "expected"), [("0", (0.0, 0.4, 0.8, 1.2, 1.6)), ("1", (0.0, 1.2, 0.4, 1.6, 0.8)), ("7", None)]
)
def test_the_order_of_ge_s_protocol(
    tmp_path: Path, order: str, expected: tuple[float, ...] | None, numbering: Any
) -> None:
    words = f'IOPT "EPI, FMRI"\nSLICEORDER "{order}"\nNOSLC "5"\n'
    found = times_of(tmp_path, ge_protocol(words), numbering=numbering)
    assert found == (expected[::-1] if expected and numbering == "reversed" else expected)


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        ('IOPT "EPI, DIFF"\nSLICEORDER "1"\nNOSLC "5"\n', {}),
        ('IOPT "EPI"\nSLICEORDER "1"\nNOSLC "6"\n', {}),
        ('IOPT "FAST"\nSLICEORDER "1"\nNOSLC "5"\n', {}),
        ("<xml/>", {}),
        ('IOPT "EPI, MPhVar"\nSLICEORDER "1"\nNOSLC "5"\n', {}),
        ('IOPT "EPI"\nSLICEORDER "1"\nNOSLC "5"\n', {"bands": "2\\4"}),  # of software that is unknown
    ],
)
def test_a_protocol_that_does_not_fill_the_time_evenly_tells_nothing(
    tmp_path: Path, words: str, settings: dict[str, Any]
) -> None:
    assert times_of(tmp_path, ge_protocol(words, **settings)) is None


def test_ge_s_repetition_time_is_without_the_pause_behind_a_volume(tmp_path: Path) -> None:
    words = 'IOPT "EPI, FMRI"\nSLICEORDER "1"\nNOSLC "5"\n'
    assert times_of(tmp_path, ge_protocol(words, pause=0.5)) == (0.0, 1.2, 0.4, 1.6, 0.8)


@pytest.mark.parametrize(
    ("software", "slices", "bands", "turns"),
    [
        ("27\\LX\\MR Software release:RX27.0_R02_1831.a", 6, 2, [0, 2, 1]),
        ("27\\LX\\MR Software release:RX27.0_R02_1831.a", 8, 2, [0, 3, 1, 4, 2]),  # four excitations became five
        ("28\\LX\\MR29.1_EA_2039.g", 8, 2, [0, 3, 1, 2]),  # the last ones of an even number are swapped
        ("27\\LX\\MR Software release:RX27.0_R03_1831.a", 12, 2, [0, 3, 1, 5, 2, 4]),
        ("25\\LX\\MR Software release:DV25.0_R01_1451.a", 6, 2, None),
    ],
)
def test_slices_that_ge_excites_together(
    tmp_path: Path, software: str, slices: int, bands: int, turns: list[int] | None
) -> None:
    words = f'IOPT "EPI, FMRI"\nSLICEORDER "1"\nNOSLC "{slices}"\nMBACCEL "{bands}"\n'
    protocol, delays = ge_protocol(words, bands=f"{bands}\\0"), [17.0 * number for number in range(slices)]

    def edit(index: int, dataset: Dataset) -> None:
        protocol(index, dataset)
        dataset.TriggerTime = delays[index]  # as without simultaneous slices, which is wrong

    attributes = {"SoftwareVersions": software, "Manufacturer": "GE MEDICAL SYSTEMS"}
    found = times_of(tmp_path, edit, slices=slices, attributes=attributes)
    if turns is None:
        assert found is None
        return
    assert found == tuple(round(turns[place % len(turns)] * TR / len(turns), 6) for place in range(slices))


def test_what_contradicts_the_repetition_time_gives_way_to_the_next_clock(tmp_path: Path) -> None:
    """Of several volumes: GE's times of images are those at which they were computed."""
    for number in range(2):

        def edit(index: int, dataset: Dataset, number: int = number) -> None:
            dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID}.{number + 1}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            dataset.TemporalPositionIdentifier = number + 1
            dataset.AcquisitionTime = f"1200{10 * number + 2 * index:02d}.5"
            dataset.TriggerTime = [0.0, 800.0, 400.0, 1200.0, 600.0][index]

        attributes: dict[str, object] = {
            "MRAcquisitionType": "2D", "RepetitionTime": 1000 * TR, "Manufacturer": "GE MEDICAL SYSTEMS",
            "ScanningSequence": "EP",
        }  # fmt: skip
        synthetic_series(tmp_path / str(number), seed=7, modality="MR", rescale=None, attributes=attributes, edit=edit)
    (series,) = voxelry.index(tmp_path).series
    assert slice_times(series.stacks) == (0.0, 0.8, 0.4, 1.2, 0.6)


@pytest.mark.parametrize("maker", ["Siemens", "Siemens XA", "UIH", "GE"])
def test_every_maker_s_times(tmp_path: Path, maker: Any) -> None:
    """Also of enhanced objects, and where one of the times is a whole second, which is written without a fraction."""
    times = (0.0, 1.0, 0.55, 1.5)
    synthetic_epi(tmp_path, maker=maker, times=times)
    (series,) = voxelry.index(tmp_path).series
    assert slice_times(series.stacks) == times


def test_siemens_time_after_the_start(tmp_path: Path) -> None:
    clock = ["0", "0.8", "0.4", "1.2", "0.6"]
    edit = private(0x21, "SIEMENS MR SDI 02", 0x04, "DS", clock)
    assert times_of(tmp_path, edit) == (0.0, 0.8, 0.4, 1.2, 0.6)


@pytest.mark.slow
@given(content=st.binary(max_size=60))
def test_no_protocol_is_too_strange(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    content += b"\0" * (len(content) % 2)
    block = b"\0\0\0\0\x1f\x8b" + content
    edit = private(0x25, "GEMS_SERS_01", 0x1B, "OB", [block] * 2)
    assert times_of(tmp_path_factory.mktemp("ge"), edit, slices=2, rows=2, columns=2) is None


def time_points(folder: Path, last: str) -> None:
    """Two volumes at one place; the first one's times say nothing, and the second one's are those of ``last``."""
    clocks = (["120000.5"] * 5, ["120002.5", "120003.0", "120002.75", "120003.25", last])
    for number, mine in enumerate(clocks):

        def edit(index: int, dataset: Dataset, number: int = number, mine: list[str] = mine) -> None:
            dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID}.{number + 1}"
            dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
            dataset.TemporalPositionIdentifier = number + 1
            dataset.AcquisitionTime = mine[index]

        attributes: dict[str, object] = {"MRAcquisitionType": "2D", "RepetitionTime": 1000 * TR}
        synthetic_series(
            folder / str(number), seed=7, modality="MR", rescale=None, attributes=attributes, edit=edit, bits_stored=16
        )


@pytest.mark.parametrize(("last", "expected"), [("120003.5", [0.0, 0.5, 0.25, 0.75, 1.0]), ("120009.5", None)])
def test_the_second_time_point_counts_and_its_slices_lie_within_a_repetition(
    tmp_path: Path, last: str, expected: Value
) -> None:
    time_points(tmp_path / "in", last)
    assert voxelry.convert(tmp_path / "in", tmp_path / "out.nii").complete
    assert json.loads((tmp_path / "out.json").read_text()).get("SliceTiming") == expected


@pytest.mark.parametrize("code", ["", "RAS", "LPI", "SAR", "IPL", "ASR", "PIL"])
def test_times_go_with_their_slices(tmp_path: Path, code: str) -> None:
    """Each slice holds its number, so that the file itself says which slice lies where."""
    import nibabel

    pixels = np.broadcast_to(np.arange(5, dtype=np.uint16)[:, None, None], (5, 4, 6))
    clocks = [f"12000{number}.5" for number in range(5)]
    attributes: dict[str, object] = {"MRAcquisitionType": "2D", "RepetitionTime": 1000 * TR}
    synthetic_series(
        tmp_path / "in", pixels=pixels, modality="MR", rescale=None, attributes=attributes, edit=at(clocks),
        orientation=(0, 1, 0, 0, 0, -1),
    )  # fmt: skip
    options: dict[str, Value] = {"reorient": code} if code else {}
    voxelry.convert(tmp_path / "in", tmp_path / "out.nii", options=options)
    told = json.loads((tmp_path / "out.json").read_text())
    image: Any = nibabel.nifti1.Nifti1Image.from_filename(str(tmp_path / "out.nii"))  # type: ignore[no-untyped-call, unused-ignore]
    axis = "ijk".index(told.get("SliceEncodingDirection", "k"))
    slices = np.moveaxis(np.asarray(image.dataobj), axis, 0)
    assert [one.min() for one in slices] == [one.max() for one in slices] == told["SliceTiming"]


@pytest.mark.parametrize(
    ("settings", "known"),
    [
        ({"offsets": (0, 3, 6, 9, 12)}, True),
        ({"offsets": (0, 3, 6, 10, 12)}, False),  # resampled: new slices lie between the old
        ({"shear": (0.0, 0.5, 0.0)}, True),  # straightened: only pixels move
    ],
)
def test_slices_made_of_others_have_no_time(tmp_path: Path, settings: dict[str, Any], known: bool) -> None:
    attributes: dict[str, object] = {"MRAcquisitionType": "2D", "RepetitionTime": 1000 * TR}
    clocks = [f"12000{number}.5" for number in range(5)]
    synthetic_series(tmp_path / "in", modality="MR", rescale=None, attributes=attributes, edit=at(clocks), **settings)
    voxelry.convert(tmp_path / "in", tmp_path / "out.nii", straighten=True, on_irregular="resample")
    assert ("SliceTiming" in json.loads((tmp_path / "out.json").read_text())) == known


@pytest.mark.programs("dcm2niix")
@pytest.mark.parametrize(("name", "backwards"), [("mr_fmri_repeated_positions", False), ("mr_liver_coronal", True)])
def test_times_are_those_of_dcm2niix(corpus: Path, tmp_path: Path, name: str, backwards: bool) -> None:
    command = ["dcm2niix", "-z", "n", "-b", "o", "-f", "theirs", "-o", str(tmp_path), str(corpus / name)]
    subprocess.run(command, capture_output=True, check=True)
    voxelry.convert(corpus / name, tmp_path / "ours.nii")
    ours, theirs = (json.loads((tmp_path / f"{who}.json").read_text())["SliceTiming"] for who in ("ours", "theirs"))
    assert len(ours) == len(theirs)
    # It leaves the slices of sagittal and coronal stacks in the order of their files. Seconds above a hundred it takes
    # for a minute and seconds: 100.88 becomes 60.88.
    expected = ours[::-1] if backwards else ours
    read = [time if time < 100 else time - 40 for time in expected]
    np.testing.assert_allclose(read, theirs, atol=0.02)
