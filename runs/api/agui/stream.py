"""`POST /agui`: a run as a stream of AG-UI events. Leaving the stream never stops the run."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from ninja import Router

from runs.api.agui import events
from runs.api.agui.asked import RunAgentInput
from runs.api.agui.emitter import Emitter
from runs.api.agui.events import HEARTBEAT, Event, encoded
from runs.api.agui.threads import attach
from runs.api.agui.transcript import Transcript
from runs.api.answers import call_as_json
from runs.api.auth import Caller, caller_of, may_read
from runs.live import codes
from runs.live.follow import CaughtUp, Closed, Follower, Item, Pieces, Ping, Standing, Steps
from runs.live.hub import get_hub
from runs.live.sockets import NotAdmitted
from runs.models import Run, ToolCall

router = Router(tags=["AG-UI"])

_EXAMPLE = (
    '{"threadId": "t1", "runId": "r1", "messages": [{"id": "m1", "role": "user", "content": "What is 17 * 23?"}]}'
)
_EVENT = {"description": "Server-sent events. The `data` of each is an AG-UI event in JSON."}
_STREAM = {"200": {"description": "AG-UI events.", "content": {"text/event-stream": {"schema": _EVENT}}}}
_OF_A_PAUSE = ("approval", "decision")
_WHY_CLOSED = {
    codes.NO_SUCH_RUN: ("not_found", "The run was deleted."),
    codes.SIGNED_OUT: ("unauthenticated", "The token or session has ended."),
    codes.TOO_MANY: ("too_many_requests", "You follow too many runs at once."),
    codes.RESTARTING: ("restarting", "The server leaves; the run goes on. Send the same runId again in a moment."),
}


@router.post(
    "/agui",
    auth=may_read,
    operation_id="run_agent",
    openapi_extra={"responses": _STREAM, "x-errors": [403, 409, 413], "x-example": _EXAMPLE},
)
async def run_agent(request: HttpRequest, body: RunAgentInput) -> HttpResponseBase:
    """Run an agent, or look at a run again, as the AG-UI protocol 1.0 says.

    A new `threadId` launches a run of the last message; a further message in the same thread follows it up, once per
    `runId`. Closing the stream never stops the run: send the same `runId` again, and it is told from where it is.
    Launching needs the scope `launch` too.
    """
    caller = caller_of(request)
    attached = await sync_to_async(attach)(caller, body)
    stream = Stream(caller, body, attached.run, is_new=attached.is_new)
    return StreamingHttpResponse(
        stream.messages(),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"},
    )


class Stream:
    """One client's stream of one run."""

    def __init__(self, caller: Caller, asked: RunAgentInput, run: Run, *, is_new: bool) -> None:
        """`is_new`: the client knows nothing of the run yet. Otherwise what was recorded goes out as one snapshot."""
        transcript = Transcript(str(run.pk))
        theirs = [message.as_sent() for message in asked.messages if not transcript.is_ours(message.id)]
        thoughts = [each.id for each in asked.messages if each.role == "reasoning" and transcript.is_ours(each.id)]
        self._asked = asked
        self._emitter = Emitter(transcript, theirs, thoughts)
        self._follower = Follower(caller.user, caller.credential, run.pk)
        self._is_quiet = not is_new
        self._is_over = False

    async def messages(self) -> AsyncIterator[bytes]:
        """The whole stream, encoded."""
        yield encoded(events.run_started(self._asked.threadId, self._asked.runId))
        try:
            async for item in self._follower.items():
                if isinstance(item, Ping):
                    yield HEARTBEAT
                for event in await self._events(item):
                    yield encoded(event)
                if self._is_over:
                    return
        except NotAdmitted as refusal:
            yield self._last(refusal.code)
        except DatabaseError:
            yield self._last(codes.RESTARTING)

    def _last(self, code: int) -> bytes:
        return b"".join(encoded(event) for event in [*self._emitter.end(), _closed(code)])

    async def _events(self, item: Item) -> list[Event]:
        match item:
            case Steps(steps):
                return self._steps(steps)
            case CaughtUp() if self._is_quiet:
                self._is_quiet = False
                return [self._emitter.snapshot()]
            case Pieces(frame):
                return self._emitter.pieces(frame)
            case Standing(run, is_final):
                return await self._standing(run, is_final=is_final)
            case Closed(code):
                self._is_over = True
                return [*self._emitter.end(), _closed(code)]
        return []

    def _steps(self, steps: list[dict[str, Any]]) -> list[Event]:
        if self._is_quiet:
            self._emitter.take_in(steps)
            return []
        return self._emitter.steps(steps)

    async def _standing(self, run: dict[str, Any], *, is_final: bool) -> list[Event]:
        told = [events.state_snapshot(_state(self._asked.state, run))]
        if is_final or run["waiting_for"] in _OF_A_PAUSE:
            outcome = await _outcome(self._asked, run)
            if outcome is not None:
                self._is_over = True
                return [*told, *self._emitter.rest(), *self._emitter.end(), outcome]
        elif run["waiting_for"] == "resume":
            # It may be long before somebody resumes it, and no message stays open until then.
            return [*told, *self._emitter.rest()]
        return told


def _state(theirs: Any, run: dict[str, Any]) -> dict[str, Any]:
    """The application's state with the run in it; the texts are in the messages."""
    about = {name: value for name, value in run.items() if name not in ("task", "answer", "output")}
    return {**(theirs if isinstance(theirs, dict) else {}), "run": about}


async def _outcome(asked: RunAgentInput, run: dict[str, Any]) -> Event | None:
    """How a run ended, or what it waits for; None if somebody has decided meanwhile, so that it goes on."""
    tokens = run["tokens_used"]
    usage = [{"totalTokens": tokens}] if tokens is not None else None
    if run["status"] == "failed":
        error = run["error"] or {}
        return events.run_error(error.get("message", "The run failed."), error.get("code", "failed"), usage=usage)
    if run["status"] == "cancelled":
        return events.run_finished(asked.threadId, asked.runId, {"type": "cancelled"}, usage=usage)
    if run["status"] == "completed":
        result = run["output"] if run["output"] is not None else run["answer"]
        return events.run_finished(asked.threadId, asked.runId, {"type": "success"}, result=result, usage=usage)
    calls = await get_hub().reader.run(_open_calls, UUID(run["id"]))
    if not calls:
        return None
    outcome = {"type": "interrupt", "interrupts": [_interrupt(call) for call in calls]}
    return events.run_finished(asked.threadId, asked.runId, outcome, usage=usage)


def _open_calls(run_id: UUID) -> list[dict[str, Any]]:
    calls = ToolCall.objects.asking().filter(run_id=run_id).select_related("decided_by")
    return [call_as_json(call) for call in calls.order_by("turn", "index")]


def _interrupt(call: dict[str, Any]) -> dict[str, Any]:
    is_approval = call["state"] == ToolCall.State.AWAITING_APPROVAL
    interrupt = {
        # With the hash, so that an answer is bound to the arguments that are shown.
        "id": f"{call['call_id']}:{call['arguments_hash']}",
        "reason": "approval" if is_approval else "decision",
        "message": f"May {call['tool_name']} run?" if is_approval else f"Did {call['tool_name']} happen?",
        "toolCallId": call["call_id"],
        "metadata": {"agentsite": call},
    }
    return interrupt | ({"expiresAt": call["expires_at"]} if call["expires_at"] else {})


def _closed(code: int) -> Event:
    reason, words = _WHY_CLOSED.get(code, ("closed", "The stream was closed; the run goes on."))
    return events.run_error(words, reason)
