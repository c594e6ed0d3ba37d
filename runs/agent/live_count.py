"""How much a reply has used while it is still being written."""

from decimal import Decimal

from runs.agent.budget import Budget, Reservation
from runs.agent.messages import Delta


class LiveCount:
    """Counts the pieces of one reply, and stops it when a limit of the run is passed.

    A piece is at least one token, and four bytes of text are about one; the provider's own count, where it gives one
    while it writes, is believed if it is higher.
    """

    def __init__(self, budget: Budget, reservation: Reservation, *, usd_per_token: Decimal | None) -> None:
        """`usd_per_token` is what a token of output costs; None if nobody knows."""
        self._budget = budget
        self._reservation = reservation
        self._usd_per_token = usd_per_token
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
        if delta.output_tokens is not None:
            self._reported = max(self._reported, delta.output_tokens)
        if delta.kind != "alive" and delta.text:
            self._pieces += 1
            self._bytes += len(delta.text) if delta.text.isascii() else len(delta.text.encode(errors="replace"))
        self._budget.check_live(self._reservation, self.tokens, self.cost_usd or Decimal(0))
