"""The facts about one step: which, when, how long, by which model, at what cost, with what effect."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from runs.agent.all_settings import SETTINGS
from runs.agent.payloads.steps import (
    AnswerPayload,
    ErrorPayload,
    ReasoningPayload,
    RetryPayload,
    ToolCallPayload,
    ToolResultPayload,
)
from runs.agent.tools.registry import registered_tools
from runs.live.rendering.formatting import dollars, duration_text, tokens_text
from runs.live.rendering.step_views import StepView
from runs.live.rendering.stored_words import error_words
from runs.markdown import visible
from runs.models import Run, Step, ToolCall
from runs.web.agent_facts import EFFECTS
from runs.web.model_rows import BUILT_IN
from runs.web.run_settings import Fact

REPLIES: Final = (Step.Kind.REASONING, Step.Kind.ANSWER)
"""The kinds of steps that are a model's reply, or a part of one."""


@dataclass(frozen=True, slots=True)
class CallSteps:
    """A tool call with its steps. All None for a step that is about none."""

    row: ToolCall | None = None
    """Read with `decided_by`."""
    asked: Step | None = None
    """The step that proposed it."""
    result: Step | None = None
    """The last step that tells its result so far."""


def call_steps(run: Run, step: Step) -> CallSteps:
    """The call that the step is about."""
    if step.call_id is None:
        return CallSteps()
    rows = run.steps.filter(call_id=step.call_id).defer("replay")
    asked = step if step.kind == Step.Kind.TOOL_CALL else _nearest(rows, Step.Kind.TOOL_CALL, before=step.sequence)
    result = step if step.kind == Step.Kind.TOOL_RESULT else _nearest(rows, Step.Kind.TOOL_RESULT, after=step.sequence)
    return CallSteps(run.calls.select_related("decided_by").filter(pk=step.call_id).first(), asked, result)


def _nearest(rows: Any, kind: str, *, before: int = 0, after: int = 0) -> Step | None:
    """The nearest step of that kind. The steps of a call are near each other: the search ends soon."""
    if before:
        found: Step | None = rows.filter(kind=kind, sequence__lt=before).order_by("-sequence").first()
        return found
    later: Step | None = rows.filter(kind=kind, sequence__gt=after).order_by("sequence").first()
    return later


def facts_of_step(run: Run, step: Step, card: StepView, call: CallSteps) -> list[Fact]:
    """All that is known about the step, besides its texts."""
    timed = call.result if step.kind == Step.Kind.TOOL_CALL and call.result is not None else step
    return [
        Fact(_("Step"), _place(run, step, call)),
        Fact(_("Kind"), str(step.get_kind_display())),
        *_time_facts(run, timed),
        *_call_facts(call),
        *_reply_facts(step, card),
        *_failure_facts(step if step.kind != Step.Kind.TOOL_CALL else call.result or step, card),
        Fact(_("Claim"), str(step.epoch)),
    ]


def _place(run: Run, step: Step, call: CallSteps) -> str:
    numbers = sorted({each.sequence for each in (step, call.asked, call.result) if each is not None})
    told = {"steps": " + ".join(f"{number:,}" for number in numbers), "last": f"{run.last_sequence:,}"}
    if step.turn:
        return _("%(steps)s of %(last)s, turn %(turn)s") % {**told, "turn": step.turn}
    return _("%(steps)s of %(last)s") % told


def _time_facts(run: Run, step: Step) -> Iterator[Fact]:
    if step.started_at is not None and step.ended_at is not None:
        took = duration_text((step.ended_at - step.started_at).total_seconds())
        limit_s = _limit_s(run, step)
        told = {"took": took, "limit": duration_text(limit_s or 0)}
        yield Fact(_("Took"), _("%(took)s of %(limit)s allowed") % told if limit_s else took)
    if step.started_at is not None:
        yield Fact(_("Started"), _moment(step.started_at))
    if step.ended_at is not None:
        yield Fact(_("Ended") if step.started_at is not None else _("Recorded"), _moment(step.ended_at))


def _limit_s(run: Run, step: Step) -> float | None:
    """The time that was allowed: of a tool call its tool's own limit or the run's, of a reply the run's."""
    if step.kind in REPLIES:
        name, own = "model_timeout_s", None
    elif step.kind == Step.Kind.TOOL_RESULT:
        name, own = "tool_timeout_s", getattr(registered_tools().get(step.tool_name), "timeout_s", None)
    else:
        return None
    limit = own or run.config.get(name) or SETTINGS[name].default
    return float(limit) if isinstance(limit, int | float) else None


def _call_facts(call: CallSteps) -> Iterator[Fact]:
    row = call.row
    if row is None:
        return
    yield Fact(_("Tool"), visible(row.tool_name), is_code=True)
    yield Fact(_("State"), str(row.get_state_display()))
    yield Fact(_("Effect"), str(EFFECTS[row.effect][0]))
    if row.decided_at is not None:
        by = row.decided_by.get_username() if row.decided_by else _("the agent's rule")
        told = {"who": visible(by), "when": _moment(row.decided_at)}
        yield Fact(_("Decided"), _("by %(who)s, %(when)s") % told)
    if row.decision_reason:
        yield Fact(_("Reason"), visible(row.decision_reason))
    yield Fact(_("Call"), str(row.pk), is_code=True)


def _reply_facts(step: Step, card: StepView) -> Iterator[Fact]:
    if step.model:
        yield Fact(_("Model"), visible(f"{step.provider}/{step.model}" if step.provider else step.model), is_code=True)
    if step.attempt:
        told = {"number": step.attempt, "most": step.max_attempts or "?"}
        yield Fact(_("Attempt"), _("%(number)s of %(most)s") % told)
    if step.lane is not None:
        yield Fact(_("Lane"), str(step.lane))
    if step.model and step.kind in (*REPLIES, Step.Kind.TOOL_CALL):
        tokens = step.tokens
        words = _("not reported") if tokens is None else tokens_text(tokens, is_estimated=card.tokens_are_estimated)
        yield Fact(_("Tokens"), words)
        yield from _token_parts(step, card)
        yield Fact(_("Cost"), _cost(step))


def _cost(step: Step) -> str:
    if step.cost is not None:
        return dollars(step.cost)
    return _("free") if step.model == BUILT_IN and step.provider in ("", BUILT_IN) else _("not reported")


def _token_parts(step: Step, card: StepView) -> Iterator[Fact]:
    """The tokens in parts, if the step has stored them. Our own count is of the input and the output only."""
    payload = step.payload
    parts = payload.token_parts if isinstance(payload, ReasoningPayload | AnswerPayload | ToolCallPayload) else None
    if parts is None:
        return
    for label, tokens, is_estimated in (
        (_("Tokens in"), parts.input_tokens, card.tokens_are_estimated),
        (_("Tokens out"), parts.output_tokens, card.tokens_are_estimated),
        (_("Cached tokens"), parts.cache_read_tokens, False),
        (_("Reasoning tokens"), parts.reasoning_tokens, False),
    ):
        yield Fact(label, _("not reported") if tokens is None else tokens_text(tokens, is_estimated=is_estimated))


def _failure_facts(step: Step, card: StepView) -> Iterator[Fact]:
    payload = step.payload
    code = payload.code if isinstance(payload, RetryPayload | ErrorPayload | ToolResultPayload) else ""
    if code:
        yield Fact(_("Error code"), visible(code), is_code=True)
    if card.http_status:
        yield Fact(_("HTTP status"), str(card.http_status))
    yield from (Fact(label, value) for label, value in card.facts)
    if step.severity:
        yield Fact(_("Severity"), str(step.get_severity_display()))
    if step.recoverable is not None:
        yield Fact(_("Worth retrying"), _("Yes") if step.recoverable else _("No"))
    if isinstance(payload, RetryPayload) and payload.wait_s is not None:
        yield Fact(_("Wait before the next attempt"), duration_text(payload.wait_s))
    if step.suggested_action:
        yield Fact(_("Advice"), visible(error_words(step.suggested_action)))


def _moment(moment: datetime) -> str:
    """With milliseconds, to be compared with logs: `2026-11-22 11:05:09.312 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3] + " UTC"
