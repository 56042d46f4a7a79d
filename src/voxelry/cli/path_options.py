"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PathArgument = Annotated[Path, typer.Argument(help="A file, a folder at any depth, or a zip archive.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
