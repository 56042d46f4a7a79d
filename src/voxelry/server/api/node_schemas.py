"""The records of nodes of the DICOM network in the REST API, and what is asked of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from ninja import Field, Schema
from pydantic import ConfigDict, StringConstraints

from voxelry.server.api.list_schemas import Day, Key, ProjectName
from voxelry.server.api.project_schemas import ONE_LINE
from voxelry.server.api.schemas import ProblemOut

MOST_FOUND = 1_000
"""Rows of one answer of a node."""
MOST_SENT = 1_000
"""Studies or series of one request."""

Retrieval = Literal["get", "move"]
DeliveryState = Literal["waiting", "sent", "failed"]
PORT = Field(ge=1, le=65_535)
Text = Annotated[str, Field(max_length=200)]
KeyText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=64, pattern=r"^[^\x00-\x1f\x7f\\]*$")]
"""A value to match: ``*`` stands for any characters, ``?`` for one."""
NameText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f\\]*$")]
Uid = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]*$")]
RuleName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=ONE_LINE)]
RuleModalities = Annotated[list[Annotated[str, Field(pattern=r"^[A-Z0-9_ ]{1,16}$")]], Field(max_length=20)]
RuleDescription = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f\\]*$")
]


class DeliveryCounts(Schema):
    """How many instances wait to be sent, were sent in the last 30 days, and could not be sent.

    Each is counted up to 10,000; ``more_than`` says that one of them is larger.
    """

    waiting: int
    sent: int
    failed: int
    more_than: bool


class OwnAddressOut(Schema):
    """What nodes are told of this site: its AE title, and where it listens if it does."""

    ae_title: str
    host: str
    port: int | None
    tls: bool
    is_listening: bool


class NodeConnection(Schema):
    """Where a node listens, and how it is recognised when it calls; for administrators."""

    host: str
    port: int | None
    tls: bool
    calls_from: str
    certificate: str = Field(description="SHA-256 of the certificate that it shows, in hexadecimal digits.")


class NodeOut(Schema):
    """A node of a project: who it is, and what it may do and can do.

    ``has_address``: it can be asked, fetched from and sent to. ``connection`` is null for who is no administrator.
    """

    id: int
    name: str
    ae_title: str
    project: ProjectName
    has_address: bool
    may_store: bool
    may_find: bool
    may_retrieve: bool
    retrieves_by: Retrieval
    is_enabled: bool
    deliveries: DeliveryCounts
    connection: NodeConnection | None


class NodeList(Schema):
    """The nodes of the projects to which one may upload, by name, and what they are told of this site."""

    site: OwnAddressOut
    items: list[NodeOut]


class NewNode(Schema):
    """A node to add to a project. Without a right it may do nothing; without a host it only calls.

    ``certificate`` is a SHA-256 or a certificate (PEM), of which the SHA-256 is kept.
    """

    model_config = ConfigDict(extra="forbid")

    project: Key
    name: Text
    ae_title: Text
    host: Annotated[str, Field(max_length=300)] = ""
    port: Annotated[int | None, PORT] = None
    tls: bool = False
    calls_from: Annotated[str, Field(max_length=1_000)] = ""
    certificate: Annotated[str, Field(max_length=20_000)] = ""
    may_store: bool = False
    may_find: bool = False
    may_retrieve: bool = False
    retrieves_by: Retrieval = "get"
    is_enabled: bool = True


class NodeChange(Schema):
    """What to change of a node; what is left out stays. The project stays too: add another node for another one.

    A ``port`` of null, with an empty ``host``, means that it only calls.
    """

    model_config = ConfigDict(extra="forbid")

    name: Text = ""
    ae_title: Text = ""
    host: Annotated[str, Field(max_length=300)] = ""
    port: Annotated[int | None, PORT] = None
    tls: bool = False
    calls_from: Annotated[str, Field(max_length=1_000)] = ""
    certificate: Annotated[str, Field(max_length=20_000)] = ""
    may_store: bool = False
    may_find: bool = False
    may_retrieve: bool = False
    retrieves_by: Retrieval = "get"
    is_enabled: bool = True


class EchoOut(Schema):
    """Whether a node answers, and how fast; ``services`` are what it offers; ``problem`` says why it does not."""

    is_answering: bool
    milliseconds: float | None
    services: list[str]
    problem: ProblemOut | None


class NodeQuery(Schema):
    """What a node is asked for. Empty conditions are no conditions; all others have to be met.

    ``*`` and ``?`` may stand in them. Without them a name is found by its beginning, and a description by any part of
    it. ``patient_id``, ``accession_number`` and dates are of studies; ``study_instance_uid`` is needed for series.
    """

    model_config = ConfigDict(extra="forbid")

    level: Literal["study", "series"] = "study"
    study_instance_uid: Uid | None = None
    patient_name: NameText = ""
    patient_id: KeyText = ""
    accession_number: KeyText = ""
    date_from: Day = ""
    date_to: Day = ""
    modality: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[A-Z0-9_ ]{0,16}$")] = ""
    description: KeyText = ""
    limit: int = Field(200, ge=1, le=MOST_FOUND)


class NodeStudy(Schema):
    """A study that a node has; empty or null is what it did not say.

    ``study`` is the study of its UID in the node's project, which has ``here`` of its instances.
    """

    study_instance_uid: str
    patient_name: str
    patient_id: str
    birth_date: str
    date: str
    time: str
    description: str
    accession_number: str
    modalities: list[str]
    series_count: int | None
    instance_count: int | None
    study: int | None
    here: int


class NodeSeries(Schema):
    """A series that a node has; empty or null is what it did not say. ``series`` and ``here`` as of `NodeStudy`."""

    series_instance_uid: str
    number: int | None
    modality: str
    description: str
    date: str
    instance_count: int | None
    series: int | None
    here: int


class NodeAnswer(Schema):
    """What a node has.

    ``is_cut``: it has more than were asked for. ``ignores_keys``: it said that it did not match by all conditions.
    """

    studies: list[NodeStudy]
    series: list[NodeSeries]
    is_cut: bool
    ignores_keys: bool


class FetchRequest(Schema):
    """Studies to fetch from a node into its project, or series of one study."""

    model_config = ConfigDict(extra="forbid")

    study_instance_uids: Annotated[list[Uid], Field(min_length=1, max_length=MOST_SENT)]
    series_instance_uids: Annotated[list[Uid], Field(max_length=MOST_SENT)] = []


class SendRequest(Schema):
    """Studies and series of a node's project to send to it."""

    model_config = ConfigDict(extra="forbid")

    studies: Annotated[list[Key], Field(max_length=MOST_SENT)] = []
    series: Annotated[list[Key], Field(max_length=MOST_SENT)] = []


class SendOut(Schema):
    """The number of instances that wait to be sent now by this request; what was sent before is sent again."""

    waiting: int


class DeliveryOut(Schema):
    """An instance that is sent to a node; ``rule`` is the name of the rule by which it is, empty if none is."""

    id: int
    state: DeliveryState
    study: int
    series: int
    sop_instance_uid: str
    rule: str
    attempts: int
    problem: ProblemOut | None
    created: datetime
    finished: datetime | None


class DeliveryReason(Schema):
    """Why instances wait or could not be sent: the words, and how many of the latest 10,000."""

    state: DeliveryState
    code: str
    message: str
    count: int


class DeliveryList(Schema):
    """A part of what is sent to a node, the last first; ``next`` is the ``after`` of the page behind it."""

    items: list[DeliveryOut]
    counts: DeliveryCounts
    reasons: list[DeliveryReason]
    next: int | None


class DeliveryChoice(Schema):
    """Which deliveries of a node: those of a study, or all."""

    model_config = ConfigDict(extra="forbid")

    study: Key | None = None


class StudyDeliveries(Schema):
    """What of a study is sent to a node; ``problem`` is the last one of what waits or failed."""

    node: int
    name: str
    counts: DeliveryCounts
    problem: ProblemOut | None


class RuleOut(Schema):
    """A forwarding rule: what arrives in a node's project and is like it is sent to the node.

    ``from_node`` and ``from_name``: only what this node brought; null and empty: whoever brought it.
    """

    id: int
    name: str
    modalities: list[str]
    description: str
    from_node: int | None
    from_name: str
    is_enabled: bool
    created: datetime
    deliveries: DeliveryCounts


class NewRule(Schema):
    """A forwarding rule to add. Empty conditions are met by all.

    ``description`` is what the study's or the series' description is like, in capital or small letters; ``*`` and ``?``
    may stand in it. ``from_node`` is another node of the project.
    """

    model_config = ConfigDict(extra="forbid")

    name: RuleName
    modalities: RuleModalities = []
    description: RuleDescription = ""
    from_node: Key | None = None
    is_enabled: bool = True


class RuleChange(Schema):
    """What to change of a forwarding rule; what is left out stays. While it is disabled, nothing is sent by it."""

    model_config = ConfigDict(extra="forbid")

    name: RuleName = ""
    modalities: RuleModalities = []
    description: RuleDescription = ""
    from_node: Key | None = None
    is_enabled: bool = True
