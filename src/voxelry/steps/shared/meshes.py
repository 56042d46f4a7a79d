"""Surface meshes of masks, and their files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxelry.core.placed_masks import box_of
from voxelry.steps.shared.mask_grids import Floats, Mask


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """A closed surface.

    Attributes
    ----------
    vertices
        Shape ``(n, 3)``, LPS mm.
    triangles
        Indices of vertices, shape ``(m, 3)``, counter-clockwise seen from outside.
    """

    vertices: Floats
    triangles: npt.NDArray[np.int32]

    @property
    def mm3(self) -> float:
        """The enclosed volume, by the divergence theorem; positive because triangles face outward."""
        a, b, c = (self.vertices[self.triangles[:, corner]] - self.vertices.mean(axis=0) for corner in range(3))
        return float((a * np.cross(b, c)).sum() / 6)

    @property
    def mm2(self) -> float:
        """The area of all triangles."""
        a, b, c = (self.vertices[self.triangles[:, corner]] for corner in range(3))
        return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def mesh_of(mask: Mask, affine: Floats, *, smooth_mm: float = 0.0) -> Mesh | None:
    """Marching cubes around a mask (Lewiner et al. 2003); None if it is empty.

    Parameters
    ----------
    mask
        Shape ``(slice, row, column)``; the surface is closed where the array ends.
    affine
        From index to LPS mm, right- or left-handed; it may be sheared.
    smooth_mm
        Standard deviation of a Gaussian, in mm along each index axis, that removes the steps of voxels, and fine
        structure too.
    """
    from scipy import ndimage
    from skimage import measure

    box = box_of(mask)
    if box is None:
        return None
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    # A margin of one voxel is enough, blurred or not: less than half of a Gaussian reaches into it from the box.
    solid = np.pad(mask[box].astype(np.float32), 1)
    if smooth_mm:
        solid = ndimage.gaussian_filter(solid, smooth_mm / lengths, mode="constant")
        if solid.max() <= 0.5:  # The mask is thinner than the Gaussian: nothing would be left.
            solid = np.pad(mask[box].astype(np.float32), 1)
    vertices, triangles, *_ = measure.marching_cubes(solid, 0.5)
    index = vertices.astype(np.float64) - 1 + [axis.start for axis in box]
    found = Mesh(index @ affine[:3, :3].T + affine[:3, 3], triangles.astype(np.int32))
    return found if found.mm3 >= 0 else Mesh(found.vertices, np.ascontiguousarray(found.triangles[:, ::-1]))


def as_stl(mesh: Mesh) -> bytes:
    """Encode binary STL; the header names the space, which 3D Slicer reads."""
    corners = mesh.vertices[mesh.triangles].astype("<f4")
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    facets = np.zeros(len(corners), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    facets["normal"] = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    facets["corners"] = corners
    header = b"Voxelry surface, mm; SPACE=LPS".ljust(80)
    return header + len(facets).to_bytes(4, "little") + facets.tobytes()


def joined_meshes(meshes: Sequence[Mesh]) -> Mesh:
    """Several surfaces as one mesh; they do not touch."""
    begins = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    triangles = [mesh.triangles + np.int32(begin) for mesh, begin in zip(meshes, begins.tolist(), strict=True)]
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(triangles))


def as_ply(mesh: Mesh, colours: npt.NDArray[np.uint8] | None = None) -> bytes:
    """Encode binary little-endian PLY with shared vertices.

    Parameters
    ----------
    colours
        RGB of each vertex, shape ``(n, 3)``; None for none.
    """
    shades = "".join(f"property uchar {name}\n" for name in ("red", "green", "blue")) if colours is not None else ""
    header = (
        "ply\nformat binary_little_endian 1.0\ncomment Voxelry surface, mm; SPACE=LPS\n"
        f"element vertex {len(mesh.vertices)}\nproperty float x\nproperty float y\nproperty float z\n{shades}"
        f"element face {len(mesh.triangles)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    vertices = np.zeros(len(mesh.vertices), [("place", "<f4", 3), *([("colour", "u1", 3)] if shades else [])])
    vertices["place"] = mesh.vertices
    if colours is not None:
        vertices["colour"] = colours
    faces = np.zeros(len(mesh.triangles), [("count", "u1"), ("vertices", "<i4", 3)])
    faces["count"], faces["vertices"] = 3, mesh.triangles
    return header.encode("ascii") + vertices.tobytes() + faces.tobytes()
