"""The agent loop: ask the model, run the tools it asks for, until it answers.

`AgentLoop` is what the engine executes. `run_agent` is the same loop for a script.
"""

import json
import uuid
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

from runs.agent import reply_ending
from runs.agent.approvals import Parked
from runs.agent.asking import Asking
from runs.agent.budget import Budget, Purse, Used
from runs.agent.calling import Calling
from runs.agent.clock import RunClock
from runs.agent.errors import BadOutput
from runs.agent.journal import Entry, Journal
from runs.agent.messages import History, ModelProvider, ModelReply, ModelRequest, ToolCall, ToolResult, Turn
from runs.agent.metered import Metered
from runs.agent.pausing import PauseWish
from runs.agent.resilience.attempt import Asked
from runs.agent.resilience.shared import Shared
from runs.agent.resilience.waits import Waits
from runs.agent.setup import Setup
from runs.agent.state import AgentState, AgentStatus, AgentStep
from runs.agent.structured import MAX_REASKS
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.tools.protocol import Tool
from runs.agent.window import Window


class AgentLoop:
    """One run's loop over one claim. `state` and the journal always agree on the status."""

    def __init__(
        self,
        task: str,
        setup: Setup,
        *,
        journal: Journal,
        run_id: uuid.UUID,
        history: History | None = None,
        waits: Waits | None = None,
        pause: PauseWish | None = None,
        shared: Shared | None = None,
        purses: Sequence[Purse] = (),
    ) -> None:
        """`purses` are shared with other runs, `waits` are the waits between attempts, to cut them short, `pause` makes
        it stop between two turns, or between a reply and its calls, `shared` is what all runs know about the providers.

        Raises `ValueError` without a provider.
        """
        self.task = task
        self.setup = setup
        self.run_id = run_id
        self.journal = journal
        self.history = history or History()
        self.turns = self.history.turns
        self.begun = _text_of_unfinished(self.turns)
        """What was said in unfinished replies that the next one goes on from."""
        self.pause = pause or PauseWish()
        self.tools: list[Tool] = list(setup.toolbox)
        limits = setup.limits
        self.clock = RunClock(limits.max_duration_s, self.history.active_s)
        self.calling = Calling(
            setup.toolbox, journal=journal, limits=limits, clock=self.clock, approvals=setup.approvals
        )
        self.window = Window(self.turns, self.history.earlier)
        self.budget = Budget(limits, tokens=self.history.tokens, cost_usd=self.history.cost_usd, shared=purses)
        self.asking = Asking(
            [self._metered(each) for each in setup.providers],
            journal=journal,
            retry=setup.retry,
            clock=self.clock,
            limits=limits,
            strategy=setup.strategy,
            waits=waits,
            shared=shared,
        )

    def _metered(self, provider: ModelProvider) -> Metered:
        windows = [*(each.windows for each in self.history.earlier), self.history.windows]
        sizes = [size for each in windows if (size := each.get(f"{provider.name}/{provider.model}"))]
        return Metered(
            provider,
            window=self.window,
            budget=self.budget,
            journal=self.journal,
            limits=self.setup.limits,
            learnt_window=min(sizes, default=None),
        )

    async def run(self, state: AgentState) -> Any:
        """Work until the model answers; the answer, or its data if an output is asked for. Goes on from `history`.

        Raises `ModelFailure`, `LimitReached`, `CostUnknown`, `BadOutput`, `JournalClosed`, `Parked`, `Paused`.
        Cancelling it cancels the calls that run; which they were is in the journal.
        """
        state.total_tokens += self.history.tokens
        self.window.state = state
        for turn in self.turns:
            _remember(state, turn)
        if self.history.open_reply is not None:
            self.calling.refuses_hidden = True
            reply, known = self.history.open_reply, self.history.open_results
            await self._finish_turn(state, reply, self._decided_calls(reply), known)
            self.calling.refuses_hidden = False
        rejected = sum(bool(turn.faults) for turn in self.turns)
        while True:
            asked = await self._next_reply(state)
            if asked.reply.calls:
                calls = await self._propose(state, asked)
                await self._finish_turn(state, asked.reply, calls, {})
                continue
            if self._goes_on_from(asked.reply):
                await self._leave_unfinished(state, asked)
                continue
            try:
                return await self._answer(state, asked)
            except BadOutput as bad:
                rejected += 1
                await self._reject(state, asked, bad, rejected)
                if rejected > MAX_REASKS:
                    raise

    async def _next_reply(self, state: AgentState) -> Asked:
        self.pause.check()
        turn = len(self.turns) + 1
        self.setup.limits.check_turn(turn - self.history.uncounted_turns)
        self.clock.check()
        state.mark_thinking()
        return await self.asking.reply(state, turn, self._request)

    async def _propose(self, state: AgentState, asked: Asked) -> list[ToolCall]:
        """Record the reply together with the calls it proposes, which come back."""
        reply, about = asked.reply, self._about(asked)
        entry = Entry(replay=reply.replay)
        # Text beside calls is said on the way; only a reply without calls is the answer.
        said = "\n\n".join(part for part in (reply.reasoning, reply.text) if part.strip())
        entry.thoughts = _reasoning(said, about)
        calls = self._calls(reply)
        entry.thoughts += self._remarks(asked, about)
        self.calling.propose(calls, entry)
        if not said:
            # Somebody has to tell what the reply used: its first thought does, a call as a rule.
            told = ("provider", "model", "tokens", "cost")
            entry.thoughts[0].metadata.update({name: about[name] for name in told})
        state.mark_executing()
        await self._record(state, entry, asked)
        if entry.parks is not None:
            raise Parked
        return calls

    async def _answer(self, state: AgentState, asked: Asked) -> Any:
        """Record the answer with the run's success; the answer. Raises `BadOutput` for one that does not fit."""
        reply, about = asked.reply, self._about(asked)
        entry = Entry(replay=reply.replay)
        answer = text = reply_ending.joined(self.begun, reply.text)
        if (output := self.setup.output) is not None:
            answer = output.read(text, is_whole=reply.ending == "whole")
            entry.output = about["output"] = output.as_json(answer)
            text = json.dumps(entry.output, ensure_ascii=False, indent=2)
        # A reply's tokens are told once, by the thought that ends it.
        entry.thoughts = [
            *_reasoning(reply.reasoning, about | {"tokens": None, "cost": None}),
            *self._remarks(asked, about),
            AgentThought(ThoughtType.ANSWER, text, about | reply_ending.ending(reply)),
        ]
        entry.status = AgentStatus.COMPLETED
        state.add_step(AgentStep(state.step_count + 1, "answer", None, None, answer, reply.reasoning))
        state.mark_completed()
        await self._record(state, entry, asked)
        return answer

    async def _reject(self, state: AgentState, asked: Asked, bad: BadOutput, rejected: int) -> None:
        """Record an answer that does not fit. It is a turn: the model sees it, and what was wrong with it."""
        reply = asked.reply
        again = f"It is asked for again ({rejected} of {MAX_REASKS})." if rejected <= MAX_REASKS else "It was the last."
        note = {"note": "bad_output", "faults": bad.faults, "answer": reply.text}
        entry = Entry(replay=reply.replay)
        entry.thoughts = [AgentThought(ThoughtType.NOTE, f"{bad}\n{again}", self._about(asked) | note)]
        self.turns.append(Turn(reply, faults=tuple(bad.faults)))
        self.begun = ""
        await self._record(state, entry, asked)

    def _remarks(self, asked: Asked, about: dict[str, Any]) -> list[AgentThought]:
        capabilities = getattr(asked.provider, "capabilities", None)
        is_without_tools = bool(self.tools) and not self.turns and getattr(capabilities, "tools", None) is False
        return reply_ending.remarks(asked.reply, about, is_without_tools=is_without_tools)

    def _goes_on_from(self, reply: ModelReply) -> bool:
        # A limit the agent itself sets on its replies is what somebody wanted.
        is_wanted = reply.ending == "cut" and self.setup.settings.max_output_tokens is not None
        return not is_wanted and reply_ending.can_go_on(reply, self.begun, self.turns)

    async def _leave_unfinished(self, state: AgentState, asked: Asked) -> None:
        """Record a reply without calls that was cut off. It is a turn: the next reply goes on where this one stops."""
        entry = Entry(replay=asked.reply.replay, thoughts=[reply_ending.unfinished(asked.reply, self._about(asked))])
        self.turns.append(Turn(asked.reply, is_unfinished=True))
        self.begun = reply_ending.joined(self.begun, asked.reply.text)
        await self._record(state, entry, asked)

    def _about(self, asked: Asked) -> dict[str, Any]:
        return {
            "turn": len(self.turns) + 1,
            "provider": asked.provider.name,
            "model": asked.provider.model,
            "tokens": asked.reply.usage.total_tokens,
            **({"tokens_are_estimated": True} if asked.reply.usage.is_estimated else {}),
            "cost": asked.reply.usage.cost_usd,
            "started_at": asked.started_at,
            "ended_at": asked.ended_at,
        }

    def book(self, state: AgentState) -> Used:
        """What calls used since the last booking, counted in the state; whoever books it records it."""
        used = self.budget.book()
        state.total_tokens += used.tokens or 0
        return used

    async def _record(self, state: AgentState, entry: Entry, asked: Asked) -> None:
        used = self.book(state)
        entry.tokens, entry.cost, entry.cost_is_partial = used.tokens, used.cost_usd, used.is_partial
        entry.usage_is_estimated = used.is_estimated
        entry.thoughts[-1].metadata["card"] = asked.card
        await self.journal.record(entry)

    def _request(self, timeout_s: float) -> ModelRequest:
        return ModelRequest(
            task=self.task,
            instructions=self.setup.instructions,
            turns=self.turns,
            tools=self.tools,
            timeout_s=timeout_s,
            settings=self.setup.settings,
            past_is_changed=self.history.past_is_changed,
            output_schema=None if self.setup.output is None else self.setup.output.schema,
            output_faults=self.turns[-1].faults if self.turns else (),
        )

    async def _finish_turn(
        self, state: AgentState, reply: ModelReply, calls: list[ToolCall], known: dict[int, ToolResult]
    ) -> None:
        """Run the reply's calls that have no result yet, and add the turn to the history."""
        self.pause.check()
        state.mark_executing()
        results = known | await self.calling.results([call for call in calls if call.index not in known])
        turn = Turn(reply, tuple(results[index] for index in range(len(reply.calls))))
        self.turns.append(turn)
        self.begun = ""
        _remember(state, turn)

    def _calls(self, reply: ModelReply) -> list[ToolCall]:
        turn = len(self.turns) + 1
        return [
            ToolCall(call_id(self.run_id, turn, index), request.tool_name, self.calling.meant(request), turn, index)
            for index, request in enumerate(reply.calls)
        ]

    def _decided_calls(self, reply: ModelReply) -> list[ToolCall]:
        """The calls of the open reply as a person has decided about them: approved, with other arguments."""
        changed, approved = self.history.open_arguments, self.history.open_approved
        calls = [replace(call, is_approved=call.index in approved) for call in self._calls(reply)]
        return [
            replace(call, arguments=changed[call.index], proposed_arguments=call.arguments)
            if call.index in changed
            else call
            for call in calls
        ]


def call_id(run_id: uuid.UUID, turn: int, index: int) -> str:
    """The id of a call: uuid5 of its run, turn and index, so that a replayed turn has the same ids."""
    return str(uuid.uuid5(run_id, f"{turn}/{index}"))


def _reasoning(text: str, about: dict[str, Any]) -> list[AgentThought]:
    return [AgentThought(ThoughtType.REASONING, text, about)] if text.strip() else []


def _text_of_unfinished(turns: Sequence[Turn]) -> str:
    """What the unfinished replies at the end said, one after the other."""
    texts = [turn.reply.text for turn in takewhile(lambda turn: turn.is_unfinished, reversed(turns))]
    return "".join(reversed(texts))


def _remember(state: AgentState, turn: Turn) -> None:
    """Add the turn's calls to the history of the state."""
    for request, result in zip(turn.reply.calls, turn.results, strict=True):
        name, output = request.tool_name, result.error.message if result.error else result.output
        state.add_step(AgentStep(state.step_count + 1, name, name, request.arguments, output, turn.reply.reasoning))
