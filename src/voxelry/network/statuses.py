"""Statuses of DIMSE messages (PS3.7 Annex C, and the services of PS3.4)."""

from __future__ import annotations

from typing import Final

SUCCESS: Final = 0x0000
PENDING: Final = 0xFF00
PENDING_WITH_UNSUPPORTED_KEYS: Final = 0xFF01
CANCELLED: Final = 0xFE00

PROCESSING_FAILURE: Final = 0x0110
DUPLICATE_SOP_INSTANCE: Final = 0x0111
NO_SUCH_INSTANCE: Final = 0x0112
INVALID_ARGUMENT: Final = 0x0115
INVALID_SOP_INSTANCE: Final = 0x0117
NO_SUCH_CLASS: Final = 0x0118
CLASS_NOT_SUPPORTED: Final = 0x0122
NO_SUCH_ACTION: Final = 0x0123
NOT_AUTHORISED: Final = 0x0124
UNRECOGNISED_OPERATION: Final = 0x0211

OUT_OF_RESOURCES: Final = 0xA700
DOES_NOT_MATCH: Final = 0xA900
CANNOT_UNDERSTAND: Final = 0xC000
UNABLE_TO_PROCESS: Final = 0xC001

COERCED: Final = 0xB000
"""A warning of C-STORE."""
DOUBTFUL: Final = 0xB007
"""A warning of C-STORE: the data set does not match its SOP class."""

SOME_FAILED: Final = 0xB000
"""A warning of C-MOVE and C-GET: not all sub-operations could be done."""
NONE_DONE: Final = 0xA702
UNKNOWN_DESTINATION: Final = 0xA801
