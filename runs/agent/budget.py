"""Tokens and money: what may be used, what was used, and what is spoken for by calls that are not over yet."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from runs.agent.errors import CostUnknown, LimitReached
from runs.agent.limits import RunLimits

NOTHING = Decimal(0)


class Purse:
    """An amount of tokens and money that several calls draw on at the same time.

    A call is made only if what was used, what is reserved and what it needs itself are within the limits together.
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
        """`tokens` and `cost_usd` were used before; `names` is what the two limits are called."""
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
        """Learn what was drawn on it elsewhere meanwhile. A purse of this process alone has nothing to learn."""

    def check(self, tokens: int, cost_usd: Decimal) -> None:
        """Raise `LimitReached` if a call that needs that much would go beyond a limit, or one is reached already."""
        used, usd = self.tokens + self._reserved_tokens, self.cost_usd + self._reserved_usd
        if self.max_tokens is not None and (used >= self.max_tokens or used + tokens > self.max_tokens):
            raise LimitReached(self.names[0], used=used, limit=self.max_tokens, unit="tokens", needed=tokens)
        if self.max_cost_usd is not None and (usd >= self.max_cost_usd or usd + cost_usd > self.max_cost_usd):
            most, needed = float(self.max_cost_usd), float(cost_usd)
            raise LimitReached(self.names[1], used=float(usd), limit=most, unit="USD", needed=needed)

    def reserve(self, tokens: int, cost_usd: Decimal) -> None:
        """Set that much aside for a call; `give_back` it when the call is over."""
        self._reserved_tokens += tokens
        self._reserved_usd += cost_usd

    def give_back(self, tokens: int, cost_usd: Decimal) -> None:
        """End a reservation."""
        self.reserve(-tokens, -cost_usd)

    def left(self) -> tuple[int | None, Decimal | None]:
        """What is left of each limit beside what is reserved; None where there is no limit."""
        tokens = None if self.max_tokens is None else self.max_tokens - self.tokens - self._reserved_tokens
        usd = None if self.max_cost_usd is None else self.max_cost_usd - self.cost_usd - self._reserved_usd
        return tokens, usd

    def note_live(self, tokens: int, cost_usd: Decimal) -> None:
        """Calls in flight have used that much more; negative when one is over and `spend` counts it."""
        self._live_tokens += tokens
        self._live_usd += cost_usd

    def check_live(self) -> None:
        """Raise `LimitReached` if what was used and what calls in flight have used by now is beyond a limit."""
        tokens, usd = self.tokens + self._live_tokens, self.cost_usd + self._live_usd
        if self.max_tokens is not None and tokens > self.max_tokens:
            raise LimitReached(self.names[0], used=tokens, limit=self.max_tokens, unit="tokens")
        if self.max_cost_usd is not None and usd > self.max_cost_usd:
            raise LimitReached(self.names[1], used=float(usd), limit=float(self.max_cost_usd), unit="USD")

    def spend(self, tokens: int, cost_usd: Decimal) -> None:
        """Count what a call did use."""
        self.tokens += tokens
        self.cost_usd += cost_usd


@dataclass(slots=True)
class Reservation:
    """What a call in flight is expected to use, and then what it did use."""

    tokens: int
    cost_usd: Decimal
    input_tokens: int = 0
    """About how many tokens the request has."""
    input_usd: Decimal = NOTHING
    live_tokens: int = 0
    """What of it is counted by now, while the reply is written."""
    live_usd: Decimal = NOTHING
    used_tokens: int | None = None
    used_usd: Decimal | None = None


@dataclass(slots=True)
class Used:
    """What calls did use; None if nobody knows of any."""

    tokens: int | None = None
    cost_usd: Decimal | None = None
    is_partial: bool = False
    """True if some call did cost something that nobody knows."""
    is_estimated: bool = False
    """True if some of it was counted here, because a provider did not say."""

    def add(self, tokens: int | None, cost_usd: Decimal | None, *, is_estimated: bool = False) -> None:
        """Add what one call reported, or what was counted of it."""
        self.is_estimated = self.is_estimated or is_estimated
        if tokens is not None:
            self.tokens = (self.tokens or 0) + tokens
        if cost_usd is not None:
            self.cost_usd = (self.cost_usd or NOTHING) + cost_usd
        else:
            self.is_partial = True


class Budget:
    """What one run may use: its own purse, and those it shares with others (its owner's day)."""

    def __init__(
        self, limits: RunLimits, *, tokens: int = 0, cost_usd: Decimal | None = None, shared: Sequence[Purse] = ()
    ) -> None:
        own = Purse(
            max_tokens=limits.max_tokens,
            max_cost_usd=limits.max_cost_usd,
            tokens=tokens,
            cost_usd=cost_usd or NOTHING,
        )
        self.purses = (own, *shared)
        self._largest_output = 0
        self._unbooked = Used()

    @property
    def limits_money(self) -> bool:
        """True if it matters before a call what it may cost."""
        return any(purse.max_cost_usd is not None for purse in self.purses)

    @property
    def is_limited(self) -> bool:
        """True if anything is limited at all."""
        return any(purse.max_tokens is not None or purse.max_cost_usd is not None for purse in self.purses)

    @property
    def largest_output(self) -> int:
        """The most tokens a reply of this run has had: what the next one is expected to need."""
        return self._largest_output

    async def refresh(self) -> None:
        """Learn what others have drawn on the purses they share with this run."""
        for purse in self.purses:
            await purse.refresh()

    @contextmanager
    def reserved(
        self, model: str, tokens: int, cost_usd: Decimal | None, *, is_told: bool, input_tokens: int = 0
    ) -> Iterator[Reservation]:
        """Hold `tokens` and `cost_usd` for the length of a call, whose own figures then take their place.

        `cost_usd` None: nobody knows, but `is_told` says that the reply will tell. Raises `LimitReached`, and
        `CostUnknown` for a call of unknown price under a money limit. A call that gives no figures is not counted.
        """
        if cost_usd is None and self.purses[0].max_cost_usd is not None and not is_told:
            raise CostUnknown(model, limit_name="max_cost_usd")
        reservation = Reservation(tokens, cost_usd or NOTHING, input_tokens)
        for purse in self.purses:
            purse.check(reservation.tokens, reservation.cost_usd)
        for purse in self.purses:
            purse.reserve(reservation.tokens, reservation.cost_usd)
        try:
            yield reservation
        finally:
            for purse in self.purses:
                purse.give_back(reservation.tokens, reservation.cost_usd)
                purse.note_live(-reservation.live_tokens, -reservation.live_usd)
                purse.spend(reservation.used_tokens or 0, reservation.used_usd or NOTHING)

    def left(self) -> tuple[int | None, Decimal | None]:
        """The tokens and the money that no call has used or reserved; None where nothing limits them."""
        lefts = [purse.left() for purse in self.purses]
        tokens = [left for left, _ in lefts if left is not None]
        usd = [left for _, left in lefts if left is not None]
        return min(tokens, default=None), min(usd, default=None)

    def check_live(self, reservation: Reservation, output_tokens: int, output_usd: Decimal) -> None:
        """Count what a call in flight has used by now. Raises `LimitReached` if a limit is passed with it."""
        tokens, usd = reservation.input_tokens + output_tokens, reservation.input_usd + output_usd
        more_tokens, more_usd = tokens - reservation.live_tokens, usd - reservation.live_usd
        if not more_tokens and not more_usd:
            return
        reservation.live_tokens, reservation.live_usd = tokens, usd
        for purse in self.purses:
            purse.note_live(more_tokens, more_usd)
        for purse in self.purses:
            purse.check_live()

    def note_reply(
        self, tokens: int | None, cost_usd: Decimal | None, *, output_tokens: int, is_estimated: bool = False
    ) -> None:
        """Remember what a reply used, as far as it is known, to be booked with the run; and how long it was."""
        self._unbooked.add(tokens, cost_usd, is_estimated=is_estimated)
        self._largest_output = max(self._largest_output, output_tokens)

    def note_cut_off(self, tokens: int, cost_usd: Decimal | None) -> None:
        """Remember that a reply was cut off in the middle: `tokens` and `cost_usd` are what was counted of it."""
        self._unbooked.add(tokens, cost_usd, is_estimated=True)
        self._unbooked.is_partial = True

    def book(self) -> Used:
        """What was used since the last booking, by replies that lost a race too."""
        used, self._unbooked = self._unbooked, Used()
        return used
