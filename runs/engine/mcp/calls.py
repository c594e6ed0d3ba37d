"""One call on a connection: sent once, or again where the server certainly has not begun it."""

import asyncio
import logging
import time
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from runs.agent.concurrency.tasks import cancel_and_wait
from runs.agent.errors.exceptions import OutcomeUnknown, ToolFailed, ToolUnavailable
from runs.agent.json_data.json_types import JsonObject
from runs.agent.output_text import readable
from runs.engine.mcp.connection import Live, ServerConnection, SignInNeeded, is_transport_error, words_of
from runs.engine.mcp.fresh_lists import freshly_listed
from runs.engine.mcp.http_transport import BROKEN, NOT_SENT, NOT_SIGNED_IN
from runs.engine.mcp.questions import ResumedCall, ask_for_input, ask_while_it_waits
from runs.engine.mcp.session import ToolAnswer, call_tool, is_session_gone
from runs.engine.stored_tools.stored_function import ToolRecord

logger = logging.getLogger(__name__)
WAITS_S: Final = 3600.0
"""How long a call of the older era is held open while a person is asked."""
MOST_WAITING: Final = 20
"""Such calls of one server."""
MOST_ROUNDS: Final = 20
"""How often a server may say that it needs more time."""
LONGEST_REST_S: Final = 2.0
_LOST: Final = (types.CONNECTION_CLOSED, types.REQUEST_TIMEOUT, types.PARSE_ERROR, BROKEN)


@dataclass(slots=True)
class _Waiting:
    """A call that the server has not answered."""

    task: asyncio.Task[ToolAnswer]
    asked: "asyncio.Queue[types.ElicitRequestParams]" = field(default_factory=asyncio.Queue)
    answer: "asyncio.Future[types.ElicitResult] | None" = None
    since: float = field(default_factory=time.monotonic)


class ServerCalls:
    """The calls of one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        connection.elicited = self._elicited
        self._under_way: list[_Waiting] = []
        self._parked: dict[str, tuple[Live, _Waiting]] = {}

    async def call(
        self, record: ToolRecord, arguments: JsonObject, resumed: ResumedCall | None
    ) -> types.CallToolResult:
        """The result of a call. Raises `ToolFailed` and its kinds, and `PersonAsked`."""
        if resumed is not None and resumed.waiting:
            return await self._goes_on(record, resumed)
        for is_last in (False, True):
            live = await freshly_listed(self.connection)
            self._check_same(live, record)
            try:
                return await self._made(live, record, call_of(live, record, arguments, resumed), arguments)
            except MCPError as error:
                if is_last or not await self._may_try_again(live, error):
                    await self._note(live, error)
                    raise self._failure(live, record, error) from error
        raise AssertionError  # the second try returns or raises

    async def _made(
        self, live: Live, record: ToolRecord, calling: Coroutine[Any, Any, ToolAnswer], arguments: JsonObject
    ) -> types.CallToolResult:
        """Make the call until it has a result. Raises `PersonAsked`, and `MCPError`."""
        for number in range(MOST_ROUNDS):
            answer = await self._answered(live, record, calling)
            if isinstance(answer, types.CallToolResult):
                return answer
            if answer.input_requests:
                raise ask_for_input(record.source, answer)
            await asyncio.sleep(min(LONGEST_REST_S, 0.05 * 2**number))
            calling = call_of(live, record, arguments, ResumedCall(answer.request_state, {}))
        calling.close()
        raise ToolFailed(f"{record.source} asked for more time {MOST_ROUNDS} times.")

    async def _answered(self, live: Live, record: ToolRecord, calling: Coroutine[Any, Any, ToolAnswer]) -> ToolAnswer:
        waiting = _Waiting(asyncio.create_task(calling))
        self._under_way.append(waiting)
        live.in_flight += 1
        return await self._until_answered(live, record, waiting)

    async def _until_answered(self, live: Live, record: ToolRecord, waiting: _Waiting) -> ToolAnswer:
        """The answer of the server, or `PersonAsked` if it asks something first; the call is then held open."""
        asked = asyncio.ensure_future(waiting.asked.get())
        is_held = False
        try:
            await asyncio.wait([waiting.task, asked], return_when=asyncio.FIRST_COMPLETED)
            if waiting.task.done():
                return self._read(record, waiting.task)
            key = uuid.uuid4().hex
            question = ask_while_it_waits(record.source, asked.result(), key)
            self._hold(key, live, waiting)
            is_held = True
            raise question
        finally:
            asked.cancel()
            if not is_held:
                await self._leave(live, waiting)

    def _read(self, record: ToolRecord, task: asyncio.Task[ToolAnswer]) -> ToolAnswer:
        try:
            return task.result()
        except (ValueError, RuntimeError) as error:
            told = f"{record.source} gave an answer that is none: {readable(words_of(error))[:300]}"
            raise (OutcomeUnknown(told) if record.effect == "unsafe" else ToolFailed(told)) from error

    async def _leave(self, live: Live, waiting: _Waiting) -> None:
        """The call is over, or was given up: then the server is told."""
        self._forget(live, waiting)
        if not waiting.task.done():
            self.connection.check_answers()
        await cancel_and_wait([waiting.task])

    def _forget(self, live: Live, waiting: _Waiting) -> None:
        if waiting in self._under_way:
            self._under_way.remove(waiting)
            live.in_flight -= 1
            live.used_at = time.monotonic()

    # The older era: a call waits in its session while a person is asked

    async def _elicited(self, params: types.ElicitRequestParams) -> types.ElicitResult | types.ErrorData:
        """Answer a question of the server, which does not say for which call it asks."""
        if len(self._under_way) != 1:
            told = "Agentsite cannot tell which of several calls this is for. Make the calls one after the other."
            return types.ErrorData(code=types.INVALID_REQUEST, message=told)
        waiting = self._under_way[0]
        waiting.answer = asyncio.get_running_loop().create_future()
        waiting.asked.put_nowait(params)
        return await waiting.answer

    def _hold(self, key: str, live: Live, waiting: _Waiting) -> None:
        now = time.monotonic()
        for known, (_, each) in list(self._parked.items()):
            if each.task.done() or now - each.since > WAITS_S or len(self._parked) >= MOST_WAITING:
                each.task.cancel()
                del self._parked[known]
        waiting.since = now
        self._parked[key] = (live, waiting)
        waiting.task.add_done_callback(partial(self._ended_while_held, key, live, waiting))

    def _ended_while_held(self, key: str, live: Live, waiting: _Waiting, task: asyncio.Task[ToolAnswer]) -> None:
        """The server has answered, or is gone, before the person has. That is told when the call goes on."""
        if key in self._parked:
            self._forget(live, waiting)
        if not task.cancelled():
            task.exception()  # retrieved: else asyncio would log it as "never retrieved"

    async def _goes_on(self, record: ToolRecord, resumed: ResumedCall) -> types.CallToolResult:
        live, waiting = self._parked.pop(resumed.waiting, (None, None))
        if live is None or waiting is None or live.is_over or waiting.task.done() or waiting.answer is None:
            told = f"The connection to {record.source} has ended, in which the call waited for the answer."
            raise OutcomeUnknown(told) if record.effect == "unsafe" else ToolFailed(f"{told} Make the call again.")
        waiting.answer.set_result(next(iter(resumed.responses.values())))
        try:
            answer = await self._until_answered(live, record, waiting)
        except MCPError as error:
            await self._note(live, error)
            raise self._failure(live, record, error) from error
        if isinstance(answer, types.CallToolResult):
            return answer
        raise ask_for_input(record.source, answer)

    # Failures

    def _check_same(self, live: Live, record: ToolRecord) -> None:
        """Raise `ToolFailed` unless the server lists the tool as it was approved."""
        listed = live.hashes.get(record.remote_name)
        if listed is None:
            raise ToolFailed(f"{record.source} no longer has the tool {record.name}.")
        if listed != record.hash:
            raise ToolFailed(
                f"{record.name} was changed by {record.source}. It is not called until staff approve the change."
            )

    async def _may_try_again(self, live: Live, error: MCPError) -> bool:
        """True if the server has not begun the call, and another try may succeed."""
        if is_session_gone(error):
            self.connection.retire(live)
            return True
        if error.code == types.HEADER_MISMATCH:
            await self.connection.list_now(live)
            return True
        return False

    async def _note(self, live: Live, error: MCPError) -> None:
        """Have the page of a server at an address say that it could not be reached, and its tools listed before the
        next call: it may come back with others. What becomes of a program is seen by its end."""
        if is_transport_error(error):
            await self.connection.not_reached(live, words_of(error))

    def _failure(self, live: Live, record: ToolRecord, error: MCPError) -> ToolFailed:
        told = readable(error.message)[:500]
        if error.code == NOT_SIGNED_IN:
            return SignInNeeded(f"{record.source} wants a sign-in: {told}")
        if error.code == NOT_SENT:
            return ToolUnavailable(f"{record.source} could not be reached: {told}")
        if error.code not in _LOST:
            return ToolFailed(f"{record.source} refused the call: {told}")
        if error.code == types.CONNECTION_CLOSED and record.source and self.connection.target.is_stdio:
            self.connection.retire(live)
            told = self.connection.ended or told
        lost = f"The connection to {record.source} broke during the call: {told}"
        if record.effect == "unsafe":
            return OutcomeUnknown(f"{lost} The call may have been carried out.")
        return ToolUnavailable(lost)


async def call_of(live: Live, record: ToolRecord, arguments: JsonObject, resumed: ResumedCall | None) -> ToolAnswer:
    """The request to the server, of a new call or one that goes on with answers."""
    return await call_tool(
        live.session,
        record.remote_name,
        arguments,
        responses=resumed.responses if resumed is not None else None,
        request_state=resumed.request_state if resumed is not None else None,
    )
