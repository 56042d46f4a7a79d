"""Storage commitment as its provider: what is answered, what is reported, and where the report goes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pydicom
import pytest
from django.db import transaction
from django.utils import timezone
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import build_role, evt

from tests.dimse.conftest import DicomSite, patient_entity
from tests.dimse.sent_files import sent_file, stored
from tests.server.conftest import run_jobs
from voxelry.network.association import Association
from voxelry.network.command_set import Command, CommandField
from voxelry.network.committing import CommitmentReport, CommitmentRequestError, encoded_report, read_commitment_request
from voxelry.network.contexts import Proposal
from voxelry.network.identifiers import decoded_identifier
from voxelry.network.service_uids import PUSH_MODEL, PUSH_MODEL_INSTANCE
from voxelry.server.archive.at_rest.holdings import stored_name
from voxelry.server.archive.models import Instance
from voxelry.server.jobs import attempts
from voxelry.server.jobs.models import Job, State
from voxelry.server.nodes import commitment_job
from voxelry.server.nodes.models import Commitment
from voxelry.testing import synthetic_series

pytestmark = pytest.mark.django_db(transaction=True)

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
TRANSACTION = "1.2.826.0.1.3680043.8.498.7"
PROPOSALS = [Proposal(PUSH_MODEL, (ExplicitVRLittleEndian,))]
WAIT = 60.0

Report = tuple[int, Dataset]
"""Event type and data set."""


def wanted(*references: tuple[str, str], transaction_uid: str = TRANSACTION) -> Dataset:
    """The data set of a request."""
    dataset = Dataset()
    dataset.TransactionUID = transaction_uid
    dataset.ReferencedSOPSequence = Items()
    for sop_class, instance in references:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, instance
        dataset.ReferencedSOPSequence.append(item)
    return dataset


def encoded(dataset: Dataset, *, implicit: bool = False) -> bytes:
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_dataset

    stream = DicomBytesIO()
    stream.is_little_endian, stream.is_implicit_VR = True, implicit
    write_dataset(stream, dataset)
    return stream.getvalue()


def asked(association: Association, content: bytes, **values: Any) -> int | None:
    """The status that a request is answered with."""
    context = association.context_of(PUSH_MODEL)
    assert context is not None
    number = association.new_message_id()
    given = {"requested_class": PUSH_MODEL, "requested_instance": PUSH_MODEL_INSTANCE, "action_type": 1, **values}
    association.send(Command(CommandField.N_ACTION_RQ, message_id=number, **given), context, content)
    return association.response(number, seconds=WAIT).command.status


def reported(association: Association, *, status: int = 0) -> Report:
    """The report that comes over the same association."""
    message = association.receive(seconds=WAIT)
    assert message.command.field is CommandField.N_EVENT_REPORT_RQ
    assert (message.command.sop_class, message.command.sop_instance) == (PUSH_MODEL, PUSH_MODEL_INSTANCE)
    answer = Command(
        CommandField.N_EVENT_REPORT_RSP,
        responded_to=message.command.message_id,
        event_type=message.command.event_type,
        status=status,
    )
    association.send(answer, message.context)
    assert message.command.event_type is not None
    return message.command.event_type, decoded_identifier(
        message.data_set, transfer_syntax=message.context.transfer_syntax
    )


def references(dataset: Dataset, keyword: str = "ReferencedSOPSequence") -> set[tuple[str, ...]]:
    """Class and instance of each item, and the reason of a failure."""
    return {
        (
            str(item.ReferencedSOPClassUID),
            str(item.ReferencedSOPInstanceUID),
            *([f"{item.FailureReason:04X}"] if "FailureReason" in item else []),
        )
        for item in dataset.get(keyword, [])
    }


@pytest.fixture
def kept(site: DicomSite, tmp_path: Path) -> list[tuple[str, str]]:
    """Three slices of a CT in the site, as references."""
    paths = list(synthetic_series(tmp_path / "ct", slices=3).paths)
    site.web.upload(paths)
    return [(CT, str(pydicom.dcmread(path).SOPInstanceUID)) for path in paths]


def test_the_report_comes_over_the_same_association(site: DicomSite, kept: list[tuple[str, str]]) -> None:
    with site.associate(PROPOSALS) as association:
        assert asked(association, encoded(wanted(*kept))) == 0
        row = Commitment.objects.get()
        assert (row.state, row.references) == ("waiting", [list(one) for one in kept])
        event, dataset = reported(association)
    assert (event, dataset.TransactionUID, dataset.RetrieveAETitle) == (1, TRANSACTION, "VOXELRY")
    assert references(dataset) == set(kept)
    assert "FailedSOPSequence" not in dataset
    wait_for_end(site)
    run_jobs()
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("reported", 1)
    assert Job.objects.get(kind="commitment").message == "it is reported"


def report_once() -> None:
    """Do the queued job that reports a commitment, once."""
    assert attempts.attempt_job(Job.objects.get(kind="commitment", state=State.QUEUED).pk)


def wait_for_end(site: DicomSite) -> None:
    """Wait until the listener has ended all associations."""
    pause = threading.Event()
    deadline = timezone.now() + timedelta(seconds=WAIT)
    while site.listener.associations:
        assert timezone.now() < deadline
        pause.wait(0.01)


def test_each_failure_has_its_reason_and_successes_are_named_too(
    site: DicomSite, kept: list[tuple[str, str]], data_folder: Path
) -> None:
    whole, changed, lost = kept
    places = {row.sop_instance_uid: data_folder / "files" / stored_name(row.sha256) for row in Instance.objects.all()}
    content = bytearray(places[changed[1]].read_bytes())
    content[-1] ^= 1
    places[changed[1]].write_bytes(content)
    places[lost[1]].unlink()
    other = Instance.objects.exclude(sop_instance_uid__in=[one for _, one in kept])
    assert not other.exists()
    unknown, no_storage = (CT, "1.2.3.4"), ("1.2.840.10008.1.1", "1.2.3.5")
    conflict = (MR, whole[1])
    with site.associate(PROPOSALS) as association:
        assert asked(association, encoded(wanted(whole, changed, lost, unknown, no_storage))) == 0
        event, dataset = reported(association)
        assert asked(association, encoded(wanted(conflict, transaction_uid="1.2.9"))) == 0
        _, second = reported(association)
    assert event == 2
    assert references(dataset) == {whole}
    assert references(dataset, "FailedSOPSequence") == {
        (*changed, "0110"),
        (*lost, "0110"),
        (*unknown, "0112"),
        (*no_storage, "0122"),
    }
    assert references(second, "FailedSOPSequence") == {(*conflict, "0119")}


def test_another_project_keeps_nothing_for_this_node(site: DicomSite, kept: list[tuple[str, str]]) -> None:
    from voxelry.server.access.models import Project

    site.allow(project=Project.objects.create(name="other"))
    with site.associate(PROPOSALS) as association:
        assert asked(association, encoded(wanted(kept[0]))) == 0
        _, dataset = reported(association)
    assert references(dataset, "FailedSOPSequence") == {(*kept[0], "0112")}


def test_a_transaction_in_use_is_told_and_the_same_request_again_is_one(
    site: DicomSite, kept: list[tuple[str, str]]
) -> None:
    with site.associate(PROPOSALS) as association:
        assert asked(association, encoded(wanted(kept[0]))) == 0
        assert asked(association, encoded(wanted(kept[0]))) == 0
        assert asked(association, encoded(wanted(kept[1]))) == 0
        assert Commitment.objects.count() == 2
        (first, one), (second, other) = reported(association), reported(association)
    assert (first, references(one)) == (1, {kept[0]})
    # The first is reported by then, so its transaction is no longer in use.
    assert (second, references(other)) == (1, {kept[1]})
    Commitment.objects.update(state="waiting")
    from voxelry.server.nodes.commitment_reports import commitment_report

    later = Commitment.objects.order_by("pk").select_related("node").last()
    assert later is not None
    assert commitment_report(later).failed == [(kept[1], 0x0131)]


def test_malformed_requests_are_refused(site: DicomSite, kept: list[tuple[str, str]]) -> None:
    good = encoded(wanted(*kept))
    empty, nameless, partial = wanted(), wanted(*kept), wanted(*kept)
    del nameless.TransactionUID
    del partial.ReferencedSOPSequence[1].ReferencedSOPInstanceUID
    with site.associate(PROPOSALS) as association:
        assert asked(association, good, action_type=2) == 0x0123
        assert asked(association, good, requested_instance="1.2.3") == 0x0112
        for dataset in (empty, nameless, partial):
            assert asked(association, encoded(dataset)) == 0x0115
        assert asked(association, b"\xff" * 9) == 0x0115
        site.allow(may_store=False)
        assert asked(association, good) == 0x0124
    assert not Commitment.objects.exists()


def test_what_was_just_stored_is_waited_for(site: DicomSite, tmp_path: Path) -> None:
    files = [sent_file(path) for path in synthetic_series(tmp_path / "ct", slices=2).paths]
    with site.associate([*PROPOSALS, files[0].proposal]) as association:
        for file in files:
            assert stored(association, file)[0] == 0
        kept = [(file.sop_class, file.sop_instance) for file in files]
        assert asked(association, encoded(wanted(*kept))) == 0
        pause = threading.Event()
        while Instance.objects.count() < len(files):  # the listener closes the upload after its answer
            run_jobs()  # the worker's part
            pause.wait(0.01)
        event, dataset = reported(association)
    assert (event, references(dataset)) == (1, set(kept))


class CommitmentUser:
    """A node of pynetdicom that takes reports."""

    def __init__(self, *, statuses: Sequence[int] = ()) -> None:
        self.reports: list[Report] = []
        self.statuses = list(statuses)
        entity: Any = patient_entity()
        entity.add_supported_context(PUSH_MODEL, scu_role=False, scp_role=True)
        handlers: list[Any] = [(evt.EVT_N_EVENT_REPORT, self.report)]
        self.server: Any = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        self.port = int(self.server.socket.getsockname()[1])

    def report(self, event: evt.Event) -> tuple[int, None]:
        request: Any = event.request
        self.reports.append((int(request.EventTypeID), event.event_information))
        return (self.statuses.pop(0) if self.statuses else 0), None


@contextmanager
def commitment_user(**values: Any) -> Iterator[CommitmentUser]:
    user = CommitmentUser(**values)
    try:
        yield user
    finally:
        user.server.shutdown()


def test_pynetdicom_asks_and_has_its_report_on_a_new_association(
    site: DicomSite, kept: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commitment_job, "PAUSES", (0.001,))
    with commitment_user(statuses=[0x0110]) as user:
        entity = patient_entity()
        entity.add_requested_context(PUSH_MODEL)
        association = entity.associate(
            "127.0.0.1", site.port, ae_title="VOXELRY", ext_neg=[build_role(PUSH_MODEL, scu_role=True)]
        )
        status, _ = association.send_n_action(wanted(*kept), 1, PUSH_MODEL, PUSH_MODEL_INSTANCE)
        association.release()
        assert status.Status == 0
        wait_for_end(site)
        assert Job.objects.get(kind="commitment").state == State.QUEUED
        report_once()  # the node listens nowhere yet
        row = Commitment.objects.get()
        assert (row.state, row.attempts, row.problem_code) == ("waiting", 1, "connection")
        site.allow(host="127.0.0.1", port=user.port)
        report_once()
        report_once()
        row.refresh_from_db()
        assert (row.state, row.attempts) == ("reported", 3)
        assert [event for event, _ in user.reports] == [1, 1]  # the first was answered with a failure
        assert references(user.reports[-1][1]) == set(kept)


def test_a_report_that_nobody_takes_is_given_up_after_a_day(site: DicomSite, kept: list[tuple[str, str]]) -> None:
    with site.associate(PROPOSALS) as association:
        assert asked(association, encoded(wanted(*kept))) == 0
    wait_for_end(site)
    with transaction.atomic():
        Commitment.objects.update(created=timezone.now() - timedelta(days=1, minutes=1))
    run_jobs()
    row = Commitment.objects.get()
    assert (row.state, row.problem_code) == ("failed", "connection")
    assert row.finished is not None
    assert Job.objects.filter(kind="commitment", state=State.QUEUED).count() == 0


def test_the_data_sets_are_those_of_the_standard_in_both_encodings() -> None:
    committed, failed = [(CT, "1.2.3")], [((MR, "1.2.4"), 0x0112)]
    for syntax, implicit in ((ExplicitVRLittleEndian, False), (ImplicitVRLittleEndian, True)):
        request = read_commitment_request(
            encoded(wanted(*committed, *committed), implicit=implicit), transfer_syntax=syntax
        )
        assert (request.transaction_uid, request.references) == (TRANSACTION, tuple(committed))
        content = encoded_report(CommitmentReport(TRANSACTION, committed, failed), transfer_syntax=syntax)
        dataset = decoded_identifier(content, transfer_syntax=syntax)
        assert references(dataset) == set(committed)
        assert references(dataset, "FailedSOPSequence") == {(MR, "1.2.4", "0112")}
    with pytest.raises(CommitmentRequestError):
        read_commitment_request(b"", transfer_syntax=ExplicitVRLittleEndian)
