"""Attributes that enhanced objects keep in functional groups and others at the top, by the names of the latter.

Only groups of what the scanner did are read: timing, echo, modifiers, averages, coils, exposure, reconstruction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from types import MappingProxyType
from weakref import WeakKeyDictionary

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.tag import BaseTag

from voxelry.core.value import Value
from voxelry.dicom.frames.frame import Frame
from voxelry.dicom.frames.shared_frames import are_of_one_kind, headers_of, kind_of_frame
from voxelry.dicom.headers.attributes import Attributes, dataset_of, first_attributes
from voxelry.dicom.headers.elements import Elements
from voxelry.dicom.headers.header import Header
from voxelry.dicom.headers.json_values import as_metadata, readable_elements, to_json
from voxelry.dicom.headers.shared_attributes import shared_metadata

_GROUPS: Mapping[str, Mapping[str, str]] = {
    "MRTimingAndRelatedParametersSequence": {
        "RepetitionTime": "RepetitionTime",
        "FlipAngle": "FlipAngle",
        "EchoTrainLength": "EchoTrainLength",
        "RFEchoTrainLength": "RFEchoTrainLength",
        "GradientEchoTrainLength": "GradientEchoTrainLength",
    },
    "MREchoSequence": {"EffectiveEchoTime": "EchoTime"},
    "MRModifierSequence": {
        "InversionRecovery": "InversionRecovery",
        "InversionTimes": "InversionTime",
        "FlowCompensation": "FlowCompensation",
        "Spoiling": "Spoiling",
        "T2Preparation": "T2Preparation",
        "SpectrallySelectedExcitation": "SpectrallySelectedExcitation",
        "SpatialPresaturation": "SpatialPresaturation",
        "PartialFourier": "PartialFourier",
        "PartialFourierDirection": "PartialFourierDirection",
        "ParallelAcquisition": "ParallelAcquisition",
        "ParallelAcquisitionTechnique": "ParallelAcquisitionTechnique",
        "ParallelReductionFactorInPlane": "ParallelReductionFactorInPlane",
        "ParallelReductionFactorOutOfPlane": "ParallelReductionFactorOutOfPlane",
        "ParallelReductionFactorSecondInPlane": "ParallelReductionFactorSecondInPlane",
    },
    "MRFOVGeometrySequence": {
        "InPlanePhaseEncodingDirection": "InPlanePhaseEncodingDirection",
        "MRAcquisitionFrequencyEncodingSteps": "MRAcquisitionFrequencyEncodingSteps",
        "MRAcquisitionPhaseEncodingStepsInPlane": "MRAcquisitionPhaseEncodingStepsInPlane",
        "MRAcquisitionPhaseEncodingStepsOutOfPlane": "MRAcquisitionPhaseEncodingStepsOutOfPlane",
        "PercentSampling": "PercentSampling",
        "PercentPhaseFieldOfView": "PercentPhaseFieldOfView",
    },
    "MRAveragesSequence": {"NumberOfAverages": "NumberOfAverages"},
    "MRImagingModifierSequence": {
        "MagnetizationTransfer": "MagnetizationTransfer",
        "BloodSignalNulling": "BloodSignalNulling",
        "Tagging": "Tagging",
        "TransmitterFrequency": "ImagingFrequency",
        "PixelBandwidth": "PixelBandwidth",
    },
    "MRReceiveCoilSequence": {"ReceiveCoilName": "ReceiveCoilName"},
    "MRTransmitCoilSequence": {"TransmitCoilName": "TransmitCoilName"},
    "MRImageFrameTypeSequence": {
        "FrameType": "FrameType",
        "ComplexImageComponent": "ComplexImageComponent",
        "AcquisitionContrast": "AcquisitionContrast",
    },
    "MRArterialSpinLabelingSequence": {
        "ArterialSpinLabelingContrast": "ArterialSpinLabelingContrast",
        "ASLContext": "ASLContext",
        "ASLTechniqueDescription": "ASLTechniqueDescription",
        "ASLPulseTrainDuration": "ASLPulseTrainDuration",
        "ASLCrusherFlag": "ASLCrusherFlag",
        "ASLBolusCutoffFlag": "ASLBolusCutoffFlag",
    },
    "PixelMeasuresSequence": {"SliceThickness": "SliceThickness"},
    "CTXRayDetailsSequence": {
        "KVP": "KVP",
        "FocalSpots": "FocalSpots",
        "FilterType": "FilterType",
        "FilterMaterial": "FilterMaterial",
    },
    "CTExposureSequence": {
        "XRayTubeCurrentInmA": "XRayTubeCurrent",
        "ExposureTimeInms": "ExposureTime",
        "ExposureInmAs": "Exposure",
        "CTDIvol": "CTDIvol",
    },
    "CTReconstructionSequence": {
        "ConvolutionKernel": "ConvolutionKernel",
        "ReconstructionDiameter": "ReconstructionDiameter",
    },
    "CTImageFrameTypeSequence": {"FrameType": "FrameType"},
    "PETFrameTypeSequence": {"FrameType": "FrameType"},
    "PETFrameCorrectionFactorsSequence": {
        "DecayFactor": "DecayFactor",
        "ScatterFractionFactor": "ScatterFractionFactor",
    },
}
"""Sequence, and which attribute of its item is told as which of single-frame instances (PS3.3 C.8.13.5, C.8.15.3)."""
_CHARACTER_SET = 0x00080005
_FIRST_ONLY = frozenset({"InversionTime"})
"""Of which a single-frame instance has one."""
_TAGS = {
    BaseTag(int(tag_for_keyword(sequence) or 0)): {int(tag_for_keyword(own) or 0): name for own, name in inner.items()}
    for sequence, inner in _GROUPS.items()
}
_PLAIN_TAGS = tuple(map(int, _TAGS))
_SEQUENCES = {name: (sequence, own) for sequence, inner in _GROUPS.items() for own, name in inner.items()}

Told = Mapping[str, Value]
_NOTHING: Told = MappingProxyType({})
_Known = dict[tuple[object, ...], Told]
"""What sequences say, by tag, bytes and character set."""
_KNOWN: WeakKeyDictionary[Header, _Known] = WeakKeyDictionary()
"""Of instances: their volumes mostly have the same ones."""
_OF_COMMON: WeakKeyDictionary[Elements, dict[str, Value]] = WeakKeyDictionary()
"""What is shared by all frames with the same groups but for Frame Content and Plane Position, which none reads here."""


def frames_metadata(frames: Sequence[Frame]) -> Told:
    """The attributes that all frames share, by keyword: those of their instances, and of their functional groups.

    What is in a group has precedence, as it is the frame's own.

    Parameters
    ----------
    frames
        Of one volume.
    """
    shared = shared_metadata(headers_of(frames))
    return _WithGroups(shared, frames) if any(frame.groups for frame in frames) else shared


def frame_value(frame: Frame, keyword: str) -> Value:
    """An attribute of a frame as JSON, from its functional groups, else from its instance; None if it has none."""
    place = _SEQUENCES.get(keyword)
    if place is not None:
        sequence, own = place
        tag = BaseTag(int(tag_for_keyword(sequence) or 0))
        for group in frame.groups:
            if tag in _tags_of(group):
                found = _told_by(group, tag, own={int(tag_for_keyword(own) or 0): keyword}).get(keyword)
                if found not in (None, "", []):
                    return found
    return _own_value(frame, keyword)


def frame_number(frame: Frame, keyword: str) -> float | None:
    """The first number of an attribute of a frame; None if it has none."""
    found = frame_value(frame, keyword)
    first = found[0] if isinstance(found, list) and found else found
    return float(first) if isinstance(first, int | float) and not isinstance(first, bool) else None


def frame_words(frame: Frame, keyword: str) -> tuple[str, ...]:
    """The values of an attribute of a frame as texts; empty if it has none."""
    found = frame_value(frame, keyword)
    several = found if isinstance(found, list) else [] if found in (None, "") else [found]
    return tuple(str(one).strip() for one in several)


def _own_value(frame: Frame, keyword: str) -> Value:
    elements = frame.header.elements
    if keyword not in elements:
        return None
    dataset = elements.dataset
    return as_metadata(dataset, leave_out=dataset.keys() - {tag_for_keyword(keyword)}).get(keyword)


class _WithGroups(Mapping[str, Value]):
    """Attributes of instances and of functional groups, which are read on first use, because many volumes' are not."""

    __slots__ = ("_frames", "_shared", "_values")

    def __init__(self, shared: Told, frames: Sequence[Frame]) -> None:
        self._shared, self._frames = shared, frames
        self._values: dict[str, Value] | None = None

    def _all(self) -> dict[str, Value]:
        frames, known = self._frames, self._values  # in this order: another thread may set them in the other one
        if known is None:
            known = self._values = _merged(self._shared, frames)
            self._frames = ()
        return known

    def __reduce__(self) -> tuple[type, tuple[dict[str, Value]]]:
        """Pickle as a dict of the values, without the frames."""
        return dict, (self._all(),)

    def __getitem__(self, keyword: str) -> Value:
        return (self._all() if keyword in _SEQUENCES else self._shared)[keyword]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        """Without values, which identify the patient."""
        return f"<{len(self)} attributes>"


def _merged(shared: Told, frames: Sequence[Frame]) -> dict[str, Value]:
    """What instances share, and what the functional groups of all frames say alike in its place."""
    common = frames[0].common
    if common is None or not are_of_one_kind(frames):
        return _merged_of_each(shared, frames)
    known = _OF_COMMON.get(common)
    if known is None:
        known = _OF_COMMON[common] = _merged_of_each(shared, frames[:1])
    return known


def _merged_of_each(shared: Told, frames: Sequence[Frame]) -> dict[str, Value]:
    earlier: list[Told] | None = None
    common: dict[str, Value] = {}
    differing: set[str] = set()
    before: object = None
    distinct: dict[object, Frame] = {}
    for frame in frames:
        distinct.setdefault(kind_of_frame(frame), frame)
    for frame in distinct.values():
        known = _KNOWN.setdefault(frame.header, {})
        said = _said(frame)
        if said is not None and said == before:
            continue
        before = said
        parts = [part for group in reversed(frame.groups) for part in _parts(group, known)]
        if earlier is not None and len(parts) == len(earlier) and all(map(_is_same, parts, earlier)):
            continue
        mine = {keyword: value for part in parts for keyword, value in part.items()}
        if earlier is None:
            common = mine
        else:
            differing.update(
                keyword for keyword in common.keys() | mine.keys() if common.get(keyword) != mine.get(keyword)
            )
        earlier = parts
    return {keyword: value for keyword, value in {**shared, **common}.items() if keyword not in differing}


def _said(frame: Frame) -> tuple[object, ...] | None:
    """The bytes of what is read of a frame's own group, and its other groups; None if it is not told by these."""
    own = frame.groups[0] if frame.groups else None
    if not isinstance(own, Elements) or own.encoded is None:
        return None
    return *map(own.encoded.get, _PLAIN_TAGS), *map(id, frame.groups[1:])


def _is_same(one: Told, other: Told) -> bool:
    return one is other


def _parts(group: Attributes, known: _Known) -> Iterator[Told]:
    """What each of the sequences in a functional group says; equal bytes are decoded once."""
    character_set = _character_set(group)
    for tag in _TAGS.keys() & _tags_of(group):
        content = _bytes_of(group, tag)
        if content is None:
            yield _told_by(group, tag)
            continue
        key = int(tag), content, character_set
        if key not in known:
            known[key] = _told_by(group, tag)
        yield known[key]


def _character_set(group: Attributes) -> object:
    """Specific Character Set of a group itself, which few have."""
    if isinstance(group, Elements) and group.encoded is not None:
        return group.encoded.get(_CHARACTER_SET)
    return str(dataset_of(group).get("SpecificCharacterSet", ""))


def _tags_of(group: Attributes) -> Set[int]:
    if isinstance(group, Elements) and group.encoded is not None:
        return group.encoded.keys()
    return dataset_of(group).keys()


def _bytes_of(group: Attributes, tag: BaseTag) -> tuple[object, bytes] | None:
    """A sequence as the file has it; None if it is decoded already."""
    if isinstance(group, Elements) and group.encoded is not None:
        return group.encoded[tag]
    element = dataset_of(group).get_item(tag)
    content = element.value if isinstance(element, RawDataElement) else None
    return (element.VR, content) if element is not None and isinstance(content, bytes) else None


def _told_by(group: Attributes, tag: BaseTag, own: Mapping[int, str] | None = None) -> Told:
    """The attributes of a sequence's first item, by the names that single-frame instances have for them."""
    names = _TAGS[tag] if own is None else own
    try:
        item = first_attributes(group, _KEYWORDS[tag])
        dataset = None if item is None else dataset_of(item)
    except Exception:  # a sequence that pydicom cannot read says nothing
        return _NOTHING
    if dataset is None:
        return _NOTHING
    found: dict[str, Value] = {}
    for element in readable_elements(dataset, leave_out=dataset.keys() - names.keys()):
        value = to_json(element)
        name = names[int(element.tag)]
        if value not in (None, "", []):
            found[name] = value[0] if name in _FIRST_ONLY and isinstance(value, list) else value
    return found


_KEYWORDS = {BaseTag(int(tag_for_keyword(sequence) or 0)): sequence for sequence in _GROUPS}
