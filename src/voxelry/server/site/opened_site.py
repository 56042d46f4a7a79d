"""A site is opened by a command of the terminal that reads or changes its rows."""

from __future__ import annotations

from pathlib import Path

from voxelry.server.environment import django_setup


def open_site(*, data: Path | None, config: Path | None) -> None:
    """Prepare the data folder, set up Django, and bring the database up to date.

    Raises
    ------
    ConfigurationError
        If a setting cannot be used.
    """
    django_setup.prepare(data=data, config=config)
    django_setup.set_up()
    from voxelry.server.site import first_start

    first_start.migrate()
