"""The terminal: arguments -> workflow -> print, exit code. Libraries load when a command needs them."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import TYPE_CHECKING

from voxelry import __version__

if TYPE_CHECKING:
    from voxelry.cli.program import app as app

_COMPLETE = "_VOXELRY_COMPLETE"
"""By which a shell asks for completions."""
_WRONG_ARGUMENTS = 2
_COLLECT_EVERY = 50_000
"""Objects. What an import makes stays: to look through all of it every 700 objects takes a tenth of the start."""


def main() -> None:
    """The program ``voxelry``. Its version and its overview are told without importing the commands."""
    gc.set_threshold(_COLLECT_EVERY)
    atexit.register(gc.freeze)  # the interpreter looks through everything when it ends, too
    arguments = sys.argv[1:]
    if _COMPLETE not in os.environ:
        if arguments == ["--version"]:
            print(f"voxelry {__version__}")
            return
        if arguments in ([], ["--help"], ["-h"]):
            from voxelry.cli.overview import print_overview

            print_overview()
            if not arguments:
                sys.exit(_WRONG_ARGUMENTS)
            return
    from voxelry.cli.program import app

    app()


def __getattr__(name: str) -> object:
    if name != "app":
        raise AttributeError(f"module 'voxelry.cli' has no attribute {name!r}")
    from voxelry.cli.program import app

    return app
