"""The classification of errors: code, severity, whether a retry can succeed, and what a person can do."""

import asyncio
import socket
from dataclasses import dataclass, replace

from runs.agent.errors import call_sentences
from runs.agent.errors import python_sentences as around
from runs.agent.errors import suggested_actions as actions
from runs.agent.errors.agent_error import AgentError, ErrorSeverity
from runs.agent.errors.exception_text import members_of, name_of, words_of
from runs.agent.errors.exceptions import (
    AgentFailure,
    BadOutput,
    InvalidArguments,
    JournalClosed,
    LimitReached,
    LoopDetected,
    OutcomeUnknown,
    ToolFailed,
    ToolUnavailable,
    UnknownTool,
)
from runs.agent.errors.model_exceptions import (
    CostUnknown,
    FailureKind,
    ModelFailure,
    ModelNotSetUp,
    ModelPaused,
    ModelTimeout,
    ModelUnavailable,
)
from runs.agent.errors.sentences import ErrorSentence
from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.agent.redaction.redactor import redacted, safe_context

WARNING, ERROR, CRITICAL = ErrorSeverity.WARNING, ErrorSeverity.ERROR, ErrorSeverity.CRITICAL
DAILY_LIMITS = ("daily_usd_per_user", "daily_tokens_per_user")
"""Limits over all runs of one user in a day, not limits of the run."""
_RANK = {severity: rank for rank, severity in enumerate(ErrorSeverity)}


@dataclass(frozen=True, slots=True)
class Classification:
    """The properties of one kind of error."""

    code: str
    severity: ErrorSeverity
    recoverable: bool
    suggested_action: str
    """Shown to people."""
    around: ErrorSentence | None = None
    """The sentence around the message of the exception; None for the message alone."""


def _about_model(kind: FailureKind, severity: ErrorSeverity, action: ErrorSentence, *, again: bool) -> Classification:
    return Classification(f"model_{kind}", severity, again, action.made())


_MODEL_VERDICTS: dict[FailureKind, Classification] = {
    "timeout": _about_model("timeout", WARNING, actions.LONGER_OR_SIMPLER, again=True),
    "network": _about_model("network", ERROR, actions.SERVER_REACHABLE, again=True),
    "rate_limited": _about_model("rate_limited", WARNING, actions.LATER, again=True),
    "overloaded": _about_model("overloaded", WARNING, actions.LATER, again=True),
    "server": _about_model("server", ERROR, actions.AGAIN_OR_ANOTHER, again=True),
    "refused": _about_model("refused", ERROR, actions.TASK_AND_SETTINGS, again=False),
    "not_found": _about_model("not_found", ERROR, actions.NAME_AND_ADDRESS, again=False),
    "auth": _about_model("auth", CRITICAL, actions.KEY, again=False),
    "forbidden": _about_model("forbidden", ERROR, actions.ASK_PROVIDER, again=False),
    "out_of_money": _about_model("out_of_money", ERROR, actions.ADD_CREDIT, again=False),
    "context_overflow": _about_model("context_overflow", ERROR, actions.SMALLER_WINDOW, again=False),
    "no_tools": _about_model("no_tools", ERROR, actions.NO_TOOLS, again=False),
    "wrong_address": _about_model("wrong_address", ERROR, actions.BASE_URL, again=False),
    "bad_reply": _about_model("bad_reply", ERROR, actions.AGAIN_OR_ANOTHER, again=True),
    "blocked": _about_model("blocked", ERROR, actions.REPHRASE, again=False),
}


def handle_agent_error(error: BaseException, context: JsonMapping) -> AgentError:
    """The structured error for any exception.

    Of a group the most severe member counts; the messages of the others are in the context under `other_errors`. The
    context becomes JSON values; secrets are redacted in it and in the message.
    """
    match error:
        case BaseExceptionGroup():
            return _worst(error, context)
        case ModelFailure():
            verdict = _of_model(error)
            context = _about(error) | dict(context)
        case AgentFailure():
            verdict = _of_ours(error)
            if isinstance(error, BadOutput):
                context = {"faults": error.faults, **context}
        case _:
            verdict = _of_python(error)
    message = words_of(error) or name_of(error)
    return AgentError(
        redacted(verdict.around.made(message=message) if verdict.around else message),
        verdict.severity,
        safe_context(context),
        verdict.recoverable,
        verdict.suggested_action,
        code=verdict.code,
    )


def _of_model(failure: ModelFailure) -> Classification:
    match failure:
        case ModelUnavailable(last=last):
            return _of_model(last)
        case ModelTimeout(limit_name="max_duration_s"):
            return _of_ours(LimitReached("max_duration_s", used=failure.limit_s, limit=failure.limit_s, unit="seconds"))
        case ModelTimeout(limit_name="first_token_timeout_s" | "idle_timeout_s" as limit):
            action = actions.LONGER_LIMIT.made(limit=limit)
            return Classification(f"model_{limit.removesuffix('_s')}", WARNING, True, action)
        case ModelPaused(reason=reason):
            return Classification(f"model_{reason}", WARNING, True, actions.AFTER_THE_PAUSE.made())
        case ModelFailure(kind="auth", provider=provider) if provider:
            return replace(_MODEL_VERDICTS["auth"], suggested_action=actions.KEY_OF.made(provider=provider))
        case _:
            return _MODEL_VERDICTS[failure.kind]


def _about(failure: ModelFailure) -> JsonObject:
    context: JsonObject = {"provider": failure.provider, "model": failure.model, "status": failure.status}
    last = failure.last if isinstance(failure, ModelUnavailable) else failure
    if last.request_id:
        context["request_id"] = last.request_id
    if last.context_tokens is not None:
        context["window_tokens"] = last.context_tokens
    match last:
        case ModelTimeout(limit_name=limit, limit_s=seconds):
            context |= {"limit": limit, "limit_s": round(seconds, 3)}
        case ModelPaused(retry_at=retry_at):
            context["retry_at"] = retry_at
    return context


def _worst(group: BaseExceptionGroup[BaseException], context: JsonMapping) -> AgentError:
    errors = [handle_agent_error(each, context) for each in members_of(group)]
    worst = max(errors, key=lambda each: _RANK[each.severity])
    if others := [each.message for each in errors if each is not worst]:
        worst.context["other_errors"] = others + worst.context.get("other_errors", [])
    return worst


def _of_ours(failure: AgentFailure) -> Classification:
    match failure:
        case LimitReached(limit_name=name) if name in DAILY_LIMITS:
            action = actions.TOMORROW.made(variable=f"AGENTSITE_{name.upper()}")
            return Classification(f"limit_{name}", WARNING, True, action)
        case LimitReached(limit_name=name):
            action = actions.OTHER_WAY.made() if isinstance(failure, LoopDetected) else actions.RAISE.made(limit=name)
            return Classification(f"limit_{name}", WARNING, True, action)
        case BadOutput():
            return Classification("bad_output", ERROR, True, actions.LOOSEN.made())
        case CostUnknown():
            return Classification("cost_unknown", WARNING, True, actions.KNOWN_PRICE.made())
        case ToolFailed():
            return _of_tool(failure)
        case ModelNotSetUp():
            return _of_setup(failure)
        case JournalClosed():
            return Classification("taken_over", WARNING, True, actions.TAKEN_OVER.made())
        case _:
            return Classification("failed", ERROR, False, actions.AS_IT_SAYS.made())


def _of_setup(failure: ModelNotSetUp) -> Classification:
    if failure.variable:
        action = actions.SET_VARIABLE.made(variable=failure.variable)
    elif failure.server:
        action = actions.SERVER_BACK.made(server=repr(failure.server))
    else:
        action = actions.CORRECT_NAME.made()
    return Classification("model_not_set_up", ERROR, True, action)


def _of_tool(failure: ToolFailed) -> Classification:
    match failure:
        case OutcomeUnknown():
            return Classification("outcome_unknown", ERROR, False, call_sentences.CHECK_OUTCOME.made())
        case UnknownTool():
            return Classification("unknown_tool", WARNING, True, actions.GIVE_TOOL.made())
        case InvalidArguments():
            return Classification("invalid_arguments", WARNING, True, actions.CORRECTS_ITSELF.made())
        case ToolUnavailable():
            return Classification("tool_unavailable", WARNING, True, actions.TRIES_LATER.made())
        case _:
            return Classification("tool_failed", WARNING, True, actions.TRIES_ELSE.made())


def _of_python(error: BaseException) -> Classification:
    # TimeoutError before ConnectionError: both are OSErrors. Since Python 3.11 it is asyncio.TimeoutError too.
    # A name that cannot be resolved (gaierror) is an OSError but no ConnectionError.
    match error:
        case TimeoutError():
            action = actions.LONGER_OR_SIMPLER.made()
            return Classification("timeout", WARNING, True, action, around.OPERATION_TIMED_OUT)
        case ValueError() | TypeError():
            return Classification("invalid_input", ERROR, False, actions.CHECK_INPUT.made(), around.INVALID_INPUT)
        case ConnectionError() | socket.gaierror():
            return Classification("network", ERROR, True, actions.RETRY_OR_FALLBACK.made(), around.NETWORK_ERROR)
        case asyncio.CancelledError():
            return Classification("cancelled", ErrorSeverity.INFO, True, actions.AGAIN.made(), around.CANCELLED)
        case _:
            return Classification("unexpected", CRITICAL, False, actions.ALERT.made(), around.UNEXPECTED)
