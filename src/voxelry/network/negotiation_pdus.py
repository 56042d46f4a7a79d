"""The PDUs of negotiation (PS3.8 9.3.2 to 9.3.4), which pynetdicom encodes and decodes."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydicom.uid import UID
from pynetdicom import _config
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassExtendedNegotiation,
)
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import AddressInformation

from voxelry.dicom.headers.pydicom_silence import quiet
from voxelry.dicom.write.header_bytes import IMPLEMENTATION_CLASS_UID
from voxelry.network.contexts import MOST_CONTEXTS, Acceptance, Proposal, Rejection, Requested, Roles
from voxelry.network.failures import ProtocolError
from voxelry.network.negotiation_items import require_few_items
from voxelry.network.pdu_stream import INVALID_PARAMETER

# Its lines quote what peers send, which may be a patient's value.
logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
_config.LOG_HANDLER_LEVEL = "none"

IMPLEMENTATION_NAME: Final = "VOXELRY"
APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
_HEADER_LENGTH = 6
_NOWHERE = AddressInformation("127.0.0.1", 0)


@dataclass(frozen=True, slots=True)
class AcceptedRequest:
    """What an A-ASSOCIATE-AC says."""

    results: Mapping[int, tuple[int, str]]
    roles: Mapping[str, Roles]
    extended: Mapping[str, bytes]
    most_bytes: int
    implementation: str


def encoded_request(requested: Requested) -> bytes:
    """An A-ASSOCIATE-RQ. The address and the certificate are not part of it."""
    primitive = _primitive(requested.calling, requested.called)
    primitive.presentation_context_definition_list = [
        _context(number, one.abstract_syntax, one.transfer_syntaxes) for number, one in requested.proposals.items()
    ]
    primitive.user_information = _user_information(requested.most_bytes, requested.roles, requested.extended)
    return _encoded(A_ASSOCIATE_RQ(), primitive)


def encoded_acceptance(requested: Requested, acceptance: Acceptance, *, most_bytes: int) -> bytes:
    """An A-ASSOCIATE-AC. A rejected context gets its first transfer syntax, which is not looked at."""
    primitive = _primitive(requested.calling, requested.called)
    results = []
    for number, (result, syntax) in sorted(acceptance.results.items()):
        proposal = requested.proposals[number]
        context = _context(number, proposal.abstract_syntax, [syntax or proposal.transfer_syntaxes[0]])
        context.result = int(result)
        results.append(context)
    primitive.presentation_context_definition_results_list = results
    primitive.result = 0
    primitive.user_information = _user_information(most_bytes, acceptance.roles, acceptance.extended)
    return _encoded(A_ASSOCIATE_AC(), primitive)


def encoded_rejection(rejection: Rejection) -> bytes:
    """An A-ASSOCIATE-RJ."""
    return bytes([3, 0, 0, 0, 0, 4, 0, rejection.result, rejection.source, rejection.reason])


def decoded_request(content: bytes, *, address: str = "", certificate: str = "") -> tuple[Requested, str, int]:
    """Read an A-ASSOCIATE-RQ without its first 6 bytes: what is asked for, the application context, the version bits.

    Raises
    ------
    ProtocolError
        If it cannot be read, or proposes no context, or more than there may be.
    """
    primitive, version = _decoded(A_ASSOCIATE_RQ(), 1, content)
    proposals: dict[int, Proposal] = {}
    contexts = primitive.presentation_context_definition_list
    for one in contexts:
        syntaxes = tuple(str(syntax) for syntax in one.transfer_syntax)
        if one.context_id is None or one.context_id in proposals or not one.abstract_syntax or not syntaxes:
            raise _malformed("an association request proposes a context twice, or one without syntaxes")
        proposals[one.context_id] = Proposal(str(one.abstract_syntax), syntaxes)
    if not 0 < len(proposals) <= MOST_CONTEXTS:
        raise _malformed(f"an association request proposes {len(proposals)} contexts")
    said = _said(primitive.user_information)
    requested = Requested(
        calling=_title(primitive.calling_ae_title),
        called=_title(primitive.called_ae_title),
        proposals=proposals,
        roles=said.roles,
        extended=said.extended,
        most_bytes=said.most_bytes,
        implementation=said.implementation,
        address=address,
        certificate=certificate,
    )
    return requested, str(primitive.application_context_name or ""), version


def decoded_acceptance(content: bytes) -> AcceptedRequest:
    """Read an A-ASSOCIATE-AC without its first 6 bytes.

    Raises
    ------
    ProtocolError
        If it cannot be read.
    """
    primitive, _ = _decoded(A_ASSOCIATE_AC(), 2, content)
    results = {}
    for one in primitive.presentation_context_definition_results_list:
        if one.context_id is not None and one.result is not None:
            results[one.context_id] = (one.result, str(one.transfer_syntax[0]) if one.transfer_syntax else "")
    said = _said(primitive.user_information)
    return AcceptedRequest(results, said.roles, said.extended, said.most_bytes, said.implementation)


@dataclass(frozen=True, slots=True)
class _Said:
    roles: Mapping[str, Roles]
    extended: Mapping[str, bytes]
    most_bytes: int
    implementation: str


def _said(items: Iterable[Any]) -> _Said:
    """What the items of user information say."""
    roles: dict[str, Roles] = {}
    extended: dict[str, bytes] = {}
    most, implementation = 0, ""
    for item in items:
        if isinstance(item, MaximumLengthNotification):
            most = int(item.maximum_length_received or 0)
        elif isinstance(item, ImplementationVersionNameNotification):
            implementation = str(item.implementation_version_name or "")
        elif isinstance(item, SCP_SCU_RoleSelectionNegotiation):
            roles[str(item.sop_class_uid)] = Roles(bool(item.scu_role), bool(item.scp_role))
        elif isinstance(item, SOPClassExtendedNegotiation):
            extended[str(item.sop_class_uid)] = bytes(item.service_class_application_information or b"")
    if 0 < most < 2 * _HEADER_LENGTH:
        raise _malformed(f"the node takes PDUs of at most {most} bytes, which no message fits in")
    return _Said(roles, extended, most, implementation)


def _user_information(most_bytes: int, roles: Mapping[str, Roles], extended: Mapping[str, bytes]) -> list[Any]:
    length = MaximumLengthNotification()
    length.maximum_length_received = most_bytes
    implementation = ImplementationClassUIDNotification()
    implementation.implementation_class_uid = UID(IMPLEMENTATION_CLASS_UID)
    version = ImplementationVersionNameNotification()
    version.implementation_version_name = IMPLEMENTATION_NAME
    items: list[Any] = [length, implementation, version]
    for uid, one in roles.items():
        role = SCP_SCU_RoleSelectionNegotiation()
        with quiet:
            role.sop_class_uid, role.scu_role, role.scp_role = UID(uid), one.scu, one.scp
        items.append(role)
    for uid, told in extended.items():
        negotiation = SOPClassExtendedNegotiation()
        with quiet:
            negotiation.sop_class_uid, negotiation.service_class_application_information = UID(uid), told
        items.append(negotiation)
    return items


def _primitive(calling: str, called: str) -> A_ASSOCIATE:
    primitive = A_ASSOCIATE()
    primitive.application_context_name = UID(APPLICATION_CONTEXT)
    primitive.calling_ae_title, primitive.called_ae_title = calling, called
    primitive.calling_presentation_address = primitive.called_presentation_address = _NOWHERE
    return primitive


def _context(number: int, abstract_syntax: str, transfer_syntaxes: Iterable[str]) -> PresentationContext:
    context = PresentationContext()
    with quiet:  # a peer's UID may be none
        context.context_id = number
        context.abstract_syntax = UID(abstract_syntax)
        context.transfer_syntax = [UID(syntax) for syntax in transfer_syntaxes]
    return context


def _encoded(pdu: Any, primitive: A_ASSOCIATE) -> bytes:
    with quiet:
        pdu.from_primitive(primitive)
        content: bytes = pdu.encode()
    return content


def _decoded(pdu: Any, kind: int, content: bytes) -> tuple[A_ASSOCIATE, int]:
    """The primitive of a PDU, and its protocol version bits; pynetdicom may raise anything for a malformed one."""
    require_few_items(content)
    try:
        with quiet:
            pdu.decode(bytes([kind, 0]) + len(content).to_bytes(4, "big") + content)
            primitive: A_ASSOCIATE = pdu.to_primitive()
    except Exception as error:
        raise _malformed(f"a PDU of negotiation cannot be read ({type(error).__name__})") from None
    return primitive, int.from_bytes(content[:2], "big")


def _title(value: object) -> str:
    return str(value or "").strip()


def _malformed(words: str) -> ProtocolError:
    return ProtocolError(words, reason=INVALID_PARAMETER)
