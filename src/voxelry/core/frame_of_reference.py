"""Whether volumes lie in one frame of reference, which is what positions of theirs can be compared in."""

from __future__ import annotations

from collections.abc import Sequence

from voxelry.core.errors import FrameOfReferenceError
from voxelry.core.volume import Volume

CONFIRM = (
    "if you know that they lie in one place of the patient, say so: same_frame_of_reference=True in Python and REST, "
    "--same-frame-of-reference in the terminal"
)

REGISTRATION = "register"
"""The group of steps whose volumes need not lie in one place: they find out how these lie to each other."""


def check_one_frame_of_reference(volumes: Sequence[Volume], *, confirmed: bool) -> None:
    """Refuse to combine volumes by their positions unless they are known to lie in one frame of reference.

    Parameters
    ----------
    volumes
        Those that name neither a series nor a frame of reference, as volumes of NIfTI, are not checked.
    confirmed
        True if the caller knows that they lie in one place.

    Raises
    ------
    FrameOfReferenceError
        If two are of different frames of reference, or that of one is unknown.

    References
    ----------
    PS3.3 C.7.4.1
    """
    if not confirmed:
        known = (volume for volume in volumes if volume.series_instance_uid or volume.frame_of_reference_uid)
        check_one_uid([volume.frame_of_reference_uid for volume in known])


def check_one_uid(uids: Sequence[str | None]) -> None:
    """The same check for the Frame of Reference UIDs of DICOM volumes; None for an unknown one.

    Raises
    ------
    FrameOfReferenceError
        If there are two of them, or one of several is unknown.
    """
    if len(uids) < 2:
        return
    if None in uids:
        unknown = uids.count(None)
        raise FrameOfReferenceError(
            f"the frame of reference of {unknown} of the {len(uids)} volumes is unknown (Frame of Reference UID "
            f"(0020,0052) is missing, or differs from slice to slice), so nothing says that their voxels lie in the "
            f"same places; {CONFIRM}, or register one onto the other",
            unknown=unknown,
        )
    if len(set(uids)) > 1:
        raise FrameOfReferenceError(
            f"the volumes lie in {len(set(uids))} frames of reference (Frame of Reference UID (0020,0052) differs), so "
            f"nothing says that their voxels lie in the same places; {CONFIRM}, or register one onto the other",
            unknown=0,
        )
