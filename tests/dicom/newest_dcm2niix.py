"""The newest dcm2niix, one of the tests' packages: that of the system reads less of what makers keep to themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

_PROGRAM = Path(sys.executable).with_name("dcm2niix")
with_newest = pytest.mark.skipif(not _PROGRAM.exists(), reason="there is no package of dcm2niix for this machine")


def sidecar_by_newest(source: Path, target: Path) -> dict[str, Any]:
    """What it says of the one series in a folder."""
    command = [str(_PROGRAM), "-z", "n", "-b", "o", "-f", "theirs", "-o", str(target), str(source)]
    subprocess.run(command, capture_output=True, check=True)
    found: dict[str, Any] = json.loads((target / "theirs.json").read_text(), strict=False)
    return found
