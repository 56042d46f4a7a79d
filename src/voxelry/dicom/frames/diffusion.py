"""Diffusion images: b-value and direction of the gradient; a trace image has no direction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from weakref import WeakKeyDictionary

from pydicom.datadict import tag_for_keyword

from voxelry.core.value import Value
from voxelry.dicom.frames.diffusion_weighting import DiffusionWeighting, SaidOfDiffusion, main_axis, unit_vector
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.image_parts import plain_type_words
from voxelry.dicom.frames.makers_diffusion import is_uih, makers_diffusion
from voxelry.dicom.frames.shared_frames import of_each_kind
from voxelry.dicom.frames.standard_diffusion import standard_diffusion
from voxelry.dicom.headers.attributes import text
from voxelry.dicom.headers.comparable import ABSENT, Comparable, floats_of
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.header import Header

_TRACE = frozenset(("TRACE", "TRACEW", "ISO", "ISOTROPIC", "DWI TRACE"))
"""Values of Image Type for an image that is the mean of several directions."""
_COSINE_DIGITS = 4
_ROUNDING = 1.5e-4
"""Cosines that differ by less, when they are rounded to `_COSINE_DIGITS`, are one."""
_KNOWN: WeakKeyDictionary[Header, dict[object, DiffusionWeighting | None]] = WeakKeyDictionary()
"""By the index of the frame: grouping, metadata and plans ask for the same frames. And by what frames say alike."""
_GROUPS = frozenset(
    int(tag_for_keyword(keyword) or 0) for keyword in ("MRDiffusionSequence", "MRImageFrameTypeSequence")
)
"""Functional groups that are read here; a maker's are private."""
_DIRECTIONALITY = {"none": "NONE", "trace": "ISOTROPIC", "direction": "DIRECTIONAL", "b matrix": "BMATRIX"}
OF_DIFFUSION = ("DiffusionBValue", "DiffusionGradientOrientation", "DiffusionDirectionality")
"""The attributes that `diffusion_metadata` tells."""


def weighting_of(frame: Frame) -> DiffusionWeighting | None:
    """How a frame was diffusion weighted; None if its header does not say, as for images that are none of diffusion.

    The standard's attributes count before those of a maker, except for a direction by UIH, whose standard one does not
    follow a turned image; see `makers_diffusion` for what each maker writes, and in which frame of reference.
    """
    own = _KNOWN.get(frame.header)
    if own is None:
        own = _KNOWN.setdefault(frame.header, {})
    if frame.index not in own:
        said = _bytes_of_diffusion(frame)
        if said is None:
            own[frame.index] = _weighting(frame)
        else:
            if said not in own:
                own[said] = _weighting(frame)
            own[frame.index] = own[said]
    return own[frame.index]


def _bytes_of_diffusion(frame: Frame) -> tuple[object, ...] | None:
    """What `_weighting` reads beside the instance's own attributes; None if a group is not told by its bytes."""
    if not frame.groups:
        return (frame.orientation,)
    own, *shared = frame.groups
    if not isinstance(own, Elements) or own.encoded is None:
        return None
    for group in shared:
        if not isinstance(group, Elements):
            return None
    told = [(tag, cell) for tag, cell in own.encoded.items() if tag in _GROUPS or tag >> 16 & 1]
    return frame.orientation, *shared, *told


def _weighting(frame: Frame) -> DiffusionWeighting | None:
    elements = frame.header.elements
    by_maker = text(elements, "Modality") in ("MR", "")
    if not (by_maker or frame.groups or "DiffusionBValue" in elements):
        return None  # as of most images: nothing else tells a b-value
    said = standard_diffusion(frame)
    told = said.b_value is not None and (any(said.vector or ()) or said.directionality in ("NONE", "ISOTROPIC"))
    enough = told and frame.groups  # which many thousand frames have, and no maker contradicts
    maker = makers_diffusion(frame) if by_maker and not enough else None
    if maker is not None and not maker.doubtful:
        first, second = (maker, said) if said.vector is None or is_uih(frame) else (said, maker)
        said = SaidOfDiffusion(
            second.b_value if first.b_value is None else first.b_value,
            second.vector if first.vector is None else first.vector,
            second.matrix if first.matrix is None else first.matrix,
            first.directionality or second.directionality,
        )
    b_value = said.b_value
    if b_value is None:
        return None
    if said.directionality == "ISOTROPIC" or (b_value > 0 and not _TRACE.isdisjoint(plain_type_words(frame))):
        return DiffusionWeighting(b_value, "trace")
    if b_value == 0 or said.directionality == "NONE":
        return DiffusionWeighting(b_value, "none")
    direction = None if said.vector is None else unit_vector(said.vector)
    if direction is not None:
        return DiffusionWeighting(b_value, "direction", direction)
    axis = None if said.matrix is None else main_axis(said.matrix)
    matrix = said.directionality == "BMATRIX" or axis is not None
    return DiffusionWeighting(b_value, "b matrix" if matrix else "none", axis)


def diffusion_metadata(frames: Sequence[Frame]) -> dict[str, Value]:
    """Attributes of the standard that tell how the frames of one volume were weighted, all alike; else empty.

    Returns
    -------
    metadata
        DiffusionBValue, DiffusionDirectionality, and DiffusionGradientOrientation where there is a direction: a unit
        vector in patient coordinates (LPS), also where only a maker's private attributes tell it. A b-value of None
        where frames differ.
    """
    values = list(dict.fromkeys(map(_comparable, of_each_kind(frames, weighting_of))))
    first = weighting_of(frames[0])
    if len(set(alike(values).values())) > 1:
        return {"DiffusionBValue": None}
    if first is None:
        return {}
    found: dict[str, Value] = {"DiffusionBValue": first.b_value}
    if first.kind != "none" or first.b_value == 0:
        found["DiffusionDirectionality"] = _DIRECTIONALITY[first.kind]
    if first.direction is not None:
        found["DiffusionGradientOrientation"] = [*first.direction]
    return found


def diffusion_of(frame: Frame) -> Comparable:
    """The b-value in s/mm2, what its direction is, and the direction's cosines; empty if it is no diffusion image.

    References
    ----------
    PS3.3 C.8.13.5.9 (MR Diffusion), C.8.3.1 (MR Image), for instances that have its attributes at the top
    """
    return _comparable(weighting_of(frame))


def says_zero(frame: Frame) -> bool:
    """Whether a maker's attributes give a frame a b-value of 0, be it one that is written in images of any kind."""
    said = makers_diffusion(frame)
    return said is not None and said.b_value == 0


def alike(values: Iterable[Comparable]) -> dict[Comparable, Comparable]:
    """For each value of `diffusion_of` the first that differs from it by rounding only.

    Directions that are given in the image's axes are turned into the patient's by each image's own cosines.
    """
    found: dict[Comparable, Comparable] = {}
    for value in values:
        if value not in found:
            same = (one for one in dict.fromkeys(found.values()) if _differs_by_rounding(value, one))
            found[value] = next(same, value)
    return found


def _differs_by_rounding(value: Comparable, other: Comparable) -> bool:
    if value[:2] != other[:2] or len(value) != len(other):
        return False
    pairs = zip(floats_of(value)[1:], floats_of(other)[1:], strict=True)
    return all(abs(one - another) < _ROUNDING for one, another in pairs)


def _comparable(weighting: DiffusionWeighting | None) -> Comparable:
    if weighting is None:
        return ABSENT
    cosines = (round(cosine, _COSINE_DIGITS) + 0.0 for cosine in weighting.direction or ())
    return (weighting.b_value, weighting.kind, *cosines)


def shown_diffusion(values: list[Comparable]) -> list[tuple[tuple[str, str], ...]]:
    """b-value and direction of each volume, as its label says them: ``1000`` and ``0.707 0 0.707``.

    The direction is left out where no volume of the series has one and none is a trace.
    """
    directed = any(value[1:2] not in ((), ("none",)) for value in values)
    return [
        (
            ("DiffusionBValue", f"{floats_of(value)[0]:.10g}" if value else "none"),
            *((("DiffusionGradientOrientation", _shown_direction(value)),) if directed else ()),
        )
        for value in values
    ]


def _shown_direction(value: Comparable) -> str:
    if value[1:2] == ("trace",):
        return "trace (isotropic)"
    return " ".join(f"{cosine:.4g}" for cosine in floats_of(value)[1:]) or str(value[1] if value else "none")
