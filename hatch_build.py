"""The wheel's build hook: a wheel always holds the built web page."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent / "script"))
import web_page


class PageBuildHook(BuildHookInterface[BuilderConfig]):
    """Builds ``web/`` into the package before it is packed."""

    def dependencies(self) -> list[str]:
        """Node, from Python's package index, where the machine has none."""
        if web_page.find_node():
            return []
        project = tomllib.loads(Path(self.root, "pyproject.toml").read_text(encoding="utf-8"))
        groups: dict[str, list[str]] = project["dependency-groups"]
        return groups["node"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page; an editable install has it built by ``script/setup``, when it is wanted."""
        if version != "editable":
            web_page.build_page(Path(self.root))
