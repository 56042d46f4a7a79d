"""C-GET as its provider: instances over the association of who asks (PS3.4 C.4.3)."""

from __future__ import annotations

from voxelry.network.association import Message
from voxelry.network.failures import ConnectionFailedError
from voxelry.network.storing import store_over
from voxelry.server.dimse.session import Session
from voxelry.server.dimse.sub_operations import Retrieval, requested_objects


def answer_get(session: Session, request: Message) -> None:
    """Answer a C-GET-RQ.

    Instances go in contexts that the node proposed as their provider: in their own transfer syntax, or uncompressed.
    One that fits none of them is a failed sub-operation.

    Raises
    ------
    NetworkError
        If the association ends.
    """
    found = requested_objects(session, request)
    if found is None:
        return
    _, objects = found
    operations = Retrieval(session, request, objects)
    for one in objects:
        if operations.is_cancelled:
            break
        result = store_over(session.association, one)
        if not session.association.is_open:
            raise ConnectionFailedError("a file broke off while it was sent, and the association with it")
        operations.note(result)
    operations.finish()
