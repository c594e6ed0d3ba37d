"""How far a run may go."""

from dataclasses import dataclass
from decimal import Decimal

from runs.agent.errors import LimitReached


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """How far a run may go. The first limit reached ends it with `LimitReached`."""

    max_turns: int = 20
    """Model replies, not tool calls. Checked before each reply is asked for."""

    max_duration_s: float = 600
    """Time hosted, over all claims, waiting for retries included; time parked for a person is not counted."""

    tool_timeout_s: float = 30
    """The longest one tool call may take, unless the tool declares its own `timeout_s`."""

    model_timeout_s: float | None = None
    """The longest one attempt at a model reply may take, from request to last token; None for what the model's server
    is set up with, and no limit but the run's own time where it is not."""

    first_token_timeout_s: float | None = None
    """The longest wait for the first piece of a reply while the server gives no sign of life; None for the server's
    own, or `FIRST_TOKEN_TIMEOUT_S`. Not for a provider that says `streams = False`."""

    idle_timeout_s: float | None = None
    """The longest silence in a reply that has begun; None for the server's own, or `IDLE_TIMEOUT_S`. Keep-alives, too,
    are signs of life."""

    max_tokens: int | None = None
    """Tokens of all replies together; None for no limit. Checked before each reply is asked for."""

    max_cost_usd: Decimal | None = None
    """What all replies together may cost; None for no limit. Reserved before each reply is asked for."""

    context_tokens: int | None = None
    """What the models can read at most; None for what is known of each."""

    max_parallel_calls: int = 8
    """Tool calls of one turn that run at the same time; the rest wait for a place."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be more than 0, not {value!r}.")

    def check_turn(self, turn: int) -> None:
        """Raise `LimitReached` if `turn` (1 for the first) is beyond `max_turns`."""
        if turn > self.max_turns:
            raise LimitReached("max_turns", used=turn - 1, limit=self.max_turns, unit="turns")


FIRST_TOKEN_TIMEOUT_S = 120.0
"""Models that reason, and local ones that read a long prompt, are silent for longer than a minute."""
IDLE_TIMEOUT_S = 120.0
DEFAULT_TIME_LIMITS = {"first_token_timeout_s": FIRST_TOKEN_TIMEOUT_S, "idle_timeout_s": IDLE_TIMEOUT_S}
"""What holds where neither the run nor the model's server says anything."""

TIME_LIMITS = frozenset({"tool_timeout_s", "model_timeout_s", "first_token_timeout_s", "idle_timeout_s"})
"""How long one thing may take: the same names in an agent, in its snapshot and in the overrides of a launch."""
