"""Retrieve Capabilities (PS3.18 8.9)."""

from __future__ import annotations

import json

from voxelry.server.access.exchange import Answer, Asked
from voxelry.server.access.rules import Rule
from voxelry.server.dicomweb.routes import Route


def capabilities(asked: Asked) -> Answer:
    """What this server does, in JSON."""
    content = json.dumps({"root": asked.root}).encode()
    return Answer([content], headers={"Content-Type": "application/json"})


ROUTES = (Route("", {"GET": (capabilities, Rule.VIEWER)}),)
