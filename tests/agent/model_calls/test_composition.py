"""The composition of a run's models."""

import inspect

import pytest

from runs.agent import run_agent
from runs.agent.budget.deadline import Deadline
from runs.agent.concurrency.retry import RetryPolicy
from runs.agent.model_calls.composition import ModelComposition
from runs.agent.model_calls.racing_model import RacingModel
from runs.agent.providers.scripted import ScriptedModel, answers
from runs.agent.run_limits import RunLimits
from runs.agent.state import AgentState
from tests.agent.model_calls.models import Model, Notebook

MOST_FRAMES = 7
"""From the loop to the provider, both included, with fallback, retries, health, time limits and metering between."""


def composed(*providers, strategy="fallback"):
    return ModelComposition(
        providers,
        journal=Notebook(),
        retry=RetryPolicy(),
        deadline=Deadline(600),
        limits=RunLimits(),
        strategy=strategy,
    ).model_for(AgentState(), 1)


async def test_a_model_call_is_no_deeper_than_its_layers():
    names = []

    def reply(_):
        frame = inspect.currentframe()
        while frame is not None:
            names.append(frame.f_code.co_qualname)
            frame = frame.f_back
        return answers("There.")

    await run_agent("Hello?", model=ScriptedModel(reply), tools=[])

    inner = next(index for index, name in enumerate(names) if name == "ScriptedModel.reply")
    outer = next(index for index, name in enumerate(names) if name == "AgentLoop._next_reply")
    assert outer - inner + 1 == MOST_FRAMES


@pytest.mark.parametrize("strategy", ["race", "hedge"])
def test_several_models_race_and_one_alone_does_not(strategy):
    together = composed(Model(), Model(), strategy=strategy)
    alone = composed(Model(), strategy=strategy)

    assert isinstance(together.models[0].wrapped, RacingModel)
    assert not isinstance(alone.models[0].wrapped, RacingModel)


def test_with_a_fallback_each_model_is_tried_for_itself():
    assert len(composed(Model(), Model()).models) == 2


def test_a_run_without_a_model_is_refused():
    with pytest.raises(ValueError, match="at least one model"):
        composed()
