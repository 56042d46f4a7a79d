"""The tables of a new site on SQLite, made once for all sites of a run of tests.

Making them takes five seconds of processor time. That an empty folder becomes a site is shown where it is the subject:
tests/server/test_serve.py, tests/packaging/test_setup.py and docs/how-to/deploy.md.
"""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

DATABASE = "voxelry.sqlite3"
_MAKE = """
import sys
from pathlib import Path
from voxelry.server.site.opened_site import open_site
open_site(data=Path(sys.argv[1]), config=None)
"""


def put_tables(data: Path) -> None:
    """Make a data folder with the tables of the first start, which has still to make the first user and the key."""
    data.mkdir(parents=True)
    shutil.copyfile(_database(), data / DATABASE)


@functools.cache
def _database() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="voxelry-tables-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VOXELRY_", "DJANGO_"))}
    subprocess.run([sys.executable, "-c", _MAKE, str(folder / "data")], env=environment, check=True)
    made = folder / DATABASE
    # A copy by SQLite has what is still in the log beside the file.
    with closing(sqlite3.connect(folder / "data" / DATABASE)) as source, closing(sqlite3.connect(made)) as target:
        source.backup(target)
    return made
