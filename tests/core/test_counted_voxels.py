"""Counting by limits, in a region and connected to a point: numpy, scipy and SimpleITK are the judges."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import voxelry
from tests.simpleitk_images import as_image
from voxelry import BoxRegion, Geometry, ParameterError, SphereRegion, UnplacedError, Volume
from voxelry.core import connected
from voxelry.core.connected import connected_piece
from voxelry.core.region_words import solid_of_text, text_of_solid, vector_of_text
from voxelry.core.threshold_rule import METHODS

Floats = npt.NDArray[np.float64]
numbers = st.sampled_from(
    ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint64", "int64", "float16", "float32", "float64"]
).flatmap(lambda name: hnp.arrays(np.dtype(name), st.tuples(*[st.integers(1, 5)] * 3)))


def by_definition(array: npt.NDArray[np.generic], lower: float | None, upper: float | None) -> npt.NDArray[np.bool_]:
    x = array.astype(np.float64)
    inside = np.isfinite(x)
    if lower is not None:
        inside &= x >= lower
    if upper is not None:
        inside &= x <= upper
    return inside


@given(numbers, st.data())
def test_limits_are_both_included(array: npt.NDArray[np.generic], data: st.DataObject) -> None:
    """Limits that values lie on, near to, and far from."""
    values = [float(value) for value in array.ravel().tolist() if np.isfinite(value)] or [0.0]
    near = st.sampled_from(values) | st.sampled_from(values).map(lambda value: value + 0.5) | st.floats(-1e6, 1e6)
    low, high = sorted([data.draw(near), data.draw(near)])
    volume = Volume(array=array)
    for lower, upper in ((low, high), (low, None), (None, high), (low, low)):
        measured = voxelry.measure(volume, lower=lower, upper=upper)
        assert measured.pixels_above_threshold == np.count_nonzero(by_definition(array, lower, upper))
        assert measured.method == "units"


@given(numbers, st.sampled_from([method for method in METHODS if method != "hysteresis"]), st.floats(0, 1))
def test_the_limits_of_every_method_give_its_count_again(
    array: npt.NDArray[np.generic], method: str, fraction: float
) -> None:
    given_numbers = {
        "fixed": {"threshold": fraction},
        "units": {"lower": fraction},
        "percentile": {"percentile": 99 * fraction},
        "multi_otsu": {"classes": 2, "class_number": round(fraction)},
    }
    with np.errstate(all="ignore"):
        measured = voxelry.measure(Volume(array=array), method=method, **given_numbers.get(method, {}))  # type: ignore[arg-type]
    if measured.limits is None:
        assert measured.pixels_above_threshold == 0
        return
    lower, upper = measured.limits
    again = voxelry.measure(Volume(array=array), lower=lower, upper=upper)
    assert again.pixels_above_threshold == measured.pixels_above_threshold


def test_padding_and_no_numbers_never_count() -> None:
    array = np.array([[[np.nan, np.inf, -np.inf, 5.0, 6.0, 7.0]]])
    volume = Volume(array=array, padding=np.array([[6.0, 6.0]]))
    assert [
        voxelry.measure(volume, lower=lower, upper=upper).pixels_above_threshold
        for lower, upper in ((5, None), (None, 7), (5, 7), (-1e300, 1e300), (8, None))
    ] == [2, 2, 2, 2, 0]


def grid(rng: np.random.Generator) -> Volume:
    """Smooth noise on a turned, sheared or mirrored grid."""
    slices, rows, columns = (int(side) for side in rng.integers(2, 13, 3))
    affine = np.eye(4)
    turned, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine[:3, :3] = turned @ np.diag(rng.uniform(0.4, 3.0, 3))
    affine[:3, 0] += affine[:3, 1] * rng.uniform(-0.6, 0.6)
    affine[:3, 3] = rng.uniform(-50, 50, 3)
    shape = slices, rows, columns
    return Volume(array=rng.integers(-500, 500, shape).astype(np.int16), geometry=Geometry(shape=shape, affine=affine))


def a_voxel(rng: np.random.Generator, mask: npt.NDArray[np.bool_]) -> tuple[int, int, int]:
    where = np.argwhere(mask)
    k, i, j = (int(at) for at in where[rng.integers(len(where))])
    return k, i, j


@pytest.mark.parametrize("seed", range(80))
def test_a_component_is_what_scipy_and_simpleitk_find(seed: int) -> None:
    import SimpleITK
    from scipy import ndimage

    rng = np.random.default_rng(seed)
    volume = grid(rng)
    low, high = sorted(rng.integers(-400, 400, 2).tolist())
    mask = (volume.array >= low) & (volume.array <= high)
    if not mask.any():
        return
    index = a_voxel(rng, mask)
    # Anywhere in the voxel, not only in its middle.
    point = tuple(volume.geometry.index_to_lps(np.array(index) + rng.uniform(-0.49, 0.49, 3)))
    found = voxelry.measure(volume, lower=low, upper=high, component=point)
    pieces, _ = ndimage.label(mask)
    assert found.pixels_above_threshold == np.count_nonzero(pieces == pieces[index])
    assert found.volume_mm3 == found.pixels_above_threshold * (volume.voxel_mm3 or 0)
    image = as_image(volume.array, volume.geometry.known_affine)
    judged = SimpleITK.ConnectedThreshold(image, [image.TransformPhysicalPointToIndex(point)], low, high, 1)
    assert found.pixels_above_threshold == int(SimpleITK.GetArrayViewFromImage(judged).sum())


@pytest.mark.parametrize("seed", range(40))
def test_a_component_within_a_region_ends_at_its_surface(seed: int) -> None:
    from scipy import ndimage

    rng = np.random.default_rng(1000 + seed)
    volume = grid(rng)
    mask = volume.array > -100
    if not mask.any():
        return
    index = a_voxel(rng, mask)
    centre = volume.geometry.index_to_lps(np.array(index, np.float64))
    sphere = SphereRegion(tuple(centre + rng.normal(size=3)), float(rng.uniform(4, 15)))
    placed = sphere.within(volume)
    inside = np.zeros(volume.shape, np.bool_)
    inside[placed.box] = placed.mask
    pieces, _ = ndimage.label(mask & inside)
    if not inside[index]:
        with pytest.raises(ParameterError, match="outside of the region"):
            voxelry.measure(volume, lower=-99, within=sphere, component=tuple(centre))
        return
    found = voxelry.measure(volume, lower=-99, within=sphere, component=tuple(centre))
    assert found.pixels_above_threshold == np.count_nonzero(pieces == pieces[index])
    assert found.pixels_total == np.count_nonzero(inside)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.7, 0.95])
def test_pieces_of_noise(share: float) -> None:
    from scipy import ndimage

    rng = np.random.default_rng(int(share * 100))
    for shape in ((1, 1, 1), (7, 1, 9), (1, 40, 3), (12, 31, 30)):
        mask = rng.random(shape) < share
        mask[0, 0, 0] = True
        pieces, _ = ndimage.label(mask)
        for _ in range(5):
            index = a_voxel(rng, mask)
            piece = connected_piece(lambda k, mask=mask: mask[k], len(mask), index)  # type: ignore[misc]
            expected = pieces == pieces[index]
            assert piece.count == np.count_nonzero(expected)
            assert np.array_equal(np.stack([piece.plane(k) for k in range(len(mask))]), expected)


def test_a_comb_whose_teeth_meet_in_the_last_row() -> None:
    mask = np.zeros((1, 50, 99), np.bool_)
    mask[0, :, ::2] = True
    assert connected_piece(lambda k: mask[k], 1, (0, 3, 4)).count == 50
    mask[0, -1] = True
    assert connected_piece(lambda k: mask[k], 1, (0, 3, 4)).count == np.count_nonzero(mask)


def test_too_many_runs_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connected, "MOST_RUNS", 100)
    mask = np.indices((4, 20, 20)).sum(axis=0) % 2 == 0
    with pytest.raises(voxelry.MeasureError, match="choose narrower limits, or a region"):
        connected_piece(lambda k: mask[k], 4, (0, 0, 0))


def test_a_point_that_nothing_counts_at_is_told() -> None:
    array = np.zeros((4, 6, 8), np.float32)
    array[1:3, 2:4, 2:6] = 100
    array[0, 0, 0], array[0, 0, 1] = np.nan, -2000
    geometry = Geometry(shape=(4, 6, 8), affine=np.eye(4))
    volume = Volume(array=array, geometry=geometry, padding=np.full((4, 2), -2000.0))

    def at(index: tuple[float, float, float], **more: object) -> int:
        point = tuple(geometry.index_to_lps(index))
        return voxelry.measure(volume, lower=50, component=point, **more).pixels_above_threshold  # type: ignore[arg-type]

    assert at((1, 2, 2)) == at((2.5 - 1e-9 - 1, 3, 5)) == 16
    for index, words in (
        ((0, 0, 0), "holds no number"),
        ((0, 0, 1), "is padding"),
        ((3, 5, 7), "its value is not one that counts"),
        ((3.5, 0, 0), "outside of this volume"),
        ((0, -0.51, 0), "outside of this volume"),
    ):
        with pytest.raises(ParameterError, match=words):
            at(index)
    with pytest.raises(ParameterError, match="outside of the region"):
        at((1, 2, 2), within=BoxRegion((50, 50, 50), (60, 60, 60)))
    with pytest.raises(UnplacedError, match="no point of the patient is in it"):
        voxelry.measure(Volume(array=array), lower=50, component=(0, 0, 0))
    for wrong in ((1, 2), (1, 2, float("nan")), ("a", 1, 2), 5):
        with pytest.raises(ParameterError, match="point of a component"):
            voxelry.measure(volume, lower=50, component=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(40))
def test_hysteresis_counts_what_scikit_image_keeps(seed: int) -> None:
    """In the whole volume, then of that in a region, then of that the piece at a point, with padding between."""
    from scipy import ndimage
    from skimage.filters import apply_hysteresis_threshold

    rng = np.random.default_rng(seed)
    array = ndimage.gaussian_filter(rng.normal(size=(7, 20, 23)), 1.2).astype(["float32", "float64"][seed % 2])
    array[rng.random(array.shape) < 0.02] = -9
    if seed % 3 == 0:
        array[0, :3, 0] = np.nan, np.inf, -np.inf
    low, high = (float(level) for level in np.nanquantile(array, sorted(rng.uniform(0.3, 0.99, 2))))
    affine = np.diag([2.0, 0.7, 0.9, 1.0])
    volume = Volume(array=array, geometry=Geometry(shape=array.shape, affine=affine), padding=np.full((7, 2), -9.0))
    finite = np.where(np.isfinite(array), array, -9)
    kept = apply_hysteresis_threshold(finite.astype(np.float64), low, high)
    hysteresis = {"method": "hysteresis", "lower": low, "upper": high}
    measured = voxelry.measure(volume, **hysteresis)  # type: ignore[arg-type]
    assert measured.pixels_above_threshold == np.count_nonzero(kept)
    assert measured.limits is None
    ball = SphereRegion(tuple(volume.geometry.corners().mean(axis=0)), 6)
    placed = ball.within(volume)
    inside = np.zeros(array.shape, np.bool_)
    inside[placed.box] = placed.mask
    within = voxelry.measure(volume, **hysteresis, within=ball)  # type: ignore[arg-type]
    assert within.pixels_above_threshold == np.count_nonzero(kept & inside)
    pieces, _ = ndimage.label(kept & inside)
    for index in np.argwhere(pieces)[::17]:
        point = tuple(volume.geometry.index_to_lps(index))
        piece = voxelry.measure(volume, **hysteresis, within=ball, component=point)  # type: ignore[arg-type]
        assert piece.pixels_above_threshold == np.count_nonzero(pieces == pieces[tuple(index)])
    for index in np.argwhere((finite > low) & ~kept)[:1]:
        point = tuple(volume.geometry.index_to_lps(index))
        with pytest.raises(ParameterError, match="its piece does not reach above the upper one"):
            voxelry.measure(volume, **hysteresis, component=point)  # type: ignore[arg-type]


@pytest.mark.parametrize("classes", [2, 3, 4, 5])
def test_the_classes_of_multi_otsu_share_out_all_voxels(classes: int) -> None:
    """By the cuts of scikit-image: a value belongs to the class whose upper end it does not exceed."""
    from skimage.filters import threshold_multiotsu

    rng = np.random.default_rng(classes)
    means = np.arange(classes) * 40
    array = rng.normal(means[rng.integers(classes, size=(6, 30, 31))], 6).round().astype(np.int16)
    cuts = threshold_multiotsu(array, classes, nbins=int(np.ptp(array)) + 1)
    volume = Volume(array=array)

    def count(number: int | None) -> int:
        measured = voxelry.measure(volume, method="multi_otsu", classes=classes, class_number=number)
        return measured.pixels_above_threshold

    expected = np.bincount(np.searchsorted(cuts, array.ravel(), side="left"), minlength=classes)
    found = [count(number) for number in range(classes)]
    assert np.abs(np.array(found) - expected).max() <= array.size * 1e-3  # cuts lie anywhere in an empty gap
    assert sum(found) == array.size
    assert count(None) == array.size - found[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"lower": float("nan")}, "lower is a finite number"),
        ({"upper": float("inf")}, "upper is a finite number"),
        ({"lower": 2, "upper": 1}, "lower 2 is above upper 1"),
        ({"method": "units"}, "needs lower, upper or both"),
        ({"threshold": 0.5, "lower": 1}, "threshold is of the method fixed"),
        ({"method": "otsu", "lower": 1}, "lower or upper is of the method units"),
        ({"method": "otsu", "percentile": 5}, "percentile is of the method percentile"),
        ({"percentile": 101}, "not between 0 and 100"),
        ({"method": "magic"}, "unknown method 'magic'"),
        ({"method": "multi_otsu", "classes": 6}, "classes 6 is not between 2 and 5"),
        ({"method": "multi_otsu", "classes": 2.5}, "classes is a whole number"),
        ({"method": "multi_otsu", "class_number": 3}, "class_number 3 is not between 0, the lowest, and 2"),
        ({"method": "otsu", "classes": 3}, "classes or class_number is of the method multi_otsu"),
        ({"method": "hysteresis", "lower": 3}, "hysteresis needs lower and upper"),
        ({"method": "hysteresis", "lower": 3, "upper": 2}, "lower 3 is above upper 2"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_read(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        voxelry.measure("no such file", **arguments)  # type: ignore[arg-type]


@given(st.lists(st.floats(-1e9, 1e9), min_size=7, max_size=7))
def test_regions_are_read_back_to_the_last_digit(numbers: list[float]) -> None:
    sphere = SphereRegion((numbers[0], numbers[1], numbers[2]), abs(numbers[3]))
    assert solid_of_text(text_of_solid(sphere)) == sphere
    low, high = np.sort([numbers[:3], numbers[3:6]], axis=0).tolist()
    assert solid_of_text(text_of_solid(BoxRegion(tuple(low), tuple(high)))) == BoxRegion(tuple(low), tuple(high))
    turn = np.array(
        [[np.cos(numbers[6]), np.sin(numbers[6]), 0], [-np.sin(numbers[6]), np.cos(numbers[6]), 0], [0, 0, 1]]
    )
    box = BoxRegion(tuple(low), tuple(high), tuple(map(tuple, turn.tolist())))  # type: ignore[arg-type]
    assert solid_of_text(text_of_solid(box)) == box


@pytest.mark.parametrize(
    "text", ["", "sphere:", "sphere:1,2,3:nan", "box:1,2,3:4,5,6:7", "sphere:1,2,3:1e9999", "sphere:1_0,2,3:4",
             "box:" + "1," * 5000, "sphere:1,2,3:-1", "sphere:\u0661,2,3:4", "cone:1,2,3:4"],
)  # fmt: skip
def test_hostile_texts_name_no_region(text: str) -> None:
    with pytest.raises(ParameterError):
        solid_of_text(text)
    with pytest.raises(ParameterError):
        vector_of_text(text)
