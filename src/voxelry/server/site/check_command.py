"""``voxelry check``: checks and repairs the archive."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from voxelry.core.errors import VoxelryError
from voxelry.core.progress import Progress, silent
from voxelry.server.environment import django_setup


class NoSiteError(VoxelryError):
    """The data folder holds no site."""

    code: ClassVar[str] = "no_site"


def check(
    *, data: Path | None = None, config: Path | None = None, repair: bool = False, progress: Progress = silent
) -> dict[str, Any]:
    """Check the archive, and repair it if asked.

    Returns
    -------
    record
        The fields of ``Findings``; with ``repair`` those of ``Repaired`` as ``repaired``, and the remaining places as
        ``left``. ``fine`` is True if nothing is left to do.

    Raises
    ------
    NoSiteError
        If the data folder has neither a database nor files, for which a check would find no fault.
    """
    django_setup.prepare(data=data, config=config)
    django_setup.set_up()
    from voxelry.server.site import first_start

    _require_site()

    first_start.migrate()
    from voxelry.server.archive import check as looking
    from voxelry.server.archive import repair as mending

    found = looking.check(progress)
    record: dict[str, Any] = {**asdict(found), "fine": found.fine}
    if repair and not found.fine:
        record["repaired"] = asdict(mending.repair(found, progress))
        left = looking.left_of(found)
        record |= {"left": left, "fine": not left}
    return record


def _require_site() -> None:
    from django.conf import settings
    from django.db import connection

    folder: Path = settings.VOXELRY.data
    has_database = connection.vendor != "sqlite" or Path(connection.settings_dict["NAME"]).exists()
    if not has_database and not (folder / "files").exists():
        raise NoSiteError(f"{folder}: holds no site, neither a database nor files; --data says where one is")
