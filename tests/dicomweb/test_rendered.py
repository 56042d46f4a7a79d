"""Rendered resources and thumbnails: addresses, media types, parameters, access (PS3.18 8.3.5, 10.4.1.1)."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.dicomweb.conftest import Web
from voxelry.core.intensity import Window, to_display
from voxelry.server.access.models import Project
from voxelry.server.archive.shown import shown_frames
from voxelry.server.dicomweb import rendered_answers
from voxelry.testing import SECRETS, SyntheticSeries, synthetic_instance, synthetic_report, synthetic_series, write
from voxelry.testing.instances import uid

WINDOW = {"WindowCenter": "40", "WindowWidth": "400"}


def decoded(response: Any) -> np.ndarray:
    """The pixels of an answer with one picture."""
    return np.asarray(Image.open(BytesIO(response.content)))


def parts_of(response: Any) -> list[tuple[dict[str, str], bytes]]:
    """The parts of an answer, each with its headers."""
    kind = response.headers["Content-Type"]
    boundary = re.search("boundary=([0-9a-f]{32})$", kind)
    assert kind.startswith("multipart/related; type="), kind
    assert boundary is not None
    content = b"".join(response) if response.streaming else response.content
    first, *parts, last = content.split(b"\r\n--" + boundary[1].encode())
    assert (first, last) == (b"", b"--\r\n")
    found = []
    for part in parts:
        head, _, body = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        found.append((dict(line.split(": ", 1) for line in head.decode().split("\r\n")), body))
    return found


def base_of(made: SyntheticSeries) -> str:
    return f"/studies/{made.study_instance_uid}/series/{made.series_instance_uid}"


@pytest.fixture
def shown(site: Any, tmp_path: Path) -> tuple[SyntheticSeries, str]:
    """A stored series of three slices, and the address of its first instance."""
    made = synthetic_series(tmp_path / "s", slices=3, spacing=(3.0, 0.8, 0.8), attributes=WINDOW)
    site.upload(made.paths)
    return made, f"{base_of(made)}/instances/{made.instance_uids[0]}"


def test_an_instance_is_one_picture_in_its_window(web: Web, shown: Any) -> None:
    made, one = shown
    expected = to_display(made.array[0], Window(40, 400))
    for address in (f"{one}/rendered", f"{one}/frames/1/rendered"):
        picture = web.get(address, accept="image/png")
        assert picture.headers["Content-Type"] == "image/png"
        np.testing.assert_array_equal(decoded(picture), expected)
    for media in ("image/jpeg", "image/webp"):
        near = decoded(web.get(f"{one}/rendered", accept=media)).reshape(16, 20, -1)[..., 0]
        assert np.abs(near.astype(int) - expected).mean() < 10
    np.testing.assert_array_equal(
        np.asarray(Image.open(BytesIO(web.get(f"{one}/rendered", accept="image/gif").content)).convert("L")), expected
    )
    for accept in (
        None,
        "*/*",
        "image/*",
        "image/jpeg",
        'multipart/related; type="image/jpeg", image/jpeg',
        "image/png;q=0.5, image/jpeg",
    ):
        assert web.get(f"{one}/rendered", accept=accept).headers["Content-Type"] == "image/jpeg", accept
    ((headers, body),) = parts_of(web.get(f"{one}/rendered", accept='multipart/related; type="image/png"'))
    assert headers["Content-Type"] == "image/png"
    np.testing.assert_array_equal(imagecodecs.png_decode(body), expected)


def test_the_accept_parameter_comes_before_the_header(web: Web, shown: Any) -> None:
    _, one = shown
    response = web.ask("GET", f"{one}/rendered", query="accept=image/png", accept="image/jpeg")
    assert response.headers["Content-Type"] == "image/png"


def test_what_is_not_offered_is_not_acceptable(web: Web, shown: Any) -> None:
    _, one = shown
    for accept in ("application/dicom", "text/html", "video/mp4", "image/jp2", "application/dicom+json"):
        response = web.get(f"{one}/rendered", 406, accept=accept)
        assert "image/jpeg" in response.json()["detail"]
    web.get(f"{one}/rendered", 400, accept="application/dicom, image/jpeg")


def test_the_window_of_the_request(web: Web, shown: Any) -> None:
    made, one = shown
    for text, window in (
        ("1000,1500,linear", Window(1000, 1500)),
        ("-200.5,1,linear", Window(-200.5, 1)),
        ("0,0.25,linear-exact", Window(0, 0.25, "LINEAR_EXACT")),
        ("1e2,5E2,sigmoid", Window(100, 500, "SIGMOID")),
    ):
        picture = web.ask("GET", f"{one}/rendered", query=f"window={text}", accept="image/png")
        np.testing.assert_array_equal(decoded(picture), to_display(made.array[0], window))


ABSURD = """
window=40,400 window=40,400,LINEAR window=40,400,linear_exact window=40 window= window=a,b,linear window=0x10,2,linear
window=nan,1,linear window=1e400,1,linear window=40,inf,linear window=40,0,linear-exact window=40,0.5,linear
window=40,-1,sigmoid window=40,400,linear,1 window=1,2,linear&window=1,2,linear
viewport=128 viewport=0,128 viewport=-1,128 viewport=128,1000000000 viewport=16384,16384 viewport=1.5,2 viewport=nan,nan
viewport=128,128,a viewport=128,128,0,0,0,10 viewport=128,128,0,0,1,1,1 viewport=10,10,500,0,5,5 viewport=
viewport=10,10,1e400 quality=0 quality=101 quality=x quality=-5 quality= quality=50.5 quality=9999999999
annotation=name annotation= iccprofile=mine
"""


def test_absurd_parameters_are_refused_in_words(web: Web, shown: Any) -> None:
    _, one = shown
    for query in ABSURD.split():
        problem = web.ask("GET", f"{one}/rendered", 400, query=query).json()
        assert problem["code"] == "parameter", query
        assert len(problem["detail"]) > 20, query
        assert not any(secret in problem["detail"] for secret in SECRETS), query


def test_parameters_without_effect_are_told(web: Web, shown: Any) -> None:
    _, one = shown
    plain = web.get(f"{one}/rendered")
    assert "Warning" not in plain.headers
    for query, words in (("annotation=patient,technique", "annotation"), ("iccprofile=srgb", "iccprofile")):
        response = web.ask("GET", f"{one}/rendered", query=query)
        assert response.headers["Warning"].startswith("299 ")
        assert words in response.headers["Warning"]
        assert response.content == plain.content
    assert "Warning" not in web.ask("GET", f"{one}/rendered", query="iccprofile=no&unknown=1").headers


def test_quality_changes_a_jpeg(web: Web, shown: Any) -> None:
    _, one = shown
    sizes = [len(web.get(f"{one}/rendered", quality=quality).content) for quality in (1, 50, 100)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[2]


def test_a_viewport_keeps_proportions_and_turns_over(web: Web, shown: Any) -> None:
    made, one = shown
    whole = to_display(made.array[0], Window(40, 400))

    def seen(viewport: str) -> np.ndarray:
        return decoded(web.ask("GET", f"{one}/rendered", query=f"viewport={viewport}", accept="image/png"))

    assert seen("200,200").shape == (160, 200)
    assert seen("10,10").shape == (8, 10)
    assert seen("1000,16").shape == (16, 20)
    np.testing.assert_array_equal(seen("20,16"), whole)
    np.testing.assert_array_equal(seen("20,16,,,-20,16"), whole[:, ::-1])
    np.testing.assert_array_equal(seen("20,16,,,,-16"), whole[::-1])
    np.testing.assert_array_equal(seen("5,4,10,8,5,4"), whole[8:12, 10:15])
    np.testing.assert_array_equal(seen("5,4,10,8,-5,-4"), whole[8:12, 10:15][::-1, ::-1])
    np.testing.assert_array_equal(seen("5,4,15,12"), whole[12:, 15:])
    assert seen("100,100,0,0,5,10").shape == (100, 50)


def test_a_viewport_makes_pixels_square(site: Any, web: Web, tmp_path: Path) -> None:
    made = synthetic_series(tmp_path / "s", slices=1, spacing=(3.0, 1.6, 0.8), attributes=WINDOW)
    site.upload(made.paths)
    one = f"{base_of(made)}/instances/{made.instance_uids[0]}"
    picture = web.ask("GET", f"{one}/rendered", query="viewport=64,64", accept="image/png")
    assert decoded(picture).shape == (64, 40)  # 16 x 1.6 mm high, 20 x 0.8 mm wide
    plain = web.get(f"{one}/rendered", accept="image/png")
    assert decoded(plain).shape == (16, 20)
    assert Image.open(BytesIO(plain.content)).info["dpi"][0] == pytest.approx(
        2 * Image.open(BytesIO(plain.content)).info["dpi"][1]
    )
    assert decoded(web.get(f"{one}/thumbnail", accept="image/png")).shape == (256, 160)


def test_a_series_and_a_study_are_parts(web: Web, shown: Any) -> None:
    made, _ = shown
    for address in (base_of(made), f"/studies/{made.study_instance_uid}"):
        for accept in (None, "image/png", 'multipart/related; type="image/png"'):
            parts = parts_of(web.get(f"{address}/rendered", accept=accept))
            assert len(parts) == 3
            for number, (headers, body) in enumerate(parts):
                assert int(headers["Content-Length"]) == len(body)
                assert headers["Content-Location"].endswith(
                    f"/instances/{made.instance_uids[number]}/frames/1/rendered"
                )
                if accept is not None:
                    assert headers["Content-Type"] == "image/png"
                    np.testing.assert_array_equal(
                        imagecodecs.png_decode(body), to_display(made.array[number], Window(40, 400))
                    )


@pytest.fixture
def many_frames(site: Any, tmp_path: Path) -> tuple[SyntheticSeries, str]:
    """A stored instance of four frames, and its address."""
    made = synthetic_series(
        tmp_path / "s", slices=4, frames="enhanced", attributes={**WINDOW, "RepresentativeFrameNumber": 3}
    )
    site.upload(made.paths)
    return made, f"{base_of(made)}/instances/{made.instance_uids[0]}"


def test_frames_by_their_numbers(web: Web, many_frames: Any) -> None:
    made, one = many_frames
    expected = [to_display(values, Window(40, 400)) for values in made.array]
    np.testing.assert_array_equal(decoded(web.get(f"{one}/frames/2/rendered", accept="image/png")), expected[1])
    parts = parts_of(web.get(f"{one}/frames/4,1/rendered", accept="image/png"))
    for (headers, body), index in zip(parts, (3, 0), strict=True):
        assert headers["Content-Location"].endswith(f"/frames/{index + 1}/rendered")
        np.testing.assert_array_equal(imagecodecs.png_decode(body), expected[index])
    for frames, status in (("0", 400), ("5", 404), ("1,5", 404), ("x", 400), ("1,,2", 400), ("-1", 400), ("1,2,", 400)):
        web.get(f"{one}/frames/{frames}/rendered", status)
        web.get(f"{one}/frames/{frames}/thumbnail", status)
    assert len(parts_of(web.get(f"{one}/frames/1,2/thumbnail"))) == 2


def test_all_frames_of_an_instance(web: Web, many_frames: Any) -> None:
    made, one = many_frames
    expected = [to_display(values, Window(40, 400)) for values in made.array]
    assert len(parts_of(web.get(f"{one}/rendered"))) == 4
    assert len(parts_of(web.get(f"{one}/rendered", accept='multipart/related; type="image/png"'))) == 4
    single = web.get(f"{one}/rendered", accept="image/png")
    np.testing.assert_array_equal(decoded(single), expected[2])
    assert "frame 3 of 4" in single.headers["Warning"]
    moving = Image.open(BytesIO(web.get(f"{one}/rendered", accept="image/gif").content))
    assert getattr(moving, "n_frames", 1) == 4
    for index in range(4):
        moving.seek(index)
        np.testing.assert_array_equal(np.asarray(moving.convert("L")), expected[index])
    assert decoded(web.get(f"{one}/thumbnail")).shape[1] == 256


def test_many_parts_are_streamed(site: Any, web: Web, tmp_path: Path) -> None:
    made = synthetic_series(tmp_path / "s", slices=40, frames="enhanced", attributes=WINDOW)
    site.upload(made.paths)
    response = web.get(f"{base_of(made)}/rendered", accept="image/png")
    assert response.streaming
    assert len(parts_of(response)) == 40


def test_thumbnails_of_all_levels(web: Web, shown: Any) -> None:
    made, one = shown
    study = f"/studies/{made.study_instance_uid}"
    for address in (study, base_of(made), one, f"{one}/frames/1"):
        picture = web.get(f"{address}/thumbnail")
        assert picture.headers["Content-Type"] == "image/jpeg"
        assert max(decoded(picture).shape) == 256
        small = web.ask("GET", f"{address}/thumbnail", query="viewport=50,40", accept="image/png")
        assert decoded(small).shape == (40, 50)
        assert decoded(web.ask("GET", f"{address}/thumbnail", query="viewport=500,400")).shape == (400, 500)
        web.ask("GET", f"{address}/thumbnail", 400, query="viewport=50,40,1,1,1,1")
        web.get(f"{address}/thumbnail", 406, accept="text/html")
    assert web.get(f"{base_of(made)}/thumbnail", accept="image/png").content.startswith(b"\x89PNG")


def test_what_is_known_is_not_sent_again(web: Web, shown: Any) -> None:
    made, one = shown
    tags = set()
    addresses = (f"{one}/rendered", f"{one}/frames/1/rendered", f"{one}/thumbnail", f"{base_of(made)}/thumbnail")
    for address in addresses:
        for query in ("", "accept=image/png", "viewport=64,64"):
            first = web.ask("GET", address, query=query)
            assert first.headers["Cache-Control"].startswith("private")
            tag = first.headers["ETag"]
            again = web.ask("GET", address, 304, query=query, headers={"If-None-Match": f'"x", W/{tag}'})
            assert again.content == b""
            assert again.headers["ETag"] == tag
            tags.add(tag)
    assert len(tags) == 9  # a frame's rendering is its instance's
    web.ask("GET", f"{one}/rendered", headers={"If-None-Match": '"x"'})


def test_nothing_of_other_projects_is_seen(web: Web, web_of: Any, shown: Any) -> None:
    made, one = shown
    Project.objects.create(name="other", slug="other")
    other = web_of("other")
    for address in (one, f"{one}/frames/1", base_of(made), f"/studies/{made.study_instance_uid}"):
        for resource in ("rendered", "thumbnail"):
            web.get(f"{address}/{resource}")
            assert other.get(f"{address}/{resource}", 404).json()["code"] == "not_found"
    for address in (
        f"{base_of(made)}/instances/1.2.3",
        f"/studies/{made.study_instance_uid}/series/1.2",
        "/studies/1.2",
    ):
        for resource in ("rendered", "thumbnail"):
            web.get(f"{address}/{resource}", 404)
    wrong = one.replace(made.series_instance_uid, "1.2.3.4")
    web.get(f"{wrong}/rendered", 404)


def test_instances_of_a_large_series_are_looked_up_one_by_one(web: Web, shown: Any, monkeypatch: Any) -> None:
    made, one = shown
    monkeypatch.setattr(shown_frames, "HELD_INSTANCES", 2)
    web.get(f"{one}/rendered")
    web.get(f"{base_of(made)}/instances/1.2.3/rendered", 404)
    assert len(parts_of(web.get(f"{base_of(made)}/rendered"))) == 3


def test_what_a_format_cannot_store_is_told(web: Web, shown: Any, monkeypatch: Any) -> None:
    _, one = shown
    monkeypatch.setitem(rendered_answers.LONGEST_SIDES, "image/webp", 19)
    assert "viewport" in web.get(f"{one}/rendered", 406, accept="image/webp").json()["detail"]
    web.ask("GET", f"{one}/rendered", query="viewport=19,19", accept="image/webp")


def test_a_file_that_is_gone_is_told(web: Web, shown: Any, data_folder: Path) -> None:
    made, one = shown
    for path in (data_folder / "files" / "instances").rglob("*"):
        if path.is_file():
            path.unlink()
    for address in (one, f"{one}/frames/1", base_of(made)):
        problem = web.get(f"{address}/rendered", 500).json()
        assert problem["code"] == "storage"
        assert str(data_folder) not in problem["detail"]


def test_a_report_is_text_that_runs_nothing(site: Any, web: Web, tmp_path: Path) -> None:
    dataset = synthetic_report()
    item, name = Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "121071", "DCM", "Finding"
    item.ValueType, item.RelationshipType, item.TextValue = "TEXT", "CONTAINS", "<script>alert(1)</script> & more"
    item.ConceptNameCodeSequence = Sequence([name])
    dataset.ContentSequence = Sequence([item])
    site.upload([write(dataset, tmp_path / "a.dcm")])
    series = f"/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
    one = f"{series}/instances/{dataset.SOPInstanceUID}"
    for address in (one, series, f"/studies/{dataset.StudyInstanceUID}"):
        html = web.get(f"{address}/rendered")
        assert html.headers["Content-Type"] == "text/html; charset=utf-8"
        assert html.headers["X-Content-Type-Options"] == "nosniff"
        assert html.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert html.headers["Content-Disposition"].startswith("attachment")
        assert b"<script" not in html.content
        assert b"&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in html.content
        text = web.get(f"{address}/rendered", accept="text/plain")
        assert text.content == b"Diagnostic imaging report\n  Finding: <script>alert(1)</script> & more\n"
        web.get(f"{address}/rendered", 406, accept="image/jpeg")
        web.get(f"{address}/thumbnail", 406)
        assert not any(secret.encode() in html.content for secret in SECRETS)


def test_a_pdf_is_an_attachment(site: Any, web: Web, tmp_path: Path) -> None:
    pdf = b"%PDF-1.4\n%%EOF"
    dataset = synthetic_instance(
        has_pixels=False, modality="DOC", sop_class_uid="1.2.840.10008.5.1.4.1.1.104.1", spacing=None, rescale=None,
        attributes={"EncapsulatedDocument": pdf + b"\0", "EncapsulatedDocumentLength": len(pdf), "DocumentTitle": ""},
    )  # fmt: skip
    site.upload([write(dataset, tmp_path / "a.dcm")])
    one = f"/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}/instances/{dataset.SOPInstanceUID}"
    for accept in (None, "application/pdf"):
        response = web.get(f"{one}/rendered", accept=accept)
        assert response.content == pdf
        assert response.headers["Content-Type"] == "application/pdf"
        assert response.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in response.headers["Content-Security-Policy"]
    web.get(f"{one}/rendered", 406, accept="text/html")


def test_what_cannot_be_rendered_is_told(site: Any, web: Web, tmp_path: Path) -> None:
    raw = synthetic_instance(has_pixels=False, modality="OT", sop_class_uid="1.2.840.10008.5.1.4.1.1.66", spacing=None)
    broken = synthetic_instance(index=1, transfer_syntax="1.2.840.10008.1.2.4.90")
    content = write(broken, tmp_path / "b.dcm").read_bytes()
    (tmp_path / "b.dcm").write_bytes(content.replace(b"\xff\x4f\xff\x51", b"\xff\x4f\xff\x50"))
    site.upload([write(raw, tmp_path / "a.dcm"), tmp_path / "b.dcm"])
    for dataset in (raw, broken):
        series = f"/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
        for resource in ("rendered", "thumbnail"):
            problem = web.get(f"{series}/instances/{dataset.SOPInstanceUID}/{resource}", 406).json()
            assert not any(secret in problem["detail"] for secret in SECRETS)
            assert "a.dcm" not in problem["detail"]


def presentation_state(made: SyntheticSeries, **attributes: Any) -> Dataset:
    """A Grayscale Softcopy Presentation State about the first instance of a series."""
    dataset = synthetic_instance(
        has_pixels=False, modality="PR", sop_class_uid="1.2.840.10008.5.1.4.1.1.11.1", index=77,
        spacing=None, position=None, orientation=None, rescale=None,
    )  # fmt: skip
    dataset.SeriesInstanceUID = uid("presentation")
    image, series, voi = Dataset(), Dataset(), Dataset()
    image.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    image.ReferencedSOPInstanceUID = made.instance_uids[0]
    series.SeriesInstanceUID, series.ReferencedImageSequence = made.series_instance_uid, Sequence([image])
    voi.WindowCenter, voi.WindowWidth = "1000", "2000"
    dataset.ReferencedSeriesSequence = Sequence([series])
    dataset.SoftcopyVOILUTSequence = Sequence([voi])
    dataset.PresentationLUTShape = "IDENTITY"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("shape", ["IDENTITY", "INVERSE"])
def test_a_presentation_state_inverts_once(site: Any, web: Web, tmp_path: Path, photometric: Any, shape: str) -> None:
    made = synthetic_series(tmp_path / "s", slices=1, photometric=photometric, attributes=WINDOW)
    state = presentation_state(made, PresentationLUTShape=shape)
    site.upload([*made.paths, write(state, tmp_path / "p.dcm")])
    one = f"/studies/{state.StudyInstanceUID}/series/{state.SeriesInstanceUID}/instances/{state.SOPInstanceUID}"
    expected = to_display(made.array[0], Window(1000, 2000), invert=shape == "INVERSE")
    np.testing.assert_array_equal(decoded(web.get(f"{one}/rendered", accept="image/png")), expected)
    web.ask("GET", f"{one}/rendered", 400, query="window=1,2,linear")


def test_a_presentation_state_turns_and_cuts(site: Any, web: Web, tmp_path: Path) -> None:
    made = synthetic_series(tmp_path / "s", slices=1, attributes=WINDOW)
    area = Dataset()
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = [3, 2], [12, 9]
    state = presentation_state(
        made, ImageRotation=90, ImageHorizontalFlip="Y", DisplayedAreaSelectionSequence=Sequence([area])
    )
    site.upload([*made.paths, write(state, tmp_path / "p.dcm")])
    one = f"/studies/{state.StudyInstanceUID}/series/{state.SeriesInstanceUID}/instances/{state.SOPInstanceUID}"
    upright = to_display(made.array[0], Window(1000, 2000))[1:9, 2:12]
    clockwise = upright[::-1].T
    np.testing.assert_array_equal(decoded(web.get(f"{one}/rendered", accept="image/png")), clockwise[:, ::-1])


def test_a_presentation_state_without_its_images(site: Any, web: Web, tmp_path: Path) -> None:
    made = synthetic_series(tmp_path / "s", slices=1)
    state = presentation_state(made)
    site.upload([write(state, tmp_path / "p.dcm")])
    one = f"/studies/{state.StudyInstanceUID}/series/{state.SeriesInstanceUID}/instances/{state.SOPInstanceUID}"
    assert "none of the images" in web.get(f"{one}/rendered", 406).json()["detail"]
