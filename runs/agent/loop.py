"""The agent loop: ask the model, run the tools it asks for, until it answers.

`AgentLoop` is what the engine executes. `run_agent` is the same loop for a script.
"""

import uuid
from collections.abc import Sequence
from functools import partial, reduce
from typing import Any

from runs.agent import incomplete_replies as reply_ending
from runs.agent import reply_entries
from runs.agent.budget.budget import Budget, RunBudget, UsageTotals
from runs.agent.budget.deadline import Deadline
from runs.agent.budget.turn_and_call_limits import CallLimit, check_turns
from runs.agent.config import RunConfig
from runs.agent.context_window import ContextWindow
from runs.agent.errors.exceptions import BadOutput, LimitReached
from runs.agent.interrupts import MessageSignal, Parked, PauseRequest
from runs.agent.journal import Entry, Journal
from runs.agent.loop_guard.guard import LoopGuard, repeats_note
from runs.agent.messages import History, ModelProvider, ModelReply, ModelRequest, ToolInvocation, ToolResult, Turn
from runs.agent.model_calls.attempt import ReceivedReply
from runs.agent.model_calls.composition import ModelComposition
from runs.agent.model_calls.interruptible_sleep import InterruptibleSleep
from runs.agent.model_calls.metered_model import MeteredModel
from runs.agent.model_calls.provider_health import HealthRegistry
from runs.agent.payloads.absent import ABSENT
from runs.agent.payloads.step_fields import StepFields
from runs.agent.reply_calls import calls_of, decided_calls
from runs.agent.skills.skill_list import READING_TOOL, instructions_with_skills
from runs.agent.state import AgentState, AgentStatus, AgentStep
from runs.agent.structured_output import MAX_REASKS
from runs.agent.thoughts import AgentThought
from runs.agent.tool_calls.runner import ToolCallRunner


class AgentLoop:
    """The loop of one run over one claim. `state` and the journal agree on the status."""

    def __init__(
        self,
        task: str,
        config: RunConfig,
        *,
        journal: Journal,
        run_id: uuid.UUID,
        history: History | None = None,
        sleep: InterruptibleSleep | None = None,
        pause: PauseRequest | None = None,
        signal: MessageSignal | None = None,
        health: HealthRegistry | None = None,
        budgets: Sequence[Budget] = (),
    ) -> None:
        """`budgets` are shared with other runs, `sleep` lets a person cut short the wait for an attempt, `pause` stops
        the loop between two turns, or between a reply and its calls, `signal` interrupts a reply for a message,
        `health` is shared by all runs.

        Raises `ValueError` without a provider.
        """
        self.task, self.config, self.run_id, self.journal = task, config, run_id, journal
        self.history = history or History()
        self.turns = self.history.turns
        limits = config.limits
        self.call_limit = CallLimit(limits, _calls_made(self.history))
        self.begun = _text_of_unfinished(self.turns)
        """The text of the unfinished replies that the next one continues."""
        self.messages: tuple[str, ...] = ()
        """What people have said since the last turn: the next one is about it."""
        self.pause = pause or PauseRequest()
        self.signal = signal or MessageSignal()
        self.tools = config.offered_tools
        reads_skills = any(tool.name == READING_TOOL for tool in self.tools)
        self.instructions = instructions_with_skills(config.instructions, config.skill_infos if reads_skills else ())
        self.deadline = Deadline(limits.max_duration_s, self.history.active_s)
        self.tool_calls = self._tool_call_runner()
        self.guard = LoopGuard(limits, config.toolbox, self.turns)
        self._heed(self.history.messages)
        self.window = ContextWindow(self.turns, self.history.earlier)
        self.budget = RunBudget(limits, tokens=self.history.tokens, cost_usd=self.history.cost_usd, shared=budgets)
        self.models = self._model_composition(sleep, health)

    def _tool_call_runner(self) -> ToolCallRunner:
        return ToolCallRunner(
            self.config.toolbox,
            offered=self.tools,
            journal=self.journal,
            limits=self.config.limits,
            deadline=self.deadline,
            call_limit=self.call_limit,
            approvals=self.config.approvals,
            files=self.config.files,
            skills=self.config.skills,
            children=self.config.children,
            nested=self.history.open_nested,
            answers=self.history.open_answers,
        )

    def _model_composition(self, sleep: InterruptibleSleep | None, health: HealthRegistry | None) -> ModelComposition:
        return ModelComposition(
            self.config.providers,
            meter=self._metered,
            journal=self.journal,
            retry=self.config.retry,
            deadline=self.deadline,
            limits=self.config.limits,
            strategy=self.config.strategy,
            sleep=sleep,
            health=health,
        )

    def _metered(self, provider: ModelProvider) -> MeteredModel:
        windows = [*(each.windows for each in self.history.earlier), self.history.windows]
        sizes = [size for each in windows if (size := each.get(f"{provider.name}/{provider.model}"))]
        return MeteredModel(
            provider,
            window=self.window,
            budget=self.budget,
            journal=self.journal,
            limits=self.config.limits,
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
            self.tool_calls.refuses_hidden = True
            reply, known = self.history.open_reply, self.history.open_results
            calls = decided_calls(self._calls(reply), self.history)
            await self.journal.record(Entry(status=AgentStatus.EXECUTING))
            await self._finish_turn(state, reply, calls, known)
            self.tool_calls.refuses_hidden = False
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
                answer = await self._answer(state, asked)
            except BadOutput as bad:
                rejected += 1
                await self._reject(state, asked, bad, rejected)
                if rejected > MAX_REASKS:
                    raise
                continue
            if state.status.is_final:
                return answer

    async def _next_reply(self, state: AgentState) -> ReceivedReply:
        is_hurried = False
        while True:
            self.models.sleep.check()
            self.pause.check()
            turn = len(self.turns) + 1
            check_turns(self.config.limits, turn - self.history.uncounted_turns)
            self.deadline.check()
            if read := await self.journal.read_messages(turn=turn):
                self._heed(read)
                self.pause.check()
            self.guard.check()
            state.mark_thinking()
            model = self.models.model_for(state, turn, is_hurried=is_hurried)
            with self.signal.interrupts() as asked:
                await model.reply(self._request())
            if not asked.was_interrupted:
                return model.received
            is_hurried = state.status is AgentStatus.WAITING
            await self._leave_interrupted(state)

    def _heed(self, read: tuple[str, ...]) -> None:
        """Tell the next reply what people have said. It is no continuation of an unfinished one then."""
        if not read:
            return
        self.messages = (*self.messages, *read)
        self.begun = ""
        self.guard.reset()

    async def _leave_interrupted(self, state: AgentState) -> None:
        """Record that a person interrupted the reply. What it has said is a turn, which counts against no limit."""
        used = self.book(state)
        entry = Entry(status=AgentStatus.THINKING, tokens=used.tokens, cost=used.cost_usd)
        entry.cost_is_partial, entry.usage_is_estimated = used.is_partial, used.is_estimated
        if text := await self.journal.interrupt(entry):
            self._add_turn(ModelReply(text=text), is_unfinished=True)
            self.begun = reply_ending.joined(self.begun, text)
            self.history.uncounted_turns += 1

    async def _propose(self, state: AgentState, asked: ReceivedReply) -> list[ToolInvocation]:
        """Record the reply together with its calls, and return them. Raises `LimitReached`."""
        reply, about = asked.reply, self._about(asked)
        self.call_limit.take(len(reply.calls))
        calls = self._calls(reply)
        entry = reply_entries.proposal(reply, about, self._remarks(asked, about))
        self.tool_calls.propose(calls, entry)
        reply_entries.add_usage(entry, about, reply.usage)
        state.mark_executing()
        await self._record(state, entry, asked)
        if entry.parks is not None:
            raise Parked
        return calls

    async def _answer(self, state: AgentState, asked: ReceivedReply) -> Any:
        """Record the answer with the run's success, and return it. Raises `BadOutput` for one that does not fit.

        If messages wait to be read, the answer is recorded as a turn, and the state is not final.
        """
        reply, about = asked.reply, self._about(asked)
        answer = text = reply_ending.joined(self.begun, reply.text)
        data: Any = ABSENT
        if (output := self.config.output) is not None:
            answer = await output.read_beside(text, is_whole=reply.ending == "whole")
            data = output.as_json(answer)
        entry = reply_entries.answer(reply, about, text, data, self._remarks(asked, about))
        if self._has_a_turn_left():
            entry.if_messages = reply_entries.so_far(reply, about, entry)
            self._add_use(entry.if_messages, UsageTotals(), asked)
        self._add_use(entry, self.book(state), asked)
        await self.journal.complete(entry, partial(self._note_end, state, entry, reply, answer))
        return answer

    def _note_end(self, state: AgentState, entry: Entry, reply: ModelReply, answer: Any, read: tuple[str, ...]) -> None:
        """Make the state agree with what was recorded: the end, or a turn with the messages that were read after it."""
        if read:
            self._add_turn(reply)
            self._heed(read)
            return
        state.add_step(AgentStep(state.step_count + 1, "answer", None, None, answer, reply.reasoning))
        state.mark_completed()
        state.could_not = entry.could_not

    def _has_a_turn_left(self) -> bool:
        try:
            check_turns(self.config.limits, len(self.turns) + 2 - self.history.uncounted_turns)
            self.deadline.check()
        except LimitReached:
            return False
        return True

    async def _reject(self, state: AgentState, asked: ReceivedReply, bad: BadOutput, rejected: int) -> None:
        """Record an answer that does not fit. It is a turn: the model sees it, and what was wrong with it."""
        reply = asked.reply
        entry = reply_entries.rejection(reply, self._about(asked), bad, rejected)
        self._add_turn(reply, faults=tuple(bad.faults))
        self.begun = ""
        await self._record(state, entry, asked)

    def _remarks(self, asked: ReceivedReply, about: StepFields) -> list[AgentThought]:
        capabilities = getattr(asked.provider, "capabilities", None)
        is_without_tools = bool(self.tools) and not self.turns and getattr(capabilities, "tools", None) is False
        return reply_ending.remarks(asked.reply, about, is_without_tools=is_without_tools)

    def _goes_on_from(self, reply: ModelReply) -> bool:
        # A limit the agent itself sets on its replies is what somebody wanted.
        is_wanted = reply.ending == "cut" and self.config.settings.max_output_tokens is not None
        return not is_wanted and reply_ending.can_go_on(reply, self.begun, self.turns)

    async def _leave_unfinished(self, state: AgentState, asked: ReceivedReply) -> None:
        """Record a reply without calls that was cut off. It is a turn: the next reply goes on where this one stops."""
        entry = Entry(replay=asked.reply.replay, thoughts=[reply_ending.unfinished(asked.reply, self._about(asked))])
        self._add_turn(asked.reply, is_unfinished=True)
        self.begun = reply_ending.joined(self.begun, asked.reply.text)
        await self._record(state, entry, asked)

    def _about(self, asked: ReceivedReply) -> StepFields:
        return reply_entries.fields_of(asked, turn=len(self.turns) + 1)

    def book(self, state: AgentState) -> UsageTotals:
        """The usage of model calls since the last booking, added to the state; the caller records it."""
        used = self.budget.book()
        state.total_tokens += used.tokens or 0
        return used

    async def _record(self, state: AgentState, entry: Entry, asked: ReceivedReply) -> None:
        self._add_use(entry, self.book(state), asked)
        await self.journal.record(entry)

    @staticmethod
    def _add_use(entry: Entry, used: UsageTotals, asked: ReceivedReply) -> None:
        entry.tokens, entry.cost, entry.cost_is_partial = used.tokens, used.cost_usd, used.is_partial
        entry.usage_is_estimated = used.is_estimated
        entry.thoughts[-1].end_card(asked.card)

    def _add_turn(self, reply: ModelReply, **ending: Any) -> None:
        self.turns.append(Turn(reply, messages=self.messages, **ending))
        self.messages = ()

    def _request(self) -> ModelRequest:
        return ModelRequest(
            task=self.task,
            files=self.config.file_infos,
            images=self.config.images,
            instructions=self.instructions,
            turns=self.turns,
            messages=self.messages,
            tools=self.tools,
            settings=self.config.settings,
            past_is_changed=self.history.past_is_changed,
            output_schema=None if self.config.output is None else self.config.output.schema,
            output_faults=self.turns[-1].faults if self.turns else (),
        )

    async def _finish_turn(
        self, state: AgentState, reply: ModelReply, calls: list[ToolInvocation], known: dict[int, ToolResult]
    ) -> None:
        """Run the reply's calls that have no result yet, and add the turn to the history."""
        self.pause.check()
        state.mark_executing()
        results = known | await self.tool_calls.results([call for call in calls if call.index not in known])
        turn = Turn(reply, tuple(results[index] for index in range(len(reply.calls))), messages=self.messages)
        self.turns.append(await self._told_of_repeats(turn))
        self.messages, self.begun = (), ""
        _remember(state, turn)

    async def _told_of_repeats(self, turn: Turn) -> Turn:
        """The finished turn, with a warning to the model if it goes in circles."""
        if (warning := self.guard.warning_after(turn)) is None:
            return turn
        await self.journal.record(Entry(thoughts=[repeats_note(warning, turn=len(self.turns) + 1)]))
        return turn.with_warning(warning)

    def _calls(self, reply: ModelReply) -> list[ToolInvocation]:
        return calls_of(reply, run_id=self.run_id, turn=len(self.turns) + 1, meant=self.tool_calls.meant)


def _calls_made(history: History) -> int:
    """The calls of all turns, over all claims: the context window forgets turns."""
    replies = [*(turn.reply for turn in history.turns), *filter(None, [history.open_reply])]
    return sum(len(reply.calls) for reply in replies) + history.further_calls


def _text_of_unfinished(turns: Sequence[Turn]) -> str:
    """The text of the unfinished replies at the end, joined as while they came."""
    texts = [turn.reply.text for turn in reply_ending.unfinished_at_end(turns)]
    return reduce(reply_ending.joined, texts, "")


def _remember(state: AgentState, turn: Turn) -> None:
    """Add the turn's calls to the history of the state."""
    for request, result in zip(turn.reply.calls, turn.results, strict=True):
        name, output = request.tool_name, result.error.message if result.error else result.output
        state.add_step(AgentStep(state.step_count + 1, name, name, request.arguments, output, turn.reply.reasoning))
