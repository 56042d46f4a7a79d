"""The instances that a node has of a study, and those of them that are wanted, fetched by C-GET.

Which instances there are, and of which SOP classes, is asked before: then each class is proposed with every transfer
syntax, what is here is not sent again, and an association that breaks is followed by another one for the rest.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pydicom.uid import ExplicitVRBigEndian
from pynetdicom import AllStoragePresentationContexts

from voxelry.dicom.headers.sop_classes import SEGMENTATION
from voxelry.network.association import Association
from voxelry.network.contexts import MOST_CONTEXTS, Proposal, Roles
from voxelry.network.failures import (
    AbortedError,
    ConnectionFailedError,
    FailureStatusError,
    NoContextError,
    ReleasedError,
    TimedOutError,
)
from voxelry.network.fetching import OnCounts, fetch_by_get, ignore_counts
from voxelry.network.finding import find
from voxelry.network.identifiers import text_of
from voxelry.network.sent_instances import Receive, SentFile, SentInstance, is_valid_uid
from voxelry.network.service_uids import PLAIN_SYNTAXES, STUDY_ROOT_GET

MOST_SERIES: Final = 10_000
MOST_INSTANCES: Final = 1_000_000
"""Answers that a query for the instances of one series may have."""
UIDS_OF_REQUEST: Final = 200
"""UIDs in the list of one request: their element has at most 65,534 bytes."""
SINGLE_REQUESTS: Final = 20
"""A node that does not match lists is asked for one instance after the other; so many may come to nothing."""
_VIDEO_CLASSES = frozenset(f"1.2.840.10008.5.1.4.1.1.77.1.{end}" for end in ("1.1", "2.1", "4.1"))
_JPEG = "1.2.840.10008.1.2.4."
STORED_SYNTAXES: Final = (
    *PLAIN_SYNTAXES,
    *(f"{_JPEG}{end}" for end in (50, 51, 57, 70, 80, 81, 90, 91, 201, 202, 203, 110, 111, 112)),
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.1.99",
    str(ExplicitVRBigEndian),
)
"""Transfer syntaxes of images and other objects. Each is proposed in its own context, so that nothing is converted."""
VIDEO_SYNTAXES: Final = tuple(f"{_JPEG}{end}" for end in (100, 101, 102, 103, 104, 105, 106, 107, 108))
_BROKEN = (AbortedError, ConnectionFailedError, ReleasedError, TimedOutError)

Call = Callable[[Sequence[Proposal], Mapping[str, Roles]], Association]
"""Asks the node for an association."""


@dataclass(frozen=True, slots=True)
class RemoteInstance:
    """An instance that a node has.

    Attributes
    ----------
    sop_class
        Empty if the node does not say it.
    """

    study: str
    series: str
    sop_instance: str
    sop_class: str = ""


@dataclass(slots=True)
class Fetched:
    """What came of a fetch.

    Attributes
    ----------
    received
        The SOP Instance UIDs that came.
    failed
        Why others did not, by SOP Instance UID.
    """

    received: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)


def series_at(association: Association, study: str) -> list[str]:
    """The Series Instance UIDs of a study that a node has."""
    keys = {"StudyInstanceUID": study, "SeriesInstanceUID": ""}
    answers = find(association, "SERIES", keys, most=MOST_SERIES)
    uids = [text_of(answer, "SeriesInstanceUID") for answer in answers]
    return [uid for uid in dict.fromkeys(uids) if is_valid_uid(uid)]


def instances_at(association: Association, study: str, series: Collection[str] = ()) -> list[RemoteInstance]:
    """The instances of a study, or of some of its series, that a node has; each once.

    Raises
    ------
    NetworkError
        If it does not answer queries, or answers them with a failure.
    """
    found: dict[str, RemoteInstance] = {}
    for one in series or series_at(association, study):
        keys = {"StudyInstanceUID": study, "SeriesInstanceUID": one, "SOPInstanceUID": "", "SOPClassUID": ""}
        for answer in find(association, "IMAGE", keys, most=MOST_INSTANCES):
            uid, sop_class = text_of(answer, "SOPInstanceUID"), text_of(answer, "SOPClassUID")
            if is_valid_uid(uid):
                found.setdefault(uid, RemoteInstance(study, one, uid, sop_class if is_valid_uid(sop_class) else ""))
    return list(found.values())


def fetch_instances(
    call: Call,
    listed: Sequence[RemoteInstance],
    wanted: Collection[str],
    *,
    receive: Receive,
    on_counts: OnCounts = ignore_counts,
) -> Fetched:
    """Fetch instances by C-GET.

    Parameters
    ----------
    listed
        What the node has, as `instances_at` says it.
    wanted
        The SOP Instance UIDs of those that are fetched. Others that the node sends are not kept.
    receive
        Opens the file of each instance.

    Raises
    ------
    NetworkError
        If an association fails and none of it has brought anything.
    OSError
        If a file cannot be written.
    """
    run = _Run(call, listed, frozenset(wanted), receive, on_counts)
    while True:
        before = len(run.fetched.received)
        try:
            run.fetch_lists()
            break
        except _BROKEN:
            if len(run.fetched.received) == before:
                raise
    run.fetch_singly()
    for one in run.lacking():
        run.fetched.failed[one.sop_instance] = run.reason or "the node did not send it"
    return run.fetched


def fetch_unlisted(call: Call, study: str, series: Collection[str], *, receive: Receive) -> Fetched:
    """Fetch a study, or series of it, by C-GET from a node that does not say what it has.

    Every storage class of the standard is proposed uncompressed, and once more with all transfer syntaxes in one
    context: the node chooses.
    """
    fetched = Fetched()
    failure: FailureStatusError | None = None
    requests = [("SERIES", {"StudyInstanceUID": study, "SeriesInstanceUID": one}) for one in series]
    for classes, proposals in (*_standard_classes(compressed=False), *_standard_classes(compressed=True)):
        with call([_GET, *proposals], _roles(classes)) as association:
            for level, keys in requests or [("STUDY", {"StudyInstanceUID": study})]:
                try:
                    counts, sent = fetch_by_get(association, level, keys, receive=_once(receive, fetched.received))
                except FailureStatusError as error:
                    failure = error
                    continue
                fetched.received.update(sent.received)
                fetched.failed.update(dict.fromkeys(counts.failed_uids, _NOT_SENT) | sent.refused)
    if failure is not None and not fetched.received:
        raise failure
    fetched.failed = {uid: why for uid, why in fetched.failed.items() if uid not in fetched.received}
    return fetched


def requests_of(
    listed: Sequence[RemoteInstance], wanted: Sequence[RemoteInstance]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Levels and keys of requests: for whole series, and for lists of instances where only some of a series are wanted.

    Parameters
    ----------
    listed
        All that the node has.
    """
    sizes = Counter((one.study, one.series) for one in listed)
    of_series: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in wanted:
        of_series[one.study, one.series].append(one.sop_instance)
    for (study, series), uids in of_series.items():
        if len(uids) == sizes[study, series]:
            yield "SERIES", {"StudyInstanceUID": study, "SeriesInstanceUID": series}
            continue
        for start in range(0, len(uids), UIDS_OF_REQUEST):
            yield "IMAGE", _keys(study, series, uids[start : start + UIDS_OF_REQUEST])


_GET = Proposal(STUDY_ROOT_GET, PLAIN_SYNTAXES)
_NOT_SENT = "the node could not send it"
_FREQUENT = (
    *(f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2", "4", "1", "1.1", "6.1", "7")),
    *(f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("2.1", "4.1", "1.2", "3.1", "128")),
    SEGMENTATION,
)


def _once(receive: Receive, received: Collection[str]) -> Receive:
    def open_file(sent: SentInstance) -> SentFile | None:
        return None if sent.sop_instance in received else receive(sent)

    return open_file


def _syntaxes_of(sop_class: str, *, compressed: bool = False) -> tuple[str, ...]:
    """The transfer syntaxes of a class; with ``compressed`` these come first."""
    found = STORED_SYNTAXES + (VIDEO_SYNTAXES if sop_class in _VIDEO_CLASSES else ())
    plain = len(PLAIN_SYNTAXES)
    return found[plain:] + found[:plain] if compressed else found


def _roles(classes: Collection[str]) -> dict[str, Roles]:
    return dict.fromkeys(classes, Roles(scu=False, scp=True))


class _Batch(NamedTuple):
    """What is fetched over one association."""

    classes: Sequence[str]
    proposals: Sequence[Proposal]
    instances: Sequence[RemoteInstance]


class _Run:
    """One fetch: what is wanted, and what has come of it."""

    def __init__(
        self,
        call: Call,
        listed: Sequence[RemoteInstance],
        wanted: frozenset[str],
        receive: Receive,
        on_counts: OnCounts,
    ) -> None:
        self._call, self._listed, self._wanted = call, listed, wanted
        self._receive, self._on_counts = receive, on_counts
        self.fetched = Fetched()
        self.reason = ""

    def lacking(self) -> list[RemoteInstance]:
        """What is wanted and neither came nor failed."""
        over = self.fetched.received | self.fetched.failed.keys()
        return [one for one in self._listed if one.sop_instance in self._wanted and one.sop_instance not in over]

    def fetch_lists(self) -> None:
        """Ask for whole series, or for lists of instances where some of a series are here.

        Some nodes send only in the first context of a class that they accepted, whatever they have: what does not come
        is asked for once more, with the contexts of compressed transfer syntaxes first.
        """
        for batch in (
            *_by_association(self._left(), compressed=False),
            *_by_association(self._left(), compressed=True),
        ):
            left = self._left(batch.instances)
            if not left:
                continue
            try:
                with self._association(batch) as association:
                    for level, keys in requests_of(self._listed, left):
                        self._get(association, level, keys)
            except NoContextError as error:
                if not self.fetched.received:
                    raise
                self.reason = str(error)

    def fetch_singly(self) -> None:
        """Ask for what did not come by itself: a node may not match lists, or stop at the first failure."""
        misses = 0
        for batch in _by_association(self.lacking(), compressed=False):
            try:
                with self._association(batch) as association:
                    for one in batch.instances:
                        if one.sop_instance in self.fetched.received:
                            continue
                        if misses >= SINGLE_REQUESTS:
                            return
                        self._get(association, "IMAGE", _keys(one.study, one.series, [one.sop_instance]))
                        misses = 0 if one.sop_instance in self.fetched.received else misses + 1
            except (NoContextError, *_BROKEN) as error:
                self.reason = str(error)
                return

    def _left(self, instances: Sequence[RemoteInstance] | None = None) -> list[RemoteInstance]:
        """What is wanted and did not come, whether or not it failed once."""
        received, wanted = self.fetched.received, self._wanted
        among = self._listed if instances is None else instances
        return [one for one in among if one.sop_instance in wanted and one.sop_instance not in received]

    def _association(self, batch: _Batch) -> Association:
        return self._call([_GET, *batch.proposals], _roles(batch.classes))

    def _get(self, association: Association, level: str, keys: Mapping[str, str]) -> None:
        received = self.fetched.received

        def open_file(sent: SentInstance) -> SentFile | None:
            uid = sent.sop_instance
            if uid not in self._wanted or uid in received:
                return None
            file = self._receive(sent)
            return None if file is None else _Noted(file, uid, received)

        try:
            counts, sent = fetch_by_get(association, level, keys, receive=open_file, on_counts=self._on_counts)
        except FailureStatusError as error:
            self.reason = str(error)
            return
        received.update(uid for uid in sent.received if uid in self._wanted)
        failed = self.fetched.failed | dict.fromkeys(counts.failed_uids, _NOT_SENT) | sent.refused
        self.fetched.failed = {uid: why for uid, why in failed.items() if uid in self._wanted and uid not in received}


class _Noted:
    """A file whose instance is noted when it is whole: the association may break after it."""

    def __init__(self, file: SentFile, uid: str, received: set[str]) -> None:
        self._file, self._uid, self._received = file, uid, received
        self.write, self.drop = file.write, file.drop

    def complete(self) -> None:
        self._file.complete()
        self._received.add(self._uid)


def _keys(study: str, series: str, uids: Sequence[str]) -> dict[str, str]:
    return {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": "\\".join(uids)}


def _by_association(instances: Sequence[RemoteInstance], *, compressed: bool) -> Iterator[_Batch]:
    """The instances whose classes fit into the contexts of one association, the most frequent classes first.

    Parameters
    ----------
    compressed
        Propose the compressed transfer syntaxes first.
    """
    counts = Counter(one.sop_class for one in instances if one.sop_class)
    groups: list[list[str]] = []
    room = 0
    for uid, _ in counts.most_common():
        needed = len(_syntaxes_of(uid))
        if needed > room:
            groups.append([])
            room = MOST_CONTEXTS - 1
        groups[-1].append(uid)
        room -= needed
    for classes in groups:
        proposals = [Proposal(uid, (syntax,)) for uid in classes for syntax in _syntaxes_of(uid, compressed=compressed)]
        yield _Batch(classes, proposals, [one for one in instances if one.sop_class in classes])
    unknown = [one for one in instances if not one.sop_class]
    if unknown:
        for classes, proposals in _standard_classes(compressed=compressed):
            yield _Batch(classes, proposals, unknown)


def _standard_classes(*, compressed: bool) -> Iterator[tuple[list[str], list[Proposal]]]:
    """The storage classes of the standard, for associations that have room for them.

    Uncompressed syntaxes of a class are in one context. With ``compressed`` all are: in a context each for the most
    frequent classes, and in one context for the others.
    """
    known = [str(one.abstract_syntax) for one in AllStoragePresentationContexts]
    if compressed:
        several = (MOST_CONTEXTS - 1) // len(STORED_SYNTAXES)
        for start in range(0, len(_FREQUENT), several):
            classes = list(_FREQUENT[start : start + several])
            yield (
                classes,
                [Proposal(uid, (syntax,)) for uid in classes for syntax in _syntaxes_of(uid, compressed=True)],
            )
        known = [uid for uid in known if uid not in _FREQUENT]
    for start in range(0, len(known), MOST_CONTEXTS - 1):
        classes = known[start : start + MOST_CONTEXTS - 1]
        syntaxes = {uid: _syntaxes_of(uid, compressed=True) if compressed else PLAIN_SYNTAXES for uid in classes}
        yield classes, [Proposal(uid, syntaxes[uid]) for uid in classes]
