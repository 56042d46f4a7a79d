"""The command line: arguments -> workflow -> output and exit code. A command imports only the libraries it uses."""

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
"""The environment variable by which a shell requests completions."""
_WRONG_ARGUMENTS = 2
_COLLECT_EVERY = 300_000
"""Allocations between garbage collections: more than the start-up has, as they cost a tenth of it and free nothing."""
_COLLECT_EVERY_OF_SITES = 50_000
"""The same for programs that run until they are stopped."""
_SITES = {"serve", "worker", "listen"}


def main() -> None:
    """The program ``voxelry``. Version and overview are printed without importing the commands."""
    arguments = sys.argv[1:]
    ends = _SITES.isdisjoint(arguments)
    gc.set_threshold(_COLLECT_EVERY if ends else _COLLECT_EVERY_OF_SITES)
    atexit.register(gc.freeze)  # Saves the garbage collection at exit.
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
    if ends:
        from voxelry.cli.late_imports import delay_imports

        delay_imports()
    from voxelry.cli.program import app

    app()


def __getattr__(name: str) -> object:
    if name != "app":
        raise AttributeError(f"module 'voxelry.cli' has no attribute {name!r}")
    from voxelry.cli.program import app

    return app
