"""What replies cost, from the price lists of genai-prices, offline. What nobody knows is None: unknown, never 0."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from runs.agent.messages import ModelProvider, Usage

NOTHING = Decimal(0)
"""What the offline planner costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model of one's own costs, in USD for a million tokens."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    """None: as much as other input."""

    def cost_of(self, usage: Usage) -> Decimal:
        """What the reply cost."""
        read = usage.cache_read_tokens or 0
        fresh = (usage.input_tokens or 0) - read
        cached = self.input if self.cache_read is None else self.cache_read
        total = fresh * self.input + read * cached + (usage.output_tokens or 0) * self.output
        return total / 1_000_000


MOST_FOR_A_REPLY = Decimal(10_000)
"""US dollars. A reply that fills the largest window of the dearest listed model costs a few hundred."""


def cost_of(usage: Usage, model: ModelProvider, *, at: datetime | None = None) -> Decimal | None:
    """What a reply cost in USD: as the provider reported it, else estimated; None if that is unknown.

    A figure above `MOST_FOR_A_REPLY` is not believed: who reports it counts in something else than dollars.
    Tokens read from a cache, written to it, and spent on reasoning have prices of their own where the lists say so.
    `at` is when it was asked for, for prices that change; None is now.
    """
    cost = _cost_of(usage, model, at)
    return None if cost is not None and cost > MOST_FOR_A_REPLY else cost


def _cost_of(usage: Usage, model: ModelProvider, at: datetime | None) -> Decimal | None:
    if usage.cost_usd is not None:
        return usage.cost_usd
    if model.name == "offline":
        return NOTHING
    if usage.input_tokens is None or usage.output_tokens is None:
        return None
    price: Price | None = getattr(model, "price", None)
    return price.cost_of(usage) if price else _listed_cost(usage, model.name, model.model, at)


def reserve(
    model: ModelProvider, *, input_tokens: int, max_output_tokens: int, at: datetime | None = None
) -> Decimal | None:
    """The most a reply can cost in USD, so that it can be set aside before the call; None if its price is unknown.

    Every input token is counted at the dearest kind there is: fresh, or written to a cache.
    """
    kinds = (
        Usage(input_tokens=input_tokens, output_tokens=max_output_tokens),
        Usage(input_tokens=input_tokens, output_tokens=max_output_tokens, cache_write_tokens=input_tokens),
        Usage(input_tokens=input_tokens, output_tokens=max_output_tokens, reasoning_tokens=max_output_tokens),
    )
    costs = [cost_of(each, model, at=at) for each in kinds]
    return max((cost for cost in costs if cost is not None), default=None)


_PRICED = frozenset({"openai", "anthropic", "google"})
"""Whose prices are looked up."""


def is_listed(model: ModelProvider) -> bool:
    """True if the price lists have to be read for it, which takes 0.3 s the first time."""
    return model.name in _PRICED


def context_window(model: ModelProvider) -> int | None:
    """How many tokens the model can read, by the same lists; None if unknown."""
    found = _listed(model.name, model.model)
    return found.context_window if found else None


def _listed_cost(usage: Usage, provider: str, model: str, at: datetime | None) -> Decimal | None:
    # A server of one's own may serve a model that has a price elsewhere: its price is unknown all the same.
    if _listed(provider, model) is None:
        return None
    import genai_prices

    counts = {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_reasoning_tokens": usage.reasoning_tokens,
    }
    told = genai_prices.Usage(**{name: count for name, count in counts.items() if count})
    try:
        return genai_prices.calc_price(told, model, provider_id=provider, genai_request_timestamp=at).total_price
    except ValueError:
        return None  # more tokens read from the cache than read at all, and the like: the report makes no sense


@lru_cache(maxsize=256)
def _listed(provider: str, model: str) -> Any:
    """The model in the price lists; None if it, or who serves it, is in none."""
    if provider not in _PRICED:
        return None
    from genai_prices.data_snapshot import get_snapshot  # 0.3 s: only once a price is asked for

    try:
        return get_snapshot().find_provider_model(model, None, provider, None)[1]
    except LookupError:
        return None
