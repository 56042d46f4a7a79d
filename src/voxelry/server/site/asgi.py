"""The ASGI application."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from voxelry.dicom.pixels import decoding
from voxelry.server.environment import django_setup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voxelry.server.site.settings")
_configuration = django_setup.prepare()
decoding.isolate()
_django = get_asgi_application()

from voxelry.server.site.gate import Gate  # noqa: E402 - it needs the applications

application = Gate(_django, largest=_configuration.upload_bytes)
