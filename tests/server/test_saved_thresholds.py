"""A threshold is saved as a segmentation by its recipe, laid over its image, counted in and measured again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import voxelry
from voxelry.core.region_words import solid_of_text, text_of_numbers
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

OBLIQUE = (0.8, 0.6, 0.0, -0.48, 0.64, 0.6)


@pytest.fixture
def image(site: Any, tmp_path: Path) -> tuple[Any, voxelry.Volume, int]:
    """The site with an oblique series, as the library reads it, and its key."""
    series = synthetic_series(tmp_path / "s", slices=5, orientation=OBLIQUE)
    (key,) = site.upload(series.paths)["series"]
    return site, voxelry.load_volume(tmp_path / "s"), key


def test_a_recipe_is_saved_and_measured_again_to_the_last_digit(
    image: tuple[Any, voxelry.Volume, int], do_jobs: Callable[[], None]
) -> None:
    site, volume, key = image
    low, high = (float(value) for value in np.percentile(volume.array, [30, 70]))
    index = np.argwhere((volume.array >= low) & (volume.array <= high))[11]
    point = tuple(volume.geometry.index_to_lps(index.astype(float)).tolist())
    ball = f"sphere:{text_of_numbers(point)}:12.25"
    recipe = {"lower": low, "upper": high, "within": ball, "component": point}
    accepted = site.send("/segmentations", 202, series=key, label="In the ball", recipe=recipe)
    assert accepted["address"] == f"/api/jobs/{accepted['id']}"
    do_jobs()
    assert site.get(f"/jobs/{accepted['id']}")["state"] == "succeeded"
    (listed,) = site.get("/segmentations", series=key)["segmentations"]
    assert (listed["placed"], listed["segment_count"]) == ("frame", 1)
    shown = site.get(f"/segmentations/{listed['id']}")
    (segment,) = shown["segments"]
    measured = site.get(f"/series/{key}/measure", lower=low, upper=high, within=ball, component=text_of_numbers(point))
    assert (segment["label"], segment["count"]) == ("In the ball", measured["pixels_above_threshold"])
    assert segment["count"] > 10
    kept = voxelry.Recipe.of_text(shown["recipe"])
    assert voxelry.measure(volume, **kept.arguments).record() == measured
    assert (kept.series_instance_uid, kept.version) == (volume.series_instance_uid, voxelry.__version__)
    # What is saved is a region of its own.
    inside = f"segmentation:{listed['id']}#1"
    again = site.get(f"/series/{key}/measure", lower=low, upper=high, within=inside)
    assert again["pixels_above_threshold"] == again["pixels_total"] == segment["count"]
    assert again["within"]["kind"] == "segments"
    told = site.get(f"/series/{key}/histogram", within=inside.removesuffix("#1"))
    assert told["total"] == sum(told["counts"]) == segment["count"]
    assert low <= told["min"] <= told["max"] <= high
    for text, status, code in (
        (f"segmentation:{listed['id']}#2", 422, "parameter"),
        ("segmentation:99999", 404, "not_found"),
        (f"segmentation:{listed['id']}#", 422, "parameter"),
        (f"segmentation:{listed['id']};drop", 422, "parameter"),
        ("segmentation:99999999999999999999", 422, "parameter"),
    ):
        assert site.get(f"/series/{key}/measure", status, within=text)["code"] == code


LIVER = {
    "category": {"value": "123037004", "scheme": "SCT", "meaning": "Anatomical Structure"},
    "type": {"value": "10200004", "scheme": "SCT", "meaning": "Liver"},
    "type_modifier": {"value": "7771000", "scheme": "SCT", "meaning": "Left"},
}


@pytest.mark.parametrize(
    "recipe",
    [
        {"method": "hysteresis", "lower": 120.0, "upper": 250.0},
        {"method": "multi_otsu", "classes": 4, "class_number": 2},
        {"method": "multi_otsu", "class_number": 0},
    ],
)
def test_classes_and_hysteresis_are_saved_and_measured_again(
    site: Any, do_jobs: Any, tmp_path: Path, recipe: dict[str, Any]
) -> None:
    from voxelry.cli.program import app

    voxelry.write_sample(tmp_path / "s")
    images = tmp_path / "s/phantom"
    volume = voxelry.load_volume(images)
    (key,) = site.upload(sorted(images.iterdir()))["series"]
    expected = voxelry.measure(volume, **recipe).record()
    assert expected["pixels_above_threshold"] > 0
    assert site.get(f"/series/{key}/measure", **recipe) == expected
    job = site.send("/segmentations", 202, series=key, label="Kept", recipe=recipe)
    do_jobs()
    (saved,) = site.get("/segmentations", study=site.get(f"/series/{key}")["study"]["id"])["segmentations"]
    shown = site.get(f"/segmentations/{saved['id']}")
    assert site.get(f"/jobs/{job['id']}")["state"] == "succeeded"
    assert [one["count"] for one in shown["segments"]] == [expected["pixels_above_threshold"]]
    kept = voxelry.Recipe.of_text(shown["recipe"])
    assert voxelry.measure(volume, **kept.arguments).record() == expected
    mask = tmp_path / "mask"
    flags = [word for name, value in recipe.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    assert CliRunner().invoke(app, ["run", "threshold", str(images), str(mask), *flags]).exit_code == 0
    again = ["measure", str(images), "--recipe", str(mask / "segmentation.dcm"), "--json"]
    assert json.loads(CliRunner().invoke(app, again).stdout)["measurements"] == [expected]


def test_a_threshold_inside_a_segment_is_saved_and_measured_again(
    image: tuple[Any, voxelry.Volume, int], do_jobs: Callable[[], None], tmp_path: Path
) -> None:
    """On an oblique image in a segment of a coarser grid, turned another way: by REST, by library and by terminal."""
    from voxelry.cli.program import app

    site, volume, key = image
    affine = np.array(volume.affine)
    affine[:3, :3] = affine[:3, [0, 2, 1]] * 1.7
    grid = voxelry.Geometry(
        shape=(4, 9, 8), affine=affine, frame_of_reference_uid=volume.geometry.frame_of_reference_uid
    )
    labels = np.zeros(grid.shape, np.uint8)
    labels[1:3, 1:8, 2:7] = 2
    labels[0, 0, 0] = 1
    segments = [voxelry.Segment(number=number, label=f"Part {number}") for number in (1, 2)]
    [series] = voxelry.index(tmp_path / "s").series
    region = voxelry.Segmentation(labels=labels, geometry=grid, segments=segments)
    voxelry.write_segmentation(region, series, tmp_path / "region.dcm")
    site.upload([tmp_path / "region.dcm"])
    (listed,) = site.get("/segmentations", series=key)["segmentations"]
    low = float(np.percentile(volume.array, 40))
    inside = voxelry.SegmentRegion(voxelry.load_segmentation(tmp_path / "region.dcm"), (2,))
    expected = voxelry.measure(volume, lower=low, within=inside).record()
    assert 20 < expected["pixels_above_threshold"] < expected["pixels_total"]
    within = f"segmentation:{listed['id']}#2"
    counted = site.get(f"/series/{key}/measure", lower=low, within=within)
    assert counted["pixels_above_threshold"] == expected["pixels_above_threshold"]
    asked = {"recipe": {"lower": low, "within": within}, "label": "Inner", "codes": LIVER, "colour": "#dd8265"}
    for wrong in (within.replace("#2", "#7"), within.removesuffix("#2")):
        assert site.send("/segmentations", 422, series=key, label="x", recipe={"within": wrong})["code"] == "parameter"
    job = site.send("/segmentations", 202, series=key, **asked)
    do_jobs()
    assert site.get(f"/jobs/{job['id']}")["state"] == "succeeded", site.get(f"/jobs/{job['id']}")["problem"]
    made = next(one for one in site.get("/segmentations", series=key)["segmentations"] if one["id"] != listed["id"])
    shown = site.get(f"/segmentations/{made['id']}")
    (segment,) = shown["segments"]
    assert segment["count"] == expected["pixels_above_threshold"]
    assert (segment["label"], segment["colour"]) == ("Inner", "#dd8265")
    assert {name: segment[name] for name in LIVER} == LIVER
    recipe = voxelry.Recipe.of_text(shown["recipe"])
    named = voxelry.NamedSegment(listed["sop_instance_uid"], 2).text
    assert recipe.within == voxelry.NamedSegment(listed["sop_instance_uid"], 2)
    assert voxelry.measure(volume, **recipe.arguments_in(inside)).record() == expected
    # The recipe's own words for the region are understood by REST, and saved again they are the same.
    assert site.get(f"/series/{key}/measure", lower=low, within=named) == counted
    again = site.send("/segmentations", 202, series=key, label="Again", recipe={"lower": low, "within": named})
    do_jobs()
    assert site.get(f"/jobs/{again['id']}")["state"] == "succeeded"
    with pytest.raises(voxelry.ParameterError, match="counts in segment 2"):
        dict(recipe.arguments)
    # In the terminal the segment's file is named too.
    original = tmp_path / "inner.dcm"
    written = voxelry.Segmentation(
        labels=np.ones(volume.array.shape, np.uint8), source=volume, segments=segments[:1], recipe=recipe.text
    )
    voxelry.write_segmentation(written, series, original)
    told = CliRunner().invoke(app, ["measure", str(tmp_path / "s"), "--recipe", str(original), "--json"])
    assert told.exit_code != 0
    flags = ["--recipe", str(original), "--within", f"{tmp_path / 'region.dcm'}#2", "--json"]
    told = CliRunner().invoke(app, ["measure", str(tmp_path / "s"), *flags])
    assert json.loads(told.stdout)["measurements"] == [expected]


def test_a_segment_of_another_place_must_be_confirmed_and_may_be_gone(
    image: tuple[Any, voxelry.Volume, int], do_jobs: Callable[[], None], tmp_path: Path
) -> None:
    site, _, key = image
    apart = {"FrameOfReferenceUID": "1.2.840.99.77", "StudyInstanceUID": "1.2.840.99.78"}
    other = synthetic_series(tmp_path / "o", slices=5, orientation=OBLIQUE, seed=3, attributes=apart)
    (beside,) = site.upload(other.paths)["series"]
    job = site.send("/segmentations", 202, series=beside, label="There", recipe={"threshold": 0.2})
    do_jobs()
    assert site.get(f"/jobs/{job['id']}")["state"] == "succeeded"
    (listed,) = site.get("/segmentations", series=beside)["segmentations"]
    body = {"series": key, "label": "Here", "recipe": {"threshold": 0.1, "within": f"segmentation:{listed['id']}"}}
    assert site.send("/segmentations", 422, **body)["code"] == "frame_of_reference"
    job = site.send("/segmentations", 202, same_frame_of_reference=True, **body)
    do_jobs()
    assert site.get(f"/jobs/{job['id']}")["state"] == "succeeded"
    job = site.send("/segmentations", 202, same_frame_of_reference=True, **body)
    site.delete_for_good(site.get(f"/series/{beside}")["study"]["id"])
    do_jobs()
    assert site.get(f"/jobs/{job['id']}")["problem"]["code"] == "segmentation_gone"


@pytest.mark.parametrize("folder", ["mr_axial_oblique", "ct_gantry_tilt"])
def test_on_real_images_library_step_terminal_and_rest_say_the_same(
    site: Any, corpus: Path, tmp_path: Path, folder: str
) -> None:
    """An oblique MR, and a CT whose slices are sheared."""
    from voxelry.cli.program import app
    from voxelry.steps.threshold import STEP

    for series in voxelry.index(corpus / folder).series:
        stack = max(series.stacks, key=lambda one: one.shape[0])
        if stack.regular and stack.shape[0] > 4 and len(series.stacks) == 1:
            break
    images = tmp_path / "images"
    images.mkdir()
    for number, header in enumerate(series.stacks[0].headers):
        with header.source.open() as file:
            content = file.read()
        (images / f"{number}.dcm").write_bytes(content)
    (key,) = site.upload(sorted(images.iterdir()))["series"]
    volume = voxelry.load_volume(images)
    low = float(np.percentile(volume.array, 70))
    index = np.argwhere(volume.array[1:-1] >= low)[1234] + [1, 0, 0]
    point = tuple(volume.geometry.index_to_lps(index.astype(float)).tolist())
    places = {"within": f"sphere:{text_of_numbers(point)}:31.5", "component": text_of_numbers(point)}
    high = float(np.percentile(volume.array, 95))
    for rule in (
        {"lower": low, "upper": 2 * abs(low) + 500},
        {"method": "otsu"},
        {"threshold": 0.0},
        {"method": "multi_otsu", "classes": 4},
        {"method": "multi_otsu", "classes": 3, "class_number": 1},
        {"method": "hysteresis", "lower": low, "upper": high},
    ):
        try:
            measured = voxelry.measure(volume, **rule, within=solid_of_text(places["within"]), component=point)
        except voxelry.ParameterError:
            site.get(f"/series/{key}/measure", 422, **rule, **places)
            continue
        record = measured.record()
        assert record["pixels_above_threshold"] > 0
        assert site.get(f"/series/{key}/measure", **rule, **places) == record
        method = {"method": "units"} if "lower" in rule else {}
        if rule.get("classes") != 4:  # several classes have no connected piece
            (row,) = STEP.run(volume, {**method, **rule, **places}).rows
            assert (row["count"], row["mm3"]) == (record["pixels_above_threshold"], record["volume_mm3"])
        words = {name.replace("_", "-"): str(value) for name, value in {**rule, **places}.items()}
        flags = [word for name, value in words.items() for word in (f"--{name}", value)]
        told = CliRunner().invoke(app, ["measure", str(images), *flags, "--json"])
        assert json.loads(told.stdout)["measurements"] == [record]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"recipe": {"lower": 2, "upper": 1}}, "parameter"),
        ({"recipe": {"method": "units"}}, "parameter"),
        ({"recipe": {"method": "magic"}}, "validation"),
        ({"recipe": {"method": "hysteresis", "lower": 1}}, "parameter"),
        ({"recipe": {"method": "multi_otsu", "classes": 9}}, "parameter"),
        ({"recipe": {"method": "multi_otsu", "class_number": 3}}, "parameter"),
        ({"recipe": {"method": "multi_otsu", "component": [1, 2, 3]}}, "parameter"),
        ({"recipe": {"lower": 1, "rm": "-rf"}}, "validation"),
        ({"recipe": {"lower": 1, "within": "/etc/passwd"}}, "parameter"),
        ({"recipe": {"lower": 1, "within": "segmentation:99999#1"}}, "not_found"),
        ({"recipe": {"lower": 1, "within": "segment:1.2.3#1"}}, "not_found"),
        ({"recipe": {"lower": 1, "within": "segment:1.2.3#0"}}, "parameter"),
        ({"recipe": {"lower": 1}, "colour": "red"}, "validation"),
        (
            {"recipe": {"lower": 1}, "codes": {"category": {"value": "1", "scheme": "SCT", "meaning": "A"}}},
            "validation",
        ),
        ({"recipe": {"lower": 1, "component": [1, 2]}}, "validation"),
        ({"recipe": {"lower": 1}, "label": ""}, "validation"),
        ({"recipe": {"lower": 1}, "label": "a\\b"}, "parameter"),
        ({"recipe": {"lower": 1}, "label": "\0"}, "parameter"),
        ({"recipe": {"lower": 1}, "volume": 7}, "not_found"),
        ({"recipe": {"lower": 1}, "series": 999999}, "not_found"),
    ],
)
def test_a_request_that_does_not_fit_makes_no_job(
    image: tuple[Any, voxelry.Volume, int], body: dict[str, Any], code: str
) -> None:
    from voxelry.server.jobs.models import Job

    site, _, key = image
    before = Job.objects.count()
    status = 404 if code == "not_found" else 422
    told = site.send("/segmentations", status, **{"series": key, "label": "One", **body})
    assert told["code"] == code
    assert Job.objects.count() == before


def test_counting_is_bounded_in_size_and_time(
    image: tuple[Any, voxelry.Volume, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from voxelry.server.api import counted_answers
    from voxelry.server.api.turns import NoTurnError

    site, volume, key = image
    centre = text_of_numbers(volume.geometry.corners().mean(axis=0))
    query = {"within": f"sphere:{centre}:9"}
    monkeypatch.setattr(counted_answers, "LONGEST_SECONDS", -1.0)
    assert site.get(f"/series/{key}/measure", 422, **query)["code"] == "too_slow"
    monkeypatch.setattr(counted_answers, "MOST_VOXELS", 10)
    for address in ("measure", "histogram"):
        assert site.get(f"/series/{key}/{address}", 422, **query)["code"] == "too_large"
    assert site.get(f"/series/{key}/measure", lower=3)["pixels_above_threshold"] > 0

    def full(*_: object, **__: object) -> None:
        raise NoTurnError

    monkeypatch.setattr(counted_answers._turns, "_wait", full)
    assert site.get(f"/series/{key}/measure", 503, lower=3)["code"] == "busy"
    assert site.get(f"/series/{key}/measure")["method"] == "fixed"
