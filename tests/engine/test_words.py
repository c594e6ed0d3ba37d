"""The rows, the agent core and the layers between them use the same words."""

from typing import get_args

import pytest

from runs.agent.errors.agent_error import ErrorSeverity
from runs.agent.errors.classification import handle_agent_error
from runs.agent.errors.model_exceptions import FailureKind, ModelFailure
from runs.agent.journal import CallState
from runs.agent.state import AgentStatus
from runs.agent.thoughts import ThoughtType
from runs.agent.tools.protocol import Effect
from runs.live.rendering.error_codes import CODES
from runs.live.rendering.step_icons import ICONS
from runs.live.rendering.step_views import step_view
from runs.models import Run, Step, ToolCall


@pytest.mark.parametrize(
    ("row", "core"),
    [
        (Run.Status.values, [status.value for status in AgentStatus]),
        (Run.Severity.values, [severity.value for severity in ErrorSeverity]),
        (Step.Kind.values, [kind.value for kind in ThoughtType]),
        (ToolCall.Effect.values, list(get_args(Effect))),
    ],
    ids=["status", "severity", "kind", "effect"],
)
def test_a_row_has_a_word_for_everything_the_core_says_and_no_other(row, core):
    assert row == core


def test_what_is_final_for_the_core_is_final_in_the_row():
    assert {status.value for status in AgentStatus if status.is_final} == set(Run.FINAL)


def test_a_row_knows_every_state_a_call_can_be_recorded_in():
    assert set(get_args(CallState)) <= set(ToolCall.State.values)


def test_every_kind_of_step_has_its_icon():
    assert set(ICONS) == set(Step.Kind)


@pytest.mark.parametrize("kind", get_args(FailureKind))
def test_every_failure_of_a_model_is_named_for_people(kind):
    failure = ModelFailure("It did not work.", kind=kind, provider="local", model="m1")
    code = handle_agent_error(failure, {}).code

    card = step_view(Step(kind="retry", attempt=1, max_attempts=3, metadata={"code": code}))

    assert card.cause == str(CODES[kind])
