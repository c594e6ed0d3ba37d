"""A local server that speaks the OpenAI chat-completions wire format and fails exactly as it is told.

    with WireServer() as server:
        server.script(Status(503), Answer("Hello."))
        ...  # talk to server.base_url, model "m1"
        assert server.requests[0].body["messages"][-1]["content"] == "Hi"

By hand: `python -m tests.wire --help`.
"""

from tests.wire.http import Request
from tests.wire.outcomes import Answer, Drop, Hang, Outcome, Raw, Reset, Status
from tests.wire.server import WireServer

__all__ = ["Answer", "Drop", "Hang", "Outcome", "Raw", "Request", "Reset", "Status", "WireServer"]
