"""Addresses that clients join from a root and a path."""

from __future__ import annotations

import pytest

from tests.dicomweb.conftest import Web
from tests.dicomweb.stored import data_set, file_bytes, store
from voxelry.server.dicomweb.lenient_addresses import plain_address


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("/dicomweb", "/dicomweb/"),
        ("/dicomweb//", "/dicomweb/"),
        ("/dicomweb//studies", "/dicomweb/studies"),
        ("/dicomweb/studies/", "/dicomweb/studies"),
        ("/dicomweb/projects/heart", "/dicomweb/projects/heart/"),
        ("/dicomweb/projects/heart//studies/1.2/", "/dicomweb/projects/heart/studies/1.2"),
        *((same, same) for same in ("/dicomweb/", "/dicomweb/projects", "/dicomweb/projects/", "/dicomwebs//studies")),
        *((same, same) for same in ("/dicomweb/studies//series", "/dicomweb/studies/1.2/series//instances")),
    ],
)
def test_slashes(address: str, plain: str) -> None:
    assert plain_address(address) == plain


def test_joined_addresses_answer_as_plain_ones(web: Web) -> None:
    store([data_set(1)])
    assert len(web.search("//studies/")) == 1
    web.get("", 200)
    web.ask("OPTIONS", "//studies", 204)
    (study,) = web.search("/studies")
    web.ask("POST", "//studies", content=file_bytes(data_set(2)), content_type="application/dicom")
    uid = study["0020000D"]["Value"][0]
    assert len(web.search(f"//studies/{uid}/metadata/")) == 2
    web.get("/studies//metadata", 404)
