"""Volumes drawn in a notebook."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

import voxelry
from voxelry.testing.volumes import placed, voxels

VOLUME = placed(voxels((6, 20, 30), "int16"))
BLOCK = np.zeros(VOLUME.shape, bool)
BLOCK[1:4, 5:10, 6:16] = True


@pytest.fixture(autouse=True)
def _without_a_screen() -> Iterator[None]:
    mpl.use("agg")
    yield
    plt.close("all")


def titles(figure: Figure) -> list[str]:
    return [axes.get_title() for axes in figure.axes]


def outlines(axes: Any) -> list[np.ndarray]:
    return [np.vstack([path.vertices for path in one.get_paths() if len(path.vertices)]) for one in axes.collections]


def test_three_planes_through_the_middle_in_their_proportions() -> None:
    figure = voxelry.show(VOLUME)
    assert titles(figure) == ["axial 3 of 6", "coronal 10 of 20", "sagittal 15 of 30"]
    shapes = [axes.get_images()[0].get_array().shape for axes in figure.axes]  # type: ignore[union-attr]
    assert shapes == [(20, 30), (6, 30), (6, 20)]
    slice_mm, row_mm, column_mm = (one or 0 for one in VOLUME.spacing)
    wanted = [row_mm / column_mm, slice_mm / column_mm, slice_mm / row_mm]
    assert [axes.get_aspect() for axes in figure.axes] == pytest.approx(wanted)
    figure.draw_without_rendering()


def test_an_outline_runs_round_the_mask() -> None:
    figure = voxelry.show(VOLUME, BLOCK)
    assert titles(figure) == ["axial 2 of 6", "coronal 7 of 20", "sagittal 10 of 30"]
    (line,) = outlines(figure.axes[0])
    np.testing.assert_allclose(line.min(0), [5.5, 4.5], atol=0.1)  # column, row
    np.testing.assert_allclose(line.max(0), [15.5, 9.5], atol=0.1)


def test_segments_have_their_colours_and_names() -> None:
    labels = BLOCK.astype(np.uint8)
    labels[4:5, 5:10, 6:16] = 2
    made = voxelry.Segmentation(
        labels=labels,
        source=VOLUME,
        segments=[
            voxelry.Segment(number=1, label="Lower", colour=(0, 255, 0)),
            voxelry.Segment(number=2, label="Upper"),
        ],
    )
    figure = voxelry.show(VOLUME, made, at=(1, 7, 8))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Lower", "Upper"]
    assert titles(figure)[0] == "axial 1 of 6"
    assert len(outlines(figure.axes[0])) == 1
    assert len(outlines(figure.axes[1])) == 2
    colours = [tuple(one.get_edgecolor()[0][:3]) for one in figure.axes[1].collections]  # type: ignore[index]
    assert colours[0] == (0, 1, 0)


def test_labels_in_a_volume_or_an_array() -> None:
    held = replace(VOLUME, array=BLOCK.astype(np.uint8) * 7)
    figure = voxelry.show(VOLUME, held)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["7"]
    assert not voxelry.show(VOLUME, np.zeros(VOLUME.shape, bool)).legends


def test_a_volume_without_a_place_is_drawn_as_acquired() -> None:
    figure = voxelry.show(voxelry.Volume(array=VOLUME.array), BLOCK)
    assert titles(figure) == ["slice 2 of 6"]
    colour = voxelry.show(voxelry.Volume(array=np.zeros((2, 3, 4, 3), np.uint8)))
    colour.draw_without_rendering()


def test_a_tilted_volume_leans() -> None:
    affine = np.array(VOLUME.affine)
    affine[:3, 0] += [0, 2, 0]
    tilted = voxelry.Volume(array=VOLUME.array, affine=affine)
    figure = voxelry.show(tilted, BLOCK)
    assert figure.axes[2].get_images()[0].get_array().shape[1] > 20  # type: ignore[union-attr]
    figure.draw_without_rendering()


def test_what_cannot_be_drawn_is_told() -> None:
    with pytest.raises(ValueError, match="does not lie on a volume"):
        voxelry.show(VOLUME, BLOCK[1:])
    with pytest.raises(TypeError, match="truth values or labels, whole numbers, not float64"):
        voxelry.show(VOLUME, BLOCK.astype(float))
    with pytest.raises(voxelry.VoxelryError, match="lies on another grid"):
        voxelry.show(VOLUME, voxelry.Volume(array=BLOCK.astype(np.uint8), spacing=(1, 1, 1)))
    with pytest.raises(ValueError, match="there is no voxel"):
        voxelry.show(VOLUME, at=(6, 0, 0))
    with pytest.raises(TypeError, match="at is a voxel"):
        voxelry.show(VOLUME, at=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a Volume, not an ndarray"):
        voxelry.show(VOLUME.array)  # type: ignore[arg-type]


def test_a_missing_matplotlib_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("voxelry.core.extras.find_spec", lambda name: None if name == "matplotlib" else find(name))
    with pytest.raises(ImportError, match=r"pip install 'voxelry\[notebook\]'") as caught:
        voxelry.show(VOLUME)
    assert isinstance(caught.value, voxelry.VoxelryError)


def test_a_notebook_does_not_draw_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    voxelry.show(VOLUME)
    assert len(plt.get_fignums()) == 1
    monkeypatch.setattr(mpl, "get_backend", lambda: "module://matplotlib_inline.backend_inline")
    voxelry.show(VOLUME)
    assert len(plt.get_fignums()) == 1
