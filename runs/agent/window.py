"""What of a run its model still sees: old results shortened, then old turns left out, so that a request fits.

No model is asked to summarise anything: the same run gives the same window. What was shortened or left out stays so,
which keeps the beginning of the next requests the same, and providers' prompt caches warm.
"""

import json
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from runs.agent.earlier import Earlier
from runs.agent.messages import Exchange, ModelReply, ModelRequest, ToolResult, Turn
from runs.agent.state import AgentState
from runs.agent.wording import call_text, counted

DEFAULT_CONTEXT_TOKENS = 32_768
"""For a model whose window nobody knows."""
KEPT_STEPS = 6
"""The turns of the last steps stay whole, if they fit at all."""
SHORT_CHARS = 200
"""What is left of an old result."""
REFILLED_TO = 0.6
"""How full the window is after it was made to fit, so that not every turn changes it again."""
SHORTEST_TURN_TOKENS = 200
"""About what is left of a turn whose results and arguments were cut as far as they are cut."""
MESSAGE_TOKENS = 6
"""What a message costs beside its text."""

FORGOTTEN = Turn(ModelReply())
"""Stands for a turn that no request will show again."""


def tokens_in(text: str) -> int:
    """About how many tokens a text has: one for four bytes of UTF-8, which is close for English and for Chinese."""
    return (len(text) if text.isascii() else len(text.encode(errors="replace"))) // 4 + 1


def usable_tokens(context_tokens: int) -> int:
    """What a request may have of a model's window: the reply needs its share, a quarter or 8,192 tokens."""
    return context_tokens - min(context_tokens // 4, 8_192)


@dataclass(frozen=True, slots=True)
class Change:
    """What the model stopped seeing."""

    hidden_turns: int
    """So many turns at the beginning are left out."""
    shortened_turns: int
    """The results of the turns up to here are shortened, as far as they are shown."""
    results: int
    """How many results that concerns, from the beginning of the run."""
    earlier: str = ""
    """What is left of the runs before this one, in words; empty if that did not change."""

    def words(self, context_tokens: int) -> str:
        """For people."""
        if self.earlier:
            return f"The model sees {self.earlier}: its window holds {context_tokens:,} tokens."
        cut = _turns(self.hidden_turns + 1, self.shortened_turns)
        match bool(self.hidden_turns), bool(cut):
            case True, True:
                what = f"no longer sees {_turns(1, self.hidden_turns)}, and of long results in {cut} only the beginning"
            case True, False:
                what = f"no longer sees {_turns(1, self.hidden_turns)}"
            case _:
                what = f"sees only the beginning of long results in {cut}"
        return f"The model {what}: its window holds {context_tokens:,} tokens."


def _turns(first: int, last: int) -> str:
    if last < first:
        return ""
    return f"turn {first}" if first == last else f"turns {first} to {last}"


class Window:
    """The turns of one run as they are shown. The list is the run's own: what no request shows again is forgotten.

    A turn is shown or left out as a whole, so calls and results stay paired and a reply's `replay` is never cut.
    """

    def __init__(self, turns: list[Turn], earlier: Sequence[Exchange] = ()) -> None:
        """`earlier` is what was said before the run's task. It is shortened first."""
        self.turns = turns
        self._earlier = Earlier(earlier, count=tokens_in, count_turn=_turn_tokens)
        self.state = AgentState()
        """The run's state: its last steps stay whole, and old ones are shortened with their results."""
        self.scale = 1.0
        """Tokens the provider counted, for each we had guessed; never below 1."""
        self._hidden = 0
        self._shortened = 0
        self._tokens: list[int] = []
        self._shown_tokens = 0
        self._steps_before = [0]
        self._calls: Counter[str] = Counter()
        self._last_hidden: deque[str] = deque(maxlen=5)
        self._tools_tokens = 0

    def tokens_for(self, request: ModelRequest) -> int:
        """About how many tokens the request has as it would be shown now."""
        self._take_in()
        return round((self._fixed_tokens(request) + self._shown_tokens) * self.scale)

    def fit(self, request: ModelRequest, usable: int) -> Change | None:
        """Shorten and leave out until the request has at most `usable` tokens; what changed, or None."""
        if self.tokens_for(request) <= usable:
            return None
        before = (self._hidden, self._shortened)
        told = self._fit_earlier(request, usable)
        if told and self.tokens_for(request) <= usable:
            return Change(self._hidden, self._shortened, self._steps_before[self._shortened], told)
        room = usable / self.scale - self._fixed_tokens(request)
        kept_from = len(self.turns) - self._turns_of_last_steps()
        goal = room - usable * (1 - REFILLED_TO) / self.scale
        self._shorten(kept_from, goal)
        self._hide(kept_from, goal)
        # Whole as long as they fit. The last turn is never left out: the model waits for its results.
        self._shorten(len(self.turns) - 1, room)
        self._hide(len(self.turns) - 1, room)
        if self._shown_tokens > room and self.turns:
            self._cut_last(room)
        if before == (self._hidden, self._shortened):
            return None
        # The turns matter more to whoever reads it; what is left of the runs before is in the note's metadata.
        return Change(self._hidden, self._shortened, self._steps_before[self._shortened])

    @property
    def is_changed(self) -> bool:
        """True if what is shown is not all that was said."""
        return bool(self._hidden or self._shortened or self._earlier.is_changed)

    def can_shrink(self) -> bool:
        """True if a smaller window would show less than is shown now: there is something beside the task."""
        self._take_in()
        return bool(self._earlier.shown) or self._shown_tokens > SHORTEST_TURN_TOKENS

    def shown(self, request: ModelRequest) -> ModelRequest:
        """The request as the model gets it. Its turns stay as they are, whatever another lane's request changes."""
        turns = self.turns[self._hidden :]
        request = replace(
            request, earlier=self._earlier.shown, past_is_changed=request.past_is_changed or self.is_changed
        )
        if not self._hidden:
            return replace(request, turns=turns)
        task = f"{request.task}\n\n{self._summary()}"
        return replace(request, task=task, turns=turns, hidden_turns=self._hidden)

    def learn(self, guessed: int, counted: int) -> None:
        """Correct the next guesses by what a provider counted for a request."""
        if guessed >= 200:
            self.scale = min(4.0, max(1.0, self.scale * counted / guessed))

    def _fit_earlier(self, request: ModelRequest, usable: int) -> str:
        """Show less of what was before the task; what is left of it in words, or nothing if it was left as it is."""
        others = self.tokens_for(request) / self.scale - self._earlier.tokens
        if not self._earlier.shrink_to(usable * REFILLED_TO / self.scale - others):
            return ""
        return self._earlier.words()

    def _take_in(self) -> None:
        for turn in self.turns[len(self._tokens) :]:
            self._tokens.append(_turn_tokens(turn))
            self._shown_tokens += self._tokens[-1]
            self._steps_before.append(self._steps_before[-1] + len(turn.results))

    def _fixed_tokens(self, request: ModelRequest) -> int:
        if not request.tools:
            tools = 0  # some of the run's models may be offered none
        elif (tools := self._tools_tokens) == 0:
            # Once: a run's tools stay the same.
            schemas = (json.dumps(tool.get_schema()) for tool in request.tools)
            tools = sum(map(tokens_in, schemas)) + sum(tokens_in(tool.description) for tool in request.tools)
            self._tools_tokens = tools
        schema = tokens_in(json.dumps(request.output_schema)) if request.output_schema else 0
        told = tokens_in(request.task) + tokens_in(request.instructions)
        return (
            tools
            + schema
            + told
            + self._earlier.tokens
            + (tokens_in(self._summary()) if self._hidden else 0)
            + 2 * MESSAGE_TOKENS
        )

    def _turns_of_last_steps(self) -> int:
        """How many turns the last steps of the history belong to."""
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
                said = f"{call_text(call.tool_name, call.arguments)[:80]} → {result.told[:80]}"
                self._last_hidden.append(" ".join(said.split()))
            self._shown_tokens -= self._tokens[self._hidden]
            self._tokens[self._hidden] = 0
            self.turns[self._hidden] = FORGOTTEN
            self._hidden += 1
            self._shortened = max(self._shortened, self._hidden)

    def _cut_last(self, room: float) -> None:
        """Even the last turn alone does not fit: each of its results gets its share of the room."""
        turn = self.turns[-1]
        others = self._shown_tokens - sum(tokens_in(result.told) for result in turn.results)
        share = max(int((room - others) * 4 / max(len(turn.results), 1)) - 80, SHORT_CHARS)
        self._replace(len(self.turns) - 1, [_short(result, share) for result in turn.results])
        self._shortened = len(self.turns)
        if self._shown_tokens > room:
            self._cut_arguments(room)

    def _cut_arguments(self, room: float) -> None:
        """What the calls of the last turn were given is too much by itself: the model sees its beginning, and nothing
        of the form in which its provider wanted the reply back, which has all of it."""
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
        # The history keeps no more of it than the model sees: outputs are most of a long run's memory.
        first = self._steps_before[index]
        for step, result in zip(self.state.steps[first : first + len(results)], results, strict=False):
            step.tool_output = result.told

    def _summary(self) -> str:
        which = f"{_turns(1, self._hidden).capitalize()} {'are' if self._hidden > 1 else 'is'}"
        calls = ", ".join(f"{name} {counted(count, 'time')}" for name, count in self._calls.most_common(8))
        lines = "".join(f"\n- {line}" for line in self._last_hidden)
        return f"[{which} no longer shown to you. In them you called: {calls or 'nothing'}. The last of these:{lines}]"


def _short(result: ToolResult, length: int) -> ToolResult:
    told = result.told
    if len(told) <= length + 60:
        return result
    told = f"{told[:length]}… [shortened: it had {len(told):,} characters]"
    if result.error is not None:
        return replace(result, error=replace(result.error, message=told), remark="")
    return replace(result, output=told, remark="")


def _short_texts(value: Any, length: int) -> Any:
    """The JSON with every text cut to `length` characters."""
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
    told = sum(tokens_in(result.told) + MESSAGE_TOKENS for result in turn.results)
    return said + told + sum(tokens_in(fault) for fault in turn.faults) + MESSAGE_TOKENS
