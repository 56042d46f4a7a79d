"""The Django application of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import AppConfig

from voxelry.core.extras import needed_for

if TYPE_CHECKING:
    from pydantic import JsonValue

    from voxelry.server.jobs.job_run import Run


class NodesConfig(AppConfig):
    """Registers the kinds of jobs that speak to nodes."""

    name = "voxelry.server.nodes"
    label = "nodes"
    verbose_name = "DICOM network"

    def ready(self) -> None:
        from voxelry.server.archive.intake.arrivals import follow_arrivals
        from voxelry.server.jobs import job_kinds
        from voxelry.server.nodes import commitment_request, delivery_request, fetch_request, forwarding

        follow_arrivals(forwarding.forward)
        job_kinds.register(delivery_request.KIND, _deliver, publish=_conclude, once=True, priority=5)
        job_kinds.register(commitment_request.COMMITMENT_KIND, _report, once=True, priority=10)
        job_kinds.register(fetch_request.FETCH_KIND, _fetch, queue="ingest")


def _fetch(run: Run) -> None:
    """The work of fetch jobs. The library of the DICOM network is imported for it only: it is an extra."""
    with needed_for("fetching from a node"):
        from voxelry.server.nodes.fetch_job import fetch_from
    fetch_from(run)


def _report(run: Run) -> None:
    """The work of jobs that report storage commitments."""
    with needed_for("speaking to a node"):
        from voxelry.server.nodes.commitment_job import report_commitment
    report_commitment(run)


def _deliver(run: Run) -> object:
    """The work of jobs that send what waits for a node."""
    with needed_for("sending to a node"):
        from voxelry.server.nodes.delivery_job import deliver
    return deliver(run)


def _conclude(run: Run, result: JsonValue) -> None:
    """Writes what is to be done after such a job."""
    from voxelry.server.nodes.delivery_job import conclude

    conclude(run, result)
