"""References of a follow-up ("it", "the result") to the results of the task before it."""

import re
from collections.abc import Sequence
from typing import Any

from runs.agent.files.file_info import FileInfo
from runs.agent.json_data.json_types import JsonMapping
from runs.agent.messages import Exchange
from runs.agent.providers.offline.goals import Goal
from runs.agent.providers.offline.plan import Progress, Refusal, ToolOutcome, read_task

Reached = tuple[tuple[Goal, ToolOutcome], ...]
"""Goals with their outcomes."""

MAX_EXCHANGES = 20
"""Number of earlier exchanges that are read."""

_NUMBER = re.compile(r"(?<![\w.,])-?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w%])|(?<![\w.,])-?\d+(?:\.\d+)?(?![\w%]|[.,]\d)")


def plan_for(
    task: str, earlier: Sequence[Exchange], files: Sequence[FileInfo] = ()
) -> tuple[tuple[Goal, ...] | Refusal, Reached]:
    """The goals of a task about `files`, and those of the task before it if it refers to them.

    A task that can be understood by itself has no references.
    """
    goals = read_task(task, files=files)
    if not isinstance(goals, Refusal) or not earlier:
        return goals, ()
    reached = _reached(earlier[-MAX_EXCHANGES:], files)
    pointing = read_task(task, [goal for goal, _ in reached], files) if reached else goals
    return (goals, ()) if isinstance(pointing, Refusal) else (pointing, reached)


def _reached(earlier: Sequence[Exchange], files: Sequence[FileInfo]) -> Reached:
    """The goals and outcomes of the last earlier task; each task may refer to the one before it."""
    reached: Reached = ()
    for exchange in earlier:
        goals = read_task(exchange.task, files=files)
        before: Reached = ()
        if isinstance(goals, Refusal) and reached:
            goals, before = read_task(exchange.task, [goal for goal, _ in reached], files), reached
        if isinstance(goals, Refusal):
            reached = _in_the_answer(exchange)
            continue
        progress = Progress.after(goals, exchange.turns, before)
        ended = ((progress.goals[place], outcome) for place, outcome in sorted(progress.outcomes.items()))
        reached = tuple(each for each in list(ended)[len(before) :] if not each[1].failure and not each[0].is_step)
    return reached


def _in_the_answer(exchange: Exchange) -> Reached:
    """The number in an answer of another model as an outcome; empty unless there is exactly one."""
    answer = exchange.answer.text if exchange.answer is not None else ""
    numbers = {float(found.replace(",", "")) for found in _NUMBER.findall(answer)}
    if len(numbers) != 1:
        return ()
    (number,) = numbers
    value: float | int = int(number) if number.is_integer() else number

    def say(_arguments: JsonMapping, output: Any) -> str:
        return str(output)

    goal = Goal(clause=exchange.task, rule="the answer before", tool_name="calculator", arguments={}, say=say)
    return ((goal, ToolOutcome(value, str(value))),)
