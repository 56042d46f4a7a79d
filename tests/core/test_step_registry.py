"""Steps by name; one is loaded without the others, and whatever is broken says so and breaks nothing else."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import pytest

from voxelry.core.errors import ParameterError
from voxelry.core.progress import Progress
from voxelry.core.registry import StepRegistry, installed_steps, step_named, step_names, step_problems
from voxelry.core.steps import Params, Step, StepResult
from voxelry.core.volume import Volume


class Nothing(Params):
    """No parameters."""


def unchanged(volumes: Sequence[Volume], params: Nothing, progress: Progress) -> StepResult:
    return StepResult(volumes=tuple(volumes))


def invented(name: str, **more: object) -> Step[Nothing]:
    return Step(name=name, title="T", description="D.", params=Nothing, function=unchanged, **more)  # type: ignore[arg-type]


ONE, TWO, LOUD, BLIND = invented("one"), invented("two"), invented("LOUD"), invented("blind", inputs=())
NAMESAKE, LOOSE = invented("one"), invented("loose", inputs=("volume",))
object.__setattr__(LOOSE, "params", dict)
NOTHING = object()


def point(name: str, attribute: str, module: str = __name__) -> EntryPoint:
    return EntryPoint(name, f"{module}:{attribute}", "voxelry.steps")


def registry(*points: EntryPoint) -> StepRegistry:
    return StepRegistry(lambda: points)


WHOLE = (point("two", "TWO"), point("one", "ONE"))


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entry points name modules: this one, as any package's."""
    module = type(sys)(__name__)
    module.__dict__.update(globals())
    monkeypatch.setitem(sys.modules, __name__, module)


def test_steps_come_by_name() -> None:
    known = registry(*WHOLE)
    assert known.names() == ("one", "two")
    assert known.steps() == (ONE, TWO)
    assert known.named("two") is TWO
    assert known.problems() == ()


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(ParameterError, match="no step is named 'three'; known are one, two") as caught:
        registry(*WHOLE).named("three")
    assert caught.value.numbers["known"] == ["one", "two"]
    with pytest.raises(ParameterError, match="known are none"):
        registry().named("one")


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (point("odd", "X", "voxelry_no_such_module"), "ModuleNotFoundError"),
        (point("odd", "NO_SUCH_NAME"), "AttributeError"),
        (point("odd", "NOTHING"), "is no Step"),
        (point("odd", "ONE"), "calls itself 'one'"),
        (point("LOUD", "LOUD"), "not lower-case words"),
        (point("loose", "LOOSE"), "no model of the kind Params"),
        (point("blind", "BLIND"), "takes no volume"),
    ],
)
def test_a_broken_plug_in_is_told_by_name_and_breaks_no_other(broken: EntryPoint, words: str) -> None:
    known = registry(*WHOLE, broken)
    assert known.steps() == (ONE, TWO)
    (problem,) = known.problems()
    assert problem.code == "step"
    assert repr(broken.name) in problem.message
    assert words in problem.message
    with pytest.raises(ParameterError, match=words):
        known.named(broken.name)


def of_package(one: EntryPoint, package: str) -> EntryPoint:
    vars(one).update(dist=SimpleNamespace(name=package))  # as importlib.metadata does
    return one


def test_voxelry_s_own_keeps_its_name() -> None:
    own = of_package(point("one", "ONE"), "voxelry")
    known = registry(of_package(point("one", "NAMESAKE"), "aardvark"), own)
    assert known.named("one") is ONE
    (problem,) = known.problems()
    assert problem.message == "the step 'one' of the package aardvark cannot be used: its name is taken"


def test_one_is_loaded_without_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []
    load = EntryPoint.load

    def counted(self: EntryPoint) -> object:
        loaded.append(self.name)
        return load(self)

    monkeypatch.setattr(EntryPoint, "load", counted)
    known = registry(*WHOLE)
    assert known.names() == ("one", "two")
    assert loaded == []
    assert known.named("two") is known.named("two")
    assert loaded == ["two"]


def test_what_is_installed_is_whole() -> None:
    """An editable install knows the entry points: where this fails, run script/setup."""
    assert step_problems() == ()
    assert tuple(one.name for one in installed_steps()) == step_names()
    assert "gaussian" in step_names()
    assert all(step_named(one.name) is one for one in installed_steps())


def test_steps_are_listed_without_their_heavy_libraries() -> None:
    """A form, a help page and a list of jobs need schemas alone."""
    heavy = ("scipy", "skimage", "cv2", "SimpleITK", "onnxruntime", "highdicom", "pandas")
    program = (
        "import sys; from voxelry.core.registry import installed_steps; "
        "[one.params.model_json_schema() for one in installed_steps()]; "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
