"""From recorded steps back to what the model knows: how an interrupted run goes on."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from runs.agent.errors import AgentError, ErrorSeverity
from runs.agent.messages import History, ModelReply, ToolRequest, ToolResult, Turn
from runs.agent.unfinished import INTERRUPTIONS, why_unfinished
from runs.models import Run, Step, ToolCall


def history_of(run: Run, steps: Sequence[Step], calls: Iterable[ToolCall]) -> History:
    """The history recorded for `run`: finished turns, and the reply whose calls still miss results, if there is one."""
    history = History(
        steps=run.last_sequence, tokens=run.tokens_used or 0, cost_usd=run.cost, active_s=run.active_ms / 1000
    )
    calls_by_turn: dict[int, list[ToolCall]] = defaultdict(list)
    for call in calls:
        calls_by_turn[call.turn].append(call)
    steps_by_turn: dict[int | None, list[Step]] = defaultdict(list)
    for step in steps:
        steps_by_turn[step.turn].append(step)
    _note_windows(history, steps)
    rejected = {step.turn: step for step in steps if step.turn and step.metadata.get("note") == "bad_output"}
    unfinished = _gone_on_from(steps)
    for turn in sorted(calls_by_turn.keys() | rejected.keys() | unfinished.keys()):
        of_turn = steps_by_turn[turn]
        if turn in unfinished and turn not in calls_by_turn and turn not in rejected:
            history.turns.append(_unfinished(unfinished[turn]))
            history.uncounted_turns += unfinished[turn].metadata.get("why") in INTERRUPTIONS
            continue
        if turn in rejected:
            history.turns.append(_rejected(rejected[turn]))
            continue
        reply = _reply(of_turn, calls_by_turn[turn])
        results = {call.index: result for call in calls_by_turn[turn] if (result := _result(of_turn, call)) is not None}
        if len(results) == len(reply.calls):
            history.turns.append(Turn(reply, tuple(results[index] for index in range(len(reply.calls)))))
        else:
            history.open_reply, history.open_results = reply, results
            history.open_arguments = {
                call.index: call.arguments for call in calls_by_turn[turn] if call.proposed_arguments is not None
            }
            history.open_approved = frozenset(call.index for call in calls_by_turn[turn] if call.is_approved)
    return history


def _note_windows(history: History, steps: Sequence[Step]) -> None:
    """What the run has met of its models' windows."""
    for step in steps:
        if step.metadata.get("note") == "window":
            history.past_is_changed = True
            if (learnt := step.metadata.get("learnt_tokens")) is not None:
                history.windows[f"{step.provider}/{step.model}"] = int(learnt)


def _gone_on_from(steps: Sequence[Step]) -> dict[int, Step]:
    """By turn, the unfinished replies that the next reply goes on from."""
    return {
        step.turn: step
        for step in steps
        if step.turn and why_unfinished(step.metadata) is not None and step.metadata.get("goes_on")
    }


def _unfinished(step: Step) -> Turn:
    """A reply that was cut off. The next one is a turn of its own."""
    return Turn(ModelReply(text=str(step.metadata.get("answer", "")), replay=step.replay), is_unfinished=True)


def _rejected(step: Step) -> Turn:
    """A turn whose answer did not fit the output schema."""
    reply = ModelReply(text=str(step.metadata.get("answer", "")), replay=step.replay)
    return Turn(reply, faults=tuple(map(str, step.metadata.get("faults", ()))))


def _reply(steps: Sequence[Step], calls: Sequence[ToolCall]) -> ModelReply:
    reasoning = "\n\n".join(step.content for step in steps if step.kind == Step.Kind.REASONING)
    replay = next((step.replay for step in steps if step.replay is not None), None)
    requests = tuple(
        ToolRequest(call.tool_name, call.arguments if call.proposed_arguments is None else call.proposed_arguments)
        for call in calls
    )
    return ModelReply(reasoning=reasoning, calls=requests, replay=replay)


def _result(steps: Sequence[Step], call: ToolCall) -> ToolResult | None:
    """The call's result; None if it has none, or is to run once more although an earlier one was told of it."""
    told = [step for step in steps if step.kind == Step.Kind.TOOL_RESULT and step.call_id == call.call_id]
    if not told or call.state in ToolCall.OPEN:
        return None
    step = told[-1]
    duration_s = (step.ended_at - step.started_at).total_seconds() if step.ended_at and step.started_at else 0.0
    remark = str(step.metadata.get("remark", ""))
    return ToolResult(str(call.call_id), call.tool_name, step.tool_output, _error(step), duration_s, remark)


def _error(step: Step) -> AgentError | None:
    if not step.severity:
        return None
    return AgentError(
        step.content,
        ErrorSeverity(step.severity),
        {},
        bool(step.recoverable),
        step.suggested_action or None,
        code=step.metadata.get("code", "unexpected"),
    )
