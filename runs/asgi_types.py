"""Types of an ASGI application, as Django, Channels and Daphne call it."""

from collections.abc import Callable
from typing import Any, TypeAlias

Scope: TypeAlias = dict[str, Any]
"""What a connection is: its type, path, headers, and what middleware has added, such as `user` and `session`."""
Message: TypeAlias = dict[str, Any]
"""An event of a connection, or of a channel: its `type` names what it is."""
Receive: TypeAlias = Callable[[], Any]
Send: TypeAlias = Callable[[Any], Any]
