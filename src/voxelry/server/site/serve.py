"""``voxelry serve``: runs the site and a worker in one command."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import threading
import time
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import ClassVar

from voxelry.core.errors import VoxelryError
from voxelry.server.environment import django_setup
from voxelry.server.environment.configuration import Configuration
from voxelry.server.environment.freed_memory import return_freed_memory
from voxelry.server.environment.open_files import raise_file_limit
from voxelry.server.environment.supervised_process import SupervisedProcess

GRACE_SECONDS = 5
"""Time for requests under way to end after the server was told to end."""
TICKS_OF_MEMORY = 50
"""Freed memory is returned to the system after so many ticks of uvicorn, which takes one each 0.1 seconds."""
INSIST_SECONDS = 2.0
"""Further time for their work to notice that it is over."""


class ServeError(VoxelryError):
    """The server cannot start."""

    code: ClassVar[str] = "serve"


def serve(
    *,
    host: str | None = None,
    port: int | None = None,
    data: Path | None = None,
    config: Path | None = None,
    open_browser: bool = False,
    worker: bool = True,
    dimse_port: int | None = None,
) -> None:
    """Migrate, make the first user, start the worker, and answer until Ctrl-C or SIGTERM.

    Parameters
    ----------
    worker
        False if workers are started separately, by `voxelry worker`.
    dimse_port
        The port for the DICOM network; ``dimse.port`` of the configuration without it.

    Raises
    ------
    ConfigurationError, TlsError
        If a setting cannot be used.
    ServeError, ListenError
        If a port is taken.
    """
    if host is not None:
        os.environ["VOXELRY_HOST"] = host
    if port is not None:
        os.environ["VOXELRY_PORT"] = str(port)
    if dimse_port is not None:
        os.environ["VOXELRY_DIMSE_PORT"] = str(dimse_port)
    configuration = django_setup.prepare(data=data, config=config)
    raise_file_limit()
    listener = _listen(configuration.host, configuration.port)
    door = _open_dimse(configuration)
    django_setup.set_up()

    import uvicorn

    from voxelry.dicom.pixels import decoding
    from voxelry.server.site import first_start

    first_start.migrate()
    way_in = first_start.welcome()
    address = f"http://{_shown(configuration.host)}:{listener.getsockname()[1]}"
    beside = [SupervisedProcess("worker", "voxelry.server.site.worker")] if worker else []
    if door is not None:
        beside.append(SupervisedProcess("listener", "voxelry.server.dimse.listener", door=door))
    # uvicorn raises the signal that stopped it again, which by default would end this process before its children.
    signal.signal(signal.SIGTERM, _end)
    for process in beside:
        process.start()
    try:
        print(f"\nVoxelry: {address}", flush=True)
        if door is not None:
            title, where = configuration.dimse_title, _shown(configuration.dimse_host)
            print(f"DICOM network: {title}@{where}:{door.getsockname()[1]}", flush=True)
        print(f"Data folder: {configuration.data}", flush=True)
        link = address
        if way_in is not None:
            link = f"{address}/login/link/{way_in.link}/"
            password = way_in.password or "(the one that you set)"
            print(f"\nShown once -- user: {way_in.name}  password: {password}", flush=True)
            print(f"Log in with one click (works once, for 30 minutes): {link}", flush=True)
        print("\nCtrl-C stops it.\n", flush=True)
        if open_browser:
            webbrowser.open(link)
        from voxelry.server.api.events import closing
        from voxelry.server.site.connections import Limits, guarded

        class Server(uvicorn.Server):
            """Ends streams of events at shutdown, instead of waiting for them; returns freed memory after requests."""

            _answered = 0

            async def on_tick(self, counter: int) -> bool:
                if counter % TICKS_OF_MEMORY == 0 and self.server_state.total_requests != self._answered:
                    self._answered = self.server_state.total_requests
                    asyncio.get_running_loop().run_in_executor(None, return_freed_memory)
                return await super().on_tick(counter)

            def handle_exit(self, sig: int, frame: FrameType | None) -> None:
                if not closing.is_set():
                    threading.Thread(target=_end_by_force, args=(beside,), daemon=True).start()
                closing.set()
                super().handle_exit(sig, frame)

        protocol = guarded(
            Limits(
                per_address=configuration.connections,
                header_seconds=configuration.header_seconds,
                body_bytes_per_second=configuration.body_bytes_per_second,
            )
        )
        # No access log: queries may hold search terms.
        server = Server(
            uvicorn.Config(
                "voxelry.server.site.asgi:application",
                access_log=False,
                log_level="warning",
                lifespan="off",
                timeout_graceful_shutdown=GRACE_SECONDS,
                proxy_headers=False,
                server_header=False,
                http=protocol,
                ws="none",
            )
        )
        _limit_log_lines()
        server.run(sockets=[listener])
    except (KeyboardInterrupt, SystemExit):
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the shutdown has begun
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        decoding.close_decoders()
        _stop(beside)
        listener.close()
        if door is not None:
            door.close()
        django_setup.leave_soon()


def _limit_log_lines() -> None:
    """Limit log lines that clients can cause at will."""
    from voxelry.server.environment.rare_log_lines import RateLimitFilter

    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).addFilter(RateLimitFilter())


def _open_dimse(configuration: Configuration) -> socket.socket | None:
    """The socket that listens to the DICOM network; None if no port is configured."""
    if not configuration.dimse_port:
        return None
    from voxelry.server.dimse.listener import open_door, tls_of

    tls_of(configuration)  # said now, and not by the child
    return open_door(configuration.dimse_host, configuration.dimse_port)


def _stop(beside: Sequence[SupervisedProcess]) -> None:
    """Stop the children, all at the same time."""
    stops = [threading.Thread(target=process.stop) for process in beside]
    for thread in stops:
        thread.start()
    for thread in stops:
        thread.join()


def _end_by_force(beside: Sequence[SupervisedProcess]) -> None:
    """End the decoders while requests can still be answered, then end this process."""
    from voxelry.dicom.pixels import decoding

    time.sleep(GRACE_SECONDS - 1)
    decoding.close_decoders()
    time.sleep(1 + INSIST_SECONDS)
    _stop(beside)
    os._exit(0)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, because asyncio sets TCP_NODELAY only then, without which answers wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ServeError(
            f"cannot listen on {host}:{port} ({error.strerror}); choose another port with --port, "
            "or stop what uses this one"
        ) from error
    listener.set_inheritable(False)
    return listener


def _shown(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104 - asked about, not bound
        return "localhost"
    return f"[{host}]" if ":" in host else host
