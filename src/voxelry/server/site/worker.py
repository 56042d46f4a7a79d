"""``voxelry worker``: does queued jobs until it is told to stop."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from voxelry.server.environment import database, django_setup
from voxelry.server.environment.configuration import QUEUES
from voxelry.server.environment.tethered import stay_with_parent, wait_for_tables

if TYPE_CHECKING:
    from voxelry.server.jobs.slots import Slots

logger = logging.getLogger(__name__)

TIDY_SECONDS = 3600.0
WAKE_UP_SECONDS = 1.0
PAUSE_SECONDS = 2.0
STOP_SECONDS = 8.0
"""Time for jobs to notice that the worker ends; less than the supervisor and containers give the process."""


def work(
    *,
    data: Path | None = None,
    config: Path | None = None,
    concurrency: int | None = None,
    queues: Sequence[str] | None = None,
) -> None:
    """Do jobs until SIGTERM or Ctrl-C; running jobs then go back to the queue.

    Parameters
    ----------
    concurrency
        Jobs at a time; by default ``jobs.concurrency`` of the configuration.
    queues
        The queues whose jobs are done; by default ``jobs.queues`` of the configuration.
    """
    configuration = django_setup.prepare(data=data, config=config)
    django_setup.set_up()
    database.relax()
    served = configuration.replace(queues=tuple(queues or configuration.queues)).queues or QUEUES

    from voxelry.dicom.pixels import decoding
    from voxelry.server.access import sessions
    from voxelry.server.archive import cleanup
    from voxelry.server.archive.by_attribute import fill_search
    from voxelry.server.jobs import isolated, sweep
    from voxelry.server.jobs.failures import WorkerStopping
    from voxelry.server.jobs.job_run import stopping
    from voxelry.server.jobs.slots import Slots
    from voxelry.server.jobs.wake_up import WakeUpPipe
    from voxelry.server.nodes.delivery_tidying import tidy_deliveries

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())  # jobs notice at their next step and go back to the queue
    decoding.isolate()
    wait_for_tables(stopping)
    _tidy_up(cleanup.remove_forgotten, stopping)
    _tidy_up(tidy_deliveries, stopping)
    _tidy_up(sessions.remove_expired_sessions, stopping)
    _tidy_up(lambda: fill_search.fill_all(stopping.is_set), stopping)
    sweep.take_back_own()
    sweep.start()
    slots = Slots(concurrency or configuration.concurrency, served)
    slots.start()
    if configuration.broker_url:
        threading.Thread(target=_consume, args=(slots, served, stopping), name="broker", daemon=True).start()
    with WakeUpPipe() as pipe:
        while not stopping.is_set():
            if pipe.wait(WAKE_UP_SECONDS):
                slots.wake()
    decoding.close_decoders(WorkerStopping)
    slots.stop(STOP_SECONDS)
    isolated.tidy(0)
    django_setup.leave_soon()
    sys.stdout.flush()


def _consume(slots: Slots, queues: Sequence[str], stopping: threading.Event) -> None:
    """Receive the broker's messages until the worker stops.

    Runs in a thread, where Celery cannot install signal handlers. It is restarted if it ends.
    """
    from celery.exceptions import SecurityWarning

    from voxelry.server.jobs import tasks

    # Celery warns about root because of pickled messages; these messages are numbers in JSON.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    tasks.set_receiver(slots.offer)
    tasks.app.conf.task_queues = [tasks.celery_queue(queue) for queue in queues]
    while not stopping.is_set():
        try:
            tasks.app.Worker(
                pool="threads",
                concurrency=1,
                loglevel="WARNING",
                quiet=True,
                without_gossip=True,
                without_mingle=True,
                without_heartbeat=True,
                task_events=False,
                optimization="fair",
            ).start()
        except (Exception, SystemExit) as error:
            logger.warning("the broker cannot be heard (%s); jobs are found without it", type(error).__name__)
        stopping.wait(PAUSE_SECONDS)


def _tidy_up(tidy: Callable[[], object], stopping: threading.Event) -> None:
    """Clean up now and every hour, because a web process may have been killed beside a long-lived worker."""

    def keep_tidy() -> None:
        while not stopping.is_set():
            try:
                tidy()
            except Exception as error:  # the disk or the database cannot be reached; tried again next time
                logger.warning("could not tidy up (%s)", type(error).__name__)
            stopping.wait(TIDY_SECONDS)

    threading.Thread(target=keep_tidy, name="tidy", daemon=True).start()


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxelry.server.site.worker", description=__doc__)
    parser.add_argument("--tethered", action="store_true", help="end with the process that holds standard input open")
    if parser.parse_args().tethered:
        stay_with_parent()
    work()


if __name__ == "__main__":
    _main()
