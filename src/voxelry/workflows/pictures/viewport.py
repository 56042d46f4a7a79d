"""A part of a picture, turned over and scaled to fit a size, with square pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxelry.core.errors import ParameterError
from voxelry.core.extras import needed_for


@dataclass(frozen=True, slots=True)
class Viewport:
    """What of a picture is shown, and how large.

    Attributes
    ----------
    width, height
        The size that the result fits into, in pixels; None leaves that side free.
    left, top
        The corner of the part, in pixels of the picture.
    part_width, part_height
        The size of the part, in pixels of the picture; to the picture's edges if None.
    flip_columns, flip_rows
        Turn the part over: left becomes right, top becomes bottom.
    shares
        True if the part is given in shares of the picture's sides instead of in pixels.

    References
    ----------
    PS3.18 8.3.5.1.3
    """

    width: int | None = None
    height: int | None = None
    left: float = 0.0
    top: float = 0.0
    part_width: float | None = None
    part_height: float | None = None
    flip_columns: bool = False
    flip_rows: bool = False
    shares: bool = False

    def of(self, picture: npt.NDArray[np.uint8], aspect: float = 1.0) -> npt.NDArray[np.uint8]:
        """The part of a picture, cropped, made square and scaled as large as fits.

        Parameters
        ----------
        aspect
            The height of the picture's pixels over their width.

        Raises
        ------
        ParameterError
            If the part lies outside of the picture.
        """
        with needed_for("pictures of another size"):
            from PIL import Image

        left, top, right, bottom = self._box(picture.shape[1], picture.shape[0])
        size = self._size(right - left, (bottom - top) * aspect)
        found = picture
        if (left, top, right, bottom) != (0, 0, picture.shape[1], picture.shape[0]) or size != picture.shape[1::-1]:
            image = Image.fromarray(np.ascontiguousarray(picture))
            box = left, top, right, bottom
            found = np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=box, reducing_gap=3.0))
        return found[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]

    def _box(self, columns: int, rows: int) -> tuple[float, float, float, float]:
        across, down = (columns, rows) if self.shares else (1, 1)
        left, top = self.left * across, self.top * down
        right = columns if self.part_width is None else min(left + self.part_width * across, columns)
        bottom = rows if self.part_height is None else min(top + self.part_height * down, rows)
        if right <= left or bottom <= top:
            raise ParameterError(f"the part lies outside of the picture, which has {columns} x {rows} pixels")
        return left, top, right, bottom

    def _size(self, width: float, height: float) -> tuple[int, int]:
        """The largest size of these proportions that fits; without a size, so that columns stay as they are."""
        free = [side / own for side, own in ((self.width, width), (self.height, height)) if side is not None]
        scale = min(free, default=1.0)
        across, down = max(1, round(width * scale)), max(1, round(height * scale))
        return min(across, self.width or across), min(down, self.height or down)
