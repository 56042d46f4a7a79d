"""The fields of a node: what is taken, how it is kept, and what is said about the rest."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import replace

import pytest

from voxelry.server.access.grants import NOTHING, RoleError, as_site
from voxelry.server.access.models import Project
from voxelry.server.nodes.models import Node
from voxelry.server.nodes.node_changes import add_node, change_node
from voxelry.server.nodes.node_values import NodeFieldsError, NodeValues, checked

pytestmark = pytest.mark.django_db

CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBgDCCASWgAwIBAgIUWtvSR9S0z15cUIiWK8tDRrEL7LIwCgYIKoZIzj0EAwIw
FTETMBEGA1UEAwwKY3QuZXhhbXBsZTAeFw0yNjExMjkxNzU4MTBaFw0zNjExMjYx
NzU4MTBaMBUxEzARBgNVBAMMCmN0LmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASbDT1sAhfcxgfNWVApmrLzPYFmph0YyfWUEM5ypvZrC6mK/PaPk2Qb
vZx2hG20/m9zKo3VACxF8PpEHYloPKy2o1MwUTAdBgNVHQ4EFgQUwx1LkCmIn1Jp
eXZNb5RvQ5EA4fwwHwYDVR0jBBgwFoAUwx1LkCmIn1JpeXZNb5RvQ5EA4fwwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEA5BCBnWd5lb3wOg5jDOJs
3NQxPQcfuecIzAtS7HOaY1sCIQCDRl3cMFjPN3KdEYg/ihXFFqvJLxZkmzJjg0bp
j8tZnA==
-----END CERTIFICATE-----
"""
VALUES = NodeValues("CT 1", "CT_1", host="ct.example", port=104)


def test_spaces_around_and_notations_are_evened() -> None:
    given = NodeValues(
        " CT 1 ", " CT_1 ", host=" [2001:DB8::1] ", port=104, calls_from="192.0.2.7,10.1.0.0/16;2001:db8::/32",
        certificate="sha256 Fingerprint=" + ":".join(["AB"] * 32), tls=True,
    )  # fmt: skip
    clean = checked(given)
    assert clean == replace(
        given, name="CT 1", ae_title="CT_1", host="2001:DB8::1", calls_from="192.0.2.7, 10.1.0.0/16, 2001:db8::/32",
        certificate="ab" * 32,
    )  # fmt: skip
    assert checked(clean) == clean


def test_a_certificate_is_kept_as_its_sha256() -> None:
    clean = checked(replace(VALUES, certificate="Bag Attributes\n" + CERTIFICATE))
    assert clean.certificate == hashlib.sha256(ssl.PEM_cert_to_DER_cert(CERTIFICATE)).hexdigest()


@pytest.mark.parametrize(
    ("field", "changes", "words"),
    [
        ("name", {"name": "  "}, "is empty"),
        ("name", {"name": "x" * 61}, "at most 60"),
        ("name", {"name": "a\nb"}, "one line"),
        ("ae_title", {"ae_title": ""}, "is empty"),
        ("ae_title", {"ae_title": "A" * 17}, "longer than 16"),
        ("ae_title", {"ae_title": "A\\B"}, "backslash"),
        ("ae_title", {"ae_title": "CT_Ü"}, "ASCII"),
        ("host", {"host": "ct.example:104"}, "without a port"),
        ("host", {"host": "http://ct"}, "no host name"),
        ("host", {"host": "-ct"}, "no host name"),
        ("host", {"host": "a" * 64}, "no host name"),
        ("host", {"host": "", "port": 104}, "neither if it only calls"),
        ("host", {"host": "", "port": None}, "nobody could be this node"),
        ("port", {"port": None}, "is missing"),
        ("port", {"port": 0}, "from 1 to 65535"),
        ("port", {"port": 65_536}, "from 1 to 65535"),
        ("tls", {"host": "", "port": None, "tls": True, "calls_from": "192.0.2.1"}, "without a host"),
        ("calls_from", {"calls_from": "ct.example"}, "no IP address"),
        ("calls_from", {"calls_from": "10.1.2.3/16"}, "write 10.1.0.0/16"),
        ("calls_from", {"calls_from": ", ".join(f"10.1.{n}.123" for n in range(60))}, "at most 500"),
        ("certificate", {"certificate": "abc"}, "64 hexadecimal digits"),
        ("certificate", {"certificate": "-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----"}, "damaged"),
        ("certificate", {"certificate": CERTIFICATE.replace("M", "N")}, "damaged"),
        ("certificate", {"certificate": CERTIFICATE * 2}, "several"),
        ("retrieves_by", {"retrieves_by": "post"}, "get or move"),
    ],
)
def test_each_wrong_field_is_named_with_what_to_write(field: str, changes: dict[str, object], words: str) -> None:
    with pytest.raises(NodeFieldsError, match=words) as told:
        checked(replace(VALUES, **changes))  # type: ignore[arg-type]
    assert [one.field for one in told.value.problems] == [field]


def test_all_wrong_fields_are_named_at_once() -> None:
    with pytest.raises(NodeFieldsError) as told:
        checked(NodeValues("", "", host="?", calls_from="?", certificate="?"))
    fields = [one.field for one in told.value.problems]
    assert fields == ["name", "ae_title", "host", "port", "calls_from", "certificate"]


def test_a_name_is_given_once() -> None:
    project = Project.objects.create(name="a project").pk
    node = add_node(as_site(), VALUES, project=project)
    with pytest.raises(NodeFieldsError, match="another node has this name"):
        add_node(as_site(), replace(VALUES, name="ct 1"), project=project)
    assert change_node(as_site(), node, name="ct 1", may_store=True).may_store
    assert Node.objects.get() == node


def test_only_administrators_change_nodes() -> None:
    project = Project.objects.create(name="a project").pk
    with pytest.raises(RoleError, match="administrators"):
        add_node(NOTHING, VALUES, project=project)
