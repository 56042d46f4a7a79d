"""The step `threshold` in a region and at a point, and the recipe that a segmentation of it holds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import voxelry
from voxelry import BoxRegion, Geometry, ParameterError, Recipe, SphereRegion, Volume
from voxelry.core.recipe import LONGEST_RECIPE, recipe_in
from voxelry.core.region_words import text_of_numbers, text_of_solid
from voxelry.steps.threshold import STEP


def noise(rng: np.random.Generator, dtype: str) -> Volume:
    """Noise with padding on a turned and sheared grid."""
    slices, rows, columns = (int(side) for side in rng.integers(3, 12, 3))
    affine = np.eye(4)
    turned, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine[:3, :3] = turned @ np.diag(rng.uniform(0.5, 2.5, 3))
    affine[:3, 0] += affine[:3, 1] * rng.uniform(-0.6, 0.6)
    affine[:3, 3] = rng.uniform(-50, 50, 3)
    shape = slices, rows, columns
    array = rng.integers(-50, 50, shape).astype(dtype)
    padding = np.full((slices, 2), float(array.flat[0]))
    return Volume(array=array, geometry=Geometry(shape=shape, affine=affine), padding=padding)


@pytest.mark.parametrize("seed", range(84))
def test_the_step_has_the_voxels_that_measure_counts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    volume = noise(rng, ["int16", "float32", "int32"][seed % 3])
    choices: list[dict[str, object]] = [
        {"threshold": float(rng.uniform(0, 0.8))},
        {"method": "units", "lower": float(rng.normal(scale=20)) - 20},
        {"method": "units", "upper": 17.5},
        {"method": "otsu"},
        {"method": "percentile", "percentile": float(rng.uniform(5, 60))},
        {"method": "hysteresis", "lower": float(rng.uniform(-30, 20)), "upper": float(rng.uniform(20, 49))},
        {"method": "multi_otsu", "classes": int(rng.integers(2, 6)), "class_number": int(rng.integers(2))},
    ]
    choice = choices[seed % 7]
    whole = STEP.run(volume, choice).segmentation
    assert whole is not None
    where = np.argwhere(whole.labels)
    if not len(where):
        return
    point = tuple(volume.geometry.index_to_lps(where[rng.integers(len(where))].astype(float)))
    ball = SphereRegion(tuple(np.array(point) + rng.normal(size=3) * 0.1), float(rng.uniform(3, 20)))
    for within, component in ((None, None), (ball, None), (None, point), (ball, point)):
        places = {
            "within": "" if within is None else text_of_solid(within),
            "component": "" if component is None else text_of_numbers(component),
        }
        result = STEP.run(volume, {**choice, **places})
        measured = voxelry.measure(volume, **choice, within=within, component=component)  # type: ignore[arg-type]
        (row,) = result.rows
        assert (row["count"], row["mm3"]) == (measured.pixels_above_threshold, measured.volume_mm3)
        assert result.segmentation is not None
        recipe = Recipe.of_text(result.segmentation.recipe)
        assert voxelry.measure(volume, **recipe.arguments) == measured
        piece = np.asarray(result.segmentation.labels, np.bool_)
        assert (piece <= (whole.labels > 0)).all()


points = st.tuples(*[st.floats(-1e6, 1e6)] * 3)
recipes = st.builds(
    lambda rule, within, component, label, version: Recipe(
        **rule, within=within, component=component, label=label, version=version, series_instance_uid="1.2.3"
    ),
    st.one_of(
        st.floats(0, 1).map(lambda value: {"method": "fixed", "threshold": value}),
        st.floats(-1e300, 1e300).map(lambda value: {"method": "units", "lower": value}),
        st.floats(0, 100).map(lambda value: {"method": "percentile", "percentile": value}),
        st.sampled_from(["otsu", "li", "yen", "triangle"]).map(lambda method: {"method": method}),
        st.floats(-1e300, 1e300).map(lambda value: {"method": "hysteresis", "lower": value, "upper": value}),
        st.integers(2, 5).flatmap(
            lambda classes: (st.none() | st.integers(0, classes - 1)).map(
                lambda number: {"method": "multi_otsu", "classes": classes, "class_number": number}
            )
        ),
    ),
    st.none() | st.builds(SphereRegion, points, st.floats(0, 1e6)) | points.map(lambda low: BoxRegion(low, (1e6,) * 3)),
    st.none() | points,
    st.text(max_size=12).filter(lambda text: text.isprintable()),
    st.sampled_from(["", "0.1.0", "1.2.3.dev4+abc"]),
)


@given(recipes)
def test_a_recipe_is_read_back_from_its_text(recipe: Recipe) -> None:
    assert recipe.text.isascii()
    assert Recipe.of_text(recipe.text) == recipe


@pytest.mark.parametrize(
    "text",
    [
        "",
        "segmented (voxelry 0.1.0)",
        "threshold",
        "threshold magic",
        "threshold units",
        "threshold units lower=nan",
        "threshold units lower=3 upper=2",
        "threshold hysteresis lower=3",
        "threshold multi_otsu classes=1e9",
        "threshold multi_otsu classes=3 class_number=3",
        "threshold units lower=3 lower=4",
        "threshold units lower=",
        "threshold units lower=3 rm=-rf",
        "threshold units lower=3  upper=4",
        "threshold units lower=3 within=/etc/passwd",
        "threshold units lower=3 within=sphere:1,2,3:-4",
        "threshold units lower=3 component=1,2",
        "threshold units lower=3 series=Doe^John",
        "threshold units lower=3\n",
        "threshold units lower=3 volume=" + "a" * LONGEST_RECIPE,
        "thresh\u00f6ld units lower=3",
    ],
)
def test_what_is_no_recipe_is_none(text: str) -> None:
    assert recipe_in(text) is None
    with pytest.raises(ParameterError):
        Recipe.of_text(text)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"within": "sphere:1,2:3"}, "this is no region; give sphere"),
        ({"within": "mask.dcm#1"}, "this is no region; give sphere"),
        ({"component": "1,2"}, "three numbers"),
        ({"component": "1,2,3", "method": "multi_otsu"}, "several classes have no connected piece"),
        ({"label": "a\\b"}, "no backslash"),
        ({"label": "a\nb"}, "no control character"),
    ],
)
def test_places_that_do_not_fit_are_refused(params: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        STEP.checked(params)


def test_inverted_masks_hold_no_recipe_and_classes_one_of_all_and_both_keep_to_the_region() -> None:
    volume = noise(np.random.default_rng(3), "int16")
    centre = volume.geometry.corners().mean(axis=0)
    ball = SphereRegion(tuple(centre), 4)
    placed = ball.within(volume)
    inside = np.zeros(volume.shape, np.bool_)
    inside[placed.box] = placed.mask
    hysteresis = {"method": "hysteresis", "lower": 0.0, "upper": 20.0}
    for params in ({"method": "multi_otsu"}, {"invert": True}, hysteresis, {**hysteresis, "invert": True}):
        whole, part = (STEP.run(volume, {**params, "within": text}).segmentation for text in ("", text_of_solid(ball)))
        assert whole is not None
        assert part is not None
        assert (whole.recipe == "") == (part.recipe == "") == bool(params.get("invert"))
        assert np.array_equal(part.labels, np.where(inside, whole.labels, 0))
        if whole.recipe:
            followed = voxelry.measure(volume, **Recipe.of_text(whole.recipe).arguments)
            assert followed.pixels_above_threshold == np.count_nonzero(whole.labels)
    nothing = STEP.run(volume, {"within": "sphere:9999,0,0:1", "label": "None here"})
    assert "no voxel of the region counts: the mask is empty" in nothing.warnings
    assert nothing.rows[0]["label"] == "None here"


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Path, Recipe]:
    """A phantom, a segmentation of it, and its recipe."""
    voxelry.write_sample(tmp_path / "sample")
    images = tmp_path / "sample/phantom"
    volume = voxelry.load_volume(images)
    point = volume.geometry.index_to_lps(np.argwhere(volume.array > 250)[5000])
    params = {
        "method": "units",
        "lower": 250,
        "upper": 2000,
        "component": text_of_numbers(point),
        "within": f"sphere:{text_of_numbers(point)}:9",
        "label": "Hot",
    }
    voxelry.process(images, "threshold", out=tmp_path / "mask", params=params)
    path = tmp_path / "mask/segmentation.dcm"
    return images, path, Recipe.of_text(voxelry.load_segmentation(path).recipe)


def test_one_recipe_is_saved_read_and_followed_everywhere(saved: tuple[Path, Path, Recipe], tmp_path: Path) -> None:
    from voxelry.cli.program import app

    images, path, recipe = saved
    volume, segmentation = voxelry.load_volume(images), voxelry.load_segmentation(path)
    (segment,) = segmentation.segments
    assert (segment.label, recipe.series_instance_uid) == ("Hot", volume.series_instance_uid)
    assert recipe.version == voxelry.__version__
    measured = voxelry.measure(volume, **recipe.arguments)
    assert measured.pixels_above_threshold == segmentation.count("Hot") > 100
    told = CliRunner().invoke(app, ["measure", str(images), "--recipe", f"{path}#Hot", "--json"])
    assert json.loads(told.stdout)["measurements"] == [measured.record()]
    flags = [
        *("--lower", "250", "--upper", "2000", "--component", text_of_numbers(recipe.component or ())),
        *("--within", recipe.text.partition(" within=")[2].split()[0]),
    ]
    again = CliRunner().invoke(app, ["measure", str(images), *flags, "--json"])
    assert json.loads(again.stdout) == json.loads(told.stdout)
    # Written again, it keeps its recipe and the version that followed it.
    older = replace(recipe, version="0.0.1")
    other = voxelry.Segmentation(
        labels=segmentation.labels, segments=segmentation.segments, source=volume, recipe=older.text
    )
    written = voxelry.write_segmentation(other, voxelry.index(images).studies[0].series[0], tmp_path / "again.dcm")
    assert Recipe.of_text(voxelry.load_segmentation(written.paths[0]).recipe) == older
    # On another series all of it is measured, and told.
    voxelry.write_sample(tmp_path / "other")
    elsewhere = replace(recipe, series_instance_uid="1.2.3")
    other = voxelry.Segmentation(
        labels=segmentation.labels, segments=segmentation.segments, source=volume, recipe=elsewhere.text
    )
    path = voxelry.write_segmentation(other, voxelry.index(images).studies[0].series[0], tmp_path / "x.dcm").paths[0]
    told = CliRunner().invoke(app, ["measure", str(images), "--recipe", str(path), "--json"])
    assert (
        "the recipe was made on another series than this one" in json.loads(told.stdout)["measurements"][0]["warnings"]
    )


def test_a_text_of_others_is_no_recipe_nor_written_again(saved: tuple[Path, Path, Recipe], tmp_path: Path) -> None:
    from voxelry.cli.program import app

    images, path, _ = saved
    segmentation, volume = voxelry.load_segmentation(path), voxelry.load_volume(images)
    other = voxelry.Segmentation(
        labels=segmentation.labels, segments=segmentation.segments, source=volume, recipe="drawn for Doe^John"
    )
    written = voxelry.write_segmentation(other, voxelry.index(images).studies[0].series[0], tmp_path / "again.dcm")
    assert b"Doe^John" not in written.paths[0].read_bytes()
    told = CliRunner().invoke(app, ["measure", str(images), "--recipe", str(written.paths[0])])
    assert told.exit_code == 1
