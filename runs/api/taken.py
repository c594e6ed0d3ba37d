"""The shapes of what the API takes, checked."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, field_validator

from runs.agent.limits import TIME_LIMITS
from runs.agent.providers.names import MAX_NAME_CHARS
from runs.api.schemas import Strategy
from runs.models.limits import (
    MAX_COST_ALLOWED,
    MAX_SECONDS_ALLOWED,
    MAX_TIME_LIMIT_S,
    MAX_TOKENS_ALLOWED,
    MAX_TURNS_ALLOWED,
    MIN_COST_ALLOWED,
    MIN_TIME_LIMIT_S,
)
from runs.storable import storable, storable_json

StatusFilter = Literal["", "idle", "thinking", "executing", "waiting", "completed", "failed", "cancelled"]
SeverityFilter = Literal["", "info", "warning", "error", "critical"]
CallStateFilter = Literal[
    "", "proposed", "awaiting_approval", "approved", "denied", "started", "succeeded", "failed", "unknown"
]
"""Empty: any."""


AskBefore = Literal["never", "unsafe", "always"]
Text = Annotated[str, AfterValidator(storable)]


class Taken(Schema):
    """What the API takes: a field it does not know is refused rather than ignored."""

    model_config = ConfigDict(extra="forbid")


_TimeLimit = Annotated[float | None, Field(strict=True, ge=MIN_TIME_LIMIT_S, le=MAX_TIME_LIMIT_S)]


class Overrides(Taken):
    """What a launch may change of its agent's configuration."""

    models: Annotated[
        list[Annotated[Text, StringConstraints(min_length=1, max_length=MAX_NAME_CHARS)]] | None,
        Field(min_length=1, max_length=8, description="In order of preference.", examples=[["offline"]]),
    ] = None
    strategy: Strategy | None = None
    approval: Annotated[
        AskBefore | None,
        Field(
            description="Before which calls a person is asked; not fewer than the agent says. "
            "Other rules than `always` need the scope `approve`."
        ),
    ] = None
    tools: Annotated[
        list[Annotated[Text, StringConstraints(min_length=1, max_length=128)]] | None,
        Field(max_length=200, description="Names of the tools it may use; an empty list means all."),
    ] = None
    max_turns: Annotated[int | None, Field(strict=True, ge=1, le=MAX_TURNS_ALLOWED)] = None
    max_seconds: Annotated[int | None, Field(strict=True, ge=1, le=MAX_SECONDS_ALLOWED)] = None
    max_tokens: Annotated[int | None, Field(strict=True, ge=1, le=MAX_TOKENS_ALLOWED)] = None
    max_cost_usd: Annotated[Decimal | None, Field(ge=MIN_COST_ALLOWED, le=MAX_COST_ALLOWED, decimal_places=4)] = None
    tool_timeout_s: _TimeLimit = None
    model_timeout_s: _TimeLimit = None
    first_token_timeout_s: _TimeLimit = None
    idle_timeout_s: _TimeLimit = None

    def chosen(self) -> dict[str, Any]:
        """As `control.launch` takes them: only what was sent, money as a decimal string."""
        chosen = {name: value for name, value in self.dict(exclude_unset=True).items() if value is not None}
        if "max_cost_usd" in chosen:
            chosen["max_cost_usd"] = format(chosen["max_cost_usd"], "f")
        return chosen


assert set(Overrides.model_fields) >= TIME_LIMITS, "A limit on waiting has no field."  # noqa: S101  at the start


class Launch(Taken):
    """A task, and what it should be done with."""

    task: Annotated[Text, Field(min_length=1, description="At most 256 KiB.", examples=["What is 17 * 23?"])]
    agent: Annotated[Text | None, Field(max_length=80, description="An agent's name; the default agent without.")] = (
        None
    )
    overrides: Overrides | None = None


class RunAgain(Taken):
    """What should be different this time."""

    overrides: Overrides | None = None


class FollowUp(Taken):
    """What to ask next."""

    message: Annotated[Text, Field(min_length=1, description="At most 256 KiB.", examples=["And in miles?"])]
    overrides: Overrides | None = None


_Hash = Annotated[Text, Field(max_length=64, description="The call's `arguments_hash` you decide about.")]
_Reason = Annotated[Text, Field(max_length=2000, description="It is recorded, and the model reads why it was denied.")]


class Denial(Taken):
    """A decision against a call."""

    arguments_hash: _Hash
    reason: _Reason = ""


class Approval(Taken):
    """A decision for a call."""

    arguments_hash: _Hash
    arguments: Annotated[
        dict[str, Any] | None, Field(description="Other arguments than the model asked for; they must fit the tool.")
    ] = None
    reason: _Reason = ""

    _no_broken_text = field_validator("arguments")(storable_json)


class Settlement(Taken):
    """What became of a call."""

    outcome: Annotated[
        Literal["happened", "run_again"], Field(description="`run_again`: it did not happen, and may start once more.")
    ]
    reason: Annotated[Text, Field(max_length=20_000, description="For `happened`: what came out of it.")] = ""
