"""SOP classes that need special handling (PS3.4 B.5)."""

from __future__ import annotations

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"
"""Label Map Segmentation Storage (Supplement 243): the value of a pixel is the number of its segment."""
SEGMENTATIONS = frozenset({SEGMENTATION, LABEL_MAP})
