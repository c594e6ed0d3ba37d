"""Replay: from recorded steps back to the model's history, so that an interrupted run can go on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from runs.agent.errors.agent_error import AgentError, ErrorSeverity
from runs.agent.messages import History, ModelReply, NestedCall, ToolInvocation, ToolRequest, ToolResult, Turn
from runs.agent.payloads.notes import (
    BadOutputPayload,
    RepeatsPayload,
    SoFarPayload,
    UnfinishedPayload,
    Why,
    WindowPayload,
)
from runs.agent.payloads.steps import ToolResultPayload
from runs.agent.tools.person_questions import GivenAnswer
from runs.agent.unfinished_thought import INTERRUPTIONS
from runs.models import Question, Run, Step, ToolCall


def history_of(
    run: Run, steps: Sequence[Step], calls: Iterable[ToolCall], answered: Iterable[Question] = ()
) -> History:
    """The history recorded for `run`: finished turns, and the reply whose calls still miss results, if there is one.

    `answered` are the answered questions of those calls, in order.
    """
    history = History(
        steps=run.last_sequence,
        tokens=run.tokens_used or 0,
        cost_usd=run.cost,
        active_s=run.active_ms / 1000,
        open_answers=_answers(answered),
    )
    calls_by_turn: dict[int, list[ToolCall]] = defaultdict(list)
    known = list(calls)
    nested = [call for call in known if call.position]
    for call in known:
        if not call.position:
            calls_by_turn[call.turn].append(call)
    history.further_calls = len(nested)
    steps_by_turn: dict[int | None, list[Step]] = defaultdict(list)
    for step in steps:
        steps_by_turn[step.turn].append(step)
    _note_windows(history, steps)
    ended = _without_calls(steps)
    unfinished = _gone_on_from(steps)
    messages = _messages(steps)
    for turn in sorted(calls_by_turn.keys() | ended.keys() | unfinished.keys()):
        said = messages.pop(turn, ())
        if turn in ended:
            history.turns.append(replace(ended[turn], messages=said))
        elif turn in calls_by_turn:
            in_calls = [call for call in nested if call.turn == turn]
            _add_turn_with_calls(history, steps_by_turn[turn], calls_by_turn[turn], in_calls, said)
        else:
            made, why = unfinished[turn]
            history.turns.append(replace(made, messages=said))
            history.uncounted_turns += why in INTERRUPTIONS
    history.messages += tuple(message for said in messages.values() for message in said)
    return history


def _add_turn_with_calls(
    history: History,
    steps: Sequence[Step],
    calls: Sequence[ToolCall],
    nested: Iterable[ToolCall],
    said: tuple[str, ...],
) -> None:
    """Add a turn with calls, finished or open. `nested` are the calls that its calls have made, `said` what people said
    before it."""
    reply = _reply(steps, calls)
    told = {step.call_id: step for step in steps if step.kind == Step.Kind.TOOL_RESULT}
    results = {call.index: result for call in calls if (result := _result(told, call)) is not None}
    if len(results) == len(reply.calls):
        history.turns.append(_finished(reply, results, steps, said))
        return
    history.messages = said
    history.open_reply, history.open_results = reply, results
    history.open_arguments = {call.index: call.arguments for call in calls if call.proposed_arguments is not None}
    history.open_approved = frozenset(call.index for call in calls if call.is_approved)
    history.open_nested = _nested(nested, told)


def _nested(calls: Iterable[ToolCall], told: Mapping[UUID | None, Step]) -> dict[str, list[NestedCall]]:
    """The calls that the calls of the open reply make, by the id of the call that makes them."""
    found: dict[str, list[NestedCall]] = {}
    for call in calls:
        found.setdefault(call.parent_id, []).append(NestedCall(invocation_of(call), _result(told, call)))
    return found


def _messages(steps: Sequence[Step]) -> dict[int, tuple[str, ...]]:
    """By turn, what people said to the run before its reply, in order."""
    found: dict[int, tuple[str, ...]] = {}
    for step in steps:
        if step.kind == Step.Kind.MESSAGE and step.turn:
            found[step.turn] = (*found.get(step.turn, ()), step.content)
    return found


def _answers(answered: Iterable[Question]) -> dict[str, list[GivenAnswer]]:
    """The answers by the id of their call, in order."""
    found: dict[str, list[GivenAnswer]] = {}
    for question in answered:
        found.setdefault(str(question.call_id), []).append(question.given_answer())
    return found


def _finished(
    reply: ModelReply, results: Mapping[int, ToolResult], steps: Sequence[Step], messages: tuple[str, ...]
) -> Turn:
    """The turn as the model saw it, with the warning if it went in circles."""
    turn = Turn(reply, tuple(results[index] for index in range(len(reply.calls))), messages=messages)
    for step in steps:
        if isinstance(step.payload, RepeatsPayload):
            return turn.with_warning(step.payload.warning)
    return turn


def invocation_of(call: ToolCall) -> ToolInvocation:
    """The call as it is recorded, and as a person has decided about it."""
    return ToolInvocation(
        str(call.call_id),
        call.tool_name,
        call.arguments,
        call.turn,
        call.index,
        call.proposed_arguments,
        call.is_approved,
        call.position,
        call.parent_id,
    )


def _note_windows(history: History, steps: Sequence[Step]) -> None:
    """Note the context windows that the run has learnt from its models' refusals."""
    for step in steps:
        if isinstance(step.payload, WindowPayload):
            history.past_is_changed = True
            if (learnt := step.payload.learnt_tokens) is not None:
                history.windows[f"{step.provider}/{step.model}"] = learnt


def _gone_on_from(steps: Sequence[Step]) -> dict[int, tuple[Turn, Why]]:
    """By turn, the unfinished replies that the next reply continued, each as a turn, and why they are unfinished."""
    found: dict[int, tuple[Turn, Why]] = {}
    for step in steps:
        if not step.turn or step.unfinished_why is None:
            continue
        match step.payload:
            case UnfinishedPayload(goes_on=True, answer=answer, why=why):
                found[step.turn] = Turn(ModelReply(text=answer, replay=step.replay), is_unfinished=True), why
    return found


def _without_calls(steps: Sequence[Step]) -> dict[int, Turn]:
    """By turn, the answers that did not end the run: they did not fit the output schema, or messages waited."""
    found: dict[int, Turn] = {}
    for step in steps:
        match step.payload:
            case BadOutputPayload(answer=answer, faults=faults) if step.turn:
                found[step.turn] = Turn(ModelReply(text=answer, replay=step.replay), faults=faults)
            case SoFarPayload(answer=answer) if step.turn:
                of_turn = (each.replay for each in steps if each.turn == step.turn and each.replay is not None)
                found[step.turn] = Turn(ModelReply(text=answer, replay=next(of_turn, None)))
    return found


def _reply(steps: Sequence[Step], calls: Sequence[ToolCall]) -> ModelReply:
    reasoning = "\n\n".join(step.content for step in steps if step.kind == Step.Kind.REASONING)
    replay = next((step.replay for step in steps if step.replay is not None), None)
    requests = tuple(
        ToolRequest(call.tool_name, call.arguments if call.proposed_arguments is None else call.proposed_arguments)
        for call in calls
    )
    return ModelReply(reasoning=reasoning, calls=requests, replay=replay)


def _result(results: Mapping[UUID | None, Step], call: ToolCall) -> ToolResult | None:
    """The call's result among the last results of its turn, by call; None if it has none, or is to run again despite an
    earlier one."""
    step = results.get(call.call_id)
    if step is None or call.state in ToolCall.OPEN:
        return None
    payload = step.payload
    duration_s = (step.ended_at - step.started_at).total_seconds() if step.ended_at and step.started_at else 0.0
    remark, code = (payload.remark, payload.code) if isinstance(payload, ToolResultPayload) else ("", "")
    return ToolResult(str(call.call_id), call.tool_name, step.tool_output, _error(step, code), duration_s, remark)


def _error(step: Step, code: str) -> AgentError | None:
    if not step.severity:
        return None
    return AgentError(
        step.content,
        ErrorSeverity(step.severity),
        {},
        bool(step.recoverable),
        step.suggested_action or None,
        code=code or "unexpected",
    )
