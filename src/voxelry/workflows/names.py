"""Names for exports: what they are, and never whose."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from voxelry.core.volume import Volume


def export_names(volumes: Sequence[Volume]) -> tuple[str, ...]:
    """A file or folder name for each volume: modality and series number, numbered where several would share one.

    Descriptions are left out: people write patients' names into them.
    """
    names = [_name(volume) for volume in volumes]
    often = Counter(names)
    seen: Counter[str] = Counter()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(f"{name}-{seen[name]:0{len(str(often[name]))}d}" if often[name] > 1 else name)
    return tuple(numbered)


def _name(volume: Volume) -> str:
    modality = re.sub(r"[^a-z0-9]", "", str(volume.metadata.get("Modality") or "").lower()) or "volume"
    number = volume.metadata.get("SeriesNumber")
    return f"{modality}-{number}" if isinstance(number, int) and number >= 0 else modality
