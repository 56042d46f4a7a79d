"""The site's settings, with the kinds of jobs of these tests."""

from voxelry.server.settings import *  # noqa: F403
from voxelry.server.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.server.jobs.apps.WorksConfig"]
