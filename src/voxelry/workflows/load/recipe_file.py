"""The recipe that a file of a segmentation holds."""

from __future__ import annotations

from voxelry.core.errors import ParameterError
from voxelry.core.recipe import Recipe, recipe_in
from voxelry.workflows.load.load_structures import load_segmentation
from voxelry.workflows.load.region_text import segment_number


def recipe_of_file(text: str) -> Recipe:
    """How the voxels of a segment were chosen.

    Parameters
    ----------
    text
        The path of a segmentation, which may end in ``#`` and a segment's number or label.

    Raises
    ------
    ParameterError
        If no segment is called so, or the file does not say how its voxels were chosen.
    VoxelryError
        If there is no segmentation at the path.
    """
    path, _, name = text.partition("#")
    segmentation = load_segmentation(path)
    if name:
        segment_number(segmentation, name)
    recipe = recipe_in(segmentation.recipe)
    if recipe is None or len(segmentation.segments) != 1:
        raise ParameterError(
            "this segmentation holds no recipe: only a segment that a threshold alone made says how it can be measured "
            "again"
        )
    return recipe
