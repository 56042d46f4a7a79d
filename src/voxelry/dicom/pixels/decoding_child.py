"""The child process that decodes frames: reads a frame, decodes it within its limits, answers, reads the next.

``python -m voxelry.dicom.pixels.decoding_child``; `decoding` starts it and has what both say.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import numpy.typing as npt
from pydicom.uid import UID

from voxelry.children import limit_memory
from voxelry.core.errors import VoxelryError
from voxelry.dicom.pixels.codecs import decode
from voxelry.dicom.pixels.decoding import HEADER


def main() -> None:
    """Until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for own in (1, 2):  # what decoders print would be taken for an answer, or may quote a file
        os.dup2(nowhere, own)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    for name in ("jpeg8", "jpegls", "jpeg2k", "htj2k", "jpegxl"):  # which takes time that is none of a frame's
        getattr(imagecodecs, f"{name}_decode")
    while len(head := sys.stdin.buffer.read(HEADER.size)) == HEADER.size:
        length, size = HEADER.unpack(head)
        asked = json.loads(sys.stdin.buffer.read(length))
        _answer(answers, *_decoded(sys.stdin.buffer.read(size), asked))


def _decoded(encoded: bytes, asked: dict[str, Any]) -> tuple[dict[str, Any], npt.NDArray[np.generic] | None]:
    limit_memory(int(asked["bytes"]))
    signal.setitimer(signal.ITIMER_PROF, asked["seconds"])  # the system ends a process that does not heed it
    try:
        values = np.ascontiguousarray(
            decode(
                encoded,
                UID(asked["syntax"]),
                shape=tuple(asked["shape"]),
                dtype=np.dtype(asked["dtype"]),
                photometric=asked["photometric"],
            )
        )
        return {"shape": values.shape, "dtype": values.dtype.str}, values
    except VoxelryError as error:
        return {"refused": str(error)}, None
    except Exception as error:
        return {"failed": type(error).__name__}, None
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        limit_memory(None)


def _answer(answers: BinaryIO, told: dict[str, Any], values: npt.NDArray[np.generic] | None) -> None:
    content = json.dumps(told).encode()
    answers.write(HEADER.pack(len(content), 0 if values is None else values.nbytes) + content)
    if values is not None:
        answers.write(values.reshape(-1).view(np.uint8).data)
    answers.flush()


if __name__ == "__main__":
    main()
