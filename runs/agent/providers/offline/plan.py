"""From a task to a plan: its goals in order, or the reason why there is none."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runs.agent.messages import ToolRequest, Turn
from runs.agent.providers.offline.clauses import MAX_CLAUSE_LENGTH, MAX_TASK_LENGTH, Task, halves
from runs.agent.providers.offline.goals import Goal, Refused
from runs.agent.providers.offline.grammar import read_clause

MAX_READINGS = 400
"""Tries at a clause per task. A readable task takes a few; this bounds an unreadable one."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a task has no plan."""

    clause: str
    """The part that was not understood, in the user's words."""
    reason: str = ""
    """A sentence, if there is more to say than that no rule fits."""


def read_task(text: str, before: Sequence[Goal] = ()) -> tuple[Goal, ...] | Refusal:
    """The goals of a task, in its order. Words that point back may point at the goals `before` it.

    One clause that is not understood refuses the whole task: it may change what the others mean.
    """
    if len(text) > MAX_TASK_LENGTH:
        return Refusal(text[:80] + "…", f"it is longer than the {MAX_TASK_LENGTH} characters that rules can follow")
    task = Task(text)
    if "#" in task.text:
        # `#0` is how an expression names the result of goal 0, and only the planner may write that.
        return Refusal(text, "the sign # has no meaning outside a quoted text")
    reading = _Reading(task)
    goals: tuple[Goal, ...] = ()
    for sentence in task.sentences():
        found = reading.goals(sentence, (*before, *goals))
        if found is None:
            return reading.refusal(sentence)
        goals += found
    return goals or Refusal(text)


class _Reading:
    """The search for a reading of each sentence, and the best reason if there is none."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._tries = 0
        self._rest = ""
        self._refused: Refusal | None = None

    def goals(self, sentence: str, earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
        """The goals of a sentence: as one clause if a rule fits, else parted where both sides have a reading."""
        if (whole := self._clause(sentence, earlier)) is not None:
            return whole
        for first, rest in halves(sentence):
            goals = self._clause(first, earlier)
            if goals is None or _may_go_on(goals[-1], rest):
                continue
            if (others := self.goals(rest, (*earlier, *goals))) is not None:
                return goals + others
            self._rest = min(filter(None, (self._rest, rest)), key=len)
        return None

    def refusal(self, sentence: str) -> Refusal:
        """What to tell about a sentence without a reading."""
        if self._refused is not None:
            return self._refused
        return Refusal(self._task.in_full(self._rest or sentence))

    def _clause(self, said: str, earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
        self._tries += 1
        if self._tries > MAX_READINGS or len(said) > MAX_CLAUSE_LENGTH:
            return None
        clause = self._task.clause(said)
        try:
            return read_clause(clause, earlier)
        except Refused as refused:
            self._refused = Refusal(clause.said, str(refused))
            return None


def _may_go_on(goal: Goal, rest: str) -> bool:
    """True if what follows an "and" may belong to the list before it: "average of 2 and 4 and 6 divided by 2"."""
    is_list = re.search(
        r"\b(?:sum|total|product|average|mean|median|add|multiply|min\w*|max\w*|small\w*|larg\w*|low\w*|high\w*|big\w*)\b",
        goal.clause,
        re.IGNORECASE,
    )
    return goal.tool_name == "calculator" and is_list is not None and re.match(r"[-\d(]", rest) is not None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one goal ended: with an output, or with the reason why not."""

    output: Any = None
    told: str = ""
    """The result as a sentence of the answer."""
    failure: str = ""


@dataclass(slots=True)
class Progress:
    """Where a plan stands after the turns so far."""

    goals: tuple[Goal, ...]
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    first: int = 0
    """The place of the task's first goal: those before it were reached in earlier tasks."""

    @classmethod
    def after(
        cls, goals: tuple[Goal, ...], turns: Sequence[Turn], reached: Sequence[tuple[Goal, Outcome]] = ()
    ) -> "Progress":
        """Take the results of the turns, each for the first goal that asks for exactly this call.

        `reached` are the goals of an earlier task, with how they ended, in front of these.
        """
        known = {place: outcome for place, (_, outcome) in enumerate(reached)}
        progress = cls((*(goal for goal, _ in reached), *goals), known, len(reached))
        for turn in turns:
            for request, result in zip(turn.reply.calls, turn.results, strict=False):
                place = progress._asking_for(request)
                if place is not None:
                    failure = result.error.message if result.error is not None else ""
                    progress.outcomes[place] = progress._outcome(place, result.output, failure)
        return progress

    @property
    def values(self) -> Mapping[int, Any]:
        """The values that later goals may use."""
        return {
            place: self.goals[place].value(outcome.output)
            for place, outcome in self.outcomes.items()
            if not outcome.failure
        }

    def ready(self) -> dict[int, ToolRequest]:
        """The calls that can be made now: not made yet, and with every value they need."""
        values = self.values
        return {
            place: ToolRequest(goal.tool_name, goal.filled(values))
            for place, goal in enumerate(self.goals)
            if place not in self.outcomes and goal.needs <= values.keys()
        }

    def _asking_for(self, request: ToolRequest) -> int | None:
        return next((place for place, ready in self.ready().items() if ready == request), None)

    def _outcome(self, place: int, output: Any, failure: str) -> Outcome:
        if failure:
            return Outcome(failure=failure)
        goal = self.goals[place]
        try:
            goal.value(output)
            return Outcome(output, goal.say(goal.filled(self.values), output))
        except (TypeError, ValueError, KeyError, AttributeError):
            # Somebody's own tool of the same name may answer in another shape.
            return Outcome(failure=f"`{goal.tool_name}` gave {output!r:.80}, which I cannot read.")
