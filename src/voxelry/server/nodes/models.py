"""Nodes of the DICOM network, and what is to be sent to them.

A node belongs to one project: what it stores comes there, and what it finds and retrieves is there.
"""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from voxelry.network.peer_address import MOST_PORT, PeerAddress
from voxelry.server.access.models import Project
from voxelry.server.archive.models import Instance


class Retrieving(models.TextChoices):
    """How instances are fetched from a node."""

    GET = "get", "C-GET"
    MOVE = "move", "C-MOVE to this site's listener"


class Node(models.Model):
    """An application entity that this site speaks to.

    Who calls is this node if it has its AE title and calls from one of its addresses, or if it shows its certificate.
    It may do nothing unless a right is given.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=60, help_text="By which people call it.")
    ae_title = models.CharField(max_length=16, verbose_name="AE title")
    host = models.CharField(max_length=255, blank=True, help_text="Where it listens. Empty: it only calls.")
    port = models.PositiveIntegerField(
        null=True, blank=True, validators=[MaxValueValidator(MOST_PORT)], help_text="Where it listens."
    )
    tls = models.BooleanField(default=False, verbose_name="TLS", help_text="Whether it listens with TLS.")
    calls_from = models.CharField(
        max_length=500,
        blank=True,
        help_text="Addresses or networks that it calls from, with commas. Empty: the addresses of its host.",
    )
    certificate = models.CharField(
        max_length=64,
        blank=True,
        help_text="SHA-256 of the certificate that it shows when it calls, in hexadecimal digits. If it is given, "
        "only who shows this certificate is this node, from any address.",
    )
    may_store = models.BooleanField(default=False, help_text="May store into the project.")
    may_find = models.BooleanField(default=False, help_text="May search the project.")
    may_retrieve = models.BooleanField(default=False, help_text="May retrieve from the project.")
    retrieves_by = models.CharField(
        max_length=4, choices=Retrieving, default=Retrieving.GET, help_text="How this site fetches from it."
    )
    is_enabled = models.BooleanField(default=True, help_text="Whether this site speaks to it at all.")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Lower("name"), name="node_name_once"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(ae_title=""), name="node_has_names"),
            models.CheckConstraint(
                condition=Q(host="", port=None) | (~Q(host="") & Q(port__gt=0)), name="node_address_is_whole"
            ),
            models.CheckConstraint(condition=Q(retrieves_by__in=Retrieving.values), name="node_retrieving_known"),
        ]
        indexes = [models.Index(fields=["ae_title"], name="node_by_title")]

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> PeerAddress | None:
        """Where it listens; None if it only calls."""
        return PeerAddress(self.ae_title, self.host, self.port, self.tls) if self.host and self.port else None


class ForwardingRule(models.Model):
    """What arrives in a node's project and is like this is sent to the node."""

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="rules")
    name = models.CharField(max_length=60)
    modalities = models.CharField(max_length=200, blank=True, help_text="Such as CT, MR. Empty: all.")
    description = models.CharField(
        max_length=200,
        blank=True,
        help_text="What the study's or series' description is like; * and ? may stand in it.",
    )
    from_node = models.ForeignKey(
        Node,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Only what this node brought. Empty: whoever brought it.",
    )
    is_enabled = models.BooleanField(default=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["node", "name"], name="forwarding_rule_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="forwarding_rule_has_name"),
            models.CheckConstraint(
                condition=Q(from_node=None) | ~Q(from_node=F("node")), name="forwarding_rule_not_back"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} to {self.node}"


class Delivery(models.Model):
    """An instance that a rule, or a user, sends to a node. It stays until it is there, or says why it is not."""

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting"
        SENT = "sent"
        FAILED = "failed"

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    rule = models.ForeignKey(ForwardingRule, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    problem_code = models.CharField(max_length=50, blank=True)
    problem_message = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "deliveries"
        indexes = [models.Index(fields=["node", "state", "id"], name="delivery_by_node_and_state")]
        constraints = [
            models.UniqueConstraint(fields=["node", "instance"], name="delivery_once_per_node"),
            models.CheckConstraint(condition=Q(state__in=["waiting", "sent", "failed"]), name="delivery_state_known"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class Commitment(models.Model):
    """A storage commitment that a node asked for (PS3.4 Annex J), until its report is delivered.

    ``references`` are pairs of SOP Class UID and SOP Instance UID.
    """

    class State(models.TextChoices):
        """How far it is."""

        WAITING = "waiting"
        REPORTED = "reported"
        FAILED = "failed"

    node = models.ForeignKey(Node, on_delete=models.CASCADE, related_name="+")
    transaction_uid = models.CharField(max_length=64)
    references = models.JSONField()
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    problem_code = models.CharField(max_length=50, blank=True)
    problem_message = models.TextField(blank=True)
    created = models.DateTimeField(auto_now_add=True)
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "reported", "failed"]), name="commitment_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"storage commitment {self.pk}"
