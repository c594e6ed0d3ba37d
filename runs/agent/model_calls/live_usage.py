"""The use of a reply while it streams."""

from decimal import Decimal

from runs.agent.budget.budget import Reservation, RunBudget
from runs.agent.messages import Delta


class LiveUsage:
    """A counter of the pieces of one reply, which stops the reply at a limit of the run.

    A piece counts as at least one token, and four bytes of text as about one; a count that the provider reports while
    streaming is used if it is higher.
    """

    __slots__ = ("_budget", "_bytes", "_is_limited", "_pieces", "_reported", "_reservation", "_usd_per_token")

    def __init__(self, budget: RunBudget, reservation: Reservation, *, usd_per_token: Decimal | None) -> None:
        """`usd_per_token` is the price of an output token; None if unknown."""
        self._budget = budget
        self._reservation = reservation
        self._usd_per_token = usd_per_token
        self._is_limited = budget.is_limited
        self._pieces = 0
        self._bytes = 0
        self._reported = 0

    @property
    def has_begun(self) -> bool:
        """True once a piece has arrived."""
        return self._pieces > 0

    @property
    def tokens(self) -> int:
        """Estimated output tokens so far."""
        return max(self._pieces, self._bytes // 4, self._reported)

    @property
    def cost_usd(self) -> Decimal | None:
        """Their estimated cost; None if the price is unknown."""
        return None if self._usd_per_token is None else self.tokens * self._usd_per_token

    def note(self, delta: Delta) -> None:
        """Count a piece. Raises `LimitReached` if the reply exceeds a limit with it."""
        text, _kind, reported = delta
        if text:
            self._pieces += 1
            self._bytes += len(text) if text.isascii() else len(text.encode(errors="replace"))
        if reported is not None and reported > self._reported:
            self._reported = reported
        if self._is_limited:  # pieces come by the million
            self._budget.check_live(self._reservation, self.tokens, self.cost_usd or Decimal(0))
