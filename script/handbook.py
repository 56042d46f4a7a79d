"""Hooks of mkdocs for the handbook."""

from __future__ import annotations

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig

ROOT = Path(__file__).resolve().parent.parent


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the code's version to the footer of each page."""
    found = re.search(r'^__version__ = "([^"]+)"', (ROOT / "src/voxelry/__init__.py").read_text("utf-8"), re.MULTILINE)
    config.copyright = f"Voxelry {found[1]}" if found else None
    return config
