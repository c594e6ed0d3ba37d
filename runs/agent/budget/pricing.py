"""The cost of replies, from the offline price lists of genai-prices. An unknown cost is None, never 0."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from runs.agent.messages import ModelProvider
from runs.agent.usage import Usage

NOTHING = Decimal(0)
"""The cost of a reply of the offline planner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The price of a model of AGENTSITE_ENDPOINTS, in USD per million tokens."""

    input: Decimal
    output: Decimal
    cache_read: Decimal | None = None
    """None: the price of other input."""

    def cost_of(self, usage: Usage) -> Decimal:
        """The cost in USD; tokens that the usage does not report count as 0."""
        read = usage.cache_read_tokens or 0
        fresh = (usage.input_tokens or 0) - read
        cached = self.input if self.cache_read is None else self.cache_read
        total = fresh * self.input + read * cached + (usage.output_tokens or 0) * self.output
        return total / 1_000_000


MOST_FOR_A_REPLY = Decimal(10_000)
"""US dollars. A reply that fills the largest context window of the dearest listed model costs a few hundred."""


def cost_of(usage: Usage, model: ModelProvider, *, at: datetime | None = None) -> Decimal | None:
    """The cost of a reply in USD: as reported by the provider, else from its price; None if unknown.

    A figure above `MOST_FOR_A_REPLY` counts as unknown: the server reports another unit than dollars.
    Cache reads, cache writes and reasoning tokens have separate prices where the lists give them.
    `at` is the time of the request, for prices that change; None is now.
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
    """The most a reply can cost in USD, to be reserved before the call; None if its price is unknown.

    All input is priced at the dearest rate (fresh, or written to the cache), and so is all output (text or reasoning).
    """
    kinds = (
        Usage(input_tokens=input_tokens, output_tokens=max_output_tokens),
        Usage(input_tokens=input_tokens, output_tokens=max_output_tokens, cache_write_tokens=input_tokens),
        Usage(input_tokens=input_tokens, output_tokens=max_output_tokens, reasoning_tokens=max_output_tokens),
    )
    costs = [cost_of(each, model, at=at) for each in kinds]
    return max((cost for cost in costs if cost is not None), default=None)


_PRICED = frozenset({"openai", "anthropic", "google"})
"""The providers whose prices are looked up."""


def is_listed(model: ModelProvider) -> bool:
    """True if the model's price is looked up in the price lists, whose first import takes 0.3 s."""
    return model.name in _PRICED


def context_window(model: ModelProvider) -> int | None:
    """The model's context window in tokens, from the price lists; None if unknown."""
    found = _listed(model.name, model.model)
    return found.context_window if found else None


class ListedPrice(NamedTuple):
    """The price of a model in USD per million tokens, to be shown."""

    input: Decimal
    output: Decimal
    rises: bool
    """Long requests cost more."""


def price_of(model: ModelProvider, *, at: datetime | None = None) -> ListedPrice | None:
    """The price of a model at a time (None: now); None if unknown. The offline planner costs nothing."""
    if model.name == "offline":
        return ListedPrice(NOTHING, NOTHING, rises=False)
    own: Price | None = getattr(model, "price", None)
    if own is not None:
        return ListedPrice(own.input, own.output, rises=False)
    listed = _listed(model.name, model.model)
    if listed is None:
        return None
    prices = listed.get_prices(at or datetime.now(UTC))
    both = (prices.input_mtok, prices.output_mtok)
    if None in both:
        return None
    # A price with tiers has a base, for requests below the first of them.
    base_input, base_output = (Decimal(getattr(each, "base", each)) for each in both)
    return ListedPrice(base_input, base_output, rises=any(hasattr(each, "tiers") for each in both))


def _listed_cost(usage: Usage, provider: str, model: str, at: datetime | None) -> Decimal | None:
    # A server of AGENTSITE_ENDPOINTS may serve a model that another provider has a price for: unknown here.
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
        return None  # an inconsistent report, for example more cache reads than input tokens


@lru_cache(maxsize=256)
def _listed(provider: str, model: str) -> Any:
    """The model's entry in the price lists; None if the model or its provider is not listed."""
    if provider not in _PRICED:
        return None
    from genai_prices.data_snapshot import get_snapshot  # 0.3 s: imported at the first lookup

    try:
        return get_snapshot().find_provider_model(model, None, provider, None)[1]
    except LookupError:
        return None
