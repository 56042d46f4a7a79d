"""An instance's attributes, kept as the file's bytes and decoded on demand."""

from __future__ import annotations

from collections.abc import Mapping

from pydicom.charset import convert_encodings
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement, empty_value_for_VR
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

EncodedValue = tuple[bytes, bytes]
"""A value representation, empty in an implicit VR file, and the bytes of the value."""


class Elements:
    """The attributes of one instance without its pixels; the functions of ``headers.attributes`` decode them.

    A malformed value raises when it is decoded, not before.

    Parameters
    ----------
    encoded
        By tag, in the file's order, little endian; None if only pydicom can read the file.
    dataset
        What pydicom read; None if ``encoded`` is given.
    """

    __slots__ = ("__weakref__", "_dataset", "encoded")

    def __init__(self, encoded: Mapping[int, EncodedValue] | None, dataset: Dataset | None = None) -> None:
        self.encoded = encoded
        self._dataset = dataset

    @property
    def dataset(self) -> Dataset:
        """The attributes as pydicom's dataset, made on first use."""
        if self._dataset is None:
            self._dataset = _as_dataset(self.encoded or {})
        return self._dataset

    @property
    def little_endian(self) -> bool:
        """True if the file's binary numbers are little endian."""
        return self.encoded is not None or bool(self.dataset.original_encoding[1])

    def __contains__(self, keyword: str) -> bool:
        tag = tag_for_keyword(keyword)
        return tag is not None and tag in (self.dataset.keys() if self.encoded is None else self.encoded)

    def __len__(self) -> int:
        return len(self.dataset if self.encoded is None else self.encoded)

    def __repr__(self) -> str:
        """Without values, which identify the patient."""
        return f"<Elements: {len(self)}>"


def _as_dataset(encoded: Mapping[int, EncodedValue]) -> Dataset:
    implicit = not any(vr for vr, _ in encoded.values())
    elements = {}
    for tag, (vr, value) in encoded.items():
        name = vr.decode() or None
        content = value if value or name is None else empty_value_for_VR(name, raw=True)
        elements[BaseTag(tag)] = RawDataElement(BaseTag(tag), name, len(value), content, 0, implicit, True)  # type: ignore[arg-type]
    dataset = Dataset(elements)  # type: ignore[arg-type]
    character_set = dataset.get("SpecificCharacterSet") or "ISO_IR 6"
    dataset.set_original_encoding(implicit, True, convert_encodings(character_set))
    return dataset
