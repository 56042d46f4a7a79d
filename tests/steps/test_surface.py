"""Surfaces: analytic bodies judge volume and area, the files are read again by their formats' rules."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage import measure

from voxelry.core.errors import UnplacedError
from voxelry.core.volume import Volume
from voxelry.steps.shared.meshes import Mesh, mesh_of
from voxelry.steps.surface import STEP
from voxelry.testing.steps import PLACES, StepTests
from voxelry.testing.volumes import affines, placed

SHAPE = (40, 44, 48)


class TestSurface(StepTests):
    step = STEP
    examples = ({}, {"format": "stl", "smooth": 1.0}, {"format": "ply", "method": "multi_otsu"})
    needs = "affine"


def ball(affine: npt.NDArray[np.float64], radius: float) -> npt.NDArray[np.bool_]:
    index = np.stack(np.meshgrid(*(np.arange(size) for size in SHAPE), indexing="ij"), axis=-1)
    centred = (index - (np.array(SHAPE) - 1) / 2) @ affine[:3, :3].T
    return np.asarray(np.linalg.norm(centred, axis=-1) <= radius)


@pytest.mark.parametrize("place", PLACES)
def test_a_ball_has_the_volume_of_a_ball_and_looks_outward(place: str) -> None:
    affine = PLACES[place].copy()
    affine[:3, 0] *= 0.5
    mask = ball(affine, 10.0)
    for smooth, error, area_error in ((0.0, 0.03, 0.15), (1.0, 0.05, 0.04)):
        mesh = mesh_of(mask, affine, smooth_mm=smooth)
        assert mesh is not None
        assert mesh.mm3 == pytest.approx(4 / 3 * np.pi * 1000, rel=error)
        assert mesh.mm2 == pytest.approx(4 * np.pi * 100, rel=area_error)
        middle = (np.array(SHAPE) - 1) / 2 @ affine[:3, :3].T + affine[:3, 3]
        assert np.linalg.norm(mesh.vertices - middle, axis=1) == pytest.approx(10.0, abs=1.5)
        corners = mesh.vertices[mesh.triangles]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        outward = ((corners.mean(axis=1) - middle) * normals).sum(axis=1)
        assert (outward > 0).mean() > 0.99


@settings(max_examples=50)
@given(hnp.arrays(np.bool_, st.tuples(*[st.integers(1, 5)] * 3)), affines())
def test_every_mesh_is_closed_and_positive(mask: npt.NDArray[np.bool_], affine: npt.NDArray[np.float64]) -> None:
    mesh = mesh_of(mask, affine)
    assert (mesh is None) == (not mask.any())
    if mesh is None:
        return
    edges = np.concatenate([mesh.triangles[:, [0, 1]], mesh.triangles[:, [1, 2]], mesh.triangles[:, [2, 0]]])
    forth, counts = np.unique(edges, axis=0, return_counts=True)
    back, back_counts = np.unique(edges[:, ::-1], axis=0, return_counts=True)
    np.testing.assert_array_equal(forth, back)  # each edge is walked both ways: no hole, one orientation
    np.testing.assert_array_equal(counts, back_counts)
    assert 0 < mesh.mm3 <= mask.sum() * abs(np.linalg.det(affine)) * (1 + 1e-6)


def _stl(content: bytes) -> npt.NDArray[np.float32]:
    count = int.from_bytes(content[80:84], "little")
    kind = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    assert len(content) == 84 + 50 * count
    return np.frombuffer(content, kind, offset=84)["corners"]


def _ply(content: bytes) -> Mesh:
    header, _, rest = content.partition(b"end_header\n")
    counts = [int(line.split()[2]) for line in header.decode().splitlines() if line.startswith("element")]
    vertices = np.frombuffer(rest, "<f4", 3 * counts[0]).reshape(-1, 3)
    faces = np.frombuffer(rest, [("count", "u1"), ("vertices", "<i4", 3)], counts[1], offset=vertices.nbytes)
    assert (faces["count"] == 3).all()
    assert vertices.nbytes + faces.nbytes == len(rest)
    return Mesh(vertices.astype(np.float64), faces["vertices"])


def test_both_files_hold_the_same_triangles_in_lps() -> None:
    affine = PLACES["oblique"]
    result = STEP.run(placed(ball(affine, 9.0).astype(np.uint8), affine), {"method": "labels"})
    assert sorted(result.files) == ["surface-1.ply", "surface-1.stl"]
    mesh = _ply(result.files["surface-1.ply"])
    np.testing.assert_array_equal(_stl(result.files["surface-1.stl"]), mesh.vertices[mesh.triangles].astype("<f4"))
    (row,) = result.rows
    assert (row["vertices"], row["triangles"]) == (len(mesh.vertices), len(mesh.triangles))
    assert mesh.mm3 == pytest.approx(row["mm3"], rel=1e-4)
    assert b"SPACE=LPS" in result.files["surface-1.stl"][:80]


def test_simpleitk_finds_the_surface_where_the_mask_ends() -> None:
    mask = np.zeros((9, 9, 9), np.uint8)
    mask[4, 4, 4] = 1
    mesh = mesh_of(mask > 0, np.diag([2.0, 1.0, 1.0, 1.0]) + np.eye(4, k=3) * 5)
    assert mesh is not None
    np.testing.assert_allclose(mesh.vertices.mean(axis=0), [8.0 + 5.0, 4.0, 4.0], atol=1e-6)


def test_an_empty_mask_has_no_surface_and_no_place_no_millimetres() -> None:
    result = STEP.run(placed(np.zeros((2, 3, 4), np.uint8)), {"method": "labels"})
    assert not result.files
    assert "has no surface" in " ".join(result.warnings)
    with pytest.raises(UnplacedError, match="no place in the patient"):
        STEP.run(Volume(array=np.ones((2, 3, 4), np.uint8), spacing=(1.0, 1.0, 1.0)), {"method": "labels"})


def test_smoothing_far_beyond_the_mask_needs_no_room_around_it() -> None:
    """A box of voxels as large as the Gaussian reaches once had 24 GB; what is found is the same without it."""
    affine = np.diag([0.1, 0.1, 0.1, 1.0])
    mask = np.zeros((8, 60, 70), np.bool_)
    mask[:, 5:50, 5:60] = True
    mesh = mesh_of(mask, affine, smooth_mm=20.0)
    assert mesh is not None  # as sharp as without the Gaussian, of which nothing would be left
    found = mesh_of(mask, affine, smooth_mm=0.4)
    wide = [int(np.ceil(4 * 0.4 / 0.1)) + 1] * 3
    blurred = ndimage.gaussian_filter(np.pad(mask.astype(np.float32), [(one, one) for one in wide]), 4.0)
    assert found is not None
    vertices, *_ = measure.marching_cubes(blurred, 0.5)
    wanted = (vertices - wide) * 0.1
    assert len(found.vertices) == len(vertices)
    np.testing.assert_allclose(found.vertices.min(axis=0), wanted.min(axis=0), atol=1e-5)
    np.testing.assert_allclose(found.vertices.max(axis=0), wanted.max(axis=0), atol=1e-5)
