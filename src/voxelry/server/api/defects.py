"""A defect is told to whoever runs the server: where it is, without the values that were at hand."""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.http import HttpRequest

from voxelry.server.jobs.run import where

logger = logging.getLogger(__name__)


def tell(*, request: HttpRequest | None = None, **_: Any) -> None:
    """For Django's signal ``got_request_exception``."""
    error = sys.exc_info()[1]
    if error is not None:
        # The route, not the address, which may hold what somebody typed.
        match = getattr(request, "resolver_match", None)
        route = match.route if match else "a middleware"
        logger.error("a request to %s failed inside:\n%s", route, where(error))
