"""pydicom says nothing: its words quote values, in threads as well as alone."""

from __future__ import annotations

import logging
import threading
import warnings
from pathlib import Path

import pydicom
import pytest

import voxelry
from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.testing import PATIENT_NAME, synthetic_instance, synthetic_series, write


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    """Files whose header holds values that pydicom complains about by quoting them."""
    for number in range(8):
        dataset = synthetic_instance(index=number, position=(0.0, 0.0, 3.0 * number))
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        path = write(dataset, tmp_path / f"{number}.dcm")
        raw = path.read_bytes()
        raw = raw.replace(b"ISO_IR 192", b"ISO_IR 999").replace(b"20200102", b"Doe^Jane")
        path.write_bytes(raw)
    return tmp_path


def test_no_value_is_warned_of_or_logged(odd: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert voxelry.load(odd).volumes
        voxelry.tabulate(odd)
    assert not caught
    assert not caplog.records


def test_threads_do_not_undo_each_other(odd: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With ``error`` as the filter, a warning that came through would cost the file."""
    caplog.set_level(logging.DEBUG)
    volumes: list[int] = []

    def work() -> None:
        volumes.extend(len(voxelry.load(odd).volumes) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert volumes == [1] * 20
    assert not caplog.records


def test_who_uses_pydicom_beside_us_still_hears_it() -> None:
    with quiet, quiet:
        warnings.warn("unheard", stacklevel=1)
    with pytest.warns(UserWarning, match="Invalid value"):
        pydicom.uid.UID("1.2.")


def test_an_error_does_not_bring_the_value_with_it(tmp_path: Path) -> None:
    """A traceback shows the cause as well; pydicom's quotes what it could not read."""
    path = write(synthetic_instance(), tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes().replace(b"-1024 ", b"Doe^Ja"))
    with pytest.raises(voxelry.VoxelryError, match=r"Rescale Intercept \(0028,1052\)") as caught:
        voxelry.load_volume(path)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert PATIENT_NAME not in str(caught.value)


def test_a_series_shares_its_text_in_its_own_character_set(tmp_path: Path) -> None:
    synthetic_series(tmp_path, slices=3, attributes={"SeriesDescription": "Überblick 頭部"})
    assert voxelry.load_volume(tmp_path).metadata["SeriesDescription"] == "Überblick 頭部"
