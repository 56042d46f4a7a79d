#!/usr/bin/env python
"""The usual Django door: migrate, createsuperuser, runserver."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Run a management command."""
    sys.path.insert(0, str(Path(__file__).parent / "src"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voxelry.server.site.settings")
    from django.core.management import execute_from_command_line

    from voxelry.server.environment import django_setup
    from voxelry.server.environment.configuration import ConfigurationError

    try:
        django_setup.prepare()
    except ConfigurationError as error:
        sys.exit(f"voxelry: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
