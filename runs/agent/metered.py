"""A model as one run uses it: with a request that fits its window, within the run's budget, its reply priced."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

from runs.agent import money
from runs.agent.budget import Budget, Reservation
from runs.agent.context_size import ContextSize
from runs.agent.errors import ModelFailure
from runs.agent.journal import Entry, Journal
from runs.agent.limits import RunLimits
from runs.agent.live_count import LiveCount
from runs.agent.messages import Delta, ModelProvider, ModelReply, ModelRequest, OnDelta, Usage
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.window import Window, usable_tokens

FITS_EVERY_WINDOW = 2_500
"""Requests up to this many tokens fit the smallest window of any model; the price lists need not be read for them."""
FIRST_REPLY_TOKENS = 1_000
"""What is reserved, in money, for the first reply of a run; later ones are expected as long as the longest so far."""
MAX_OVERFLOWS = 2
"""How often the past is shortened because one turn's request was too large after all."""


class Metered:
    """Satisfies `ModelProvider`. Everything else is asked of the provider itself."""

    def __init__(
        self,
        provider: ModelProvider,
        *,
        window: Window,
        budget: Budget,
        journal: Journal,
        limits: RunLimits,
        learnt_window: int | None = None,
    ) -> None:
        """`learnt_window` is the size of its window as far as this run, or one it continues, has met it."""
        self.unmetered = provider
        """The provider itself: what all runs know of it together is known by it."""
        self.name = provider.name
        self.model = provider.model
        self.is_free = bool(getattr(provider, "is_free", provider.name == "offline"))
        """It has neither tokens nor a cost: there are none to know."""
        self._window = window
        self._budget = budget
        self._journal = journal
        self._context = ContextSize(provider, said=limits.context_tokens, learnt=learnt_window)
        self._needs_prices = money.is_listed(provider)
        self._overflows = (0, 0)
        """A turn, and how often its request was too large."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unmetered, name)

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The provider's reply, its usage with what it cost if anybody knows.

        Raises what the provider raises, and `LimitReached` or `CostUnknown` instead of a call beyond the budget;
        `LimitReached` also in the middle of a reply that passes a limit.
        """
        if getattr(getattr(self.unmetered, "capabilities", None), "tools", None) is False:
            request = replace(request, tools=())  # what is not sent is not counted
        if self.is_free:
            return await self.unmetered.reply(self._window.shown(request), on_delta=on_delta)
        guessed = await self._fit(request)
        largest, cost = self._budget.largest_output, await self._expected_cost(guessed)
        is_told = bool(getattr(self.unmetered, "reports_cost", False))
        await self._budget.refresh()
        most = self._longest_output(guessed)
        expected = self._budget.reserved(self.model, guessed + largest, cost, is_told=is_told, input_tokens=guessed)
        with expected as reservation:
            reservation.input_usd = self._input_usd(guessed)
            live = LiveCount(self._budget, reservation, usd_per_token=self._usd_per_token(guessed))
            try:
                reply = await self.unmetered.reply(self._shown(request, most), on_delta=_hearing(live, on_delta))
            except ModelFailure as failure:
                await self._book_failure(failure, live, reservation)
                self._learn_window(failure, request, guessed)
                raise
            except BaseException:
                self._book_cut_off(live, reservation)
                raise
            usage = await self._priced(self._counted(reply, live, guessed))
            reservation.used_tokens, reservation.used_usd = usage.total_tokens, usage.cost_usd
        self._note(usage)
        if usage.input_tokens is not None and not usage.is_estimated:
            self._window.learn(guessed, usage.input_tokens)
        return reply if usage is reply.usage else replace(reply, usage=usage)

    # What a reply used

    def _counted(self, reply: ModelReply, live: LiveCount, guessed: int) -> Usage:
        """The usage as reported, or by our own count where nothing was, or only the request."""
        used = reply.usage
        if used.output_tokens or not self._counts:
            return used
        for piece in (reply.text, reply.reasoning) if not live.has_begun else ():
            live.note(Delta(piece))
        read = used.input_tokens or guessed
        return replace(used, input_tokens=read, output_tokens=live.tokens, is_estimated=True)

    @property
    def _counts(self) -> bool:
        """True for a model behind a server: one in a script has no tokens anybody pays for."""
        return hasattr(self.unmetered, "capabilities")

    def _note(self, usage: Usage) -> None:
        self._budget.note_reply(
            usage.total_tokens,
            usage.cost_usd,
            output_tokens=usage.output_tokens or 0,
            is_estimated=usage.is_estimated,
        )

    async def _book_failure(self, failure: ModelFailure, live: LiveCount, reservation: Reservation) -> None:
        """Book what a reply used that was thrown away: what its provider said, or else what was counted."""
        if failure.usage is None or failure.usage.total_tokens is None:
            self._book_cut_off(live, reservation)
            return
        usage = failure.usage
        if live.tokens > (usage.output_tokens or 0):
            # It broke off before the figure was right.
            usage = replace(usage, output_tokens=live.tokens, is_estimated=True)
        usage = await self._priced(usage)
        reservation.used_tokens, reservation.used_usd = usage.total_tokens, usage.cost_usd
        self._note(usage)

    def _book_cut_off(self, live: LiveCount, reservation: Reservation) -> None:
        if not live.has_begun:
            return
        used = Usage(input_tokens=reservation.input_tokens, output_tokens=live.tokens)
        # Not looked up now: a cancellation waits for nothing.
        cost = None if self._needs_prices else money.cost_of(used, self.unmetered)
        reservation.used_tokens, reservation.used_usd = used.total_tokens or 0, cost
        self._budget.note_cut_off(reservation.used_tokens, cost)

    # What a request may be

    def _shown(self, request: ModelRequest, most: int | None) -> ModelRequest:
        shown = self._window.shown(request)
        if most is None:
            return shown
        asked = shown.settings.max_output_tokens
        return replace(shown, settings=replace(shown.settings, max_output_tokens=min(most, asked or most)))

    def _longest_output(self, guessed: int) -> int | None:
        """How many tokens the reply may have under the limits of the run and its owner; None if nothing limits it."""
        tokens, usd = self._budget.left()
        most = None if tokens is None else tokens - guessed
        price = self._usd_per_token(guessed)
        if usd is not None and price:
            affordable = int((usd - self._input_usd(guessed)) / price)
            most = affordable if most is None else min(most, affordable)
        return None if most is None else max(most, 1)

    async def _fit(self, request: ModelRequest) -> int:
        """Make the request fit, and say so in a note; about how many tokens it has then."""
        guessed = self._window.tokens_for(request)
        if guessed <= FITS_EVERY_WINDOW and not self._context.is_known:
            return guessed
        size = await self._context.tokens()
        change = self._window.fit(request, usable_tokens(size))
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
            "context_tokens": size,
            "learnt_tokens": self._context.learnt,
        }
        note = AgentThought(ThoughtType.NOTE, change.words(size), about)
        await self._journal.record(Entry(thoughts=[note]))
        return self._window.tokens_for(request)

    def _learn_window(self, failure: ModelFailure, request: ModelRequest, guessed: int) -> None:
        """After an overflow: know the window better, and have the request made again if it can be made smaller."""
        if failure.kind != "context_overflow":
            return
        self._context.learn_from(failure, request_tokens=guessed)
        turn, (last_turn, times) = len(request.turns) + 1, self._overflows
        self._overflows = (turn, times + 1 if turn == last_turn else 1)
        if self._overflows[1] <= MAX_OVERFLOWS and self._window.can_shrink():
            failure.again = "with less of the past"

    # What it costs

    async def _expected_cost(self, input_tokens: int) -> Decimal | None:
        if not self._budget.limits_money:
            return None
        output = self._budget.largest_output or FIRST_REPLY_TOKENS
        await self._load_prices()
        return money.reserve(self.unmetered, input_tokens=input_tokens, max_output_tokens=output)

    def _input_usd(self, input_tokens: int) -> Decimal:
        if not self._budget.limits_money:
            return Decimal(0)
        return money.reserve(self.unmetered, input_tokens=input_tokens, max_output_tokens=0) or Decimal(0)

    def _usd_per_token(self, input_tokens: int) -> Decimal | None:
        """What a further token of output costs; None if nobody knows, or nothing limits the money."""
        if not self._budget.limits_money:
            return None
        cost = money.reserve(self.unmetered, input_tokens=input_tokens, max_output_tokens=FIRST_REPLY_TOKENS)
        return None if cost is None else (cost - self._input_usd(input_tokens)) / FIRST_REPLY_TOKENS

    async def _priced(self, usage: Usage) -> Usage:
        await self._load_prices()
        cost = money.cost_of(usage, self.unmetered)
        return usage if cost == usage.cost_usd else replace(usage, cost_usd=cost)

    async def _load_prices(self) -> None:
        """Have the price lists read in a thread, once, if they are needed at all."""
        if self._needs_prices:
            await asyncio.to_thread(money.context_window, self.unmetered)
            self._needs_prices = False


def _hearing(live: LiveCount, on_delta: OnDelta | None) -> OnDelta:
    """Counts each piece after it was passed on: what was said stays on the page, also if it was too much."""

    def hear(delta: Delta) -> None:
        if on_delta is not None:
            on_delta(delta)
        live.note(delta)

    return hear
