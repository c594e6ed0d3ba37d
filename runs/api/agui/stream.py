"""`POST /agui`: a run as a stream of AG-UI events. Closing the stream never stops the run."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, aclosing
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from ninja import Router

from runs.agent.json_data.json_types import JsonObject
from runs.api.agui import events
from runs.api.agui.event_mapper import EventMapper
from runs.api.agui.events import HEARTBEAT, Event, encoded
from runs.api.agui.long_snapshots import in_pieces
from runs.api.agui.run_input import RunAgentInput
from runs.api.agui.threads import AttachedRun, attach
from runs.api.agui.transcript import Transcript
from runs.api.auth import Caller, caller_of, may_read
from runs.api.long_responses import LongResponses, let_go_of_connection
from runs.api.serializers import LONG_COLUMNS, call_as_json, question_as_json
from runs.live.sockets import close_codes
from runs.live.sockets.connections import NotAdmitted
from runs.live.sockets.hub import get_hub
from runs.live.sockets.stream_follower import StreamFollower
from runs.live.sockets.stream_items import CaughtUp, Closed, Item, Ping, ReplyUpdate, RunStatus, Steps
from runs.models import Question, Run, ToolCall
from runs.models.as_json import StepJson, as_utc
from runs.request_slots import CATCH_UPS, TooManyWaiting, slots_here

router = Router(tags=["AG-UI"])

_EXAMPLE = (
    '{"threadId": "t1", "runId": "r1", "messages": [{"id": "m1", "role": "user", "content": "What is 17 * 23?"}]}'
)
_EVENT = {"description": "Server-sent events. The `data` of each is an AG-UI event in JSON."}
_STREAM = {"200": {"description": "AG-UI events.", "content": {"text/event-stream": {"schema": _EVENT}}}}
OPEN_STREAMS = LongResponses("streams", lambda: settings.AGENTSITE_MAX_STREAMS_PER_USER)
_OF_A_PAUSE = tuple(Run.ASKING)
_WHY_CLOSED = {
    close_codes.NO_SUCH_RUN: ("not_found", "The run was deleted."),
    close_codes.SIGNED_OUT: ("unauthenticated", "The token or session has ended."),
    close_codes.TOO_MANY: ("too_many_requests", "You follow too many runs at once."),
    close_codes.RESTARTING: (
        "restarting",
        "The server is stopping; the run goes on. Send the same runId again in a moment.",
    ),
}


@router.post(
    "/agui",
    auth=may_read,
    operation_id="run_agent",
    openapi_extra={"responses": _STREAM, "x-errors": [403, 409, 413], "x-example": _EXAMPLE},
)
async def run_agent(request: HttpRequest, body: RunAgentInput) -> HttpResponseBase:
    """Run an agent, or watch a run again, with the AG-UI protocol 1.0.

    A new `threadId` launches a run of the last message; a further message in the same thread follows it up, or is read
    by the run that is still in progress, once per `runId`. Closing the stream never stops the run: send the same
    `runId` again to continue watching.
    Launching needs the scope `launch` too.
    """
    caller = caller_of(request)
    place = OPEN_STREAMS.let_in(caller.user.pk)
    try:
        attached = await sync_to_async(_attached)(caller, body)
    except BaseException:
        OPEN_STREAMS.give_back(place)
        raise
    stream = Stream(caller, body, attached.run, is_new=attached.is_new, place=place)
    return StreamingHttpResponse(
        stream.messages(),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"},
    )


def _attached(caller: Caller, asked: RunAgentInput) -> AttachedRun:
    attached = attach(caller, asked)
    let_go_of_connection()
    return attached


class Stream:
    """One client's stream of one run."""

    def __init__(self, caller: Caller, asked: RunAgentInput, run: Run, *, is_new: bool, place: object = None) -> None:
        """`is_new`: the client knows nothing of the run yet. Otherwise the recorded steps are sent as one snapshot.

        `place` is its entry in `OPEN_STREAMS`.
        """
        transcript = Transcript(str(run.pk))
        theirs = [message.as_sent() for message in asked.messages if not transcript.is_ours(message.id)]
        thoughts = [each.id for each in asked.messages if each.role == "reasoning" and transcript.is_ours(each.id)]
        self._asked = asked
        self._emitter = EventMapper(transcript, theirs, thoughts)
        self._follower = StreamFollower(caller.user, caller.credential, run.pk)
        self._place = place
        self._is_quiet = not is_new
        self._is_over = False
        self._catching_up = ExitStack()
        """The slot for catching up, held while recorded steps are taken in."""

    async def messages(self) -> AsyncIterator[bytes]:
        """The whole stream, encoded."""
        with OPEN_STREAMS.taking(self._place), self._catching_up:
            async with aclosing(self._told()) as told:
                async for piece in told:
                    yield piece

    async def _told(self) -> AsyncGenerator[bytes, None]:
        yield encoded(events.run_started(self._asked.threadId, self._asked.runId))
        try:
            if self._is_quiet:
                await self._wait_for_slot()
            async for item in self._follower.items():
                if isinstance(item, Ping):
                    yield HEARTBEAT
                told = await self._events(item)
                del item  # Otherwise it would be kept while the client reads its events.
                for event in told:
                    async for piece in in_pieces(event):
                        yield piece
                if self._is_over:
                    return
        except NotAdmitted as refusal:
            yield self._last(refusal.code)
        except TooManyWaiting:
            yield self._last(close_codes.TOO_MANY)
        except DatabaseError:
            yield self._last(close_codes.RESTARTING)

    async def _wait_for_slot(self) -> None:
        """Wait for a slot: catching up with long runs uses the processor, so few streams do it at a time."""
        slot = await slots_here(CATCH_UPS).enter(f"user {self._follower.user_id}")
        self._catching_up.enter_context(slot)

    def _last(self, code: int) -> bytes:
        return b"".join(encoded(event) for event in [*self._emitter.end(), _closed(code)])

    async def _events(self, item: Item) -> list[Event]:
        match item:
            case Steps(steps):
                return self._steps(steps)
            case CaughtUp() if self._is_quiet:
                self._is_quiet = False
                self._catching_up.close()
                return [self._emitter.snapshot()]
            case ReplyUpdate(frame):
                return self._emitter.pieces(frame)
            case RunStatus(run, is_final):
                return await self._standing(run, is_final=is_final)
            case Closed(code):
                self._is_over = True
                return [*self._emitter.end(), _closed(code)]
        return []

    def _steps(self, steps: list[StepJson]) -> list[Event]:
        if self._is_quiet:
            self._emitter.take_in(steps)
            return []
        return self._emitter.steps(steps)

    async def _standing(self, run: JsonObject, *, is_final: bool) -> list[Event]:
        told = [events.state_snapshot(_state(self._asked.state, run))]
        if is_final or run["waiting_for"] in _OF_A_PAUSE:
            outcome = await _outcome(self._asked, run)
            if outcome is not None:
                self._is_over = True
                return [*told, *self._emitter.rest(), *self._emitter.end(), outcome]
        elif run["waiting_for"] == "resume":
            # A paused run may wait long: no message is open when the client reads that it waits.
            return [*self._emitter.rest(), *told]
        return told


def _state(theirs: Any, run: JsonObject) -> JsonObject:
    """The application's state with the run in it; the run's texts are in the messages."""
    about = {name: value for name, value in run.items() if name not in ("task", "answer", "output")}
    return {**(theirs if isinstance(theirs, dict) else {}), "run": about}


async def _outcome(asked: RunAgentInput, run: JsonObject) -> Event | None:
    """The last event: the end of a run, or its interrupts; None if the calls were decided meanwhile."""
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
    interrupts = await get_hub().reader.run(_interrupts, UUID(run["id"]))
    if not interrupts:
        return None
    outcome = {"type": "interrupt", "interrupts": interrupts}
    return events.run_finished(asked.threadId, asked.runId, outcome, usage=usage)


def _interrupts(run_id: UUID) -> list[JsonObject]:
    """What the run asks, in the order of its calls."""
    calls = ToolCall.objects.asking().filter(run_id=run_id).select_related("run", "decided_by")
    calls = calls.defer(*(f"run__{name}" for name in LONG_COLUMNS))
    open_ones = Question.objects.filter(call__run=run_id, state=Question.State.OPEN)
    open_ones = open_ones.select_related("call__run", "answered_by")
    questions = {each.call_id: each for each in open_ones.defer(*(f"call__run__{name}" for name in LONG_COLUMNS))}
    return [
        _question(questions[call.pk]) if call.pk in questions else _interrupt(call_as_json(call))
        for call in calls.order_by("turn", "index", "position")
    ]


def _question(question: Question) -> JsonObject:
    interrupt = {
        "id": str(question.pk),
        "reason": "question",
        "message": question.text,
        "toolCallId": str(question.call_id),
        "responseSchema": question.answer_schema(),
        "metadata": {"agentsite": question_as_json(question)},
    }
    return interrupt | ({"expiresAt": as_utc(question.expires_at)} if question.expires_at else {})


def _interrupt(call: JsonObject) -> JsonObject:
    is_approval = call["state"] == ToolCall.State.AWAITING_APPROVAL
    interrupt = {
        # The id contains the hash, so that an answer is bound to the shown arguments.
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
