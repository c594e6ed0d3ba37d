"""The offline planner, a model provider."""

from dataclasses import replace

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta
from runs.agent.providers.capabilities import Capabilities
from runs.agent.providers.offline import answer
from runs.agent.providers.offline import structured_answer as form
from runs.agent.providers.offline.file_listing import asks_for_files, listing
from runs.agent.providers.offline.follow_up_references import plan_for
from runs.agent.providers.offline.plan import Progress, Refusal


class OfflinePlanner:
    """Offline planner (rules, no AI). A `ModelProvider`.

    Every reply is a function of the request alone: the task is parsed again each time, and results come from the turns
    and from earlier exchanges. It uses no tokens and has no cost.
    """

    name = "offline"
    model = "offline"
    capabilities = Capabilities(vision=False)

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The next calls, or the answer. The answer to a task that no rule matches is a refusal."""
        reply = next_reply(request)
        if on_delta is not None and reply.text:
            on_delta(Delta(reply.text))
        return reply


def next_reply(request: ModelRequest) -> ModelReply:
    """The reply to a request. Raises `ModelFailure` if the results do not fit the output schema."""
    tool_names = [tool.name for tool in request.tools]
    request = replace(request, task=_whole_task(request))
    if request.output_schema is not None:
        return _data_reply(request, tool_names, request.output_schema)
    if answer.is_chat(request.task):
        return ModelReply(answer.welcome(tool_names), "Nothing is asked yet, so I say what I can do.")
    if asks_for_files(request.task):
        return ModelReply(listing(request.files), "The files of the run are known without a tool.")
    goals, reached = plan_for(request.task, request.earlier, request.files)
    if isinstance(goals, Refusal):
        reasoning = f"The offline planner has no rule for “{_short(goals.clause)}”."
        return ModelReply(answer.refusal(goals, tool_names), reasoning, could_not=True)
    for goal in goals:
        if goal.tool_name not in tool_names:
            reasoning = answer.why_missing(goal, has_files=bool(request.files))
            return ModelReply(
                answer.missing_tool(goal, tool_names, has_files=bool(request.files)), reasoning, could_not=True
            )
    progress = Progress.after(goals, request.turns, reached)
    return _calls(progress) or ModelReply(
        answer.answer(progress), answer.reasoning_for_answer(progress), could_not=progress.has_failed
    )


def _whole_task(request: ModelRequest) -> str:
    """The task, and after it what people have said since, as further sentences. Of small talk only the rest counts."""
    messages = [message for turn in request.turns for message in turn.messages] + [*request.messages]
    if not messages:
        return request.task
    asked = [said for said in (request.task, *messages) if not answer.is_chat(said)]
    return "\n".join(
        said if said.rstrip().endswith((".", "?", "!")) else f"{said}." for said in asked or [request.task]
    )


def _data_reply(request: ModelRequest, tool_names: list[str], schema: JsonMapping) -> ModelReply:
    goals, reached = plan_for(request.task, request.earlier, request.files)
    if isinstance(goals, Refusal):
        raise form.refused(f"it has no rule for “{_short(goals.clause)}”")
    if missing := [goal.tool_name for goal in goals if goal.tool_name not in tool_names]:
        raise form.refused(f"the tool {missing[0]} is missing")
    progress = Progress.after(goals, request.turns, reached)
    return _calls(progress) or ModelReply(form.data_answer(progress, schema), answer.reasoning_for_answer(progress))


def _calls(progress: Progress) -> ModelReply | None:
    """The reply with the calls that can be made now; None if there are none."""
    if ready := progress.ready():
        return ModelReply(reasoning=answer.reasoning_for_calls(progress, ready), calls=tuple(ready.values()))
    return None


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 80 else text[:77] + "…"
