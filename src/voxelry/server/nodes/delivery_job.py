"""The job that sends what waits for a node: one for each node, in batches over one association.

A delivery ends when the node has the instance, or refuses it. While the node cannot be reached, or is out of resources,
deliveries wait, and the job asks for itself again after a pause that grows. If the worker is killed, what was sent and
not yet written down is sent again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import F, Q, QuerySet
from django.utils import timezone
from pydantic import BaseModel, JsonValue

from voxelry.core.errors import Problem, VoxelryError
from voxelry.network.failures import NetworkError, NoContextError
from voxelry.network.storing import StoredObject, StoreResult, by_association, no_context, store_over
from voxelry.server.access.grants import as_site
from voxelry.server.jobs.job_run import Run
from voxelry.server.nodes import node_queries
from voxelry.server.nodes.calling import associate_with
from voxelry.server.nodes.delivery_request import deliver_again
from voxelry.server.nodes.models import Delivery, Node
from voxelry.server.nodes.sent_objects import sent_object

if TYPE_CHECKING:
    from voxelry.network.association import Association

BATCH = 200
"""Instances whose rows are read at a time, and whose contexts are proposed together."""
WRITE_SECONDS = 1.0
WRITE_ROWS = 32
"""Results are written at least so often."""
ROUND_SECONDS = 120.0
"""Then the job makes room for others, and asks for itself again."""
MOST_AGAIN = 10_000
"""Instances that were tried before and are tried in one round."""
MOST_BREAKS = 2
"""Instances in succession that the node has no resources for, or that end the association, before there is a pause."""
_TRANSIENT = (0x0110, 0x0213)
_OUT_OF_RESOURCES = 0xA7
State = Delivery.State


class RoundResult(BaseModel):
    """What one job did, and why some still wait."""

    sent: int = 0
    refused: int = 0
    waits: str = ""


class _NotNow(Exception):
    """The node cannot take more now."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass
class _Round:
    """One attempt of the job.

    Attributes
    ----------
    unwritten
        Deliveries and what became of them.
    waits
        Why some wait again, as it was said of the last of them.
    breaks
        The number of instances in succession that were not taken, and wait again.
    """

    run: Run
    node: Node
    expected: int
    sent: int = 0
    failed: int = 0
    waits: str = ""
    breaks: int = 0
    unwritten: list[tuple[Delivery, StoreResult]] = field(default_factory=list)
    written: float = field(default_factory=time.monotonic)

    def note(self, row: Delivery, result: StoreResult) -> None:
        """Keep a result, and write those that are kept if it is time."""
        self.unwritten.append((row, result))
        if len(self.unwritten) >= WRITE_ROWS or time.monotonic() - self.written > WRITE_SECONDS:
            self.write()

    def write(self) -> None:
        """Write the results that are kept."""
        done, self.unwritten, self.written = self.unwritten, [], time.monotonic()
        if done:
            with self.run.publishing():
                self._write(done)
        self.run.progress(min(self.sent / max(1, self.expected), 0.99), f"{self.sent} of {self.expected} sent")

    def _write(self, done: list[tuple[Delivery, StoreResult]]) -> None:
        now = timezone.now()
        over = {"finished": now, "attempts": F("attempts") + 1}
        plain = [row for row, result in done if result.is_stored and not result.is_warning]
        _tried(plain).update(state=State.SENT, problem_code="", problem_message="", **over)
        self.sent += len(plain)
        for row, result in done:
            mine = _tried([row])
            if result.is_warning:
                words = f"the node has it, and warns with status {result.status:04X}H"
                mine.update(state=State.SENT, problem_code="store_warning", problem_message=words, **over)
                self.sent += 1
            elif result.problem is not None:
                told = {"problem_code": result.problem.code, "problem_message": result.problem.message}
                if may_pass(result):
                    mine.update(attempts=F("attempts") + 1, **told)
                    self.waits = result.problem.message
                else:
                    mine.update(state=State.FAILED, **told, **over)
                    self.failed += 1


def may_pass(result: StoreResult) -> bool:
    """Whether the node may take an instance later that it did not take now."""
    status = result.status
    return status is not None and (status >> 8 == _OUT_OF_RESOURCES or status in _TRANSIENT)


def deliver(run: Run) -> RoundResult:
    """The work of the job."""
    node = node_queries.nodes(as_site()).filter(pk=run.subject).first()
    if node is None or not node.is_enabled or node.address is None:
        return RoundResult(waits="the node is removed or disabled, or has no address")
    this = _Round(run, node, _waiting(node).count())
    until = time.monotonic() + ROUND_SECONDS
    try:
        for rows in _batches(node):
            _send(this, rows)
            if time.monotonic() > until:
                break
    except _NotNow as error:
        _note_on_all(this, error.problem)
    return RoundResult(sent=this.sent, refused=this.failed, waits=this.waits)


def conclude(run: Run, result: JsonValue) -> None:
    """Ask for the job again if something waits, and say what was done; in the transaction in which the job ends."""
    done = RoundResult.model_validate(result)
    words = [f"{done.sent} sent"]
    if done.refused:
        words.append(f"{done.refused} refused")
    node = node_queries.nodes(as_site()).filter(pk=run.subject, is_enabled=True).first()
    if node is not None and node.address is not None and _waiting(node).exists():
        before = run.params.get("failures", 0)
        failures = 0 if not done.waits else 1 if done.sent else (before if isinstance(before, int) else 0) + 1
        seconds = deliver_again(node.pk, project=node.project_id, failures=failures)
        words.append(f"the rest waits {seconds:g} s: {done.waits}" if done.waits else "more waits")
    elif done.waits:
        words.append(done.waits)
    run.summary = "; ".join(words)[:300]
    run.log(run.summary)


def _batches(node: Node) -> Iterator[list[Delivery]]:
    """What waits: first what was not tried, then the rest once, what was tried most often last."""
    rows = _waiting(node).select_related("instance")
    while some := list(rows.filter(attempts=0).order_by("pk")[:BATCH]):
        yield some
    again = list(_waiting(node).order_by("attempts", "pk").values_list("pk", flat=True)[:MOST_AGAIN])
    for start in range(0, len(again), BATCH):
        by_key = rows.in_bulk(again[start : start + BATCH])
        yield [by_key[key] for key in again[start : start + BATCH] if key in by_key]


def _waiting(node: Node) -> QuerySet[Delivery]:
    """What waits for a node, by no rule or by one that is enabled."""
    rows = node_queries.deliveries(as_site()).filter(node=node, state=State.WAITING)
    return rows.filter(Q(rule=None) | Q(rule__is_enabled=True))


def _tried(rows: Sequence[Delivery]) -> QuerySet[Delivery]:
    """These rows, unless they were given up meanwhile, or begun again because another file replaced the instance's."""
    same = node_queries.deliveries(as_site()).filter(pk__in=[row.pk for row in rows], state=State.WAITING)
    return same.filter(created__in={row.created for row in rows})


def _send(this: _Round, rows: Sequence[Delivery]) -> None:
    """Send a batch; what is in the trash, or no longer in the node's project, is forgotten."""
    gone = [row.pk for row in rows if row.instance.project_id != this.node.project_id]
    if gone:
        with this.run.publishing():
            node_queries.deliveries(as_site()).filter(pk__in=gone).delete()
    waiting = {row.instance.sop_instance_uid: row for row in rows if row.pk not in gone}
    objects = [sent_object(row.instance) for row in waiting.values()]
    for proposals, some in by_association(objects):
        while some:
            try:
                association = associate_with(this.node, proposals) if proposals else None
                refusal = None
            except NoContextError as error:
                association, refusal = None, error.problem
            except VoxelryError as error:
                this.write()
                raise _NotNow(error.problem) from error
            if association is None:
                for one in some:
                    this.note(waiting[one.sop_instance], StoreResult(one, None, refusal or no_context(one)))
                break
            with association:
                _send_over(this, association, some, waiting)
    this.write()


def _send_over(this: _Round, association: Association, some: list[StoredObject], waiting: dict[str, Delivery]) -> None:
    """Send objects over an association while it is open; those that were tried are taken out of the list."""
    while some and association.is_open:
        this.run.check()
        one = some.pop(0)
        try:
            result = store_over(association, one)
        except NetworkError as error:
            _note_break(this, waiting[one.sop_instance], error)
            return
        this.note(waiting[one.sop_instance], result)
        if result.problem is None or not may_pass(result):
            this.breaks = 0
            continue
        this.breaks += 1
        if this.breaks >= MOST_BREAKS:
            this.write()
            raise _NotNow(result.problem)


def _note_break(this: _Round, row: Delivery, error: NetworkError) -> None:
    """An association ended in the middle of an instance: perhaps because of it, so others are tried before it."""
    this.write()
    this.breaks += 1
    problem = error.problem
    with this.run.publishing():
        _tried([row]).update(attempts=F("attempts") + 1, problem_code=problem.code, problem_message=problem.message)
    this.waits = problem.message
    this.run.log(f"the association ended in the middle of an instance: {problem.message}")
    if this.breaks >= MOST_BREAKS:
        raise _NotNow(problem)


def _note_on_all(this: _Round, problem: Problem) -> None:
    """Write on what waits why it does."""
    this.waits = problem.message
    with this.run.publishing():
        others = _waiting(this.node).filter(~Q(problem_code=problem.code) | ~Q(problem_message=problem.message))
        others.update(problem_code=problem.code, problem_message=problem.message)
