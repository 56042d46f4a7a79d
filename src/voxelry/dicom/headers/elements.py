"""Attributes of an instance, or of an item in it, kept as the file's bytes and decoded on demand."""

from __future__ import annotations

from collections.abc import Mapping

from pydicom.charset import convert_encodings
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement, empty_value_for_VR
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from voxelry.core.value import Value

EncodedValue = tuple[bytes, bytes]
"""A value representation, empty in an implicit VR file, and the bytes of the value."""
KnownValues = dict[tuple[int, EncodedValue, EncodedValue | None], dict[str, Value]]
"""One attribute as JSON, or nothing where it has no value, by tag, bytes and the bytes of Specific Character Set."""
_CHARACTER_SET = 0x00080005
_DEFAULT_CHARACTER_SET = "ISO_IR 6"


class Elements:
    """The attributes of one instance without its pixels, or of an item of one of its sequences.

    The functions of ``headers.attributes`` decode them.

    A malformed value raises when it is decoded, not before.

    Parameters
    ----------
    encoded
        By tag, in the file's order, little endian; None if only pydicom can read the file.
    dataset
        What pydicom read; None if ``encoded`` is given.
    around
        Of an item: the attributes that its sequence is among, whose character set it shares.
    known_values
        That of files read together with this one; None for one of its own.

    Attributes
    ----------
    known_items
        The items of sequences that were read, by tag; of an item none, as there are many.
    known_values
        What `shared_attributes` decoded, by the bytes; files that were read together share it.
    """

    __slots__ = ("__weakref__", "_dataset", "around", "encoded", "known_items", "known_values")

    def __init__(
        self,
        encoded: Mapping[int, EncodedValue] | None,
        dataset: Dataset | None = None,
        *,
        around: Elements | None = None,
        known_values: KnownValues | None = None,
    ) -> None:
        self.encoded = encoded
        self._dataset = dataset
        self.around = around
        self.known_items: dict[int, tuple[Elements, ...]] = {}
        self.known_values: KnownValues = {} if known_values is None else known_values

    @property
    def dataset(self) -> Dataset:
        """The attributes as pydicom's dataset, made on first use."""
        if self._dataset is None:
            self._dataset = _as_dataset(self.encoded or {}, self.character_set)
        return self._dataset

    @property
    def character_set(self) -> str | list[str]:
        """Specific Character Set (0008,0005): its own, else that around it."""
        own = (self.encoded or {}).get(_CHARACTER_SET, (b"", b""))[1].decode("ascii", "replace").strip("\0 ")
        if own:
            return own.split("\\")
        return _DEFAULT_CHARACTER_SET if self.around is None else self.around.character_set

    @property
    def little_endian(self) -> bool:
        """True if the file's binary numbers are little endian."""
        return self.encoded is not None or bool(self.dataset.original_encoding[1])

    def __contains__(self, attribute: str | int) -> bool:
        """True for the keyword, or the tag, of an attribute that is there."""
        tag = tag_for_keyword(attribute) if isinstance(attribute, str) else attribute
        return tag is not None and tag in (self.dataset.keys() if self.encoded is None else self.encoded)

    def __len__(self) -> int:
        return len(self.dataset if self.encoded is None else self.encoded)

    def __repr__(self) -> str:
        """Without values, which identify the patient."""
        return f"<Elements: {len(self)}>"


def _as_dataset(encoded: Mapping[int, EncodedValue], inherited: str | list[str]) -> Dataset:
    implicit = not any(vr for vr, _ in encoded.values())
    elements = {}
    for tag, (vr, value) in encoded.items():
        name = vr.decode() or None
        content = value if value or name is None else empty_value_for_VR(name, raw=True)
        elements[BaseTag(tag)] = RawDataElement(BaseTag(tag), name, len(value), content, 0, implicit, True)  # type: ignore[arg-type]
    dataset = Dataset(elements)  # type: ignore[arg-type]
    character_set = dataset.get("SpecificCharacterSet") or inherited
    dataset.set_original_encoding(implicit, True, convert_encodings(character_set))
    return dataset
