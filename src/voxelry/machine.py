"""What this machine has, or the container that this process runs in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")


def memory_bytes() -> int:
    """How much memory there is for this process, in use or not; 0 where nothing tells.

    The least of the machine's own and of what the control groups allow, of version 1 or 2, that the process is in.
    """
    found = list(_cgroup_limits())
    with suppress(ValueError, OSError, AttributeError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min((limit for limit in found if limit > 0), default=0)


def _cgroup_limits() -> Iterator[int]:
    """Of the groups that this process is in and of those around them; a group without a limit says ``max``."""
    for folder, name in _cgroup_files():
        for place in (folder, *folder.parents):
            if place == _CGROUPS.parent:
                break
            with suppress(OSError, ValueError):
                yield int((place / name).read_text("ascii"))


def _cgroup_files() -> Iterator[tuple[Path, str]]:
    # In a container the group's own path is often that of the host, and its files lie at the top.
    yield _CGROUPS, "memory.max"
    yield _CGROUPS / "memory", "memory.limit_in_bytes"
    with suppress(OSError):
        for line in _OWN.read_text("utf-8", errors="replace").splitlines():
            number, controllers, path = line.split(":", 2)
            if number == "0":
                yield _CGROUPS / path.lstrip("/"), "memory.max"
            elif "memory" in controllers.split(","):
                yield _CGROUPS / "memory" / path.lstrip("/"), "memory.limit_in_bytes"
