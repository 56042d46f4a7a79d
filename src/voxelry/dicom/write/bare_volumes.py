"""A bare volume's instances: its values as stored ones, each slice in its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from voxelry.core.errors import ParameterError
from voxelry.core.intensity import Window
from voxelry.core.volume import Volume
from voxelry.dicom.pixels.encode import HTJ2K_LOSSLESS
from voxelry.dicom.write.derived_header import bits_stored
from voxelry.dicom.write.enhanced import complete
from voxelry.dicom.write.header_bytes import EncodedElements, decimal_string, file_head, joined, of_dataset, words
from voxelry.dicom.write.instance_files import InstanceFile
from voxelry.dicom.write.instance_modules import (
    CT,
    SC,
    SlicePlaces,
    base,
    check_attributes,
    image_plane_module,
    modality_of,
    slice_places,
    sop_class_for,
)
from voxelry.dicom.write.provenance import VERSION, Derivation, equipment_of
from voxelry.dicom.write.refilled_template import full_window, little_endian_values, remarks
from voxelry.dicom.write.stored_from_modality import IDENTITY, Container, Storage, StoredPlane, extents_of, plan
from voxelry.dicom.write.template import slice_values


@dataclass(frozen=True, slots=True)
class Object:
    """Plan of the object into which a volume is written.

    Attributes
    ----------
    storage
        None for colour.
    """

    sop_class: str
    dataset: Dataset
    place: SlicePlaces | None
    planes: tuple[StoredPlane, ...]
    storage: Storage | None
    window: Window
    warnings: tuple[str, ...]


def object_of(
    volume: Volume,
    attributes: Mapping[str, object],
    derivation: Derivation,
    syntax: str,
    non_finite: float | None,
    *,
    enhanced: bool,
) -> Object:
    """Check a volume and its attributes, and plan how its values are stored.

    Raises
    ------
    ParameterError, UnplacedError
        If they cannot become this kind of object.
    """
    check_attributes(attributes)
    modality = modality_of(volume, attributes)
    sop_class = sop_class_for(volume, modality, enhanced=enhanced)
    place = slice_places(volume)
    dataset = base(volume, sop_class, modality, attributes, derivation.uid, derivation.created)
    count = volume.array.shape[0]
    planes = tuple(StoredPlane(partial(slice_values, volume.array, k), IDENTITY, f"slice {k}") for k in range(count))
    if volume.colour:
        if volume.array.dtype not in (np.uint8, np.uint16) or volume.array.shape[3] != 3:
            raise ParameterError("colour is written from three samples of uint8 or uint16")
        return Object(sop_class, dataset, place, planes, None, Window(128, 256), ())
    if volume.array.dtype.kind not in "biuf":
        raise ParameterError(f"the values are {volume.array.dtype}, which are no numbers that DICOM holds")
    extents = extents_of(planes, non_finite)
    negative = any(extent.low < 0 for extent in extents)
    container = Container(np.dtype("i2" if negative else "u2"), 16)
    if sop_class == SC and volume.array.dtype == np.uint8:
        container = Container(np.dtype("u1"), 8)
    smallest = 8 * container.dtype.itemsize
    storage = plan(planes, extents, container, own=False, smallest_bits=smallest, non_finite=non_finite)
    window = volume.windows[0] if volume.windows else full_window(extents)
    return Object(sop_class, dataset, place, planes, storage, window, tuple(remarks(storage, extents, syntax)))


def single_frames(
    one: Object, volume: Volume, names: list[str], derivation: Derivation, syntax: str
) -> list[InstanceFile]:
    """An instance for each slice."""
    dataset = one.dataset
    dataset.ImageType = ["DERIVED", "SECONDARY", *(["AXIAL"] if one.sop_class == CT else ["OTHER"])]
    if one.storage is not None:
        _single_scale(dataset, one.storage, volume.unit, always=one.sop_class == CT)
        _single_window(dataset, one.window)
    _describe_pixels(dataset, one, volume, syntax)
    shared = _encoded_elements(dataset, derivation)
    frames = _frames(one)
    return [
        InstanceFile(
            name, partial(_single_head, one, shared, k, derivation, syntax), [frames[k]], *_frame_size(one, volume)
        )
        for k, name in enumerate(names)
    ]


def enhanced_instance(one: Object, volume: Volume, name: str, derivation: Derivation, syntax: str) -> InstanceFile:
    """One instance of all slices."""
    if one.place is None or one.storage is None:
        raise ParameterError("an enhanced object needs an affine and grey values")
    scale = one.storage.scale or IDENTITY
    created = derivation.created or datetime(1970, 1, 1)  # noqa: DTZ001 - the attribute is required and must be constant
    complete(one.dataset, one.place, scale, volume.unit, one.window, derivation.uid, created)
    _describe_pixels(one.dataset, one, volume, syntax)
    encoded = _encoded_elements(one.dataset, derivation)
    head = partial(_head, one.sop_class, encoded, derivation.uid("instance", 1), syntax)
    return InstanceFile(name, head, _frames(one), *_frame_size(one, volume))


def _frames(one: Object) -> list[Callable[[], npt.NDArray[Any]]]:
    return [
        partial(little_endian_values, p) if one.storage is None else partial(one.storage.stored, p) for p in one.planes
    ]


def _frame_size(one: Object, volume: Volume) -> tuple[int, bool]:
    """The bytes of a frame, and whether a value has more than 8 bits."""
    size = volume.array.dtype.itemsize if one.storage is None else one.storage.container.dtype.itemsize
    pixels = int(np.prod(volume.array.shape[1:]))
    return pixels * size, size > 1


def _describe_pixels(dataset: Dataset, one: Object, volume: Volume, syntax: str) -> None:
    """Image Pixel (PS3.3 C.7.6.3)."""
    dataset.Rows, dataset.Columns = volume.array.shape[1:3]
    if one.storage is None:
        bits = stored = 8 * volume.array.dtype.itemsize
        dataset.SamplesPerPixel, dataset.PlanarConfiguration = 3, 0
        dataset.PhotometricInterpretation = "YBR_RCT" if syntax == HTJ2K_LOSSLESS else "RGB"
    else:
        bits, stored = 8 * one.storage.container.dtype.itemsize, bits_stored(one.storage, syntax)
        dataset.SamplesPerPixel = 1
        dataset.PhotometricInterpretation = "MONOCHROME1" if volume.inverted else "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, stored, stored - 1
    signed = one.storage is not None and one.storage.container.dtype.kind == "i"
    dataset.PixelRepresentation = int(signed)


def _single_scale(dataset: Dataset, storage: Storage, unit: str, *, always: bool) -> None:
    scale = storage.scale or IDENTITY
    if always or scale != IDENTITY or unit:
        dataset.RescaleSlope, dataset.RescaleIntercept = decimal_string(scale.slope), decimal_string(scale.intercept)
        dataset.RescaleType = unit or "US"


def _single_window(dataset: Dataset, window: Window) -> None:
    dataset.WindowCenter, dataset.WindowWidth = decimal_string(window.center), decimal_string(window.width)
    if window.function != "LINEAR":
        dataset.VOILUTFunction = window.function


def _encoded_elements(dataset: Dataset, derivation: Derivation) -> EncodedElements:
    try:
        encoded = of_dataset(dataset)
    except Exception as error:  # whatever pydicom makes of a value; its words may quote it
        raise ParameterError(f"an attribute cannot have the value that is given ({type(error).__name__})") from None
    encoded[0x0018A001] = b"SQ", equipment_of(derivation)
    return encoded


def _single_head(one: Object, shared: EncodedElements, k: int, derivation: Derivation, syntax: str) -> bytes:
    own = Dataset() if one.place is None else image_plane_module(one.place, k)
    own.InstanceNumber = k + 1
    return _head(one.sop_class, shared | of_dataset(own), derivation.uid("instance", k + 1), syntax)


def _head(sop_class: str, encoded: EncodedElements, uid: str, syntax: str) -> bytes:
    return file_head(sop_class, uid, syntax, VERSION) + joined(encoded | {0x00080018: words(b"UI", uid)})
