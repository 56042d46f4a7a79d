"""Nothing half-written bears a final name."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def published(path: str | Path) -> Iterator[Path]:
    """A temporary path beside ``path``, which takes its name when the block ends without an error.

    The folder is made where it is missing. A file of that name is replaced in one step.
    """
    final = Path(path)
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = final.parent / f".{secrets.token_hex(8)}.part{final.suffix}"
    # Created as any other file is, by the process's own mask: that cannot be asked for without changing it.
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    try:
        yield temporary
        temporary.replace(final)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def publish(path: str | Path, content: bytes) -> None:
    """A whole file at once; its folder is there."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{secrets.token_hex(8)}.part")  # noqa: PTH118 - hundreds of pictures a second
    try:
        with open(temporary, "xb", buffering=0) as file:  # noqa: PTH123
            file.write(content)
        os.replace(temporary, os.path.join(folder, name))  # noqa: PTH105, PTH118
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
