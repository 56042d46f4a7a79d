"""Cuts are what SimpleITK resamples, and on a volume's own planes its voxels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxelry.core import cuts
from voxelry.core.affine import index_to_lps, lps_to_index
from voxelry.core.cuts import METHODS, SLAB_MODES, Cut, Method, SlabMode, cut
from voxelry.core.errors import ParameterError, UnplacedError
from voxelry.core.planes import AXES, Axis, plane, plane_affine, plane_count, plane_shape
from voxelry.core.slice_grid import make_affine, slice_normal
from voxelry.core.volume import Volume

sitk = pytest.importorskip("SimpleITK")

Floats = npt.NDArray[np.float64]
DTYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"]
SMALL = {"int8", "uint8", "int16", "uint16", "float32"}


def rotation(angles: tuple[float, float, float]) -> Floats:
    """Turned about x, then y, then z."""
    turned = np.eye(3)
    for axis, angle in enumerate(angles):
        one, other = [number for number in range(3) if number != axis]
        matrix = np.eye(3)
        matrix[one, one] = matrix[other, other] = math.cos(angle)
        matrix[one, other], matrix[other, one] = -math.sin(angle), math.sin(angle)
        turned = matrix @ turned
    return turned


def made_volume(
    shape: tuple[int, ...] = (7, 9, 11),
    *,
    angles: tuple[float, float, float] = (0.2, -0.4, 0.7),
    spacing: tuple[float, float, float] = (2.5, 0.6, 0.9),
    lean: tuple[float, float] = (0.0, 0.0),
    dtype: str = "int16",
) -> Volume:
    """Random values on an oblique grid; ``lean`` shifts each slice against the one before, as a tilted gantry does."""
    rng = np.random.default_rng(len(shape) + sum(shape))
    if dtype[0] == "f":
        array = rng.normal(0, 100, shape).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        array = rng.integers(max(limits.min, -(10**9)), min(limits.max, 10**9), shape).astype(dtype)
    column, row, normal = rotation(angles).T
    step = normal * spacing[0] + row * lean[0] + column * lean[1]
    affine = np.eye(4)
    affine[:3] = np.column_stack([step, row * spacing[1], column * spacing[2], [-31.0, 12.5, 140.0]])
    return Volume(array=array, affine=affine)


def through(volume: Volume, *, angles: tuple[float, float, float], mm: float = 0.7, size: int = 40, **slab: Any) -> Cut:
    """A cut around the volume's middle that is larger than it."""
    assert volume.affine is not None
    right, down, _ = rotation(angles).T * mm
    centre = index_to_lps(volume.affine, (np.array(volume.shape[:3]) - 1) / 2)
    origin = centre - right * (size - 1) / 2 - down * (size - 1) / 2
    return Cut(tuple(origin), tuple(right), tuple(down), size, size, **slab)


def points(rectangle: Cut) -> Floats:
    """LPS of the pixels' centres; shape ``(rows, columns, 3)``."""
    rows, columns = np.mgrid[: rectangle.rows, : rectangle.columns][..., None]
    return np.asarray(rectangle.origin + rows * np.array(rectangle.down) + columns * np.array(rectangle.right))


def resampled(volume: Volume, rectangle: Cut, method: Method) -> Floats:
    """SimpleITK's values, NaN outside of the voxels' centres; a sheared grid is reached by an affine transform."""
    assert volume.affine is not None
    outside = -1e30
    images = []
    for sample in range(volume.array.shape[3] if volume.array.ndim > 3 else 1):
        values = volume.array if volume.array.ndim == 3 else volume.array[..., sample]
        image = sitk.GetImageFromArray(np.ascontiguousarray(values.astype(np.float64)))
        axes = np.array([rectangle.right, rectangle.down]).T
        normal = np.cross(axes[:, 0], axes[:, 1])
        # From the points of the cut to indices of the volume, as which its image without a place takes them.
        inverse = np.linalg.inv(volume.affine[:3, :3])[::-1]
        to_index = sitk.AffineTransform(3)
        to_index.SetMatrix(inverse.ravel().tolist())
        to_index.SetTranslation((-inverse @ volume.affine[:3, 3]).tolist())
        lengths = np.linalg.norm(axes, axis=0)
        filtered = sitk.ResampleImageFilter()
        filtered.SetSize([rectangle.columns, rectangle.rows, 1])
        filtered.SetOutputOrigin(rectangle.origin)
        filtered.SetOutputSpacing([*lengths.tolist(), 1.0])
        filtered.SetOutputDirection(np.column_stack([axes / lengths, normal / np.linalg.norm(normal)]).ravel().tolist())
        filtered.SetTransform(to_index)
        filtered.SetInterpolator(sitk.sitkNearestNeighbor if method == "nearest" else sitk.sitkLinear)
        filtered.SetDefaultPixelValue(outside)
        images.append(sitk.GetArrayFromImage(filtered.Execute(image))[0])
    found = np.stack(images, axis=-1) if volume.array.ndim > 3 else images[0]
    return np.where(found == outside, np.nan, found)


def clear_of_edges(volume: Volume, rectangle: Cut, method: Method) -> npt.NDArray[np.bool_]:
    """Pixels at which rounding cannot decide what is taken."""
    assert volume.affine is not None
    index = lps_to_index(volume.affine, points(rectangle))
    fraction = np.abs(index - np.floor(index) - 0.5)
    outer = np.abs(index + 0.5), np.abs(index - (np.array(volume.shape[:3]) - 0.5))
    clear = (np.minimum(*outer) > 1e-6).all(axis=-1)
    return np.asarray(clear & (fraction > 1e-6).all(axis=-1)) if method == "nearest" else np.asarray(clear)


def assert_agrees(volume: Volume, rectangle: Cut, method: Method) -> None:
    values = cut(volume, rectangle, method=method)
    expected = resampled(volume, rectangle, method)
    clear = clear_of_edges(volume, rectangle, method)
    assert clear.mean() > 0.95
    inside = ~np.isnan(expected)
    assert inside.any()
    np.testing.assert_array_equal(np.isnan(values)[clear], ~inside[clear])
    if method == "nearest":
        np.testing.assert_array_equal(values[clear], expected[clear].astype(values.dtype))
    else:
        size = float(np.abs(volume.array.astype(np.float64)).max())
        precision = 1e-6 if values.dtype == np.float32 else 1e-9
        np.testing.assert_allclose(values[clear], expected[clear], rtol=0, atol=precision * size)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_oblique_cuts_are_simpleitks_for_all_dtypes(dtype: str, method: Method) -> None:
    volume = made_volume(dtype=dtype)
    rectangle = through(volume, angles=(0.5, 0.3, -0.9))
    assert cut(volume, rectangle, method=method).dtype == (np.float32 if dtype in SMALL else np.float64)
    assert_agrees(volume, rectangle, method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "volume",
    [
        made_volume(angles=(0.0, 0.0, 0.0)),
        made_volume(lean=(0.8, 0.0)),
        made_volume(lean=(-0.5, 1.1), angles=(1.0, 2.0, 3.0)),
        made_volume(spacing=(10.0, 0.3, 4.0)),
        made_volume((1, 30, 40)),
        made_volume((5, 1, 40)),
        made_volume((5, 30, 1)),
        made_volume((6, 20, 20, 3), dtype="uint8"),
        made_volume((2, 2, 2)),
    ],
    ids=["straight", "tilted", "sheared", "anisotropic", "one slice", "one row", "one column", "colour", "small"],
)
@pytest.mark.parametrize("angles", [(0.0, 0.0, 0.0), (0.4, -0.3, 1.2), (math.pi / 2, 0.0, 0.1)])
def test_cuts_of_all_kinds_of_volumes_are_simpleitks(
    volume: Volume, angles: tuple[float, float, float], method: Method
) -> None:
    assert_agrees(volume, through(volume, angles=angles, mm=0.31, size=64), method)


def test_the_formula_is_followed_to_the_bit() -> None:
    """Read off the text in `cuts` with Python's floats, a pixel at a time."""
    volume = made_volume(lean=(0.4, -0.2), dtype="float64")
    rectangle = through(volume, angles=(0.4, -0.3, 1.2), size=24)
    values = cut(volume, rectangle)
    assert volume.affine is not None
    inverse = cuts._inverse(volume.affine)
    np.testing.assert_allclose(np.array(inverse), np.linalg.inv(volume.affine)[:3], rtol=1e-12, atol=1e-12)
    for row in range(24):
        for column in range(24):
            expected = _pixel(volume, rectangle, inverse, row, column)
            np.testing.assert_array_equal(values[row, column], expected)


def _pixel(volume: Volume, rectangle: Cut, inverse: Any, row: int, column: int) -> float:
    low, part = [], []
    for (r0, r1, r2, t), n in zip(inverse, volume.shape, strict=True):
        (px, py, pz), (dx, dy, dz), (rx, ry, rz) = rectangle.origin, rectangle.down, rectangle.right
        start = ((r0 * px + r1 * py) + r2 * pz) + t
        c = (start + row * ((r0 * dx + r1 * dy) + r2 * dz)) + column * ((r0 * rx + r1 * ry) + r2 * rz)
        if not -0.5 <= c < n - 0.5:
            return math.nan
        c = min(max(c, 0.0), n - 1.0)
        low.append(min(math.floor(c), n - 2))
        part.append(c - low[-1])
    k, i, j = low
    array = volume.array

    def between(a: float, b: float, t: float) -> float:
        return a + (b - a) * t

    def line(z: int, y: int) -> float:
        return between(float(array[z, y, j]), float(array[z, y, j + 1]), part[2])

    planes = [between(line(z, i), line(z, i + 1), part[1]) for z in (k, k + 1)]
    return between(planes[0], planes[1], part[0])


@st.composite
def upright_volumes(draw: st.DrawFn) -> Volume:
    """Volumes in all orientations along the patient's axes, with spacings and places of all kinds."""
    rows, columns = draw(st.permutations([0, 1, 2]))[:2]
    cosines = np.zeros(6)
    cosines[rows], cosines[3 + columns] = draw(st.sampled_from([-1, 1])), draw(st.sampled_from([-1, 1]))
    shape = draw(st.tuples(*[st.integers(1, 9)] * 3))
    spacing = st.floats(0.05, 20)
    place = st.floats(-2000, 2000)
    affine = make_affine(
        (draw(place), draw(place), draw(place)),
        cosines,
        draw(spacing) * slice_normal(cosines),
        (draw(spacing), draw(spacing)),
    )
    dtype = draw(st.sampled_from(["uint8", "int16", "uint16"]))
    array = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 255, shape).astype(dtype)
    return Volume(array=array, affine=affine)


@settings(max_examples=60)
@given(upright_volumes(), st.sampled_from([None, *AXES]), st.sampled_from(METHODS), st.data())
def test_a_cut_along_the_grid_is_the_plane(
    volume: Volume, axis: Axis | None, method: Method, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, plane_count(volume, axis) - 1))
    affine = plane_affine(volume, axis)
    assert affine is not None
    rows, columns = plane_shape(volume, axis)
    right, down = affine[:3, 2], affine[:3, 1]
    origin = index_to_lps(affine, (index, 0, 0))
    rectangle = Cut(tuple(origin), tuple(right), tuple(down), rows, columns)
    values = cut(volume, rectangle, method=method)
    expected = plane(volume, index, axis=axis).astype(np.float64)
    # Coordinates are rounded: between 0 and its neighbour lies a value that is all but 0.
    tolerance = 0.0 if method == "nearest" else 1e-8
    assert np.abs(values - expected).max() <= tolerance
    np.testing.assert_array_equal(np.round(values), expected)
    # Half a pixel further there are still voxels; beyond, there is nothing.
    wide = Cut(tuple(origin - right - down), tuple(right), tuple(down), rows + 2, columns + 2)
    around = cut(volume, wide, method=method)
    assert np.abs(around[1:-1, 1:-1] - expected).max() <= tolerance
    around[1:-1, 1:-1] = np.nan
    assert np.isnan(around).all()


@given(
    angles=st.tuples(*[st.floats(-3, 3)] * 3),
    mode=st.sampled_from(SLAB_MODES),
    depth=st.integers(1, 9),
    step=st.tuples(*[st.floats(-2, 2)] * 3),
    method=st.sampled_from(METHODS),
    dtype=st.sampled_from(["int16", "float32", "float64", "int32"]),
)
@settings(max_examples=40)
def test_a_slab_is_made_of_its_planes(
    angles: tuple[float, float, float],
    mode: SlabMode,
    depth: int,
    step: tuple[float, float, float],
    method: Method,
    dtype: str,
) -> None:
    volume = made_volume(dtype=dtype)
    rectangle = through(volume, angles=angles, size=16, mm=1.1, slab=mode, depth=depth, step=step)
    layers = []
    for origin in rectangle.origins():
        single = Cut(origin, rectangle.right, rectangle.down, 16, 16)
        # In double precision: it is rounded once, at the end.
        exact = Volume(array=volume.array.astype(np.float64), affine=volume.affine)
        layers.append(cut(exact, single, method=method))
    values = cut(volume, rectangle, method=method)
    for row in range(16):
        for column in range(16):
            samples = [float(layer[row, column]) for layer in layers if not math.isnan(layer[row, column])]
            expected = math.nan
            if samples and mode == "mean":
                total = 0.0
                for sample in samples:
                    total += sample
                expected = total / len(samples)
            elif samples:
                expected = max(samples) if mode == "max" else min(samples)
            np.testing.assert_array_equal(values[row, column], values.dtype.type(expected))


def test_planes_of_a_slab_lie_around_its_origin() -> None:
    rectangle = Cut((1, 2, 3), (1, 0, 0), (0, 1, 0), 1, 1, slab="max", depth=4, step=(0, 0, 2))
    assert rectangle.origins() == [(1, 2, 0), (1, 2, 2), (1, 2, 4), (1, 2, 6)]


@pytest.mark.parametrize("mode", SLAB_MODES)
def test_values_that_are_nan_count_as_outside_in_slabs(mode: SlabMode) -> None:
    array = np.array([[[1.0, np.nan]], [[3.0, np.nan]], [[np.nan, np.nan]]])
    volume = Volume(array=array, affine=np.eye(4)[:, [2, 1, 0, 3]])
    slab = Cut((0, 0, 1), (1, 0, 0), (0, 1, 0), 1, 2, slab=mode, depth=5, step=(0, 0, 1))
    (values,) = cut(volume, slab, method="nearest").tolist()
    assert values[0] == {"max": 3, "min": 1, "mean": 2}[mode]
    assert math.isnan(values[1])


def test_infinite_values_are_followed_too() -> None:
    array = np.array([[[1.0, np.inf, np.inf]]])
    volume = Volume(array=array, affine=np.eye(4)[:, [2, 1, 0, 3]])
    (values,) = cut(volume, Cut((0, 0, 0), (0.5, 0, 0), (0, 1, 0), 1, 5)).tolist()
    np.testing.assert_array_equal(values, [np.nan, np.inf, np.nan, np.nan, np.nan])


@pytest.mark.parametrize("method", METHODS)
def test_parts_of_a_cut_do_not_matter(monkeypatch: pytest.MonkeyPatch, method: Method) -> None:
    volume = made_volume()
    rectangle = through(volume, angles=(0.4, 0.1, 0.2), slab="mean", depth=3, step=(0.1, 0.2, 0.3))
    whole = cut(volume, rectangle, method=method)
    for at_once in (1, 7, 100):
        monkeypatch.setattr(cuts, "_AT_ONCE", at_once)
        np.testing.assert_array_equal(cut(volume, rectangle, method=method), whole)


@pytest.mark.parametrize("method", METHODS)
def test_views_and_mapped_files_are_cut_alike(tmp_path: Any, method: Method) -> None:
    volume = made_volume()
    rectangle = through(volume, angles=(0.4, 0.1, 0.2))
    expected = cut(volume, rectangle, method=method)
    np.save(tmp_path / "volume.npy", volume.array)
    for array in (np.load(tmp_path / "volume.npy", mmap_mode="r"), np.asfortranarray(volume.array)):
        np.testing.assert_array_equal(
            cut(Volume(array=array, affine=volume.affine), rectangle, method=method), expected
        )


@given(angles=st.tuples(*[st.floats(-3, 3)] * 3), method=st.sampled_from(METHODS), colour=st.booleans())
@settings(max_examples=40)
def test_both_orders_give_the_same(angles: tuple[float, float, float], method: Method, colour: bool) -> None:
    volume = made_volume((5, 6, 7, 3) if colour else (5, 6, 7), dtype="uint8" if colour else "int16")
    rectangle = through(volume, angles=angles, size=20, slab="max", depth=2, step=(0.3, 0.3, 0.3))
    across = np.ascontiguousarray(np.moveaxis(volume.array, 2, 0))
    expected = cut(volume, rectangle, method=method)
    for array in (across, np.moveaxis(volume.array, 2, 0)):
        np.testing.assert_array_equal(cut(volume, rectangle, method=method, across=array), expected)


@pytest.mark.parametrize("mirrored", [1, -1])
def test_a_cut_is_read_in_the_order_in_which_it_lies_close_together(mirrored: int) -> None:
    volume = made_volume((20, 20, 20), angles=(0.0, 0.0, 0.0), spacing=(1.0, 1.0, 1.0))
    across = np.zeros((20, 20, 20), np.int16)  # other values, which show where they come from
    left, posterior, superior = (mirrored, 0, 0), (0, mirrored, 0), (0, 0, mirrored)
    assert volume.affine is not None
    centre = tuple(index_to_lps(volume.affine, (10, 10, 10)))
    for right, down, is_across in (
        (left, posterior, False),
        (left, superior, False),
        (posterior, superior, True),
        (superior, posterior, True),
        ((0.6, 0.6, 0), superior, False),
        (posterior, (0.6, 0, 0.6), True),
        (left, (0, 0.6, 0.6), False),
    ):
        rectangle = Cut(centre, right, down, 3, 3)
        own, read = cut(volume, rectangle), cut(volume, rectangle, across=across)
        np.testing.assert_array_equal(read, np.where(np.isnan(own), own, 0) if is_across else own)


def test_another_volume_across_is_refused() -> None:
    volume = made_volume((4, 5, 6))
    with pytest.raises(ParameterError, match="does not hold a volume"):
        cut(volume, through(volume, angles=(0, 0, 0)), across=np.zeros((4, 5, 6), np.int16))


def test_points_at_the_end_of_half_a_voxel() -> None:
    """The largest number below 0.5 is inside, though it is rounded to 1 when 0.5 is added."""
    volume = Volume(array=np.array([[[5]]], np.int16), affine=np.eye(4)[:, [2, 1, 0, 3]])
    below = math.nextafter(0.5, 0)
    for method in METHODS:
        for x, expected in ((-0.5, 5.0), (below, 5.0), (0.5, math.nan), (math.nextafter(-0.5, -1), math.nan)):
            (values,) = cut(volume, Cut((x, 0, 0), (1, 0, 0), (0, 1, 0), 1, 1), method=method).tolist()
            np.testing.assert_array_equal(values, [expected])


def test_points_beyond_all_places_are_outside() -> None:
    volume = made_volume()
    rectangle = Cut((9e99, -9e99, 9e99), (9e99, 9e99, 9e99), (9e99, 1, 1), 3, 3)
    assert np.isnan(cut(volume, rectangle)).all()


def test_what_is_no_cut_is_refused() -> None:
    plain: dict[str, Any] = {"origin": (0, 0, 0), "right": (1, 0, 0), "down": (0, 1, 0), "rows": 2, "columns": 2}
    for wrong, words in (
        ({"origin": (0, math.nan, 0)}, "origin of a cut is three finite numbers"),
        ({"right": (math.inf, 0, 0)}, "right"),
        ({"down": (0, 0)}, "down"),
        ({"rows": 0}, "rows 0"),
        ({"columns": -1}, "columns -1"),
        ({"slab": "median"}, "no slab 'median'"),
        ({"depth": 3}, "only in a slab"),
        ({"slab": "max", "depth": 0}, "depth 0"),
    ):
        with pytest.raises(ParameterError, match=words):
            Cut(**{**plain, **wrong})
    with pytest.raises(ParameterError, match="no method 'cubic'"):
        cut(made_volume(), Cut(**plain), method="cubic")  # type: ignore[arg-type]
    with pytest.raises(UnplacedError, match="cannot be cut"):
        cut(Volume(array=np.zeros((2, 2, 2), np.int16)), Cut(**plain))
