"""The table of codes covers every exception, and each code has its remedies."""

import asyncio
import dataclasses
import socket
from typing import Any, get_args

import pytest

from runs.agent import RunLimits, handle_agent_error
from runs.agent.errors.classification import DAILY_LIMITS
from runs.agent.errors.codes import CODES, TIMEOUT_CODES, is_limit
from runs.agent.errors.exceptions import AgentFailure, BadOutput, LimitReached, LoopDetected
from runs.agent.errors.model_exceptions import (
    CostUnknown,
    FailureKind,
    ModelFailure,
    ModelPaused,
    ModelTimeout,
    ModelUnavailable,
    TimeLimitName,
)
from runs.agent.errors.remedies import Action, remedies_for

HERE: dict[str, Any] = {"provider": "p", "model": "m"}


def subclasses(of=AgentFailure):
    """All subclasses, at any depth."""
    return {of}.union(*(subclasses(each) for each in of.__subclasses__()))


def one_of_each():
    """One exception of each class and kind."""
    failures = [ModelFailure("It broke.", kind=kind, **HERE) for kind in get_args(FailureKind)]
    limits = [*(field.name for field in dataclasses.fields(RunLimits) if field.name.startswith("max_")), *DAILY_LIMITS]
    limits.remove("max_parallel_calls")  # further calls wait, so the limit is never exceeded
    special = [
        *failures,
        *(ModelTimeout(name, 5, **HERE, phase="stream") for name in get_args(TimeLimitName)),
        *(ModelPaused("Later.", reason=reason, **HERE, wait_s=5) for reason in ("breaker_open", "asked_to_wait")),
        *(ModelUnavailable(each, attempts=3) for each in failures),
        *(LimitReached(name, used=2, limit=1, unit="things") for name in limits),
        LoopDetected(used=4, limit=4, last_call="search(q='tea')"),
        BadOutput(["$: is no number"]),
        CostUnknown("m", limit_name="max_cost_usd"),
    ]
    plain = subclasses() - {type(one) for one in special}
    simple = [each("It broke.") for each in sorted(plain, key=lambda each: each.__qualname__)]
    foreign = [
        TimeoutError(), ConnectionResetError(), socket.gaierror(), ValueError(), TypeError(), RuntimeError(),
        asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(), MemoryError(), RecursionError(), StopIteration(),
        OSError(), ExceptionGroup("two", [ValueError(), TimeoutError()]), BaseException(),
    ]  # fmt: skip
    return [*special, *simple, *foreign]


@pytest.mark.parametrize("error", one_of_each(), ids=lambda each: f"{type(each).__name__} {each}"[:60])
def test_every_exception_has_a_documented_code_and_something_to_do(error):
    told = handle_agent_error(error, {})

    assert told.code in CODES
    assert told.message
    assert told.suggested_action
    assert all(offer.action in get_args(Action) for offer in remedies_for(told.code))


def test_only_what_is_of_no_class_of_ours_is_just_a_failure():
    plain = [each for each in one_of_each() if handle_agent_error(each, {}).code == "failed"]

    assert [type(each) for each in plain] == [AgentFailure]


def test_every_code_of_the_table_is_used():
    of_classes = {handle_agent_error(each, {}).code for each in one_of_each()}
    elsewhere = {
        "tool_timeout",
        "outcome_unknown",
        "denied",
        "not_answered",
        "stopped",
        "poison",
        "froze",
    }  # codes of results and endings, not of exceptions

    assert of_classes | elsewhere == set(CODES)


def test_a_limit_that_was_reached_is_told_by_its_code_and_nothing_else_is_a_limit():
    coded = [(isinstance(each, LimitReached), handle_agent_error(each, {}).code) for each in one_of_each()]

    assert {code for _, code in coded if is_limit(code)} == {code for at_a_limit, code in coded if at_a_limit}
    assert set(CODES) > TIMEOUT_CODES


def test_what_a_retried_model_failed_of_stays_its_code():
    timeout = ModelTimeout("idle_timeout_s", 30, **HERE, phase="stream")

    told = handle_agent_error(ModelUnavailable(timeout, attempts=3), {})

    assert told.code == "model_idle_timeout"
    assert told.context["limit_s"] == 30


@pytest.mark.parametrize(
    ("code", "actions"),
    [
        ("model_idle_timeout", ["retry_longer", "switch_model"]),
        ("model_rate_limited", ["switch_model"]),
        ("model_blocked", ["edit_and_run_again", "switch_model"]),
        ("model_forbidden", ["switch_model"]),
        ("model_out_of_money", ["switch_model"]),
        ("model_context_overflow", ["switch_model", "edit_and_run_again"]),
        ("model_no_tools", ["switch_model", "edit_and_run_again"]),
        ("model_wrong_address", ["switch_model"]),
        ("limit_max_turns", ["raise_limit", "edit_and_run_again"]),
        ("limit_daily_usd_per_user", []),
        ("unexpected", []),
        ("never heard of", []),
    ],
)
def test_what_is_offered_fits_the_error(code, actions):
    assert [offer.action for offer in remedies_for(code)] == actions


def test_an_offer_to_raise_a_limit_names_one_there_is():
    names = {offer.limit for code in CODES for offer in remedies_for(code)} - {""}

    assert names <= {field.name for field in dataclasses.fields(RunLimits)}
