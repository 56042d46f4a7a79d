"""Formats by name and by suffix. Built-ins and other packages' enter alike: as entry points ``voxelry.formats``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points

from voxelry.core.errors import FormatError, Problem
from voxelry.core.protocols import VolumeFormat

GROUP = "voxelry.formats"
"""The entry points: a name, and where its VolumeFormat is: ``nifti = "voxelry.formats.nifti:FORMAT"``."""

_HOME = "voxelry"


@dataclass(frozen=True, slots=True)
class _Found:
    formats: dict[str, VolumeFormat]
    problems: dict[str, Problem]


class FormatRegistry:
    """The formats that are installed, loaded when one is first asked for.

    A plug-in that cannot be loaded, or is no format, takes none of the others with it: it is among the `problems`,
    and whoever asks for it by its name is told why. Where two want one name or suffix, Voxelry's own keeps it.

    Parameters
    ----------
    find
        Gives the entry points.
    """

    def __init__(self, find: Callable[[], Iterable[EntryPoint]] = lambda: entry_points(group=GROUP)) -> None:
        self._find = find
        self._found: _Found | None = None

    def _load(self) -> _Found:
        if self._found is None:  # two threads at once load the same twice
            self._found = _load(self._find())
        return self._found

    def formats(self) -> tuple[VolumeFormat, ...]:
        """All that could be loaded, by name."""
        return tuple(self._load().formats.values())

    def problems(self) -> tuple[Problem, ...]:
        """Why others could not be loaded."""
        return tuple(self._load().problems.values())

    def named(self, name: str) -> VolumeFormat:
        """The format of this name.

        Raises
        ------
        FormatError
            If there is none, or it is broken; the message lists the known.
        """
        found = self._load()
        if name in found.formats:
            return found.formats[name]
        if name in found.problems:
            raise FormatError(f"{found.problems[name].message}; {_known(found)}")
        raise FormatError(f"no format is named {name!r}; {_known(found)}", known=list(found.formats))

    def for_path(self, path: str) -> VolumeFormat:
        """The format whose suffix is the longest that the path's last part ends with; letters' case does not matter.

        Raises
        ------
        FormatError
            If no suffix fits; the message lists the known, and the plug-ins that are broken.
        """
        found = self._load()
        last = path.replace("\\", "/").rstrip("/").rpartition("/")[2].lower()
        fitting = [
            (len(suffix), one) for one in found.formats.values() for suffix in one.suffixes if last.endswith(suffix)
        ]
        if not fitting:
            broken = "".join(f"; {problem.message}" for problem in found.problems.values())
            raise FormatError(
                f"no format is known by the end of the name {_ending(last)!r}; {_known(found)}{broken}",
                known=[suffix for one in found.formats.values() for suffix in one.suffixes],
            )
        longest = max(length for length, _ in fitting)
        return next(one for length, one in fitting if length == longest)


def _load(points: Iterable[EntryPoint]) -> _Found:
    found = _Found({}, {})
    # Voxelry's own first, so that nothing that happens to be installed can stand in for them.
    for point in sorted(points, key=lambda point: (_provider(point) != _HOME, point.name, point.value)):
        problem: str | None
        try:
            given = point.load()
            problem = _flaw(given, point, found.formats)
        except Exception as error:  # whatever another package does when it is imported
            given, problem = None, f"{type(error).__name__}: {error}"
        if problem is None:
            found.formats[point.name] = given
        else:
            by = f" of the package {_provider(point)}" if _provider(point) else ""
            words = f"the format {point.name!r}{by} cannot be used: {problem}"
            found.problems.setdefault(point.name, Problem("format", words))
    ordered = dict(sorted(found.formats.items()))
    return _Found(ordered, found.problems)


def _provider(point: EntryPoint) -> str:
    return "" if point.dist is None else str(point.dist.name)


def _flaw(given: object, point: EntryPoint, known: dict[str, VolumeFormat]) -> str | None:
    """What is wrong with a plug-in that could be imported."""
    if not isinstance(given, VolumeFormat):
        return f"{point.value} is no VolumeFormat (an instance with name, suffixes, description, read and write)"
    if given.name != point.name:
        return f"it calls itself {given.name!r}"
    if point.name in known:
        return "its name is taken"
    suffixes = given.suffixes
    if not suffixes or not all(one.startswith(".") and one == one.lower() for one in suffixes):
        return "its suffixes are not all lower case, with a dot in front"
    taken = {suffix: one.name for one in known.values() for suffix in one.suffixes}
    clash = [suffix for suffix in suffixes if suffix in taken]
    return f"its suffix {clash[0]} is the format {taken[clash[0]]}'s" if clash else None


def _ending(last: str) -> str:
    """What is told of a name: its suffixes alone, because names may be patients'."""
    return "." + last.partition(".")[2] if "." in last else ""


def _known(found: _Found) -> str:
    return "known are " + ", ".join(f"{one.name} ({' '.join(one.suffixes)})" for one in found.formats.values())


_INSTALLED = FormatRegistry()


def formats() -> tuple[VolumeFormat, ...]:
    """All formats that are installed and whole, by name."""
    return _INSTALLED.formats()


def format_problems() -> tuple[Problem, ...]:
    """Why installed plug-ins could not be loaded."""
    return _INSTALLED.problems()


def format_named(name: str) -> VolumeFormat:
    """The installed format of this name, for example ``"nifti"``.

    Raises
    ------
    FormatError
        If there is none, or it is broken; the message lists the known.
    """
    return _INSTALLED.named(name)


def format_for(path: str) -> VolumeFormat:
    """The installed format of a path, by its longest suffix: ``.nii.gz`` before ``.gz``.

    Raises
    ------
    FormatError
        If no suffix fits; the message lists the known.
    """
    return _INSTALLED.for_path(path)
