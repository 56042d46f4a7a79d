"""A volume drawn in a notebook: three orthogonal planes, with the outline of a mask or of segments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from voxelry.core.argument_types import a_kind, check_type
from voxelry.core.display import default_voi
from voxelry.core.errors import GeometryError, ParameterError, WrongTypeError
from voxelry.core.extras import require
from voxelry.core.geometry import Geometry
from voxelry.core.intensity import Voi, Window
from voxelry.core.planes import AXES, Axis, layout, plane_aspect, plane_lean
from voxelry.core.segmentation import Segmentation
from voxelry.core.volume import Volume
from voxelry.workflows.pictures.picture_files import render

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Mask: TypeAlias = "npt.ArrayLike | Volume | Segmentation"
_EDGES: dict[Axis, tuple[str, str, str, str]] = {
    "axial": ("R", "L", "A", "P"),
    "coronal": ("R", "L", "S", "I"),
    "sagittal": ("A", "P", "S", "I"),
}
"""What lies at the left, right, upper and lower edge of each plane."""
_COLOURS = ("#ff5a5a", "#5ad25a", "#6ea0ff", "#ffc83c", "#d28cff", "#50dce6", "#ff96c8", "#d2a078")
_CROSS = "#ffd23c"
_MASK = Window(0.5, 1, "LINEAR_EXACT")


def show(
    volume: Volume,
    mask: Mask | None = None,
    *,
    at: Sequence[int] | None = None,
    window: Window | None = None,
) -> Figure:
    """Draw the axial, coronal and sagittal plane through one voxel, in the patient's proportions.

    Of a volume without a place in the patient the slice as acquired is drawn. Needs the extra ``notebook``.

    Parameters
    ----------
    mask
        What to outline: an array of the volume's shape, a volume of labels or of truth values, or a segmentation, on
        the volume's grid. Each label, or segment, has a colour of its own.
    at
        The voxel, ``(slice, row, column)``; None for the middle of the mask, or of the volume.
    window
        What to show; None for what the header proposes, else for the range of the values.

    Returns
    -------
    figure
        Of matplotlib.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed; the message says how to install it.
    ParameterError
        If the mask is none, or ``at`` is no voxel of the volume.
    GeometryError
        If the mask lies on another grid.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> volume = voxelry.load_volume("sample/phantom")
    >>> figure = voxelry.show(volume, np.asarray(volume) > 250)
    >>> [axes.get_title() for axes in figure.axes]
    ['axial 24 of 48', 'coronal 119 of 256', 'sagittal 130 of 256']
    """
    require("`show`", ["matplotlib"])
    check_type(volume, Volume, name="what is shown", instead="voxelry.load_volume reads one from a path")
    outlines = tuple(_outlines(volume, mask))
    voxel = _middle(volume, outlines) if at is None else _checked(volume, at)
    voi = window or (volume.slice_voi[voxel[0]] if volume.slice_voi else None) or default_voi(volume)
    axes: tuple[Axis | None, ...] = AXES if volume.geometry.placed else (None,)
    figure, places = _figure(volume, axes)
    for place, axis in zip(places, axes, strict=True):
        _draw(place, volume, axis, voxel, voi, outlines, several=len(axes) > 1)
    named = [one for one in outlines if one.name]
    if named:
        from matplotlib.lines import Line2D

        lines = [Line2D([], [], color=one.colour, label=one.name) for one in named]
        figure.legend(handles=lines, loc="lower center", ncols=min(len(lines), 6), frameon=False)
    return figure


# --- what is outlined -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Outline:
    mask: Volume
    colour: str
    name: str = ""


def _outlines(volume: Volume, mask: Mask | None) -> Iterator[_Outline]:
    if mask is None:
        return
    if isinstance(mask, Segmentation):
        _check_grid(volume, mask.geometry)
        for number, segment in enumerate(mask.segments):
            found = mask.mask(segment.number, threshold=None if mask.fractional_type is None else 0.5)
            colour = (
                _COLOURS[number % len(_COLOURS)]
                if segment.colour is None
                else "#{:02x}{:02x}{:02x}".format(*segment.colour)
            )
            yield _outline(volume, found, colour, segment.label)
        return
    if isinstance(mask, Volume):
        _check_grid(volume, mask.geometry)
    labels = _labels(volume, np.asarray(mask))
    for number, label in enumerate(np.unique(labels[labels != 0]).tolist()):
        name = "" if labels.dtype == np.bool_ else str(label)
        yield _outline(volume, labels == label, _COLOURS[number % len(_COLOURS)], name)


def _labels(volume: Volume, labels: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    if labels.dtype.kind not in "bui":
        raise WrongTypeError(f"a mask holds truth values or labels, whole numbers, not {labels.dtype}")
    if labels.shape != volume.shape[:3]:
        raise ParameterError(f"a mask of shape {labels.shape} does not lie on a volume of {volume.shape[:3]}")
    return labels


def _check_grid(volume: Volume, geometry: Geometry) -> None:
    if not volume.geometry.same_grid(geometry):
        raise GeometryError("the mask lies on another grid than the volume; resample one onto the other")


def _outline(volume: Volume, mask: npt.NDArray[np.bool_], colour: str, name: str) -> _Outline:
    return _Outline(Volume(array=mask.astype(np.uint8), geometry=volume.geometry), colour, name)


def _middle(volume: Volume, outlines: Sequence[_Outline]) -> tuple[int, int, int]:
    """The middle of all that is outlined, where there is something, else of the volume."""
    slices, rows, columns = (length // 2 for length in volume.geometry.shape)
    middle = [slices, rows, columns]
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        found = [np.flatnonzero(np.asarray(one.mask).any(axis=others)) for one in outlines]
        whole = np.concatenate(found) if found else np.empty(0, np.intp)
        if whole.size:
            middle[axis] = int(whole.min() + whole.max()) // 2
    return middle[0], middle[1], middle[2]


def _checked(volume: Volume, at: Sequence[int]) -> tuple[int, int, int]:
    try:
        slice_index, row, column = (int(one) for one in at)
    except (TypeError, ValueError):
        raise WrongTypeError(f"at is a voxel, (slice, row, column), not {a_kind(at)}") from None
    voxel = slice_index, row, column
    if not all(0 <= one < length for one, length in zip(voxel, volume.geometry.shape, strict=True)):
        raise ParameterError(f"there is no voxel {voxel} in {volume.geometry.shape}")
    return voxel


# --- drawing ----------------------------------------------------------------------------------------------------------


def _figure(volume: Volume, axes: Sequence[Axis | None]) -> tuple[Figure, list[Axes]]:
    """A figure whose planes stand side by side, each as wide as its millimetres."""
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    sizes = [_size(volume, axis) for axis in axes]
    tallest = max(height / width for height, width in sizes)
    figure = plt.figure(figsize=(4 * len(axes), min(4 * tallest, 10) + 0.8), layout="constrained")
    grid = figure.add_gridspec(1, len(axes))
    if "inline" in mpl.get_backend().lower():  # a notebook draws what a cell returns, and would draw it twice
        plt.close(figure)
    return figure, [figure.add_subplot(grid[0, number]) for number in range(len(axes))]


def _size(volume: Volume, axis: Axis | None) -> tuple[float, float]:
    """Height and width of a plane, in widths of its pixels."""
    _, rows, columns = layout(volume, axis).axes
    return volume.shape[rows] * plane_aspect(volume, axis), float(volume.shape[columns])


def _draw(
    place: Axes,
    volume: Volume,
    axis: Axis | None,
    voxel: tuple[int, int, int],
    voi: Voi,
    outlines: Sequence[_Outline],
    *,
    several: bool,
) -> None:
    index, row, column = _in_plane(volume, axis, voxel)
    aspect = plane_aspect(volume, axis)
    picture = render(volume, index, axis=axis, window=voi)
    place.imshow(picture, cmap=None if volume.colour else "gray", vmin=0, vmax=255, aspect=aspect)
    for outline in outlines:
        shape = render(replace(outline.mask, pixel_aspect=None), index, axis=axis, window=_MASK)
        if shape.any():
            padded = np.pad(shape, 1)  # what touches the edge is closed there
            height, width = padded.shape
            x, y = np.arange(width) - 1, np.arange(height) - 1
            place.contour(x, y, padded, levels=[127.5], colors=[outline.colour], linewidths=1.2)
    height, width = picture.shape[:2]
    if several:
        lean = plane_lean(volume, axis)
        first = 0.0 if lean >= 0 else -lean * (height - 1)
        place.plot([column + first, column + first + lean * (height - 1)], [0, height - 1], color=_CROSS, lw=0.5)
        place.axhline(row, color=_CROSS, lw=0.5)
    place.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), xticks=[], yticks=[])
    count = volume.shape[layout(volume, axis).axes[0]]
    place.set_title(f"{axis or 'slice'} {index} of {count}", fontsize=10)
    if axis is not None:
        _name_edges(place, _EDGES[axis])


def _name_edges(place: Axes, letters: Sequence[str]) -> None:
    """Letters inside the edges, with a dark rim so that they are read on white too."""
    from matplotlib.patheffects import withStroke

    for letter, (x, y, across, up) in zip(letters, _INSIDE, strict=True):
        effects = [withStroke(linewidth=2, foreground="black")]
        place.text(x, y, letter, transform=place.transAxes, ha=across, va=up, color="white", path_effects=effects)


_INSIDE: tuple[tuple[float, float, Literal["left", "center", "right"], Literal["top", "center", "bottom"]], ...] = (
    (0.02, 0.5, "left", "center"),
    (0.98, 0.5, "right", "center"),
    (0.5, 0.98, "center", "top"),
    (0.5, 0.02, "center", "bottom"),
)


def _in_plane(volume: Volume, axis: Axis | None, voxel: tuple[int, int, int]) -> tuple[int, int, int]:
    """The number of the plane that a voxel lies in, and its row and column there."""
    axes, backwards = layout(volume, axis)
    found = [
        volume.shape[old] - 1 - voxel[old] if reverse else voxel[old]
        for old, reverse in zip(axes, backwards, strict=True)
    ]
    return found[0], found[1], found[2]
