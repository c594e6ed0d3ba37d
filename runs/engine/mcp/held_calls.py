"""Calls of the older era of the protocol that are held open in their session while a person is asked."""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import UUID

import mcp_types as types
from django.db import Error as DatabaseFailure

from runs.agent.log_context import current_run_id
from runs.engine.database_threads import in_thread
from runs.engine.mcp.live_connection import Live
from runs.engine.mcp.session import ToolAnswer
from runs.models import Question, Run, ToolCall

logger = logging.getLogger(__name__)
WAITS_S: Final = 3600.0
"""How long a call is held open while a person is asked."""
CHECK_S: Final = 10.0
"""How often it is looked whether somebody still waits for it."""
MOST_WAITING: Final = 20
"""Such calls of one server."""


@dataclass(slots=True)
class ServerQuestion:
    """One question of a server: an answer goes to it alone."""

    params: types.ElicitRequestParams
    answer: "asyncio.Future[types.ElicitResult]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    """Cancelled if the server withdraws the question."""


@dataclass(slots=True)
class OpenCall:
    """A call that the server has not answered."""

    live: Live
    task: "asyncio.Task[ToolAnswer]"
    questions: list[ServerQuestion] = field(default_factory=list)
    """Without an answer. The first is asked; the others are asked after it."""
    is_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def question(self) -> ServerQuestion:
        """The first open question, once there is one."""
        while not self.questions:
            self.is_asked.clear()
            await self.is_asked.wait()
        return self.questions[0]

    async def ask(self, params: types.ElicitRequestParams) -> types.ElicitResult:
        """The answer to a question of the server."""
        question = ServerQuestion(params)
        self.questions.append(question)
        self.is_asked.set()
        try:
            return await question.answer
        finally:
            if question in self.questions:
                self.questions.remove(question)

    def give(self, question: ServerQuestion, answer: types.ElicitResult) -> None:
        """Answer a question. One that the server has withdrawn meanwhile gets nothing, and nor does another one."""
        if question in self.questions:
            self.questions.remove(question)
        if not question.answer.done():
            question.answer.set_result(answer)

    def dismiss(self) -> None:
        """Tell the server that nobody will answer its questions."""
        for question in self.questions:
            if not question.answer.done():
                question.answer.set_result(types.ElicitResult(action="cancel"))
        self.questions.clear()


class UnansweredCalls:
    """The calls of one connection that the server has not answered, and which of them are held."""

    def __init__(self) -> None:
        self._open: list[OpenCall] = []
        self._held: dict[str, tuple[OpenCall, ServerQuestion, asyncio.Task[None]]] = {}

    def begin(self, call: OpenCall) -> None:
        """A call was sent."""
        self._open.append(call)
        call.live.begin_call()

    def end(self, call: OpenCall) -> None:
        """It was answered, or is given up. A second time changes nothing."""
        call.dismiss()
        if call in self._open:
            self._open.remove(call)
            call.live.end_call()

    def asking(self) -> OpenCall | None:
        """The call that a question of the server can only be for: a call whose question waits for a person is none,
        unless it is the only call."""
        without = [call for call in self._open if not call.questions]
        among = without or self._open
        return among[0] if len(among) == 1 else None

    def hold(self, key: str, call: OpenCall, question: ServerQuestion) -> None:
        """Keep a call until a person has answered its question, its run has ended, or its time is over."""
        while len(self._held) >= MOST_WAITING:
            self._give_up(next(iter(self._held)))
        self._held[key] = (call, question, asyncio.create_task(self._watch(key, current_run_id())))
        call.task.add_done_callback(partial(self._answered_while_held, key))

    def holds(self, key: str) -> bool:
        """True if the call is held under the key."""
        return key in self._held

    def take(self, key: str) -> tuple[OpenCall, ServerQuestion] | None:
        """A held call and the question that was asked; None if it is over."""
        if key not in self._held:
            return None
        call, question, watch = self._held.pop(key)
        watch.cancel()
        return call, question

    def _give_up(self, key: str) -> None:
        if (taken := self.take(key)) is not None:
            self.end(taken[0])
            taken[0].task.cancel()

    def _answered_while_held(self, key: str, task: "asyncio.Task[ToolAnswer]") -> None:
        """The server has answered, or is gone, before the person has. That is told when the call goes on."""
        if (taken := self.take(key)) is not None:
            self.end(taken[0])
        if not task.cancelled():
            task.exception()  # retrieved: else asyncio would log it as "never retrieved"

    async def _watch(self, key: str, run_id: str) -> None:
        """Give a held call up that nobody will take again."""
        since = time.monotonic()
        while time.monotonic() - since < WAITS_S:
            await asyncio.sleep(min(CHECK_S, WAITS_S))
            try:
                if not await in_thread(partial(is_awaited, key, run_id)):
                    break
            except DatabaseFailure as error:
                logger.warning("Whether a call that is held open is still awaited could not be read: %s", error)
        self._give_up(key)


def is_awaited(key: str, run_id: str) -> bool:
    """False once nobody will go on with the call that is held under the key: its run or the call has ended there, or
    no run has made it."""
    if not run_id or not Run.objects.filter(pk=run_id).exclude(status__in=Run.FINAL).exists():
        return False
    asked = Question.objects.filter(call__run=UUID(run_id), resume_state__waiting=key)
    return not asked.exclude(call__state__in=ToolCall.OPEN).exists()
