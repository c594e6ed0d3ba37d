"""The calls that a reply asks for, as the run makes them."""

import uuid
from collections.abc import Callable
from dataclasses import replace

from runs.agent.call_ids import call_id
from runs.agent.json_data.json_types import JsonObject
from runs.agent.messages import History, ModelReply, ToolInvocation, ToolRequest


def calls_of(
    reply: ModelReply, *, run_id: uuid.UUID, turn: int, meant: Callable[[ToolRequest], JsonObject]
) -> list[ToolInvocation]:
    """The calls of the reply of a turn. `meant` gives the arguments that a request means."""
    return [
        ToolInvocation(call_id(run_id, turn, index), request.tool_name, meant(request), turn, index)
        for index, request in enumerate(reply.calls)
    ]


def decided_calls(calls: list[ToolInvocation], history: History) -> list[ToolInvocation]:
    """The calls of the open reply as a person has decided about them: approved, with other arguments."""
    changed, approved = history.open_arguments, history.open_approved
    calls = [replace(call, is_approved=call.index in approved) for call in calls]
    return [
        replace(call, arguments=changed[call.index], proposed_arguments=call.arguments)
        if call.index in changed
        else call
        for call in calls
    ]
