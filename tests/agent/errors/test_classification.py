"""`handle_agent_error`: the seed's five classes, our own exceptions, and the redaction of their context."""

import asyncio
import json
import socket
from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.agent.errors.agent_error import ErrorSeverity
from runs.agent.errors.classification import handle_agent_error
from runs.agent.errors.exceptions import AgentFailure, InvalidArguments, LimitReached, ToolFailed, UnknownTool
from runs.agent.errors.model_exceptions import FailureKind, ModelFailure, ModelUnavailable
from runs.agent.errors.retryability import is_worth_retrying


def model_failure(kind="network", *, status=None, message="It broke."):
    return ModelFailure(message, kind=kind, provider="local", model="m1", status=status)


@pytest.mark.parametrize(
    ("error", "message", "severity", "recoverable", "suggested_action", "code"),
    [
        (
            TimeoutError("after 5s"),
            "Operation timed out: after 5s",
            ErrorSeverity.WARNING,
            True,
            "Retry with longer timeout or simpler task",
            "timeout",
        ),
        (
            asyncio.TimeoutError("after 5s"),  # noqa: UP041 - the name much code still catches
            "Operation timed out: after 5s",
            ErrorSeverity.WARNING,
            True,
            "Retry with longer timeout or simpler task",
            "timeout",
        ),
        (
            ValueError("no number"),
            "Invalid input: no number",
            ErrorSeverity.ERROR,
            False,
            "Check input validation",
            "invalid_input",
        ),
        (
            TypeError("no text"),
            "Invalid input: no text",
            ErrorSeverity.ERROR,
            False,
            "Check input validation",
            "invalid_input",
        ),
        (
            ConnectionResetError("peer"),
            "Network error: peer",
            ErrorSeverity.ERROR,
            True,
            "Retry or use fallback provider",
            "network",
        ),
        (
            RuntimeError("a bug"),
            "Unexpected error: a bug",
            ErrorSeverity.CRITICAL,
            False,
            "Log and alert engineering team",
            "unexpected",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_five_classes_of_errors(error, message, severity, recoverable, suggested_action, code):
    verdict = handle_agent_error(error, {"step": "tool_execution", "tool": "calculator"})

    assert verdict.message == message
    assert verdict.severity is severity
    assert verdict.recoverable is recoverable
    assert verdict.suggested_action == suggested_action
    assert verdict.code == code
    assert verdict.context == {"step": "tool_execution", "tool": "calculator"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LimitReached("max_turns", used=20, limit=20, unit="turns"), "limit_max_turns"),
        (UnknownTool("Unknown tool: x."), "unknown_tool"),
        (InvalidArguments("- a: is required"), "invalid_arguments"),
        (ToolFailed("No page."), "tool_failed"),
        (AgentFailure("Something."), "failed"),
        (socket.gaierror("no such host"), "network"),
        (asyncio.CancelledError(), "cancelled"),
        (KeyboardInterrupt(), "unexpected"),
        (ModelUnavailable(model_failure("overloaded"), attempts=3), "model_overloaded"),
        *[(model_failure(kind), f"model_{kind}") for kind in get_args(FailureKind)],
    ],
    ids=str,
)
def test_every_error_has_a_stable_code_and_an_action_for_a_person(error, code):
    verdict = handle_agent_error(error, {})

    assert verdict.code == code
    assert verdict.message
    assert verdict.suggested_action


def test_a_models_failure_says_whose_it_was():
    verdict = handle_agent_error(model_failure("rate_limited", status=429), {"turn": 2})

    assert verdict.context == {"provider": "local", "model": "m1", "status": 429, "turn": 2}


def test_of_a_group_the_worst_counts_and_the_others_are_told():
    group = ExceptionGroup("two", [TimeoutError("slow"), ExceptionGroup("one", [RuntimeError("bug")])])

    verdict = handle_agent_error(group, {"turn": 1})

    assert verdict.message == "Unexpected error: bug"
    assert verdict.severity is ErrorSeverity.CRITICAL
    assert verdict.context == {"turn": 1, "other_errors": ["Operation timed out: slow"]}


def test_an_error_without_words_is_told_by_its_type():
    assert handle_agent_error(ConnectionResetError(), {}).message == "Network error: ConnectionResetError"


def test_the_context_becomes_json_without_secrets():
    client = type("Client", (), {"__repr__": lambda _: "Client(key='sk-verysecretkey')"})()
    verdict = handle_agent_error(
        ValueError("Incorrect API key provided: sk-proj-abcdef123456"),
        {
            "api_key": "abc",
            "headers": {"Authorization": "Bearer abcdefghijkl", "Accept": "text/html"},
            "url": "https://me:hunter22@example.com/v1",
            "at": datetime(2026, 1, 1, tzinfo=UTC),
            "ratio": float("nan"),
            "client": client,
            "max_tokens": 5,
        },
    )

    assert verdict.message == "Invalid input: Incorrect API key provided: [hidden]"
    assert verdict.context == {
        "api_key": "[hidden]",
        "headers": {"Authorization": "[hidden]", "Accept": "text/html"},
        "url": "https://[hidden]@example.com/v1",
        "at": "2026-01-01 00:00:00+00:00",
        "ratio": "nan",
        "client": "<Client>",
        "max_tokens": 5,
    }


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.builds(object),
        lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    )
)
def test_any_context_can_be_written_as_json(value):
    verdict = handle_agent_error(RuntimeError("x"), {"value": value})

    assert json.dumps(verdict.as_json(), allow_nan=False)


def test_a_context_that_contains_itself_is_cut():
    context: dict[str, object] = {}
    context["again"] = context

    assert json.dumps(handle_agent_error(RuntimeError("x"), context).context)


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ConnectionRefusedError(),
        socket.gaierror(),
        *[model_failure(kind) for kind in ("timeout", "network", "rate_limited", "overloaded", "server")],
        *[model_failure("server", status=status) for status in (408, 409, 425, 429, 500, 502, 503, 504, 529)],
    ],
    ids=repr,
)
def test_what_may_pass_by_itself_is_worth_retrying(error):
    assert is_worth_retrying(error)


@pytest.mark.parametrize(
    "error",
    [
        asyncio.CancelledError(),
        KeyboardInterrupt(),
        ValueError(),
        RuntimeError(),
        ToolFailed("no"),
        ModelUnavailable(model_failure("timeout"), attempts=3),
        *[model_failure(kind) for kind in ("refused", "not_found", "auth", "out_of_money", "no_tools", "blocked")],
        *[model_failure("refused", status=status) for status in (400, 401, 403, 404, 413, 422, 429, 501)],
    ],
    ids=repr,
)
def test_what_would_only_fail_again_is_not_worth_retrying(error):
    assert not is_worth_retrying(error)


def test_the_status_of_anybodys_http_error_is_understood():
    response = type("Response", (), {"status_code": 503})()
    with_response = type("HTTPStatusError", (Exception,), {"response": response})()
    refused = type("HTTPStatusError", (Exception,), {"status_code": 400})()

    assert is_worth_retrying(with_response)
    assert not is_worth_retrying(refused)
