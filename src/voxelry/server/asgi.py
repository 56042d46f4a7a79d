"""The ASGI door."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from voxelry.server import start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voxelry.server.settings")
start.prepare()
application = get_asgi_application()
