"""Who calls, and what a node is offered: without a connection."""

from __future__ import annotations

import socket
from collections.abc import Mapping

import pytest
from pydicom.uid import AllTransferSyntaxes
from pynetdicom import sop_class

from voxelry.network.command_set import CommandField
from voxelry.network.contexts import ContextResult, Proposal, Requested, Roles
from voxelry.network.storage_classes import is_storage
from voxelry.server.access.models import Project
from voxelry.server.dimse.acceptance import accepted_contexts, is_asked_in
from voxelry.server.dimse.peers import Peers, as_ipv6, as_ipv6_network
from voxelry.server.nodes.models import Node

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
VERIFICATION, COMMITMENT = "1.2.840.10008.1.1", "1.2.840.10008.1.20.1"
FIND, MOVE, GET = (f"1.2.840.10008.5.1.4.1.2.2.{number}" for number in (1, 2, 3))
CT = "1.2.840.10008.5.1.4.1.1.2"
ACCEPTED = ContextResult.ACCEPTED


def asked(
    *abstract: str,
    syntaxes: tuple[str, ...] = (IMPLICIT,),
    roles: Mapping[str, Roles] | None = None,
    extended: Mapping[str, bytes] | None = None,
    **who: str,
) -> Requested:
    """A request for contexts of abstract syntaxes."""
    proposals = {2 * at + 1: Proposal(one, syntaxes) for at, one in enumerate(abstract)}
    return Requested("MODALITY", "VOXELRY", proposals, roles or {}, extended or {}, **who)  # type: ignore[arg-type]


def results(requested: Requested, **rights: bool) -> list[ContextResult]:
    """The results for a node with rights, in the order of the contexts."""
    return [result for result, _ in accepted_contexts(requested, Node(ae_title="MODALITY", **rights)).results.values()]


def test_the_rights_of_a_node_decide_what_it_is_offered() -> None:
    requested = asked(VERIFICATION, CT, COMMITMENT, FIND, MOVE, GET)
    no, yes = ContextResult.USER_REJECTION, ACCEPTED
    assert results(requested) == [yes, no, no, no, no, no]
    assert results(requested, may_store=True) == [yes, yes, yes, no, no, no]
    assert results(requested, may_find=True) == [yes, no, no, yes, no, no]
    assert results(requested, may_retrieve=True) == [yes, no, no, no, yes, yes]


@pytest.mark.parametrize("root", [1, 2, 3])
def test_all_roots_of_queries_are_offered(root: int) -> None:
    syntaxes = [f"1.2.840.10008.5.1.4.1.2.{root}.{service}" for service in (1, 2, 3)]
    assert results(asked(*syntaxes), may_find=True, may_retrieve=True) == [ACCEPTED] * 3


def test_every_class_that_is_stored_is_accepted_and_no_other_service() -> None:
    stored = [*sop_class._STORAGE_CLASSES.values(), "1.2.826.0.1.3680043.8.498.1", "1.2.840.10008.5.1.4.1.1.999.9"]
    assert all(map(is_storage, stored))
    others = (
        *sop_class._BASIC_WORKLIST_CLASSES.values(),
        *sop_class._PRINT_MANAGEMENT_CLASSES.values(),
        *sop_class._PROCEDURE_STEP_CLASSES.values(),
        *sop_class._QR_CLASSES.values(),
        *sop_class._UNIFIED_PROCEDURE_STEP_CLASSES.values(),
        *sop_class._STORAGE_COMMITMENT_CLASSES.values(),
        *sop_class._VERIFICATION_CLASSES.values(),
        "1.2.840.10008.1.3.10",
        "1.2.840.10008.4.2",
        "1.2.840.10008.3.1.1.1",
        "1.2.840.10008.7.7.7",
        IMPLICIT,
        "no uid",
        "",
    )
    assert not any(map(is_storage, others))
    assert (
        results(asked("1.2.840.10008.5.1.4.31", IMPLICIT, "junk"), may_store=True)
        == [ContextResult.ABSTRACT_SYNTAX_NOT_SUPPORTED] * 3
    )


def test_instances_come_in_the_first_syntax_that_is_known_and_services_in_explicit_vr() -> None:
    node = Node(may_store=True, may_find=True)
    unknown = "1.2.3.4"
    offered = accepted_contexts(asked(CT, FIND, syntaxes=(unknown, IMPLICIT, BIG, EXPLICIT)), node)
    assert offered.results == {1: (ACCEPTED, IMPLICIT), 3: (ACCEPTED, EXPLICIT)}
    offered = accepted_contexts(asked(CT, FIND, syntaxes=(BIG, unknown)), node)
    assert offered.results == {1: (ACCEPTED, BIG), 3: (ContextResult.TRANSFER_SYNTAXES_NOT_SUPPORTED, "")}
    for syntax in AllTransferSyntaxes:
        has_files = not syntax.startswith("1.2.840.10008.1.2.7.")
        assert (results(asked(CT, syntaxes=(syntax,)), may_store=True) == [ACCEPTED]) is has_files


def test_who_may_retrieve_may_be_given_instances_in_the_same_association() -> None:
    both = asked(CT, roles={CT: Roles(scu=True, scp=True)})
    only = asked(CT, roles={CT: Roles(scu=False, scp=True)})
    for requested, rights, granted in (
        (both, {"may_store": True, "may_retrieve": True}, Roles(scu=True, scp=True)),
        (both, {"may_retrieve": True}, Roles(scu=False, scp=True)),
        (both, {"may_store": True}, Roles(scu=True, scp=False)),
        (only, {"may_retrieve": True}, Roles(scu=False, scp=True)),
        (only, {"may_store": True}, Roles(scu=False, scp=False)),
    ):
        offered = accepted_contexts(requested, Node(**rights))
        assert offered.roles == {CT: granted}
        assert (offered.results[1][0] is ACCEPTED) is (granted != Roles(scu=False, scp=False))
    assert accepted_contexts(asked(FIND, roles={FIND: Roles(scu=True, scp=True)}), Node(may_find=True)).roles == {
        FIND: Roles(scu=True, scp=False)
    }


def test_options_of_queries_are_answered_and_those_of_others_are_not() -> None:
    offered = accepted_contexts(asked(FIND, CT, extended={FIND: bytes(5), CT: b"\2"}), Node(may_find=True))
    assert offered.extended == {FIND: bytes(5)}


def test_a_request_belongs_to_its_service() -> None:
    assert is_asked_in(CommandField.C_STORE_RQ, CT)
    assert is_asked_in(CommandField.C_FIND_RQ, FIND)
    assert not is_asked_in(CommandField.C_FIND_RQ, MOVE)
    assert not is_asked_in(CommandField.C_STORE_RQ, VERIFICATION)
    assert not is_asked_in(CommandField.N_CREATE_RQ, CT)


def test_addresses_of_both_families_are_compared_in_one_form() -> None:
    assert as_ipv6("192.0.2.7") == as_ipv6("::ffff:192.0.2.7")
    assert as_ipv6("127.0.0.1") == as_ipv6("::1") == as_ipv6("127.9.9.9") == as_ipv6("::ffff:127.0.0.1")
    assert as_ipv6("fe80::1%eth0") == as_ipv6("fe80::1")
    assert as_ipv6("pacs.example.org") is None
    network = as_ipv6_network("192.0.2.0/24")
    assert network is not None
    assert as_ipv6("192.0.2.200") in network
    assert as_ipv6("192.0.3.1") not in network
    assert as_ipv6_network("a/b") is None
    loopback = as_ipv6_network("127.0.0.0/8")
    assert loopback is not None
    assert as_ipv6("::1") in loopback


@pytest.fixture
def add(transactional_db: None) -> type[Node]:
    """Nodes are added to the project default."""
    Project.objects.get_or_create(name="default")
    return Node


def _node(name: str, **fields: str | int | bool | None) -> Node:
    project = Project.objects.get(name="default")
    return Node.objects.create(project=project, name=name, **{"ae_title": "MODALITY", **fields})


def who(address: str = "192.0.2.7", *, calling: str = "MODALITY", certificate: str = "") -> str | None:
    """The name of the node that calls."""
    requested = Requested(calling, "VOXELRY", {}, address=address, certificate=certificate)
    found = Peers().node_of(requested)
    return None if found is None else found.name


def test_a_node_calls_from_its_addresses(add: type[Node]) -> None:
    _node("ct", calls_from="192.0.2.7, 198.51.100.0/24")
    _node("disabled", ae_title="OFF", calls_from="192.0.2.7", is_enabled=False)
    assert who() == who("::ffff:192.0.2.7") == who("198.51.100.9") == "ct"
    assert who("192.0.2.8") is who(calling="modality") is who(calling="OFF") is who(calling="") is None


def test_nodes_with_one_title_are_told_apart_by_their_addresses(add: type[Node]) -> None:
    _node("any", calls_from="192.0.2.0/24")
    _node("one", calls_from="192.0.2.7")
    assert (who(), who("192.0.2.8")) == ("one", "any")


def test_a_node_without_addresses_calls_from_its_host(add: type[Node], monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"ct.example.org": ["192.0.2.7", "2001:db8::7"], "gone.example.org": []}
    resolved: list[str] = []

    def resolve(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        resolved.append(host)
        if not names[host]:
            raise socket.gaierror
        return [(socket.AF_INET, 1, 6, "", (address, 0)) for address in names[host]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    _node("ct", host="ct.example.org", port=104)
    _node("gone", ae_title="GONE", host="gone.example.org", port=104)
    _node("literal", ae_title="LITERAL", host="198.51.100.1", port=104)
    _node("nobody", ae_title="NOBODY")
    peers = Peers()
    for _ in range(3):
        for address, title, expected in (
            ("192.0.2.7", "MODALITY", "ct"),
            ("2001:db8::7", "MODALITY", "ct"),
            ("192.0.2.8", "MODALITY", None),
            ("192.0.2.7", "GONE", None),
            ("198.51.100.1", "LITERAL", "literal"),
            ("198.51.100.1", "NOBODY", None),
        ):
            found = peers.node_of(Requested(title, "VOXELRY", {}, address=address))
            assert (None if found is None else found.name) == expected
    assert sorted(resolved) == ["ct.example.org", "gone.example.org"]  # names are asked for once, whoever calls


def test_a_certificate_decides_from_any_address(add: type[Node]) -> None:
    _node("shown", certificate="ab" * 32, calls_from="192.0.2.7")
    assert who("203.0.113.1", certificate="ab" * 32) == "shown"
    assert who(certificate="cd" * 32) is who() is None
    _node("second", ae_title="OTHER", certificate="ab" * 32)
    assert who(certificate="ab" * 32) == "shown"
    assert who(certificate="ab" * 32, calling="OTHER") == "second"
    assert who(certificate="ab" * 32, calling="THIRD") is None
