"""Programs of dcmtk: run, and what they write read."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.running import free_port

SECONDS = 300.0
_COUNT = re.compile(r"Number of (\w+) Suboperations\s*: (\d+)")


@dataclass(frozen=True)
class Told:
    """What a program wrote, and the numbers of sub-operations in its last report."""

    code: int
    text: str

    @property
    def counts(self) -> dict[str, int]:
        """Remaining, Completed, Failed, Warning."""
        return {name.lower(): int(number) for name, number in _COUNT.findall(self.text)}


def dcmtk(*arguments: object) -> Told:
    """Run a program to its end."""
    done = subprocess.run(
        [str(one) for one in arguments], capture_output=True, text=True, errors="replace", check=False, timeout=SECONDS
    )
    return Told(done.returncode, done.stdout + done.stderr)


@contextmanager
def storescp(folder: Path, *options: str) -> Iterator[int]:
    """A node of dcmtk that stores into a folder, byte for byte; its port."""
    port = free_port()
    folder.mkdir(exist_ok=True)
    program = subprocess.Popen(
        ["storescp", "+B", "-aet", "STORESCP", "-od", str(folder), *options, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + SECONDS
        while dcmtk("echoscu", "-aec", "STORESCP", "127.0.0.1", port).code:
            assert time.monotonic() < deadline
        yield port
    finally:
        program.kill()
        program.wait()
