"""The WSGI door."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

from voxelry.dicom import decoding
from voxelry.server import start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voxelry.server.settings")
start.prepare()
decoding.isolate()
application = get_wsgi_application()
