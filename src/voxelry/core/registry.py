"""Formats and steps by name. Built-ins and other packages' enter alike: as entry points."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from voxelry.core.errors import FormatError, ParameterError, Problem
from voxelry.core.extras import library_of, missing_extra
from voxelry.core.protocols import VolumeFormat

if TYPE_CHECKING:
    from voxelry.core.steps import Step

GROUP = "voxelry.formats"
"""The entry points: a name, and where its VolumeFormat is: ``nifti = "voxelry.formats.nifti.nifti_format:FORMAT"``."""
STEPS_GROUP = "voxelry.steps"
"""The same for steps: ``gaussian = "voxelry.steps.gaussian:STEP"``."""

AnyStep: TypeAlias = "Step[Any]"
"""A step of whatever parameters."""

_HOME = "voxelry"
_STEP_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")

T = TypeVar("T")
_Flaw: TypeAlias = Callable[[object, EntryPoint, dict[str, T]], str | None]
"""What is wrong with a plug-in that could be imported, beside those that are known."""


@dataclass(frozen=True, slots=True)
class _Found(Generic[T]):
    whole: dict[str, T] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)


def _load(points: Iterable[EntryPoint], kind: str, flaw: _Flaw[T]) -> _Found[T]:
    found: _Found[T] = _Found()
    for point in _own_first(points):
        problem: str | None
        try:
            given = point.load()
            problem = flaw(given, point, found.whole)
        except Exception as error:  # whatever another package does when it is imported
            library = library_of(error)
            told = f"{type(error).__name__}: {error}" if library is None else str(missing_extra("it", library))
            given, problem = None, told
        if problem is None:
            found.whole[point.name] = given
        else:
            by = f" of the package {_provider(point)}" if _provider(point) else ""
            words = f"the {kind} {point.name!r}{by} cannot be used: {problem}"
            found.problems.setdefault(point.name, Problem(kind, words))
    return _Found(dict(sorted(found.whole.items())), found.problems)


def _own_first(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    """Voxelry's own first, so that nothing that happens to be installed can stand in for them.

    Each look at a package's name parses its metadata, so that each package is asked once.
    """
    given = list(points)
    providers = {id(point.dist): _provider(point) for point in {id(point.dist): point for point in given}.values()}
    return sorted(given, key=lambda point: (providers[id(point.dist)] != _HOME, point.name, point.value))


def _provider(point: EntryPoint) -> str:
    return "" if point.dist is None else str(point.dist.name)


class FormatRegistry:
    """The formats that are installed, loaded when one is first asked for.

    A plug-in that cannot be loaded, or is no format, does not affect the others: it is among the `problems`,
    and whoever asks for it by its name is told why. Where two want one name or suffix, Voxelry's own keeps it.

    Parameters
    ----------
    find
        Gives the entry points.
    """

    def __init__(self, find: Callable[[], Iterable[EntryPoint]] = lambda: entry_points(group=GROUP)) -> None:
        self._find = find
        self._found: _Found[VolumeFormat] | None = None

    def _load(self) -> _Found[VolumeFormat]:
        if self._found is None:  # two threads at once may load it twice, with the same result
            self._found = _load(self._find(), "format", _format_flaw)
        return self._found

    def formats(self) -> tuple[VolumeFormat, ...]:
        """All that could be loaded, by name."""
        return tuple(self._load().whole.values())

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
        if name in found.whole:
            return found.whole[name]
        if name in found.problems:
            raise FormatError(f"{found.problems[name].message}; {_known(found)}")
        raise FormatError(f"no format is named {name!r}; {_known(found)}", known=list(found.whole))

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
            (len(suffix), one) for one in found.whole.values() for suffix in one.suffixes if last.endswith(suffix)
        ]
        if not fitting:
            broken = "".join(f"; {problem.message}" for problem in found.problems.values())
            raise FormatError(
                f"no format is known by the end of the name {_ending(last)!r}; {_known(found)}{broken}",
                known=[suffix for one in found.whole.values() for suffix in one.suffixes],
            )
        longest = max(length for length, _ in fitting)
        return next(one for length, one in fitting if length == longest)


def _format_flaw(given: object, point: EntryPoint, known: dict[str, VolumeFormat]) -> str | None:
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
    """What an error says of a name: its suffixes alone, because names may be patients'."""
    return "." + last.partition(".")[2] if "." in last else ""


def _known(found: _Found[VolumeFormat]) -> str:
    return "known are " + ", ".join(f"{one.name} ({' '.join(one.suffixes)})" for one in found.whole.values())


class StepRegistry:
    """The steps that are installed, each loaded when it is first asked for.

    The rules are those of formats: whatever is broken is among the `problems` and breaks nothing else, and where two
    want one name, Voxelry's own keeps it.

    Parameters
    ----------
    find
        Gives the entry points.
    """

    def __init__(self, find: Callable[[], Iterable[EntryPoint]] = lambda: entry_points(group=STEPS_GROUP)) -> None:
        self._find = find
        self._points: dict[str, list[EntryPoint]] | None = None
        self._found: dict[str, _Found[AnyStep]] = {}

    def names(self) -> tuple[str, ...]:
        """The names of all that are installed, the broken among them; nothing is loaded for it."""
        return tuple(self._by_name())

    def steps(self) -> tuple[AnyStep, ...]:
        """All that could be loaded, by name."""
        return tuple(step for name in self.names() for step in self._load(name).whole.values())

    def problems(self) -> tuple[Problem, ...]:
        """Why others could not be loaded."""
        return tuple(problem for name in self.names() for problem in self._load(name).problems.values())

    def named(self, name: str) -> AnyStep:
        """The step of this name; no other is loaded.

        Raises
        ------
        ParameterError
            If there is none, or it is broken; the message lists the names there are.
        """
        known = ", ".join(self.names()) or "none"
        if name not in self.names():
            raise ParameterError(f"no step is named {name!r}; known are {known}", known=list(self.names()))
        found = self._load(name)
        if name not in found.whole:
            raise ParameterError(f"{found.problems[name].message}; known are {known}", known=list(self.names()))
        return found.whole[name]

    def _by_name(self) -> dict[str, list[EntryPoint]]:
        if self._points is None:  # two threads at once may find it twice, with the same result
            points: dict[str, list[EntryPoint]] = {}
            for point in sorted(self._find(), key=lambda point: point.name):
                points.setdefault(point.name, []).append(point)
            self._points = points
        return self._points

    def _load(self, name: str) -> _Found[AnyStep]:
        if name not in self._found:
            self._found[name] = _load(self._by_name()[name], "step", _step_flaw)
        return self._found[name]


def _step_flaw(given: object, point: EntryPoint, known: dict[str, AnyStep]) -> str | None:
    from voxelry.core.steps import Params, Step

    if not isinstance(given, Step):
        return f"{point.value} is no Step (voxelry.core.steps)"
    if given.name != point.name:
        return f"it calls itself {given.name!r}"
    if point.name in known:
        return "its name is taken"
    if not _STEP_NAME.fullmatch(given.name):
        return "its name is not lower-case words joined by _"
    if not (isinstance(given.params, type) and issubclass(given.params, Params)):
        return "its parameters are no model of the kind Params"
    return None if given.inputs else "it takes no volume"


_INSTALLED = FormatRegistry()
_INSTALLED_STEPS = StepRegistry()


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


def installed_steps() -> tuple[AnyStep, ...]:
    """All steps that are installed and whole, by name."""
    return _INSTALLED_STEPS.steps()


def step_names() -> tuple[str, ...]:
    """The names of all installed steps, without loading any."""
    return _INSTALLED_STEPS.names()


def step_problems() -> tuple[Problem, ...]:
    """Why installed steps could not be loaded."""
    return _INSTALLED_STEPS.problems()


def step_named(name: str) -> AnyStep:
    """The installed step of this name, for example ``"gaussian"``; no other is loaded.

    Raises
    ------
    ParameterError
        If there is none, or it is broken; the message lists the names there are.
    """
    return _INSTALLED_STEPS.named(name)
