"""``voxelry worker``: does queued jobs until it is told to stop."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from voxelry.server import start

logger = logging.getLogger(__name__)

TIDY_SECONDS = 3600.0


def work(*, data: Path | None = None, config: Path | None = None, concurrency: int | None = None) -> None:
    """Do jobs until SIGTERM or Ctrl-C; what is under way then goes back to the queue.

    Parameters
    ----------
    concurrency
        Jobs at a time; by default ``jobs.concurrency`` of the configuration.
    """
    configuration = start.prepare(data=data, config=config)
    start.set_up()

    from voxelry.server.archive import files
    from voxelry.server.jobs import sweep
    from voxelry.server.jobs.run import stopping
    from voxelry.server.jobs.tasks import app, make_broker_folders

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()  # jobs notice at their next step and go back to the queue
        celery_state.should_stop = 0  # type: ignore[assignment]  # the stubs know only its first value

    _wait_for_tables()
    make_broker_folders()
    _tidy_up(files.remove_forgotten, stopping)
    sweep.take_back_own()
    sweep.start()

    from celery.exceptions import SecurityWarning
    from celery.signals import worker_ready
    from celery.worker import state as celery_state

    # Celery warns of root because of pickled messages; here a message is a number in JSON.
    warnings.filterwarnings("ignore", category=SecurityWarning)

    def ready(**_: object) -> None:
        # Instead of the handlers that Celery has set by now: they talk, and know nothing of our jobs.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)

    worker_ready.connect(ready, weak=False)
    worker = app.Worker(
        pool="threads",
        concurrency=concurrency or configuration.concurrency,
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        task_events=False,
        optimization="fair",
    )
    worker.start()
    stopping.set()
    sys.stdout.flush()


def _tidy_up(tidy: Callable[[], None], stopping: threading.Event) -> None:
    """Now and every hour: the web process may have been killed beside a worker that lives for months."""

    def keep_tidy() -> None:
        tidy()
        while not stopping.wait(TIDY_SECONDS):
            tidy()

    threading.Thread(target=keep_tidy, name="tidy", daemon=True).start()


def _wait_for_tables() -> None:
    """A worker may start before the server has made, or changed, the database."""
    from django.db import DatabaseError, connection
    from django.db.migrations.executor import MigrationExecutor

    told = False
    while True:
        try:
            executor = MigrationExecutor(connection)
            if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return
        except DatabaseError:
            pass
        finally:
            connection.close()
        if not told:
            logger.warning("the database is not there or not up to date; waiting for `migrate` or `voxelry serve`")
            told = True
        time.sleep(0.5)


def stay_with_parent() -> None:
    """End when the parent does: its end of our standard input closes then, however it died."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        # If something hangs: nobody is left to wait for us.
        threading.Event().wait(10)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m voxelry.server.work", description=__doc__)
    parser.add_argument("--tethered", action="store_true", help="end with the process that holds standard input open")
    if parser.parse_args().tethered:
        stay_with_parent()
    work()


if __name__ == "__main__":
    _main()
