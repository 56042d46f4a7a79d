"""The Django application of nodes."""

from django.apps import AppConfig


class NodesConfig(AppConfig):
    """Nodes, forwarding rules, and what is sent by them."""

    name = "voxelry.server.nodes"
    label = "nodes"
    verbose_name = "DICOM network"
