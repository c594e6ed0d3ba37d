"""`MeteredModel` by itself: window and budget."""

from decimal import Decimal

import pytest

from runs.agent.budget.budget import RunBudget
from runs.agent.budget.pricing import Price
from runs.agent.context_window import ContextWindow
from runs.agent.errors.exceptions import LimitReached
from runs.agent.errors.model_exceptions import CostUnknown
from runs.agent.messages import ModelReply, ModelRequest
from runs.agent.model_calls.metered_model import MeteredModel
from runs.agent.run_limits import RunLimits
from runs.agent.usage import Usage
from tests.agent.model_calls.models import Model, Notebook

ASKED = ModelRequest(task="Hello?")
REPLY = ModelReply(text="Hi.", usage=Usage(input_tokens=10, output_tokens=2))


def metered(model, **limits):
    run_limits = RunLimits(**limits)
    budget = RunBudget(run_limits)
    return MeteredModel(model, window=ContextWindow([]), budget=budget, journal=Notebook(), limits=run_limits), budget


async def test_what_a_reply_used_is_priced_and_counted():
    model = Model(REPLY)
    model.price = Price(input=Decimal(1), output=Decimal(10))  # type: ignore[attr-defined]
    meter, budget = metered(model)

    reply = await meter.reply(ASKED)

    assert reply.usage.cost_usd == Decimal("0.00003")
    used = budget.book()
    assert (used.tokens, used.cost_usd) == (12, Decimal("0.00003"))


async def test_a_request_beyond_the_budget_is_not_made():
    model = Model(REPLY)
    meter, _ = metered(model, max_tokens=1)

    with pytest.raises(LimitReached):
        await meter.reply(ASKED)
    assert model.requests == []


async def test_under_a_limit_of_money_a_model_without_a_price_is_not_asked():
    meter, _ = metered(Model(REPLY), max_cost_usd=Decimal(1))

    with pytest.raises(CostUnknown):
        await meter.reply(ASKED)


async def test_what_the_wrapped_model_says_of_itself_can_be_asked_of_the_metered_one():
    model = Model(REPLY)
    model.streams = False

    assert metered(model)[0].streams is False
