"""Kinds of volumes: which of a series' volumes are alike, so that one file may hold them, and what files are called.

Time points, b-values and directions, phases of a cycle, perfusion and dynamic CT are alike. Echoes, parts of the
complex signal, coils, inversion times, flip angles, energies and derived maps are not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from pydicom.datadict import tag_for_keyword

from voxelry.core.errors import ParameterError
from voxelry.dicom.frames.diffusion import weighting_of
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.group_values import group_number, group_text
from voxelry.dicom.frames.image_parts import ComplexPart, complex_part, image_words, map_word, other_words
from voxelry.dicom.frames.shared_frames import kind_of_frame
from voxelry.dicom.grouping.image_kinds import image_kind
from voxelry.dicom.headers.attributes import text, texts
from voxelry.dicom.headers.private_attributes import private_value
from voxelry.dicom.series.stack import Stack

LeftOut = Literal["localizer", "derived", "map", "reformat", "projection", "screen"]
"""Kinds of images that a conversion can leave out."""

_LOCALIZER = frozenset({"LOCALIZER", "SCOUT", "TOPOGRAM"})
_REFORMAT = frozenset({"MPR", "CPR", "REFORMATTED", "REFORMAT", "CURVED"})
_PROJECTION = frozenset({"MIP", "MINIP", "MNIP", "PROJECTION", "REPROJECTION", "VRT", "SSD"})
_SCREEN = frozenset({"SCREEN", "SCREENSHOT", "DOSE", "REPORT", "PROT", "POSDISP"})
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_ENERGIES = {"KVP": "kv", "MonoenergeticEnergyEquivalent": "kev", "EnergyWindowVector": "window"}
_NAMING = (*_ENERGIES, "VelocityEncodingDirection")
"""What tells volumes apart by a value that is part of their kind."""
_ASL = re.compile(r"(?<![a-z])(?:p?c?asl|asl)(?![a-z])|_asl|asl_|perfusion", re.IGNORECASE)

_TAGS = tuple(
    int(tag_for_keyword(keyword) or 0)
    for keyword in (
        "SpecificCharacterSet", "Modality", "ImageType", "VolumeBasedCalculationTechnique", "ComplexImageComponent",
        "EffectiveEchoTime", "EchoTime", "EchoNumbers", "InversionTimes", "InversionTime", "FlipAngle", "ASLContext",
        "PulseSequenceName", "SequenceName", "ProtocolName", "SeriesDescription", "ReceiveCoilName", "SequenceVariant",
        "ScanOptions", "ConvolutionKernel",
    )
)  # fmt: skip
_PRIVATE = (
    (0x0019, "GEMS_ACQU_01", 0x9C), (0x0019, "GEMS_ACQU_01", 0x9E), (0x0043, "GEMS_PARM_01", 0x2F),
    (0x0051, "SIEMENS MR HEADER", 0x0F),
)  # fmt: skip
"""All that `_kind_of` reads of an instance without functional groups."""

_Number: TypeAlias = float | None


@dataclass(frozen=True, slots=True)
class VolumeKind:
    """What the voxels of a volume are, beside their place and time. Volumes of one kind may share a file.

    Attributes
    ----------
    sop_class_uid, unit
        As the header has them.
    image
        Words of Image Type that mark a derived image or a localizer.
    map
        A derived map's word (``"ADC"``); empty for an image that is none.
    part
        Of the complex signal.
    echo
        Echo Number and Echo Time in ms.
    inversion, flip
        Inversion Time in ms, Flip Angle in degrees; None if unknown, and the former in perfusion, where it is a delay.
    coil
        Name of the receive coil.
    magnetization_transfer
        ``"on"`` or ``"off"`` where volumes of the series differ in it.
    energy
        Of CT and nuclear medicine, where volumes of the series differ in it: ``"kv-80"``.
    velocity
        Direction of velocity encoding, where volumes differ in it.
    reconstruction
        Kernel and other words of Image Type, where volumes differ in them.
    """

    sop_class_uid: str
    unit: str
    image: frozenset[str]
    map: str
    part: ComplexPart
    echo: tuple[str, str]
    inversion: _Number
    flip: _Number
    coil: str
    magnetization_transfer: str
    energy: tuple[str, ...]
    velocity: str
    reconstruction: tuple[str, ...]


def kinds_of(stacks: Sequence[Stack]) -> tuple[VolumeKind, ...]:
    """The kind of each stack of a series.

    A trace-weighted image is a map beside images of single directions; without these it is what was acquired.
    """
    directed = any(_diffusion(stack.frames[0]) in ("direction", "b matrix") for stack in stacks)
    known: dict[object, VolumeKind] = {}
    found = []
    for stack in stacks:
        key = _bytes_of_kind(stack)
        if key not in known:
            known[key] = _kind_of(stack, directed=directed)
        found.append(known[key])
    return tuple(found)


def _bytes_of_kind(stack: Stack) -> tuple[object, ...]:
    """What tells the kind of a stack: where that is equal, kinds are. Of single frames as the file has it."""
    frame = stack.frames[0]
    separated = dict(stack.pile.separation)
    said = tuple(separated), tuple(map(separated.get, _NAMING))
    encoded = frame.header.elements.encoded
    if encoded is None or frame.groups:
        return kind_of_frame(frame), said
    private = (private_value(frame.header.elements, *place) for place in _PRIVATE)
    own = (*private, *map(encoded.get, _TAGS))
    return frame.header.sop_class_uid, frame.unit, _diffusion(frame), said, own


def _kind_of(stack: Stack, *, directed: bool) -> VolumeKind:
    frame = stack.frames[0]
    elements = frame.header.elements
    separated = dict(stack.pile.separation)
    is_mr = text(elements, "Modality") == "MR"
    return VolumeKind(
        sop_class_uid=frame.header.sop_class_uid,
        unit=frame.unit,
        image=image_kind(frame.header) - {"MOSAIC"},
        map=_map(frame, directed=directed),
        part=complex_part(frame),
        echo=_echo(frame) if is_mr else ("", ""),
        inversion=_inversion(frame) if is_mr else None,
        flip=_rounded(group_number(frame, "MRTimingAndRelatedParametersSequence", "FlipAngle")) if is_mr else None,
        coil=_coil(frame) if is_mr else "",
        magnetization_transfer=_transfer(frame) if {"ScanOptions", "SequenceVariant"} & separated.keys() else "",
        energy=tuple(f"{short}-{_safe(separated[key])}" for key, short in _ENERGIES.items() if key in separated),
        velocity=separated.get("VelocityEncodingDirection", ""),
        reconstruction=_reconstruction(frame, frozenset(separated)),
    )


def _map(frame: Frame, *, directed: bool) -> str:
    found = map_word(frame)
    if found == "trace" or (not found and _diffusion(frame) == "trace"):
        return "trace" if directed else ""
    return found


def _diffusion(frame: Frame) -> str:
    weighting = weighting_of(frame)
    return "" if weighting is None else weighting.kind


def _rounded(number: _Number) -> _Number:
    return None if number is None else float(f"{number:.4g}")


def _echo(frame: Frame) -> tuple[str, str]:
    time = group_number(frame, "MREchoSequence", "EffectiveEchoTime")
    if time is None:
        time = group_number(frame, "MREchoSequence", "EchoTime")
    return text(frame.header.elements, "EchoNumbers"), "" if time is None else f"{time:.4g}"


def _inversion(frame: Frame) -> _Number:
    if is_perfusion(frame):
        return None
    several = group_number(frame, "MRModifierSequence", "InversionTimes")
    return _rounded(several if several is not None else group_number(frame, "MRModifierSequence", "InversionTime"))


def is_perfusion(frame: Frame) -> bool:
    """True for arterial spin labelling and other perfusion, by standard attributes, else by names of sequences."""
    if any("MRArterialSpinLabelingSequence" in group for group in frame.groups):
        return True
    elements = frame.header.elements
    if "ASLContext" in elements or any(word in ("ASL", "PERFUSION") for word in image_words(frame)):
        return True
    names = ("PulseSequenceName", "SequenceName", "ProtocolName", "SeriesDescription")
    return any(_ASL.search(text(elements, name)) for name in names)


def _coil(frame: Frame) -> str:
    named = group_text(frame, "MRReceiveCoilSequence", "ReceiveCoilName")
    if named:
        return named
    own = private_value(frame.header.elements, 0x0051, "SIEMENS MR HEADER", 0x0F)
    return "" if own is None else own.decode("latin-1").strip("\0 ")


def _transfer(frame: Frame) -> str:
    elements = frame.header.elements
    words = {*texts(elements, "SequenceVariant"), *texts(elements, "ScanOptions")}
    return "on" if words & {"MTC", "MT"} else "off"


def _reconstruction(frame: Frame, separated: frozenset[str]) -> tuple[str, ...]:
    found: tuple[str, ...] = ()
    if "ConvolutionKernel" in separated:
        found = (text(frame.header.elements, "ConvolutionKernel"),)
    if {"ImageType", "FrameType"} & separated:
        found = (*found, *other_words(frame))
    return found


# --- names ------------------------------------------------------------------------------------------------------------

_Key: TypeAlias = Callable[[VolumeKind], object]
_TELLING: tuple[tuple[str, _Key], ...] = (
    ("part", lambda kind: kind.part),
    ("echo", lambda kind: kind.echo),
    ("coil", lambda kind: kind.coil),
    ("inv", lambda kind: kind.inversion),
    ("flip", lambda kind: kind.flip),
    ("mt", lambda kind: kind.magnetization_transfer),
    ("energy", lambda kind: kind.energy),
    ("venc", lambda kind: kind.velocity),
    ("rec", lambda kind: kind.reconstruction),
)
"""What is used to tell files apart, the first first; a later one only where those before leave two alike."""
_WRITTEN = ("rec", "energy", "venc", "echo", "flip", "inv", "mt", "coil", "part")
"""In the order in which BIDS writes entities."""
_COUNTED = ("echo", "flip", "inv", "coil", "venc")
"""Entities whose values are numbers in order."""


def entities_of(kinds: Sequence[VolumeKind]) -> tuple[str, ...]:
    """What tells the files of one series apart, as BIDS entities: ``"echo-1_part-phase"``, ``"ADC"``.

    Parameters
    ----------
    kinds
        Of each file. Files of one kind, which differ in place or matrix, have one name.

    Returns
    -------
    entities
        Empty where nothing has to be told apart, and for the images beside derived maps.
    """
    several = len(set(kinds)) > 1
    words = [_suffix(kind) if several else "" for kind in kinds]
    if len(set(words)) == 1:
        words = [""] * len(words)
    found: list[str] = []
    for kind, word in zip(kinds, words, strict=True):
        fellows = list(dict.fromkeys(one for one, other in zip(kinds, words, strict=True) if other == word))
        used = _needed(fellows)
        parts = [_entity(name, kind, fellows) for name in _WRITTEN if name in used]
        found.append("_".join(part for part in (*parts, word) if part))
    return tuple(found)


def _suffix(kind: VolumeKind) -> str:
    return kind.map or "".join(sorted(word.lower() for word in kind.image)[:1])


def _needed(kinds: Sequence[VolumeKind]) -> set[str]:
    used: list[tuple[str, _Key]] = []
    for name, key in _TELLING:
        before: dict[tuple[object, ...], set[object]] = {}
        for kind in kinds:
            before.setdefault(tuple(own(kind) for _, own in used), set()).add(key(kind))
        if any(len(values) > 1 for values in before.values()):
            used.append((name, key))
    return {name for name, _ in used}


def _entity(name: str, kind: VolumeKind, kinds: Sequence[VolumeKind]) -> str:
    key = dict(_TELLING)[name]
    value = key(kind)
    if name in _COUNTED:
        values = sorted({key(one) for one in kinds}, key=_in_order)
        return f"{name}-{values.index(value) + 1}"
    if name == "energy":
        return "_".join(kind.energy)
    words = "".join(_safe(word) for word in value) if isinstance(value, tuple) else str(value or "")
    return f"{name}-{words}" if words else ""


def _in_order(value: object) -> tuple[object, ...]:
    """Numbers within texts by size: coil 2 comes before coil 10, and Echo Time decides before Echo Number."""
    if isinstance(value, tuple):
        value = " ".join(map(str, reversed(value)))
    parts = re.split(r"(\d+(?:\.\d+)?)", "" if value is None else str(value))
    return tuple((1, part) if number % 2 == 0 else (0, float(part)) for number, part in enumerate(parts) if part)


def _safe(words: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "", words)


# --- what may be left out ---------------------------------------------------------------------------------------------


def left_out_kinds(stack: Stack) -> frozenset[LeftOut]:
    """Which of `LeftOut` a stack's images are.

    ``"derived"`` is what was computed from other images or is no image of the patient: maps, reformats, projections,
    screens, and whatever Image Type calls DERIVED.
    """
    frame = stack.frames[0]
    words = {part for word in image_words(frame) for part in (word, *word.split())} | image_kind(frame.header)
    found: set[LeftOut] = set()
    if words & _LOCALIZER:
        found.add("localizer")
    if map_word(frame):
        found.add("map")
    if words & _REFORMAT:
        found.add("reformat")
    if words & _PROJECTION and not words & _LOCALIZER:
        found.add("projection")
    if words & _SCREEN or frame.header.sop_class_uid.startswith(_SECONDARY_CAPTURE):
        found.add("screen")
    if found - {"localizer"} or image_words(frame)[:1] == ("DERIVED",):
        found.add("derived")
    return frozenset(found)


def check_left_out(kinds: Collection[str]) -> None:
    """Raise a ParameterError unless all are kinds that can be left out."""
    wrong = [kind for kind in kinds if kind not in get_args(LeftOut)]
    if isinstance(kinds, str) or wrong:
        known = ", ".join(get_args(LeftOut))
        raise ParameterError(f"nothing is called {wrong[0] if wrong else kinds!r} to be left out; there are {known}")
