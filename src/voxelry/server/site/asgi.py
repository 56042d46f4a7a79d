"""The ASGI application."""

from __future__ import annotations

import gc
import os

from voxelry.dicom.pixels import decoding
from voxelry.server.environment import django_setup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "voxelry.server.site.settings")
_configuration = django_setup.prepare()
decoding.isolate()
django_setup.set_up()

from voxelry.server.site.django_handler import ThreadedDjango  # noqa: E402 - it needs the applications
from voxelry.server.site.front import Front  # noqa: E402
from voxelry.server.site.gate import Gate  # noqa: E402
from voxelry.server.site.request_threads import keep_connections  # noqa: E402

keep_connections()
application = Gate(Front(ThreadedDjango()), largest=_configuration.upload_bytes)
gc.collect()
gc.freeze()  # what is loaded now stays: the collector need not look through it again and again
