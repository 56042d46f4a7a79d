"""Makers of scanners by one name each, however a header writes them."""

from __future__ import annotations

_MAKERS = (
    ("SIEMENS", "Siemens"), ("CPS", "Siemens"), ("PHILIPS", "Philips"), ("GE", "GE"), ("UIH", "UIH"),
    ("UNITED IMAGING", "UIH"), ("SHANGHAI UNITED IMAGING", "UIH"), ("CANON", "Canon"), ("TOSHIBA", "Toshiba"),
    ("BRUKER", "Bruker"), ("HITACHI", "Hitachi"), ("MEDISO", "Mediso"),
)  # fmt: skip
"""How the value of Manufacturer (0008,0070) begins, in capitals, and the maker's name in a sidecar."""


def maker_name(words: str) -> str:
    """The maker that a header names: ``"GE"`` for ``"GE MEDICAL SYSTEMS"``; what is unknown stays as it is."""
    said = words.strip().upper()
    for begin, name in _MAKERS:
        if said == begin or (said.startswith(begin) and not said[len(begin)].isalpha()):
            return name
    return words.strip()
