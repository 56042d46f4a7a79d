"""A child that decodes; frames of 8 x 8 pixels make it do what damaged ones do to decoders, by their first value."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np

from voxelry.dicom.pixels import codecs, decoding_child

HANG, SLEEP, CRASH, GREED, REFUSE = range(1, 6)


def decode(raw: bytes, syntax: Any, **told: Any) -> Any:
    """As the codecs do, and then oddly."""
    values = codecs.decode(raw, syntax, **told)
    what = int(values.flat[0]) if values.shape == (8, 8) else 0
    if what == HANG:
        while True:
            pass
    if what == SLEEP:
        time.sleep(600)
    if what == CRASH:
        os.abort()
    if what == GREED:
        return np.ones(2**40, np.uint8)
    if what == REFUSE:
        raise ValueError("words that help nobody")
    return values


if __name__ == "__main__":
    vars(decoding_child)["decode"] = decode
    decoding_child.main()
