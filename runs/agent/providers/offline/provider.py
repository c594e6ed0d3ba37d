"""The model provider that follows rules."""

from collections.abc import Mapping
from typing import Any

from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta
from runs.agent.providers.offline import answer, form
from runs.agent.providers.offline.follow_up import plan_for
from runs.agent.providers.offline.plan import Progress, Refusal


class OfflinePlanner:
    """Offline planner (rules, no AI). Satisfies `ModelProvider`.

    Every reply is a function of the request alone: the task is read again each time, and the results so far come from
    the turns, those before it from the earlier tasks. Tokens and cost are unknown to it: there are none.
    """

    name = "offline"
    model = "offline"

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The calls that can be made now, or the answer. What no rule reads is refused, in an answer that says so."""
        reply = next_reply(request)
        if on_delta is not None and reply.text:
            on_delta(Delta(reply.text))
        return reply


def next_reply(request: ModelRequest) -> ModelReply:
    """The reply to a request. Raises `ModelFailure` if the answer has to have a form the results do not fit."""
    tool_names = [tool.name for tool in request.tools]
    if request.output_schema is not None:
        return _data_reply(request, tool_names, request.output_schema)
    if answer.is_chat(request.task):
        return ModelReply(answer.welcome(tool_names), "Nothing is asked yet, so I say what I can do.")
    goals, reached = plan_for(request.task, request.earlier)
    if isinstance(goals, Refusal):
        return ModelReply(
            answer.refusal(goals, tool_names), f"No rule reads “{_short(goals.clause)}”, so I do not guess."
        )
    for goal in goals:
        if goal.tool_name not in tool_names:
            return ModelReply(answer.missing_tool(goal, tool_names), f"The tool {goal.tool_name} is missing.")
    progress = Progress.after(goals, request.turns, reached)
    return _calls(progress) or ModelReply(answer.answer(progress), answer.reasoning_for_answer(progress))


def _data_reply(request: ModelRequest, tool_names: list[str], schema: Mapping[str, Any]) -> ModelReply:
    goals, reached = plan_for(request.task, request.earlier)
    if isinstance(goals, Refusal):
        raise form.refused(f"no rule reads “{_short(goals.clause)}”")
    if missing := [goal.tool_name for goal in goals if goal.tool_name not in tool_names]:
        raise form.refused(f"the tool {missing[0]} is missing")
    progress = Progress.after(goals, request.turns, reached)
    return _calls(progress) or ModelReply(form.data_answer(progress, schema), answer.reasoning_for_answer(progress))


def _calls(progress: Progress) -> ModelReply | None:
    """The reply that asks for the calls that can be made now, if there are any."""
    if ready := progress.ready():
        return ModelReply(reasoning=answer.reasoning_for_calls(progress, ready), calls=tuple(ready.values()))
    return None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:77] + "…"
