"""The job that fetches studies and series from a node, by C-GET or by C-MOVE to this site's listener.

It asks the node which instances there are, and fetches those that the project lacks. Begun again after a kill, it goes
on with what is lacking then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import User

from voxelry.core.errors import Problem
from voxelry.network.failures import NetworkError, NoContextError
from voxelry.network.fetching import MOVE_PROPOSALS, SubOperations, fetch_by_move
from voxelry.network.finding import FIND_PROPOSALS
from voxelry.network.remote_instances import (
    RemoteInstance,
    fetch_instances,
    fetch_unlisted,
    instances_at,
    requests_of,
)
from voxelry.server.access.grants import Grants, as_site, grants_of
from voxelry.server.access.models import Role
from voxelry.server.archive.intake.incoming import ArrivingFile
from voxelry.server.archive.intake.store_instance import known_uids
from voxelry.server.archive.intake.store_now import StoringNow
from voxelry.server.archive.models import Entry
from voxelry.server.jobs.failures import JobError, JobStopped
from voxelry.server.jobs.job_run import Run
from voxelry.server.jobs.requesters import require_requester
from voxelry.server.nodes.calling import associate_with, our_title
from voxelry.server.nodes.fetch_request import WantedStudies
from voxelry.server.nodes.models import Node, Retrieving
from voxelry.server.nodes.node_queries import nodes

if TYPE_CHECKING:
    from voxelry.network.association import Association
    from voxelry.network.contexts import Proposal, Roles
    from voxelry.network.sent_instances import SentFile, SentInstance

_UIDS_OF_QUERY = 500
_UIDS_LOGGED = 50


@dataclass(frozen=True, slots=True)
class _Missing:
    """Why instances did not come, by SOP Instance UID, and how many there are in all."""

    reasons: Mapping[str, str]
    fetched: int
    here: int


def fetch_from(run: Run) -> None:
    """The work of fetch jobs.

    Raises
    ------
    JobError
        If the node cannot be asked, has nothing of what is wanted, or does not send all of it. What came stays.
    """
    node = nodes(as_site()).filter(pk=run.subject).first()
    if node is None:
        raise JobError(Problem("node_gone", "the node was deleted; configure it again, or fetch from another one"))
    require_requester(run.requested_by_id, least=Role.UPLOADER, project=node.project_id)
    wanted = WantedStudies.model_validate(run.params)
    run.progress(0.0, f"asking {node.name} what it has")
    listed = _listed(run, node, wanted)
    if listed is None:
        _end(run, _get_unlisted(run, node, wanted))
        return
    if not listed:
        raise JobError(Problem("nothing_found", f"the node {node.name} has no instance of what was asked for"))
    here = _known(node.project_id, [one.sop_instance for one in listed])
    lacking = [one for one in listed if one.sop_instance not in here]
    if not lacking:
        run.summary = f"nothing to fetch: all {len(listed)} instances are here"
    elif node.retrieves_by == Retrieving.MOVE:
        _move(run, node, listed, lacking)
    else:
        _end(run, _get(run, node, listed, lacking))


def _listed(run: Run, node: Node, wanted: WantedStudies) -> list[RemoteInstance] | None:
    """What the node has of what is wanted; None if it does not answer queries."""
    try:
        with associate_with(node, FIND_PROPOSALS) as association:
            found: list[RemoteInstance] = []
            for study in wanted.studies:
                run.check()
                found += instances_at(association, study, wanted.series)
    except NoContextError:
        return None
    return found


def _known(project: int, uids: Sequence[str]) -> set[str]:
    """Those of the SOP Instance UIDs that the project has."""
    parts = (uids[start : start + _UIDS_OF_QUERY] for start in range(0, len(uids), _UIDS_OF_QUERY))
    return {uid for part in parts for uid in known_uids(project, part)}


class _CannotKeepError(Exception):
    """The site cannot keep what comes: the others cannot be kept either."""

    def __init__(self, failure: JobError) -> None:
        super().__init__(str(failure))
        self.failure = failure


class _Keeping:
    """Takes the file of an instance, and adds it to the upload."""

    def __init__(self, sent: SentInstance, storing: StoringNow, added: Callable[[], object]) -> None:
        self._file = ArrivingFile(f"{sent.sop_instance}.dcm", most_bytes=settings.VOXELRY.upload_bytes)
        self._storing, self._added = storing, added

    def write(self, part: bytes | memoryview) -> None:
        self._file.write(part)

    def complete(self) -> None:
        file = self._file.complete()
        try:
            self._storing.add(file)
        except JobError as error:
            raise _CannotKeepError(error) from error
        finally:
            file.remove()
        self._added()

    def drop(self) -> None:
        self._file.drop()


def _get(run: Run, node: Node, listed: Sequence[RemoteInstance], lacking: Sequence[RemoteInstance]) -> _Missing:
    uids = [one.sop_instance for one in lacking]
    here, count = len(listed) - len(lacking), 0

    def added() -> None:
        nonlocal count
        count += 1
        run.progress((here + count) / len(listed), f"{here + count} of {len(listed)} instances")

    def receive(sent: SentInstance) -> SentFile:
        return _Keeping(sent, storing, added)

    def counted(_: SubOperations) -> None:
        run.check()

    reasons: dict[str, str] = {}
    with StoringNow(who=_requester(run), project=node.project_id) as storing:
        storing.upload.node = node.name
        try:
            with _flushing(storing):
                fetched = fetch_instances(_call(node), listed, uids, receive=receive, on_counts=counted)
            reasons |= fetched.failed
        except NetworkError as error:
            came = len(_known(node.project_id, uids))
            words = f"{error}; {here + came} of {len(listed)} instances are here, and another try fetches the others"
            raise JobError(Problem(error.code, words)) from error
        reasons |= _skipped(storing)
    kept = _known(node.project_id, uids)
    missing = {uid: reasons.get(uid, "it came with another UID than the node said") for uid in uids if uid not in kept}
    return _Missing(missing, len(kept), here)


def _get_unlisted(run: Run, node: Node, wanted: WantedStudies) -> _Missing:
    """Fetch from a node that does not say what it has: each instance is looked for when it comes."""
    present: set[str] = set()
    count = 0

    def added() -> None:
        nonlocal count
        count += 1
        run.progress(0.0, f"{count} instances")

    def receive(sent: SentInstance) -> SentFile | None:
        if known_uids(node.project_id, [sent.sop_instance]):
            present.add(sent.sop_instance)
            run.check()
            return None
        return _Keeping(sent, storing, added)

    reasons: dict[str, str] = {}
    with StoringNow(who=_requester(run), project=node.project_id) as storing:
        storing.upload.node = node.name
        with _flushing(storing):
            for study in wanted.studies:
                reasons |= fetch_unlisted(_call(node), study, wanted.series, receive=receive).failed
        reasons |= _skipped(storing)
        stored = sum(entry.status == Entry.Status.STORED for _, entry in storing.results)
    if not (stored or present or reasons):
        raise JobError(Problem("nothing_found", f"the node {node.name} sent no instance of what was asked for"))
    return _Missing(reasons, stored, len(present))


def _move(run: Run, node: Node, listed: Sequence[RemoteInstance], lacking: Sequence[RemoteInstance]) -> None:
    """Have the node send to this site's listener, which takes in what arrives; the node counts."""
    here, sent, failed = len(listed) - len(lacking), 0, 0
    uids: list[str] = []

    def counted(counts: SubOperations) -> None:
        done = here + sent + counts.completed + counts.warnings
        run.progress(min(done / len(listed), 0.99), f"{done} of {len(listed)} instances")

    with associate_with(node, MOVE_PROPOSALS) as association:
        for level, keys in requests_of(listed, lacking):
            counts = fetch_by_move(association, level, keys, destination=our_title(), on_counts=counted)
            sent += counts.completed + counts.warnings
            failed += counts.failed
            uids += counts.failed_uids
    _log_failed(run, dict.fromkeys(uids, "the node could not send it"))
    if failed or sent < len(lacking):
        words = (
            f"the node sent {sent} of {len(lacking)} instances to this site, and says that {failed} failed; does the "
            f"listener run, is the node allowed to store, and does it know {our_title()} with its address? Another try "
            "fetches the others"
        )
        raise JobError(Problem("not_all_fetched", words))
    run.summary = f"{sent} fetched, {here} were here"


def _requester(run: Run) -> Grants:
    """What who asked may do; the site itself if nobody did."""
    if run.requested_by_id is None:
        return as_site()
    return grants_of(User.objects.filter(pk=run.requested_by_id).first())


def _call(node: Node) -> Callable[[Sequence[Proposal], Mapping[str, Roles]], Association]:
    return lambda proposals, roles: associate_with(node, proposals, roles=roles)


@contextmanager
def _flushing(storing: StoringNow) -> Iterator[None]:
    """Store what came at the end, and also if the node or the worker ends the work in the middle."""
    try:
        yield
    except (NetworkError, JobStopped):
        storing.flush()
        raise
    except _CannotKeepError as error:
        raise error.failure from error
    storing.flush()


def _skipped(storing: StoringNow) -> dict[str, str]:
    """Why instances that came were not stored, by SOP Instance UID."""
    skipped = (result for result in storing.results if result[1].status == Entry.Status.SKIPPED)
    return {entry.name.removesuffix(".dcm"): entry.message for _, entry in skipped}


def _end(run: Run, outcome: _Missing) -> None:
    """Say how it went; a job of which something did not come fails, so that it can be begun again."""
    count = len(outcome.reasons)
    if not count:
        run.summary = f"{outcome.fetched} fetched, {outcome.here} were here"
        return
    _log_failed(run, outcome.reasons)
    reason = Counter(outcome.reasons.values()).most_common(1)[0][0]
    lost = f"{count} instance{'s' * (count > 1)} did not come"
    words = f"{lost}, {outcome.fetched} did and {outcome.here} were here: {reason}"
    raise JobError(Problem("not_all_fetched", words))


def _log_failed(run: Run, reasons: Mapping[str, str]) -> None:
    for uid, reason in list(reasons.items())[:_UIDS_LOGGED]:
        run.log(f"{uid}: {reason}")
