"""Child processes for work that must be possible to stop: how they begin, what they may take, how they are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path


def spawn(module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a module of this program as a child that is talked to by pipes, and that leads a session of its own.

    It should end when its standard input does, however its parent died.
    """
    paths = os.pathsep.join(dict.fromkeys(path for path in sys.path if path))
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **(environment or {}), "PYTHONPATH": paths},
        start_new_session=True,
    )


def kill(process: subprocess.Popen[bytes]) -> int:
    """End a child with all that it started; how it ended."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return close(process)


def close(process: subprocess.Popen[bytes]) -> int:
    """Close a child's standard input, so that it ends; how it ended."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    return process.wait()


def limit_memory(more: int | None) -> None:
    """Let this process take so many bytes more than are in use now; None for what the system allows.

    What counts is what only this process has: memory of its own, not files that are mapped.
    """
    try:
        import resource
    except ImportError:
        return
    most = resource.getrlimit(resource.RLIMIT_DATA)[1]
    soft = most if not more else own_bytes("VmData") + more
    if most != resource.RLIM_INFINITY:
        soft = min(soft, most)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (soft, most))


def own_bytes(name: str) -> int:
    """Memory of this process as the system counts it, such as VmRSS; 0 where it does not tell."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
    return 0
