"""The threads that requests are answered in, whose database connections last from one request to the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections

P = ParamSpec("P")
T = TypeVar("T")


class RequestThreads:
    """A number of threads at most. Those that are idle are used before another one is started."""

    def __init__(self, most: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(most, thread_name_prefix=name)

    async def run(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Call a function in one of the threads, with a connection to the database that was not broken before."""
        return await asyncio.get_running_loop().run_in_executor(
            self._pool, lambda: _with_connection(work, *arguments, **named)
        )


def keep_connections() -> None:
    """Let the connections of this process last until they break: its threads last too."""
    told = connections.settings[DEFAULT_DB_ALIAS]
    told["CONN_MAX_AGE"], told["CONN_HEALTH_CHECKS"] = None, True


def _with_connection(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    close_old_connections()
    return work(*arguments, **named)
