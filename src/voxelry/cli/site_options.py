"""What commands on a site have in common: where it is, and how its functions are imported."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from voxelry.core.extras import missing_extra

DataOption = Annotated[
    Path | None, typer.Option(help="The data folder; VOXELRY_DATA, or the user's data folder, without it.")
]
ConfigOption = Annotated[Path | None, typer.Option(help="A voxelry.toml; VOXELRY_CONFIG without it.")]


def server_function(module: str, name: str) -> Callable[..., Any]:
    """Import a function of the server, whose libraries are an optional extra."""
    try:
        found: Callable[..., Any] = getattr(import_module(f"voxelry.server.{module}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("voxelry"):
            raise
        library = (error.name or "django").partition(".")[0]
        raise missing_extra("the site", library, otherwise="server") from error
    return found
