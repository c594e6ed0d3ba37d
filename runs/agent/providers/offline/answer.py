"""The texts of the planner: reasoning, answer, refusals, welcome."""

import re
from collections.abc import Collection

from runs.agent.messages import ToolRequest
from runs.agent.providers.offline.goals import Goal
from runs.agent.providers.offline.grammar import TOPICS
from runs.agent.providers.offline.plan import Progress, Refusal
from runs.agent.text import counted
from runs.agent.tools.protocol import needs_files
from runs.agent.tools.registry import registered_tools

_CHAT = re.compile(
    r"(?:(?:hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|help|help me|thanks|thank you|"
    r"thx|yo|test|testing|ping|ok|okay|there|agent|assistant|how are you|how do you work|who are you|what are you|"
    r"what can (?:you|i) (?:do|ask)(?: (?:here|for me|you))?|what do you do|what do you know|"
    r"(?:can|could) you help(?: me)?|please|start|examples?|show me (?:some )?examples?)[\s,.!?]*)*",
    re.IGNORECASE,
)


_ABOUT_FILES = (
    "- **Files**: attach tables or documents to a task, and ask about them: `Total amount by region in sales.csv` · "
    "`What do the documents say about refunds?`"
)


def is_chat(task: str) -> bool:
    """True for small talk, a call for help, or an empty task."""
    return len(task) < 200 and _CHAT.fullmatch(task.strip()) is not None


def welcome(tool_names: Collection[str]) -> str:
    """The greeting, with examples of tasks for the run's tools."""
    hello = "Hello! I am the offline planner: I follow rules, use no AI and need no network. Try one of these:"
    return f"{hello}\n\n{_examples(tool_names)}"


def refusal(refused: Refusal, tool_names: Collection[str]) -> str:
    """The text about a clause that was not understood, with examples of what works."""
    why = f": {refused.reason.rstrip('.')}." if refused.reason else "."
    clause = " ".join(refused.clause.split())
    shown = clause if len(clause) <= 200 else clause[:197] + "…"
    return (
        f"I could not do “{shown}”{why} The offline planner has no rule for this. Connect a model to do more. "
        f"What works:\n\n{_examples(tool_names)}"
    )


def missing_tool(goal: Goal, tool_names: Collection[str], *, has_files: bool) -> str:
    """The text about a tool that a goal needs and the run does not have."""
    if _lacks_files(goal, has_files=has_files):
        return (
            f"I could not do “{goal.clause}”: this run has no files. Give it the files that it is about, or ask for "
            f"something else:\n\n{_examples(tool_names)}"
        )
    return (
        f"I could not do “{goal.clause}”: it needs the tool `{goal.tool_name}`, which this agent may not use. "
        f"Give it that tool, or ask for something else:\n\n{_examples(tool_names)}"
    )


def why_missing(goal: Goal, *, has_files: bool) -> str:
    """The reasoning about a tool that a goal needs and the run does not have."""
    if _lacks_files(goal, has_files=has_files):
        return f"No file is attached, so there is nothing for {goal.tool_name} to read."
    return f"The tool {goal.tool_name} is missing."


def _lacks_files(goal: Goal, *, has_files: bool) -> bool:
    tool = registered_tools().get(goal.tool_name)
    return tool is not None and needs_files(tool) and not has_files


def _examples(tool_names: Collection[str]) -> str:
    able = [topic for topic in reversed(TOPICS) if topic.tool_names <= set(tool_names)]
    if not able:
        return "- nothing yet: this agent has none of the tools that I know."
    lines = [f"- **{topic.name}**: {' · '.join(f'`{example}`' for example in topic.examples)}" for topic in able]
    if not any("read_file" in topic.tool_names or "query_table" in topic.tool_names for topic in able):
        lines.append(_ABOUT_FILES)
    return "\n".join(lines)


def reasoning_for_calls(progress: Progress, ready: dict[int, ToolRequest]) -> str:
    """The reasoning: which rules matched the task, and why these calls are made now."""
    goals = [progress.goals[place] for place in ready]
    named = _listed([f"“{goal.clause}” is {_topic(goal)}" for goal in goals])
    if len(progress.outcomes) > progress.first:
        return f"The earlier results are in. Next, {named}."
    waiting = len(progress.goals) - progress.first - len(goals)
    order = "" if len(goals) == 1 else " These do not need each other: they run at once."
    need = "its result" if len(goals) == 1 else "their results"
    later = f" {counted(waiting, 'more step needs', 'more steps need')} {need}." if waiting else ""
    return f"{named[0].upper() + named[1:]}.{order}{later}"


def _topic(goal: Goal) -> str:
    return f"{goal.rule} (a first step)" if goal.is_step else goal.rule


def reasoning_for_answer(progress: Progress) -> str:
    """The reasoning before the answer."""
    if progress.has_failed:
        return "A call failed. The answer says what is certain and what is missing."
    return "Every result is in, so I put them into the answer."


def answer(progress: Progress) -> str:
    """The answer: one sentence per result, per failed goal, and per goal left out because of a failure."""
    lines = [line for place in range(progress.first, len(progress.goals)) if (line := _line(progress, place))]
    if len(lines) == 1:
        return lines[0]
    # What has several lines is indented, as a part of its item.
    return "\n".join("- " + line.replace("\n", "\n  ").replace("\n  \n", "\n\n") for line in lines)


def _line(progress: Progress, place: int) -> str:
    goal, outcome = progress.goals[place], progress.outcomes.get(place)
    if outcome is None:
        if any(_is_failed_step(progress, need) for need in goal.needs):
            return ""  # the step's failure has said so, for the same clause
        return f"I left out “{goal.clause}”: it needs a result that is missing."
    if outcome.failure:
        return f"I could not do “{goal.clause}”: {outcome.failure}"
    return "" if goal.is_step else outcome.told


def _is_failed_step(progress: Progress, place: int) -> bool:
    outcome = progress.outcomes.get(place)
    return progress.goals[place].is_step and outcome is not None and bool(outcome.failure)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
