"""An instance's attributes: the bytes that the file holds, until someone asks for a value."""

from __future__ import annotations

from collections.abc import Mapping

from pydicom.charset import convert_encodings
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement, empty_value_for_VR
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

Raw = tuple[bytes, bytes]
"""A value representation, empty where the file does not say, and the value's bytes."""


class Elements:
    """The attributes of one instance, without its pixels. Values are asked for through ``dicom.attributes``.

    A malformed value raises when it is asked for, not before.

    Parameters
    ----------
    raw
        By tag, in the file's order, little endian; None where only pydicom could read the file.
    dataset
        What pydicom read; None where ``raw`` is given.
    """

    __slots__ = ("_dataset", "raw")

    def __init__(self, raw: Mapping[int, Raw] | None, dataset: Dataset | None = None) -> None:
        self.raw = raw
        self._dataset = dataset

    @property
    def dataset(self) -> Dataset:
        """The same for pydicom, made when it is first asked for."""
        if self._dataset is None:
            self._dataset = _as_dataset(self.raw or {})
        return self._dataset

    @property
    def little_endian(self) -> bool:
        """How the file writes its binary numbers."""
        return self.raw is not None or bool(self.dataset.original_encoding[1])

    def __contains__(self, keyword: str) -> bool:
        tag = tag_for_keyword(keyword)
        return tag is not None and tag in (self.dataset.keys() if self.raw is None else self.raw)

    def __len__(self) -> int:
        return len(self.dataset if self.raw is None else self.raw)

    def __repr__(self) -> str:
        """Without the values, which are the patient's."""
        return f"<Elements: {len(self)}>"


def _as_dataset(raw: Mapping[int, Raw]) -> Dataset:
    implicit = not any(vr for vr, _ in raw.values())
    elements = {}
    for tag, (vr, value) in raw.items():
        name = vr.decode() or None
        content = value if value or name is None else empty_value_for_VR(name, raw=True)
        elements[BaseTag(tag)] = RawDataElement(BaseTag(tag), name, len(value), content, 0, implicit, True)  # type: ignore[arg-type]
    dataset = Dataset(elements)  # type: ignore[arg-type]
    said = dataset.get("SpecificCharacterSet") or "ISO_IR 6"
    dataset.set_original_encoding(implicit, True, convert_encodings(said))
    return dataset
