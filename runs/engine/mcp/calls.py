"""One call on a connection: sent once, or again where the server certainly has not begun it."""

import asyncio
import logging
import uuid
from collections.abc import Coroutine
from contextlib import nullcontext
from typing import Any, Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from runs.agent.concurrency.tasks import cancel_and_wait
from runs.agent.errors.exceptions import OutcomeUnknown, ToolFailed, ToolUnavailable
from runs.agent.json_data.json_types import JsonObject
from runs.agent.output_text import readable
from runs.engine.mcp.connection import ServerConnection, SignInNeeded
from runs.engine.mcp.connection_errors import is_transport_error, words_of
from runs.engine.mcp.fresh_lists import freshly_listed
from runs.engine.mcp.held_calls import OpenCall, UnansweredCalls
from runs.engine.mcp.http_transport import BROKEN, NOT_SENT, NOT_SIGNED_IN
from runs.engine.mcp.live_connection import Live
from runs.engine.mcp.questions import ResumedCall, ask_for_input, ask_while_it_waits
from runs.engine.mcp.session import ToolAnswer, call_tool, is_session_gone
from runs.engine.stored_tools.stored_function import ToolRecord

logger = logging.getLogger(__name__)
MOST_ROUNDS: Final = 20
"""How often a server may say that it needs more time."""
LONGEST_REST_S: Final = 2.0
_LOST: Final = (types.CONNECTION_CLOSED, types.REQUEST_TIMEOUT, types.PARSE_ERROR, BROKEN)


class ServerCalls:
    """The calls of one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        connection.elicited = self._elicited
        self._open = UnansweredCalls()

    def holds(self, waiting: str) -> bool:
        """True if the call of that id waits here for a person."""
        return self._open.holds(waiting)

    async def call(
        self, record: ToolRecord, arguments: JsonObject, resumed: ResumedCall | None
    ) -> types.CallToolResult:
        """The result of a call. Raises `ToolFailed` and its kinds, and `PersonAsked`."""
        if resumed is not None and resumed.waiting:
            return await self._goes_on(record, resumed)
        for is_last in (False, True):
            live = await freshly_listed(self.connection)
            self._check_same(live, record)
            calling = call_of(live, record, arguments, resumed)
            try:
                # In the older era each request counts itself, as long as it is held open for a person too.
                with live.call_under_way() if live.session.is_modern else nullcontext():
                    return await self._made(live, record, calling, arguments)
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
        if live.session.is_modern:
            return await self._answered_at_once(record, calling)
        call = OpenCall(live, asyncio.create_task(calling))
        self._open.begin(call)
        return await self._until_answered(record, call)

    async def _answered_at_once(self, record: ToolRecord, calling: Coroutine[Any, Any, ToolAnswer]) -> ToolAnswer:
        """The answer of a server of the newer era, which asks nothing before it: the call needs no task of its own."""
        try:
            return await calling
        except asyncio.CancelledError:
            self.connection.check_answers()
            raise
        except (ValueError, RuntimeError) as error:
            raise _no_answer(record, error) from error

    async def _until_answered(self, record: ToolRecord, call: OpenCall) -> ToolAnswer:
        """The answer of the server, or `PersonAsked` if it asks something first; the call is then held open."""
        asked = asyncio.create_task(call.question())
        is_held = False
        try:
            await asyncio.wait([call.task, asked], return_when=asyncio.FIRST_COMPLETED)
            if call.task.done():
                return self._read(record, call.task)
            key, question = uuid.uuid4().hex, asked.result()
            told = ask_while_it_waits(record.source, question.params, key)
            self._open.hold(key, call, question)
            is_held = True
            raise told
        finally:
            asked.cancel()
            if not is_held:
                await self._leave(call)

    def _read(self, record: ToolRecord, task: asyncio.Task[ToolAnswer]) -> ToolAnswer:
        try:
            return task.result()
        except (ValueError, RuntimeError) as error:
            raise _no_answer(record, error) from error

    async def _leave(self, call: OpenCall) -> None:
        """The call is over, or was given up: then the server is told."""
        self._open.end(call)
        if not call.task.done():
            self.connection.check_answers()
        await cancel_and_wait([call.task])

    # The older era: a call waits in its session while a person is asked

    async def _elicited(self, params: types.ElicitRequestParams) -> types.ElicitResult | types.ErrorData:
        """Answer a question of the server, which does not say for which call it asks."""
        call = self._open.asking()
        if call is None:
            told = "Agentsite cannot tell which of several calls this is for. Make the calls one after the other."
            return types.ErrorData(code=types.INVALID_REQUEST, message=told)
        return await call.ask(params)

    async def _goes_on(self, record: ToolRecord, resumed: ResumedCall) -> types.CallToolResult:
        taken = self._open.take(resumed.waiting)
        if taken is None or taken[0].live.is_over or taken[0].task.done():
            told = f"The connection to {record.source} has ended, in which the call waited for the answer."
            raise OutcomeUnknown(told) if record.effect == "unsafe" else ToolFailed(f"{told} Make the call again.")
        call, question = taken
        call.give(question, next(iter(resumed.responses.values())))
        try:
            answer = await self._until_answered(record, call)
        except MCPError as error:
            await self._note(call.live, error)
            raise self._failure(call.live, record, error) from error
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


def _no_answer(record: ToolRecord, error: Exception) -> ToolFailed:
    told = f"{record.source} gave an answer that is none: {readable(words_of(error))[:300]}"
    return OutcomeUnknown(told) if record.effect == "unsafe" else ToolFailed(told)


async def call_of(live: Live, record: ToolRecord, arguments: JsonObject, resumed: ResumedCall | None) -> ToolAnswer:
    """The request to the server, of a new call or one that goes on with answers."""
    return await call_tool(
        live.session,
        record.remote_name,
        arguments,
        responses=resumed.responses if resumed is not None else None,
        request_state=resumed.request_state if resumed is not None else None,
    )
