"""The site's settings, with the kinds of jobs of these tests."""

from voxelry.server.site.settings import *  # noqa: F403
from voxelry.server.site.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.server.jobs.apps.WorksConfig"]
