"""How much a reply has used while it is still being written."""

from decimal import Decimal

from runs.agent.budget import Budget, Reservation
from runs.agent.messages import Delta


class LiveCount:
    """Counts the pieces of one reply, and stops it when a limit of the run is passed.

    A piece is at least one token, and four bytes of text are about one; the provider's own count, where it gives one
    while it writes, is believed if it is higher.
    """

    __slots__ = ("_budget", "_bytes", "_is_limited", "_pieces", "_reported", "_reservation", "_usd_per_token")

    def __init__(self, budget: Budget, reservation: Reservation, *, usd_per_token: Decimal | None) -> None:
        """`usd_per_token` is what a token of output costs; None if nobody knows."""
        self._budget = budget
        self._reservation = reservation
        self._usd_per_token = usd_per_token
        self._is_limited = budget.is_limited
        self._pieces = 0
        self._bytes = 0
        self._reported = 0

    @property
    def has_begun(self) -> bool:
        """True once a piece has come."""
        return self._pieces > 0

    @property
    def tokens(self) -> int:
        """About how many tokens of output there are so far."""
        return max(self._pieces, self._bytes // 4, self._reported)

    @property
    def cost_usd(self) -> Decimal | None:
        """About what they cost; None if nobody knows."""
        return None if self._usd_per_token is None else self.tokens * self._usd_per_token

    def note(self, delta: Delta) -> None:
        """Count a piece. Raises `LimitReached` if the reply has passed a limit with it."""
        text, _kind, reported = delta
        if text:
            self._pieces += 1
            self._bytes += len(text) if text.isascii() else len(text.encode(errors="replace"))
        if reported is not None and reported > self._reported:
            self._reported = reported
        if self._is_limited:  # pieces come by the million
            self._budget.check_live(self._reservation, self.tokens, self.cost_usd or Decimal(0))
