"""The threads that requests are answered in, whose database connections last from one request to the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar
from weakref import WeakSet

from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections
from django.db.backends.base.base import BaseDatabaseWrapper

P = ParamSpec("P")
T = TypeVar("T")


class RequestThreads:
    """A number of threads at most. Those that are idle are used before another one is started."""

    def __init__(self, most: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(most, thread_name_prefix=name)
        self._used: WeakSet[BaseDatabaseWrapper] = WeakSet()

    async def run(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Call a function in one of the threads, with a connection to the database that was not broken before."""
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, lambda: self._with_connection(work, *arguments, **named)
        )

    def close(self) -> None:
        """End the threads once they are idle, and close their connections."""
        self._pool.shutdown()
        for connection in list(self._used):
            connection.inc_thread_sharing()
            connection.close()

    def _with_connection(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        self._used.add(connections[DEFAULT_DB_ALIAS])
        close_old_connections()
        return work(*arguments, **named)


def keep_connections() -> None:
    """Let the connections of this process last until they break: its threads last too."""
    told = connections.settings[DEFAULT_DB_ALIAS]
    told["CONN_MAX_AGE"], told["CONN_HEALTH_CHECKS"] = None, True
