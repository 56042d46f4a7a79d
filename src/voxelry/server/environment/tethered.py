"""What programs beside the server share: they end with their parent, and wait for a database that is up to date."""

from __future__ import annotations

import logging
import os
import signal
import threading

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
INSIST_SECONDS = 10.0


def stay_with_parent() -> None:
    """End with the parent process, whose death closes standard input."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        # If something hangs: no process waits for this one.
        threading.Event().wait(INSIST_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def wait_for_tables(stopping: threading.Event) -> None:
    """Wait until the database is up to date: a program may start before the server has migrated it."""
    from django.db import DatabaseError, connection
    from django.db.migrations.executor import MigrationExecutor

    warned = False
    while not stopping.is_set():
        try:
            executor = MigrationExecutor(connection)
            if not executor.migration_plan(executor.loader.graph.leaf_nodes()):
                return
        except DatabaseError:
            pass
        finally:
            connection.close()
        if not warned:
            logger.warning("the database is not there or not up to date; waiting for `migrate` or `voxelry serve`")
            warned = True
        stopping.wait(LOOK_SECONDS)
