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

    class OnExpiry(models.TextChoices):
        """What happens to a call nobody decided about in time."""

        DENY = "deny", "Deny it"
        APPROVE = "approve", "Approve it"

    name = models.CharField(max_length=80, unique=True)
    description = models.CharField(max_length=200, blank=True)
    instructions = models.TextField(blank=True, help_text="What the model is told before the task.")
    model_names = models.JSONField(
        default=list, help_text='Model names in order of preference, such as ["offline"] or ["openai:gpt-5-mini"].'
    )
    strategy = models.CharField(max_length=10, choices=Strategy, default=Strategy.FALLBACK)
    tools = models.JSONField(null=True, blank=True, help_text="Names of the tools it may use; empty means all of them.")
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
        """The configuration as JSON. A run keeps this, so that editing the agent never changes a run."""
        return {
            "agent": self.name,
            "instructions": self.instructions,
            "models": list(self.model_names) or ["offline"],
            "strategy": self.strategy,
            "tools": self.tools or None,
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
        }
