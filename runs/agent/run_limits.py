"""The declaration of a run's limits and timeouts."""

from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Final

from runs.agent.marked_words import words
from runs.agent.setting import Setting, declared, settings_of

MIN_TIMEOUT_S, MAX_TIMEOUT_S = 0.1, 3600
"""The range of the timeouts."""
MAX_TOKENS_ALLOWED = 1_000_000_000
FIRST_TOKEN_TIMEOUT_S = 120.0
"""Reasoning models, and local ones with a long prompt, may send nothing for longer than a minute."""
IDLE_TIMEOUT_S = 120.0

_limit = partial(Setting, group="limits", kind="count", least=1, is_capped=True)
_timeout = partial(
    Setting,
    group="timeouts",
    kind="seconds",
    unit="second",
    least=MIN_TIMEOUT_S,
    most=MAX_TIMEOUT_S,
    empty=words("the default"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """How far a run may go. The first limit reached ends it with `LimitReached`.

    A setting declared here has a column, an override, a field in the form and in the API, a fact on the run's page and
    a remedy.
    """

    max_turns: int = field(
        default=20,
        metadata=declared(
            _limit(
                label=words("Max turns"),
                help=words("Replies of the model in a run"),
                unit="turn",
                most=1000,
                reached=words("The run reached its limit of turns."),
                raise_label=words("Allow more turns"),
                resume_label=words("Resume with more turns"),
            )
        ),
    )
    """Model replies, not tool calls. Checked before each request."""

    max_calls: int | None = field(
        default=None,
        metadata=declared(
            _limit(
                label=words("Max tool calls"),
                help=words("Tool calls in a run"),
                empty=words("no limit"),
                unit="tool call",
                most=100_000,
                reached=words("The run reached its limit of tool calls, or the next reply would have exceeded it."),
                raise_label=words("Allow more tool calls"),
                resume_label=words("Resume with more tool calls"),
            )
        ),
    )
    """Tool calls of all replies together, failed ones included; None for no limit. Checked before the calls of a reply
    are recorded: if they would exceed the limit, none of them is made. The calls of scripts count too: a script that
    would exceed it ends with an error."""

    max_repeats: int = field(
        default=4,
        metadata=declared(
            _limit(
                label=words("Max repeats"),
                help=words("Turns in a row that only repeat earlier calls and bring nothing new"),
                remark=words("The model is told after half of them. Calls that poll do not count."),
                unit="repeat",
                least=2,
                most=1000,
                reached=words("The run went in circles: its calls repeated earlier ones and brought nothing new."),
                raise_label=words("Allow more repeats"),
                resume_label=words("Resume with more repeats"),
            )
        ),
    )
    """Repeats as `loop_guard/repeats.py` weighs them. Checked before each request."""

    max_child_runs: int = field(
        default=20,
        metadata=declared(
            _limit(
                label=words("Max child runs"),
                help=words("Runs of other agents that a run and its child runs launch together"),
                remark=words("A call that would launch one more fails, and the model is told."),
                unit="child run",
                most=1000,
                reached=words("The run and its child runs have launched as many runs as they may."),
                raise_label=words("Allow more child runs"),
                resume_label=words("Resume with more child runs"),
            )
        ),
    )
    """Runs in the tree of a run, without itself. That of the tree's first run counts; checked before each launch."""

    max_duration_s: float = field(
        default=600,
        metadata=declared(
            _limit(
                label=words("Max time, seconds"),
                help=words("Time a run is worked on; waiting for a person is not counted"),
                unit="second",
                most=86_400,
                most_in_words=words("a day"),
                column_label=words("max seconds"),
                public_name="max_seconds",
                earlier_name="max_seconds",
                fact_label=words("Max time"),
                reached=words("The run reached its time limit."),
            )
        ),
    )
    """Time hosted, over all claims, waiting for retries included; time parked for a person is not counted."""

    max_tokens: int | None = field(
        default=None,
        metadata=declared(
            _limit(
                label=words("Max tokens"),
                help=words("Tokens of all replies of a run together"),
                empty=words("no limit"),
                unit="token",
                most=MAX_TOKENS_ALLOWED,
                reached=words("The run reached its token limit, or the next reply might have exceeded it."),
                raise_label=words("Allow more tokens"),
                resume_label=words("Resume with more tokens"),
            )
        ),
    )
    """Tokens of all replies together; None for no limit. Checked before each request and while a reply streams."""

    max_cost_usd: Decimal | None = field(
        default=None,
        metadata=declared(
            _limit(
                kind="money",
                label=words("Max cost, US dollars"),
                help=words("What a run may cost"),
                empty=words("no limit"),
                remark=words("A model whose price is unknown is not asked under a limit."),
                unit="dollar",
                least=Decimal("0.0001"),
                most=Decimal(100_000),
                column_label=words("max cost in USD"),
                fact_label=words("Max cost"),
                reached=words("The run reached its cost limit, or the next reply might have exceeded it."),
                resume_label=words("Resume with more money"),
                raise_label=words("Allow it to cost more"),
            )
        ),
    )
    """Cost of all replies together; None for no limit. Reserved before each request, checked while a reply streams."""

    context_tokens: int | None = field(
        default=None,
        metadata=declared(
            _limit(
                label=words("Context in tokens"),
                help=words("What its models can read at most, in tokens"),
                empty=words("what is known of each model"),
                unit="token",
                least=1_000,
                most=MAX_TOKENS_ALLOWED,
                is_launched=False,
                is_capped=False,
            )
        ),
    )
    """Context window in tokens; None: taken from the server or the price list (`context_size.py`)."""

    first_token_timeout_s: float | None = field(
        default=None,
        metadata=declared(
            _timeout(
                label=words("The first word of a reply"),
                help=words("How long a model may be silent at first"),
                column_label=words("time to the first word of a reply, in seconds"),
                fact_label=words("First word within"),
                fallback=FIRST_TOKEN_TIMEOUT_S,
                error_code="model_first_token_timeout",
            )
        ),
    )
    """The longest wait for the first piece of a reply without a keep-alive; None for the server's own limit, or
    `FIRST_TOKEN_TIMEOUT_S`. Not for a provider with `streams = False`."""

    idle_timeout_s: float | None = field(
        default=None,
        metadata=declared(
            _timeout(
                label=words("The next word of a reply"),
                help=words("How long a reply may pause once it has begun"),
                column_label=words("time to the next word of a reply, in seconds"),
                fact_label=words("Next word within"),
                fallback=IDLE_TIMEOUT_S,
                error_code="model_idle_timeout",
            )
        ),
    )
    """The longest silence in a reply that has begun; None for the server's own limit, or `IDLE_TIMEOUT_S`. A keep-alive
    ends a silence too."""

    model_timeout_s: float | None = field(
        default=None,
        metadata=declared(
            _timeout(
                label=words("A reply"),
                help=words("From a request to the end of its reply"),
                column_label=words("time for a reply, in seconds"),
                fact_label=words("A reply within"),
                error_code="model_timeout",
            )
        ),
    )
    """Limit of one attempt at a model reply, from request to last token; None for the server's own limit, or else only
    the run's time limit."""

    tool_timeout_s: float = field(
        default=30,
        metadata=declared(
            _timeout(
                label=words("A tool call"),
                help=words("What one call may take, unless the tool says otherwise itself"),
                column_label=words("time for a tool call, in seconds"),
                fact_label=words("A tool call within"),
                error_code="tool_timeout",
            )
        ),
    )
    """Limit of one tool call, unless the tool declares its own `timeout_s`."""

    max_parallel_calls: int = 8
    """Tool calls of one turn that run at the same time; the others wait for a slot."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be more than 0, not {value!r}.")


LIMITS: Final = settings_of(RunLimits)
"""The settings declared above: limits, then timeouts in the order of a request."""
