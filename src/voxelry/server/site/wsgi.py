"""The WSGI application."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from voxelry.dicom.pixels import decoding
from voxelry.server.environment import django_setup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voxelry.server.site.settings")
django_setup.prepare()
decoding.isolate()
application = get_wsgi_application()
