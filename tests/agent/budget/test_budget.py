"""Budgets: limits in tokens and money."""

import asyncio
import uuid
from decimal import Decimal

import pytest

from runs.agent import RunLimits, run_agent
from runs.agent.budget.budget import Budget, RunBudget
from runs.agent.budget.pricing import Price
from runs.agent.config import RunConfig
from runs.agent.errors.exceptions import LimitReached
from runs.agent.errors.model_exceptions import CostUnknown
from runs.agent.execution import execute
from runs.agent.journal import Entry, ReportingJournal
from runs.agent.loop import AgentLoop
from runs.agent.messages import ModelReply, ModelRequest, ToolRequest
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.state import AgentState
from runs.agent.tool_calls.approval_rules import Approvals
from runs.agent.tools.toolbox import Toolbox
from runs.agent.usage import Usage

CENT = Decimal("0.01")


def costing(cost: str | None, *, tokens: int = 10, text: str = "") -> ModelReply:
    calls = () if text else (ToolRequest("calculator", {"expression": "1+1"}),)
    usage = Usage(input_tokens=tokens, output_tokens=0, cost_usd=None if cost is None else Decimal(cost))
    return ModelReply(text=text, calls=calls, usage=usage)


class Priced(ScriptedModel):
    """A scripted model with a price. What a reply reports as its cost counts."""

    price = Price(input=Decimal("0.01"), output=Decimal("0.01"))


class Recording(ReportingJournal):
    """A journal that keeps its entries."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []

    async def record(self, entry: Entry) -> None:
        self.entries.append(entry)


async def test_a_run_stops_before_the_call_that_would_break_its_limit_of_tokens():
    model = ScriptedModel(*[costing(None, tokens=400)] * 10)

    result = await run_agent("Go on.", model=model, tools=["calculator"], limits=RunLimits(max_tokens=1_000))

    assert result.error is not None and result.error.code == "limit_max_tokens"
    assert result.error.suggested_action == "Raise max_tokens and run again, or ask for less at once"
    assert result.tokens_used == 400 * len(model.requests) <= 1_000


async def test_a_run_stops_before_the_call_that_would_break_its_limit_of_money():
    model = Priced(*[costing("0.004")] * 10)

    result = await run_agent("Go on.", model=model, tools=["calculator"], limits=RunLimits(max_cost_usd=CENT))

    assert result.error is not None and result.error.code == "limit_max_cost_usd"
    assert "max_cost_usd: 0.012 of 0.01 USD" in result.error.message


async def test_under_a_limit_of_money_a_model_of_unknown_price_is_not_asked():
    model = ScriptedModel(answers("Never."))

    result = await run_agent("Go on.", model=model, limits=RunLimits(max_cost_usd=CENT))

    assert result.error is not None and result.error.code == "cost_unknown"
    assert "The price of 'scripted' is unknown, so max_cost_usd cannot be enforced" in result.error.message
    assert model.requests == []


async def test_the_offline_planner_costs_nothing_under_any_limit():
    result = await run_agent("What is 17 * 23?", limits=RunLimits(max_cost_usd=CENT, max_tokens=1))

    assert result.success and "391" in str(result.output)


def test_a_call_that_does_not_fit_beside_the_ones_in_flight_is_not_made():
    budget = RunBudget(RunLimits(max_tokens=100))

    with budget.reserved("m", 60, None):
        with pytest.raises(LimitReached, match="60 of 100 tokens"), budget.reserved("m", 60, None):
            pass
        with budget.reserved("m", 40, None):
            pass


def test_what_was_reserved_and_not_used_is_free_again():
    budget = RunBudget(RunLimits(max_tokens=150))

    for _ in range(10):
        with budget.reserved("m", 90, None) as reservation:
            reservation.used_tokens = 5

    assert budget.budgets[0].tokens == 50


def test_a_purse_shared_by_runs_holds_what_each_has_reserved():
    day = Budget(max_cost_usd=Decimal(1), names=("daily_tokens_per_user", "daily_usd_per_user"))
    first, second = (RunBudget(RunLimits(), shared=[day]) for _ in range(2))

    with (
        first.reserved("m", 0, Decimal("0.7")),
        pytest.raises(LimitReached, match="daily_usd_per_user"),
        second.reserved("m", 0, Decimal("0.7")),
    ):
        pass


def test_a_refused_call_leaves_nothing_reserved():
    budget = RunBudget(RunLimits(max_cost_usd=CENT))

    with pytest.raises(CostUnknown), budget.reserved("m", 5, None):
        pass

    with budget.reserved("m", 5, CENT):
        pass


def loop_of(*models: ScriptedModel, **about) -> tuple[AgentLoop, Recording]:
    journal = Recording()
    config = RunConfig(providers=models, toolbox=Toolbox(["calculator"]), **about)
    return AgentLoop("Go.", config, journal=journal, run_id=uuid.uuid4()), journal


async def test_cost_and_tokens_are_recorded_once_with_each_reply_also_one_without_reasoning():
    loop, journal = loop_of(ScriptedModel(costing("0.25"), costing("0.5", text="Done.")))

    await execute(loop, AgentState())

    booked = [(entry.tokens, entry.cost, entry.cost_is_partial) for entry in journal.entries if entry.tokens]
    assert booked == [(10, Decimal("0.25"), False), (10, Decimal("0.5"), False)]
    told = [thought.metadata.get("cost") for entry in journal.entries for thought in entry.thoughts]
    assert [cost for cost in told if cost is not None] == [Decimal("0.25"), Decimal("0.5")]


async def test_a_reply_of_unknown_cost_makes_the_cost_of_the_run_partial_and_not_zero():
    loop, journal = loop_of(ScriptedModel(costing("0.25"), costing(None, text="Done.")))

    await execute(loop, AgentState())

    assert [(entry.cost, entry.cost_is_partial) for entry in journal.entries if entry.tokens] == [
        (Decimal("0.25"), False),
        (None, True),
    ]


async def test_what_a_limit_of_the_run_ended_is_told_with_what_was_used_before():
    model = ScriptedModel(calls_tool("calculator", expression="1+1"), costing("0.1"))
    loop, journal = loop_of(model, limits=RunLimits(max_turns=1))
    state = AgentState()

    result = await execute(loop, state)

    assert result.error is not None and result.error.code == "limit_max_turns"
    assert journal.entries[-1].error is result.error


def asks_for(calls: int) -> ModelReply:
    return ModelReply(calls=tuple(ToolRequest("calculator", {"expression": f"1+{each}"}) for each in range(calls)))


async def test_a_run_makes_as_many_tool_calls_as_it_may_and_answers():
    model = ScriptedModel(asks_for(2), asks_for(1), answers("Done."))

    result = await run_agent("Go on.", model=model, tools=["calculator"], limits=RunLimits(max_calls=3))

    assert result.output == "Done."


async def test_calls_are_counted_also_when_the_model_no_longer_sees_them():
    def look_up(number: int) -> str:
        """Look a number up."""
        return f"{number} " * 5_000

    model = ScriptedModel(*[calls_tool("look_up", number=each) for each in range(40)])
    limits = RunLimits(max_calls=10, max_turns=40, context_tokens=4_000)

    result = await run_agent("Go on.", model=model, tools=[look_up], limits=limits)

    assert result.error is not None and result.error.code == "limit_max_calls"
    assert "10 of 10 tool calls" in result.error.message


@pytest.mark.parametrize(
    ("wanted", "words"),
    [(1, "max_calls: 2 of 2 tool calls."), (3, "max_calls: 2 of 4 tool calls, and the next reply asks for 3.")],
)
async def test_a_run_makes_none_of_the_calls_of_a_reply_that_go_beyond_its_limit(wanted: int, words: str):
    limits = RunLimits(max_calls=2 if wanted == 1 else 4)
    loop, journal = loop_of(ScriptedModel(asks_for(2), asks_for(wanted), answers("Never.")), limits=limits)

    result = await execute(loop, AgentState())

    assert result.error is not None and result.error.code == "limit_max_calls"
    assert words in result.error.message
    assert result.error.suggested_action == "Raise max_calls and run again, or ask for less at once"
    assert len({change.call.call_id for entry in journal.entries for change in entry.calls}) == 2


async def test_nobody_is_asked_about_calls_that_go_beyond_the_limit():
    about = {"limits": RunLimits(max_calls=1), "approvals": Approvals(default="always")}
    loop, journal = loop_of(ScriptedModel(asks_for(2)), **about)

    result = await execute(loop, AgentState())

    assert result.error is not None and result.error.code == "limit_max_calls"
    assert all(entry.parks is None for entry in journal.entries)


async def test_a_lane_that_was_cut_off_after_it_began_makes_the_cost_partial():
    class Slow(ScriptedModel):
        async def reply(self, request: ModelRequest, *, on_delta=None) -> ModelReply:
            from runs.agent.messages import Delta

            if on_delta is not None:
                on_delta(Delta("I be"))
            began.set()
            await asyncio.Event().wait()
            raise AssertionError

    class Fast(ScriptedModel):
        async def reply(self, request: ModelRequest, *, on_delta=None) -> ModelReply:
            await began.wait()
            return costing("0.1", text="Done.")

    began = asyncio.Event()
    loop, journal = loop_of(Fast(), Slow(), strategy="race")

    result = await execute(loop, AgentState())

    assert result.output == "Done."
    assert [(entry.cost, entry.cost_is_partial) for entry in journal.entries if entry.cost] == [(Decimal("0.1"), True)]
