"""`MeteredModel` by itself: window and budget."""

import asyncio
from decimal import Decimal

import pytest

from runs.agent.budget.budget import RunBudget
from runs.agent.budget.pricing import Price
from runs.agent.context_window import ContextWindow
from runs.agent.errors.exceptions import LimitReached
from runs.agent.errors.model_exceptions import CostUnknown
from runs.agent.messages import ModelReply, ModelRequest
from runs.agent.model_calls.metered_model import MeteredModel
from runs.agent.providers.capabilities import Capabilities
from runs.agent.run_limits import RunLimits
from runs.agent.usage import Usage
from tests.agent.model_calls.models import Model, Notebook, until

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


async def test_a_reply_that_has_come_is_booked_although_nobody_waits_for_it_any_more():
    model = Model(ModelReply(usage=Usage(input_tokens=50_000, output_tokens=4_000)), name="openai", model="gpt-4o")
    meter, budget = metered(model)
    asking = asyncio.create_task(meter.reply(ASKED))

    await until(lambda: model.left)
    asking.cancel()
    await asyncio.wait([asking])

    used = budget.book()
    assert (used.tokens, used.cost_usd) == (54_000, Decimal("0.165"))


async def test_a_reply_that_its_server_did_not_count_and_that_exceeds_a_limit_is_booked():
    model = Model(ModelReply(text="four" * 100, reasoning="four" * 1_000))
    model.capabilities = Capabilities()  # type: ignore[attr-defined]
    meter, budget = metered(model, max_tokens=300)

    with pytest.raises(LimitReached):
        await meter.reply(ASKED)

    used = budget.book()
    assert used.tokens is not None and used.tokens > 1_100 and used.is_estimated
    assert meter.cut_off is not None and meter.cut_off.output_tokens == 1_100


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
