"""Costs of replies, checked against the rows of the price lists."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from runs.agent.budget.pricing import MOST_FOR_A_REPLY, Price, context_window, cost_of, reserve
from runs.agent.messages import ModelReply, ModelRequest, OnDelta
from runs.agent.usage import Usage

AT = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class Model:
    """A provider with only the names that prices depend on."""

    name: str
    model: str
    price: Price | None = None

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        raise NotImplementedError


CLAUDE = Model("anthropic", "claude-sonnet-5-5")
MINI = Model("openai", "gpt-5.4-mini")
FLASH = Model("google", "gemini-3.8-flash")
LOCAL = Model("local", "gpt-5.4-mini")


def row(model: Model) -> dict[str, Decimal]:
    """The prices of a model per million tokens, from the list."""
    from genai_prices.data_snapshot import get_snapshot

    prices = get_snapshot().find_provider_model(model.model, None, model.name, None)[1].get_prices(AT)
    return {name: price for name, price in vars(prices).items() if isinstance(price, Decimal)}


@pytest.mark.parametrize("model", [CLAUDE, MINI, FLASH], ids=lambda model: model.model)
def test_fresh_and_cached_input_and_output_each_have_their_price(model):
    price = row(model)

    cost = cost_of(Usage(1000, 500, cache_read_tokens=400), model, at=AT)

    assert cost == (600 * price["input_mtok"] + 400 * price["cache_read_mtok"] + 500 * price["output_mtok"]) / 1_000_000


def test_what_is_written_to_the_cache_has_its_price():
    price = row(CLAUDE)

    cost = cost_of(Usage(1000, 500, cache_read_tokens=400, cache_write_tokens=100), CLAUDE, at=AT)

    fresh, read, written = price["input_mtok"], price["cache_read_mtok"], price["cache_write_mtok"]
    assert cost == (500 * fresh + 400 * read + 100 * written + 500 * price["output_mtok"]) / 1_000_000
    assert written > fresh > read


def test_reasoning_costs_as_much_as_other_output_unless_the_list_says_otherwise():
    assert cost_of(Usage(10, 500, reasoning_tokens=300), MINI, at=AT) == cost_of(Usage(10, 500), MINI, at=AT)


def test_a_cost_the_provider_reports_beats_every_estimate():
    assert cost_of(Usage(1000, 500, cost_usd=Decimal("0.5")), MINI) == Decimal("0.5")
    assert cost_of(Usage(cost_usd=Decimal(0)), LOCAL) == 0


def test_a_figure_that_cannot_be_dollars_is_unknown():
    assert cost_of(Usage(cost_usd=MOST_FOR_A_REPLY), LOCAL) == MOST_FOR_A_REPLY
    assert cost_of(Usage(cost_usd=Decimal(1_000_000)), LOCAL) is None
    assert cost_of(Usage(10**13, 1), MINI, at=AT) is None


@pytest.mark.parametrize(
    ("usage", "model"),
    [
        (Usage(1000, 500), LOCAL),  # an own server, whatever it serves
        (Usage(1000, 500), Model("openai", "no-such-model")),
        (Usage(1000, 500), Model("scripted", "scripted")),
        (Usage(), MINI),
        (Usage(input_tokens=1000), MINI),
        (Usage(10, 5, cache_read_tokens=400), MINI),  # inconsistent
    ],
)
def test_what_nobody_knows_is_unknown_and_not_nothing(usage, model):
    assert cost_of(usage, model) is None


def test_the_offline_planner_costs_nothing():
    assert cost_of(Usage(), Model("offline", "offline")) == 0


def test_a_server_of_ones_own_may_have_a_price():
    own = Model("local", "m1", Price(input=Decimal("0.2"), output=Decimal(1), cache_read=Decimal("0.02")))

    assert cost_of(Usage(1_000_000, 100_000), own) == Decimal("0.3")
    assert cost_of(Usage(1_000_000, 100_000, cache_read_tokens=500_000), own) == Decimal("0.21")


@pytest.mark.parametrize("model", [CLAUDE, MINI, FLASH], ids=lambda model: model.model)
@pytest.mark.parametrize(
    "usage",
    [
        Usage(10_000, 800),
        Usage(10_000, 800, cache_write_tokens=9_000),
        Usage(10_000, 800, cache_read_tokens=9_000),
        Usage(5_000, 100, reasoning_tokens=100),
    ],
)
def test_what_is_set_aside_before_a_call_is_never_less_than_the_call_costs(model, usage):
    set_aside = reserve(model, input_tokens=10_000, max_output_tokens=800, at=AT)
    cost = cost_of(usage, model, at=AT)

    assert set_aside is not None
    assert cost is not None
    assert set_aside >= cost > 0


def test_nothing_can_be_set_aside_for_an_unknown_price():
    assert reserve(LOCAL, input_tokens=10_000, max_output_tokens=800) is None


def test_the_window_of_a_model_is_known_from_the_same_lists():
    assert context_window(CLAUDE) == 1_000_000
    assert context_window(LOCAL) is None
