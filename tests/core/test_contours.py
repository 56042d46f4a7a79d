"""Contours: areas, volumes by contour, and masks on grids, against formulas and independent judges."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import grid_points_in_poly

from voxelry.core.contours import Contour, Contours, GeometricType
from voxelry.core.errors import FrameOfReferenceError, GeometryError, ParameterError, UnplacedError
from voxelry.core.geometry import Geometry
from voxelry.core.structure_set import StructureSet

XOR: GeometricType = "CLOSEDPLANAR_XOR"


def grid(
    shape: tuple[int, int, int] = (5, 20, 24), spacing: tuple[float, float, float] = (3.0, 1.0, 1.0), uid: str = ""
) -> Geometry:
    return Geometry(shape=shape, affine=np.diag([0, 0, 0, 1.0]) + _axial(spacing), frame_of_reference_uid=uid)


def _axial(spacing: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = spacing
    return affine


def square(x: float, y: float, side: float, z: float = 0.0) -> list[tuple[float, float, float]]:
    return [(x, y, z), (x + side, y, z), (x + side, y + side, z), (x, y + side, z)]


def circle(radius: float, z: float, points: int = 200, at: tuple[float, float] = (0, 0)) -> npt.NDArray[np.float64]:
    angles = np.arange(points) * 2 * np.pi / points
    return np.stack([at[0] + radius * np.cos(angles), at[1] + radius * np.sin(angles), np.full(points, z)], axis=1)


def closed(*points: npt.ArrayLike, kind: GeometricType = "CLOSED_PLANAR", uid: str = "") -> Contours:
    return Contours(contours=tuple(Contour(np.asarray(one, float), kind) for one in points), frame_of_reference_uid=uid)


# --- one contour ------------------------------------------------------------------------------------------------------


def test_areas_are_signed_by_a_normal_or_not_at_all() -> None:
    contour = Contour(np.array(square(1, 2, 4)))
    assert contour.area_mm2 == 16
    assert contour.signed_area() == 16
    assert contour.signed_area((0, 0, -2)) == -16
    assert contour.signed_area((1, 0, 0)) == 0
    assert Contour(contour.points[::-1]).signed_area() == -16
    assert Contour(contour.points[::-1]).area_mm2 == 16
    with pytest.raises(ParameterError):
        contour.signed_area((0, 0, 0))


@settings(max_examples=50, deadline=None)
@given(st.floats(1, 80), st.floats(1, 80), st.integers(3, 300), st.floats(-500, 500), st.integers(0, 2**32))
def test_ellipses_in_any_plane_have_their_area(a: float, b: float, points: int, away: float, seed: int) -> None:
    angles = np.arange(points) * 2 * np.pi / points
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    flat = np.stack([a * np.cos(angles), b * np.sin(angles), np.zeros(points)], axis=1)
    contour = Contour(flat @ turn.T + away)
    wanted = points / 2 * math.sin(2 * math.pi / points) * a * b
    assert contour.area_mm2 == pytest.approx(wanted, rel=1e-9)
    assert contour.signed_area(turn[:, 2] * np.linalg.det(turn)) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(
    ("points", "kind", "words"),
    [
        ([(0, 0, 0), (1, 1, 0)], "CLOSED_PLANAR", "2 different points"),
        ([(0, 0, 0), (1, 1, 0), (0, 0, 0), (1, 1, 0)], "CLOSED_PLANAR", "2 different points"),
        ([(0, 0, 0), (1, 1, 0), (float("nan"), 0, 0)], "CLOSED_PLANAR", "not finite"),
        ([(0, 0, 0), (1, float("inf"), 0), (1, 0, 0)], "CLOSED_PLANAR", "not finite"),
        ([(0, 0), (1, 1), (0, 1)], "CLOSED_PLANAR", "shape"),
        ([], "CLOSED_PLANAR", "shape"),
        ([("a", "b", "c")], "CLOSED_PLANAR", "numbers"),
        ([(0, 0, 0)], "OPEN_PLANAR", "1 different points"),
        ([(0, 0, 0), (1, 1, 1)], "POINT", "POINT"),
    ],
)
def test_points_that_make_no_contour_are_refused(points: list[object], kind: GeometricType, words: str) -> None:
    with pytest.raises(GeometryError, match=words):
        Contour(points, kind)  # type: ignore[arg-type]


def test_a_type_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ParameterError, match="OPEN_NONPLANAR"):
        Contour(np.array(square(0, 0, 1)), "ROUND")  # type: ignore[arg-type]


def test_points_are_copied_and_read_only() -> None:
    points = np.array(square(0, 0, 2))
    contour = Contour(points)
    points[0] = 99
    assert contour.area_mm2 == 4
    with pytest.raises(ValueError, match="read-only"):
        contour.points[0, 0] = 1


def test_repeated_points_and_a_closing_point_change_nothing() -> None:
    points = square(2, 3, 5)
    again = [points[0], points[0], *points[1:], points[3], points[0]]
    for one in (points, again):
        found = closed(one)
        assert found.contours[0].area_mm2 == 25
        assert int(found.mask(grid()).mask.sum()) == 36


# --- the volume by contour --------------------------------------------------------------------------------------------


def test_the_volume_is_the_sum_of_areas_times_the_step() -> None:
    radii = [5, 8, 6]
    found = closed(*(circle(r, 2.5 * k, 100) for k, r in enumerate(radii))).volume()
    wanted = sum(50 * math.sin(2 * math.pi / 100) * r * r for r in radii) * 2.5
    assert found.mm3 == pytest.approx(wanted)
    assert found.step_mm == pytest.approx(2.5)
    assert found.offsets_mm == pytest.approx((0, 2.5, 5))
    assert not found.warnings
    assert not found.missing_mm


def test_missing_planes_are_told_and_not_made_up() -> None:
    found = closed(*(square(0, 0, 2, z) for z in (0, 3, 6, 15, 18))).volume()
    assert found.mm3 == pytest.approx(5 * 4 * 3)
    assert found.missing_mm == pytest.approx((9, 12))
    assert any(
        "2 planes between others have no contour" in one and "9.00 mm, 12.00 mm" in one for one in found.warnings
    )


def test_uneven_planes_have_no_volume_and_say_why() -> None:
    found = closed(*(square(0, 0, 2, z) for z in (0, 3, 6, 10))).volume()
    assert found.mm3 is None
    assert any("not evenly spaced" in one and "4.00 mm from 6.00 mm" in one for one in found.warnings)
    near = closed(*(square(0, 0, 2, z) for z in (0, 3, 3.05, 6))).volume()
    assert near.mm3 is None


def test_positions_of_few_digits_are_even() -> None:
    found = closed(*(square(0, 0, 2, round(k * 0.625, 1)) for k in range(9))).volume()
    assert found.step_mm == pytest.approx(0.625)
    assert any("off even places" in one for one in found.warnings)
    assert closed(*(square(0, 0, 2, round(k * 3.27, 2)) for k in range(9))).volume().mm3 == pytest.approx(9 * 4 * 3.27)


def test_one_plane_has_a_volume_only_where_its_thickness_is_known() -> None:
    one = closed(square(0, 0, 2))
    assert one.volume().mm3 is None
    assert any("one plane" in words for words in one.volume().warnings)
    assert one.volume(step=3).mm3 == 12
    slab = Contours(contours=(Contour(np.array(square(0, 0, 2)), slab_thickness=2.5),)).volume()
    assert slab.mm3 == 10
    assert any("Slab" in words for words in slab.notes)
    with pytest.raises(ParameterError):
        one.volume(step=0)


def test_planes_of_any_direction_are_planes() -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(7).normal(size=(3, 3)))
    points = [np.round(circle(20, 3 * k, 80) @ turn.T + [100, -50, 7], 3) for k in range(4)]
    found = closed(*points).volume()
    assert found.mm3 == pytest.approx(4 * 40 * math.sin(2 * math.pi / 80) * 400 * 3, rel=1e-4)
    assert found.normal is not None
    assert abs(float(found.normal @ turn[:, 2])) == pytest.approx(1, abs=1e-6)


def test_contours_of_two_directions_have_no_volume_by_contour() -> None:
    sagittal = [(3.0, y, z) for y, z in ((0, 0), (4, 0), (4, 4), (0, 4))]
    found = closed(square(0, 0, 9), square(0, 0, 9, 3), sagittal)
    assert found.volume().mm3 is None
    assert any("2 orientations" in one for one in found.volume().warnings)


def test_open_contours_and_points_have_no_volume() -> None:
    flat, bent = np.array(square(0, 0, 4)), np.array([(0, 0, 0), (1, 2, 3), (5, 4, 3)], float)
    found = Contours(
        contours=(Contour(flat, "OPEN_PLANAR"), Contour(bent, "OPEN_NONPLANAR"), Contour(bent[:1], "POINT"))
    )
    volume, mask = found.volume(), found.mask(grid())
    assert volume.mm3 is None
    assert not mask.mask.any()
    assert len(volume.notes) == len(mask.notes) == 3
    assert all(contour.area_mm2 == 0 for contour in found.contours)


def test_bent_and_empty_contours_are_told_and_left_out() -> None:
    bent = [(0, 0, 0), (9, 0, 0), (9, 9, 5), (0, 9, 0)]
    line = [(0, 0, 0), (4, 0, 0), (8, 0, 0)]
    found = closed(square(0, 0, 4), square(0, 0, 4, 3), bent, line)
    assert found.volume().mm3 == pytest.approx(96)
    assert sum("left out" in one for one in found.volume().warnings) == 2
    assert closed(line).volume().mm3 == 0
    assert closed(line).contours[0].area_mm2 == 0
    with pytest.raises(GeometryError, match="plane"):
        _ = closed(bent).contours[0].area_mm2


# --- contours of one plane --------------------------------------------------------------------------------------------


def test_a_nested_contour_is_a_hole_and_an_island_in_it_is_not() -> None:
    found = closed(square(1, 1, 16), square(4, 4, 10), square(7, 7, 4), square(8, 8, 2))
    volume, mask = found.volume(step=1), found.mask(grid())
    assert volume.mm3 == 256 - 100 + 16 - 4
    assert any("3 contours lie inside another" in one for one in volume.notes)
    assert not volume.warnings
    held = mask.mask[0]
    assert held[2, 2]
    assert held[4, 4]  # the line of a hole, as that of a keyhole
    assert not held[5, 5]
    assert held[7, 7]
    assert not held[9, 9]
    assert int(held.sum()) == 17 * 17 - 9 * 9 + 5 * 5 - 1


def test_partly_overlapping_contours_are_a_union_with_a_warning() -> None:
    found = closed(square(0, 0, 6), square(3, 3, 6), square(12, 12, 3))
    volume, mask = found.volume(step=1), found.mask(grid())
    assert volume.mm3 == pytest.approx(36 + 36 - 9 + 9)
    assert any("2 contours partly overlap" in one and "union" in one for one in volume.warnings)
    assert any("union" in one for one in mask.warnings)
    wanted = np.zeros((20, 24), bool)
    wanted[0:7, 0:7] = wanted[3:10, 3:10] = wanted[12:16, 12:16] = True
    np.testing.assert_array_equal(mask.mask[0], wanted)


def test_a_hole_of_two_overlapping_contours_stays_a_hole() -> None:
    found = closed(square(0, 0, 10), square(5, 0, 10), square(6, 3, 3))
    assert found.volume(step=1).mm3 == pytest.approx(150 - 9)
    assert not found.mask(grid()).mask[0, 4, 7]


def test_a_repeated_contour_counts_once() -> None:
    found = closed(square(0, 0, 4), square(0, 0, 4)[::-1])
    assert found.volume(step=1).mm3 == 16
    assert any("repeats another" in one for one in found.volume(step=1).warnings)
    assert int(found.mask(grid()).mask.sum()) == 25


def test_neighbours_that_touch_are_no_holes_and_no_overlap() -> None:
    found = closed(square(0, 0, 4), square(4, 0, 4), square(1, 4, 2))
    assert found.volume(step=1).mm3 == 36
    assert not found.volume(step=1).warnings
    assert not found.volume(step=1).notes[1:]


def test_exclusive_or_is_an_exclusive_or() -> None:
    parts = [square(1, 1, 10), square(3, 3, 4), square(8, 8, 7)]
    found = closed(*parts, kind=XOR)
    masks = [closed(one).mask(grid()).mask for one in parts]
    np.testing.assert_array_equal(found.mask(grid()).mask, masks[0] ^ masks[1] ^ masks[2])
    assert found.volume(step=2).mm3 == pytest.approx(2 * (100 - 16 + 49 - 2 * 9))
    assert not found.volume(step=2).warnings


def test_both_types_in_one_plane_are_told() -> None:
    found = Contours(
        contours=(Contour(np.array(square(0, 0, 4))), Contour(np.array(square(1, 1, 2)), XOR)), name="both"
    )
    assert any("CLOSEDPLANAR_XOR" in one for one in found.volume(step=1).warnings)
    assert found.volume(step=1).mm3 == 16


def test_a_contour_that_crosses_itself_is_told_and_counts_what_is_enclosed_once() -> None:
    found = closed([(0, 0, 0), (10, 10, 0), (10, 0, 0), (0, 10, 0)])
    assert found.volume(step=1).mm3 == pytest.approx(50)
    assert found.contours[0].signed_area() == 0
    assert any("crosses itself" in one for one in found.volume(step=1).warnings)


@pytest.mark.parametrize("width", [0.0, 0.02])
def test_a_keyhole_is_a_ring(width: float) -> None:
    outer = [(x, y, 0.0) for x, y in ((6, 0), (12, 0), (12, 12), (0, 12), (0, 0), (6 - width, 0))]
    inner = [(x, y, 0.0) for x, y in ((6 - width, 4), (4, 4), (4, 8), (8, 8), (8, 4), (6, 4))]
    found = closed([*outer, *inner])
    mask = found.mask(grid())
    assert found.volume(step=1).mm3 == pytest.approx(144 - 16 - 4 * width)
    assert not found.volume(step=1).warnings
    assert not mask.mask[0, 6, 6]
    assert mask.mask[0, 2, 6]
    assert int(mask.mask.sum()) == 13 * 13 - 3 * 3


# --- masks on grids ---------------------------------------------------------------------------------------------------

halves = st.integers(-8, 60).map(lambda number: number / 2)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(halves, halves), min_size=3, max_size=9, unique=True), st.integers(0, 4))
def test_masks_are_those_of_scikit_image_and_the_line(points: Sequence[tuple[float, float]], index: int) -> None:
    path = np.array([(x, y, 3.0 * index) for x, y in points])
    found = closed(path)
    if not found.planes.stacks:
        return
    mask = found.mask(grid()).mask
    judge = grid_points_in_poly((20, 24), path[:, 1::-1])
    assert not np.delete(mask, index, axis=0).any()
    extra = np.argwhere(mask[index] != judge)
    for row, column in extra:  # which judge and mask see otherwise: on the line, where the judge takes some
        assert mask[index, row, column]
        assert _distance((column, row), path[:, :2]) == pytest.approx(0, abs=1e-9)


def _distance(at: tuple[float, float], path: npt.NDArray[np.float64]) -> float:
    ends = np.roll(path, -1, axis=0)
    step, away = ends - path, np.array(at) - path
    part = np.clip((away * step).sum(axis=1) / np.maximum((step**2).sum(axis=1), 1e-300), 0, 1)
    return float(np.linalg.norm(away - part[:, None] * step, axis=1).min())


def test_masks_and_contours_have_the_same_volume() -> None:
    contours = closed(*(circle(math.sqrt(max(0.01, 900 - z * z)), z, 300, (40, 40)) for z in np.arange(-27, 28, 3.0)))
    spacing = (3.0, 0.5, 0.5)
    geometry = Geometry(shape=(25, 170, 170), affine=_axial(spacing) + _at(0, 0, -36))
    by_mask, by_contour = contours.mask(geometry), contours.volume()
    assert by_contour.mm3 is not None
    assert by_mask.mm3 == pytest.approx(by_contour.mm3, rel=0.002)
    assert by_contour.mm3 == pytest.approx(4 / 3 * math.pi * 27000, rel=0.01)
    assert not by_mask.warnings


def _at(x: float, y: float, z: float) -> npt.NDArray[np.float64]:
    moved = np.zeros((4, 4))
    moved[:, 3] = x, y, z, 1
    return moved


@pytest.mark.parametrize("axes", [(0, 1, 2), (1, 0, 2), (2, 1, 0), (2, 0, 1)])
def test_contours_may_lie_in_planes_of_rows_or_columns(axes: tuple[int, int, int]) -> None:
    contours = closed(circle(6, 3, at=(11, 9)), circle(4, 6, at=(11, 9)))
    plain = grid()
    wanted = contours.mask(plain).mask
    found = contours.mask(plain.permute(axes, backwards=(True, False, True)))
    np.testing.assert_array_equal(np.flip(wanted.transpose(axes), (0, 2)), found.mask)
    assert bool(found.notes) == (axes[0] != 0)


def test_contours_between_slices_go_to_the_nearest_one_and_say_so() -> None:
    found = closed(square(2, 2, 4, 4.0)).mask(grid())
    assert found.mask[1].any()
    assert int(found.mask.sum()) == 25
    assert any("between planes of the grid" in one and "0.33" in one for one in found.warnings)
    exact = closed(square(2, 2, 4, 3.02)).mask(grid())
    assert not exact.warnings


def test_contours_outside_the_grid_are_told() -> None:
    found = closed(square(2, 2, 4, 0), square(2, 2, 4, -3.0), square(2, 2, 4, 30)).mask(grid())
    assert int(found.mask.sum()) == 25
    assert any("2 planes of contours (at -3.00 mm, 30.00 mm" in one and "outside" in one for one in found.warnings)
    part = closed(square(-5, 2, 10)).mask(grid())
    assert int(part.mask.sum()) == 11 * 6
    assert any("reach beyond the grid" in one for one in part.warnings)


def test_planes_finer_than_the_grid_leave_the_nearest() -> None:
    found = closed(*(square(2, 2, side, z) for side, z in ((3, 2), (5, 3), (7, 4)))).mask(grid())
    assert int(found.mask.sum()) == 36
    assert any("that another is nearer to" in one for one in found.warnings)


def test_slices_between_contours_stay_empty_and_are_told() -> None:
    found = closed(square(2, 2, 4, 0), square(2, 2, 4, 6)).mask(grid())
    assert not found.mask[1].any()
    assert any("have no contour, and are empty (index 1)" in one for one in found.warnings)


def test_oblique_contours_are_refused() -> None:
    tilted = np.array(square(2, 2, 8))
    tilted[:, 2] = tilted[:, 0] * 0.3
    with pytest.raises(GeometryError, match="oblique"):
        closed(tilted).mask(grid())
    some = closed(tilted, square(2, 2, 4)).mask(grid())
    assert int(some.mask.sum()) == 25
    assert any("oblique" in one for one in some.warnings)


def test_a_sheared_grid_is_met_along_the_normal() -> None:
    affine = _axial((3.0, 1.0, 1.0)) + _at(0, 0, 0)
    affine[1, 0] = 2.0  # each slice lies two rows further
    geometry = Geometry(shape=(4, 30, 24), affine=affine)
    found = closed(square(5, 8, 4, 3.0), square(5, 8, 4, 6.5)).mask(geometry)
    for index in (1, 2):
        places = geometry.index_to_lps(np.argwhere(found.mask[index]) @ np.eye(2, 3, 1) + [index, 0, 0])
        assert places[:, :2].min(axis=0).tolist() == [5, 8]
        assert places[:, :2].max(axis=0).tolist() == [9, 12]
        assert len(places) == 25


def test_an_oblique_grid_holds_contours_that_were_drawn_on_it() -> None:
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([2.5, 0.7, 0.9])
    affine[:3, 3] = -120, 33, 250
    geometry = Geometry(shape=(6, 40, 50), affine=affine)
    index = [[(k, 5 + k, 6), (k, 30, 6), (k, 30, 44 - k), (k, 5 + k, 44 - k)] for k in range(1, 4)]
    found = closed(*(geometry.index_to_lps(one) for one in index))
    mask = found.mask(geometry)
    wanted = np.zeros(geometry.shape, bool)
    for k in range(1, 4):
        wanted[k, 5 + k : 31, 6 : 45 - k] = True  # every corner lies on a voxel's centre: the lines belong
    np.testing.assert_array_equal(mask.mask, wanted)
    assert not mask.warnings
    assert found.volume().step_mm == pytest.approx(2.5)


def test_frames_of_reference_and_places_are_asked_for() -> None:
    found = closed(square(2, 2, 4), uid="1.2.3")
    other = grid(uid="1.2.4")
    with pytest.raises(FrameOfReferenceError, match="another frame of reference"):
        found.mask(other)
    assert found.mask(other, same_frame_of_reference=True).mask.any()
    assert found.mask(grid(uid="1.2.3")).mask.any()
    assert found.mask(grid()).mask.any()
    with pytest.raises(UnplacedError):
        found.mask(Geometry(shape=(2, 3, 4), spacing=(1, 1, 1)))


def test_hundreds_of_contours_take_well_under_a_second() -> None:
    rng = np.random.default_rng(1)
    contours = []
    for k in range(300):
        points = circle(150, 1.0 * k, 500, (256, 256))
        points[:, :2] += rng.normal(scale=0.3, size=(500, 2))
        contours.append(points)
    found = closed(*contours)
    geometry = grid((300, 512, 512), (1.0, 1.0, 1.0))
    begin = time.process_time()  # which does not depend on who else uses the machine
    mask = found.mask(geometry)
    seconds = time.process_time() - begin
    assert mask.mm3 == pytest.approx(math.pi * 150**2 * 300, rel=0.001)
    assert seconds < 2  # 0.45 s as a rule


def test_a_million_points_are_measured() -> None:
    """Edges of half a micrometre; only those that lie beside each other are compared."""
    angle = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    points = np.column_stack([70 * np.cos(angle), 70 * np.sin(angle), np.full(len(angle), 4.0)])
    found = Contours(contours=(Contour(points),)).volume(step=2.0)
    assert found.mm3 == pytest.approx(np.pi * 70**2 * 2, rel=1e-9)
    assert found.warnings == ()


def test_a_tangle_spoils_no_other_structure() -> None:
    random = np.random.default_rng(18)
    tangle = np.column_stack([random.uniform(0, 50, (20_000, 2)), np.full(20_000, 1.0)])
    ring = [(0, 0, 1), (4, 0, 1), (4, 4, 1), (0, 4, 1)]
    structures = (
        Contours(contours=(Contour(tangle),), name="tangle", number=1),
        Contours(contours=(Contour(np.array(ring, float)),), name="ring", number=2),
    )
    affine = [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]
    grid = Geometry(shape=(3, 10, 10), affine=np.array(affine, float))
    tangled, round_one = StructureSet(structures=structures, geometry=grid).rows()
    assert tangled["contour_mm3"] is None
    assert "tangle that cannot be measured" in str(tangled["warnings"])
    assert round_one["mask_voxels"] == 25
    assert round_one["contour_mm3"] == 16
