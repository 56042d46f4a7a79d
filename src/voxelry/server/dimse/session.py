"""An association with a node, as the services see it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from voxelry.network.association import Association, Message, OpenWriter
from voxelry.server.nodes.models import Node
from voxelry.server.nodes.node_queries import enabled_node


class Session:
    """An association that a node asked for, with what is open as long as it lasts.

    Attributes
    ----------
    node_key
        The key of the node, which who calls was found to be.
    at_end
        Closes what the services opened when the association is over, however it ends.
    when_idle
        Called about once a second while no request comes.
    open_writer
        What takes the data sets of instances while they arrive.
    """

    def __init__(self, association: Association, node_key: int) -> None:
        self.association, self.node_key = association, node_key
        self.at_end = ExitStack()
        self.when_idle: list[Callable[[], None]] = []
        self.open_writer: OpenWriter | None = None
        self._answered: int | None = None

    def node(self) -> Node | None:
        """The node as its row is now; None if it was deleted or is disabled. Rights may end during an association."""
        return enabled_node(self.node_key)

    def has_answered(self, request: Message) -> bool:
        """Whether `answer` was called for a request that was the last one."""
        return self._answered == request.command.message_id

    def answer(
        self,
        request: Message,
        status: int,
        *,
        comment: str = "",
        offending: tuple[int, ...] = (),
        data_set: bytes | None = None,
        remaining: int | None = None,
        completed: int | None = None,
        failed: int | None = None,
        warnings: int | None = None,
    ) -> None:
        """Answer a request with a status (PS3.7 Annex C).

        Parameters
        ----------
        comment
            Error Comment: up to 64 characters, which name no patient's value.
        offending
            Tags of the elements that an error is in.
        data_set
            Encoded in the transfer syntax of the request's context.
        """
        command = request.command
        self._answered = command.message_id
        self.association.send(
            command.answered(
                status,
                offending=offending,
                error_comment=comment[:64],
                remaining=remaining,
                completed=completed,
                failed=failed,
                warnings=warnings,
            ),
            request.context,
            data_set,
        )


Service = Callable[[Session, Message], None]
"""Does what a request asks for, and sends all of its answers. What it raises aborts the association."""
