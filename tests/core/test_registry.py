"""Formats by name and suffix; whatever is broken says so and breaks nothing else."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.metadata import EntryPoint, PathDistribution
from pathlib import Path

import pytest

from voxelry.core.errors import FormatError
from voxelry.core.progress import Progress, silent
from voxelry.core.protocols import VolumeFormat
from voxelry.core.registry import FormatRegistry, format_for, format_named, format_problems, formats
from voxelry.core.value import Value
from voxelry.core.volume import Volume


class Invented:
    """A format that holds nothing."""

    def __init__(self, name: str, *suffixes: str) -> None:
        self.name, self.suffixes, self.description = name, suffixes, "for tests"

    def read(self, path: str, *, progress: Progress = silent) -> tuple[Volume, ...]:
        raise FormatError("holds nothing")

    def write(
        self, volumes: Sequence[Volume], path: str, *, options: dict[str, Value], progress: Progress = silent
    ) -> None:
        raise FormatError("holds nothing")


SHORT, LONG = Invented("short", ".gz"), Invented("long", ".vox.gz", ".vox")
NAMESAKE, GREEDY, LOUD = Invented("long", ".other"), Invented("greedy", ".new", ".vox"), Invented("loud", ".LOUD")
NOTHING = object()


def point(name: str, attribute: str, module: str = __name__) -> EntryPoint:
    return EntryPoint(name, f"{module}:{attribute}", "voxelry.formats")


def registry(*points: EntryPoint) -> FormatRegistry:
    return FormatRegistry(lambda: points)


WHOLE = (point("short", "SHORT"), point("long", "LONG"))


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entry points name modules: this one, as any package's."""
    import sys

    module = type(sys)(__name__)
    module.__dict__.update(globals())
    monkeypatch.setitem(sys.modules, __name__, module)


def test_the_longest_suffix_decides() -> None:
    known = registry(*WHOLE)
    assert known.for_path("a.b.vox.gz") is LONG
    assert known.for_path("folder.vox/other.GZ") is SHORT
    assert known.for_path("there/Stack.VOX/") is LONG
    assert [one.name for one in known.formats()] == ["long", "short"]


def test_an_unknown_suffix_or_name_lists_the_known_and_tells_no_name() -> None:
    known = registry(*WHOLE)
    with pytest.raises(FormatError, match=r"'\.xyz'.*long \(\.vox\.gz \.vox\), short \(\.gz\)") as caught:
        known.for_path("Doe^Jane.xyz")
    assert "Doe" not in str(caught.value)
    assert caught.value.numbers["known"] == [".vox.gz", ".vox", ".gz"]
    with pytest.raises(FormatError, match=r"'nope'; known are long"):
        known.named("nope")


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (point("odd", "X", "voxelry_no_such_module"), "ModuleNotFoundError"),
        (point("odd", "NO_SUCH_NAME"), "AttributeError"),
        (point("odd", "NOTHING"), "no VolumeFormat"),
        (point("odd", "SHORT"), "calls itself 'short'"),
        (point("loud", "LOUD"), "not all lower case"),
        (point("zgreedy", "GREEDY"), "calls itself 'greedy'"),
    ],
)
def test_a_broken_plug_in_is_told_by_name_and_breaks_no_other(broken: EntryPoint, words: str) -> None:
    known = registry(*WHOLE, broken)
    assert known.for_path("a.vox") is LONG
    assert known.named("short") is SHORT
    (problem,) = known.problems()
    assert repr(broken.name) in problem.message
    assert words in problem.message
    with pytest.raises(FormatError, match=words):
        known.named(broken.name)
    with pytest.raises(FormatError, match=words):
        known.for_path("a.unknown")


def test_the_first_keeps_its_name_and_suffix() -> None:
    known = registry(point("long", "LONG"), point("zz", "NOTHING"), point("long", "NAMESAKE"))
    assert known.named("long") is LONG
    assert known.problems()[0].message.endswith("its name is taken")
    clash = registry(point("greedy", "GREEDY"), point("long", "LONG"))
    assert clash.for_path("a.vox") is GREEDY
    assert "its suffix .vox is the format greedy's" in clash.problems()[0].message


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    asked: list[int] = []

    def find() -> list[EntryPoint]:
        asked.append(1)
        return list(WHOLE)

    known = FormatRegistry(find)
    assert asked == []
    known.formats()
    known.for_path("a.vox")
    assert asked == [1]


def test_what_is_installed_is_whole(tmp_path: Path) -> None:
    """An editable install knows the entry points: where this fails, run script/setup."""
    assert format_problems() == ()
    assert {"nifti", "nrrd", "metaimage", "npz"} <= {one.name for one in formats()}
    assert all(isinstance(one, VolumeFormat) and one.description for one in formats())
    assert format_named("nifti") is format_for("brain.NII.GZ") is format_for(str(tmp_path / "brain.nii"))
    for one in formats():
        for suffix in one.suffixes:
            assert format_for(f"a.b{suffix}") is one


def test_the_metadata_of_a_package_are_read_once(tmp_path: Path) -> None:
    """However many formats it has: they are parsed at each look."""
    lines = "".join(f"{name} = {__name__}:{attribute}\n" for name, attribute in (("long", "LONG"), ("short", "SHORT")))
    (tmp_path / "entry_points.txt").write_text(f"[voxelry.formats]\n{lines}")
    (tmp_path / "METADATA").write_text("Metadata-Version: 2.1\nName: vox\nVersion: 1\n")
    asked: list[str] = []

    class Package(PathDistribution):
        def read_text(self, filename: str | os.PathLike[str]) -> str | None:
            asked.append(str(filename))
            return super().read_text(filename)

    found = FormatRegistry(lambda: Package(tmp_path).entry_points)
    assert [one.name for one in found.formats()] == ["long", "short"]
    assert asked.count("METADATA") == 1
