"""The unread data of a connection, as the server knows it."""

from typing import Protocol

from runs.asgi_types import Scope


class WriteBuffer(Protocol):
    """The bytes of one connection that were written but not yet taken by the network."""

    @property
    def has_room(self) -> bool:
        """True while more may be written, and after the end of the connection."""

    async def wait_for_room(self) -> None:
        """Wait until there is room."""


class NoWriteBuffer:
    """The buffer of a server that does not report one: always has room."""

    has_room = True

    async def wait_for_room(self) -> None:
        """Return at once."""


def write_buffer_of(scope: Scope) -> WriteBuffer:
    """The buffer of the connection with this scope."""
    buffer: WriteBuffer | None = scope.get("write_buffer")
    return buffer if buffer is not None else NoWriteBuffer()
