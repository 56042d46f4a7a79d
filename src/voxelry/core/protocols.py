"""What a plug-in has to be: the contract of formats (that of steps is in `voxelry.core.steps`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from voxelry.core.progress import Progress, silent
from voxelry.core.value import Value
from voxelry.core.volume import Volume


@runtime_checkable
class VolumeFormat(Protocol):
    """Volumes in a file, or in a folder that stands for one. An instance without state, one for each format.

    ``read`` gives back what ``write`` was given: array, dtype, LPS affine, spacing, unit, label, padding, windows and
    metadata as far as the format can hold them; what it cannot hold it refuses with a FormatError in words, and never
    changes in silence. A file by others is read as far as possible; what it does not say is unknown, and
    named in the warnings.

    Attributes
    ----------
    name
        ``"nifti"``: for people and for ``--format``.
    suffixes
        Lower case, with the dot, the usual one first: ``(".nii.gz", ".nii")``.
    description
        A few words for ``--help``.
    """

    @property
    def name(self) -> str: ...
    @property
    def suffixes(self) -> tuple[str, ...]: ...
    @property
    def description(self) -> str: ...

    def read(self, path: str, *, progress: Progress = silent) -> tuple[Volume, ...]:
        """The volumes of a file; several (time points, echoes) in their order.

        Raises
        ------
        FormatError
            If the file is none of this format, is damaged, or declares more than it holds.
        """

    def write(
        self, volumes: Sequence[Volume], path: str, *, options: dict[str, Value], progress: Progress = silent
    ) -> None:
        """Write volumes of one grid, where the format holds several; ``path`` is written as it is named.

        Parameters
        ----------
        volumes
            At least one.
        options
            By name, as the format documents them; an unknown one is a ParameterError that lists the known.

        Raises
        ------
        FormatError
            If the format cannot hold them, in words.
        ParameterError
            If an option is unknown, or its value is out of range.
        """


@runtime_checkable
class ChecksVolumes(Protocol):
    """A format that knows before it writes whether it can hold some volumes together; not every one does."""

    def check_volumes(self, volumes: Sequence[Volume], *, options: dict[str, Value]) -> None:
        """Raise the error that ``write`` would, as far as shapes, places and dtypes tell.

        Raises
        ------
        FormatError
            If the format cannot hold them.
        """
