"""C-MOVE as its provider: instances to another configured node, which the one that asks names (PS3.4 C.4.2)."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing

from voxelry.core.errors import Problem
from voxelry.network.association import Association, Message
from voxelry.network.contexts import Proposal
from voxelry.network.failures import NetworkError, NoContextError, TimedOutError
from voxelry.network.statuses import UNKNOWN_DESTINATION
from voxelry.network.storing import StoredObject, StoreResult, by_association, no_context, store_over
from voxelry.network.tls import TlsError
from voxelry.server.dimse.session import Session
from voxelry.server.dimse.sub_operations import Retrieval, requested_objects
from voxelry.server.nodes.calling import associate_with
from voxelry.server.nodes.models import Node
from voxelry.server.nodes.node_queries import destination_of

logger = logging.getLogger(__name__)


def answer_move(session: Session, request: Message) -> None:
    """Answer a C-MOVE-RQ. The destination is a node of the same project with an address, found by its AE title.

    Raises
    ------
    NetworkError
        If the association with the node that asks ends; what was stored stays where it is.
    """
    found = requested_objects(session, request)
    if found is None:
        return
    node, objects = found
    destination = destination_of(node, request.command.move_destination)
    if destination is None:
        session.answer(request, UNKNOWN_DESTINATION, comment="no node of this project listens under this AE title")
        return
    operations = Retrieval(session, request, objects)
    results = _results(session, request, destination, objects, stop=lambda: operations.is_cancelled)
    with closing(results):
        for result in results:
            operations.note(result)
    operations.finish()


def _results(
    session: Session,
    request: Message,
    destination: Node,
    objects: Sequence[StoredObject],
    *,
    stop: Callable[[], bool],
) -> Generator[StoreResult, None, None]:
    """Store instances at the destination; a result for each, unless it is told to stop.

    An association that ends early is made once more for what is left, if it had stored something.
    """
    reached: Problem | None = None
    for proposals, some in by_association(objects):
        waiting = deque(some)
        while waiting:
            association, problem = (None, reached) if reached or not proposals else _associated(destination, proposals)
            if association is None:
                yield from (StoreResult(one, None, problem or no_context(one)) for one in waiting)
                reached = problem
                break
            with association:
                stored = 0
                while waiting and association.is_open:
                    if stop():
                        return
                    one = waiting.popleft()
                    try:
                        result = store_over(
                            association,
                            one,
                            move_originator=session.association.calling,
                            move_originator_id=request.command.message_id,
                        )
                    except NetworkError as error:
                        logger.warning("a C-MOVE to the node %s was broken off (%s)", destination.pk, error.code)
                        if not stored or isinstance(error, TimedOutError):
                            reached = error.problem
                        result = StoreResult(one, None, error.problem)
                    stored += 1
                    yield result


def _associated(destination: Node, proposals: Sequence[Proposal]) -> tuple[Association | None, Problem | None]:
    """An association with the destination, or the problem; neither if it takes none of the contexts."""
    try:
        return associate_with(destination, proposals), None
    except NoContextError:
        return None, None
    except (NetworkError, TlsError) as error:
        logger.warning("a C-MOVE to the node %s failed: %s", destination.pk, error)
        return None, error.problem
