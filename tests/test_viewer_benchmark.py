"""What the benchmark of the viewer computes from its records; how fast anything is says no test."""

from __future__ import annotations

import os
from dataclasses import replace
from urllib.parse import parse_qs

import numpy as np
import pydicom
import pytest
from pydicom.filebase import DicomBytesIO

from benchmarks.series import long_series, phantom
from benchmarks.server_processes import proportional_set_size
from benchmarks.viewer_comparison import compared
from benchmarks.viewer_frames import Frame, frame_times, full_updates, moving, percentile, pictures_shown
from benchmarks.viewer_large import oblique_query
from benchmarks.viewer_memory import is_of_kind
from benchmarks.viewer_pages import OhifPage, OwnPage
from benchmarks.viewer_planes import updates_of_others
from benchmarks.viewer_scripts import gzipped_bytes
from benchmarks.viewer_visit import Visit

VISIT = Visit(first_ms=100, whole_ms=1000, loaded=300, frame_ms=20, painted=300, memory=2**28)


def frames(*shown: str) -> list[Frame]:
    """Frames, 16 ms apart, of one canvas."""
    return [(16.0 * number, [one]) for number, one in enumerate(shown)]


def test_frames_count_from_the_first_change_to_the_last() -> None:
    record = moving(frames("a", "a", "b", "b", "c", "c", "c"))
    assert [shown[0] for _, shown in record] == ["a", "b", "b", "c"]
    assert frame_times(record) == [16, 16, 16]
    assert pictures_shown(record) == 3
    assert moving(frames("a", "a")) == []


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (95, 95), (100, 100), (1, 1)])
def test_a_percentile_is_one_of_the_values(percent: float, expected: float) -> None:
    assert percentile([float(value) for value in range(100, 0, -1)], percent) == expected
    assert percentile([7.0], percent) == 7


def test_a_percentile_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        percentile([], 95)


def test_planes_have_followed_when_all_of_them_are_new() -> None:
    record: list[Frame] = [
        (0, ["1", "1"]),  # the third canvas is not there yet
        (10, ["1", "1", "1"]),
        (20, ["2", "1", "1"]),
        (30, ["2", "2", "2"]),
        (40, ["3", "3", "2"]),
        (50, ["4", "3", "3"]),
    ]
    assert full_updates(record, 3) == [30, 50]
    assert updates_of_others(record, 0) == [30, 50]
    assert updates_of_others(record, 2) == [30, 40]


def test_a_viewer_that_does_not_load_all_meets_no_target() -> None:
    slow = replace(VISIT, first_ms=1000, whole_ms=9000, frame_ms=90, memory=2**30)
    rows = compared({"Voxelry": [VISIT], "OHIF": [slow]}, 300)
    assert [row.met for row in rows] == [True] * 4
    assert [row.note for row in rows] == [""] * 4
    some = compared({"Voxelry": [VISIT, replace(VISIT, loaded=160)], "OHIF": [replace(slow, painted=280)]}, 300)
    assert [row.met for row in some] == [True, False, False, False]
    assert some[0].note == "Voxelry loads 160 of 300; OHIF paints 280 of 300"
    assert [row.note for row in compared({"Voxelry": [VISIT]}, 300)] == ["not installed"] * 4


def test_requests_for_slices_are_known() -> None:
    own = OwnPage("http://127.0.0.1:1", "study", "admin", "secret")
    ohif = OhifPage("http://127.0.0.1:2", "name", own)
    assert own.is_slice("http://127.0.0.1:1/api/series/12/slices/3.raw?volume=0&v=a")
    assert own.is_slice("http://127.0.0.1:1/api/series/12/volume.raw?volume=0")
    assert not own.is_slice("http://127.0.0.1:1/api/series/12/thumbnail.png")
    assert ohif.is_slice("http://127.0.0.1:2/dicomweb/projects/default/studies/1.2/series/1.3/instances/1.4/frames/1")
    assert not ohif.is_slice("http://127.0.0.1:2/dicomweb/projects/default/studies/1.2/series/1.3/metadata")


def test_a_long_series_repeats_slices_in_a_study_of_its_own() -> None:
    stored = phantom(3, 32)
    sets = [
        pydicom.dcmread(DicomBytesIO(content)) for content in long_series(stored, 8, seed=1, description="Long one")
    ]
    assert [float(one.ImagePositionPatient[2]) for one in sets] == [1.25 * k for k in range(8)]
    assert [int(one.InstanceNumber) for one in sets] == list(range(1, 9))
    assert len({str(one.SOPInstanceUID) for one in sets}) == 8
    assert len({str(one.StudyInstanceUID) for one in sets}) == 1
    assert sets[0].StudyDescription == "Long one"
    np.testing.assert_array_equal(sets[7].pixel_array, stored[1])
    (other,) = long_series(stored, 1, seed=2, description="Long one")
    assert pydicom.dcmread(DicomBytesIO(other)).StudyInstanceUID != sets[0].StudyInstanceUID


def test_the_oblique_plane_has_its_middle_in_the_volume() -> None:
    affine: list[list[float]] = [[0, 0, 0.7, -180], [0, 0.7, 0, -180], [1.25, 0, 0, 0], [0, 0, 0, 1]]
    query = parse_qs(oblique_query(affine, (4000, 512, 512), 0.5))
    origin, right, down = (np.array(query[name][0].split(","), float) for name in ("origin", "right", "down"))
    np.testing.assert_allclose(np.linalg.norm([right, down], axis=1), 0.7)
    assert abs(right @ down) < 1e-12
    middle = origin + 255.5 * (right + down)
    np.testing.assert_allclose(middle, [-180 + 0.7 * 255.5, -180 + 0.7 * 255.5, 1.25 * 1999.5])


def test_pages_of_the_browser_itself_do_not_count() -> None:
    renderer = ["chromium", "--type=renderer", "--no-sandbox"]
    assert is_of_kind(renderer, ("renderer", "gpu-process"))
    assert is_of_kind(["chromium", "--type=gpu-process"], ("renderer", "gpu-process"))
    assert not is_of_kind(["chromium", "--type=gpu-process"], ("renderer",))
    assert not is_of_kind([*renderer, "--top-chrome-webui"], ("renderer",))
    assert not is_of_kind(["chromium", "--type=zygote"], ("renderer",))


def test_sizes_are_measured() -> None:
    assert proportional_set_size(os.getpid()) > 2**20
    assert proportional_set_size(2**22 + 1) == 0
    assert 20 < gzipped_bytes(b"a" * 10_000) < 100
