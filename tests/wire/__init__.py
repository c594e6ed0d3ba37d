"""A local server that speaks the wire formats of OpenAI, Anthropic and Google, with scripted failures.

It refuses what the providers refuse today (`rules`), in their words, and records it in `WireServer.refusals`.

    with WireServer() as server:
        server.script(Status(503), Answer("Hello."))
        ...  # talk to server.base_url (Google's format: server.url), model "m1"
        assert server.requests[0].body["messages"][-1]["content"] == "Hi"

By hand: `python -m tests.wire --help`.
"""

from tests.wire.http import Request
from tests.wire.outcomes import Answer, Cut, Drop, Endless, Hang, Outcome, Raw, Reset, Status, StreamError
from tests.wire.server import WireServer

__all__ = [
    "Answer",
    "Cut",
    "Drop",
    "Endless",
    "Hang",
    "Outcome",
    "Raw",
    "Request",
    "Reset",
    "Status",
    "StreamError",
    "WireServer",
]
