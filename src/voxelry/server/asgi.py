"""The ASGI door."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from voxelry.dicom import decoding
from voxelry.server import start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voxelry.server.settings")
_configuration = start.prepare()
decoding.isolate()
_django = get_asgi_application()

from voxelry.server.gate import Gate  # noqa: E402 - it needs the applications

application = Gate(_django, largest=_configuration.upload_bytes)
