"""The docs keep their promises: every command and every example runs, every link leads somewhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import reference
import take_screenshots
from tests.docs.reading import ROOT, Block, all_markdown, anchors, blocks, commands, links, pages
from tests.docs.terminal import Terminal
from voxelry.server.api import problems
from voxelry.server.environment import configuration

ELSEWHERE = {
    "script/test": "this is it; tests/packaging/test_setup.py covers its set-up",
    "script/test tests/packaging": "a part of this run",
    "source .venv/bin/activate": "the reader's PATH holds the environment already",
    "docker compose --file docker/compose.yaml up --build": "tests/packaging/test_compose.py",
    "docker compose --file docker/compose.yaml logs web": "tests/packaging/test_compose.py",
    "docker build --file docker/Dockerfile --tag voxelry .": "tests/packaging/test_image.py builds it with buildah",
    "pip install --require-hashes -r requirements/benchmarks.txt": "tests/packaging/test_locks.py",
    "python -m benchmarks": "tests/test_benchmarks.py runs it with --quick",
    "python3 script/image.py build": "tests/packaging/test_image.py",
    "python3 script/image.py run": "tests/packaging/test_image.py",
    "python3 script/image.py remove": "tests/packaging/test_image.py",
    "docker run --publish 127.0.0.1:8000:8000 --volume voxelry:/data voxelry": "tests/packaging/test_image.py",
}
"""Commands that are not run here, and why. Everything else in a ``console`` block is."""

PROGRAMS = ("curl", "Orthanc", "echoscu", "storescu", "findscu", "getscu", "movescu", "storescp")
"""What pages use and a machine may lack."""
KINDS = {"console", "python", "toml", "json", "text", "nginx", "pycon"}
"""Fenced blocks must say what they are, so that no command escapes; ``text`` and ``nginx`` are not held to anything.
``pycon`` comes from docstrings: tests/test_examples.py runs it."""


def names(found: list[Path]) -> list[str]:
    return [str(page.relative_to(ROOT)) for page in found]


def needs(page: Path) -> list[pytest.MarkDecorator]:
    """The programs that a page's commands need and that a machine may lack."""
    text = "".join(block.text for block in blocks(page) if block.kind == "console")
    return [pytest.mark.programs(name) for name in PROGRAMS if f"$ {name} " in text]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


# --- examples ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [pytest.param(page, marks=needs(page), id=name) for page, name in zip(pages(), names(pages()), strict=True)]
)
def test_every_example_runs(page: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(terminal.folder)
    variables: dict[str, object] = {"__name__": "example"}
    for block in blocks(page):
        if block.kind == "console":
            for command in commands(block):
                if command.text not in ELSEWHERE:
                    terminal.run(command)
        elif block.kind == "python":
            terminal.python(block, variables)
        elif block.kind == "toml":
            assert_is_configuration(block, terminal.folder)
        elif block.kind == "json":
            json.loads(block.text)
        else:
            assert block.kind in KINDS, f"{block.where}: a block must say which of {sorted(KINDS)} it is"


def assert_is_configuration(block: Block, folder: Path) -> None:
    file = folder / "voxelry.toml"
    file.write_text(block.text)
    try:
        configuration.read({}, config=file)
    finally:
        file.unlink()


def test_no_exception_is_left_over() -> None:
    shown = {command.text for page in pages() for block in blocks(page) if block.kind == "console"
             for command in commands(block)}  # fmt: skip
    assert set(ELSEWHERE) - shown == set()
    covered = re.findall(r"tests/\S+?\.py", " ".join(ELSEWHERE.values()))
    assert [test for test in covered if not (ROOT / test).is_file()] == []


@pytest.mark.parametrize("page", pages(), ids=names(pages()))
def test_commands_in_the_text_are_known(page: Path) -> None:
    known = {verb for verb, _ in reference.commands()}
    for span in re.findall(r"`([^`\n]+)`", page.read_text("utf-8")):
        if span.startswith("script/"):
            assert (ROOT / span.split()[0]).is_file(), span
        elif re.match(r"voxelry [a-z]", span):
            assert any(f"{span} ".startswith((f"{verb} ", f"{verb.rsplit(maxsplit=1)[0]} ")) for verb in known), span


def test_the_two_commands_come_first() -> None:
    first = [command.text for block in blocks(ROOT / "README.md") if block.kind == "console"
             for command in commands(block)]  # fmt: skip
    assert first[:2] == ["script/server", "script/test"]
    assert all((ROOT / command).is_file() for command in first[:2])


# --- links ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", all_markdown(), ids=names(all_markdown()))
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.relative_to(ROOT)}: {link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{page.relative_to(ROOT)}: {link} has no such heading"


def test_each_picture_is_small_is_taken_by_the_script_and_is_shown() -> None:
    taken = {f"{name}-{scheme}.webp" for name in take_screenshots.SHOWN for scheme in take_screenshots.SCHEMES}
    there = {path.name: path.stat().st_size for path in (ROOT / "docs/images").iterdir()}
    assert set(there) == taken, "run script/screenshots, and look at each picture"
    assert [name for name, size in there.items() if size > take_screenshots.LARGEST] == []
    shown = set()
    for page in pages():
        for target in re.findall(r'(?:src|srcset)="([^"]+)"', page.read_text("utf-8")):
            assert (page.parent / target).is_file(), f"{page.relative_to(ROOT)}: {target} leads nowhere"
            shown.add(Path(target).name)
    assert shown == taken


@pytest.mark.slow
def test_the_handbook_can_be_built(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    built = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    text = "".join(page.read_text("utf-8") for page in (tmp_path / "site").rglob("*.html"))
    assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=\"https?:", text) == []


# --- reference --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", sorted(reference.PAGES))
def test_the_reference_is_the_code_s(page: str) -> None:
    path = ROOT / page
    assert path.read_text("utf-8") == reference.renewed(page), (
        f"run `python script/reference.py`: {page} is out of date"
    )


def test_every_code_of_an_error_is_told() -> None:
    told = (ROOT / "docs/reference/rest.md").read_text("utf-8")
    assert [code for code in problems.CODES.values() if f"`{code}`" not in told] == []
