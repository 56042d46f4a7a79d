"""Reading the project's own Markdown: fenced blocks, headings, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(?P<kind>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)|<(?P<plain>https?://[^>]+)>")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    kind: str
    text: str

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A line after ``$``, with the lines below it that show what it prints; none where the page shows nothing."""

    block: Block
    text: str
    printed: str


def pages() -> list[Path]:
    """What users read: the README and the handbook, without the records of decisions."""
    handbook = sorted((ROOT / "docs").rglob("*.md"))
    return [ROOT / "README.md", *(page for page in handbook if "decisions" not in page.parts)]


def all_markdown() -> list[Path]:
    """Every Markdown file of the project."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "web").glob("*.md")])


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text("utf-8")
    for found in _FENCE.finditer(text):
        yield Block(page, text.count("\n", 0, found.start()) + 1, found["kind"], found["text"])


def commands(block: Block) -> list[Command]:
    """The commands of a ``console`` block. A line that ends with a backslash goes on in the next."""
    found: list[Command] = []
    lines = iter(block.text.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command += "\n" + next(lines)
            found.append(Command(block, command, ""))
        else:
            assert found, f"{block.where}: begins with something that is no command"
            last = found.pop()
            found.append(Command(block, last.text, f"{last.printed}{line}\n"))
    return found


def links(page: Path) -> Iterator[str]:
    """Where a page's links lead; what stands in fenced blocks is no link."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    for found in _LINK.finditer(re.sub(r"`[^`]*`", "``", text)):
        yield found["target"] or found["plain"]


def anchors(page: Path) -> set[str]:
    """The names by which a page's headings can be linked to."""
    text = _FENCE.sub("", page.read_text("utf-8"))
    headings = re.findall(r"^#+ +(.+)$", text, re.MULTILINE)
    return {re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower()) for heading in headings}
