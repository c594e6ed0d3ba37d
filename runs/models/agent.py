"""A saved configuration a run is launched with."""

from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from runs.models.limits import (
    MAX_APPROVAL_SECONDS,
    MAX_COST_ALLOWED,
    MAX_PRIORITY,
    MAX_RUNS_AT_ONCE,
    MAX_SECONDS_ALLOWED,
    MAX_TOKENS_ALLOWED,
    MAX_TURNS_ALLOWED,
    MIN_CONTEXT_TOKENS,
    MIN_COST_ALLOWED,
    ValueCheck,
)


class Agent(models.Model):
    """A saved configuration: instructions, models in order, tools, limits and retry policy."""

    class Strategy(models.TextChoices):
        """How several models are used."""

        FALLBACK = "fallback", "Fallback: the next model when one fails"
        HEDGE = "hedge", "Hedge: the next model also when one is slow to begin"
        RACE = "race", "Race: all models at once, the first success wins"

    class Approval(models.TextChoices):
        """Which calls wait for a person before they run."""

        NEVER = "never", "Never"
        UNSAFE = "unsafe", "Unsafe tools only"
        ALWAYS = "always", "Always"

    class ReasoningEffort(models.TextChoices):
        """How much a model thinks before it answers; the values are those of `ModelSettings`."""

        NONE = "none", "None"
        MINIMAL = "minimal", "Minimal"
        LOW = "low", "Low"
        MEDIUM = "medium", "Medium"
        HIGH = "high", "High"
        XHIGH = "xhigh", "Extra high"
        MAX = "max", "As much as it can"

    class OnExpiry(models.TextChoices):
        """What happens to a call nobody decided about in time."""

        DENY = "deny", "Deny it"
        APPROVE = "approve", "Approve it"

    name = models.CharField(max_length=80, unique=True)
    description = models.CharField(max_length=200, blank=True)
    instructions = models.TextField(blank=True, help_text="What the model is told before the task.")
    model_names = models.JSONField(
        default=list, help_text='Model names in order of preference, such as ["offline"] or ["openai:gpt-6-astra"].'
    )
    strategy = models.CharField(max_length=10, choices=Strategy, default=Strategy.FALLBACK)
    tools = models.JSONField(
        null=True,
        blank=True,
        help_text='Names of the tools it may use, such as ["calculator"]; empty for all of them, [] for none.',
    )
    """Null: all of them, also those that are added later. An empty list: none, and no request names a tool."""
    reasoning_effort = models.CharField(
        max_length=8,
        choices=ReasoningEffort,
        blank=True,
        default="",
        help_text="How much its models think before they answer; empty for the provider's default.",
    )
    temperature = models.FloatField(
        null=True,
        blank=True,
        validators=[ValueCheck("temperature")],
        help_text="From 0, the likeliest words, to 2. Models that reason refuse it, as a rule; empty for the "
        "provider's default.",
    )
    top_p = models.FloatField(
        "top p",
        null=True,
        blank=True,
        validators=[ValueCheck("top_p")],
        help_text="The share of likely words that are chosen from, above 0 and at most 1. Set it or the temperature, "
        "not both; empty for the provider's default.",
    )
    max_output_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[ValueCheck("max_output_tokens")],
        help_text="The longest reply in tokens, reasoning included; empty for the most the model can.",
    )
    extra_settings = models.JSONField(
        default=dict,
        blank=True,
        validators=[ValueCheck("extra")],
        help_text='Members that are added to every request as they are, for what a server wants beyond: {"top_k": 40}.',
    )
    max_turns = models.PositiveIntegerField(
        default=20, validators=[MinValueValidator(1), MaxValueValidator(MAX_TURNS_ALLOWED)]
    )
    max_seconds = models.PositiveIntegerField(
        default=600, validators=[MinValueValidator(1), MaxValueValidator(MAX_SECONDS_ALLOWED)]
    )
    max_tokens = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_TOKENS_ALLOWED)],
        help_text="Tokens of all replies of a run together; empty for no limit.",
    )
    max_cost_usd = models.DecimalField(
        "max cost in USD",
        null=True,
        blank=True,
        max_digits=14,
        decimal_places=4,
        validators=[MinValueValidator(MIN_COST_ALLOWED), MaxValueValidator(MAX_COST_ALLOWED)],
        help_text="What a run may cost; empty for no limit. A model whose price is unknown is not asked under a limit.",
    )
    tool_timeout_s = models.FloatField(
        "time for a tool call, in seconds",
        null=True,
        blank=True,
        validators=[ValueCheck("tool_timeout_s")],
        help_text="What one call may take, unless the tool says otherwise itself; empty for the default.",
    )
    model_timeout_s = models.FloatField(
        "time for a reply, in seconds",
        null=True,
        blank=True,
        validators=[ValueCheck("model_timeout_s")],
        help_text="From a request to the end of its reply; empty for the default.",
    )
    first_token_timeout_s = models.FloatField(
        "time to the first word of a reply, in seconds",
        null=True,
        blank=True,
        validators=[ValueCheck("first_token_timeout_s")],
        help_text="How long a model may be silent at first; empty for the default.",
    )
    idle_timeout_s = models.FloatField(
        "time to the next word of a reply, in seconds",
        null=True,
        blank=True,
        validators=[ValueCheck("idle_timeout_s")],
        help_text="How long a reply may pause once it has begun; empty for the default.",
    )
    context_tokens = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(MIN_CONTEXT_TOKENS), MaxValueValidator(MAX_TOKENS_ALLOWED)],
        help_text="What its models can read at most, in tokens; empty for what is known of each model.",
    )
    output_schema = models.JSONField(
        null=True,
        blank=True,
        help_text="A JSON Schema (Draft 2020-12) the answer has to fit; empty for an answer in text.",
    )
    max_attempts = models.PositiveIntegerField(
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(10)],
        help_text="Attempts at one model reply, the first included.",
    )
    approval = models.CharField(
        "asks before a tool runs",
        max_length=6,
        choices=Approval,
        default=Approval.UNSAFE,
        help_text="Which calls wait for a person.",
    )
    tool_approvals = models.JSONField(
        default=dict,
        blank=True,
        help_text='Tools with a rule of their own, such as {"send_mail": "always", "search": "never"}.',
    )
    approval_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_APPROVAL_SECONDS)],
        help_text="How long a call waits for a person; empty for ever.",
    )
    on_approval_expiry = models.CharField(max_length=7, choices=OnExpiry, default=OnExpiry.DENY)
    priority = models.SmallIntegerField(
        default=0,
        validators=[MinValueValidator(-MAX_PRIORITY), MaxValueValidator(MAX_PRIORITY)],
        help_text="Queued runs of a higher priority are hosted first.",
    )
    max_runs_at_once = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_RUNS_AT_ONCE)],
        help_text="How many of its runs may be hosted at the same time; empty for no limit. The others stay queued.",
    )
    is_default = models.BooleanField(default=False, help_text="Chosen when a run is launched without naming an agent.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("is_default", condition=Q(is_default=True), name="one_default_agent"),
        ]

    def __str__(self) -> str:
        return self.name

    def snapshot(self) -> dict[str, Any]:
        """The configuration as JSON. A run keeps this, so that editing the agent never changes a run.

        Settings of the model and time limits that are left to the defaults have no key: each held run keeps this.
        """
        chosen = {
            "reasoning_effort": self.reasoning_effort or None,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_output_tokens": self.max_output_tokens,
            "extra": dict(self.extra_settings) if self.extra_settings else None,
            "tool_timeout_s": self.tool_timeout_s,
            "model_timeout_s": self.model_timeout_s,
            "first_token_timeout_s": self.first_token_timeout_s,
            "idle_timeout_s": self.idle_timeout_s,
        }
        return {
            "agent": self.name,
            "instructions": self.instructions,
            "models": list(self.model_names) or ["offline"],
            "strategy": self.strategy,
            "tools": self.tools,
            "max_turns": self.max_turns,
            "max_seconds": self.max_seconds,
            "max_attempts": self.max_attempts,
            "max_tokens": self.max_tokens,
            "max_cost_usd": None if self.max_cost_usd is None else str(self.max_cost_usd),
            "context_tokens": self.context_tokens,
            "output_schema": self.output_schema,
            "approval": self.approval,
            "tool_approvals": dict(self.tool_approvals),
            "approval_seconds": self.approval_seconds,
            "on_approval_expiry": self.on_approval_expiry,
            **{name: value for name, value in chosen.items() if value is not None},
        }
