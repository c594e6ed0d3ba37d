"""The guard against agents that go in circles: the model is told first, then the run stops."""

from collections.abc import Iterable
from typing import Final

from runs.agent.errors.exceptions import LoopDetected, UnknownTool
from runs.agent.loop_guard.repeats import Repeats
from runs.agent.messages import ToolRequest, Turn
from runs.agent.payloads.notes import RepeatsPayload
from runs.agent.payloads.step_fields import StepFields
from runs.agent.run_limits import RunLimits
from runs.agent.text import call_text
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.tools.protocol import Effect, effect_of, polls
from runs.agent.tools.toolbox import Toolbox
from runs.agent.wording import Wording

TOLD_AFTER: Final = 0.5
"""The share of the limit after which the model is told."""
_SHOWN_CHARS: Final = 200
TOLD: Final = Wording("The last calls repeat earlier ones and bring nothing new: the model was told so.")


class LoopGuard:
    """Counts the repeats of one run, over all claims. The limit is `RunLimits.max_repeats`."""

    def __init__(self, limits: RunLimits, toolbox: Toolbox, turns: Iterable[Turn] = ()) -> None:
        """`turns` are those of earlier claims."""
        self._most = limits.max_repeats
        self._toolbox = toolbox
        self._repeats = Repeats()
        self._rules: dict[str, tuple[Effect, bool]] = {}
        self._count = 0.0
        self._is_told = False
        self._last = ToolRequest("", {})
        for turn in turns:
            if turn.messages:
                self.reset()
            self._add(turn)
            self._is_told = self._count > 0 and (self._is_told or turn.is_told_of_repeats)

    def check(self) -> None:
        """Raise `LoopDetected` if the run has reached the limit."""
        if self._count >= self._most:
            raise LoopDetected(used=int(self._count), limit=self._most, last_call=_shown(self._last))

    def reset(self) -> None:
        """Begin to count anew: a person has said something, so what the run does next is not the same again."""
        self._count, self._is_told = 0.0, False

    def warning_after(self, turn: Turn) -> str | None:
        """Add a finished turn. Returns what the model has to be told now, once in a row of repeats; else None."""
        self._add(turn)
        self._is_told = self._is_told and self._count > 0
        if self._is_told or not self._most * TOLD_AFTER <= self._count < self._most:
            return None
        self._is_told = True
        return _warning(_shown(self._last))

    def _add(self, turn: Turn) -> None:
        if not turn.reply.calls:
            return
        rules = [self._rules.get(each.tool_name) or self._rules_of(each.tool_name) for each in turn.reply.calls]
        weight = self._repeats.weight_of(turn, rules)
        if weight is not None:
            self._count = self._count + weight if weight else 0.0
        self._last = turn.reply.calls[-1]

    def _rules_of(self, name: str) -> tuple[Effect, bool]:
        """The effect of a tool, and whether it polls."""
        try:
            tool = self._toolbox.get(name)
        except UnknownTool:
            return "pure", False
        return self._rules.setdefault(name, (effect_of(tool), polls(tool)))


def repeats_note(warning: str, *, turn: int) -> AgentThought:
    """The note that the model was given the warning after that turn."""
    return AgentThought(ThoughtType.NOTE, TOLD, payload=RepeatsPayload(warning=warning), fields=StepFields(turn=turn))


def _warning(call: str) -> str:
    return (
        f"You are going in circles: the last calls, such as {call}, repeat earlier ones and bring nothing new. Do not "
        "repeat them. Try something else, or answer with what you know and say what is missing. If you go on like "
        "this, the run is stopped."
    )


def _shown(request: ToolRequest) -> str:
    text = call_text(request.tool_name, request.arguments)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
