"""A model as one run uses it: with a request that fits its window, within the run's budget, its reply priced."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

from runs.agent import money
from runs.agent.budget import Budget
from runs.agent.journal import Entry, Journal
from runs.agent.limits import RunLimits
from runs.agent.messages import Delta, ModelProvider, ModelReply, ModelRequest, OnDelta, Usage
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.window import DEFAULT_CONTEXT_TOKENS, Window, tokens_in, usable_tokens

FITS_EVERY_WINDOW = 2_500
"""Requests up to this many tokens fit the smallest window of any model; the price lists need not be read for them."""
FIRST_REPLY_TOKENS = 1_000
"""What is reserved, in money, for the first reply of a run; later ones are expected as long as the longest so far."""


class Metered:
    """Satisfies `ModelProvider`. Everything else is asked of the provider itself."""

    def __init__(
        self, provider: ModelProvider, *, window: Window, budget: Budget, journal: Journal, limits: RunLimits
    ) -> None:
        self.unmetered = provider
        """The provider itself: what all runs know of it together is known by it."""
        self.name = provider.name
        self.model = provider.model
        self.is_free = provider.name == "offline"
        """It has neither tokens nor a cost: there are none to know."""
        self._window = window
        self._budget = budget
        self._journal = journal
        self._context_tokens = limits.context_tokens
        self._needs_prices = money.is_listed(provider)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unmetered, name)

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The provider's reply, its usage with what it cost if anybody knows.

        Raises what the provider raises, and `LimitReached` or `CostUnknown` instead of a call beyond the budget.
        """
        if self.is_free:
            return await self.unmetered.reply(self._window.shown(request), on_delta=on_delta)
        guessed = await self._fit(request)
        begun = False

        def hear(delta: Delta) -> None:
            nonlocal begun
            begun = True
            if on_delta is not None:
                on_delta(delta)

        largest, cost = self._budget.largest_output, await self._expected_cost(guessed)
        is_told = bool(getattr(self.unmetered, "reports_cost", False))
        await self._budget.refresh()
        with self._budget.reserved(self.model, guessed + largest, cost, is_told=is_told) as reservation:
            try:
                reply = await self.unmetered.reply(self._window.shown(request), on_delta=hear)
            except BaseException:
                if begun:
                    self._budget.note_cut_off()
                    reservation.used_tokens, reservation.used_usd = reservation.tokens, reservation.cost_usd
                raise
            usage = await self._priced(reply.usage)
            output = usage.output_tokens if usage.output_tokens is not None else tokens_in(reply.text + reply.reasoning)
            reservation.used_tokens = guessed + output if usage.total_tokens is None else usage.total_tokens
            reservation.used_usd = usage.cost_usd
        self._budget.note_reply(usage.total_tokens, usage.cost_usd, output_tokens=output)
        if usage.input_tokens is not None:
            self._window.learn(guessed, usage.input_tokens)
        return reply if usage is reply.usage else replace(reply, usage=usage)

    async def _fit(self, request: ModelRequest) -> int:
        """Make the request fit, and say so in a note; about how many tokens it has then."""
        guessed = self._window.tokens_for(request)
        if guessed <= FITS_EVERY_WINDOW and self._context_tokens is None:
            return guessed
        if self._context_tokens is None:
            await self._load_prices()
            self._context_tokens = money.context_window(self.unmetered) or DEFAULT_CONTEXT_TOKENS
        change = self._window.fit(request, usable_tokens(self._context_tokens))
        if change is None:
            return guessed
        about = {
            "note": "window",
            "turn": len(request.turns) + 1,
            "provider": self.name,
            "model": self.model,
            "hidden_turns": change.hidden_turns,
            "shortened_turns": change.shortened_turns,
            "results": change.results,
            "context_tokens": self._context_tokens,
        }
        note = AgentThought(ThoughtType.NOTE, change.words(self._context_tokens), about)
        await self._journal.record(Entry(thoughts=[note]))
        return self._window.tokens_for(request)

    async def _expected_cost(self, input_tokens: int) -> Decimal | None:
        if not self._budget.limits_money:
            return None
        output = self._budget.largest_output or FIRST_REPLY_TOKENS
        await self._load_prices()
        return money.reserve(self.unmetered, input_tokens=input_tokens, max_output_tokens=output)

    async def _priced(self, usage: Usage) -> Usage:
        await self._load_prices()
        cost = money.cost_of(usage, self.unmetered)
        return usage if cost == usage.cost_usd else replace(usage, cost_usd=cost)

    async def _load_prices(self) -> None:
        """Have the price lists read in a thread, once, if they are needed at all."""
        if self._needs_prices:
            await asyncio.to_thread(money.context_window, self.unmetered)
            self._needs_prices = False
