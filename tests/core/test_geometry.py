"""The Geometry: what it refuses, that nobody can write to it, and that each voxel keeps its place."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
from collections.abc import Callable
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK
from hypothesis import given
from hypothesis import strategies as st

from voxelry.core.errors import GeometryError, ParameterError, UnplacedError
from voxelry.core.geometry import SAME_GRID, Geometry
from voxelry.testing.volumes import AXIAL_LPS, affines

Floats = npt.NDArray[np.float64]
UID = "2.25.4"
NIBABEL: Any = nibabel.orientations
CODES = [
    "".join(letters) for order in itertools.permutations(("LR", "PA", "SI")) for letters in itertools.product(*order)
]


@st.composite
def geometries(draw: st.DrawFn, *, shear: bool = True) -> Geometry:
    shape = tuple(draw(st.integers(1, 40)) for _ in range(3))
    return Geometry(shape=shape, affine=draw(affines(shear=shear)), frame_of_reference_uid=UID)  # type: ignore[arg-type]


def every_index(shape: tuple[int, ...]) -> Floats:
    """The index of every voxel; shape ``(*shape, 3)``."""
    return np.stack(tuple(np.indices(shape)), axis=-1).astype(np.float64)


def axial(shape: tuple[int, int, int] = (3, 4, 5), affine: npt.ArrayLike = AXIAL_LPS) -> Geometry:
    return Geometry(shape=shape, affine=np.asarray(affine))


def tilted(degrees: float) -> Floats:
    affine = AXIAL_LPS.copy()
    affine[1, 0] = affine[2, 0] * math.tan(math.radians(degrees))
    return affine


# --- what is refused --------------------------------------------------------------------------------------------------


def changed(row: int, column: int, value: float) -> Floats:
    affine = AXIAL_LPS.copy()
    affine[row, column] = value
    return affine


@pytest.mark.parametrize(
    ("affine", "error", "words"),
    [
        (np.eye(3), ParameterError, "4 x 4, not 3 x 3"),
        (np.eye(4)[:3], ParameterError, "not 3 x 4"),
        (changed(0, 0, math.nan), GeometryError, "not finite"),
        (changed(0, 3, math.inf), GeometryError, "not finite"),
        (changed(3, 0, 1.0), GeometryError, "last row"),
        (changed(3, 3, 2.0), GeometryError, "last row"),
        (changed(2, 0, 0.0), GeometryError, "no length"),
        (np.array([[1, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1]]), GeometryError, "do not span space"),
        (changed(2, 0, 1e-120), GeometryError, "no length"),
    ],
)  # fmt: skip
def test_an_affine_that_is_none_is_refused(affine: Floats, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Geometry(shape=(1, 1, 1), affine=affine)


@pytest.mark.parametrize("shape", [(0, 1, 1), (1, -1, 1), (1, 1), (1, 1, 1, 1), (1.5, 1, 1), ("1", 1, 1), 3])
def test_a_shape_that_is_none_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(ParameterError):
        Geometry(shape=shape)


@pytest.mark.parametrize("spacing", [(0, 1, 1), (1, -1, 1), (1, 1), (math.nan, 1, 1), (1, math.inf, 1)])
def test_a_spacing_that_is_none_is_refused(spacing: tuple[float, float, float]) -> None:
    with pytest.raises(ParameterError, match="spacing"):
        Geometry(shape=(1, 1, 1), spacing=spacing)


def test_a_spacing_that_disagrees_with_the_affine_is_refused_with_both() -> None:
    with pytest.raises(GeometryError, match=r"\(5, 5, 5\) mm disagrees .* \(1, 1, 1\) mm") as caught:
        Geometry(shape=(1, 1, 1), affine=np.eye(4), spacing=(5, 5, 5))
    assert caught.value.numbers["affine_spacing_mm"] == [1.0, 1.0, 1.0]
    column_norms = tuple(np.linalg.norm(tilted(18.5)[:3, :3], axis=0).tolist())
    with pytest.raises(GeometryError, match="disagrees"):  # 5.4 % too large along the normal
        Geometry(shape=(1, 1, 1), affine=tilted(18.5), spacing=column_norms)


def test_a_spacing_that_is_the_affines_keeps_its_digits() -> None:
    turned = AXIAL_LPS.copy()
    turned[:3, 1:3] = np.array([[0.6, -0.8], [0.8, 0.6], [0, 0]]) * 0.7
    given_spacing = (2.5, 0.7, 0.7)
    found = Geometry(shape=(1, 1, 1), affine=turned, spacing=given_spacing)
    assert found.spacing == given_spacing
    assert Geometry(shape=(1, 1, 1), affine=turned).spacing == pytest.approx(given_spacing, rel=1e-15)
    assert Geometry(shape=(1, 1, 1), affine=turned, spacing=(None, 0.7, None)).spacing[0] == 2.5


# --- read-only --------------------------------------------------------------------------------------------------------


def test_nobody_can_write_to_it() -> None:
    given_affine = AXIAL_LPS.copy()
    geometry = axial(affine=given_affine)
    given_affine[0, 3] = 99999.0
    assert geometry.affine is not None
    assert np.array_equal(geometry.affine, AXIAL_LPS)
    with pytest.raises(ValueError, match="read-only"):
        geometry.affine[0, 3] = 99999.0
    array: npt.NDArray[np.float64] | None = geometry.affine
    while isinstance(array, np.ndarray):
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True
        array = array.base
    with pytest.raises(AttributeError):
        geometry.affine = np.eye(4)  # type: ignore[misc]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_is_equal_and_read_only_too(again: Callable[[Geometry], Geometry]) -> None:
    for geometry in (axial(), Geometry(shape=(1, 2, 3), spacing=(None, 1, 2), frame_of_reference_uid=UID)):
        found = again(geometry)
        assert found == geometry
        assert hash(found) == hash(geometry)
        assert found.affine is None or not found.affine.flags.writeable


def test_equal_means_the_very_same_numbers() -> None:
    assert axial() == axial()
    assert axial() != axial((3, 4, 6))
    assert axial() != axial(affine=changed(0, 3, -120.25000001))
    assert axial() != Geometry(shape=(3, 4, 5), affine=AXIAL_LPS, frame_of_reference_uid=UID)
    assert axial() != "something else"


# --- what follows from the affine -------------------------------------------------------------------------------------


@given(geometries())
def test_the_volume_of_a_voxel_is_the_determinant_and_the_product_of_the_spacing(geometry: Geometry) -> None:
    assert geometry.voxel_mm3 == pytest.approx(abs(np.linalg.det(geometry.known_affine)), rel=1e-9)
    assert geometry.voxel_mm3 == pytest.approx(math.prod(one or 0 for one in geometry.spacing), rel=1e-9)
    norms = np.linalg.norm(geometry.known_affine[:3, :3], axis=0)
    assert geometry.spacing[1:] == pytest.approx(tuple(norms[1:]), rel=1e-12)
    assert (geometry.spacing[0] or 0) <= norms[0] * (1 + 1e-12)


def test_the_slice_spacing_of_a_tilted_stack_is_along_the_normal() -> None:
    geometry = axial(affine=tilted(18.5))
    assert geometry.spacing == pytest.approx((2.5, 0.8, 0.7), rel=1e-12)
    assert geometry.voxel_mm3 == pytest.approx(2.5 * 0.8 * 0.7, rel=1e-12)
    assert geometry.tilt_degrees == pytest.approx(18.5)
    assert geometry.shear_degrees == pytest.approx(18.5)
    assert np.allclose(geometry.normal, [0, 0, 1])
    assert axial((1, 4, 5), tilted(18.5)).shear_degrees == 0  # one slice lies above nothing
    assert axial().tilt_degrees == axial().shear_degrees == 0


@given(geometries())
def test_index_and_lps_are_inverse(geometry: Geometry) -> None:
    index = every_index((2, 3, 2)) * [geometry.shape[0], 0.5, -7]
    assert np.allclose(geometry.lps_to_index(geometry.index_to_lps(index)), index, rtol=0, atol=1e-6)
    position = geometry.index_to_lps(index)
    assert np.allclose(geometry.index_to_lps(geometry.lps_to_index(position)), position, rtol=0, atol=1e-6)


@given(geometries())
def test_it_contains_its_voxels_and_nothing_beyond_half_a_voxel(geometry: Geometry) -> None:
    ends = np.array(geometry.shape) - 1
    assert geometry.contains(geometry.corners()).all()
    inside, outside = np.array([-0.49, -0.49, -0.49]), np.array([-0.51, -0.51, -0.51])
    assert geometry.contains(geometry.index_to_lps(inside))
    assert geometry.contains(geometry.index_to_lps(ends + 0.49))
    for axis in range(3):
        beyond = np.where(np.arange(3) == axis, ends + 0.51, 0)
        assert not geometry.contains(geometry.index_to_lps(beyond))
    assert not geometry.contains(geometry.index_to_lps(outside))
    assert geometry.contains(geometry.index_to_lps(every_index((2, 2, 2)) * ends)).shape == (2, 2, 2)


def test_without_a_place_the_spacing_stands_alone_and_the_geometry_says_so() -> None:
    geometry = Geometry(shape=(3, 4, 5), spacing=(None, 0.8, 0.7))
    assert not geometry.placed
    assert geometry.spacing == (None, 0.8, 0.7)
    assert geometry.voxel_mm3 is None
    assert "no place" in repr(geometry)
    assert "unknown" in repr(geometry)
    assert Geometry(shape=(3, 4, 5), spacing=(2, 3, 4)).voxel_mm3 == 24
    assert geometry.tilt_degrees == geometry.shear_degrees == 0
    asked: list[Callable[[], object]] = [
        lambda: geometry.index_to_lps((0, 0, 0)), lambda: geometry.lps_to_index((0, 0, 0)), geometry.corners,
        lambda: geometry.contains((0, 0, 0)), lambda: geometry.reorient("LPS"), lambda: geometry.codes,
        lambda: geometry.normal, lambda: geometry.voxels_apart(axial()), lambda: axial().mm_apart(geometry),
    ]  # fmt: skip
    for question in asked:
        with pytest.raises(UnplacedError):
            question()


# --- the same grid ----------------------------------------------------------------------------------------------------


@given(geometries(), st.integers(0, 7), st.floats(0, 1))
def test_a_grid_that_is_moved_by_a_fraction_of_a_voxel_is_that_far_away(one: Geometry, way: int, part: float) -> None:
    step = np.array([way >> axis & 1 for axis in range(3)]) * part * 2 * SAME_GRID
    moved = np.array(one.known_affine)
    moved[:3, 3] = one.index_to_lps(step)
    other = Geometry(shape=one.shape, affine=moved)
    length = float(np.linalg.norm(step))
    assert one.voxels_apart(other) == pytest.approx(length, abs=1e-6)
    assert one.voxels_apart(other) == other.voxels_apart(one)
    assert one.mm_apart(other) == pytest.approx(np.linalg.norm(moved[:3, 3] - one.known_affine[:3, 3]), abs=1e-9)
    if abs(length - SAME_GRID) > 1e-6:
        assert one.same_grid(other) == other.same_grid(one) == (length < SAME_GRID)
    assert one.same_grid(other, tolerance=1)


def test_the_distance_is_that_of_the_farthest_corner() -> None:
    other = AXIAL_LPS.copy()
    other[:3, 2] *= 1.001  # each column lies 0.001 of a column further
    assert axial((3, 4, 101)).voxels_apart(axial((3, 4, 101), other)) == pytest.approx(0.1)
    assert axial((3, 4, 5)).same_grid(axial((3, 4, 5), other))
    assert not axial((3, 4, 101)).same_grid(axial((3, 4, 101), other))
    # A fortieth of a slice of 2.5 mm is a twelfth of a column of 0.7: what a voxel is differs from axis to axis.
    assert axial().voxels_apart(axial(affine=changed(2, 3, 31.0 + 0.0625))) == pytest.approx(0.025)


def test_other_shapes_and_places_that_only_one_has_are_no_same_grid() -> None:
    nowhere = Geometry(shape=(3, 4, 5), spacing=(2.5, 0.8, 0.7))
    assert not axial().same_grid(axial((3, 4, 6)))
    assert not axial().same_grid(nowhere)
    assert nowhere.same_grid(Geometry(shape=(3, 4, 5), spacing=(2.51, 0.8, 0.7)))
    assert not nowhere.same_grid(Geometry(shape=(3, 4, 5), spacing=(2.6, 0.8, 0.7)))
    assert not nowhere.same_grid(Geometry(shape=(3, 4, 5), spacing=(None, 0.8, 0.7)))
    named = Geometry(shape=(3, 4, 5), affine=AXIAL_LPS, frame_of_reference_uid=UID)
    assert named.same_grid(axial())  # frames of reference are compared apart


# --- each voxel keeps its place ---------------------------------------------------------------------------------------


@given(geometries(), st.data())
def test_crop_keeps_the_place_of_each_voxel(geometry: Geometry, data: st.DataObject) -> None:
    begins = [data.draw(st.integers(0, length - 1)) for length in geometry.shape]
    ends = [data.draw(st.integers(begin + 1, length)) for begin, length in zip(begins, geometry.shape, strict=True)]
    box = tuple(slice(begin, end) for begin, end in zip(begins, ends, strict=True))
    part = geometry.crop(box)  # type: ignore[arg-type]
    assert part.shape == tuple(end - begin for begin, end in zip(begins, ends, strict=True))
    corner = np.array(part.shape) - 1
    assert np.allclose(part.index_to_lps(corner), geometry.index_to_lps(corner + begins), rtol=0, atol=1e-8)
    assert (part.spacing, part.voxel_mm3, part.frame_of_reference_uid) == (
        geometry.spacing, geometry.voxel_mm3, geometry.frame_of_reference_uid,
    )  # fmt: skip


def test_crop_takes_what_an_array_takes_and_refuses_what_leaves_nothing() -> None:
    assert axial().crop((slice(None), slice(-2, None), slice(1, 99))).shape == (3, 2, 4)
    assert Geometry(shape=(3, 4, 5), spacing=(None, 1, 2)).crop((slice(1, 2),) * 3).spacing == (None, 1, 2)
    with pytest.raises(ParameterError, match="0 x 4 x 5 of 3 x 4 x 5"):
        axial().crop((slice(3, None), slice(None), slice(None)))
    with pytest.raises(ParameterError, match="without a step"):
        axial().crop((slice(None, None, 2), slice(None), slice(None)))


@given(geometries(), st.permutations(range(3)), st.lists(st.booleans(), min_size=3, max_size=3))
def test_permute_keeps_the_place_of_each_voxel(geometry: Geometry, axes: list[int], backwards: list[bool]) -> None:
    shape = tuple(min(length, 4) for length in geometry.shape)
    small = Geometry(shape=shape, affine=geometry.affine)  # type: ignore[arg-type]
    places = small.index_to_lps(every_index(shape))
    turned = np.flip(np.transpose(places, (*axes, 3)), tuple(axis for axis in range(3) if backwards[axis]))
    found = small.permute(axes, backwards=backwards)
    assert found.shape == turned.shape[:3]
    assert np.allclose(found.index_to_lps(every_index(found.shape)), turned, rtol=0, atol=1e-9)
    assert found.voxel_mm3 == pytest.approx(small.voxel_mm3, rel=1e-9)


def test_permute_refuses_what_is_no_order() -> None:
    for axes in ((0, 1, 1), (0, 1), (1, 2, 3)):
        with pytest.raises(ParameterError):
            axial().permute(axes)
    assert Geometry(shape=(3, 4, 5), spacing=(None, 1, 2)).permute((2, 0, 1)).spacing == (2, None, 1)


@given(geometries(), st.sampled_from(CODES))
def test_reorient_runs_along_the_axes_asked_for_as_nibabel_names_them(geometry: Geometry, codes: str) -> None:
    found = geometry.reorient(codes)
    assert found.codes == codes
    ras = np.diag([-1.0, -1.0, 1.0, 1.0]) @ found.known_affine[:, [2, 1, 0, 3]]
    if not sheared_or_oblique(geometry):
        assert "".join(NIBABEL.aff2axcodes(ras)) == codes
    axes, backwards = geometry.turn_to(codes)
    assert found == geometry.permute(axes, backwards=backwards)
    assert found.reorient(geometry.codes).same_grid(geometry, tolerance=1e-6)


def sheared_or_oblique(geometry: Geometry) -> bool:
    """True if no axis of the patient is nearest to each, beyond doubt."""
    directions = geometry.known_affine[:3, :3] / np.linalg.norm(geometry.known_affine[:3, :3], axis=0)
    return bool((np.abs(directions).max(axis=0) < 0.8).any())


@pytest.mark.parametrize("codes", ["", "RA", "RAR", "XYZ", "RASL", "LRS"])
def test_reorient_refuses_what_is_no_orientation(codes: str) -> None:
    with pytest.raises(ParameterError, match="no orientation"):
        axial().reorient(codes)


@given(geometries(shear=False), st.data())
def test_simpleitk_places_voxels_and_parts_alike(geometry: Geometry, data: st.DataObject) -> None:
    image = SimpleITK.Image(list(reversed(geometry.shape)), SimpleITK.sitkUInt8)
    columns = geometry.known_affine[:3, [2, 1, 0]]
    sizes = np.linalg.norm(columns, axis=0)
    image.SetSpacing(sizes.tolist())
    image.SetDirection((columns / sizes).reshape(-1).tolist())
    image.SetOrigin(geometry.known_affine[:3, 3].tolist())
    index = [data.draw(st.integers(0, length - 1)) for length in geometry.shape]
    place = image.TransformContinuousIndexToPhysicalPoint([float(one) for one in reversed(index)])
    assert np.allclose(geometry.index_to_lps(index), place, rtol=0, atol=1e-6)
    assert np.allclose(geometry.lps_to_index(place), index, rtol=0, atol=1e-6)
    part = image[index[2] :, index[1] :, index[0] :]
    cropped = geometry.crop((slice(index[0], None), slice(index[1], None), slice(index[2], None)))
    assert np.allclose(cropped.known_affine[:3, 3], part.GetOrigin(), rtol=0, atol=1e-6)
    permuted = SimpleITK.PermuteAxes(image, [1, 2, 0])
    found = geometry.permute((2, 0, 1))  # of (slice, row, column) what 1, 2, 0 is of (column, row, slice)
    assert tuple(reversed(found.shape)) == permuted.GetSize()
    matrix = np.array(permuted.GetDirection()).reshape(3, 3) * permuted.GetSpacing()
    assert np.allclose(found.known_affine[:3, [2, 1, 0]], matrix, rtol=0, atol=1e-6)


@given(geometries(), st.sampled_from(CODES))
def test_nibabel_reorients_alike(geometry: Geometry, codes: str) -> None:
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    shape = tuple(reversed(geometry.shape))
    before = flip @ geometry.known_affine[:, [2, 1, 0, 3]]
    own = NIBABEL.axcodes2ornt(geometry.codes)
    change = NIBABEL.ornt_transform(own, NIBABEL.axcodes2ornt(codes))
    after = before @ NIBABEL.inv_ornt_aff(change, shape)
    found = flip @ geometry.reorient(codes).known_affine[:, [2, 1, 0, 3]]
    assert np.allclose(found, after, rtol=0, atol=1e-6)
