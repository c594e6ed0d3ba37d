"""The conversation of a continued run: the earlier runs as its model sees them."""

from collections.abc import Sequence
from dataclasses import replace

from runs.agent.errors.agent_error import AgentError, ErrorSeverity
from runs.agent.incomplete_replies import unfinished_at_end
from runs.agent.messages import Exchange, ModelReply, ToolResult, Turn
from runs.engine.files.run_files import images_of
from runs.engine.hosting.replay import history_of
from runs.models import Run, Step

MAX_EARLIER_RUNS = 50
"""Older runs are left out; no model's context window holds that much."""


def earlier_exchanges_of(run: Run) -> tuple[Exchange, ...]:
    """The exchanges before the task of `run`, oldest first; empty if it continues no run. Queries the database."""
    exchanges: list[Exchange] = []
    earlier_id = run.continues_id
    while earlier_id is not None and len(exchanges) < MAX_EARLIER_RUNS:
        earlier = Run.objects.filter(pk=earlier_id).first()
        if earlier is None:
            break
        exchanges.append(_exchange(earlier))
        earlier_id = earlier.continues_id
    return tuple(reversed(exchanges))


def _exchange(run: Run) -> Exchange:
    steps = list(run.steps.defer("html").order_by("sequence"))
    history = history_of(run, steps, run.calls.filter(position=0).order_by("turn", "index"))
    turns, messages, was_gone_on_from = history.turns, history.messages, False
    if (reply := history.open_reply) is not None:
        known = history.open_results
        calls = enumerate(reply.calls)
        results = (known.get(index) or _no_result(call.tool_name) for index, call in calls)
        turns, messages = [*turns, Turn(reply, tuple(results), messages=messages)], ()
    elif not messages and (begun := unfinished_at_end(turns)):
        # The next reply, if there was one, continued them; without one, the rest was not requested.
        turns, messages, was_gone_on_from = turns[: -len(begun)], begun[0].messages, True
    exchange = Exchange(run.task, tuple(turns), messages=messages, windows=history.windows, images=images_of(run))
    if run.status == Run.Status.COMPLETED:
        answer = _answer(run, steps)
        # The answer has the whole text. Its replay value would have the end only.
        answer = ModelReply(text=answer.text) if was_gone_on_from else answer
        return replace(exchange, answer=answer)
    return replace(exchange, ending=_ending(run))


def _answer(run: Run, steps: Sequence[Step]) -> ModelReply:
    turn = next((step.turn for step in reversed(steps) if step.kind == Step.Kind.ANSWER), None)
    replay = next((step.replay for step in steps if step.turn == turn and step.replay is not None), None)
    return ModelReply(text=run.answer, replay=replay)


def _ending(run: Run) -> str:
    if run.error is not None:
        return f"That task ended without an answer: {run.error.get('message', 'it failed.')}"
    return "That task was stopped by a person before there was an answer."


def _no_result(tool_name: str) -> ToolResult:
    error = AgentError("No result of this call was recorded.", ErrorSeverity.WARNING, {}, False, code="stopped")
    return ToolResult("", tool_name, None, error)
