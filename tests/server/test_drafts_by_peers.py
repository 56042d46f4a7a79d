"""What is drawn on oblique, tilted and anisotropic grids is read back by other programs: the same voxels there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom
import nibabel
import numpy as np
import pytest
import SimpleITK

import voxelry
from tests.server.drafts import original, saved, segment
from tests.server.test_segmentations import labels_of
from voxelry.server.jobs import isolated
from voxelry.testing import AXIAL, CORONAL, OBLIQUE, synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

GRIDS: dict[str, dict[str, Any]] = {
    "oblique": {"orientation": OBLIQUE, "shuffled": True},
    "anisotropic": {"orientation": CORONAL, "spacing": (7.5, 0.4, 1.3), "rows": 15, "columns": 21, "slices": 7},
    "tilted": {"orientation": AXIAL, "shear": (0.0, 0.6, 0.0)},
}


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("overlapping", [False, True])
def test_other_programs_find_each_voxel_in_its_place(
    site: Any,
    do_jobs: Callable[[], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    grid: str,
    overlapping: bool,
) -> None:
    monkeypatch.setattr(isolated, "IN_PROCESS", True)
    (key,) = site.upload(synthetic_series(tmp_path / "s", **GRIDS[grid]).paths)["series"]
    volume = voxelry.load_volume(tmp_path / "s")
    random = np.random.default_rng(5)
    shape = volume.array.shape
    maps = [random.integers(0, 3, shape, np.uint8) * np.uint8(40)]
    segments = [segment(3, value=40), segment(9, value=80)]
    if overlapping:
        maps.append((random.random(shape) > 0.7).astype(np.uint8))
        segments.append(segment(4, layer=1, value=1))
    told, _ = saved(site, do_jobs, maps, series=key, segments=segments)
    path = original(told["id"], tmp_path / "seg.dcm")
    masks = {one["label"]: maps[one["layer"]] == one["value"] for one in segments}

    # The library, and the site: the image's own grid.
    read = voxelry.load_segmentation(path, images=tmp_path / "s")
    np.testing.assert_allclose(read.geometry.known_affine, volume.geometry.known_affine, atol=1e-6)
    served = [labels_of(site, told, layer=layer) for layer in range(told["layers"])]
    for one in told["segments"]:
        np.testing.assert_array_equal(read.mask(one["label"]), masks[one["label"]])
        np.testing.assert_array_equal(served[one["layer"]] == one["value"], masks[one["label"]])

    # highdicom, by the geometry that it finds itself; it takes no tilted slices for a volume, but for frames.
    segmentation = highdicom.seg.segread(path)
    if grid == "tilted":
        uids = list(volume.instance_uids)
        planes = segmentation.get_pixels_by_source_instance(uids, skip_overlap_checks=True)
        values = np.moveaxis(planes, -1, 0)
    else:
        found = segmentation.get_volume(skip_overlap_checks=True).match_geometry(
            highdicom.VolumeGeometry(volume.geometry.known_affine, shape, "PATIENT")
        )
        values = np.moveaxis(found.array, -1, 0)
    for number, array in zip(segmentation.segment_numbers, values, strict=True):
        label = segmentation.get_segment_description(number).segment_label
        np.testing.assert_array_equal(array, masks[label])

    # SimpleITK and nibabel, from the formats that these read: voxel by voxel at LPS millimetres.
    places = volume.geometry.index_to_lps(np.argwhere(np.ones(shape, bool)))
    for number, label in enumerate(masks):
        one = voxelry.Segmentation(
            masks=[read.mask(label)], segments=[voxelry.Segment(number=1, label=label)], source=read.source
        )
        voxelry.save(one, tmp_path / f"{number}.nii.gz")
        image: Any = nibabel.load(tmp_path / f"{number}.nii.gz")
        inverse = np.linalg.inv(np.diag([-1, -1, 1, 1]) @ image.affine)
        at = np.rint(places @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)
        np.testing.assert_array_equal(np.asarray(image.dataobj)[tuple(at.T)] == 1, masks[label].ravel())
        if grid != "tilted":  # it knows no sheared grid
            itk = SimpleITK.ReadImage(str(tmp_path / f"{number}.nii.gz"))
            array = SimpleITK.GetArrayFromImage(itk)
            index = np.array([itk.TransformPhysicalPointToIndex(place) for place in places.tolist()])
            np.testing.assert_array_equal(array[tuple(index[:, ::-1].T)] == 1, masks[label].ravel())
