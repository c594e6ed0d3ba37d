"""Tokens and money: the limits, what was used, and what is reserved for calls in flight."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from runs.agent.errors.exceptions import LimitReached
from runs.agent.errors.model_exceptions import CostUnknown
from runs.agent.run_limits import RunLimits

NOTHING = Decimal(0)


class Budget:
    """An amount of tokens and money shared by concurrent calls.

    A call is made only if used + reserved + its own need is within both limits.
    """

    def __init__(
        self,
        *,
        max_tokens: int | None = None,
        max_cost_usd: Decimal | None = None,
        tokens: int = 0,
        cost_usd: Decimal = NOTHING,
        names: tuple[str, str] = ("max_tokens", "max_cost_usd"),
    ) -> None:
        """`tokens` and `cost_usd` are already used; `names` are the names of the two limits in errors."""
        self.max_tokens = max_tokens
        self.max_cost_usd = max_cost_usd
        self.tokens = tokens
        self.cost_usd = cost_usd
        self.names = names
        self._reserved_tokens = 0
        self._reserved_usd = NOTHING
        self._live_tokens = 0
        self._live_usd = NOTHING

    async def refresh(self) -> None:
        """Read what other processes have spent since. Does nothing for a budget of this process alone."""

    def check(self, tokens: int, cost_usd: Decimal) -> None:
        """Raise `LimitReached` if a limit is reached, or a call that needs this much would exceed it."""
        used, usd = self.tokens + self._reserved_tokens, self.cost_usd + self._reserved_usd
        if self.max_tokens is not None and (used >= self.max_tokens or used + tokens > self.max_tokens):
            raise LimitReached(self.names[0], used=used, limit=self.max_tokens, unit="tokens", needed=tokens)
        if self.max_cost_usd is not None and (usd >= self.max_cost_usd or usd + cost_usd > self.max_cost_usd):
            most, needed = float(self.max_cost_usd), float(cost_usd)
            raise LimitReached(self.names[1], used=float(usd), limit=most, unit="USD", needed=needed)

    def reserve(self, tokens: int, cost_usd: Decimal) -> None:
        """Reserve this much for a call. The caller returns it with `give_back` when the call is over."""
        self._reserved_tokens += tokens
        self._reserved_usd += cost_usd

    def give_back(self, tokens: int, cost_usd: Decimal) -> None:
        """End a reservation."""
        self.reserve(-tokens, -cost_usd)

    def left(self) -> tuple[int | None, Decimal | None]:
        """Tokens and USD neither used nor reserved; None where there is no limit."""
        tokens = None if self.max_tokens is None else self.max_tokens - self.tokens - self._reserved_tokens
        usd = None if self.max_cost_usd is None else self.max_cost_usd - self.cost_usd - self._reserved_usd
        return tokens, usd

    def note_live(self, tokens: int, cost_usd: Decimal) -> None:
        """Add to the use of calls in flight; negative when a call ends and `spend` counts it instead."""
        self._live_tokens += tokens
        self._live_usd += cost_usd

    def check_live(self) -> None:
        """Raise `LimitReached` if finished calls and calls in flight together exceed a limit."""
        tokens, usd = self.tokens + self._live_tokens, self.cost_usd + self._live_usd
        if self.max_tokens is not None and tokens > self.max_tokens:
            raise LimitReached(self.names[0], used=tokens, limit=self.max_tokens, unit="tokens")
        if self.max_cost_usd is not None and usd > self.max_cost_usd:
            raise LimitReached(self.names[1], used=float(usd), limit=float(self.max_cost_usd), unit="USD")

    def spend(self, tokens: int, cost_usd: Decimal) -> None:
        """Add the use of a finished call."""
        self.tokens += tokens
        self.cost_usd += cost_usd


@dataclass(slots=True)
class Reservation:
    """The expected use of a call in flight, and its actual use once it has ended."""

    tokens: int
    cost_usd: Decimal
    input_tokens: int = 0
    """Estimated size of the request."""
    input_usd: Decimal = NOTHING
    live_tokens: int = 0
    """Counted so far, while the reply streams; part of the budgets' live use."""
    live_usd: Decimal = NOTHING
    used_tokens: int | None = None
    used_usd: Decimal | None = None


@dataclass(slots=True)
class UsageTotals:
    """The total use of several calls; a figure is None while no call has reported one."""

    tokens: int | None = None
    cost_usd: Decimal | None = None
    is_partial: bool = False
    """True if the cost of at least one call is unknown, so the total is a lower bound."""
    is_estimated: bool = False
    """True if part of it is our own count, because a provider did not report usage."""

    def add(self, tokens: int | None, cost_usd: Decimal | None, *, is_estimated: bool = False) -> None:
        """Add the reported or counted use of one call; a cost of None makes the total partial."""
        self.is_estimated = self.is_estimated or is_estimated
        if tokens is not None:
            self.tokens = (self.tokens or 0) + tokens
        if cost_usd is not None:
            self.cost_usd = (self.cost_usd or NOTHING) + cost_usd
        else:
            self.is_partial = True


class RunBudget:
    """What one run may use: its own budget, and the budgets it shares (its owner's daily one)."""

    def __init__(
        self, limits: RunLimits, *, tokens: int = 0, cost_usd: Decimal | None = None, shared: Sequence[Budget] = ()
    ) -> None:
        own = Budget(
            max_tokens=limits.max_tokens,
            max_cost_usd=limits.max_cost_usd,
            tokens=tokens,
            cost_usd=cost_usd or NOTHING,
        )
        self.budgets = (own, *shared)
        self.limits_money = any(budget.max_cost_usd is not None for budget in self.budgets)
        """True if a budget limits money, so that the cost of a call must be estimated first."""
        self.is_limited = self.limits_money or any(budget.max_tokens is not None for budget in self.budgets)
        """True if any budget limits tokens or money."""
        self._largest_output = 0
        self._unbooked = UsageTotals()

    @property
    def largest_output(self) -> int:
        """Tokens of the longest reply of this run so far: the estimate for the next one."""
        return self._largest_output

    async def refresh(self) -> None:
        """Read what other runs have spent from the shared budgets."""
        for budget in self.budgets:
            await budget.refresh()

    @contextmanager
    def reserved(
        self, model: str, tokens: int, cost_usd: Decimal | None, *, input_tokens: int = 0
    ) -> Iterator[Reservation]:
        """Reserve `tokens` and `cost_usd` for the duration of a call, then count its actual use instead.

        `cost_usd` None: the price is unknown. Raises `LimitReached`, and `CostUnknown` for an unknown price under a
        money limit. A call without figures in `Reservation.used_*` costs nothing.
        """
        if cost_usd is None and self.budgets[0].max_cost_usd is not None:
            raise CostUnknown(model, limit_name="max_cost_usd")
        reservation = Reservation(tokens, cost_usd or NOTHING, input_tokens)
        for budget in self.budgets:
            budget.check(reservation.tokens, reservation.cost_usd)
        for budget in self.budgets:
            budget.reserve(reservation.tokens, reservation.cost_usd)
        try:
            yield reservation
        finally:
            for budget in self.budgets:
                budget.give_back(reservation.tokens, reservation.cost_usd)
                budget.note_live(-reservation.live_tokens, -reservation.live_usd)
                budget.spend(reservation.used_tokens or 0, reservation.used_usd or NOTHING)

    def left(self) -> tuple[int | None, Decimal | None]:
        """The smallest remainder over all budgets, in tokens and USD; None where nothing limits them."""
        lefts = [budget.left() for budget in self.budgets]
        tokens = [left for left, _ in lefts if left is not None]
        usd = [left for _, left in lefts if left is not None]
        return min(tokens, default=None), min(usd, default=None)

    def check_live(self, reservation: Reservation, output_tokens: int, output_usd: Decimal) -> None:
        """Update the use of a call in flight. Raises `LimitReached` if a limit is exceeded."""
        tokens, usd = reservation.input_tokens + output_tokens, reservation.input_usd + output_usd
        more_tokens, more_usd = tokens - reservation.live_tokens, usd - reservation.live_usd
        if not more_tokens and not more_usd:
            return
        reservation.live_tokens, reservation.live_usd = tokens, usd
        for budget in self.budgets:
            budget.note_live(more_tokens, more_usd)
        for budget in self.budgets:
            budget.check_live()

    def note_reply(
        self, tokens: int | None, cost_usd: Decimal | None, *, output_tokens: int, is_estimated: bool = False
    ) -> None:
        """Add the use of a reply to what `book` returns next, and remember its length."""
        self._unbooked.add(tokens, cost_usd, is_estimated=is_estimated)
        self._largest_output = max(self._largest_output, output_tokens)

    def note_cut_off(self, tokens: int, cost_usd: Decimal | None) -> None:
        """Add the counted use of a reply that was cut off; the total becomes partial and estimated."""
        self._unbooked.add(tokens, cost_usd, is_estimated=True)
        self._unbooked.is_partial = True

    def book(self) -> UsageTotals:
        """Return and reset the use since the last booking, replies that lost a race included."""
        used, self._unbooked = self._unbooked, UsageTotals()
        return used
