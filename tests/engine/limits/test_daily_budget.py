"""Cost of runs, and the daily budget of a person."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from asgiref.sync import sync_to_async
from django.db.models import F

from runs.agent.budget.pricing import Price
from runs.agent.messages import ModelReply, ToolRequest
from runs.agent.providers.scripted import ScriptedModel
from runs.agent.usage import Usage
from runs.engine import control
from runs.engine.limits.daily_budget import DailyLimitReached, spent_today
from runs.live.rendering.fragments import run_totals
from runs.models import Agent, Run, Spending
from tests.engine.conftest import ended, error_of, launch, steps_of


def costing(cost: str | None, text: str = "") -> ModelReply:
    calls = () if text else (ToolRequest("calculator", {"expression": "1+1"}),)
    usage = Usage(input_tokens=10, output_tokens=5, cost_usd=None if cost is None else Decimal(cost))
    return ModelReply(text=text, calls=calls, usage=usage)


class Priced(ScriptedModel):
    """A scripted model with a price. What a reply reports as its cost counts."""

    price = Price(input=Decimal("0.01"), output=Decimal("0.01"))


def spent_by(user) -> Spending | None:
    return spent_today(user.pk)


async def test_a_run_costs_what_its_replies_cost_and_its_steps_say_which(host_for, ada):
    host_for(ScriptedModel(costing("0.00012345"), costing("0.1", text="Done.")))

    run = await ended(await launch(ada))

    assert (run.cost, run.cost_is_partial, run.tokens_used) == (Decimal("0.10012345"), False, 30)
    assert [(step.kind, step.cost) for step in await steps_of(run) if step.cost] == [
        ("tool_call", Decimal("0.00012345")),
        ("answer", Decimal("0.1")),
    ]
    spending = await sync_to_async(spent_by)(ada)
    assert (spending.tokens, spending.cost) == (30, Decimal("0.10012345"))


async def test_a_cost_some_of_which_is_unknown_is_shown_as_at_least(host_for, ada):
    host_for(ScriptedModel(costing("0.25"), costing(None, text="Done.")))

    await Agent.objects.aupdate(launch_may_raise=["models"])
    run = await ended(await launch(ada, models=["openai:gpt-6-sol"]))

    assert (run.cost, run.cost_is_partial) == (Decimal("0.25"), True)
    assert run_totals(run)["cost"] == "at least $0.25"


async def test_a_cost_nobody_knows_is_unknown_and_not_zero(host_for, ada):
    host_for(ScriptedModel(costing(None, text="Done.")))

    await Agent.objects.aupdate(launch_may_raise=["models"])
    run = await ended(await launch(ada, models=["openai:gpt-6-sol"]))

    assert (run.cost, run.cost_is_partial) == (None, True)
    assert run_totals(run)["cost"] == "unknown"


async def test_a_run_ends_at_the_limit_of_money_it_was_launched_with(host_for, ada):
    host_for(Priced(*[costing("0.04")] * 9))

    run = await ended(await launch(ada, max_cost_usd="0.10"))

    assert error_of(run)["code"] == "limit_max_cost_usd"
    assert run.cost == Decimal("0.12")


async def test_a_persons_day_ends_the_run_before_the_call_that_would_go_beyond_it(host_for, ada, settings):
    settings.AGENTSITE_DAILY_USD_PER_USER = Decimal("0.10")
    host_for(ScriptedModel(*[costing("0.05")] * 9))

    run = await ended(await launch(ada))

    assert error_of(run)["code"] == "limit_daily_usd_per_user"
    assert error_of(run)["suggested_action"] == (
        "Wait until midnight UTC, or ask the staff to raise AGENTSITE_DAILY_USD_PER_USER"
    )
    assert run.cost == Decimal("0.10")


async def test_what_another_process_spends_meanwhile_counts_before_the_next_call(host_for, ada, settings):
    settings.AGENTSITE_DAILY_USD_PER_USER = Decimal("0.50")
    elsewhere = Spending.objects.filter(user=ada)

    class SpendsElsewhere(ScriptedModel):
        async def reply(self, request, **options):
            if len(request.turns) == 1:
                await elsewhere.aupdate(cost=F("cost") + Decimal("0.45"))
            return await super().reply(request, **options)

    host_for(SpendsElsewhere(*[costing("0.05")] * 9))

    run = await ended(await launch(ada))

    assert error_of(run)["code"] == "limit_daily_usd_per_user"
    assert run.cost == Decimal("0.10")


async def test_nothing_more_is_launched_on_a_day_that_is_used_up(host_for, ada, settings):
    settings.AGENTSITE_DAILY_TOKENS_PER_USER = 100
    today = datetime.now(UTC).date()
    await Spending.objects.acreate(user=ada, day=today, tokens=100)

    with pytest.raises(
        DailyLimitReached, match=r"used 100 tokens today, of 100 a day.*AGENTSITE_DAILY_TOKENS_PER_USER"
    ):
        await launch(ada)

    assert await Run.objects.acount() == 0


async def test_yesterday_does_not_count(host_for, ada, settings):
    settings.AGENTSITE_DAILY_TOKENS_PER_USER = 100_000
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    await Spending.objects.acreate(user=ada, day=yesterday, tokens=100_000)
    host_for(ScriptedModel(costing(None, text="Done.")))

    assert (await ended(await launch(ada))).status == "completed"


async def test_a_run_from_the_command_line_is_nobodys_day(host_for, ada, settings):
    settings.AGENTSITE_DAILY_TOKENS_PER_USER = 1
    host_for(ScriptedModel(costing(None, text="Done.")))

    run = await sync_to_async(control.launch, thread_sensitive=False)(user=None, task="Do it.")

    assert (await ended(run)).status == "completed"
