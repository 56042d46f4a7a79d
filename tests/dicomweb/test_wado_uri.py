"""WADO-URI: one instance, named by the query (PS3.18 9)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pydicom
import pytest

from tests.dicomweb.conftest import Web
from tests.dicomweb.test_rendered import WINDOW, decoded, presentation_state
from voxelry.core.intensity import Window, to_display
from voxelry.server.access.models import Project
from voxelry.testing import SECRETS, SyntheticSeries, synthetic_report, synthetic_series, write


def query_of(made: SyntheticSeries, number: int = 0, **more: Any) -> dict[str, Any]:
    """The parameters of a request for an instance."""
    return {
        "requestType": "WADO",
        "studyUID": made.study_instance_uid,
        "seriesUID": made.series_instance_uid,
        "objectUID": made.instance_uids[number],
        **more,
    }


@pytest.fixture
def made(site: Any, tmp_path: Path) -> SyntheticSeries:
    """A stored series of two slices."""
    series = synthetic_series(tmp_path / "s", slices=2, spacing=(3.0, 0.8, 0.8), attributes=WINDOW)
    site.upload(series.paths)
    return series


def test_a_single_frame_is_a_jpeg_and_other_pictures_on_request(web: Web, made: SyntheticSeries) -> None:
    assert web.get("/wado", **query_of(made)).headers["Content-Type"] == "image/jpeg"
    # A browser's Accept does not change the default.
    browser = "text/html,application/xhtml+xml,image/webp,*/*;q=0.8"
    assert web.get("/wado", accept=browser, **query_of(made)).headers["Content-Type"] == "image/jpeg"
    for wanted in ("image/png", "image/jp2,image/png;q=0.9", "image/jpeg;q=0.1,image/png"):
        picture = web.get("/wado", **query_of(made, 1, contentType=wanted))
        assert picture.headers["Content-Type"] == "image/png"
        np.testing.assert_array_equal(decoded(picture), to_display(made.array[1], Window(40, 400)))
    web.get("/wado", 406, **query_of(made, contentType="text/html"))
    again = query_of(made, 1, contentType="image/png")
    tag = web.get("/wado", **again).headers["ETag"]
    web.ask("GET", "/wado", 304, query=urlencode(again), headers={"If-None-Match": tag})


def test_the_picture_is_shaped(web: Web, made: SyntheticSeries) -> None:
    def seen(**more: Any) -> np.ndarray:
        return decoded(web.get("/wado", **query_of(made, contentType="image/png", **more)))

    whole = to_display(made.array[0], Window(40, 400))
    np.testing.assert_array_equal(
        seen(windowCenter="1000.5", windowWidth="1e3"), to_display(made.array[0], Window(1000.5, 1000))
    )
    assert seen(rows=8).shape == (8, 10)
    assert seen(columns=40).shape == (32, 40)
    assert seen(rows=8, columns=5).shape == (4, 5)
    np.testing.assert_array_equal(seen(region="0.5,0.25,1,0.75"), whole[4:12, 10:])
    assert seen(region="0.5,0.25,1,0.75", rows=80).shape == (80, 100)


ABSURD = """
windowCenter=40 windowWidth=400 windowCenter=a&windowWidth=1 windowCenter=1&windowWidth=0 windowCenter=nan&windowWidth=2
rows=0 rows=-1 rows=x columns=1000000000 region=0,0,1 region=0,0,1,2 region=1,0,0,1 region=a,b,c,d imageQuality=0
imageQuality=101 frameNumber=0 frameNumber=-1 frameNumber=x annotation=name presentationUID=1.2 rows=1&rows=2
presentationUID=1&presentationSeriesUID=2&windowCenter=1&windowWidth=2 transferSyntax=1.2.840.10008.1.2
contentType=application/dicom&transferSyntax=x contentType=application/dicom,image/jpeg studyUID=1.2
"""


def test_absurd_parameters_are_refused_in_words(web: Web, made: SyntheticSeries) -> None:
    right = urlencode(query_of(made))
    for query in ABSURD.split():
        problem = web.ask("GET", "/wado", 400, query=f"{right}&{query}").json()
        assert len(problem["detail"]) > 20, query
        assert not any(secret in problem["detail"] for secret in SECRETS), query
    for name in ("requestType", "studyUID", "seriesUID", "objectUID"):
        for value in (None, ""):
            less = {key: one for key, one in {**query_of(made), name: value}.items() if one is not None}
            assert name in web.get("/wado", 400, **less).json()["detail"]
    web.get("/wado", 400, **query_of(made, requestType="wado"))
    web.get("/wado", 400)


def test_what_is_not_done_is_told(web: Web, made: SyntheticSeries) -> None:
    assert "anonymize" in web.get("/wado", 406, **query_of(made, anonymize="yes")).json()["detail"]
    told = web.get("/wado", **query_of(made, annotation="patient,technique"))
    assert "annotation" in told.headers["Warning"]
    web.get("/wado", 404, **query_of(made, frameNumber=2))
    web.get("/wado", **query_of(made, frameNumber=1))


def test_nothing_of_other_projects_is_seen(web: Web, web_of: Any, made: SyntheticSeries) -> None:
    Project.objects.create(name="other", slug="other")
    for content in ("image/jpeg", "application/dicom"):
        web.get("/wado", **query_of(made, contentType=content))
        assert web_of("other").get("/wado", 404, **query_of(made, contentType=content)).json()["code"] == "not_found"
        web.get("/wado", 404, **query_of(made, contentType=content, objectUID="1.2.3"))
        web.get("/wado", 404, **query_of(made, contentType=content, seriesUID="1.2.3"))


def test_dicom_is_the_instance(web: Web, made: SyntheticSeries) -> None:
    for syntax in ("", "1.2.840.10008.1.2.1", "*"):
        response = web.get("/wado", **query_of(made, contentType="application/dicom", transferSyntax=syntax))
        assert response.headers["Content-Type"].startswith("application/dicom")
        content = b"".join(response) if response.streaming else response.content
        found = pydicom.dcmread(BytesIO(content))
        assert found.SOPInstanceUID == made.instance_uids[0]
        np.testing.assert_array_equal(found.pixel_array, made.stored[0])


def test_frames_of_an_instance(site: Any, web: Web, tmp_path: Path) -> None:
    made = synthetic_series(tmp_path / "s", slices=3, frames="enhanced", attributes=WINDOW)
    site.upload(made.paths)
    assert web.get("/wado", **query_of(made)).headers["Content-Type"].startswith("application/dicom")
    for number in (1, 3):
        picture = web.get("/wado", **query_of(made, contentType="image/png", frameNumber=number))
        np.testing.assert_array_equal(decoded(picture), to_display(made.array[number - 1], Window(40, 400)))
    assert "frame 1 of 3" in web.get("/wado", **query_of(made, contentType="image/jpeg")).headers["Warning"]
    assert web.get("/wado", **query_of(made, contentType="image/gif")).content.count(b"\x21\xf9\x04") == 3
    web.get("/wado", 404, **query_of(made, contentType="image/png", frameNumber=4))


def test_a_report_is_text(site: Any, web: Web, tmp_path: Path) -> None:
    dataset = synthetic_report()
    site.upload([write(dataset, tmp_path / "a.dcm")])
    query = {
        "requestType": "WADO",
        "studyUID": dataset.StudyInstanceUID,
        "seriesUID": dataset.SeriesInstanceUID,
        "objectUID": dataset.SOPInstanceUID,
    }
    assert web.get("/wado", **query).headers["Content-Type"] == "text/html; charset=utf-8"
    assert (
        web.get("/wado", **query, contentType="text/plain", charset="UTF-8").content == b"Diagnostic imaging report\n"
    )
    web.get("/wado", 406, **query, charset="iso-8859-1")
    web.get("/wado", 406, **query, contentType="image/jpeg")


def test_an_image_as_a_presentation_state_shows_it(site: Any, web: Web, tmp_path: Path) -> None:
    made = synthetic_series(tmp_path / "s", slices=2, attributes=WINDOW)
    state = presentation_state(made, PresentationLUTShape="INVERSE")
    site.upload([*made.paths, write(state, tmp_path / "p.dcm")])
    presented = {
        "presentationSeriesUID": state.SeriesInstanceUID,
        "presentationUID": state.SOPInstanceUID,
        "contentType": "image/png",
    }
    picture = web.get("/wado", **query_of(made, **presented))
    np.testing.assert_array_equal(decoded(picture), to_display(made.array[0], Window(1000, 2000), invert=True))
    web.get("/wado", 406, **query_of(made, 1, **presented))
    web.get("/wado", 404, **query_of(made, **{**presented, "presentationUID": "1.2.3"}))
