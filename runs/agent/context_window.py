"""The part of a run that fits the model's context window: old results are shortened, then old turns left out.

No model summarises anything, so the same run gives the same window. What was shortened or left out stays so: the
beginning of the following requests does not change, and the providers' prompt caches stay valid.
"""

import json
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from runs.agent.earlier_exchanges import EarlierExchanges
from runs.agent.files.file_info import IMAGE_TOKENS
from runs.agent.messages import Exchange, ModelReply, ModelRequest, ToolResult, Turn
from runs.agent.omitted_context import EarlierRuns, OmittedContext
from runs.agent.state import AgentState
from runs.agent.text import call_text, counted

DEFAULT_CONTEXT_TOKENS = 32_768
"""Context window assumed for a model whose window is unknown."""
KEPT_STEPS = 6
"""The turns of this many last steps are shown in full if they fit at all."""
SHORT_CHARS = 200
"""Length of an old result after it was shortened."""
REFILLED_TO = 0.6
"""Share of the window filled after fitting, so that not every turn has to shorten again."""
HIDDEN_MESSAGES = 10
"""Messages of people in turns that were left out, of which the model is still told: the last ones."""
HIDDEN_MESSAGE_CHARS = 1_000
"""Length to which each of them is cut."""
SHORTEST_TURN_TOKENS = 200
"""About the size of a turn whose results and arguments were cut to the minimum."""
MESSAGE_TOKENS = 6
"""Overhead of a message in addition to its text."""

FORGOTTEN = Turn(ModelReply())
"""Placeholder for a turn that no later request shows."""


def tokens_in(text: str) -> int:
    """Estimated tokens of a text: one for four bytes of UTF-8, which is close for English and for Chinese."""
    return (len(text) if text.isascii() else len(text.encode(errors="replace"))) // 4 + 1


def usable_tokens(context_tokens: int) -> int:
    """The part of the window for the request; the smaller of a quarter and 8,192 tokens is left for the reply."""
    return context_tokens - min(context_tokens // 4, 8_192)


class ContextWindow:
    """The turns of one run as the model sees them. `turns` is the run's own list: turns left out are dropped from it.

    A turn is shown or left out as a whole, so calls and results stay paired and a reply's `replay` is never cut.
    """

    def __init__(self, turns: list[Turn], earlier: Sequence[Exchange] = ()) -> None:
        """`earlier` are the exchanges before the run's task; they are shortened first."""
        self.turns = turns
        self._earlier = EarlierExchanges(earlier, count=tokens_in, count_turn=_turn_tokens)
        self.state = AgentState()
        """The run's state: its steps are shortened together with the results."""
        self.scale = 1.0
        """Tokens counted by the provider per token estimated here, from 1 to 4."""
        self._hidden = 0
        self._shortened = 0
        self._tokens: list[int] = []
        self._shown_tokens = 0
        self._steps_before = [0]
        self._calls: Counter[str] = Counter()
        self._last_hidden: deque[str] = deque(maxlen=5)
        self._hidden_messages: deque[str] = deque(maxlen=HIDDEN_MESSAGES)
        self._tools_tokens = 0

    def tokens_for(self, request: ModelRequest) -> int:
        """Estimated tokens of the request as it would be sent now."""
        self._take_in()
        return round((self._fixed_tokens(request) + self._shown_tokens) * self.scale)

    def fit(self, request: ModelRequest, usable: int) -> OmittedContext | None:
        """Shorten and leave out until the request has at most `usable` tokens. Returns what changed, or None."""
        if self.tokens_for(request) <= usable:
            return None
        before = (self._hidden, self._shortened)
        left = self._fit_earlier(request, usable)
        if left is not None and self.tokens_for(request) <= usable:
            return OmittedContext(self._hidden, self._shortened, self._steps_before[self._shortened], left)
        room = usable / self.scale - self._fixed_tokens(request)
        kept_from = len(self.turns) - self._turns_of_last_steps()
        goal = room - usable * (1 - REFILLED_TO) / self.scale
        self._shorten(kept_from, goal)
        self._hide(kept_from, goal)
        # Recent turns are shown in full while they fit. The last one is never left out: the model needs its results.
        self._shorten(len(self.turns) - 1, room)
        self._hide(len(self.turns) - 1, room)
        if self._shown_tokens > room and self.turns:
            self._cut_last(room)
        if before == (self._hidden, self._shortened):
            return None
        # The note's sentence is about the turns; what is left of the earlier runs is in its payload.
        return OmittedContext(self._hidden, self._shortened, self._steps_before[self._shortened])

    @property
    def is_changed(self) -> bool:
        """True if anything was shortened or left out."""
        return bool(self._hidden or self._shortened or self._earlier.is_changed)

    def can_shrink(self) -> bool:
        """True if there is something beside the task left to shorten."""
        self._take_in()
        return bool(self._earlier.shown) or self._shown_tokens > SHORTEST_TURN_TOKENS

    def shown(self, request: ModelRequest) -> ModelRequest:
        """The request as the model gets it. Its turns are a copy, not changed by fitting another lane's request."""
        return replace(
            request,
            task=f"{request.task}\n\n{self._summary()}" if self._hidden else request.task,
            earlier=self._earlier.shown,
            turns=self.turns[self._hidden :],
            hidden_turns=self._hidden,
            past_is_changed=request.past_is_changed or self.is_changed,
        )

    def learn(self, guessed: int, counted: int) -> None:
        """Correct later estimates by the tokens that the provider counted for a request."""
        if guessed >= 200:
            self.scale = min(4.0, max(1.0, self.scale * counted / guessed))

    def _fit_earlier(self, request: ModelRequest, usable: int) -> EarlierRuns | None:
        """Shorten the earlier exchanges. Returns what is left of them; None if nothing changed."""
        others = self.tokens_for(request) / self.scale - self._earlier.tokens
        if not self._earlier.shrink_to(usable * REFILLED_TO / self.scale - others):
            return None
        return self._earlier.left

    def _take_in(self) -> None:
        for turn in self.turns[len(self._tokens) :]:
            self._tokens.append(_turn_tokens(turn))
            self._shown_tokens += self._tokens[-1]
            self._steps_before.append(self._steps_before[-1] + len(turn.results))

    def _fixed_tokens(self, request: ModelRequest) -> int:
        if not request.tools:
            tools = 0  # some of the run's models may take no tools
        elif (tools := self._tools_tokens) == 0:
            # Counted once: a run's tools do not change.
            schemas = (json.dumps(tool.get_schema()) for tool in request.tools)
            tools = sum(map(tokens_in, schemas)) + sum(tokens_in(tool.description) for tool in request.tools)
            self._tools_tokens = tools
        schema = tokens_in(json.dumps(request.output_schema)) if request.output_schema else 0
        told = tokens_in(request.task) + tokens_in(request.instructions) + IMAGE_TOKENS * len(request.images)
        told += sum(tokens_in(message) + MESSAGE_TOKENS for message in request.messages)
        return (
            tools
            + schema
            + told
            + self._earlier.tokens
            + (tokens_in(self._summary()) if self._hidden else 0)
            + 2 * MESSAGE_TOKENS
        )

    def _turns_of_last_steps(self) -> int:
        """The number of turns that the last `KEPT_STEPS` steps belong to."""
        steps, count = len(self.state.get_recent_steps(KEPT_STEPS)), 0
        for turn in reversed(self.turns):
            if steps <= 0:
                break
            steps -= len(turn.results)
            count += 1
        return max(count, 1)

    def _shorten(self, end: int, goal: float) -> None:
        while self._shortened < end and self._shown_tokens > goal:
            results = self.turns[self._shortened].results
            self._replace(self._shortened, [_short(result, SHORT_CHARS) for result in results])
            self._shortened += 1

    def _hide(self, end: int, goal: float) -> None:
        while self._hidden < end and self._shown_tokens > goal:
            turn = self.turns[self._hidden]
            for call, result in zip(turn.reply.calls, turn.results, strict=True):
                self._calls[call.tool_name] += 1
                said = f"{call_text(call.tool_name, call.arguments)[:80]} → {result.model_text[:80]}"
                self._last_hidden.append(" ".join(said.split()))
            self._hidden_messages += [each[:HIDDEN_MESSAGE_CHARS] for each in turn.messages]
            self._shown_tokens -= self._tokens[self._hidden]
            self._tokens[self._hidden] = 0
            self.turns[self._hidden] = FORGOTTEN
            self._hidden += 1
            self._shortened = max(self._shortened, self._hidden)

    def _cut_last(self, room: float) -> None:
        """Cut the results of a last turn that does not fit by itself: each gets an equal share of `room`."""
        turn = self.turns[-1]
        others = self._shown_tokens - sum(tokens_in(result.model_text) for result in turn.results)
        share = max(int((room - others) * 4 / max(len(turn.results), 1)) - 80, SHORT_CHARS)
        self._replace(len(self.turns) - 1, [_short(result, share) for result in turn.results])
        self._shortened = len(self.turns)
        if self._shown_tokens > room:
            self._cut_arguments(room)

    def _cut_arguments(self, room: float) -> None:
        """Cut the arguments of the last turn's calls, and drop the reply's `replay`, which repeats them in full."""
        index = len(self.turns) - 1
        turn = self.turns[index]
        share = max(int(room * 4 / max(len(turn.reply.calls), 1)) - 400, SHORT_CHARS)
        calls = tuple(replace(call, arguments=_short_texts(call.arguments, share)) for call in turn.reply.calls)
        if calls != turn.reply.calls:
            said = turn.reply.text if len(turn.reply.text) <= share else f"{turn.reply.text[:share]}…"
            self.turns[index] = replace(turn, reply=replace(turn.reply, calls=calls, text=said, replay=None))
            self._replace(index, turn.results)

    def _replace(self, index: int, results: Sequence[ToolResult]) -> None:
        turn = self.turns[index] = replace(self.turns[index], results=tuple(results))
        tokens = _turn_tokens(turn)
        self._shown_tokens += tokens - self._tokens[index]
        self._tokens[index] = tokens
        # The history keeps only what the model sees: outputs are most of a long run's memory.
        first = self._steps_before[index]
        for step, result in zip(self.state.steps[first : first + len(results)], results, strict=False):
            step.tool_output = result.model_text

    def _summary(self) -> str:
        which = f"Turns 1 to {self._hidden} are" if self._hidden > 1 else "Turn 1 is"
        calls = ", ".join(f"{name} {counted(count, 'time')}" for name, count in self._calls.most_common(8))
        lines = "".join(f"\n- {line}" for line in self._last_hidden)
        told = f"[{which} no longer shown to you. In them you called: {calls or 'nothing'}. The last of these:{lines}]"
        if self._hidden_messages:
            told += "\n\n[In these turns you were told:]\n\n" + "\n\n".join(self._hidden_messages)
        return told


def _short(result: ToolResult, length: int) -> ToolResult:
    told = result.model_text
    if len(told) <= length + 60:
        return result
    told = f"{told[:length]}… [shortened: it had {len(told):,} characters]"
    if result.error is not None:
        return replace(result, error=replace(result.error, message=told), remark="")
    return replace(result, output=told, remark="")


def _short_texts(value: Any, length: int) -> Any:
    """The JSON value with every string cut to `length` characters."""
    match value:
        case str() if len(value) > length + 60:
            return f"{value[:length]}… [shortened: it had {len(value):,} characters]"
        case dict():
            return {name: _short_texts(each, length) for name, each in value.items()}
        case list():
            return [_short_texts(each, length) for each in value]
        case _:
            return value


def _turn_tokens(turn: Turn) -> int:
    reply = turn.reply
    if reply.replay is not None:
        said = tokens_in(json.dumps(reply.replay, ensure_ascii=False, default=str))
    else:
        said = tokens_in(reply.text) + sum(tokens_in(call_text(c.tool_name, c.arguments)) for c in reply.calls)
    told = sum(tokens_in(result.model_text) + MESSAGE_TOKENS for result in turn.results)
    told += sum(tokens_in(message) + MESSAGE_TOKENS for message in turn.messages)
    return said + told + sum(tokens_in(fault) for fault in turn.faults) + MESSAGE_TOKENS
