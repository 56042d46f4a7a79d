"""Values as JSON knows them: what crosses from headers to reports, tables and the wire."""

from __future__ import annotations

from typing import TypeAlias

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"
"""A metadata value as JSON knows it; a sequence is a list of dicts keyed by DICOM keyword."""
