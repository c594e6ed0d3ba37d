"""A model metered for one run: requests fitted to the context window, the budget enforced, replies priced."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

from runs.agent.budget import pricing as money
from runs.agent.budget.budget import Reservation, RunBudget
from runs.agent.context_size import ContextSize
from runs.agent.context_window import ContextWindow, usable_tokens
from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.journal import Entry, Journal
from runs.agent.marked_words import words
from runs.agent.messages import Delta, ModelProvider, ModelReply, ModelRequest, OnDelta
from runs.agent.model_calls.live_usage import LiveUsage
from runs.agent.payloads.notes import WindowPayload
from runs.agent.payloads.step_fields import StepFields
from runs.agent.run_limits import RunLimits
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.usage import Usage

FITS_EVERY_WINDOW = 2_500
"""Requests up to this many tokens fit the smallest window of any model, without a lookup in the price lists."""
FIRST_REPLY_TOKENS = 1_000
"""Output tokens whose cost is reserved for the first reply of a run; later replies: the longest so far."""
MAX_OVERFLOWS = 2
"""How often one turn's request is shortened and repeated after an overflow."""


class MeteredModel:
    """A `ModelProvider` around a provider, to which other attributes are delegated."""

    def __init__(
        self,
        provider: ModelProvider,
        *,
        window: ContextWindow,
        budget: RunBudget,
        journal: Journal,
        limits: RunLimits,
        learnt_window: int | None = None,
    ) -> None:
        """`learnt_window` is the size that this run, or one it continues, has learnt from an overflow, in tokens."""
        self.wrapped = provider
        self.name = provider.name
        self.model = provider.model
        self.is_free = bool(getattr(provider, "is_free", provider.name == "offline"))
        """True for a model without tokens and cost."""
        self.cut_off: Usage | None = None
        """What the last reply had used if it was cut off, by our own count; None if it was not, or had not begun."""
        self._window = window
        self._budget = budget
        self._journal = journal
        self._context = ContextSize(provider, said=limits.context_tokens, learnt=learnt_window)
        self._needs_prices = money.is_listed(provider)
        self._overflows = (0, 0)
        """The last turn with an overflow, and its number of overflows."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The provider's reply, with the cost in its usage if the price is known.

        Raises what the provider raises; `LimitReached` or `CostUnknown` instead of a call beyond the budget, and
        `LimitReached` during a reply that exceeds a limit.
        """
        self.cut_off = None
        if getattr(getattr(self.wrapped, "capabilities", None), "tools", None) is False:
            request = replace(request, tools=())  # tools that are not sent are not counted
        if self.is_free:
            return await self.wrapped.reply(self._window.shown(request), on_delta=on_delta)
        guessed = await self._fit(request)
        await self._load_prices()  # before the request: a reply that has come is booked without a wait
        largest, cost = self._budget.largest_output, self._expected_cost(guessed)
        await self._budget.refresh()
        most = self._longest_output(guessed)
        expected = self._budget.reserved(self.model, guessed + largest, cost, input_tokens=guessed)
        with expected as reservation:
            reservation.input_usd = self._input_usd(guessed)
            live = LiveUsage(self._budget, reservation, usd_per_token=self._usd_per_token(guessed))
            try:
                reply = await self.wrapped.reply(self._shown(request, most), on_delta=_hearing(live, on_delta))
                usage = self._priced(self._counted(reply, live, guessed))
            except ModelFailure as failure:
                self._book_failure(failure, live, reservation)
                self._learn_window(failure, request, guessed)
                raise
            except BaseException:
                self._book_cut_off(live, reservation)
                raise
            reservation.used_tokens, reservation.used_usd = usage.total_tokens, usage.cost_usd
        self._note(usage)
        if usage.input_tokens is not None and not usage.is_estimated:
            self._window.learn(guessed, usage.input_tokens)
        return reply if usage is reply.usage else replace(reply, usage=usage)

    # The use of a reply

    def _counted(self, reply: ModelReply, live: LiveUsage, guessed: int) -> Usage:
        """The reported usage; our own count if the output was not reported. Raises `LimitReached` if that exceeds a
        limit."""
        used = reply.usage
        if used.output_tokens or not self._counts:
            return used
        if not live.has_begun:
            live.note(Delta(reply.text + reply.reasoning))
        read = used.input_tokens or guessed
        return replace(used, input_tokens=read, output_tokens=live.tokens, is_estimated=True)

    @property
    def _counts(self) -> bool:
        """True for a model behind a server; the tokens of a scripted model are not paid for."""
        return hasattr(self.wrapped, "capabilities")

    def _note(self, usage: Usage) -> None:
        self._budget.note_reply(
            usage.total_tokens,
            usage.cost_usd,
            output_tokens=usage.output_tokens or 0,
            is_estimated=usage.is_estimated,
        )

    def _book_failure(self, failure: ModelFailure, live: LiveUsage, reservation: Reservation) -> None:
        """Book the use of a discarded reply: the reported one, or else our own count."""
        if failure.usage is None or failure.usage.total_tokens is None:
            self._book_cut_off(live, reservation)
            return
        usage = failure.usage
        if live.tokens > (usage.output_tokens or 0):
            # The reply ended before the provider reported its final count.
            usage = replace(usage, output_tokens=live.tokens, is_estimated=True)
        usage = self._priced(usage)
        reservation.used_tokens, reservation.used_usd = usage.total_tokens, usage.cost_usd
        self._note(usage)

    def _book_cut_off(self, live: LiveUsage, reservation: Reservation) -> None:
        if not live.has_begun:
            return
        used = Usage(input_tokens=reservation.input_tokens, output_tokens=live.tokens)
        cost = money.cost_of(used, self.wrapped)
        self.cut_off = replace(used, cost_usd=cost, is_estimated=True)
        reservation.used_tokens, reservation.used_usd = used.total_tokens or 0, cost
        self._budget.note_cut_off(reservation.used_tokens, cost)

    # The size of a request

    def _shown(self, request: ModelRequest, most: int | None) -> ModelRequest:
        shown = self._window.shown(request)
        if most is None:
            return shown
        asked = shown.settings.max_output_tokens
        return replace(shown, settings=replace(shown.settings, max_output_tokens=min(most, asked or most)))

    def _longest_output(self, guessed: int) -> int | None:
        """The most output tokens under the limits of the run and its owner; None without a limit."""
        if not self._budget.is_limited:
            return None
        tokens, usd = self._budget.left()
        most = None if tokens is None else tokens - guessed
        price = self._usd_per_token(guessed)
        if usd is not None and price:
            affordable = int((usd - self._input_usd(guessed)) / price)
            most = affordable if most is None else min(most, affordable)
        return None if most is None else max(most, 1)

    async def _fit(self, request: ModelRequest) -> int:
        """Fit the request to the window, and record a note if it had to be shortened. Returns its estimated tokens."""
        guessed = self._window.tokens_for(request)
        if guessed <= FITS_EVERY_WINDOW and not self._context.is_known:
            return guessed
        size = await self._context.tokens()
        change = self._window.fit(request, usable_tokens(size))
        if change is None:
            return guessed
        payload = WindowPayload(
            hidden_turns=change.hidden_turns,
            shortened_turns=change.shortened_turns,
            results=change.results,
            context_tokens=size,
            learnt_tokens=self._context.learnt,
        )
        fields = StepFields(turn=len(request.turns) + 1, provider=self.name, model=self.model)
        note = AgentThought(ThoughtType.NOTE, change.words(size), payload=payload, fields=fields)
        await self._journal.record(Entry(thoughts=[note]))
        return self._window.tokens_for(request)

    def _learn_window(self, failure: ModelFailure, request: ModelRequest, guessed: int) -> None:
        """After an overflow: lower the window, and mark the failure to be repeated if the request can be shortened."""
        if failure.kind != "context_overflow":
            return
        self._context.learn_from(failure, request_tokens=guessed)
        turn, (last_turn, times) = len(request.turns) + 1, self._overflows
        self._overflows = (turn, times + 1 if turn == last_turn else 1)
        if self._overflows[1] <= MAX_OVERFLOWS and self._window.can_shrink():
            failure.again = words("with a shorter history")

    # Cost

    def _expected_cost(self, input_tokens: int) -> Decimal | None:
        if not self._budget.limits_money:
            return None
        output = self._budget.largest_output or FIRST_REPLY_TOKENS
        return money.reserve(self.wrapped, input_tokens=input_tokens, max_output_tokens=output)

    def _input_usd(self, input_tokens: int) -> Decimal:
        if not self._budget.limits_money:
            return Decimal(0)
        return money.reserve(self.wrapped, input_tokens=input_tokens, max_output_tokens=0) or Decimal(0)

    def _usd_per_token(self, input_tokens: int) -> Decimal | None:
        """The price of a further output token; None if it is unknown, or nothing limits the money."""
        if not self._budget.limits_money:
            return None
        cost = money.reserve(self.wrapped, input_tokens=input_tokens, max_output_tokens=FIRST_REPLY_TOKENS)
        return None if cost is None else (cost - self._input_usd(input_tokens)) / FIRST_REPLY_TOKENS

    def _priced(self, usage: Usage) -> Usage:
        cost = money.cost_of(usage, self.wrapped)
        return usage if cost == usage.cost_usd else replace(usage, cost_usd=cost)

    async def _load_prices(self) -> None:
        """Load the price lists in a thread, once, if they are needed."""
        if self._needs_prices:
            await asyncio.to_thread(money.context_window, self.wrapped)
            self._needs_prices = False


def _hearing(live: LiveUsage, on_delta: OnDelta | None) -> OnDelta:
    """A callback that counts each piece after passing it on, so that the piece that exceeds a limit is shown too."""

    def hear(delta: Delta) -> None:
        if on_delta is not None:
            on_delta(delta)
        live.note(delta)

    return hear
