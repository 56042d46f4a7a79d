"""Every public name is documented: its docstring has the sections that it needs, and an example that runs."""

from __future__ import annotations

import doctest
import inspect
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import voxelry
from voxelry.core import errors

WITHOUT_ERRORS = {"show"}
"""Functions that raise nothing of their own."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("example") / "sample"
    voxelry.write_sample(folder)
    return folder


def sections(docstring: str) -> set[str]:
    return set(re.findall(r"^(\w[\w ]*)\n-{3,}$", docstring, flags=re.MULTILINE))


ERRORS = {name for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, Exception)}
"""They stand in the reference's table of errors; the root has the example for all."""


@pytest.mark.parametrize("name", sorted({*voxelry.__all__} - ERRORS | {"VoxelryError"}))
def test_every_name_has_an_example_that_runs(
    name: str, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(sample, tmp_path / "sample", copy_function=os.link)
    monkeypatch.chdir(tmp_path)
    docstring = inspect.getdoc(getattr(voxelry, name)) or ""
    examples = doctest.DocTestParser().get_examples(docstring)
    assert "Examples" in sections(docstring), (
        f"voxelry.{name} has no example. Give its docstring a section 'Examples' with lines after '>>> '. They run "
        "in a folder where voxelry.write_sample('sample') was called, and know the names voxelry and np. Then run "
        "`python script/reference.py`, which brings it into docs/reference/library.md."
    )
    assert any(name in example.source for example in examples), f"the example of voxelry.{name} does not use it"
    printed: list[str] = []
    test = doctest.DocTest(examples, {"voxelry": voxelry, "np": np}, f"voxelry.{name}", None, 0, docstring)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(test, out=printed.append)
    assert runner.failures == 0, "".join(printed)


def test_every_error_is_exported() -> None:
    assert {*voxelry.__all__} >= ERRORS
    assert all(issubclass(getattr(voxelry, name), voxelry.VoxelryError) for name in ERRORS)


@pytest.mark.parametrize("name", [name for name in voxelry.__all__ if inspect.isfunction(getattr(voxelry, name))])
def test_every_function_says_what_it_takes_gives_and_raises(name: str) -> None:
    function = getattr(voxelry, name)
    signature = inspect.signature(function)
    needed = {"Parameters"} if signature.parameters else set()
    needed |= {"Returns"} if signature.return_annotation not in (None, "None") else set()
    needed |= set() if name in WITHOUT_ERRORS else {"Raises"}
    missing = needed - sections(inspect.getdoc(function) or "")
    assert not missing, f"the docstring of voxelry.{name} has no section {', '.join(sorted(missing))}"


@pytest.mark.parametrize("name", [name for name in voxelry.__all__ if inspect.isclass(getattr(voxelry, name))])
def test_every_field_of_a_type_is_described(name: str) -> None:
    kind = getattr(voxelry, name)
    docstring = inspect.getdoc(kind) or ""
    described = {
        part.strip() for line in re.findall(r"^(\w[\w, ]*)$", docstring, re.MULTILINE) for part in line.split(",")
    }
    fields = [field for field in vars(kind).get("__annotations__", {}) if not field.startswith("_")]
    fields = [field for field in fields if field in inspect.signature(kind).parameters]
    missing = [field for field in fields if field not in described]
    assert not missing, f"the docstring of voxelry.{name} says nothing of {', '.join(missing)}"
