"""Logs defects: where they were raised, without values."""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.http import HttpRequest

from voxelry.server.api.problems import trouble
from voxelry.server.jobs.failures import where

logger = logging.getLogger(__name__)


def log_defect(*, request: HttpRequest | None = None, **_: Any) -> None:
    """Log a defect; receives Django's signal ``got_request_exception``."""
    error = sys.exc_info()[1]
    if error is None:
        return
    # The route, not the URL, which may hold what a user typed.
    match = getattr(request, "resolver_match", None)
    route = match.route if match else "a middleware"
    known = trouble(error)
    if known is not None:
        logger.warning("a request to %s was refused: %s (%s)", route, known[1], type(error).__name__)
    else:
        logger.error("a request to %s failed inside:\n%s", route, where(error))
