"""Where the table was when an image was acquired, which Siemens and GE write in private attributes.

By it places in the patient become places in the scanner, as correcting for the gradients' nonlinearity needs them where
the table moved between series.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from voxelry.core.makers import maker_name
from voxelry.core.value import Value
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.private_places import frame_private_numbers, frame_private_text
from voxelry.dicom.headers.attributes import text
from voxelry.dicom.headers.siemens_csa import csa_values


def table_position(frame: Frame) -> dict[str, Value]:
    """The table's position in millimetres as BIDS has it: x, y and z.

    Returns
    -------
    fields
        ``TablePosition``. Of Siemens the relative position, (0019,xx14), of the CSA header or of XA (0021,xx05), with
        the other sign of z; of GE z alone: the third number of (0043,xxB2) without the offset (0019,xx7F). Else empty.
    """
    match maker_name(text(frame.header.elements, "Manufacturer")):
        case "Siemens":
            found = _siemens(frame)
            return {"TablePosition": [found[0], found[1], 0.0 - found[2]]} if len(found) == 3 else {}
        case "GE":
            place = _finite(frame_private_text(frame, 0x0043, "GEMS_PARM_01", 0xB2).split("\\")[2:3])
            offset = frame_private_numbers(frame, 0x0019, "GEMS_ACQU_01", 0x7F, "DS")
            return {"TablePosition": [0.0, 0.0, place[0] - (offset[0] if offset else 0.0)]} if place else {}
    return {}


def _siemens(frame: Frame) -> tuple[float, ...]:
    found = frame_private_numbers(frame, 0x0019, "SIEMENS MR HEADER", 0x14, "IS")
    found = found or _finite(csa_values(frame.header.elements).get("ImaRelTablePosition", ()))
    return found or frame_private_numbers(frame, 0x0021, "SIEMENS MR SDS 01", 0x05, "IS")


def _finite(words: Sequence[str]) -> tuple[float, ...]:
    """All of them as numbers; empty if one is none."""
    try:
        found = tuple(map(float, words))
    except ValueError:
        return ()
    return found if all(map(math.isfinite, found)) else ()
