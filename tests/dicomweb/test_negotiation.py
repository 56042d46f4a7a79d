"""Acceptable media types are read tolerantly, and the best of what can be sent is chosen."""

from __future__ import annotations

import pytest

from voxelry.server.access.exchange import Asked, RefusedError
from voxelry.server.access.grants import Grants
from voxelry.server.dicomweb.negotiation import DICOM, OCTET_STREAM, Offer, accept_of, acceptable_types, chosen

EXPLICIT, JPEG_LS, RLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.5"
PARTS = Offer(DICOM, True, EXPLICIT, JPEG_LS, frozenset({RLE}))
SINGLE = Offer(DICOM, False, EXPLICIT, JPEG_LS, frozenset({RLE}))
BYTES = Offer(OCTET_STREAM, True, EXPLICIT, EXPLICIT)
IMAGE = Offer("image/jls", True, JPEG_LS, JPEG_LS)


@pytest.mark.parametrize(
    "accept",
    [
        'multipart/related; type="application/dicom"',
        "multipart/related;type=application/dicom",
        "Multipart/Related ; Type = application/dicom ; q=0.5",
        "multipart/related; type='x', multipart/related; type=\"application/dicom\"",
        "multipart/related",
        "*/*",
        "*/*;q=0.1, text/html;q=0.9",
        "",
    ],
)
def test_spellings_of_one_wish(accept: str) -> None:
    found = chosen(accept, (PARTS, SINGLE))
    assert (found.media_type, found.multipart, found.transfer_syntax) == (DICOM, True, EXPLICIT)


@pytest.mark.parametrize(
    ("accept", "multipart", "syntax"),
    [
        ("application/dicom", False, EXPLICIT),
        ("application/dicom; transfer-syntax=*", False, JPEG_LS),
        (f"application/dicom;transfer-syntax={JPEG_LS}", False, JPEG_LS),
        (f'application/dicom;transfer-syntax="1.2.3,{RLE}"', False, RLE),
        (f"application/dicom;transfer-syntax=1.2.3, application/dicom; transfer-syntax={RLE};q=0.2", False, RLE),
        ("application/dicom;q=0.2, multipart/related;type=application/dicom;transfer-syntax=*", True, JPEG_LS),
        (f"application/dicom;q=0.9;transfer-syntax={RLE}, application/dicom;q=0.8", False, RLE),
        ("application/*", False, EXPLICIT),
    ],
)
def test_transfer_syntaxes(accept: str, multipart: bool, syntax: str) -> None:
    found = chosen(accept, (PARTS, SINGLE))
    assert (found.multipart, found.transfer_syntax) == (multipart, syntax)


@pytest.mark.parametrize(
    "accept", ["image/png", "application/dicom;transfer-syntax=1.2.3", "application/dicom;q=0", "gibberish", ";;,"]
)
def test_nothing_acceptable_is_406_and_says_what_is(accept: str) -> None:
    with pytest.raises(RefusedError, match=r'multipart/related; type="application/dicom"') as caught:
        chosen(accept, (PARTS, SINGLE))
    assert caught.value.status == 406


def test_dicom_and_rendered_types_are_not_mixed() -> None:
    with pytest.raises(RefusedError) as caught:
        acceptable_types("image/jpeg, multipart/related; type=application/dicom")
    assert caught.value.status == 400
    assert len(acceptable_types("multipart/related;type=image/jpeg, application/dicom, */*;q=0")) == 2


def test_a_type_that_is_wanted_first_is_sent_first() -> None:
    wish = "multipart/related; type=image/jls; transfer-syntax=*, multipart/related; type=application/octet-stream"
    assert chosen(wish, (BYTES, IMAGE)).media_type == "image/jls"
    assert chosen("multipart/related; type=image/*", (BYTES, IMAGE)).media_type == "image/jls"
    assert chosen("multipart/related; transfer-syntax=*", (BYTES, IMAGE)).media_type == OCTET_STREAM


def test_the_parameter_stands_for_the_header() -> None:
    who = Grants(user=None)
    asked = Asked(who, "GET", "/", "a=1&accept=application/dicom+json", {"accept": "text/html"})
    assert accept_of(asked) == "application/dicom+json"
    assert accept_of(Asked(who, "GET", "/", "", {"accept": "text/html"})) == "text/html"
    with pytest.raises(RefusedError):
        acceptable_types("a" * 10_000)


def test_a_name_of_jpeg_that_is_not_registered() -> None:
    assert acceptable_types("image/jpg") == acceptable_types("image/jpeg")
