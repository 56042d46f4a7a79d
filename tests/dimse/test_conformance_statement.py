"""The conformance statement says what the code does, as far as it can be compared."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest
from pydicom.datadict import dictionary_description

from voxelry.dicom.write.header_bytes import IMPLEMENTATION_CLASS_UID
from voxelry.network import committing
from voxelry.network.association import MOST_SENT_BYTES, OUR_MOST_BYTES
from voxelry.network.contexts import MOST_CONTEXTS
from voxelry.network.negotiation_pdus import IMPLEMENTATION_NAME
from voxelry.server.archive.terms.search_keys import KEYS
from voxelry.server.dimse import commitment_service, find_identifier, find_service, store_service, sub_operations
from voxelry.server.environment.configuration import Configuration

STATEMENT = (Path(__file__).resolve().parents[2] / "docs/reference/dicom-conformance.md").read_text("utf-8")


def section(heading: str) -> str:
    """The text below a heading."""
    (found,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", STATEMENT, flags=re.MULTILINE | re.DOTALL)
    return str(found)


def statuses(module: ModuleType) -> dict[str, int]:
    """The statuses that a module has names for: numbers of two bytes that begin as those of PS3.7 Annex C do."""
    named = {name: value for name, value in vars(module).items() if name[0] != "_" and type(value) is int}
    return {
        name: value for name, value in named.items() if value >> 8 in (0x01, 0xA7, 0xA8, 0xA9, 0xB0, 0xC0, 0xFE, 0xFF)
    }


@pytest.mark.parametrize(
    ("module", "heading"),
    [
        (store_service, "Storage as provider"),
        (find_service, "Query as provider"),
        (find_identifier, "Query as provider"),
        (sub_operations, "Retrieve as provider"),
        (commitment_service, "Storage commitment as provider"),
        (committing, "Storage commitment as provider"),
    ],
    ids=lambda value: value.__name__.rpartition(".")[2] if isinstance(value, ModuleType) else "",
)
def test_each_status_is_told(module: ModuleType, heading: str) -> None:
    assert statuses(module)
    text = section(heading)
    assert {name: f"{value:04X}" for name, value in statuses(module).items() if f"{value:04X}" not in text} == {}


def test_associations_are_as_told() -> None:
    text = section("Association policies")
    assert IMPLEMENTATION_CLASS_UID in text
    assert f"| implementation version name | {IMPLEMENTATION_NAME} |" in text
    assert f"{OUR_MOST_BYTES:,} bytes; longer PDUs are aborted" in text
    assert f"at most {MOST_SENT_BYTES:,} bytes" in text
    assert f"up to {MOST_CONTEXTS} are accepted" in text
    own = Configuration()
    for name in ("request", "pdu", "answer", "idle"):
        assert f"`dimse.{name}_seconds` | {getattr(own, f'dimse_{name}_seconds'):g} |" in text
    assert f"`dimse.associations` ({own.dimse_associations})" in text
    assert f"`dimse.associations_per_node` ({own.dimse_associations_per_node})" in text


def test_each_key_is_told() -> None:
    text = section("Query as provider")
    words = [dictionary_description(part) for name in KEYS for part in name.split(".")]
    assert [one for one in words if one not in text] == []
