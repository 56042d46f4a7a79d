"""The Content-Type of a request or of a part (RFC 9110 8.3), read tolerantly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)')
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class ContentType:
    """A media type in lower case, and its parameters by lower-case names.

    Clients leave out the quotes around values that need them: ``type=application/dicom``, ``boundary=a b/c``. Such a
    value ends at the next semicolon.
    """

    media_type: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, value: str) -> ContentType:
        """Read a header's value. The first of several parameters of one name is taken."""
        media_type, semicolon, rest = value.partition(";")
        parameters: dict[str, str] = {}
        for name, raw in _PARAMETER.findall(semicolon + rest):
            text = raw.strip()
            if text[:1] == '"':
                text = _ESCAPED.sub(r"\1", text[1:-1])
            parameters.setdefault(name.lower(), text)
        return cls(media_type.strip().lower(), parameters)
