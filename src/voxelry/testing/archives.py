"""Problematic archives and files: nested, unsafe, encrypted, bombs, damaged."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from voxelry.testing.instances import synthetic_instance, synthetic_report, write

_MOMENT = (2020, 1, 2, 3, 4, 6)
_LOCAL, _CENTRAL = b"PK\x03\x04", b"PK\x01\x02"

Content = bytes | str | os.PathLike[str]


def zip_bytes(members: Mapping[str, Content], *, stored: bool = False) -> bytes:
    """A zip archive in memory; always the same bytes for the same members.

    Parameters
    ----------
    members
        Entry name -> bytes, or the path of a file with them. Names are written unchanged, also
        ``"../escape.dcm"`` and ``"/etc/x"``.
    stored
        True to store without compression.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            entry = zipfile.ZipInfo("entry", _MOMENT)
            # Set afterwards: the constructor would normalise the names.
            entry.filename = name
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content if isinstance(content, bytes) else Path(content).read_bytes())
    return buffer.getvalue()


def write_zip(path: str | Path, members: Mapping[str, Content], *, stored: bool = False) -> Path:
    """Write `zip_bytes` to a file."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(zip_bytes(members, stored=stored))
    return target


def zip_folder(path: str | Path, folder: str | Path) -> Path:
    """A zip of every file below ``folder``, named relative to it."""
    root = Path(folder)
    files = sorted(file for file in root.rglob("*") if file.is_file())
    return write_zip(path, {file.relative_to(root).as_posix(): file for file in files})


def nested_zip(path: str | Path, members: Mapping[str, Content], *, depth: int) -> Path:
    """A zip archive with ``members`` nested in ``depth`` archives (1 is a plain zip)."""
    content = zip_bytes(members)
    for level in range(depth - 1, 0, -1):
        content = zip_bytes({f"inner-{level}.zip": content})
    target = Path(path)
    target.write_bytes(content)
    return target


def protected_zip(path: str | Path, members: Mapping[str, Content], *, only: str | None = None) -> Path:
    """An archive whose entries are flagged as encrypted; ``only`` flags a single entry.

    The content is not encrypted: a reader must refuse the entry by its flag, before it reads the content.
    """
    raw = bytearray(zip_bytes(members))
    with zipfile.ZipFile(io.BytesIO(bytes(raw))) as archive:
        flagged = [entry for entry in archive.infolist() if only in (None, entry.filename)]
        start = archive.start_dir
    for entry in flagged:
        assert raw[entry.header_offset :].startswith(_LOCAL)
        raw[entry.header_offset + 6] |= 0x01
    while raw[start:].startswith(_CENTRAL):
        lengths = [int.from_bytes(raw[start + k : start + k + 2], "little") for k in (28, 30, 32)]
        name = bytes(raw[start + 46 : start + 46 + lengths[0]]).decode()
        if only in (None, name):
            raw[start + 8] |= 0x01
        start += 46 + sum(lengths)
    target = Path(path)
    target.write_bytes(bytes(raw))
    return target


def bomb_zip(path: str | Path, *, expanded_bytes: int = 1 << 30, name: str = "bomb.dcm") -> Path:
    """Write a small archive with one entry of zeros that expands about a thousandfold, in small blocks."""
    target = Path(path)
    piece = b"\0" * (1 << 20)
    with zipfile.ZipFile(target, "w") as archive:
        entry = zipfile.ZipInfo(name, _MOMENT)
        entry.compress_type = zipfile.ZIP_DEFLATED
        with archive.open(entry, "w", force_zip64=True) as stream:
            left = expanded_bytes
            while left > 0:
                left -= stream.write(piece[: min(left, len(piece))])
    return target


def bad_files(folder: str | Path, *, seed: int = 900) -> dict[str, str]:
    """Write one file of each kind that cannot be loaded.

    Returns
    -------
    codes
        File name -> the expected code of its problem.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    (root / "notes.txt").write_text("This is not DICOM, and says so in plain words.\n" * 8)
    (root / "empty.dcm").write_bytes(b"")
    whole = write(synthetic_instance(seed=seed), root / "truncated.dcm")
    whole.write_bytes(whole.read_bytes()[:-200])
    write(synthetic_report(seed=seed), root / "report.dcm")
    write(synthetic_instance(seed=seed, index=1, has_pixels=False), root / "header-only.dcm")
    return {
        "notes.txt": "not_dicom",
        "empty.dcm": "empty_file",
        "truncated.dcm": "truncated",
        "report.dcm": "no_pixel_data",
        "header-only.dcm": "no_pixel_data",
    }
