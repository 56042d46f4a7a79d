"""Volumes that two attributes tell apart: a slider for each, and the curve along the chosen one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Locator, Page, expect
from pydicom.dataset import Dataset

from tests.e2e.pixels import canvas, open_series, stage_point
from tests.e2e.steps import series_of_upload
from voxelry.core.volume import Volume
from voxelry.testing import synthetic_series
from voxelry.workflows.load.loading import load

pytestmark = pytest.mark.browser
ECHOES, TIMES, SLICES = (4.6, 9.2, 13.8), (1, 2, 3), 5
MISSING = (3, 13.8)
"""The last time has no third echo."""
PLACES = [(time, echo) for time in TIMES for echo in ECHOES if (time, echo) != MISSING]


def write_echoes(folder: Path) -> None:
    """A series of three echoes at three times, the last echo of the last time left out; files in no order."""
    random = np.random.default_rng(4)
    pixels = random.integers(0, 4000, (len(PLACES) * SLICES, 40, 48), dtype=np.uint16)

    def edit(k: int, dataset: Dataset) -> None:
        time, echo = PLACES[k // SLICES]
        dataset.EchoTime, dataset.TemporalPositionIdentifier = str(echo), time
        dataset.AcquisitionTime = f"1200{10 * time:02d}"

    synthetic_series(
        folder, pixels=pixels, offsets=tuple(3.0 * (k % SLICES) for k in range(len(pixels))), modality="MR",
        rescale=None, bits_stored=16, edit=edit, shuffled=True, seed=4417,
    )  # fmt: skip


def place_of(volume: Volume) -> tuple[int, float]:
    """The time and the echo of a volume of the library's, as its header has them."""
    (time,) = map(int, re.findall(r"TemporalPositionIdentifier (\d+)", volume.label))
    return time, float(re.findall(r"EchoTime ([\d.]+)", volume.label)[0])


def axis(page: Page, keyword: str) -> Locator:
    return page.locator(f"[data-testid=time-axis][data-keyword={keyword}]")


def slide(page: Page, keyword: str, place: int) -> None:
    axis(page, keyword).get_by_role("slider").fill(str(place))


def says(page: Page, keyword: str, words: str) -> None:
    expect(axis(page, keyword).get_by_test_id("time-position")).to_have_text(re.compile(words))


def curve_at(page: Page, index: tuple[int, int, int], count: int) -> npt.NDArray[np.float64]:
    """The values of the curve of a voxel, once there are so many."""
    curve = page.get_by_test_id("curve")
    expect(curve).to_have_attribute("data-index", ",".join(map(str, index)))
    expect(curve).to_have_attribute("data-values", re.compile(rf"^\[[^,\]]+(,[^,\]]+){{{count - 1}}}\]$"))
    return np.array(json.loads(curve.get_attribute("data-values") or "[]"))


def test_each_axis_has_a_slider_and_its_curve_is_the_librarys(visitor: Page, tmp_path: Path) -> None:
    page = visitor
    write_echoes(tmp_path / "echoes")
    volumes = {place_of(one): one for one in load(tmp_path / "echoes").volumes}
    assert sorted(volumes) == sorted(PLACES)
    open_series(page, series_of_upload(page, tmp_path / "echoes", {"MR"}, tmp=tmp_path)["MR"])
    numbers = [place_of(one) for one in load(tmp_path / "echoes").volumes]
    echo, time = "EchoTime", "TemporalPositionIdentifier"

    def shown(place: tuple[int, float]) -> None:
        expect(canvas(page)).to_have_attribute("data-volume", str(numbers.index(place)))

    says(page, echo, r"^4\.6 ms\s*1 / 3$")
    says(page, time, r"^1\s*1 / 3$")
    slide(page, echo, 2)
    shown((1, 9.2))
    slide(page, time, 2)
    shown((2, 9.2))
    # By keys along the chosen axis, and along the other.
    axis(page, time).get_by_test_id("time-choose").click()
    page.locator("body").press("Shift+ArrowRight")
    shown((3, 9.2))
    page.locator("body").press("Shift+Y")
    expect(axis(page, echo).get_by_test_id("time-choose")).to_have_attribute("aria-pressed", "true")
    page.locator("body").press("Shift+ArrowLeft")
    shown((3, 4.6))
    # The combination that is not there: the nearest, which is said until another is shown.
    expect(page.get_by_test_id("time-nearest")).to_have_text("")
    slide(page, echo, 3)
    shown((2, 13.8))
    nearest = page.get_by_test_id("time-nearest")
    expect(nearest).to_contain_text("No volume has Temporal Position 3 and Echo Time 13.8 ms.")
    expect(nearest).to_contain_text("The nearest is shown: Temporal Position 2, Echo Time 13.8 ms.")
    # A reload shows the same volume.
    expect(page).to_have_url(re.compile(r"volume:.*13\.8"))
    page.reload()
    shown((2, 13.8))
    expect(nearest).to_have_text("")
    # The curves along both axes.
    index = (2, 20, 30)
    page.mouse.move(*stage_point(page, volumes[2, 13.8], *index[1:]))
    for keyword, line in (
        (echo, [(2, one) for one in ECHOES]),
        (time, [(one, 13.8) for one in TIMES if (one, 13.8) != MISSING]),
    ):
        axis(page, keyword).get_by_test_id("time-choose").click()
        page.mouse.move(*stage_point(page, volumes[2, 13.8], *index[1:]))
        values = curve_at(page, index, len(line))
        np.testing.assert_array_equal(values, [float(volumes[place].array[index]) for place in line])
    # The cine goes along the chosen axis, and through nothing else.
    page.evaluate(
        "canvas => { window.played = new Set(); new MutationObserver(() => window.played.add(canvas.dataset.volume))"
        ".observe(canvas, { attributes: true, attributeFilter: ['data-volume'] }); }",
        canvas(page).element_handle(),
    )
    axis(page, echo).get_by_test_id("time-choose").click()
    page.get_by_test_id("time-play").click()
    page.wait_for_function("() => window.played.size >= 3")
    page.get_by_test_id("time-play").click()
    played = {int(one) for one in page.evaluate("[...window.played]")}
    assert played == {numbers.index((2, one)) for one in ECHOES}
