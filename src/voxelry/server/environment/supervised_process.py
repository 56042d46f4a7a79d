"""A child process of the site: restarted when it dies, and ended with its parent."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

logger = logging.getLogger(__name__)

STOP_SECONDS = 10.0
PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 10.0
HEALTHY_SECONDS = 30.0


class SupervisedProcess:
    """Runs a program of the site, and restarts it when it ends.

    Parameters
    ----------
    name
        As log lines call it.
    module
        Run with ``--tethered``: it ends when its standard input does, so that it does not outlive its parent.
    door
        A socket that listens. It is told of it by ``--door`` and its descriptor, and who connects while it is started
        again waits.
    """

    def __init__(self, name: str, module: str, *, door: socket.socket | None = None) -> None:
        self._name, self._module, self._door = name, module, door
        self._child: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="supervisor", daemon=True)

    def start(self) -> None:
        """Start it, and restart it whenever it ends by itself."""
        self._child = _spawn(self._module, self._door)
        self._thread.start()

    def stop(self) -> None:
        """Stop it; kill it after `STOP_SECONDS`."""
        self._ended.set()
        child = self._child
        if child is None:
            return
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        self._thread.join(STOP_SECONDS)
        if child.stdin is not None:
            child.stdin.close()

    def _keep(self) -> None:
        pause = PAUSE_SECONDS
        while self._child is not None:
            began = time.monotonic()
            status = self._child.wait()
            if self._ended.is_set():
                return
            if self._child.stdin is not None:
                self._child.stdin.close()
            pause = (
                PAUSE_SECONDS if time.monotonic() - began > HEALTHY_SECONDS else min(pause * 2, LONGEST_PAUSE_SECONDS)
            )
            logger.warning("the %s ended (status %s) and is started again", self._name, status)
            if self._ended.wait(pause):
                return
            self._child = _spawn(self._module, self._door)
            if self._ended.is_set():  # `stop` was called meanwhile
                self._child.terminate()


def _spawn(module: str, door: socket.socket | None) -> subprocess.Popen[bytes]:
    source = str(Path(__file__).parents[3])
    paths = [source, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
    # In its own session: Ctrl-C in the terminal reaches only the parent, which stops the child.
    told = [] if door is None else ["--door", str(door.fileno())]
    return subprocess.Popen(
        [sys.executable, "-m", module, "--tethered", *told],
        stdin=subprocess.PIPE,
        env=environment,
        start_new_session=True,
        pass_fds=() if door is None else (door.fileno(),),
    )
